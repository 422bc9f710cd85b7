//! Look for a name, and keep what is found with its owner.

use crate::audit::Entry;
use crate::owners::{self, Found};
use crate::users::LockChange;
use crate::{App, Error};
use domain::corporation::{Person, Persons};
use domain::ids::HitId;
use domain::scope::Scope;
use domain::screening::cases::{Case, CaseState, again, locks};
use domain::screening::{Hit, SCORE_MIN, Subject};
use domain::user::{Profile, TransactionalLock};
use serde_json::json;
use store::db::Tx;
use store::screening::{self, Kept};

/// What a user's own hits are called.
const USER: &str = "USER";

impl App {
    /// Whether there is anybody to be found.
    pub(crate) fn screens(&self) -> bool {
        self.screening.in_force().is_some_and(|lists| !lists.index.is_empty())
    }

    /// Who of the lists a user may be.
    pub(crate) fn look_for_user(&self, scope: Scope, profile: &Profile) -> Vec<Case> {
        self.search_lists(scope, USER, &user(profile))
    }

    /// Who of the lists a corporation may be, or somebody who acts for it or owns it.
    pub(crate) fn look_for_corporation(
        &self,
        scope: Scope,
        name: &str,
        persons: &Persons,
    ) -> Vec<Case> {
        let mut cases = self.search_lists(scope, "COMPANY", &Subject::Company { name });
        cases.extend(self.search_lists(scope, "REPRESENTATIVE", &person(&persons.representative)));
        for (number, of) in (1..).zip(&persons.board) {
            cases.extend(self.search_lists(scope, &format!("BOARD/{number}"), &person(of)));
        }
        for (number, of) in (1..).zip(&persons.beneficiaries) {
            let part = format!("BENEFICIARY/{number}");
            cases.extend(self.search_lists(scope, &part, &person(&of.person)));
        }
        cases
    }

    fn search_lists(&self, scope: Scope, part: &str, subject: &Subject<'_>) -> Vec<Case> {
        let Some(lists) = self.screening.in_force() else { return Vec::new() };
        let hits = lists.index.search(subject, SCORE_MIN);
        hits.iter().map(|hit| self.case_of(scope, part, subject, hit)).collect()
    }

    fn case_of(&self, scope: Scope, part: &str, subject: &Subject<'_>, hit: &Hit<'_>) -> Case {
        let looked_for = match subject {
            Subject::Person { given, family, born } => format!("{given}\n{family}\n{born:?}"),
            Subject::Company { name } => (*name).to_owned(),
        };
        let names: Vec<&str> = hit.entry.names.iter().map(|name| name.text.as_str()).collect();
        let listed = format!("{:?}\n{}", hit.entry.births, names.join("\n"));
        let partner = scope.partner().0.to_be_bytes();
        let compared =
            [&partner[..], b"screening", part.as_bytes(), looked_for.as_bytes(), listed.as_bytes()];
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
        (owner, found): (&Found, &[Case]),
        request_id: &str,
    ) -> Result<Vec<Entry>, Error> {
        let known = screening::of_owner(tx, scope, owner.id).await?;
        let mut after = Vec::new();
        let mut changed = Vec::new();
        for kept in &known {
            let same = found.iter().find(|case| case.is_about(&kept.case));
            match again(Some(&kept.case), same) {
                None => {
                    screening::remove(tx, scope, kept.id).await?;
                    changed.push(json!({ "hit": kept.id.0, "gone": true }));
                }
                Some(case) if case == kept.case => after.push(case),
                Some(case) => {
                    let anew = Kept { case: case.clone(), ..self.new_hit(owner, &case) };
                    screening::put(tx, scope, &Kept { id: kept.id, ..anew }).await?;
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
        let was = locks(known.iter().map(|kept| &kept.case));
        let lock = self.settle_lock(tx, scope, owner, (was, locks(&after)), request_id).await?;
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
        }
    }

    /// Locks an owner whose hits ask for it, and unlocks one whose hits don't any more: not one who
    /// was locked by somebody else.
    pub(super) async fn settle_lock(
        &self,
        tx: &mut Tx,
        scope: Scope,
        owner: &Found,
        (was, is): (bool, bool),
        request_id: &str,
    ) -> Result<Option<Entry>, Error> {
        let change = match (was, is) {
            (_, true) => LockChange::Set,
            (true, false) => LockChange::TakeOff,
            (false, false) => return Ok(None),
        };
        let change = (TransactionalLock::ScreeningDetected, change);
        self.change_lock_of(tx, scope, owner, change, request_id).await
    }

    /// Looks for an owner's names again and keeps what is found; whether anything changed.
    pub(super) async fn screen_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (owner, found): (&Found, &[Case]),
        origin: &crate::audit::Origin,
    ) -> Result<bool, Error> {
        let entries = self.keep_hits(tx, scope, (owner, found), &origin.request_id).await?;
        let changed = !entries.is_empty();
        for entry in entries {
            self.record(tx, scope.partner(), origin, entry).await?;
        }
        Ok(changed)
    }

    /// Keeps what was found of a user who is new, if anything was.
    pub(crate) async fn keep_new_hits(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (owner, found): (owners::OwnerName, &[Case]),
        request_id: &str,
    ) -> Result<Vec<Entry>, Error> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let owner = owners::find_locked(tx, scope, owner).await?;
        self.keep_hits(tx, scope, (&owner, found), request_id).await
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
