//! What becomes of links by itself: automatic balances are linked, and links are undone whose
//! balance was removed, or of which nobody knows whether they were made. Any node does.
//!
//! A link is claimed by a committed lease, the partner is called with no transaction open, and what
//! came of it is committed under the balance's lock, if the balance is still in that state. Its key
//! stays the same, so whoever repeats a step makes the same call.

use crate::audit::{Entry, Origin};
use crate::error::Chain;
use crate::ledger::calls;
use crate::{App, Error};
use ::outbound::balances::Came;
use domain::balance::{Balance, BalanceState};
use domain::ids::{BalanceId, PartnerId};
use domain::partner::{BalanceMode, PartnerState};
use domain::scope::Scope;
use domain::{Outcome, Timestamp};
use jiff::SignedDuration;
use serde_json::json;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::StoreError;
use store::balances;
use store::balances::links::{self, Link};
use store::db::Tx;
use store::outbox;
use tokio::task::JoinSet;

/// How long after a call's end whoever has made it may still tell what came of it.
const GRACE: SignedDuration = SignedDuration::from_secs(1);
/// How long a partner may take to answer a worker.
const ANSWER: Duration = Duration::from_secs(10);
/// Links of a partner that are read at a time; what is left comes with the next step.
const ROUND: i64 = 200;
/// Links of a partner that are worked on at once: the rest of its turns are for who waits.
const AT_ONCE: usize = 16;
/// The time between two of such rounds, each of two commits: SQLite has one writer.
const PAUSE: Duration = Duration::from_millis(100);
/// The first and the longest pause between two tries.
const PAUSES: (SignedDuration, SignedDuration) =
    (SignedDuration::from_secs(1), SignedDuration::from_hours(1));
/// How long a partner may give no answer before a person has to know.
const PATIENCE: SignedDuration = SignedDuration::from_hours(72);

/// What is to be done about a link while it is asked for until then by whoever waits for it.
pub(super) fn asked_until(until: Timestamp) -> Link {
    Link { at: later(until), until: Some(until), since: None }
}

/// What is to be done about a link that a worker makes or undoes from now on.
pub(super) fn due_now(now: Timestamp) -> Link {
    due_at(now, now)
}

/// The same, not before that moment.
pub(super) fn due_at(at: Timestamp, now: Timestamp) -> Link {
    Link { at, until: None, since: Some(now) }
}

/// When a call has ended for sure that was to end then.
pub(super) fn later(until: Timestamp) -> Timestamp {
    until.checked_add(GRACE).unwrap_or(until)
}

/// What is to be done about the link of a balance that goes with its owner: not while somebody else
/// may be calling.
pub(crate) fn unlink_later(before: Option<Link>, now: Timestamp) -> Link {
    let ended = before.and_then(|link| link.until).map(later);
    due_at(ended.map_or(now, |ended| ended.max(now)), now)
}

/// Whether something of a balance is held at the partner, or the partner is still to be told of
/// what has moved: then what it has isn't what it says. The caller holds the balance's lock.
pub(crate) async fn is_in_use(
    tx: &mut Tx,
    scope: Scope,
    id: BalanceId,
) -> Result<bool, StoreError> {
    let stream = calls::stream(id);
    Ok(outbox::is_untold(tx, scope.partner(), &stream).await?
        || links::holds(tx, scope, id).await?)
}

/// When it is tried again: after as long as it has been tried, so that each pause is about as long
/// as all before it.
fn next_at(since: Timestamp, now: Timestamp) -> Timestamp {
    let (first, longest) = PAUSES;
    let pause = now.duration_since(since).clamp(first, longest);
    now.checked_add(pause).unwrap_or(now)
}

/// Partners whose links this node works on.
#[derive(Debug, Default)]
pub(crate) struct Busy(Arc<Mutex<HashSet<PartnerId>>>);

/// The right to work on a partner's links on this node, until it is dropped.
struct Place(Arc<Mutex<HashSet<PartnerId>>>, PartnerId);

impl Busy {
    fn take(&self, partner: PartnerId) -> Option<Place> {
        let mut busy = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        busy.insert(partner).then(|| Place(self.0.clone(), partner))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// A link that a worker has claimed.
struct Claimed {
    balance: Balance,
    link: Link,
    since: Timestamp,
}

impl App {
    /// Begins to work on the links of all partners about which something is to be done; of how
    /// many links. One slow partner doesn't keep the others waiting.
    pub async fn follow_links(&self) -> Result<usize, Error> {
        let now = self.real_now();
        let settings = self.settings.get();
        let external = settings.partners().into_iter().filter(|partner| {
            let mode = partner.settings.balance_mode;
            mode == BalanceMode::External && partner.state == PartnerState::Live
        });
        let scopes: Vec<Scope> = external
            .map(|partner| Scope::platform(partner.id, "links are made and undone"))
            .collect();
        if scopes.is_empty() {
            return Ok(0);
        }
        let mut tx = self.db.read().await?;
        let listed = async {
            let mut listed = Vec::new();
            for scope in scopes {
                listed.push((scope, links::list_due(&mut tx, scope, now, ROUND).await?));
            }
            Ok::<_, StoreError>(listed)
        };
        let listed = listed.await;
        let mut begun = 0;
        for (scope, due) in tx.end(listed).await? {
            if due.is_empty() {
                continue;
            }
            if let Some(place) = self.outbox.linking().take(scope.partner()) {
                begun += due.len();
                drop(self.tasks.run(self.clone().follow_links_of(scope, due, place)));
            }
        }
        Ok(begun)
    }

    async fn follow_links_of(self, scope: Scope, due: Vec<BalanceId>, place: Place) {
        for some in due.chunks(AT_ONCE) {
            if self.tasks.is_stopping() {
                break;
            }
            if let Err(error) = self.follow_some(scope, some).await {
                tracing::warn!(worker = "links", error = %Chain(&error), "A worker's step failed");
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        drop(place);
    }

    /// Claims some links by one commit, makes their calls at once, and writes by one commit what
    /// came of them.
    async fn follow_some(&self, scope: Scope, some: &[BalanceId]) -> Result<(), Error> {
        let patience = self.patience_of(ANSWER);
        let mut tx = self.db.begin().await?;
        let claimed = self.claim_links_in(&mut tx, scope, some, patience.until).await;
        let claimed = tx.end(claimed).await?;
        let origin = Origin::here("worker:links");
        let mut calling = JoinSet::new();
        for link in claimed {
            let (app, request_id) = (self.clone(), origin.request_id.clone());
            calling.spawn(async move {
                app.call_for(scope, link, (patience.deadline(), &request_id)).await
            });
        }
        let mut told = Vec::new();
        while let Some(called) = calling.join_next().await {
            match called {
                Ok(Some(one)) => told.push(one),
                // Whoever comes next makes the same call, once the lease has run out.
                Ok(None) => {}
                Err(_) => return Err(Error::broken("a call about a link panicked")),
            }
        }
        if told.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let settled = self.settle_links_in(&mut tx, scope, &told, &origin).await;
        tx.end(settled).await
    }

    /// What the partner says; nothing where it wasn't asked because the process ends, or can't be
    /// now.
    async fn call_for(
        &self,
        scope: Scope,
        claimed: Claimed,
        asking: (Instant, &str),
    ) -> Option<(Claimed, Came)> {
        let calling = async {
            match claimed.balance.state {
                BalanceState::Linking => {
                    self.link_at_partner(scope, &claimed.balance, asking).await
                }
                BalanceState::Active
                | BalanceState::Locked
                | BalanceState::Unlinking
                | BalanceState::Removed => {
                    let of = (&claimed.balance, claimed.since);
                    self.unlink_at_partner(scope, of, asking).await
                }
            }
        };
        match self.tasks.stopping().run_until_cancelled(calling).await? {
            Ok(came) => Some((claimed, came)),
            Err(error) => {
                tracing::warn!(worker = "links", error = %Chain(&error), "A worker's step failed");
                None
            }
        }
    }

    /// Claims what is to be done about links now, by a lease.
    async fn claim_links_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        some: &[BalanceId],
        until: Timestamp,
    ) -> Result<Vec<Claimed>, Error> {
        let keys = some.iter().map(|id| (scope.partner(), *id)).collect();
        balances::lock(tx, &keys).await?;
        let mut claimed = Vec::new();
        for id in some {
            claimed.extend(self.claim_link_in(tx, scope, *id, until).await?);
        }
        Ok(claimed)
    }

    /// Nothing if nothing is to be done any more, or somebody else does it.
    async fn claim_link_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        id: BalanceId,
        until: Timestamp,
    ) -> Result<Option<Claimed>, Error> {
        let now = self.real_now();
        let found = (balances::find(tx, scope, id).await?, links::find(tx, scope, id).await?);
        let (Some(mut balance), Some(link)) = found else { return Ok(None) };
        if link.at > now {
            return Ok(None);
        }
        let since = match (balance.state, link.since) {
            // Whoever asked is gone, and what came of it unknown.
            (BalanceState::Linking, None) => {
                balance.undo_link();
                now
            }
            (BalanceState::Linking | BalanceState::Unlinking, since) => since.unwrap_or(now),
            (BalanceState::Active | BalanceState::Locked | BalanceState::Removed, _) => {
                links::set(tx, scope, &balance, None).await?;
                return Ok(None);
            }
        };
        let link = Link { at: later(until), until: Some(until), since: Some(since) };
        links::set(tx, scope, &balance, Some(link)).await?;
        Ok(Some(Claimed { balance, link, since }))
    }

    async fn settle_links_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        told: &[(Claimed, Came)],
        origin: &Origin,
    ) -> Result<(), Error> {
        let keys = told.iter().map(|(claimed, _)| (scope.partner(), claimed.balance.id)).collect();
        balances::lock(tx, &keys).await?;
        let mut entries = Vec::new();
        for (claimed, came) in told {
            entries.extend(self.settle_link_in(tx, scope, (claimed, *came)).await?);
        }
        self.record_all(tx, scope.partner(), origin, entries).await
    }

    /// What an audit record tells of it, if that has ended.
    async fn settle_link_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (claimed, came): (&Claimed, Came),
    ) -> Result<Option<Entry>, Error> {
        let id = claimed.balance.id;
        let found = (balances::find(tx, scope, id).await?, links::find(tx, scope, id).await?);
        let (Some(mut balance), Some(link)) = found else { return Ok(None) };
        let was = balance.state;
        // Its owner was removed while it was being linked, for one.
        if was != claimed.balance.state {
            return Ok(None);
        }
        let outcome = match (was, came) {
            (BalanceState::Linking, Came::Done) => balance.linked()?,
            (BalanceState::Unlinking, Came::Done) => balance.unlinked(),
            // Who learns of the user by the answer to its own call may not know of them yet.
            (BalanceState::Linking, Came::Refused)
                if self.real_now().duration_since(claimed.since) < PATIENCE =>
            {
                Outcome::AlreadyApplied
            }
            (BalanceState::Linking, Came::Refused) => {
                let partner = scope.partner().0;
                tracing::warn!(partner, balance = %id.0, "an automatic balance was refused");
                balance.unlinked()
            }
            (
                BalanceState::Linking
                | BalanceState::Unlinking
                | BalanceState::Active
                | BalanceState::Locked
                | BalanceState::Removed,
                _,
            ) => Outcome::AlreadyApplied,
        };
        if outcome == Outcome::Applied {
            links::set(tx, scope, &balance, None).await?;
            let state = |state: BalanceState| json!({ "state": state.as_str() });
            let (before, after) = (state(was), state(balance.state));
            return Ok(Some(Entry::changed("balance.link", id.0, &before, &after)));
        }
        // Another worker has it by now.
        if link != claimed.link {
            return Ok(None);
        }
        let now = self.real_now();
        if now.duration_since(claimed.since) >= PATIENCE {
            let (partner, state) = (scope.partner().0, was.as_str());
            tracing::error!(
                partner,
                balance = %id.0,
                state,
                outcome = came.as_str(),
                "a link is parked: it is tried once an hour until the partner answers"
            );
        }
        let again = Link { at: next_at(claimed.since, now), until: None, ..claimed.link };
        links::set(tx, scope, &balance, Some(again)).await?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour() {
        let since = Timestamp::constant(1_790_000_000, 0);
        let after = |seconds| since.checked_add(SignedDuration::from_secs(seconds)).expect("late");
        let (mut now, mut pauses) = (since, Vec::new());
        for _ in 0..16 {
            let next = next_at(since, now);
            pauses.push(next.duration_since(now).as_secs());
            now = next;
        }
        let expected = [1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600, 3600];
        assert_eq!(pauses, expected);
        // A clock that was set back makes no pause shorter than the first.
        assert_eq!(next_at(after(10), since), after(1));
    }

    #[test]
    fn nothing_is_undone_while_somebody_may_be_calling() {
        let now = Timestamp::constant(1_790_000_000, 0);
        let at = |seconds| now.checked_add(SignedDuration::from_secs(seconds)).expect("late");
        assert_eq!(unlink_later(None, now), due_now(now));
        assert_eq!(unlink_later(Some(due_at(at(3600), now)), now).at, now);
        assert_eq!(unlink_later(Some(asked_until(at(2))), now).at, at(3));
        assert_eq!(unlink_later(Some(asked_until(at(-5))), now).at, now);
    }
}
