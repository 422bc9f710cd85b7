//! What must hold, decided from rows that are shown one after the other: balances first, then all
//! that names them.

use domain::Timestamp;
use domain::ids::{BalanceId, CardId, TransactionId};
use domain::ledger::Account;
use domain::transaction::{Category, Flag, Processing, Status};
use std::collections::{BTreeMap, HashMap};
use store::books::{Done, Entry, Heard, Movement, Told};

/// How many faults of a kind are told one by one: a broken ledger has as many as it has rows.
const TOLD_MAX: u64 = 20;
/// The kind of messages that ask for money to be held.
const AUTHORIZATION: &str = "authorization";

/// The books of one partner as far as they were shown.
#[derive(Default)]
pub(super) struct Check {
    span: Span,
    accounts: HashMap<BalanceId, Sums>,
    faults: Faults,
}

/// Which movements are counted.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    /// What was posted until then was counted by a former run; none if everything is counted.
    pub(super) from: Option<Timestamp>,
    /// What was posted until then is not counted again by the next run; not before `from`.
    pub(super) until: Timestamp,
}

/// A balance as its row says, and as it is computed again. 128 bits hold the sum of more rows than
/// a database can have.
struct Sums {
    told: Told,
    moved: i128,
    /// What of that was posted until the span's end.
    until: i128,
    held: i128,
}

/// Some transactions, whose movements are shown next.
pub(super) struct Part<'a> {
    check: &'a mut Check,
    entries: HashMap<TransactionId, Moving>,
    order: Vec<TransactionId>,
}

/// A transaction, and what its movements move of its balance and of what backs it: out of them
/// above zero, into them below.
struct Moving {
    entry: Entry,
    own: i128,
    collateral: i128,
}

/// What doesn't hold, counted by kind.
#[derive(Default)]
struct Faults {
    told: Vec<String>,
    counts: BTreeMap<&'static str, u64>,
}

impl Faults {
    /// Tells that `what` is wrong with a row, unless that was told often enough.
    fn tell(&mut self, row: impl FnOnce() -> String, what: &'static str) {
        self.tell_with(row, what, String::new);
    }

    /// As [`Faults::tell`], with what is known about it.
    fn tell_with(
        &mut self,
        row: impl FnOnce() -> String,
        what: &'static str,
        detail: impl FnOnce() -> String,
    ) {
        let count = self.counts.entry(what).or_default();
        *count += 1;
        if *count <= TOLD_MAX {
            self.told.push(format!("{}: {what}{}", row(), detail()));
        }
    }
}

fn balance(id: BalanceId) -> impl FnOnce() -> String {
    move || format!("balance {}", id.0)
}

fn transaction(id: TransactionId) -> impl FnOnce() -> String {
    move || format!("transaction {}", id.0)
}

impl Check {
    /// Of this span.
    pub(super) fn of(span: Span) -> Self {
        Self { span, ..Self::default() }
    }

    /// How many balances were shown.
    pub(super) fn balances(&self) -> usize {
        self.accounts.len()
    }

    /// Shows a balance.
    pub(super) fn balance(&mut self, told: Told) {
        self.accounts.insert(told.id, Sums { told, moved: 0, until: 0, held: 0 });
    }

    /// Shows what a former run has counted of a balance.
    pub(super) fn counted(&mut self, id: BalanceId, moved: i64) {
        match self.accounts.get_mut(&id) {
            Some(sums) => {
                sums.moved += i128::from(moved);
                sums.until += i128::from(moved);
            }
            None => self.faults.tell(balance(id), "it was verified but has no row"),
        }
    }

    /// Shows a transaction that holds money, where not all transactions are shown.
    pub(super) fn hold(&mut self, entry: &Entry) {
        for (id, held) in [(entry.balance, entry.held), (entry.collateral, entry.collateral_held)] {
            let sums = id.and_then(|id| self.accounts.get_mut(&id));
            // What the partner holds isn't held here besides.
            if let Some(sums) = sums.filter(|sums| !sums.told.is_external) {
                sums.held += i128::from(held);
            }
        }
    }

    /// Shows a card and the balance that it pays from.
    pub(super) fn card(&mut self, card: CardId, balance: BalanceId) {
        if !self.accounts.contains_key(&balance) {
            self.faults.tell(|| format!("card {}", card.0), "its balance has no row");
        }
    }

    /// Shows transactions; their movements are shown to the part.
    pub(super) fn part(&mut self, entries: Vec<Entry>) -> Part<'_> {
        entries.iter().for_each(|entry| self.entry(entry));
        let order = entries.iter().map(|entry| entry.id).collect();
        let moving = |entry: Entry| (entry.id, Moving { entry, own: 0, collateral: 0 });
        let entries = entries.into_iter().map(moving).collect();
        Part { check: self, entries, order }
    }

    fn entry(&mut self, entry: &Entry) {
        if self.span.from.is_none() {
            self.hold(entry);
        }
        let (row, faults) = (|| transaction(entry.id), &mut self.faults);
        let succeeded = entry.processing == Processing::Success;
        let asking = entry.processing == Processing::Asking;
        let open = (succeeded || asking) && entry.status == Status::Authorized;
        if (entry.held != 0 || entry.collateral_held != 0) && !open {
            faults.tell(row(), "it holds money but isn't authorized");
        }
        if entry.held > 0 && open && !entry.expires {
            faults.tell(row(), "its hold never ends");
        }
        match entry.collateral.and_then(|id| self.accounts.get(&id)) {
            Some(sums) if sums.told.is_partners => {}
            Some(_) => faults.tell(row(), "what backs it isn't a balance of the partner's own"),
            None if entry.collateral_held != 0 || entry.collateral.is_some() => {
                faults.tell(row(), "it is backed by no balance");
            }
            None => {}
        }
        match entry.balance.and_then(|id| self.accounts.get(&id)) {
            Some(sums) if succeeded && sums.told.currency != entry.currency => {
                faults.tell(row(), "its currency isn't its balance's");
            }
            Some(_) => {}
            None if entry.held != 0 => faults.tell(row(), "it holds money of no balance"),
            None if succeeded => faults.tell(row(), "its balance has no row"),
            None => {}
        }
    }

    /// Shows a message, and what was done with the transaction that it names, if that has a row.
    pub(super) fn message(&mut self, message: &Heard, done: Option<Done>) {
        let (row, faults) = (transaction(message.transaction), &mut self.faults);
        match done {
            None => faults.tell(row, "it has a message but no row"),
            // All that name one transaction agree with it, so they agree with one another.
            // Of one that was declined because it was late, what has raised it stays.
            // So does one that was reversed while the partner was asked: its message is declined.
            Some(
                Done { flag: Some(Flag::WithoutAuthorization), .. }
                | Done { never_approved: true, .. },
            ) if message.processing == Processing::Declined => {}
            Some(Done { processing: done, .. })
                if message.kind == AUTHORIZATION && done != message.processing =>
            {
                let (said, done) = (message.processing.as_str(), done.as_str());
                let detail = || format!(" (the message says {said}, its row {done})");
                faults.tell_with(row, "a message was answered otherwise", detail);
            }
            Some(_) => {}
        }
    }

    /// What has moved of each balance until the span's end, of those that anything has moved of;
    /// none if one is beyond 64 bits.
    pub(super) fn moved_until(&self) -> Option<Vec<(BalanceId, i64)>> {
        let sums = self.accounts.iter().filter(|(_, sums)| sums.until != 0);
        let moved = sums.map(|(id, sums)| Some((*id, i64::try_from(sums.until).ok()?)));
        let mut moved: Vec<_> = moved.collect::<Option<_>>()?;
        moved.sort_unstable();
        Some(moved)
    }

    /// What doesn't hold, when everything was shown.
    pub(super) fn finish(mut self) -> Vec<String> {
        let mut accounts: Vec<Sums> = self.accounts.into_values().collect();
        accounts.sort_by_key(|sums| sums.told.id);
        for Sums { told, moved, held, .. } in accounts {
            let (posted_says, held_says) = (told.posted, told.held);
            if i128::from(posted_says) != moved {
                let detail = || format!(" (posted is {posted_says}, its movements sum to {moved})");
                self.faults.tell_with(
                    balance(told.id),
                    "what is posted isn't what has moved",
                    detail,
                );
            }
            if i128::from(held_says) != held {
                let detail = || format!(" (held is {held_says}, its transactions hold {held})");
                self.faults.tell_with(
                    balance(told.id),
                    "what is held isn't what transactions hold",
                    detail,
                );
            }
        }
        let Faults { mut told, counts } = self.faults;
        for (what, count) in counts.into_iter().filter(|(_, count)| *count > TOLD_MAX) {
            told.push(format!("and {} more like this: {what}", count - TOLD_MAX));
        }
        told
    }
}

impl Part<'_> {
    /// Shows a movement of one of the part's transactions, or of none that there is.
    pub(super) fn movement(&mut self, movement: &Movement) {
        let row = || transaction(movement.transaction);
        let Span { from, until } = self.check.span;
        let is_counted = from.is_none_or(|from| movement.posted_at > from);
        let faults = &mut self.check.faults;
        if movement.amount <= 0 {
            faults.tell(row(), "a movement of it isn't above zero");
        }
        let moving = self.entries.get_mut(&movement.transaction);
        if moving.is_none() {
            faults.tell(row(), "it has movements but no row");
        }
        if moving.as_ref().is_some_and(|moving| moving.entry.currency != movement.currency) {
            faults.tell(row(), "a movement of it is in another currency");
        }
        let mut moving = moving;
        for (account, sign) in [(movement.from, -1), (movement.to, 1)] {
            let Account::Balance(id) = account else { continue };
            let moved = sign * i128::from(movement.amount);
            let sums = self.check.accounts.get_mut(&id);
            if let Some(moving) = &mut moving {
                if moving.entry.balance == Some(id) {
                    moving.own -= moved;
                } else if moving.entry.collateral == Some(id) {
                    moving.collateral -= moved;
                } else if sums.as_ref().is_some_and(|sums| !sums.told.is_partners) {
                    faults.tell(row(), "a movement of it is another balance's");
                }
            }
            match sums {
                Some(sums) if is_counted => {
                    sums.moved += moved;
                    sums.until += if movement.posted_at <= until { moved } else { 0 };
                }
                Some(_) => {}
                None => faults.tell(balance(id), "it has movements but no row"),
            }
        }
    }

    /// Ends the part when all of its movements were shown.
    pub(super) fn finish(self) {
        let moving = self.order.iter().filter_map(|id| self.entries.get(id));
        for Moving { entry, own, collateral } in moving {
            let way = match entry.category {
                Category::Debit => 1,
                Category::Credit => -1,
            };
            let faults = &mut self.check.faults;
            let mut compare = |told: i64, moved: i128, what| {
                if i128::from(told) != way * moved {
                    let detail = || format!(" (it says {told}, its movements {})", way * moved);
                    faults.tell_with(transaction(entry.id), what, detail);
                }
            };
            let held_there = entry.balance.and_then(|id| self.check.accounts.get(&id));
            // What has moved of it has moved in the partner's books.
            let cleared =
                if held_there.is_some_and(|it| it.told.is_external) { 0 } else { entry.cleared };
            compare(cleared, *own, "what it has cleared isn't what has moved");
            let what = "what it has moved of what backs it isn't what has moved";
            compare(entry.collateral_moved, *collateral, what);
        }
    }
}
