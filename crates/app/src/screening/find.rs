//! Look for a name, and keep what is found with its owner.

use super::again::series;
use super::entries::entry_json;
use super::load::InForce;
use crate::audit::{Entry, Origin};
use crate::owners::{self, Found, OwnerName};
use crate::users::LockChange;
use crate::{App, Error};
use domain::corporation::{Person, Persons};
use domain::ids::{HitId, OwnerId, PartnerId};
use domain::scope::Scope;
use domain::screening::cases::{Because, Case, CaseState, again, locks};
use domain::screening::{Hit, SCORE_MIN, Subject};
use domain::user::{Profile, TransactionalLock};
use serde_json::json;
use store::counters;
use store::db::Tx;
use store::screening::{self, Kept};

/// What came of looking for a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Looked {
    /// With which lists.
    version: i64,
    /// Who it may be.
    pub(crate) cases: Vec<Case>,
}

/// What a user's own hits are called.
const USER: &str = "USER";

impl App {
    /// Whether there is anybody to be found.
    pub(crate) fn screens(&self) -> bool {
        !self.screening.in_force().index.is_empty()
    }

    /// Which lists are in force here.
    pub(crate) fn lists_version(&self) -> i64 {
        self.screening.in_force().version
    }

    /// Who of the lists a user may be.
    pub(crate) fn look_for_user(&self, scope: Scope, profile: &Profile) -> Looked {
        let lists = self.screening.in_force();
        let cases = self.search_lists(scope, &lists, (USER, &user(profile)));
        Looked { version: lists.version, cases }
    }

    /// Who of the lists a corporation may be, or somebody who acts for it or owns it.
    pub(crate) fn look_for_corporation(
        &self,
        scope: Scope,
        name: &str,
        persons: &Persons,
    ) -> Looked {
        let lists = self.screening.in_force();
        let look = |part: &str, subject| self.search_lists(scope, &lists, (part, &subject));
        let mut cases = look("COMPANY", Subject::Company { name });
        cases.extend(look("REPRESENTATIVE", person(&persons.representative)));
        for (number, of) in (1..).zip(&persons.board) {
            cases.extend(look(&format!("BOARD/{number}"), person(of)));
        }
        for (number, of) in (1..).zip(&persons.beneficiaries) {
            cases.extend(look(&format!("BENEFICIARY/{number}"), person(&of.person)));
        }
        Looked { version: lists.version, cases }
    }

    fn search_lists(
        &self,
        scope: Scope,
        lists: &InForce,
        (part, subject): (&str, &Subject<'_>),
    ) -> Vec<Case> {
        let hits = lists.index.search(subject, SCORE_MIN);
        hits.iter().map(|hit| self.case_of(scope, part, subject, hit)).collect()
    }

    fn case_of(&self, scope: Scope, part: &str, subject: &Subject<'_>, hit: &Hit<'_>) -> Case {
        let looked_for = match subject {
            Subject::Person { given, family, born } => {
                json!([given, family, born.map(|born| born.to_string())])
            }
            Subject::Company { name } => json!([name]),
        };
        let entry = entry_json(hit.entry);
        let compared = json!([part, looked_for, entry["names"], entry["births"]]).to_string();
        let partner = scope.partner().0.to_be_bytes();
        let compared = [&partner[..], b"screening", compared.as_bytes()];
        Case {
            part: part.to_owned(),
            list: hit.entry.list,
            entry: hit.entry.id.clone(),
            name: hit.name.text.clone(),
            score: hit.score,
            birth: hit.birth,
            facts: self.keyring.personal_digest(&compared).to_string(),
            state: CaseState::Open,
        }
    }

    /// Keeps what was found of an owner who was found locked, and locks or unlocks them by it; what
    /// audit records tell of that.
    pub(crate) async fn keep_hits(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (owner, looked, because): (&Found, &Looked, Because),
        request_id: &str,
    ) -> Result<Vec<Entry>, Error> {
        self.note_version(tx, scope, (owner.id, looked.version)).await?;
        let (known, found) = (screening::of_owner(tx, scope, owner.id).await?, &looked.cases);
        let mut after = Vec::new();
        let mut changed = Vec::new();
        for kept in &known {
            let same = found.iter().find(|case| case.is_about(&kept.case));
            match again(Some(&kept.case), same, because) {
                None => {
                    screening::remove(tx, scope, kept.id).await?;
                    changed.push(json!({ "hit": kept.id.0, "gone": true }));
                }
                Some(case) if case == kept.case => after.push(case),
                Some(case) => {
                    let (id, locked) = (kept.id, kept.locked);
                    let anew = Kept { id, locked, ..self.new_hit(owner, &case) };
                    screening::put(tx, scope, &anew).await?;
                    changed.push(json!({ "hit": kept.id.0, "opened": "again" }));
                    after.push(case);
                }
            }
        }
        let is_new = |case: &&Case| !known.iter().any(|kept| kept.case.is_about(case));
        for case in found.iter().filter(is_new) {
            let hit = self.new_hit(owner, case);
            screening::put(tx, scope, &hit).await?;
            let entry = format!("{}/{}", case.list, case.entry);
            changed.push(json!({ "hit": hit.id.0, "entry": entry, "score": case.score }));
            after.push(case.clone());
        }
        if changed.is_empty() {
            return Ok(Vec::new());
        }
        let entry = Entry::made("screening.find", owner.object(), changed.into());
        let lock = self.settle_lock(tx, scope, owner, (&known, locks(&after)), request_id).await?;
        Ok([Some(entry), lock].into_iter().flatten().collect())
    }

    fn new_hit(&self, owner: &Found, case: &Case) -> Kept {
        Kept {
            id: HitId(crate::ids::random_id()),
            owner: owner.id,
            case: case.clone(),
            found_at: self.now(),
            decided_at: None,
            decided_by: None,
            comment: None,
            locked: false,
        }
    }

    /// Where lists have changed since a name was looked for, it is looked for again: whoever walks
    /// through all names goes back to it. At the end of its transaction, so that what commits later
    /// than that is found by the walk, which waits longer than a commit takes.
    pub(crate) async fn note_version(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (owner, version): (OwnerId, i64),
    ) -> Result<(), Error> {
        let partner = PartnerId::PLATFORM;
        let now = counters::taken(tx, partner, counters::SCREENING).await?;
        if now != version {
            counters::go_back(tx, scope.partner(), &series(now), owner.0).await?;
        }
        Ok(())
    }

    /// Locks an owner whose hits ask for it, and unlocks one whose hits don't any more: not one who
    /// was locked by somebody else. `known` are the hits before.
    pub(super) async fn settle_lock(
        &self,
        tx: &mut Tx,
        scope: Scope,
        owner: &Found,
        (known, is): (&[Kept], bool),
        request_id: &str,
    ) -> Result<Option<Entry>, Error> {
        let was_ours = known.iter().any(|kept| kept.locked);
        let change = match (was_ours, is) {
            (_, true) => LockChange::Set,
            (true, false) => LockChange::TakeOff,
            (false, false) => return Ok(None),
        };
        let change = (TransactionalLock::ScreeningDetected, change);
        let entry = self.change_lock_of(tx, scope, owner, change, request_id).await?;
        let ours = is && (was_ours || entry.is_some());
        screening::set_locked(tx, scope, owner.id, ours).await?;
        Ok(entry)
    }

    /// Looks for an owner's names again and keeps what is found; whether anything changed.
    pub(super) async fn screen_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (owner, looked): (&Found, &Looked),
        origin: &Origin,
    ) -> Result<bool, Error> {
        let found = (owner, looked, Because::OfLists);
        let entries = self.keep_hits(tx, scope, found, &origin.request_id).await?;
        let changed = !entries.is_empty();
        self.record_all(tx, scope.partner(), origin, entries).await?;
        Ok(changed)
    }

    /// Keeps what was found of an owner who is new, if anything was.
    pub(crate) async fn keep_new_hits(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (owner, id, looked): (OwnerName, OwnerId, &Looked),
        request_id: &str,
    ) -> Result<Vec<Entry>, Error> {
        if looked.cases.is_empty() {
            self.note_version(tx, scope, (id, looked.version)).await?;
            return Ok(Vec::new());
        }
        let owner = owners::find_locked(tx, scope, owner).await?;
        self.keep_hits(tx, scope, (&owner, looked, Because::OfChange), request_id).await
    }
}

/// A user as they are looked for.
pub(super) fn user(profile: &Profile) -> Subject<'_> {
    let Profile { first_name, last_name, birth_date, .. } = profile;
    Subject::Person { given: first_name, family: last_name, born: Some(*birth_date) }
}

fn person(person: &Person) -> Subject<'_> {
    let Person { first_name, last_name, birth_date, .. } = person;
    Subject::Person { given: first_name, family: last_name, born: Some(*birth_date) }
}
