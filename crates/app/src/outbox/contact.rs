//! How a user was addressed when something happened to a form of theirs: kept with what tells of
//! it, sealed, until the user is erased. So each try says the same, whatever they are called since.

use crate::keyring::EPOCH;
use crate::{App, Error};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::keys::Purpose;
use crypto::seal::Place;
use domain::ids::PartnerId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::users::Contact;

/// Where it stands in what a row keeps.
pub(crate) const KEPT: &str = "contact";

/// What is told of who somebody is.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Addressed {
    pub(super) email: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
}

impl Addressed {
    /// A user as they are addressed; none of one who is erased.
    pub(super) fn of(contact: &Contact) -> Option<Self> {
        let Contact { email, first_name, last_name, .. } = contact.clone();
        (!email.is_empty()).then_some(Self { email, first_name, last_name })
    }
}

impl App {
    /// How a user is addressed now, sealed for the row that tells of this form in this state.
    pub(crate) async fn seal_contact(
        &self,
        partner: PartnerId,
        (form, status): (&str, &str),
        contact: &Contact,
    ) -> Result<Value, Error> {
        let Some(addressed) = Addressed::of(contact) else { return Ok(Value::Null) };
        let text = serde_json::to_vec(&addressed);
        let text = text.map_err(|_| Error::broken("names aren't JSON"))?;
        let sealing = self.partner_key(partner).await?.sealing(Purpose::Answer, EPOCH);
        let row = row(form, status);
        Ok(STANDARD.encode(sealing.seal(&place(partner, &row), &text)).into())
    }

    pub(super) async fn open_contact(
        &self,
        partner: PartnerId,
        (form, status): (&str, &str),
        sealed: &str,
    ) -> Result<Addressed, Error> {
        let unreadable = || Error::broken("what is kept of a user can't be read");
        let sealed = STANDARD.decode(sealed).map_err(|_| unreadable())?;
        let sealing = self.partner_key(partner).await?.sealing(Purpose::Answer, EPOCH);
        let row = row(form, status);
        let text = sealing.open(&place(partner, &row), &sealed)?;
        serde_json::from_slice(&text).map_err(|_| unreadable())
    }
}

/// A form is told of once in each state.
fn row(form: &str, status: &str) -> String {
    format!("{form}/{status}")
}

fn place(partner: PartnerId, row: &str) -> Place<'_> {
    Place { table: "outbox", column: "detail", partner, row }
}
