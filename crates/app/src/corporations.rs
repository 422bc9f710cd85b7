//! Corporations: registered by a partner, known to be a business by a check that is on record.

use crate::audit::{Done, Entry, Operator};
use crate::keyring::EPOCH;
use crate::once::Turn;
use crate::owners::OwnerName;
use crate::refusals::Refusal;
use crate::{App, Error, Once, ids};
use crypto::keys::Purpose;
use crypto::seal::{Place, SealingKey};
use domain::Date;
use domain::corporation::{Beneficiary, Corporation, Kyb, Person, Persons, Profile};
use domain::ids::{CorporationId, PartnerId};
use domain::scope::Scope;
use domain::user::Country;
use serde_json::{Value, json};
use store::corporations::{self, Kept};
use store::db::Tx;
use uuid::Uuid;

/// `dcCorporationId`, as the wire names a corporation.
pub type CorporationName = Uuid;

/// Characters of a reference at most.
const REFERENCE_MAX: usize = 200;

/// A corporation to be.
#[derive(Clone, Debug)]
pub struct RegisterCorporation {
    /// What it is.
    pub profile: Profile,
    /// Who acts for it and owns it.
    pub persons: Persons,
}

/// A corporation with its people.
#[derive(Clone, Debug)]
pub struct WithPersons {
    /// What it is.
    pub corporation: Corporation,
    /// Who acts for it and owns it.
    pub persons: Persons,
}

/// What came of KYB, as somebody decided it.
#[derive(Clone, Debug)]
pub struct DecideKyb {
    /// The corporation, as the wire names it.
    pub corporation: Uuid,
    /// What came of it.
    pub kyb: Kyb,
    /// Where the check that was made is on record.
    pub reference: String,
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

    /// A corporation.
    pub async fn corporation(&self, scope: Scope, name: Uuid) -> Result<Corporation, Error> {
        Ok(self.kept_corporation(scope, name).await?.corporation)
    }

    async fn kept_corporation(&self, scope: Scope, name: Uuid) -> Result<Kept, Error> {
        let mut tx = self.db.read().await?;
        let found = corporations::find(&mut tx, scope, name).await;
        Ok(tx.end(found).await?.ok_or(Refusal::CorporationNotFound)?)
    }

    /// A corporation and its people.
    pub async fn corporation_with_persons(
        &self,
        scope: Scope,
        name: Uuid,
    ) -> Result<WithPersons, Error> {
        let Kept { corporation, persons, .. } = self.kept_corporation(scope, name).await?;
        let row = corporation.id.0.to_string();
        let opened = self.sealing_of_persons(scope).await?.open(&place(scope, &row), &persons)?;
        let value = serde_json::from_slice(&opened).ok();
        let persons = value.as_ref().and_then(read_persons);
        let persons = persons.ok_or(Error::broken("the people of a corporation can't be read"))?;
        Ok(WithPersons { corporation, persons })
    }

    /// Says what came of KYB. What was said before may be said again, and changes nothing.
    pub async fn decide_kyb(
        &self,
        operator: &Operator,
        partner: PartnerId,
        command: DecideKyb,
    ) -> Result<Corporation, Error> {
        let length = command.reference.trim().chars().count();
        if !(1..=REFERENCE_MAX).contains(&length) || command.reference.chars().any(char::is_control)
        {
            return Err(Refusal::KybInvalid.into());
        }
        let mut tx = self.db.begin().await?;
        let decided = self.decide_kyb_in(&mut tx, operator, partner, command).await;
        tx.end(decided).await
    }

    async fn decide_kyb_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        partner: PartnerId,
        DecideKyb { corporation: name, kyb, reference }: DecideKyb,
    ) -> Result<Corporation, Error> {
        let scope = Scope::platform(partner, "KYB is decided by the operator");
        let found = corporations::find_locked(tx, scope, name).await?;
        let before = found.ok_or(Refusal::CorporationNotFound)?.corporation;
        let kyb_reference = Some(reference.trim().to_owned());
        let after = Corporation { kyb, kyb_reference, ..before.clone() };
        if after == before {
            return Ok(before);
        }
        corporations::set_kyb(tx, scope, &after).await?;
        let told =
            |it: &Corporation| json!({ "kyb": it.kyb.as_str(), "reference": it.kyb_reference });
        let change = json!({ "before": told(&before), "after": told(&after) });
        let act = ("corporation.decide", &*name.to_string(), &change);
        self.record_act(tx, operator, partner, act).await?;
        Ok(after)
    }

    async fn sealing_of_persons(&self, scope: Scope) -> Result<SealingKey, Error> {
        Ok(self.partner_key(scope.partner()).await?.sealing(Purpose::Document, EPOCH))
    }

    /// What an audit record tells of a new corporation.
    fn corporation_facts(&self, scope: Scope, corporation: &Corporation, persons: &str) -> Value {
        let Profile { name, registration_number, tax_id, country, .. } = &corporation.profile;
        let digests =
            self.digests(scope.partner(), format!("corporation/{}", corporation.resource));
        json!({
            "number": corporation.id.0,
            "name": name,
            "registrationNumber": registration_number,
            "taxId": tax_id,
            "country": country.as_str(),
            "persons": digests.of("persons", Some(persons)),
            "kyb": corporation.kyb.as_str(),
        })
    }

    /// A new corporation's number: of the series of users, since either may own a balance.
    async fn new_corporation_id(&self) -> Result<CorporationId, Error> {
        self.new_user_id().await.map(|id| CorporationId(id.0))
    }
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
    })
}
