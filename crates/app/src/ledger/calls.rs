//! What a partner that is asked about its users' transactions is told of them afterwards: what has
//! happened without a question, and what comes to nothing of what it agreed to (spec "Shared
//! authorization", "External balance"). The rows are written with the decision, and go in order per
//! balance.

use super::command::{Command, Event as Asked, Question, Told};
use super::facts::Facts;
use domain::Timestamp;
use domain::balance::Balance;
use domain::ids::{BalanceId, MessageId, PartnerId, TransactionId};
use domain::ledger::Change;
use domain::notification::Event;
use domain::partner::AuthorizationMode;
use domain::transaction::{
    Category, Order, Processing, Resource, Status, Transaction, TransactionType,
};
use jiff::SignedDuration;
use outbound::transactions::{Subject, object};
use serde_json::Value;
use store::outbox::Entry;
use uuid::Uuid;

/// What a name is for that is made of a message's id, mostly an idempotency key.
#[derive(Clone, Copy)]
pub(super) enum Use {
    /// The question.
    Question = 1,
    /// Its reversal.
    Reversal = 2,
    /// The same, once more.
    ReversalAgain = 3,
    /// What the message tells.
    Tells = 4,
    /// What it tells besides.
    TellsMore = 5,
    /// The id of a correction, which has no transaction of its own.
    Correction = 6,
    /// The network's id of an end that no network told.
    End = 7,
    /// The event of a record of the history.
    Record = 8,
    /// That a transaction is final.
    Clears = 9,
    /// What is told where a question that was asked again is refused.
    Instead = 10,
}

impl Use {
    /// Those that name what a partner is told by a message.
    const TELLING: [Self; 8] = [
        Self::Question,
        Self::Reversal,
        Self::ReversalAgain,
        Self::Tells,
        Self::TellsMore,
        Self::Record,
        Self::Clears,
        Self::Instead,
    ];
}

/// By which names a partner may be told of something because of a message.
pub(crate) fn names_told(message: Uuid) -> impl Iterator<Item = Uuid> {
    let others = Use::TELLING.into_iter().map(move |purpose| key(message, purpose));
    std::iter::once(message).chain(others)
}

/// A reversal may overtake its debit on the way, so it is sent once more.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// How long after the partner's time the connection of a question has ended for sure.
const ENDED: SignedDuration = SignedDuration::from_secs(1);

/// A name made of another one, the same whoever makes it and whenever.
pub(super) fn key(message: Uuid, purpose: Use) -> Uuid {
    let mut bytes = *message.as_bytes();
    bytes[15] ^= purpose as u8;
    Uuid::from_bytes(bytes)
}

/// What the partner is asked about a transaction.
pub(super) fn question(facts: &Facts, command: &Command, asked: &Transaction) -> Question {
    Question {
        key: key(command.message.0, Use::Question),
        way: asked.order.category,
        body: body(facts, command.scope.partner(), asked),
        until: asked.asking.map_or(facts.real_time, |asking| asking.until),
    }
}

/// A question, which is sent again word by word when it comes to nothing.
fn body(facts: &Facts, partner: PartnerId, asked: &Transaction) -> Value {
    let (order, status) = (&asked.order, Status::Authorized);
    object(&Subject { id: asked.id, order, resource: resource(facts, partner, order), status })
}

fn resource(facts: &Facts, partner: PartnerId, order: &Order) -> Resource {
    let card = order.card.and_then(|id| facts.cards.get(&(partner, id)));
    match (card, order.card, order.balance) {
        (Some(card), _, _) => Resource::card(card.resource),
        (None, None, Some(balance)) => Resource::balance(balance, None),
        (None, Some(_), _) | (None, None, None) => Resource::UNKNOWN,
    }
}

/// Whether a partner is asked about payments of a balance, and so told of what is new.
pub(super) fn is_asked(facts: &Facts, partner: PartnerId, order: &Order) -> bool {
    let settings = facts.settings.partner(partner).map(|partner| &partner.settings);
    settings.is_some_and(|it| it.authorization_mode == AuthorizationMode::Shared)
        || is_external(facts, partner, order)
}

/// Whether the partner holds the money of a balance.
pub(super) fn is_external(facts: &Facts, partner: PartnerId, order: &Order) -> bool {
    let balance = order.balance.and_then(|id| facts.balances.get(&(partner, id)));
    balance.is_some_and(Balance::is_external)
}

/// Takes back what the partner was asked about by a message and may have booked: now, or when the
/// connection of the question has ended, and once more later.
pub(super) fn take_back(
    facts: &Facts,
    command: &Command,
    asked: &Transaction,
    message: Uuid,
    until: Option<Timestamp>,
) -> Vec<Entry> {
    let partner = command.scope.partner();
    if asked.order.balance.is_none() {
        return Vec::new();
    }
    let said = body(facts, partner, asked);
    let later = |by: SignedDuration, from: Timestamp| from.checked_add(by).unwrap_or(from);
    let ended = until.map(|until| later(ENDED, until));
    // The purchase's own name, also where a worker ends the question.
    let asking = facts.message(partner, MessageId(message));
    let request_id = asking.map_or(&command.request_id, |asking| &asking.request_id);
    let first = Entry {
        not_before: ended,
        request_id: request_id.clone(),
        ..call(command, (Event::Reversal, key(message, Use::Reversal)), &asked.order, said)
    };
    let again = Entry {
        id: key(message, Use::ReversalAgain),
        stream: format!("{}/{}", first.stream, asked.id.0),
        not_before: Some(later(AGAIN, ended.unwrap_or(facts.real_time))),
        ..first.clone()
    };
    vec![first, again]
}

/// Asks again, under the same key, what was approved without the partner's answer, until there is
/// one (spec "Shared authorization").
pub(super) fn ask_again(facts: &Facts, command: &Command, approved: &Transaction) -> Entry {
    let said = body(facts, command.scope.partner(), approved);
    let id = key(command.message.0, Use::Question);
    call(command, (Event::Debit, id), &approved.order, said)
}

/// A call about a transaction, under this key: in order with the others of its balance.
fn call(command: &Command, (event, id): (Event, Uuid), order: &Order, said: Value) -> Entry {
    Entry {
        partner: command.scope.partner(),
        number: 0,
        id,
        stream: stream(order.balance.unwrap_or(BalanceId(Uuid::nil()))),
        event,
        card: order.card,
        message: None,
        detail: Some(said),
        request_id: command.request_id.clone(),
        created_at: command.now,
        attempts: 0,
        attempts_before: 0,
        not_before: None,
    }
}

/// What a partner is told in order of a balance.
pub(crate) fn stream(balance: BalanceId) -> String {
    format!("calls/{}", balance.0)
}

/// The key of what is told where a question that was asked again is refused.
pub(crate) fn instead_of(question: Uuid) -> Uuid {
    key(question, Use::Instead)
}

/// What a partner is told of a decision that has happened without a question to it.
pub(super) fn of(
    facts: &Facts,
    command: &Command,
    before: Option<&Transaction>,
    change: &Change,
) -> Vec<Entry> {
    let after = &change.transaction;
    // Its later life follows what the partner was told of it, whatever the setting is now.
    if after.processing != Processing::Success || !before.unwrap_or(after).is_shared {
        return Vec::new();
    }
    let told = match (&command.event, before) {
        (Asked::Inform { told, .. }, None) => alone(*told, after),
        (Asked::Inform { order, .. }, Some(before)) => {
            differs(command, (before, after), order, Status::Authorized).into_iter().collect()
        }
        (Asked::Reverse { order, .. }, Some(before)) if before.asking.is_none() => {
            given_back(command, (before, after), order).into_iter().collect()
        }
        (Asked::Expire { .. }, Some(before)) => {
            let order = Order {
                network_id: key(command.message.0, Use::End).to_string(),
                network_date: command.now,
                ..after.order.clone()
            };
            given_back(command, (before, after), &order).into_iter().collect()
        }
        (Asked::Clear { .. }, None) => alone(Told::Adjustment, after),
        (Asked::Clear { order, .. }, Some(before)) => {
            differs(command, (before, after), order, Status::Cleared).into_iter().collect()
        }
        (
            Asked::Authorize { .. }
            | Asked::Reverse { .. }
            | Asked::Transfer { .. }
            | Asked::Expire { .. }
            | Asked::DeclineLate { .. }
            | Asked::Unanswered { .. },
            _,
        ) => Vec::new(),
    };
    // What an adjustment moves beyond a hold is a transaction of the same balance; a difference of
    // exchange rates is the partner's `COMPANY`'s, and no call.
    let beside = change.beside.iter().map(|posting| &posting.transaction);
    let beside = beside.filter(|it| it.order.balance == after.order.balance);
    let told = told.into_iter().chain(beside.flat_map(|it| alone(Told::Adjustment, it)));
    let told = told.zip([Use::Tells, Use::TellsMore]);
    let told = told.map(|(told, of)| told.entry(facts, command, of));
    let cleared = before.and_then(|before| final_of(command, before, after));
    let cleared = cleared.filter(|told| is_external(facts, command.scope.partner(), &told.order));
    let cleared = cleared
        .map(|told| Entry { event: Event::Clearing, ..told.entry(facts, command, Use::Clears) });
    told.chain(cleared).collect()
}

/// Something to be told, before it is a row.
struct Telling {
    id: TransactionId,
    order: Order,
    status: Status,
}

impl Telling {
    fn entry(self, facts: &Facts, command: &Command, purpose: Use) -> Entry {
        let Self { id, order, status } = self;
        let partner = command.scope.partner();
        let resource = resource(facts, partner, &order);
        let event = match order.category {
            Category::Debit => Event::ForceDebit,
            Category::Credit => Event::ForceCredit,
        };
        let said = object(&Subject { id, order: &order, resource, status });
        call(command, (event, key(command.message.0, purpose)), &order, said)
    }
}

/// What the owner is charged with, or was given, in minor units.
fn stands(of: &Transaction) -> i64 {
    of.held.minor().saturating_add(of.cleared.minor())
}

/// A transaction that has happened by itself.
fn alone(told: Told, new: &Transaction) -> Vec<Telling> {
    let amount = stands(new);
    if amount == 0 {
        return Vec::new();
    }
    let status = if told == Told::Adjustment { Status::Cleared } else { Status::Authorized };
    vec![Telling { id: new.id, order: Order { amount, ..new.order.clone() }, status }]
}

/// The last clearing of an authorization: nothing more comes, and what it came to is final. Where
/// the partner holds the money it is told so, under the network's id.
fn final_of(command: &Command, before: &Transaction, after: &Transaction) -> Option<Telling> {
    let is_last = matches!(command.event, Asked::Clear { .. })
        && (before.id, after.status) == (after.id, Status::Cleared);
    let order = Order { amount: stands(after), ..after.order.clone() };
    is_last.then_some(Telling { id: after.id, order, status: Status::Cleared })
}

/// What a message changes of a transaction that the partner knows: a correction with an id of its
/// own, which refers to it.
fn differs(
    command: &Command,
    (before, after): (&Transaction, &Transaction),
    said: &Order,
    status: Status,
) -> Option<Telling> {
    let more = stands(after).saturating_sub(stands(before));
    let category = match (more > 0, before.order.category) {
        (true, way) => way,
        (false, Category::Debit) => Category::Credit,
        (false, Category::Credit) => Category::Debit,
    };
    let order = Order {
        category,
        amount: more.saturating_abs(),
        reference_id: Some(before.order.network_id.clone()),
        ..correction(said, before)
    };
    let id = TransactionId(key(command.message.0, Use::Correction));
    (more != 0).then_some(Telling { id, order, status })
}

/// What is given back of a hold, or taken back of a credit: where nothing is left it bears the id
/// of what it reverses, as the seeds have it.
fn given_back(
    command: &Command,
    (before, after): (&Transaction, &Transaction),
    said: &Order,
) -> Option<Telling> {
    let mut part = differs(command, (before, after), said, Status::Authorized)?;
    if after.status == Status::Reversed {
        part.id = before.id;
        part.status = Status::Reversed;
        part.order.data = None;
    }
    Some(part)
}

/// A correction as the partner is told of it: what the merchant's amount was isn't in it.
fn correction(said: &Order, of: &Transaction) -> Order {
    Order {
        balance: of.order.balance,
        card: of.order.card,
        kind: TransactionType::Adjustment,
        original_amount: None,
        original_currency: None,
        ..said.clone()
    }
}
