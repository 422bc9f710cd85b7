//! `/transactions/…`: what the partner is asked, told, and what it undoes.

use super::balances::not_found;
use super::books::{Balance, Books, By, Effect, Mode, Reply, Transaction};
use super::triggers::trigger;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// How long a reversal is remembered that came before its debit.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// Where a transaction may stand.
const STATES: &[&str] = &["AUTHORIZED", "CLEARED", "REVERSED"];

/// What is needed of a transaction's object. The rest is for showing it to the user.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    id: String,
    balance_id: String,
    /// The network's id. It need not be unique, so nothing is booked by it.
    transaction_id: String,
    /// In minor units of the balance's currency.
    amount: i64,
    currency: String,
    status: String,
}

impl Object {
    fn parse(body: &[u8]) -> Result<Self, Reply> {
        let object: Self = serde_json::from_slice(body)
            .map_err(|error| Reply::client_error(&format!("That is no transaction: {error}.")))?;
        if object.amount < 0 {
            return Err(Reply::client_error("The amount is below 0."));
        }
        if !STATES.contains(&object.status.as_str()) {
            return Err(Reply::client_error("There is no such status."));
        }
        Ok(object)
    }
}

impl Books {
    /// `POST /transactions/{word}`
    pub(super) fn post(&mut self, word: &str, body: &[u8], now: Timestamp) -> Reply {
        let by = match word {
            "debit" => By::Debit,
            "credit" => By::Credit,
            "force-debit" => By::ForceDebit,
            "force-credit" => By::ForceCredit,
            "reversal" => By::Reversal,
            _ => return Reply::refused(404, "NOT_FOUND", "There is no such path."),
        };
        let object = match Object::parse(body) {
            Ok(object) => object,
            Err(refused) => return refused,
        };
        match by {
            By::Debit | By::Credit => self.ask(by, &object, now),
            By::ForceDebit | By::ForceCredit => self.told(by, &object),
            By::Reversal => self.undo(&object, now),
        }
    }

    /// `debit`: has the user the money, and may it be spent so? `credit`: may the user get it? With
    /// 204 it is booked: nothing else comes before the clearing, unless it is taken back.
    ///
    /// An answer that comes too late is worth as much as none: we decline, and send a reversal.
    fn ask(&mut self, by: By, object: &Object, now: Timestamp) -> Reply {
        let undone = self.undone.get(&object.id);
        if undone.is_some_and(|undone| now.duration_since(*undone) < REMEMBERED) {
            return Reply::client_error("The transaction was undone before.");
        }
        if let Err(refused) = self.allow(by, object) {
            return refused;
        }
        let trigger = trigger(by, object.amount);
        if let Some(refused) = trigger.as_ref().filter(|reply| reply.status >= 400) {
            return refused.clone();
        }
        let booked = self.book(by, object, signed(by, object.amount));
        trigger.filter(|_| booked.status < 400).unwrap_or(booked)
    }

    fn allow(&self, by: By, object: &Object) -> Result<(), Reply> {
        match self.mode {
            Mode::Shared { limit } if object.amount > limit => {
                Err(Reply::refused(422, "LIMITS_EXCEEDED", "The amount is above the limit."))
            }
            Mode::Shared { .. } => Ok(()),
            Mode::External { .. } => {
                let balance = self.balances.get(&object.balance_id);
                let balance = balance.filter(|balance| balance.user.is_some());
                let balance = balance.ok_or_else(not_found)?;
                if by == By::Debit && object.amount > balance.amount {
                    let detail = "The balance has less than that.";
                    return Err(Reply::refused(422, "INSUFFICIENT_FUNDS", detail));
                }
                Ok(())
            }
        }
    }

    /// `force-debit`, `force-credit`: it has happened. There is nothing to refuse: it is booked
    /// below 0 too, and for a balance that isn't linked any more.
    ///
    /// A reversal by the network, and the end of a hold that nobody has cleared, come as a
    /// `force-credit` with the **same `id`** as their debit, status `REVERSED`, and a key of their
    /// own. That is no repetition: the money goes back.
    fn told(&mut self, by: By, object: &Object) -> Reply {
        self.book(by, object, signed(by, object.amount))
    }

    /// `reversal`: undoes whatever this `id` has done, so that it never was. Done twice it undoes
    /// nothing more. An unknown `id` is a success too: its debit was refused here, has never
    /// arrived, or is still on its way; so it is remembered for a day, and a debit that follows is
    /// refused.
    fn undo(&mut self, object: &Object, now: Timestamp) -> Reply {
        self.undone.insert(&object.id, now);
        let Some(sum) = self.transactions.get(&object.id).map(Transaction::sum) else {
            return Reply::done();
        };
        let reply = if sum == 0 { Reply::done() } else { self.book(By::Reversal, object, -sum) };
        if let Some(transaction) = self.transactions.get_mut(&object.id) {
            "REVERSED".clone_into(&mut transaction.status);
        }
        reply
    }

    /// `PUT /transactions/{transactionId}`, the network's id: it is cleared, the amount is final.
    /// No money moves: what differs from the hold came before, as a `force-debit` or
    /// `force-credit`.
    pub(super) fn put_status(&mut self, transaction_id: &str, body: &[u8]) -> Reply {
        let object = match Object::parse(body) {
            Ok(object) => object,
            Err(refused) => return refused,
        };
        // The path alone may name several; the body's id tells which.
        let transaction = self.transactions.get_mut(&object.id);
        match transaction.filter(|it| it.transaction_id == transaction_id) {
            Some(transaction) => {
                transaction.status = object.status;
                Reply::done()
            }
            None => Reply::refused(404, "TRANSACTION_NOT_FOUND", "There is no such transaction."),
        }
    }

    /// Books an amount, below 0 for a debit.
    fn book(&mut self, by: By, object: &Object, amount: i64) -> Reply {
        // What has happened for a balance that nobody has linked is booked under its id.
        let new = Balance { user: None, currency: object.currency.clone(), amount: 0 };
        let balance = self.balances.entry(object.balance_id.clone()).or_insert(new);
        if balance.currency != object.currency {
            return Reply::client_error("The balance has another currency.");
        }
        let Some(sum) = balance.amount.checked_add(amount) else {
            return Reply::client_error("The amount is too large.");
        };
        balance.amount = sum;
        let effect = Effect { by, amount };
        if let Some(transaction) = self.transactions.get_mut(&object.id) {
            transaction.effects.push(effect);
            object.status.clone_into(&mut transaction.status);
            return Reply::done();
        }
        let transaction = Transaction {
            transaction_id: object.transaction_id.clone(),
            balance: object.balance_id.clone(),
            status: object.status.clone(),
            effects: vec![effect],
        };
        self.transactions.insert(&object.id, transaction);
        Reply::done()
    }
}

fn signed(by: By, amount: i64) -> i64 {
    match by {
        By::Debit | By::ForceDebit => -amount,
        By::Credit | By::ForceCredit | By::Reversal => amount,
    }
}
