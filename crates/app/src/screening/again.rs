//! Look for all names again, with lists that have changed: by windows of numbers, so that whoever
//! is killed goes on where it was. Two nodes that look for the same find the same.

use super::find::Looked;
use super::load::InForce;
use crate::audit::Origin;
use crate::corporations::open_persons;
use crate::error::Chain;
use crate::owners::{self, OwnerName};
use crate::{App, Error};
use domain::ids::{CorporationId, PartnerId, UserId};
use domain::scope::Scope;
use domain::screening::{SCORE_MIN, Subject};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use store::corporations::Kept;
use store::db::Tx;
use store::screening::{self, Named};
use store::{corporations, counters, users};

/// How many numbers a window has.
const WINDOW: i64 = 5_000;
/// When every node has lists that this one has: each looks for new ones once a second.
const GRACE: Duration = Duration::from_secs(5);

/// How far a partner's names were looked for with the lists in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Whose.
    pub partner: PartnerId,
    /// All up to this number were.
    pub done: i64,
    /// The newest.
    pub newest: i64,
}

impl App {
    /// Looks for all names again if lists have changed; how many owners' hits changed.
    pub async fn screen_again(&self) -> Result<u64, Error> {
        let lists = self.screening.in_force();
        if lists.version == 0 || lists.since.elapsed() < GRACE {
            return Ok(0);
        }
        let mut changed = 0;
        for partner in self.settings.get().partners() {
            let scope = Scope::platform(partner.id, "names are looked for again");
            while let Some(window) = self.next_window(scope, lists.version).await? {
                changed += self.screen_window(scope, &lists, &window).await?;
                self.finish_window(scope, lists.version, &window).await?;
                if self.screening.in_force().version != lists.version || self.tasks.is_stopping() {
                    return Ok(changed);
                }
            }
        }
        if changed > 0 {
            self.outbox.bell().ring();
        }
        Ok(changed)
    }

    /// How far that is, for each partner.
    pub async fn screening_progress(&self) -> Result<Vec<Progress>, Error> {
        let version = self.screening.in_force().version;
        let mut all = Vec::new();
        for partner in self.settings.get().partners() {
            let scope = Scope::platform(partner.id, "how far names were looked for");
            let (done, newest) = self.walked(scope, version).await?;
            all.push(Progress { partner: partner.id, done: done.min(newest), newest });
        }
        Ok(all)
    }

    async fn walked(&self, scope: Scope, version: i64) -> Result<(i64, i64), Error> {
        let partner = scope.partner();
        let mut tx = self.db.read().await?;
        let read = async {
            let walked = counters::taken(&mut tx, partner, &series(version)).await?;
            Ok::<_, Error>((walked, screening::newest_owner(&mut tx, partner).await?))
        };
        let read = read.await;
        tx.end(read).await
    }

    async fn next_window(
        &self,
        scope: Scope,
        version: i64,
    ) -> Result<Option<RangeInclusive<i64>>, Error> {
        let (walked, newest) = self.walked(scope, version).await?;
        Ok((walked < newest).then(|| walked + 1..=walked + WINDOW))
    }

    /// Another node may have been faster.
    async fn finish_window(
        &self,
        scope: Scope,
        version: i64,
        window: &RangeInclusive<i64>,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let first = counters::take(&mut tx, scope.partner(), &series(version), WINDOW).await;
        match first {
            Ok(first) if first == *window.start() => Ok(tx.commit().await?),
            Ok(_) => {
                tx.rollback().await;
                Ok(())
            }
            Err(error) => {
                tx.rollback().await;
                Err(error.into())
            }
        }
    }

    async fn screen_window(
        &self,
        scope: Scope,
        lists: &Arc<InForce>,
        window: &RangeInclusive<i64>,
    ) -> Result<u64, Error> {
        let mut tx = self.db.read().await?;
        let read = async {
            let named = screening::users(&mut tx, scope, window).await?;
            let known = screening::owners_with_hits(&mut tx, scope, window).await?;
            Ok::<_, Error>((named, known, screening::corporations(&mut tx, scope, window).await?))
        };
        let read = read.await;
        let (named, known, corporations) = tx.end(read).await?;
        let found = search(lists, &named).await?;
        let companies: BTreeSet<i64> = corporations.iter().map(|id| id.0).collect();
        let known = known.into_iter().filter(|id| !companies.contains(id)).map(UserId);
        let suspects: BTreeSet<UserId> = known.chain(found).collect();
        let mut changed = 0;
        for user in suspects {
            let screened = self.screen_user_again(scope, user).await;
            changed += u64::from(unless_broken(user.0, screened)?);
        }
        for corporation in corporations {
            let screened = self.screen_corporation_again(scope, corporation).await;
            changed += u64::from(unless_broken(corporation.0, screened)?);
        }
        Ok(changed)
    }

    async fn screen_user_again(&self, scope: Scope, user: UserId) -> Result<bool, Error> {
        let origin = origin();
        let mut tx = self.db.begin().await?;
        let screened = async {
            let Some(user) = users::find_locked(&mut tx, scope, user).await? else {
                return Ok(false);
            };
            let found = self.look_for_user(scope, &user.profile);
            let owner = owners::find_locked(&mut tx, scope, user.id.into()).await?;
            self.screen_in(&mut tx, scope, (&owner, &found), &origin).await
        };
        let screened: Result<bool, Error> = screened.await;
        tx.end(screened).await
    }

    /// Its people are read and looked for before the transaction: whoever has changed it since has
    /// it looked for again.
    async fn screen_corporation_again(
        &self,
        scope: Scope,
        id: CorporationId,
    ) -> Result<bool, Error> {
        let key = self.sealing_of_persons(scope).await?;
        loop {
            let mut tx = self.db.read().await?;
            let kept = corporations::find_by_id(&mut tx, scope, id).await;
            let Some(kept) = tx.end(kept).await? else { return Ok(false) };
            let persons = open_persons(&key, scope, &kept)?;
            let found = self.look_for_corporation(scope, &kept.corporation.profile.name, &persons);
            let mut tx = self.db.begin().await?;
            let screened = self.keep_unless_changed(&mut tx, scope, (&kept, &found)).await;
            if let Some(screened) = tx.end(screened).await? {
                return Ok(screened);
            }
        }
    }

    /// Nothing if it was changed since it was read.
    async fn keep_unless_changed(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (kept, found): (&Kept, &Looked),
    ) -> Result<Option<bool>, Error> {
        let (name, version) = (kept.corporation.resource, kept.corporation.version);
        match corporations::find_locked(tx, scope, name).await? {
            None => return Ok(Some(false)),
            Some(now) if now.corporation.version != version => return Ok(None),
            Some(_) => {}
        }
        let owner = owners::find_locked(tx, scope, OwnerName::Corporation(name)).await?;
        self.screen_in(tx, scope, (&owner, found), &origin()).await.map(Some)
    }
}

/// What can't be read is told, and keeps nobody else from being looked for.
fn unless_broken(owner: i64, screened: Result<bool, Error>) -> Result<bool, Error> {
    match screened {
        Err(error @ Error::Internal(..)) => {
            tracing::error!(owner, error = %Chain(&error), "an owner can't be looked for");
            Ok(false)
        }
        screened => screened,
    }
}

/// Which of these users may be somebody of the lists: looked for on each processor at once.
async fn search(lists: &Arc<InForce>, named: &[Named]) -> Result<Vec<UserId>, Error> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let parts = named.chunks(named.len().div_ceil(processors).max(1)).map(|part| {
        let (lists, part) = (lists.clone(), part.to_vec());
        tokio::task::spawn_blocking(move || search_part(&lists, &part))
    });
    let mut found = Vec::new();
    // All begin before the first is waited for.
    for part in parts.collect::<Vec<_>>() {
        found.extend(part.await.map_err(|_| Error::broken("a name can't be looked for"))?);
    }
    Ok(found)
}

fn search_part(lists: &InForce, named: &[Named]) -> Vec<UserId> {
    let is_found = |of: &&Named| {
        let subject = Subject::Person {
            given: &of.first_name,
            family: &of.last_name,
            born: Some(of.birth_date),
        };
        !lists.index.search(&subject, SCORE_MIN).is_empty()
    };
    named.iter().filter(is_found).map(|of| of.id).collect()
}

pub(super) fn series(version: i64) -> String {
    format!("{}{version}", counters::SCREENED)
}

fn origin() -> Origin {
    Origin::here("worker:screening")
}
