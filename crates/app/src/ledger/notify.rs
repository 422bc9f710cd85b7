//! What a partner is told of a decision: the row of the outbox that is written with it.

use super::calls::{Use, key};
use super::command::{Command, Event as Asked, Told};
use super::facts::Facts;
use crate::settings::Snapshot;
use domain::Timestamp;
use domain::authorization::Ask;
use domain::card::Card;
use domain::card::lifecycle::CardStatus;
use domain::ids::{BalanceId, CardId, PartnerId};
use domain::money::Currency;
use domain::notification::Event;
use domain::partner::DescriptionCodes;
use domain::transaction::{Order, Processing, Transaction};
use serde_json::{Value, json};
use store::ledger::Message;
use store::outbox::Entry;
use uuid::Uuid;

/// Where a row keeps in which codes its partner is told: those of when it was written, at each try.
pub(crate) const CODES: &str = "codes";

/// The entries of a decision, of what its partner wants to hear: of transactions, by the legacy
/// notifier, and of the history's records. A transaction that came beside the one that the decision
/// was about is told of after that, in the same stream.
///
/// Their numbers are given when they are written. Their own names are the command's: a decision
/// that is turned tells of itself again.
pub(super) fn entries(
    facts: &Facts,
    command: &Command,
    message: &Message,
    (before, transaction, beside): (Option<&Transaction>, &Transaction, Option<&Transaction>),
) -> Vec<Entry> {
    let Some(outbound) = facts.settings.outbound(message.partner) else { return Vec::new() };
    let codes = codes_in(&facts.settings, message.partner);
    let mut entries = Vec::new();
    let is_asked = message.processing == Processing::Asking;
    if is_asked || !is_told(command) {
        return entries;
    }
    let named = |id| (id, command.request_id.as_str(), command.now);
    if outbound.tells(Event::Transaction) {
        let moved = moved(command, message, before, transaction);
        let said = command.event.said();
        let own = said.and_then(|said| detail(command, said, &transaction.order, moved));
        let detail = Some(with_codes(own.unwrap_or_else(|| json!({})), codes));
        let entry = entry(Event::Transaction, message, transaction, named(command.message.0));
        entries.push(Entry { detail, ..entry });
    }
    if outbound.tells(Event::TransactionEvent) {
        let named = named(key(command.message.0, Use::Record));
        entries.push(entry(Event::TransactionEvent, message, transaction, named));
    }
    if let Some(beside) = beside {
        let id = beside.id.0;
        let of_beside = |of: &Entry| {
            let id = if of.event == Event::Transaction { id } else { key(id, Use::Record) };
            let detail = json!({ "beside": beside.id.0.to_string() });
            let detail = Some(with_codes(detail, codes));
            Entry { id, detail, ..of.clone() }
        };
        let told: Vec<Entry> = entries.iter().map(of_beside).collect();
        entries.extend(told);
    }
    entries
}

/// The entry of an event about a message and its transaction.
fn entry(
    event: Event,
    message: &Message,
    transaction: &Transaction,
    (id, request_id, now): (Uuid, &str, Timestamp),
) -> Entry {
    Entry {
        partner: message.partner,
        number: 0,
        id,
        stream: stream(transaction),
        event,
        card: transaction.order.card,
        message: Some(message.id),
        detail: None,
        request_id: request_id.to_owned(),
        created_at: now,
        attempts: 0,
        attempts_before: 0,
        not_before: None,
    }
}

/// The entries of an authorization that comes to nothing while the partner is asked about it,
/// because of another message: nobody else tells of it.
pub(super) fn of_withdrawn(
    settings: &Snapshot,
    message: &Message,
    transaction: &Transaction,
) -> Vec<Entry> {
    let Some(outbound) = settings.outbound(message.partner) else { return Vec::new() };
    let id = message.id.0;
    let told = [(Event::Transaction, id), (Event::TransactionEvent, key(id, Use::Record))];
    let told = told.into_iter().filter(|(event, _)| outbound.tells(*event));
    let named = |id| (id, message.request_id.as_str(), transaction.changed_at);
    let codes = codes_in(settings, message.partner);
    let row = |(event, id)| {
        let detail = (event == Event::Transaction).then(|| with_codes(json!({}), codes));
        Entry { detail, ..entry(event, message, transaction, named(id)) }
    };
    told.map(row).collect()
}

/// The codes that a partner is told in now.
fn codes_in(settings: &Snapshot, partner: PartnerId) -> DescriptionCodes {
    settings.partner(partner).map_or(DescriptionCodes::Seeds, |it| it.settings.description_codes)
}

fn with_codes(mut detail: Value, codes: DescriptionCodes) -> Value {
    detail[CODES] = codes.as_str().into();
    detail
}

/// The entry of a lock that a decision has put on a card, if its partner wants to hear of it.
pub(super) fn of_card(settings: &Snapshot, command: &Command, card: &Card) -> Option<Entry> {
    let partner = command.scope.partner();
    let (event, detail) = card_event(settings, partner, card)?;
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
        not_before: None,
    })
}

/// What is told of a card's state, if it is told.
pub(crate) fn card_event(
    settings: &Snapshot,
    partner: PartnerId,
    card: &Card,
) -> Option<(Event, Option<Value>)> {
    match card.status {
        CardStatus::Locked { reason, .. } => {
            let detail = json!({ "reason": reason.as_str() });
            Some((Event::CardLocked, Some(with_codes(detail, codes_in(settings, partner)))))
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
        | Asked::DeclineLate { .. }
        | Asked::Unanswered { .. } => return None,
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
        | Asked::DeclineLate { .. }
        | Asked::Unanswered { .. } => true,
    }
}

/// What is told in order: all of a card; without one all of a balance; without either this alone.
fn stream(transaction: &Transaction) -> String {
    let Order { card, balance, .. } = transaction.order;
    stream_of(card, balance).unwrap_or_else(|| format!("transaction/{}", transaction.id.0))
}

/// What is told in order of a card, or of a balance without one.
pub(crate) fn stream_of(card: Option<CardId>, balance: Option<BalanceId>) -> Option<String> {
    match (card, balance) {
        (Some(card), _) => Some(card_stream(card)),
        (None, Some(balance)) => Some(format!("balance/{}", balance.0)),
        (None, None) => None,
    }
}

/// The stream of a card.
pub(crate) fn card_stream(card: CardId) -> String {
    format!("card/{}", card.0)
}

/// What a message says of itself that its transaction doesn't keep, or keeps of another one. A
/// reversal or an adjustment is told as one, and which way it goes; the others are of their
/// transaction's kind.
fn detail(command: &Command, own: &Order, kept: &Order, moved: Option<i64>) -> Option<Value> {
    let name = |order: &Order| (order.network_id.clone(), order.network_date);
    if name(own) == name(kept) && moved.is_none() {
        // A message that comes later can take it off the transaction.
        return kept.original_amount.map(|amount| json!({ "originalAmount": amount }));
    }
    let data: Option<Value> = own.data.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let corrects = match &command.event {
        Asked::Reverse { .. } => true,
        Asked::Inform { told, .. } => *told == Told::Adjustment,
        Asked::Authorize { .. }
        | Asked::Clear { .. }
        | Asked::Transfer { .. }
        | Asked::Expire { .. }
        | Asked::DeclineLate { .. }
        | Asked::Unanswered { .. } => false,
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
