//! What a partner is told of a decision: the row of the outbox that is written with it.

use super::command::{Command, Event as Asked};
use super::facts::Facts;
use domain::authorization::Ask;
use domain::money::Currency;
use domain::notification::Event;
use domain::transaction::{Order, Transaction};
use serde_json::{Value, json};
use store::ledger::Message;
use store::outbox::Entry;

/// The entry of a decision, if its partner wants to hear of transactions. Its number is given when
/// it is written. Its own name is the command's: a decision that is turned tells of itself again.
pub(super) fn entry(
    facts: &Facts,
    command: &Command,
    message: &Message,
    transaction: &Transaction,
) -> Option<Entry> {
    let outbound = facts.settings.outbound(message.partner)?;
    if !outbound.tells(Event::Transaction) || !moves_money(command) {
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
        detail: command.event.order().and_then(|order| detail(order, &transaction.order)),
        request_id: command.request_id.clone(),
        created_at: command.now,
        attempts: 0,
        attempts_before: 0,
    })
}

/// Nobody is told that somebody only asked (spec "account verification").
fn moves_money(command: &Command) -> bool {
    match &command.event {
        Asked::Authorize { request, .. } => {
            !matches!(request.ask, Ask::Verification | Ask::Inquiry)
        }
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

/// What a clearing or a reversal says of itself: its transaction keeps what the authorization said.
fn detail(own: &Order, kept: &Order) -> Option<Value> {
    let name = |order: &Order| (order.network_id.clone(), order.network_date);
    if name(own) == name(kept) {
        return None;
    }
    let data: Option<Value> = own.data.as_deref().and_then(|text| serde_json::from_str(text).ok());
    Some(json!({
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
