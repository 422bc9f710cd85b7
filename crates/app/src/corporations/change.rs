//! Change a corporation. Who acts for an accepted one, or owns it, was verified before, and what it
//! is in its country's register stands as long as it is accepted.

use super::{Shown, open_persons, persons_json, place};
use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::owners::{self, OwnerName};
use crate::refusals::Refusal;
use crate::screening::Looked;
use crate::{App, Error, Once};
use crypto::seal::SealingKey;
use domain::corporation::{Beneficiary, Corporation, Kyb, Person, Persons, Profile};
use domain::scope::Scope;
use domain::screening::cases::Because;
use domain::user::{Address, Country};
use serde_json::Value;
use store::db::Tx;
use store::{StoreError, corporations};
use uuid::Uuid;

/// What is to change; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Its registered name.
    pub name: Option<String>,
    /// Its number in the register of its country.
    pub registration_number: Option<String>,
    /// Its tax number.
    pub tax_id: Option<String>,
    /// Where it is registered.
    pub country: Option<Country>,
    /// Its seat.
    pub address: Option<Address>,
    /// Who speaks for it.
    pub representative: Option<Person>,
    /// Its whole board.
    pub board: Option<Vec<Person>>,
    /// All who own it.
    pub beneficiaries: Option<Vec<Beneficiary>>,
}

/// A change, and what it is of.
struct Change {
    before: Corporation,
    old: Persons,
    after: Corporation,
    persons: Persons,
    /// Whom it may be after that, if that may be somebody else.
    found: Option<Looked>,
}

impl App {
    /// Changes a corporation.
    pub async fn change_corporation(
        &self,
        scope: Scope,
        (name, changes): (Uuid, Changes),
        once: Once<Shown>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let key = self.sealing_of_persons(scope).await?;
        let request_id = once.origin.request_id.as_str();
        // A hundred names are looked for before the transaction, and again if somebody was faster.
        loop {
            let mut tx = self.db.read().await?;
            let kept = corporations::find(&mut tx, scope, name).await;
            let Some(kept) = tx.end(kept).await? else {
                return self.keep_refusal(scope, &once, Refusal::CorporationNotFound).await;
            };
            let old = open_persons(&key, scope, &kept)?;
            let (profile, persons) = changed(&kept.corporation.profile, &old, changes.clone());
            let before = kept.corporation;
            let is_found = before.profile.name != profile.name || old != persons;
            let found = is_found.then(|| self.look_for_corporation(scope, &profile.name, &persons));
            let after = Corporation { profile, ..before.clone() };
            let change = Change { before, old, after, persons, found };
            let mut tx = self.db.begin().await?;
            let result = self.change_in(&mut tx, scope, change, (&key, request_id)).await;
            let result = match result {
                Ok(None) => {
                    tx.rollback().await;
                    continue;
                }
                Ok(Some(done)) => Ok(done),
                Err(error) => Err(error),
            };
            let answer = self.finish(scope, &once, tx, result).await;
            self.outbox.bell().ring();
            return answer;
        }
    }

    /// Nothing if it was changed since it was read.
    async fn change_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        change: Change,
        (key, request_id): (&SealingKey, &str),
    ) -> Result<Option<Done<Shown>>, Error> {
        let Change { before, old, after, persons, found } = change;
        let name = before.resource;
        let now = corporations::find_locked(tx, scope, name).await?;
        let now = now.ok_or(Refusal::CorporationNotFound)?.corporation;
        if now.version != before.version {
            return Ok(None);
        }
        self.may_change(tx, scope, (&before, &old), (&after, &persons), key).await?;
        let (was, is) = (persons_json(&old).to_string(), persons_json(&persons).to_string());
        let sealed = key.seal(&place(scope, &after.id.0.to_string()), is.as_bytes());
        match corporations::update(tx, scope, (&after, &sealed)).await {
            Err(StoreError::Duplicate(_)) => {
                return Err(Refusal::CorporationAlreadyExists.into());
            }
            updated => updated?,
        }
        let facts = |it: &Corporation, persons: &str| self.corporation_facts(scope, it, persons);
        let (was, is) = (facts(&before, &was), facts(&after, &is));
        let entry = Entry::changed("corporation.change", name, &was, &is);
        let mut others = Vec::new();
        if let Some(found) = found {
            let owner = owners::find_locked(tx, scope, OwnerName::Corporation(name)).await?;
            let found = (&owner, &found, Because::OfChange);
            others = self.keep_hits(tx, scope, found, request_id).await?;
        }
        let missing = self.missing_in(tx, scope, (after.id, &persons), key).await?;
        let documents = corporations::documents(tx, scope, after.id).await?;
        let corporation = Corporation { version: after.version + 1, ..after };
        let shown = Shown { corporation, persons, documents, missing };
        Ok(Some(Done::changed(shown, entry).and(others)))
    }

    /// What an accepted corporation was accepted as stands, and nobody comes to act for it or to
    /// own it who isn't verified.
    async fn may_change(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (before, old): (&Corporation, &Persons),
        (after, new): (&Corporation, &Persons),
        key: &SealingKey,
    ) -> Result<(), Error> {
        if before.kyb != Kyb::Accepted {
            return Ok(());
        }
        let registered = |it: &Profile| {
            (it.name.clone(), it.registration_number.clone(), it.country.as_str().to_owned())
        };
        if registered(&before.profile) != registered(&after.profile) {
            return Err(Refusal::CorporationAccepted.into());
        }
        if new.board.is_empty() && !old.board.is_empty() {
            return Err(Refusal::KybIncomplete.into());
        }
        for (_, person) in new.to_verify() {
            let known = old.to_verify().any(|(_, it)| it == person);
            if !known && !self.is_verified(tx, scope, person, key).await? {
                return Err(Refusal::KybIncomplete.into());
            }
        }
        Ok(())
    }
}

fn changed(profile: &Profile, persons: &Persons, changes: Changes) -> (Profile, Persons) {
    let (profile, persons) = (profile.clone(), persons.clone());
    let profile = Profile {
        name: changes.name.unwrap_or(profile.name),
        registration_number: changes.registration_number.unwrap_or(profile.registration_number),
        tax_id: changes.tax_id.or(profile.tax_id),
        country: changes.country.unwrap_or(profile.country),
        address: changes.address.unwrap_or(profile.address),
    };
    let persons = Persons {
        representative: changes.representative.unwrap_or(persons.representative),
        board: changes.board.unwrap_or(persons.board),
        beneficiaries: changes.beneficiaries.unwrap_or(persons.beneficiaries),
    };
    (profile, persons)
}
