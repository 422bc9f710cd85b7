//! Users who could pay and don't: of whose balances nothing was asked for long.

use crate::page::Page;
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::UserId;
use domain::scope::Scope;
use domain::user::UserState;
use std::collections::HashMap;
use std::time::Duration;
use store::StoreError;
use store::db::Tx;
use store::users::search::{self, Known};

/// For how many days nothing was asked of who is inactive, unless told.
pub const IDLE_DAYS: i64 = 90;
/// For how many it may be told.
pub const IDLE_DAYS_MAX: i64 = 3650;
/// How many users a page passes at most: of each the last transactions are looked at, and the next
/// page goes on there.
const PASSED_MAX: usize = 4_000;
/// How many are passed by one statement.
const STRETCH: i64 = 500;
/// Seconds.
const DAY: u64 = 24 * 60 * 60;

/// A user who is inactive.
#[derive(Clone, Debug)]
pub struct Inactive {
    /// The user.
    pub known: Known,
    /// When something was last asked of one of their own balances, also in vain.
    pub last_at: Option<Timestamp>,
}

impl App {
    /// A page of the users who can pay, were registered more than so many days ago, and of whose
    /// own balances nothing was asked since; newest first. It has fewer than asked for, even none,
    /// where so few are among the many that it passed; what comes next tells whether it is the
    /// last.
    pub async fn inactive_users(
        &self,
        scope: Scope,
        days: i64,
        before: Option<UserId>,
        limit: i64,
    ) -> Result<Page<Inactive>, Error> {
        let since = self.days_ago(days)?;
        let before = before.unwrap_or(UserId(i64::MAX));
        let mut tx = self.db.read().await?;
        let page = page(&mut tx, scope, since, before, limit).await;
        Ok(tx.end(page).await?)
    }

    fn days_ago(&self, days: i64) -> Result<Timestamp, Error> {
        let broken = || Error::broken("so many days can't be counted back");
        let seconds = u64::try_from(days).ok().and_then(|days| days.checked_mul(DAY));
        let time = Duration::from_secs(seconds.ok_or_else(broken)?);
        self.now().checked_sub(time).map_err(|_| broken())
    }
}

async fn page(
    tx: &mut Tx,
    scope: Scope,
    since: Timestamp,
    mut place: UserId,
    limit: i64,
) -> Result<Page<Inactive>, StoreError> {
    let wanted = usize::try_from(limit).unwrap_or(0);
    let (mut items, mut count) = (Vec::new(), 0);
    loop {
        let passed = search::walk(tx, scope, place, STRETCH).await?;
        let more = i64::try_from(passed.len()).is_ok_and(|read| read >= STRETCH);
        count += passed.len();
        let end = passed.last().map_or(place, |last| last.id);
        let may_pay = passed.iter().filter(|user| user.state == UserState::Verified);
        let ids: Vec<UserId> = may_pay.map(|user| user.id).collect();
        for found in inactive(tx, scope, since, &ids).await? {
            if items.len() == wanted {
                return Ok(Page { items, next: Some(place.0) });
            }
            place = found.known.user.id;
            items.push(found);
        }
        place = end;
        if !more || count >= PASSED_MAX {
            return Ok(Page { items, next: more.then_some(place.0) });
        }
    }
}

/// Those of some users who are inactive, newest first.
async fn inactive(
    tx: &mut Tx,
    scope: Scope,
    since: Timestamp,
    ids: &[UserId],
) -> Result<Vec<Inactive>, StoreError> {
    let last: HashMap<UserId, Timestamp> =
        search::last_used(tx, scope, ids.iter().copied()).await?;
    let idle = |id: &UserId| last.get(id).is_none_or(|at| *at < since);
    let known = search::load(tx, scope, ids.iter().copied().filter(idle)).await?;
    let mut found: Vec<Inactive> = known
        .into_iter()
        .filter(|known| known.created_at < since)
        .map(|known| Inactive { last_at: last.get(&known.user.id).copied(), known })
        .collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.known.user.id));
    Ok(found)
}
