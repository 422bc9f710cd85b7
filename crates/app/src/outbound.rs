//! How partners are called: where, with which certificate, signed by which secret.
//!
//! Keys and secrets are sealed by the partner's key and opened only to make a client of them.

mod ask;
mod balances;
mod certificate;
mod check;
mod secret;

pub(crate) use balances::Patience;
pub(crate) use certificate::checked_ca;
pub use certificate::{Import, our_certificate_json};
pub use check::Check;
pub use secret::SecretAct;

use crate::audit::{Entry, Operator, Origin};
use crate::certificates::hex;
use crate::keyring::EPOCH;
use crate::{App, Error};
use crypto::digest::sha256;
use crypto::keys::Purpose;
use crypto::seal::Place;
use domain::ids::PartnerId;
use domain::notification::Event;
use serde_json::{Value, json};
use store::db::Tx;
use store::instance;
use store::outbound::{Outbound, find_locked, save};
use zeroize::Zeroizing;

/// What a partner's URL and authority must be.
pub use ::outbound::target::{Reach, TargetError, base_url, check_trusted_ca};

/// Bytes of a secret that calls are signed with (Standard Webhooks: 24 to 64).
const SECRET_BYTES: usize = 32;

/// What is to change of how a partner is called; `None` leaves it as it is.
#[derive(Debug, Default)]
pub struct SetOutbound {
    /// Where its paths begin.
    pub base_url: Option<String>,
    /// The authority of its server, PEM.
    pub trusted_ca: Option<String>,
    /// How we show who we are.
    pub identity: Option<Identity>,
    /// What it is told of.
    pub notifications: Option<Vec<Event>>,
    /// Whether what is sensitive of that is encrypted for its key.
    pub encrypt: Option<bool>,
}

impl SetOutbound {
    /// Whether the partner is called elsewhere from then on: whoever answers there approves its
    /// payments.
    pub(crate) fn redirects(&self) -> bool {
        self.base_url.is_some() || self.trusted_ca.is_some()
    }

    /// Whether nothing is to change.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { base_url, trusted_ca, identity, notifications, encrypt } = self;
        base_url.is_none()
            && trusted_ca.is_none()
            && identity.is_none()
            && notifications.is_none()
            && encrypt.is_none()
    }
}

/// Our certificate for a partner, and its key.
pub struct Identity {
    /// The certificate, PEM; those of its issuers may follow.
    pub certificate: String,
    /// The private key, PEM.
    pub key: Zeroizing<String>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(…)")
    }
}

/// Which of a partner's secrets is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The key of our certificate: a PEM text.
    Key,
    /// What calls are signed with.
    Secret,
}

impl Kept {
    fn column(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Secret => "secret",
        }
    }
}

impl App {
    /// Seals a secret of a partner's calls.
    pub(crate) async fn seal_outbound(
        &self,
        partner: PartnerId,
        kept: Kept,
        secret: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let sealing = self.partner_key(partner).await?.sealing(Purpose::Secret, EPOCH);
        Ok(sealing.seal(&place(partner, kept), secret))
    }

    /// Opens what was sealed so.
    pub async fn open_outbound(
        &self,
        partner: PartnerId,
        kept: Kept,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let sealing = self.partner_key(partner).await?.sealing(Purpose::Secret, EPOCH);
        Ok(sealing.open(&place(partner, kept), sealed)?)
    }

    /// Changes what is given of how a partner is called, and leaves the rest.
    pub async fn set_outbound(
        &self,
        operator: &Operator,
        partner: PartnerId,
        command: SetOutbound,
    ) -> Result<(), Error> {
        // The key is unwrapped before the transaction: it may have to be read.
        self.partner_key(partner).await?;
        let key = match &command.identity {
            Some(identity) => {
                Some(self.seal_outbound(partner, Kept::Key, identity.key.as_bytes()).await?)
            }
            None => None,
        };
        let mut tx = self.db.begin().await?;
        let set = self.set_outbound_in(&mut tx, &operator.origin(), partner, (command, key)).await;
        tx.end(set).await?;
        self.refresh_settings().await
    }

    pub(crate) async fn set_outbound_in(
        &self,
        tx: &mut Tx,
        origin: &Origin,
        partner: PartnerId,
        command: (SetOutbound, Option<Vec<u8>>),
    ) -> Result<(), Error> {
        let (command, key) = command;
        let mut before = json!({});
        let outbound = self
            .change_outbound_in(tx, partner, |outbound| {
                before = facts(outbound);
                outbound.base_url = command.base_url.or(outbound.base_url.take());
                outbound.trusted_ca = command.trusted_ca.or(outbound.trusted_ca.take());
                outbound.encrypt = command.encrypt.unwrap_or(outbound.encrypt);
                if let Some(events) = command.notifications {
                    outbound.notifications = events;
                }
                if let Some(identity) = command.identity {
                    (outbound.certificate, outbound.key) = (Some(identity.certificate), key);
                }
            })
            .await?;
        let entry = Entry::changed("partner.outbound", "calls", &before, &facts(&outbound));
        self.record(tx, partner, origin, entry).await
    }

    /// Changes how a partner is called, beginning with a new secret where nothing is known yet, and
    /// tells every node. Raising the version first has two operators take turns.
    pub(crate) async fn change_outbound_in(
        &self,
        tx: &mut Tx,
        partner: PartnerId,
        change: impl FnOnce(&mut Outbound) + Send,
    ) -> Result<Outbound, Error> {
        instance::raise_settings_version(tx).await?;
        let mut outbound = match find_locked(tx, partner).await? {
            Some(outbound) => outbound,
            None => self.new_outbound(partner).await?,
        };
        change(&mut outbound);
        save(tx, &outbound, self.now()).await?;
        Ok(outbound)
    }

    async fn new_outbound(&self, partner: PartnerId) -> Result<Outbound, Error> {
        let secret: Zeroizing<[u8; SECRET_BYTES]> = Zeroizing::new(crypto::random::bytes());
        Ok(Outbound {
            partner,
            base_url: None,
            trusted_ca: None,
            certificate: None,
            key: None,
            pending_key: None,
            pending_name: None,
            secret: self.seal_outbound(partner, Kept::Secret, &*secret).await?,
            previous_secret: None,
            previous_until: None,
            notifications: Event::USUAL.to_vec(),
            encrypt: false,
        })
    }
}

/// What an audit record tells of how a partner is called: PEM texts by their SHA-256.
fn facts(outbound: &Outbound) -> Value {
    let digest = |pem: &Option<String>| pem.as_ref().map(|pem| hex(&sha256(pem.as_bytes())));
    let mut facts = outbound_json(outbound);
    facts["trustedCa"] = digest(&outbound.trusted_ca).into();
    facts["certificate"] = digest(&outbound.certificate).into();
    facts
}

/// How a partner is called, without keys and secrets.
#[must_use]
pub fn outbound_json(outbound: &Outbound) -> Value {
    let words: Vec<&str> = outbound.notifications.iter().map(|event| event.as_str()).collect();
    json!({
        "baseUrl": outbound.base_url,
        "complete": outbound.is_complete(),
        "notifications": words,
        "encryptNotifications": outbound.encrypt,
    })
}

fn place(partner: PartnerId, kept: Kept) -> Place<'static> {
    Place { table: "outbound", column: kept.column(), partner, row: "" }
}
