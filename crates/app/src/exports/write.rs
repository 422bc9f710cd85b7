//! The worker of exports: it writes those that wait, and deletes those that nobody wants any more.
//!
//! Of several exports each is written for a turn, so that a large one keeps none waiting. A worker
//! that dies leaves the place that it had reached, and whoever claims the export when the lease has
//! ended goes on there. What a commit keeps, part, place and size, it keeps together: no line is
//! written twice, none is left out.

use super::file::{head, lines, seal};
use super::{UNREADABLE, read_asked};
use crate::error::Chain;
use crate::janitor::PAUSE;
use crate::transactions::{History, Place, page};
use crate::{App, Error, ids, reached};
use crypto::seal::SealingKey;
use domain::export::{ExportState, KEPT_HOURS, KEPT_MAX, TRIES_MAX, Written, room};
use domain::ids::CardId;
use domain::scope::Scope;
use jiff::ToSpan as _;
use std::collections::{BTreeSet, HashMap};
use store::db::Tx;
use store::exports::{self, Claimed, End, Size};
use store::operations::Lease;
use store::{StoreError, cards};
use uuid::Uuid;

/// Transactions that are read and written at once: some milliseconds of the database's time.
const SLICE: i64 = 1_000;
/// Slices of a turn.
const TURN: usize = 20;
/// How long a claim lasts in seconds, from each slice on.
const LEASE_SECONDS: i64 = 30;
/// The reason of one that was given up.
const INTERNAL_ERROR: &str = "INTERNAL_ERROR";
/// Parts of a file that are deleted at once: about a MiB.
const DELETED: i64 = 4;

/// An export in hand.
struct Work {
    scope: Scope,
    id: Uuid,
    asked: History,
    key: SealingKey,
    size: Size,
    place: Option<Place>,
}

/// What is written next.
struct Slice {
    part: String,
    rows: i64,
    next: Option<Place>,
}

impl App {
    /// Writes the exports that wait, and deletes those that nobody wants any more; how many slices
    /// were written.
    pub async fn write_exports(&self) -> Result<u64, Error> {
        let mut slices = 0;
        while !self.tasks.is_stopping() {
            self.delete_ended_exports().await?;
            let lease = self.export_lease(ids::random_id());
            let mut tx = self.db.begin().await?;
            let claimed = exports::claim(&mut tx, &self.all_partners(), &lease).await;
            let Some(claimed) = tx.end(claimed).await? else { break };
            reached("export-claimed");
            let scope = Scope::platform(claimed.partner, "a worker writes what was asked for");
            let (id, attempts) = (claimed.id, claimed.attempts);
            if attempts > TRIES_MAX {
                // Whoever tried it died of it.
                tracing::error!(export = %id, "An export was given up");
                self.fail_export(scope, (id, lease.holder), INTERNAL_ERROR).await?;
                continue;
            }
            let reason = match self.write_turn(scope, claimed, lease, &mut slices).await {
                Ok(()) => continue,
                // It has a reason of its own.
                Err(Error::Refused(refusal)) => refusal.title(),
                Err(error @ Error::Internal(..)) => {
                    tracing::error!(export = %id, error = %Chain(&error), "An export failed");
                    if attempts < TRIES_MAX {
                        continue;
                    }
                    INTERNAL_ERROR
                }
                // It goes on when the lease has ended.
                Err(error @ (Error::Unavailable(..) | Error::KeyReused)) => return Err(error),
            };
            self.fail_export(scope, (id, lease.holder), reason).await?;
        }
        Ok(slices)
    }

    async fn fail_export(
        &self,
        scope: Scope,
        claim: (Uuid, Uuid),
        reason: &str,
    ) -> Result<(), Error> {
        let end = self.export_end(ExportState::Failed, false, Some(reason));
        let mut tx = self.db.begin().await?;
        let ended = finish(&mut tx, scope, claim, &end).await;
        Ok(tx.end(ended).await?)
    }

    fn export_lease(&self, holder: Uuid) -> Lease {
        let from = self.now();
        let until = from.checked_add(LEASE_SECONDS.seconds()).unwrap_or(from);
        Lease { holder, from, until }
    }

    fn export_end<'a>(&self, state: ExportState, is_cut: bool, reason: Option<&'a str>) -> End<'a> {
        let at = self.now();
        let expires_at = at.checked_add(KEPT_HOURS.hours()).unwrap_or(at);
        End { state, is_cut, reason, at, expires_at }
    }

    /// Writes some slices of an export; then it is free for the next turn, or done.
    async fn write_turn(
        &self,
        scope: Scope,
        claimed: Claimed,
        lease: Lease,
        slices: &mut u64,
    ) -> Result<(), Error> {
        let Claimed { id, asked, size, place, .. } = claimed;
        let asked = read_asked(&asked).ok_or(Error::broken(UNREADABLE))?;
        let key = self.sealing_of_exports(scope).await?;
        let read = |text: String| read_place(&asked, &text);
        let place = place.map(read).transpose()?;
        let mut work = Work { scope, id, asked, key, size, place };
        for _ in 0..TURN {
            if self.tasks.is_stopping() {
                break;
            }
            let written = self.write_slice(&mut work, lease.holder).await?;
            *slices += 1;
            // Of the one writer others are in need too.
            tokio::time::sleep(PAUSE).await;
            reached("export-written");
            if written != Some(Written::More) {
                return Ok(());
            }
        }
        let mut tx = self.db.begin().await?;
        let released = exports::release(&mut tx, scope, (id, lease.holder)).await;
        Ok(tx.end(released).await?)
    }

    /// Writes what comes next; nothing if somebody else is at it, or nobody wants it any more.
    async fn write_slice(&self, work: &mut Work, holder: Uuid) -> Result<Option<Written>, Error> {
        let mut tx = self.db.read().await?;
        let slice = read_slice(&mut tx, work).await;
        let slice = tx.end(slice).await?;
        let Work { scope, id, key, .. } = work;
        let (scope, number) = (*scope, work.size.chunks);
        let sealed = seal(key, scope, (*id, number), &slice.part);
        let size = Size {
            rows: work.size.rows + slice.rows,
            bytes: work.size.bytes + i64::try_from(slice.part.len()).unwrap_or_default(),
            chunks: number + i64::from(!slice.part.is_empty()),
        };
        let written = Written::of(size.rows, slice.next.is_none());
        let place = slice.next.map(|place| place.to_string());
        let lease = self.export_lease(holder);
        let mut tx = self.db.begin().await?;
        let kept = async {
            let reached = (size, place.as_deref());
            if !exports::advance(&mut tx, scope, (*id, &lease), reached).await? {
                return Ok(None);
            }
            if !slice.part.is_empty() {
                exports::insert_chunk(&mut tx, scope, (*id, number), &sealed).await?;
            }
            if written != Written::More {
                let end = self.export_end(ExportState::Done, written == Written::Full, None);
                finish(&mut tx, scope, (*id, holder), &end).await?;
            }
            Ok::<_, StoreError>(Some(written))
        };
        let kept = kept.await;
        let kept = tx.end(kept).await?;
        (work.size, work.place) = (size, slice.next);
        Ok(kept)
    }

    /// Deletes what was removed or has served its time, a little at a time.
    async fn delete_ended_exports(&self) -> Result<(), Error> {
        while !self.tasks.is_stopping() {
            let mut tx = self.db.read().await?;
            let ended = exports::find_ended(&mut tx, &self.all_partners(), self.now()).await;
            let Some((partner, id)) = tx.end(ended).await? else { break };
            let scope = Scope::platform(partner, "a worker deletes what nobody wants any more");
            let mut tx = self.db.begin().await?;
            let deleted = exports::delete(&mut tx, scope, id, DELETED).await;
            tx.end(deleted).await?;
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// Ends an export; of more than are kept the oldest go.
async fn finish(
    tx: &mut Tx,
    scope: Scope,
    claim: (Uuid, Uuid),
    end: &End<'_>,
) -> Result<(), StoreError> {
    exports::finish(tx, scope, claim, end).await?;
    exports::remove_oldest(tx, scope, KEPT_MAX, end.at).await
}

/// Reads what comes next of an export.
async fn read_slice(tx: &mut Tx, work: &Work) -> Result<Slice, Error> {
    let (scope, limit) = (work.scope, room(work.size.rows, SLICE));
    let page = page(tx, scope, &work.asked, work.place, limit).await?;
    let found = page.items.iter().filter_map(|it| it.order.card);
    let keys: BTreeSet<_> = found.map(|card| (scope.partner(), card)).collect();
    let found = cards::load(tx, &keys).await?.into_iter();
    let digits: HashMap<CardId, String> =
        found.map(|(_, card)| (card.id, card.last_four)).collect();
    let first = if work.size.chunks == 0 { head() } else { String::new() };
    Ok(Slice {
        part: first + &lines(&page.items, &digits),
        rows: i64::try_from(page.items.len()).unwrap_or_default(),
        next: page.next,
    })
}

/// The place that an export has reached.
fn read_place(asked: &History, text: &str) -> Result<Place, Error> {
    let place = if asked.is_of_balances() {
        text.parse().ok().map(Place::Number)
    } else {
        Uuid::try_parse(text).ok().map(Place::Id)
    };
    place.ok_or(Error::broken("the place that an export has reached can't be read"))
}
