//! Step 5 of the protocol: each command in order, purely. What a rule decides reaches the facts
//! only when it is whole, so a panic spoils one command and no other.

use super::command::{Command, Event, Outcome};
use super::facts::{Facts, early_key};
use super::notify::entry;
use crate::audit::Entry;
use domain::Timestamp;
use domain::authorization;
use domain::balance::Balance;
use domain::card::lifecycle::LockReason;
use domain::ids::{BalanceId, MessageId, TransactionId};
use domain::ledger::Change;
use domain::ledger::clearing::{self, Finality};
use domain::ledger::internal::{positive, transfer};
use domain::ledger::matching::{Match, Reference, find};
use domain::ledger::release::{decline_late, expire, is_open, reverse};
use domain::money::{Amount, AmountError};
use domain::transaction::{
    Category, Description, Order, Processing, Status, Transaction, action_code,
};
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};
use store::audit::Record;
use store::ledger::{EarlyReversal, Message};

/// What a rule made of a command, not yet in the facts.
struct Decided {
    change: Change,
    lock: Option<LockReason>,
    waits: Option<EarlyReversal>,
}

impl From<Change> for Decided {
    fn from(change: Change) -> Self {
        Self { change, lock: None, waits: None }
    }
}

/// Decides one command and takes its effects into the facts.
pub(super) fn decide(facts: &mut Facts, command: &Command) -> Outcome {
    if let Some(known) = recognise(facts, command) {
        return known;
    }
    match catch_unwind(AssertUnwindSafe(|| decide_new(facts, command))) {
        Ok(Some(decided)) => settle(facts, command, decided),
        Ok(None) => Outcome::Nothing,
        Err(_) => give_up(facts, command),
    }
}

/// Records a command that can't be decided, so that it is decided: `INVALID`, `UNKNOWN_ERROR`.
pub(super) fn give_up(facts: &mut Facts, command: &Command) -> Outcome {
    if let Some(known) = recognise(facts, command) {
        return known;
    }
    tracing::error!(request_id = command.request_id, "a command can't be decided");
    match command.event.order() {
        None => Outcome::Nothing,
        Some(order) => {
            let status = asked_for(&command.event);
            let record = invalid(command, order, status, Description::UnknownError);
            settle(facts, command, record.into())
        }
    }
}

/// The status that a command asks for.
fn asked_for(event: &Event) -> Status {
    match event {
        Event::Authorize { .. } | Event::DeclineLate { .. } => Status::Authorized,
        Event::Reverse { .. } | Event::Expire { .. } => Status::Reversed,
        Event::Clear { .. } | Event::Transfer { .. } => Status::Cleared,
    }
}

/// A key that is known answers from its message, or was used for something else.
fn recognise(facts: &mut Facts, command: &Command) -> Option<Outcome> {
    if let Some(message) = facts.message_of_key(command).cloned() {
        if message.fingerprint != command.fingerprint {
            return Some(Outcome::KeyReused);
        }
        facts.tell(&message);
        return Some(Outcome::Decided(Box::new(message)));
    }
    let message = facts.message_of_network_key(command)?.clone();
    let order = command.event.order()?;
    if (message.amount, message.currency) != (order.amount, order.currency) {
        return Some(Outcome::KeyReused);
    }
    if command.names.key.is_some() {
        facts.tell_for_good(&message);
        facts.record(alias(&message, command));
    } else {
        facts.tell(&message);
    }
    Some(Outcome::Decided(Box::new(message)))
}

/// The same decision under another key of the caller.
fn alias(message: &Message, command: &Command) -> Message {
    Message {
        id: command.message,
        scope: command.names.scope.clone(),
        idempotency_key: command.names.key.clone(),
        network_key: None,
        fingerprint: command.fingerprint.clone(),
        told: true,
        request_id: command.request_id.clone(),
        created_at: command.now,
        ..message.clone()
    }
}

fn decide_new(facts: &Facts, command: &Command) -> Option<Decided> {
    match &command.event {
        Event::Authorize { request, code } => Some(authorize(facts, command, request, code)),
        Event::Reverse { order, reference } => Some(reversal(facts, command, order, reference)),
        Event::Clear { order, reference, finality } => {
            Some(clear(facts, command, order, reference.as_ref(), *finality).into())
        }
        Event::Transfer { order, .. } => {
            let balance = balance_of(facts, command, order.balance);
            let order = order.as_ref().clone();
            Some(transfer(command.transaction, order, balance, command.now).into())
        }
        Event::Expire { transaction, balance } => {
            let (held, balance) = held_by(facts, command, *transaction, *balance)?;
            let due = held.expires_at.is_some_and(|at| at <= command.now);
            due.then(|| expire(held, balance, command.now).ok()).flatten().map(Decided::from)
        }
        Event::DeclineLate { message, transaction, balance } => {
            let told = facts.message(command.scope.partner(), *message)?.told;
            if told {
                return None;
            }
            let (held, balance) = held_by(facts, command, *transaction, *balance)?;
            // What has moved of it meanwhile can't be taken back.
            let untouched = held.cleared.is_zero();
            let declined = || decline_late(held, balance, command.now).ok().map(Decided::from);
            untouched.then(declined).flatten()
        }
    }
}

fn authorize(
    facts: &Facts,
    command: &Command,
    request: &authorization::Request,
    code: &str,
) -> Decided {
    let partner = command.scope.partner();
    let card = request.order.card.and_then(|id| facts.cards.get(&(partner, id)));
    let balance = balance_of(facts, command, request.order.balance);
    let program = card.and_then(|card| facts.settings.program(partner, &card.config_id));
    let known = authorization::Facts {
        card,
        program,
        balance,
        owner: balance.and_then(|b| facts.owners.get(&(partner, b.owner)).copied()),
        reversed_early: early_key(command).is_some_and(|k| facts.waiting_reversals.contains(&k)),
        now: command.now,
    };
    let (change, lock) = authorization::decide(command.transaction, code, request, &known);
    Decided { change, lock, waits: None }
}

fn reversal(facts: &Facts, command: &Command, order: &Order, reference: &Reference) -> Decided {
    let turned = |description| invalid(command, order, Status::Reversed, description).into();
    let Some(card) = order.card else { return turned(Description::CardNotFound) };
    let amount = match positive(order.amount) {
        Ok(amount) => amount,
        Err(description) => return turned(description),
    };
    let partner = command.scope.partner();
    match find(facts.transactions_of(partner, card), reference) {
        Match::Several => turned(Description::AmbiguousReferencedTransaction),
        Match::One(found) if found.order.currency != order.currency => {
            turned(Description::CurrencyMismatch)
        }
        Match::One(found) if is_open(found) => {
            match balance_of(facts, command, found.order.balance) {
                None => turned(Description::BalanceNotFound),
                Some(balance) => reverse(found, balance, amount, command.now)
                    .map_or_else(|_| turned(Description::InvalidAmount), Decided::from),
            }
        }
        Match::One(_) => turned(Description::ReferencedTransactionNotFound),
        Match::None => {
            let mut decided: Decided = turned(Description::ReferencedTransactionNotFound);
            decided.waits = reference.date.map(|date| EarlyReversal {
                partner,
                card,
                reference_id: reference.id.clone(),
                reference_date: date,
            });
            decided
        }
    }
}

fn clear(
    facts: &Facts,
    command: &Command,
    order: &Order,
    reference: Option<&Reference>,
    finality: Finality,
) -> Change {
    match try_clear(facts, command, order, reference, finality) {
        Ok(change) => change,
        Err(description) => invalid(command, order, Status::Cleared, description),
    }
}

fn try_clear(
    facts: &Facts,
    command: &Command,
    order: &Order,
    reference: Option<&Reference>,
    finality: Finality,
) -> Result<Change, Description> {
    let card = order.card.ok_or(Description::CardNotFound)?;
    let amount = positive(order.amount)?;
    let balance = balance_of(facts, command, order.balance).ok_or(Description::BalanceNotFound)?;
    if order.currency != balance.currency {
        return Err(Description::CurrencyMismatch);
    }
    let found = match reference.filter(|_| order.category == Category::Debit) {
        None => Match::None,
        Some(named) => find(facts.transactions_of(command.scope.partner(), card), named),
    };
    let now = command.now;
    match found {
        Match::Several => Err(Description::AmbiguousReferencedTransaction),
        Match::One(found) if is_open(found) && clearing::has_fx_difference(found, order) => {
            Err(Description::UnknownTransactionType)
        }
        Match::One(found) if is_open(found) => {
            clearing::clear(found, balance, amount, finality, now).map_err(too_large)
        }
        Match::One(found) => alone(command, of_kind(order, found), balance, amount, now),
        Match::None => alone(command, order.clone(), balance, amount, now),
    }
}

/// A clearing of an authorization that is no longer open is of the same kind.
fn of_kind(order: &Order, found: &Transaction) -> Order {
    Order { kind: found.order.kind, ..order.clone() }
}

fn alone(
    command: &Command,
    order: Order,
    balance: &Balance,
    amount: Amount,
    now: Timestamp,
) -> Result<Change, Description> {
    clearing::clear_alone(command.transaction, order, balance, amount, now).map_err(too_large)
}

fn too_large(_: AmountError) -> Description {
    Description::InvalidAmount
}

fn invalid(command: &Command, order: &Order, status: Status, description: Description) -> Change {
    Change::record(Transaction::turned_away(
        command.transaction,
        order.clone(),
        status,
        Processing::Invalid,
        description,
        command.now,
    ))
}

fn balance_of<'a>(
    facts: &'a Facts,
    command: &Command,
    id: Option<BalanceId>,
) -> Option<&'a Balance> {
    facts.balances.get(&(command.scope.partner(), id?))
}

/// A transaction that still holds money, and its balance.
fn held_by<'a>(
    facts: &'a Facts,
    command: &Command,
    id: TransactionId,
    balance: BalanceId,
) -> Option<(&'a Transaction, &'a Balance)> {
    let transaction = facts.transactions.get(&(command.scope.partner(), id))?;
    let balance = balance_of(facts, command, Some(balance))?;
    is_open(transaction).then_some((transaction, balance))
}

/// Takes a whole decision into the facts and records its message.
fn settle(facts: &mut Facts, command: &Command, decided: Decided) -> Outcome {
    let partner = command.scope.partner();
    let message = match &command.event {
        Event::DeclineLate { message, .. } => late(facts, command, *message),
        Event::Authorize { .. }
        | Event::Reverse { .. }
        | Event::Clear { .. }
        | Event::Transfer { .. }
        | Event::Expire { .. } => Some(message(command, &decided)),
    };
    let transaction = decided.change.transaction.clone();
    if let Some(record) = audited(command, &transaction) {
        facts.audit(record);
    }
    facts.apply(partner, decided.change);
    if let Some(reversal) = decided.waits {
        facts.wait_for(reversal);
    }
    let Some(message) = message else { return Outcome::Nothing };
    if let Some(entry) = entry(facts, command, &message, &transaction) {
        facts.notify(entry);
    }
    match command.event {
        Event::DeclineLate { .. } => facts.turn(message.clone()),
        Event::Authorize { .. }
        | Event::Reverse { .. }
        | Event::Clear { .. }
        | Event::Transfer { .. }
        | Event::Expire { .. } => facts.record(message.clone()),
    }
    Outcome::Decided(Box::new(message))
}

/// What a partner's own command changed, for the audit. What the network tells is on record as its
/// message; what is refused changes nothing. The record has the message's id, which is as new.
fn audited(command: &Command, transaction: &Transaction) -> Option<Record> {
    let Event::Transfer { order, origin } = &command.event else { return None };
    if transaction.processing != Processing::Success {
        return None;
    }
    let before = json!({ "amount": transaction.balance_before });
    let after = json!({ "amount": transaction.balance_after });
    let moved = json!({
        "transactionId": transaction.id.0.to_string(),
        "type": order.kind.as_str(),
        "amount": order.amount,
        "currency": order.currency.code(),
    });
    let balance = order.balance?.0;
    let entry = Entry::changed("balance.transfer", balance, &before, &after).with("moved", moved);
    Some(entry.record(command.message.0, command.scope.partner(), origin, command.now))
}

/// The message of an approval that became a decline because it was late.
fn late(facts: &Facts, command: &Command, id: MessageId) -> Option<Message> {
    let approved = facts.message(command.scope.partner(), id)?.clone();
    let description = Description::UnknownError;
    Some(Message {
        processing: Processing::Declined,
        description,
        action_code: action_code(description, None).to_owned(),
        approved_amount: Amount::ZERO,
        authorization_code: None,
        ..approved
    })
}

fn message(command: &Command, decided: &Decided) -> Message {
    let transaction = &decided.change.transaction;
    // What an expiry did to the transaction is told by the transaction; as a message it succeeded.
    let approved = transaction.processing == Processing::Success
        && matches!(command.event, Event::Authorize { .. });
    let order = command.event.order().unwrap_or(&transaction.order);
    Message {
        partner: command.scope.partner(),
        id: command.message,
        scope: command.names.scope.clone(),
        idempotency_key: command.names.key.clone(),
        network_key: command.names.network.clone(),
        fingerprint: command.fingerprint.clone(),
        kind: command.event.kind().to_owned(),
        transaction: transaction.id,
        amount: order.amount,
        currency: order.currency,
        processing: transaction.processing,
        description: transaction.description,
        action_code: action_code(transaction.description, decided.lock).to_owned(),
        status: transaction.status,
        approved_amount: if approved { transaction.held } else { Amount::ZERO },
        authorization_code: transaction.authorization_code.clone().filter(|_| approved),
        told: false,
        request_id: command.request_id.clone(),
        created_at: command.now,
    }
}
