//! The proof that the ledger holds: every account is computed again from movements and holds and
//! compared with what its row says, and rows are compared with the rows that they name.
//!
//! A movement is one row with both of its accounts, so all accounts sum to zero by themselves.

mod check;
#[cfg(test)]
mod tests;

use crate::Error;
use check::Check;
use domain::ids::{BalanceId, CardId, MessageId, PartnerId, TransactionId};
use domain::scope::Scope;
use std::collections::BTreeSet;
use store::StoreError;
use store::books::{self, Entry};
use store::db::{Db, Tx};
use uuid::Uuid;

/// Rows that are read at once: some milliseconds of the database's time, some megabytes of ours.
const SLICE: i64 = 10_000;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many balances were computed again.
    pub balances: usize,
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

/// Verifies the books of these partners, each in one snapshot. Memory grows with the number of a
/// partner's balances, not with what has happened to them.
pub async fn verify(db: &Db, partners: &[PartnerId]) -> Result<Report, Error> {
    verify_in_slices(db, partners, SLICE).await
}

/// As [`verify`], reading this many rows at once.
pub async fn verify_in_slices(
    db: &Db,
    partners: &[PartnerId],
    slice: i64,
) -> Result<Report, Error> {
    assert!(slice > 0, "a slice has rows");
    let mut report = Report::default();
    for &partner in partners {
        let mut tx = db.read().await?;
        let scope = Scope::platform(partner, "ledger verify");
        let read = Reader { tx: &mut tx, scope, slice, check: Check::default() }.read().await;
        let check = tx.end(read).await?;
        report.balances += check.balances();
        let faults = check.finish().into_iter();
        report.faults.extend(faults.map(|fault| format!("{partner}: {fault}")));
    }
    Ok(report)
}

/// Reads the books of one partner in one snapshot and shows them to the check.
struct Reader<'a> {
    tx: &'a mut Tx,
    scope: Scope,
    slice: i64,
    check: Check,
}

impl Reader<'_> {
    async fn read(mut self) -> Result<Check, StoreError> {
        self.balances().await?;
        self.cards().await?;
        self.transactions().await?;
        self.messages().await?;
        Ok(self.check)
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
        let mut from = Some(Uuid::nil());
        while let Some(first) = from {
            let first = TransactionId(first);
            let entries = books::list_entries(self.tx, self.scope, first, self.slice).await?;
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
        let mut from = Some(Uuid::nil());
        while let Some(first) = from {
            breathe().await;
            let first = MessageId(first);
            let heard = books::list_messages(self.tx, self.scope, first, self.slice).await?;
            from = self.next(heard.len(), heard.last().map(|last| last.id.0));
            let named: BTreeSet<_> = heard.iter().map(|message| message.transaction).collect();
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
