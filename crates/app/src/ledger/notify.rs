//! What a partner is told of a decision: the row of the outbox that is written with it.

use super::command::{Command, Event as Asked, Told};
use super::facts::Facts;
use crate::settings::Snapshot;
use domain::authorization::Ask;
use domain::card::Card;
use domain::card::lifecycle::CardStatus;
use domain::money::Currency;
use domain::notification::Event;
use domain::transaction::{Order, Processing, Transaction};
use serde_json::{Value, json};
use store::ledger::Message;
use store::outbox::Entry;

/// The entry of a decision, if its partner wants to hear of transactions. Its number is given when
/// it is written. Its own name is the command's: a decision that is turned tells of itself again.
pub(super) fn entry(
    facts: &Facts,
    command: &Command,
    message: &Message,
    (before, transaction): (Option<&Transaction>, &Transaction),
) -> Option<Entry> {
    let moved = moved(command, message, before, transaction);
    let outbound = facts.settings.outbound(message.partner)?;
    if !outbound.tells(Event::Transaction) || !is_told(command) {
        return None;
    }
    Some(Entry {
        partner: message.partner,
        number: 0,
        id: command.message.0,
        stream: stream(transaction),
        event: Event::Transaction,
        card: transaction.order.card,
        message: Some(message.id),
        detail: command
            .event
            .said()
            .and_then(|said| detail(command, said, &transaction.order, moved)),
        request_id: command.request_id.clone(),
        created_at: command.now,
        attempts: 0,
        attempts_before: 0,
    })
}

/// The entry of a transaction that came beside the one that a decision was about: it is told after
/// that, in the same stream, and names itself.
pub(super) fn beside(of: &Entry, transaction: &Transaction) -> Entry {
    let id = transaction.id.0;
    Entry { id, detail: Some(json!({ "beside": id.to_string() })), ..of.clone() }
}

/// The entry of a lock that a decision has put on a card, if its partner wants to hear of it.
pub(super) fn of_card(settings: &Snapshot, command: &Command, card: &Card) -> Option<Entry> {
    let partner = command.scope.partner();
    let (event, detail) = card_event(card)?;
    if !settings.outbound(partner)?.tells(event) {
        return None;
    }
    Some(Entry {
        partner,
        number: 0,
        id: command.transaction.0,
        stream: card_stream(card.id),
        event,
        card: Some(card.id),
        message: None,
        detail,
        request_id: command.request_id.clone(),
        created_at: command.now,
        attempts: 0,
        attempts_before: 0,
    })
}

/// What is told of a card's state, if it is told.
pub(crate) fn card_event(card: &Card) -> Option<(Event, Option<Value>)> {
    match card.status {
        CardStatus::Locked { reason, .. } => {
            Some((Event::CardLocked, Some(json!({ "reason": reason.as_str() }))))
        }
        CardStatus::Usable(_) => Some((Event::CardUnlocked, None)),
        CardStatus::Removed { .. } => None,
    }
}

/// What of a transaction a message has moved or held, where that isn't the amount that it named:
/// the cardholder pays a difference of exchange rates with what the scheme settles, and no more is
/// taken back than there is.
fn moved(
    command: &Command,
    message: &Message,
    before: Option<&Transaction>,
    after: &Transaction,
) -> Option<i64> {
    if message.processing != Processing::Success {
        return None;
    }
    let stands = |of: &Transaction| of.held.minor().saturating_add(of.cleared.minor());
    let moved = match &command.event {
        Asked::Clear { .. } => {
            let settled = before.map_or(0, |before| before.settled.minor());
            after.settled.minor().saturating_sub(settled)
        }
        Asked::Inform { told, .. } if *told != Told::Adjustment => return None,
        Asked::Reverse { .. } | Asked::Inform { .. } => {
            stands(after).saturating_sub(stands(before?)).saturating_abs()
        }
        Asked::Authorize { .. }
        | Asked::Transfer { .. }
        | Asked::Expire { .. }
        | Asked::DeclineLate { .. } => return None,
    };
    (moved != message.amount).then_some(moved)
}

/// Nobody is told that a card was only verified (spec "account verification").
fn is_told(command: &Command) -> bool {
    match &command.event {
        Asked::Authorize { request, .. } => request.ask != Ask::Verification,
        Asked::Inform { .. }
        | Asked::Reverse { .. }
        | Asked::Clear { .. }
        | Asked::Transfer { .. }
        | Asked::Expire { .. }
        | Asked::DeclineLate { .. } => true,
    }
}

/// What is told in order: all of a card; without one all of a balance; without either this alone.
fn stream(transaction: &Transaction) -> String {
    match (transaction.order.card, transaction.order.balance) {
        (Some(card), _) => card_stream(card),
        (None, Some(balance)) => format!("balance/{}", balance.0),
        (None, None) => format!("transaction/{}", transaction.id.0),
    }
}

/// The stream of a card.
pub(crate) fn card_stream(card: domain::ids::CardId) -> String {
    format!("card/{}", card.0)
}

/// What a message says of itself whose transaction keeps what another one said. A reversal or an
/// adjustment is told as one, and which way it goes; the others are of their transaction's kind.
fn detail(command: &Command, own: &Order, kept: &Order, moved: Option<i64>) -> Option<Value> {
    let name = |order: &Order| (order.network_id.clone(), order.network_date);
    if name(own) == name(kept) && moved.is_none() {
        return None;
    }
    let data: Option<Value> = own.data.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let corrects = match &command.event {
        Asked::Reverse { .. } => true,
        Asked::Inform { told, .. } => *told == Told::Adjustment,
        Asked::Authorize { .. }
        | Asked::Clear { .. }
        | Asked::Transfer { .. }
        | Asked::Expire { .. }
        | Asked::DeclineLate { .. } => false,
    };
    Some(json!({
        "kind": corrects.then(|| own.kind.as_str()),
        "category": corrects.then(|| own.category.as_str()),
        "amount": moved,
        "id": own.network_id,
        "date": own.network_date.to_string(),
        "referenceId": own.reference_id,
        "referenceDate": own.reference_date.map(|date| date.to_string()),
        "originalAmount": own.original_amount,
        "originalCurrency": own.original_currency.as_ref().map(Currency::code),
        "text": own.text,
        "data": data,
    }))
}
