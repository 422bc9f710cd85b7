//! Corporations: registered by a partner, known to be a business by their documents, their people's
//! verifications, and who decides on them.

mod change;
mod documents;
mod kyb;
mod remove;

pub use change::Changes;
pub use documents::{NewDocument, SubmitDocuments, Submitted};
pub use kyb::{DecideKyb, Shown};
/// A document of a corporation, without what it says.
pub use store::corporations::Document;

use crate::audit::{Done, Entry};
use crate::keyring::EPOCH;
use crate::once::Turn;
use crate::owners::OwnerName;
use crate::refusals::Refusal;
use crate::users::address_text;
use crate::{App, Error, Once, ids};
use crypto::keys::Purpose;
use crypto::seal::{Place, SealingKey};
use domain::Date;
use domain::corporation::{Beneficiary, Corporation, Kyb, Person, Persons, Profile};
use domain::ids::{CorporationId, UserId};
use domain::scope::Scope;
use domain::user::Country;
use serde_json::{Value, json};
use store::corporations::{self, Kept};
use uuid::Uuid;

/// `dcCorporationId`, as the wire names a corporation.
pub type CorporationName = Uuid;

/// A corporation to be.
#[derive(Clone, Debug)]
pub struct RegisterCorporation {
    /// What it is.
    pub profile: Profile,
    /// Who acts for it and owns it.
    pub persons: Persons,
}

impl App {
    /// Registers a corporation. Nothing is its own until its KYB is accepted.
    pub async fn register_corporation(
        &self,
        scope: Scope,
        command: RegisterCorporation,
        once: Once<Corporation>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let corporation = Corporation {
            id: self.new_corporation_id().await?,
            resource: ids::random_id(),
            profile: command.profile,
            kyb: Kyb::None,
            kyb_reference: None,
            version: 0,
        };
        let text = persons_json(&command.persons).to_string();
        let row = corporation.id.0.to_string();
        let key = self.sealing_of_persons(scope).await?;
        let sealed = key.seal(&place(scope, &row), text.as_bytes());
        let facts = self.corporation_facts(scope, &corporation, &text);
        let hits = self.look_for_corporation(scope, &corporation.profile.name, &command.persons);
        let mut tx = self.db.begin().await?;
        let made = (&corporation, sealed.as_slice());
        let result = match corporations::insert(&mut tx, scope, made, self.now()).await {
            Ok(true) => {
                let entry = Entry::made("corporation.register", corporation.resource, facts);
                let name = OwnerName::Corporation(corporation.resource);
                let found = (name, corporation.id.into(), &hits);
                self.keep_new_hits(&mut tx, scope, found, &once.origin.request_id)
                    .await
                    .map(|others| Done::changed(corporation, entry).and(others))
            }
            Ok(false) => Err(Refusal::CorporationAlreadyExists.into()),
            Err(error) => Err(error.into()),
        };
        self.finish(scope, &once, tx, result).await
    }

    /// What the people and the documents of a partner's corporations are sealed with. Asked before
    /// a transaction: it may need one.
    pub(crate) async fn sealing_of_persons(&self, scope: Scope) -> Result<SealingKey, Error> {
        Ok(self.partner_key(scope.partner()).await?.sealing(Purpose::Document, EPOCH))
    }

    /// What an audit record tells of a new corporation.
    fn corporation_facts(&self, scope: Scope, corporation: &Corporation, persons: &str) -> Value {
        let Profile { name, registration_number, tax_id, country, address } = &corporation.profile;
        let digests =
            self.digests(scope.partner(), format!("corporation/{}", corporation.resource));
        json!({
            "number": corporation.id.0,
            "name": name,
            "registrationNumber": registration_number,
            "taxId": tax_id,
            "country": country.as_str(),
            "address": digests.of("address", Some(&address_text(address))),
            "persons": digests.of("persons", Some(persons)),
            "kyb": corporation.kyb.as_str(),
        })
    }

    /// A new corporation's number: of the series of users, since either may own a balance.
    async fn new_corporation_id(&self) -> Result<CorporationId, Error> {
        self.new_user_id().await.map(|id| CorporationId(id.0))
    }
}

/// The people of a corporation, opened.
pub(crate) fn open_persons(key: &SealingKey, scope: Scope, kept: &Kept) -> Result<Persons, Error> {
    let row = kept.corporation.id.0.to_string();
    let opened = key.open(&place(scope, &row), &kept.persons)?;
    let value = serde_json::from_slice(&opened).ok();
    let persons = value.as_ref().and_then(read_persons);
    persons.ok_or(Error::broken("the people of a corporation can't be read"))
}

/// A corporation as the operator's commands show it.
#[must_use]
pub fn corporation_json(corporation: &Corporation) -> Value {
    json!({
        "dcCorporationId": corporation.resource,
        "name": corporation.profile.name,
        "kyb": corporation.kyb.as_str(),
        "reference": corporation.kyb_reference,
    })
}

fn place(scope: Scope, row: &str) -> Place<'_> {
    Place { table: "corporation", column: "persons", partner: scope.partner(), row }
}

fn persons_json(persons: &Persons) -> Value {
    let owner = |it: &Beneficiary| json!({ "person": person_json(&it.person), "share": it.share });
    json!({
        "representative": person_json(&persons.representative),
        "board": persons.board.iter().map(person_json).collect::<Vec<_>>(),
        "beneficiaries": persons.beneficiaries.iter().map(owner).collect::<Vec<_>>(),
    })
}

fn person_json(person: &Person) -> Value {
    json!({
        "firstName": person.first_name,
        "lastName": person.last_name,
        "birthDate": person.birth_date.to_string(),
        "nationality": person.nationality.as_str(),
        "userId": person.user.map(|user| user.0),
    })
}

fn read_persons(value: &Value) -> Option<Persons> {
    let all = |name: &str| value[name].as_array();
    let owner = |it: &Value| {
        Some(Beneficiary { person: read_person(&it["person"])?, share: it["share"].as_i64()? })
    };
    Some(Persons {
        representative: read_person(&value["representative"])?,
        board: all("board")?.iter().map(read_person).collect::<Option<_>>()?,
        beneficiaries: all("beneficiaries")?.iter().map(owner).collect::<Option<_>>()?,
    })
}

fn read_person(value: &Value) -> Option<Person> {
    let text = |name: &str| value[name].as_str();
    Some(Person {
        first_name: text("firstName")?.to_owned(),
        last_name: text("lastName")?.to_owned(),
        birth_date: text("birthDate")?.parse::<Date>().ok()?,
        nationality: Country::parse(text("nationality")?)?,
        user: value["userId"].as_i64().map(UserId),
    })
}
