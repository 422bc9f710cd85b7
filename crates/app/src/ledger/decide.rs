//! Step 5 of the protocol: each command in order, purely. What a rule decides reaches the facts
//! only when it is whole, so a panic spoils one command and no other.

mod asked;
mod known;
mod network;
mod signed;

use super::calls;
use super::command::{Command, Event, Outcome, Stage, Told};
use super::facts::Facts;
use super::happens;
use super::notify;
use crate::audit::{Entry, Origin};
use crate::cards::state_facts;
use domain::Timestamp;
use domain::authorization::{Ask, OwnerFacts};
use domain::balance::Owner;
use domain::card::Card;
use domain::card::lifecycle::LockReason;
use domain::ids::{MessageId, TransactionId};
use domain::ledger::Change;
use domain::ledger::accounts::Accounts;
use domain::ledger::internal;
use domain::ledger::release::{decline_increment, decline_late, expire, is_open};
use domain::money::Amount;
use domain::partner::CollateralMode;
use domain::transaction::{
    APPROVED_IN_PART, Description, Flag, Order, Processing, Status, Transaction, action_code,
};
use known::recognise;
use network::{authorize, clear, inform, reversal};
use serde_json::json;
use signed::{share, sign};
use std::panic::{AssertUnwindSafe, catch_unwind};
use store::audit::Record;
use store::ledger::{EarlyReversal, Message};

/// What a rule made of a command, not yet in the facts.
struct Decided {
    change: Change,
    /// How much was approved of what asks; of what informs, how much of it stands.
    approved: Amount,
    lock: Option<LockReason>,
    waits: Option<EarlyReversal>,
    /// Whether somebody was told of it before, so that it can't be taken back as late.
    told: bool,
    /// An earlier message, after it: an increment that was reversed, a question whose answer is
    /// confirmed.
    earlier: Option<Message>,
    /// The transaction that a new one corrects, or that was over when it came.
    follows: Option<TransactionId>,
    /// The card, if wrong or right secrets have changed it.
    card: Option<Card>,
    /// A message that asked the partner, which it takes back.
    turned: Option<Message>,
    /// What the partner was asked about, where it may have booked it and this comes to nothing.
    took_back: Option<TookBack>,
    /// Whether it was approved without the partner's answer.
    stands_in: bool,
}

/// What a partner was asked about and is to take back.
struct TookBack {
    asked: Transaction,
    message: MessageId,
    /// When its time ends, if its answer is still waited for.
    until: Option<Timestamp>,
}

impl From<Change> for Decided {
    fn from(change: Change) -> Self {
        Self {
            change,
            approved: Amount::ZERO,
            lock: None,
            waits: None,
            told: false,
            earlier: None,
            follows: None,
            card: None,
            turned: None,
            took_back: None,
            stands_in: false,
        }
    }
}

/// Decides one command and takes its effects into the facts.
pub(super) fn decide(facts: &mut Facts, command: &Command) -> Outcome {
    if let Some(known) = recognise(facts, command) {
        return known;
    }
    if is_outdated(facts, command) {
        return Outcome::Outdated;
    }
    let decided = catch_unwind(AssertUnwindSafe(|| {
        asked::withdraw(facts, command);
        decide_new(facts, command)
    }));
    match decided {
        Ok(Some(decided)) => settle(facts, command, decided),
        Ok(None) => Outcome::Nothing,
        Err(_) => give_up(facts, command),
    }
}

/// Whether code or PIN has to be compared again. The second time it is decided all the same.
fn is_outdated(facts: &Facts, command: &Command) -> bool {
    let Event::Authorize { request, compared_again: false, stage: Stage::New { .. }, .. } =
        &command.event
    else {
        return false;
    };
    let card = request.order.card.and_then(|id| facts.cards.get(&(command.scope.partner(), id)));
    card.is_some_and(|card| request.is_outdated(card))
}

/// Records a command that can't be decided, so that it is decided: `INVALID`, `UNKNOWN_ERROR`, for
/// somebody to look at.
pub(super) fn give_up(facts: &mut Facts, command: &Command) -> Outcome {
    if let Some(known) = recognise(facts, command) {
        return known;
    }
    tracing::error!(request_id = command.request_id, "a command can't be decided");
    // What the partner was asked about stays so until it is declined by itself, and taken back.
    if command.event.told().is_some() {
        return Outcome::Nothing;
    }
    match command.event.order() {
        None => Outcome::Nothing,
        Some(order) => {
            let status = asked_for(&command.event);
            let mut record = invalid(command, order, status, Description::UnknownError);
            record.transaction.flag = Some(Flag::ForReview);
            settle(facts, command, record.into())
        }
    }
}

/// Whether a test wants the decision about a command not to be written, whatever it is but that
/// the command was given up.
pub(super) fn is_unwritable((command, outcome): (&&Command, &Outcome)) -> bool {
    let given_up = matches!(outcome, Outcome::Decided(message)
        if message.description == Description::UnknownError);
    !given_up && happens("unwritable", command)
}

/// The status that a command asks for.
fn asked_for(event: &Event) -> Status {
    match event {
        Event::Authorize { request, .. } => request.ask.status(),
        Event::Inform { told: Told::Adjustment, .. } => Status::Cleared,
        Event::Inform { .. } | Event::DeclineLate { .. } | Event::Unanswered { .. } => {
            Status::Authorized
        }
        Event::Reverse { .. } | Event::Expire { .. } => Status::Reversed,
        Event::Clear { .. } | Event::Transfer { .. } => Status::Cleared,
    }
}

fn decide_new(facts: &Facts, command: &Command) -> Option<Decided> {
    assert!(!happens("panics", command), "a test wants this");
    let now = command.now;
    match &command.event {
        Event::Authorize { request, reference, code, stage, .. } => {
            Some(authorize(facts, command, request, reference.as_ref(), (code, stage)))
        }
        Event::Inform { order, reference, .. } => {
            let informed = inform(facts, command, order, reference.as_ref());
            let status = asked_for(&command.event);
            Some(informed.unwrap_or_else(|why| invalid(command, order, status, why).into()))
        }
        Event::Reverse { order, reference } => Some(reversal(facts, command, order, reference)),
        Event::Clear { order, reference, .. } => {
            let cleared = clear(facts, command, order, reference.as_ref());
            let turned = |why| invalid(command, order, Status::Cleared, why).into();
            Some(cleared.unwrap_or_else(turned))
        }
        Event::Transfer { order, stage, .. } => {
            let accounts = accounts_of(facts, command, order);
            let (mode, owner) = (mode(facts, command), owner_of(facts, command, order));
            let under_lock = owner.is_some_and(|owner| owner.under_lock);
            let known = internal::Facts { accounts: &accounts, mode, under_lock, now };
            Some(asked::transfer(facts, command, order, &known, *stage))
        }
        Event::Expire { transaction, .. } => {
            let (held, accounts) = open_one(facts, command, *transaction)?;
            let due = held.expires_at.is_some_and(|at| at <= now);
            due.then(|| expire(held, &accounts, now).ok()).flatten().map(Decided::from)
        }
        Event::Unanswered { message, transaction, ended, .. } => {
            asked::give_up(facts, command, (*message, *transaction), *ended)
        }
        Event::DeclineLate { message, transaction, agreed, said } => {
            let message = facts.message(command.scope.partner(), *message)?;
            if message.told {
                return None;
            }
            let (held, accounts) = open_one(facts, command, *transaction)?;
            // What has moved of it meanwhile can't be taken back.
            let change = if message.kind == Ask::Increment.as_str() {
                // What its own reversal took is gone already.
                let left = message.approved_amount.saturating_sub(message.reversed_amount);
                decline_increment(held, &accounts, left, now)
            } else if held.settled.is_zero() {
                decline_late(held, &accounts, message.approved_amount, now)
            } else {
                return None;
            };
            let took_back = agreed.then(|| asked::approved(command, message, said));
            Some(Decided { took_back, ..change.ok()?.into() })
        }
    }
}

/// How the partner's settings back a new transaction.
fn mode(facts: &Facts, command: &Command) -> CollateralMode {
    let partner = facts.settings.partner(command.scope.partner());
    partner.map_or(CollateralMode::None, |partner| partner.settings.collateral_mode)
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

/// What is known of who answers for it: the user whose balance it is, or the corporation and the
/// user who holds its card.
fn owner_of(facts: &Facts, command: &Command, order: &Order) -> Option<OwnerFacts> {
    let partner = command.scope.partner();
    let balance = facts.balances.get(&(partner, order.balance?))?;
    let user = |id| facts.users.get(&(partner, id)).copied();
    match balance.owner {
        Owner::User(id) => user(id),
        Owner::Corporation(id) => {
            let corporation = facts.corporations.get(&(partner, id)).copied()?;
            match command.payers.user {
                Some(holder) => Some(corporation.and(user(holder)?)),
                None => Some(corporation),
            }
        }
        Owner::Partner(_) => None,
    }
}

fn accounts_of(facts: &Facts, command: &Command, order: &Order) -> Accounts {
    facts.accounts(command.scope.partner(), order.balance, order.currency)
}

/// A transaction that is still open, and its balances.
fn open_one<'a>(
    facts: &'a Facts,
    command: &Command,
    id: TransactionId,
) -> Option<(&'a Transaction, Accounts)> {
    let found = facts.transactions.get(&(command.scope.partner(), id))?;
    is_open(found).then(|| (found, accounts_of(facts, command, &found.order)))
}

/// Takes a whole decision into the facts and records its message.
fn settle(facts: &mut Facts, command: &Command, mut decided: Decided) -> Outcome {
    let partner = command.scope.partner();
    let before = facts.transactions.get(&(partner, decided.change.transaction.id)).cloned();
    sign(command, before.is_none(), decided.stands_in, &mut decided.change);
    share(facts, command, before.as_ref(), &mut decided.change);
    let message = match &command.event {
        Event::DeclineLate { message, .. } => late(facts, command, *message),
        Event::Unanswered { message, .. } => asked::unanswered(facts, command, *message),
        Event::Authorize { .. }
        | Event::Inform { .. }
        | Event::Reverse { .. }
        | Event::Clear { .. }
        | Event::Transfer { .. }
        | Event::Expire { .. } => Some(message(command, &decided)),
    };
    let transaction = decided.change.transaction.clone();
    if let Some(record) = audited(command, &transaction) {
        facts.audit(record);
    }
    let beside = decided.change.beside.as_ref().map(|posting| posting.transaction.clone());
    let mut calls = calls::of(facts, command, before.as_ref(), &decided.change);
    if let Some(TookBack { asked, message, until }) = &decided.took_back {
        calls.extend(calls::take_back(facts, command, asked, message.0, *until));
    }
    if decided.stands_in {
        calls.push(calls::ask_again(facts, command, &transaction));
        facts.stand_in(partner, &transaction);
    }
    if is_decided_anew(&command.event) {
        facts.forget(partner, command.transaction);
    }
    facts.apply(partner, decided.change, decided.follows);
    if let Some(reversal) = decided.waits {
        facts.wait_for(reversal);
    }
    if let Some(earlier) = decided.earlier {
        facts.change(earlier);
    }
    if let Some(turned) = decided.turned {
        facts.turn(turned);
    }
    calls.into_iter().for_each(|call| facts.notify(call));
    let Some(message) = message else { return Outcome::Nothing };
    let card = decided.card.map(|card| facts.change_card(partner, card));
    let changed = (before.as_ref(), &transaction, beside.as_ref());
    for entry in notify::entries(facts, command, &message, changed) {
        facts.notify(entry);
    }
    if let Some((before, after)) = card.filter(|(before, after)| before.status != after.status) {
        tell_lock(facts, command, (&before, &after));
    }
    if command.event.is_about_earlier() {
        facts.turn(message.clone());
    } else {
        facts.record(message.clone());
    }
    if transaction.processing == Processing::Asking {
        return Outcome::Ask(Box::new(calls::question(facts, command, &transaction)));
    }
    Outcome::Decided(Box::new(message))
}

/// Whether it is the second half of what has taken nothing in the first: its record makes room.
fn is_decided_anew(event: &Event) -> bool {
    let holds = matches!(event, Event::Authorize { request, .. } if request.ask == Ask::Debit);
    event.told().is_some() && !holds
}

/// Tells partner and audit of a lock that a decision has put on a card. Its names are the declined
/// transaction's, which bears no other entry and no other record.
fn tell_lock(facts: &mut Facts, command: &Command, (before, after): (&Card, &Card)) {
    let (partner, id) = (command.scope.partner(), command.transaction.0);
    if let Some(entry) = notify::of_card(&facts.settings, command, after) {
        facts.notify(entry);
    }
    let entry = Entry::changed("card.lock", after.id.0, &state_facts(before), &state_facts(after));
    let processor = command.event.order().and_then(|order| order.processor);
    let origin = Origin {
        actor: processor.map_or_else(String::new, |it| format!("processor:{}", it.0)),
        address: None,
        request_id: command.request_id.clone(),
    };
    facts.audit(entry.record(id, partner, &origin, command.now));
}

/// What a partner's own command changed, for the audit. What the network tells is on record as its
/// message; what is refused changes nothing. The record has the message's id, which is as new.
fn audited(command: &Command, transaction: &Transaction) -> Option<Record> {
    let Event::Transfer { order, origin, .. } = &command.event else { return None };
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
    let order = command.event.order().unwrap_or(&transaction.order);
    let succeeded = transaction.processing == Processing::Success;
    let (has_code, approved) = match &command.event {
        Event::Authorize { .. } | Event::Inform { .. } => (succeeded, decided.approved),
        // What these did to the transaction is told by the transaction.
        Event::Reverse { .. }
        | Event::Clear { .. }
        | Event::Transfer { .. }
        | Event::Expire { .. }
        | Event::DeclineLate { .. }
        | Event::Unanswered { .. } => (false, Amount::ZERO),
    };
    let asks = matches!(command.event, Event::Authorize { .. });
    let in_part = asks && !approved.is_zero() && approved.minor() < order.amount;
    let description = match (&command.event, transaction.description) {
        // All of the hold that has expired was cleared before: what is told has happened.
        (Event::Inform { .. }, Description::Expired) if succeeded => Description::Approved,
        (_, description) => description,
    };
    let code = action_code(description, decided.lock);
    Message {
        partner: command.scope.partner(),
        id: command.message,
        scope: command.names.scope.clone(),
        idempotency_key: command.names.key.clone(),
        name: command.names.name.clone(),
        fingerprint: command.fingerprint.clone(),
        kind: command.event.kind().to_owned(),
        transaction: transaction.id,
        amount: order.amount,
        currency: order.currency,
        processing: transaction.processing,
        description,
        action_code: if in_part { APPROVED_IN_PART } else { code }.to_owned(),
        status: transaction.status,
        approved_amount: approved,
        authorization_code: transaction.authorization_code.clone().filter(|_| has_code),
        told: decided.told,
        request_id: command.request_id.clone(),
        created_at: command.now,
        available: transaction.balance_after.filter(|_| succeeded && asks_what_there_is(command)),
        reversed_amount: Amount::ZERO,
    }
}

fn asks_what_there_is(command: &Command) -> bool {
    matches!(&command.event, Event::Authorize { request, .. } if request.ask == Ask::Inquiry)
}

#[cfg(test)]
mod tests;
