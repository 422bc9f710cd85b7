//! What moved of a partner's own balance: other balances' transactions move it too, a deposit by
//! each purchase, so its own transactions don't lead to all of it.
//!
//! Whatever is posted is posted by a message, to a transaction that is as new as the message or
//! older, and ids tell the time. So what was posted since a moment is found by the ids of then: of
//! the transactions that are newer, and of the messages, which name those that are older. What was
//! posted before is told by the last checkpoint of `ledger verify`; without one all is read.

use super::{LINES_MAX, Read, SLICE, signed};
use crate::ledger::verify::{MARGIN, first_id};
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::{BalanceId, MessageId, TransactionId};
use domain::ledger::Account;
use domain::money::Amount;
use domain::scope::Scope;
use domain::transaction::{Category, Transaction};
use std::collections::{BTreeSet, HashMap};
use store::books::{self, Movement};
use store::db::Tx;
use store::statements::{Moved, Told};
use store::{StoreError, checkpoints, transactions};
use uuid::Uuid;

/// How many rows are looked at for one statement: some seconds of the database's time.
const ROWS_MAX: usize = 2_000_000;

/// What a checkpoint says of a balance.
#[derive(Clone, Copy)]
struct Counted {
    /// Until when.
    until: Timestamp,
    /// What had moved by then, in minor units.
    moved: i64,
}

/// What was found so far.
struct Walk {
    balance: BalanceId,
    begin: Timestamp,
    end: Timestamp,
    counted: Option<Counted>,
    opening: i128,
    lines: Vec<Moved>,
    rows: usize,
}

impl App {
    /// What moved of a partner's own balance from `begin` to `end`, and before.
    pub(super) async fn read_own(
        &self,
        scope: Scope,
        balance: BalanceId,
        (begin, end): (Timestamp, Timestamp),
    ) -> Result<Read, Error> {
        let mut tx = self.db.read().await?;
        let counted = counted(&mut tx, scope, balance).await;
        let counted = tx.end(counted).await?;
        let first = counted.map_or(Uuid::nil(), |counted| first_id(counted.until.min(begin)));
        let until = counted.map_or(end, |counted| counted.until.max(end));
        // An id is made before what it is for is posted; the margin is for clocks that differ.
        let last = first_id(until.checked_add(MARGIN * 2).unwrap_or(Timestamp::MAX));
        let opening = counted.map_or(0, |counted| counted.moved.into());
        let (lines, rows) = (Vec::new(), 0);
        let mut walk = Walk { balance, begin, end, counted, opening, lines, rows };
        self.walk_newer(scope, (first, last), &mut walk).await?;
        if !first.is_nil() {
            self.walk_older(scope, (first, last), &mut walk).await?;
        }
        self.told(scope, walk).await
    }

    /// The movements of transactions between two ids.
    async fn walk_newer(
        &self,
        scope: Scope,
        (first, last): (Uuid, Uuid),
        walk: &mut Walk,
    ) -> Result<(), Error> {
        let mut from = Some((TransactionId(first), i64::MIN, i64::MIN));
        while let Some(key) = from {
            let mut tx = self.db.read().await?;
            let moved =
                books::list_movements(&mut tx, scope, key, TransactionId(last), SLICE).await;
            let moved = tx.end(moved).await?;
            let next = moved.last().filter(|_| is_full(moved.len()));
            from = next.map(|it| (it.transaction, it.part, it.leg.saturating_add(1)));
            walk.add(&moved)?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// The movements of transactions before the first id that messages since then name.
    async fn walk_older(
        &self,
        scope: Scope,
        (first, last): (Uuid, Uuid),
        walk: &mut Walk,
    ) -> Result<(), Error> {
        let mut named = BTreeSet::new();
        let mut from = Some(first);
        while let Some(id) = from {
            let mut tx = self.db.read().await?;
            let heard = books::list_messages(&mut tx, scope, MessageId(id), SLICE).await;
            let heard = tx.end(heard).await?;
            walk.look_at(heard.len())?;
            let next = heard.last().filter(|it| is_full(heard.len()) && it.id.0 < last);
            from = next.and_then(|it| it.id.0.as_u128().checked_add(1)).map(Uuid::from_u128);
            let of = heard.iter().map(|message| message.transaction);
            named.extend(of.filter(|transaction| transaction.0 < first));
            tokio::task::yield_now().await;
        }
        let named: Vec<TransactionId> = named.into_iter().collect();
        for ids in named.chunks(slice()) {
            let mut tx = self.db.read().await?;
            let moved = books::load_movements(&mut tx, scope, ids).await;
            walk.add(&tx.end(moved).await?)?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// What was found, each movement with its transaction.
    async fn told(&self, scope: Scope, walk: Walk) -> Result<Read, Error> {
        let ids: BTreeSet<_> =
            walk.lines.iter().map(|it| (scope.partner(), it.transaction)).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let mut told = HashMap::new();
        for ids in ids.chunks(slice()) {
            let mut tx = self.db.read().await?;
            let found = transactions::load(&mut tx, ids.iter().copied()).await;
            told.extend(tx.end(found).await?.into_iter().map(|(_, it)| (it.id, of(it))));
        }
        let lines = walk.lines.into_iter();
        let lines = lines.filter_map(|it| Some((told.get(&it.transaction)?.clone(), it)));
        Ok(Read { opening: walk.opening, lines: lines.collect() })
    }
}

/// What the last checkpoint says, if there is one; of what isn't in it nothing had moved.
async fn counted(
    tx: &mut Tx,
    scope: Scope,
    balance: BalanceId,
) -> Result<Option<Counted>, StoreError> {
    let Some(until) = checkpoints::find(tx, scope).await? else { return Ok(None) };
    let found = checkpoints::list(tx, scope, until, balance, 1).await?;
    let found = found.first().filter(|(id, _)| *id == balance);
    Ok(Some(Counted { until, moved: found.map_or(0, |(_, moved)| *moved) }))
}

impl Walk {
    fn look_at(&mut self, rows: usize) -> Result<(), Error> {
        self.rows += rows;
        if self.rows > ROWS_MAX { Err(Refusal::StatementTooLong.into()) } else { Ok(()) }
    }

    fn add(&mut self, moved: &[Movement]) -> Result<(), Error> {
        self.look_at(moved.len())?;
        moved.iter().try_for_each(|it| self.add_one(it))?;
        let is_long = self.lines.len() > LINES_MAX;
        if is_long { Err(Refusal::StatementTooLong.into()) } else { Ok(()) }
    }

    fn add_one(&mut self, it: &Movement) -> Result<(), Error> {
        let own = Account::Balance(self.balance);
        let way = match (it.from == own, it.to == own) {
            (_, true) => Category::Credit,
            (true, false) => Category::Debit,
            (false, false) => return Ok(()),
        };
        let amount = Amount::from_minor(it.amount);
        let amount = amount.map_err(|_| Error::broken("a movement is below zero"))?;
        let at = it.posted_at;
        let is_counted = self.counted.is_some_and(|counted| at < counted.until);
        match (at < self.begin, is_counted) {
            (true, false) => self.opening += signed(way, amount),
            (false, true) => self.opening -= signed(way, amount),
            (true, true) | (false, false) => {}
        }
        if (self.begin..self.end).contains(&at) {
            let Movement { transaction, part, leg, .. } = *it;
            self.lines.push(Moved { transaction, part, leg, way, amount, at });
        }
        Ok(())
    }
}

fn of(transaction: Transaction) -> Told {
    let Transaction { id, number, received_at, order, .. } = transaction;
    Told {
        id,
        number,
        received_at,
        kind: order.kind,
        text: order.text,
        network_id: order.network_id,
    }
}

fn slice() -> usize {
    usize::try_from(SLICE).unwrap_or(usize::MAX)
}

fn is_full(rows: usize) -> bool {
    rows >= slice()
}
