//! The proof that the ledger holds: every account is computed again from movements and holds and
//! compared with what its row says, and rows are compared with the rows that they name.
//!
//! A movement is one row with both of its accounts, so all accounts sum to zero by themselves.
//!
//! A **full** run reads every row. What it found sound it can keep as a checkpoint: what had moved
//! of each balance until a time. An **incremental** run goes on from there. It proves that
//!
//! - each balance's `posted` is what had moved until the checkpoint and every movement since;
//! - each balance's `held` is what transactions hold whose holds are yet to end, all of them read;
//! - each transaction that is newer than the checkpoint, or that a message since then names, agrees
//!   with all of its movements, and each message since then with its transaction;
//! - each card has a balance.
//!
//! It trusts what is older: a transaction, movement or message from before the checkpoint that was
//! altered or deleted behind the ledger's back, and that no message has named since, is found by a
//! full run alone. So is a checkpoint that was altered together with a balance.

mod check;
#[cfg(test)]
mod tests;

use crate::Error;
use check::{Check, Span};
use domain::Timestamp;
use domain::ids::{BalanceId, CardId, MessageId, PartnerId, TransactionId, ordered_v4};
use domain::scope::Scope;
use jiff::SignedDuration;
use std::collections::BTreeSet;
use store::books::{self, Entry};
use store::db::{Db, Tx};
use store::{StoreError, checkpoints};
use uuid::Uuid;

/// Rows that are read at once: some milliseconds of the database's time, some megabytes of ours.
const SLICE: i64 = 10_000;
/// Rows that are looked up or written at once: a write holds up the engine meanwhile.
const SET: usize = 1_000;
/// How much older than now a checkpoint is, and how much before it an incremental run begins to
/// read: more than a command lives, and than the clocks of servers may differ. A row that is
/// written later bears no earlier time.
pub(crate) const MARGIN: SignedDuration = SignedDuration::from_mins(10);
/// Before all that happens: the beginning of the year 1, which both databases can tell.
const LONG_AGO: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many balances were computed again.
    pub balances: usize,
    /// How many transactions were compared with their movements.
    pub transactions: u64,
    /// What doesn't hold, in words that name the account or transaction; at most some of a kind.
    pub faults: Vec<String>,
}

impl Report {
    /// Whether the ledger holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.faults.is_empty()
    }
}

/// How a run goes about it.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// Whether it goes on from the last checkpoint. A partner that has none is read in full.
    pub is_incremental: bool,
    /// The business clock's time, if a checkpoint is to be kept of a partner whose books hold.
    pub keep: Option<Timestamp>,
    /// How many rows are read at once; above zero.
    pub slice: i64,
    /// Is told now and then how many transactions were compared.
    pub tell: Tell<'a>,
}

/// Is told how many transactions were compared so far.
pub type Tell<'a> = &'a (dyn Fn(u64) + Sync);

impl Run<'_> {
    /// One that reads everything and keeps nothing.
    pub const FULL: Self = Self { is_incremental: false, keep: None, slice: SLICE, tell: &|_| {} };
}

/// Verifies the books of these partners in full, each in one snapshot, and keeps no checkpoint.
/// Memory grows with the number of a partner's balances, not with what has happened to them.
pub async fn verify(db: &Db, partners: &[PartnerId]) -> Result<Report, Error> {
    verify_as(db, partners, Run::FULL).await
}

/// Verifies the books of these partners, each in one snapshot. Of an incremental run memory grows
/// also with the number of older transactions that something happened to since the checkpoint.
pub async fn verify_as(db: &Db, partners: &[PartnerId], run: Run<'_>) -> Result<Report, Error> {
    assert!(run.slice > 0, "a slice has rows");
    let mut report = Report::default();
    for &partner in partners {
        let mut tx = db.read().await?;
        let scope = Scope::platform(partner, "ledger verify");
        let read = read(&mut tx, scope, run, report.transactions).await;
        let (check, span, seen) = tx.end(read).await?;
        report.balances += check.balances();
        report.transactions = seen;
        let moved = check.moved_until();
        let faults = check.finish();
        if let Some(moved) = moved.filter(|_| faults.is_empty() && run.keep.is_some()) {
            keep(db, scope, span, &moved).await?;
        }
        report.faults.extend(faults.into_iter().map(|fault| format!("{partner}: {fault}")));
    }
    Ok(report)
}

/// Keeps a checkpoint, in short transactions; it is one with the last of them.
async fn keep(db: &Db, scope: Scope, span: Span, moved: &[(BalanceId, i64)]) -> Result<(), Error> {
    if span.from == Some(span.until) {
        return Ok(());
    }
    for set in moved.chunks(SET) {
        let mut tx = db.begin().await?;
        let inserted = checkpoints::insert(&mut tx, scope, span.until, set).await;
        tx.end(inserted).await?;
    }
    let mut tx = db.begin().await?;
    let reached = checkpoints::reach(&mut tx, scope, span.until).await;
    Ok(tx.end(reached).await?)
}

async fn read(
    tx: &mut Tx,
    scope: Scope,
    run: Run<'_>,
    seen: u64,
) -> Result<(Check, Span, u64), StoreError> {
    let from = if run.is_incremental { checkpoints::find(tx, scope).await? } else { None };
    let until = run.keep.and_then(|now| now.checked_sub(MARGIN).ok()).unwrap_or_default();
    let span = Span { from, until: from.map_or(until, |from| from.max(until)) };
    let first = from.map_or(Uuid::nil(), first_id);
    let (check, named) = (Check::of(span), BTreeSet::new());
    let mut reader =
        Reader { tx, scope, slice: run.slice, tell: run.tell, span, first, named, seen, check };
    reader.read().await?;
    Ok((reader.check, span, reader.seen))
}

/// The least id that a transaction or message can have that something was posted for after this.
pub(crate) fn first_id(from: Timestamp) -> Uuid {
    let first = from.checked_sub(MARGIN).unwrap_or(Timestamp::MIN);
    let milliseconds = u64::try_from(first.as_millisecond()).unwrap_or(0);
    Uuid::from_u128(ordered_v4(milliseconds, 0).as_u128() >> 80 << 80)
}

/// Reads the books of one partner in one snapshot and shows them to the check.
struct Reader<'a> {
    tx: &'a mut Tx,
    scope: Scope,
    slice: i64,
    tell: Tell<'a>,
    span: Span,
    /// The first transaction and message of what is read one by one.
    first: Uuid,
    /// Transactions before it that messages name.
    named: BTreeSet<TransactionId>,
    /// How many transactions were shown, those of other partners included.
    seen: u64,
    check: Check,
}

impl Reader<'_> {
    async fn read(&mut self) -> Result<(), StoreError> {
        self.balances().await?;
        if let Some(from) = self.span.from {
            self.counted(from).await?;
            self.holds().await?;
        }
        self.cards().await?;
        self.transactions().await?;
        self.messages().await?;
        self.older().await
    }

    /// What the checkpoint says.
    async fn counted(&mut self, until: Timestamp) -> Result<(), StoreError> {
        let mut from = Some(Uuid::nil());
        while let Some(first) = from {
            breathe().await;
            let (first, slice) = (BalanceId(first), self.slice);
            let told = checkpoints::list(self.tx, self.scope, until, first, slice).await?;
            from = self.next(told.len(), told.last().map(|(id, _)| id.0));
            told.iter().for_each(|(id, moved)| self.check.counted(*id, *moved));
        }
        Ok(())
    }

    async fn holds(&mut self) -> Result<(), StoreError> {
        let mut after = Some((LONG_AGO, TransactionId(Uuid::nil())));
        while let Some(key) = after {
            breathe().await;
            let held = books::list_holds(self.tx, self.scope, key, self.slice).await?;
            after = held.last().filter(|_| is_full(held.len(), self.slice)).map(|(key, _)| *key);
            held.iter().for_each(|(_, entry)| self.check.hold(entry));
        }
        Ok(())
    }

    /// Older transactions that messages name.
    async fn older(&mut self) -> Result<(), StoreError> {
        let named: Vec<_> = std::mem::take(&mut self.named).into_iter().collect();
        for ids in named.chunks(SET) {
            breathe().await;
            let entries = books::load_entries(self.tx, self.scope, ids).await?;
            self.saw(entries.len());
            let moved = books::load_movements(self.tx, self.scope, ids).await?;
            let mut part = self.check.part(entries);
            moved.iter().for_each(|movement| part.movement(movement));
            part.finish();
        }
        Ok(())
    }

    fn saw(&mut self, transactions: usize) {
        self.seen += u64::try_from(transactions).unwrap_or_default();
        (self.tell)(self.seen);
    }

    async fn balances(&mut self) -> Result<(), StoreError> {
        let mut from = Some(Uuid::nil());
        while let Some(first) = from {
            breathe().await;
            let first = BalanceId(first);
            let told = books::list_balances(self.tx, self.scope, first, self.slice).await?;
            from = self.next(told.len(), told.last().map(|last| last.id.0));
            told.into_iter().for_each(|told| self.check.balance(told));
        }
        Ok(())
    }

    async fn cards(&mut self) -> Result<(), StoreError> {
        let mut from = Some(CardId(i64::MIN));
        while let Some(first) = from {
            breathe().await;
            let cards = books::list_cards(self.tx, self.scope, first, self.slice).await?;
            let last = cards.last().filter(|_| is_full(cards.len(), self.slice));
            from = last.and_then(|(id, _)| id.0.checked_add(1)).map(CardId);
            cards.iter().for_each(|(card, balance)| self.check.card(*card, *balance));
        }
        Ok(())
    }

    /// Transactions, each slice with its movements; those after the last belong to no transaction.
    async fn transactions(&mut self) -> Result<(), StoreError> {
        let mut from = Some(self.first);
        while let Some(first) = from {
            let first = TransactionId(first);
            let entries = books::list_entries(self.tx, self.scope, first, self.slice).await?;
            self.saw(entries.len());
            let last = entries.last().map(|last| last.id);
            from = self.next(entries.len(), last.map(|last| last.0));
            let end = TransactionId(Uuid::max());
            let last = last.filter(|_| from.is_some()).unwrap_or(end);
            self.movements(entries, first, last).await?;
        }
        Ok(())
    }

    async fn movements(
        &mut self,
        entries: Vec<Entry>,
        first: TransactionId,
        last: TransactionId,
    ) -> Result<(), StoreError> {
        let slice = self.slice;
        let mut part = self.check.part(entries);
        let mut from = Some((first, i64::MIN, i64::MIN));
        while let Some(key) = from {
            breathe().await;
            let moved = books::list_movements(self.tx, self.scope, key, last, slice).await?;
            let next = moved.last().filter(|_| is_full(moved.len(), slice));
            from = next.map(|it| (it.transaction, it.part, it.leg.saturating_add(1)));
            moved.iter().for_each(|movement| part.movement(movement));
        }
        part.finish();
        Ok(())
    }

    async fn messages(&mut self) -> Result<(), StoreError> {
        let mut from = Some(self.first);
        while let Some(first) = from {
            breathe().await;
            let first = MessageId(first);
            let heard = books::list_messages(self.tx, self.scope, first, self.slice).await?;
            from = self.next(heard.len(), heard.last().map(|last| last.id.0));
            let named: BTreeSet<_> = heard.iter().map(|message| message.transaction).collect();
            let older = named.range(..TransactionId(self.first));
            self.named.extend(older);
            let done = books::done_with(self.tx, self.scope, &named).await?;
            for message in &heard {
                self.check.message(message, done.get(&message.transaction).copied());
            }
        }
        Ok(())
    }

    /// Where the next slice begins, if there may be one.
    fn next(&self, rows: usize, last: Option<Uuid>) -> Option<Uuid> {
        let last = last.filter(|_| is_full(rows, self.slice))?;
        last.as_u128().checked_add(1).map(Uuid::from_u128)
    }
}

/// Lets others of this task's go on between two slices: SQLite never waits by itself.
async fn breathe() {
    tokio::task::yield_now().await;
}

/// Whether a slice has as many rows as it may: then more may follow.
fn is_full(rows: usize, slice: i64) -> bool {
    i64::try_from(rows).is_ok_and(|rows| rows >= slice)
}
