//! KYB: what a corporation still needs, and what somebody of the operator's, or of a licensed
//! partner's, decides.

use super::open_persons;
use crate::audit::{Done, Entry, Operator, Origin, is_remark};
use crate::once::Turn;
use crate::page::Page;
use crate::refusals::Refusal;
use crate::verifications::open_form;
use crate::{App, Error, Once};
use crypto::seal::SealingKey;
use domain::admin::Role;
use domain::corporation::{Corporation, Kyb, KybDecision, Missing, Person, Persons, missing};
use domain::ids::{CorporationId, PartnerId};
use domain::partner::KybBy;
use domain::scope::Scope;
use domain::screening::cases::locks;
use domain::user::{Kyc, Profile};
use serde_json::{Value, json};
use store::corporations::{self, Document};
use store::db::Tx;
use store::{screening, users, verifications};
use uuid::Uuid;

/// Characters of a reference at most.
const REFERENCE_MAX: usize = 200;

/// What came of KYB, as somebody decided it.
#[derive(Clone, Debug)]
pub struct DecideKyb {
    /// The corporation, as the wire names it.
    pub corporation: Uuid,
    /// What came of it.
    pub decision: KybDecision,
    /// Where the check that was made is on record.
    pub reference: String,
    /// Which version of the corporation was looked at, if that was told.
    pub version: Option<i64>,
}

/// A corporation with all that KYB looks at.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What it is.
    pub corporation: Corporation,
    /// Who acts for it and owns it.
    pub persons: Persons,
    /// What it has proved with, the oldest first.
    pub documents: Vec<Document>,
    /// What KYB still needs.
    pub missing: Vec<Missing>,
}

impl App {
    /// A corporation with all that KYB looks at.
    pub async fn shown_corporation(&self, scope: Scope, name: Uuid) -> Result<Shown, Error> {
        let key = self.sealing_of_persons(scope).await?;
        let mut tx = self.db.read().await?;
        let shown = async {
            let kept = corporations::find(&mut tx, scope, name).await?;
            let kept = kept.ok_or(Refusal::CorporationNotFound)?;
            let (persons, id) = (open_persons(&key, scope, &kept)?, kept.corporation.id);
            let missing = self.missing_in(&mut tx, scope, (id, &persons), &key).await?;
            let documents = corporations::documents(&mut tx, scope, id).await?;
            Ok(Shown { corporation: kept.corporation, persons, documents, missing })
        };
        let shown = shown.await;
        tx.end(shown).await
    }

    /// The same, for who decides: that it was shown is recorded.
    pub async fn reviewed_corporation(
        &self,
        scope: Scope,
        name: Uuid,
        origin: &Origin,
    ) -> Result<Shown, Error> {
        let shown = self.shown_corporation(scope, name).await?;
        let mut tx = self.db.begin().await?;
        let entry = Entry::shown("corporation.show", name, &["persons"]);
        let recorded = self.record(&mut tx, scope.partner(), origin, entry).await;
        tx.end(recorded).await?;
        Ok(shown)
    }

    /// Corporations of a partner by number, from the one after a number on: of one state of KYB, or
    /// of all.
    pub async fn corporations(
        &self,
        scope: Scope,
        (kyb, after): (Option<Kyb>, i64),
        limit: i64,
    ) -> Result<Page<Corporation>, Error> {
        let mut tx = self.db.read().await?;
        let from = (kyb, CorporationId(after));
        let rows = corporations::list(&mut tx, scope, from, limit + 1).await;
        Ok(Page::of(tx.end(rows).await?, limit, |it| it.id.0))
    }

    /// Says what came of KYB, in the name of a panel account. What was said before may be said
    /// again, and changes nothing.
    pub async fn decide_kyb(
        &self,
        scope: Scope,
        (role, command): (Role, DecideKyb),
        once: Once<()>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        self.may_decide_kyb(scope, role)?;
        let key = self.sealing_of_persons(scope).await?;
        let mut tx = self.db.begin().await?;
        let result = self.decide_kyb_in(&mut tx, scope, command, &key).await;
        let result = result.map(|(_, entries)| Done::unchanged(()).and(entries));
        self.finish(scope, &once, tx, result).await
    }

    /// The same in the name of the operator.
    pub async fn decide_kyb_as(
        &self,
        operator: &Operator,
        partner: PartnerId,
        command: DecideKyb,
    ) -> Result<Corporation, Error> {
        if !is_remark(&command.reference, REFERENCE_MAX) {
            return Err(Refusal::KybInvalid.into());
        }
        let scope = Scope::platform(partner, "KYB is decided by the operator");
        let origin = Origin::here(&operator.0);
        let key = self.sealing_of_persons(scope).await?;
        let mut tx = self.db.begin().await?;
        let decided = async {
            let (after, entries) = self.decide_kyb_in(&mut tx, scope, command, &key).await?;
            self.record_all(&mut tx, partner, &origin, entries).await?;
            Ok(after)
        };
        let decided = decided.await;
        tx.end(decided).await
    }

    async fn decide_kyb_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        DecideKyb { corporation: name, decision, reference, version }: DecideKyb,
        key: &SealingKey,
    ) -> Result<(Corporation, Vec<Entry>), Error> {
        let found = corporations::find_locked(tx, scope, name).await?;
        let kept = found.ok_or(Refusal::CorporationNotFound)?;
        let persons = open_persons(key, scope, &kept)?;
        let before = kept.corporation;
        if version.is_some_and(|version| version != before.version) {
            return Err(Refusal::CorporationChanged.into());
        }
        let missing = self.missing_in(tx, scope, (before.id, &persons), key).await?;
        let kyb = before.kyb.decide(decision, &missing)?;
        let kyb_reference = Some(reference.trim().to_owned());
        let after = Corporation { kyb, kyb_reference, ..before.clone() };
        if after == before {
            return Ok((before, Vec::new()));
        }
        corporations::set_kyb(tx, scope, &after).await?;
        let told =
            |it: &Corporation| json!({ "kyb": it.kyb.as_str(), "reference": it.kyb_reference });
        let entry = Entry::changed("corporation.decide", name, &told(&before), &told(&after));
        Ok((after, vec![entry]))
    }

    fn may_decide_kyb(&self, scope: Scope, role: Role) -> Result<(), Refusal> {
        let settings = self.settings.get();
        let by = settings.partner(scope.partner()).map(|partner| partner.settings.kyb_by);
        match (role, by) {
            (Role::Operator, _) | (Role::Admin, Some(KybBy::Partner)) => Ok(()),
            (Role::Admin | Role::Manager | Role::Employee, _) => Err(Refusal::KybNotPermitted),
        }
    }

    /// What a corporation's KYB still needs.
    pub(super) async fn missing_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (corporation, persons): (CorporationId, &Persons),
        key: &SealingKey,
    ) -> Result<Vec<Missing>, Error> {
        let documents = corporations::documents(tx, scope, corporation).await?;
        let kinds: Vec<_> = documents.iter().map(|document| document.kind).collect();
        let mut unverified = Vec::new();
        for (of, person) in persons.to_verify() {
            if !self.is_verified(tx, scope, person, key).await? {
                unverified.push(of);
            }
        }
        let hits = screening::of_owner(tx, scope, corporation.into()).await?;
        Ok(missing(&kinds, persons, unverified, locks(hits.iter().map(|hit| &hit.case))))
    }

    /// Whether somebody of that name and birth date was verified, as the user whom the partner
    /// names: by a form of theirs that was accepted, which says what the document does. The user
    /// may have been given another name since. Where the partner verifies its users itself, what
    /// it says of the user as they are now stands for a form.
    pub(super) async fn is_verified(
        &self,
        tx: &mut Tx,
        scope: Scope,
        person: &Person,
        key: &SealingKey,
    ) -> Result<bool, Error> {
        let Some(id) = person.user else { return Ok(false) };
        let Some(user) = users::find(tx, scope, id).await? else { return Ok(false) };
        if !self.decides_kyc(scope) {
            let Profile { first_name, last_name, birth_date, .. } = &user.profile;
            return Ok(user.kyc == Kyc::Success && person.is((first_name, last_name, *birth_date)));
        }
        for (form, sealed) in verifications::accepted(tx, scope, id).await? {
            let form = open_form(key, scope, form, &sealed)?;
            if person.is((&form.first_name, &form.last_name, form.birth_date)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
