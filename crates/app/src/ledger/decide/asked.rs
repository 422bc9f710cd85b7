//! What a partner is asked about: its answer, and what comes to nothing before there is one (rules
//! "Flows that ask a partner").

use super::{Decided, TookBack};
use crate::ledger::calls;
use crate::ledger::command::{Command, Event, Outcome, Stage, Told};
use crate::ledger::facts::Facts;
use crate::ledger::notify;
use domain::Timestamp;
use domain::authorization::{self, Ask, Decision, Request, Says};
use domain::ids::{MessageId, TransactionId};
use domain::ledger::matching::Match;
use domain::ledger::release::{decline_asked, reverse_asked};
use domain::ledger::{Change, internal};
use domain::money::Amount;
use domain::transaction::{
    Asking, Description, Order, Processing, Status, Transaction, action_code,
};
use store::ledger::Message;

/// Whether the partner is asked about what our own checks have approved.
pub(super) fn is_asked(
    facts: &Facts,
    command: &Command,
    (ask, original): (Ask, Match<'_>),
) -> bool {
    match ask {
        Ask::Debit | Ask::Credit => {
            let order = command.event.order();
            order.is_some_and(|order| calls::is_asked(facts, command.scope.partner(), order))
        }
        // The partner knows what it raises, or is asked about neither.
        Ask::Increment => matches!(original, Match::One(found) if found.is_shared),
        Ask::Verification | Ask::Inquiry => false,
    }
}

/// The first half of an authorization: what is approved becomes a question.
pub(super) fn ask(
    command: &Command,
    decision: Decision,
    request: &Request,
    known: &authorization::Facts<'_>,
    until: Timestamp,
) -> Decision {
    if decision.change.transaction.processing != Processing::Success {
        return decision;
    }
    let asking = Asking { message: command.message, until };
    authorization::ask(command.transaction, decision, request, known, asking)
}

/// The second half: what the partner said.
pub(super) fn told(
    facts: &Facts,
    command: &Command,
    (request, code): (&Request, &str),
    known: &authorization::Facts<'_>,
    says: Says,
) -> Decided {
    let Some(asked) = being_asked(facts, command) else {
        // Its message says that it is being asked about, so it is; else nothing is approved.
        let (id, order, now) = (command.transaction, request.order.clone(), command.now);
        let (status, declined) = (request.ask.status(), Processing::Declined);
        let why = Description::UnknownError;
        let record = Transaction::turned_away(id, order, status, declined, why, now);
        return Change::record(record).into();
    };
    let stands_in = may_stand_in(facts, command, (request, asked), says);
    let agreed = if stands_in { Says::Agrees } else { says };
    let Decision { change, approved, lock, card } =
        authorization::told(asked, code, request, known, agreed);
    let stands_in = stands_in && change.transaction.processing == Processing::Success;
    let took_back = if stands_in { None } else { to_take_back(command, asked, &change, says) };
    Decided { approved, lock, card, took_back, stands_in, ..change.into() }
}

/// Whether a purchase is approved though the partner gives no answer: within what a card may pay so
/// a day. Where the partner holds the money its deposit must stand for it.
fn may_stand_in(
    facts: &Facts,
    command: &Command,
    (request, asked): (&Request, &Transaction),
    says: Says,
) -> bool {
    let partner = command.scope.partner();
    let unanswered = matches!(says, Says::Unclear | Says::NotAsked) && request.ask == Ask::Debit;
    let settings = facts.settings.partner(partner).map(|partner| &partner.settings);
    let limit = settings.and_then(|settings| settings.asking.stand_in);
    let Some(limit) = limit.filter(|_| unanswered) else { return false };
    let stood_for =
        asked.backing.balance.is_some() || !calls::is_external(facts, partner, &asked.order);
    let so_far = facts.stood_in(partner, asked);
    stood_for && so_far.saturating_add(asked.held.minor()) <= limit
}

/// Money is moved by the partner or the operator, in two halves where the partner holds it: it
/// takes nothing before the partner has agreed, and is decided as a whole then.
pub(super) fn transfer(
    facts: &Facts,
    command: &Command,
    order: &Order,
    known: &internal::Facts<'_>,
    stage: Stage,
) -> Decided {
    let (id, partner, now) = (command.transaction, command.scope.partner(), command.now);
    let turned_away = |processing, why| {
        let (order, status) = (order.clone(), Status::Cleared);
        Change::record(Transaction::turned_away(id, order, status, processing, why, now))
    };
    let says = match stage {
        Stage::New { ask_until } => {
            let change = internal::transfer(id, order.clone(), known);
            let done = change.transaction.processing == Processing::Success;
            if !done || !calls::is_external(facts, partner, order) {
                return change.into();
            }
            let mut asking = turned_away(Processing::Asking, Description::PartnerTimeout);
            asking.transaction.asking = Some(Asking { message: command.message, until: ask_until });
            return asking.into();
        }
        Stage::Told(says) => says,
    };
    let Some(asked) = being_asked(facts, command) else {
        return turned_away(Processing::Declined, Description::UnknownError).into();
    };
    let change = match says {
        Says::Agrees => internal::transfer(id, order.clone(), known),
        Says::Refuses(why) => turned_away(Processing::Declined, why),
        Says::Unclear | Says::NotAsked => {
            turned_away(Processing::Declined, Description::PartnerTimeout)
        }
    };
    let took_back = to_take_back(command, asked, &change, says);
    Decided { took_back, ..change.into() }
}

/// The transaction that a command is the second half of, if it is still waited for.
fn being_asked<'a>(facts: &'a Facts, command: &Command) -> Option<&'a Transaction> {
    let asked = facts.transactions.get(&(command.scope.partner(), command.transaction));
    asked.filter(|it| it.processing == Processing::Asking)
}

/// What the partner may have booked of a question that comes to nothing.
fn to_take_back(
    command: &Command,
    asked: &Transaction,
    change: &Change,
    says: Says,
) -> Option<TookBack> {
    let may_be_booked = match says {
        Says::Agrees => change.transaction.processing != Processing::Success,
        Says::Unclear => true,
        Says::Refuses(_) | Says::NotAsked => false,
    };
    let (asked, message) = (asked.clone(), command.message);
    may_be_booked.then_some(TookBack { asked, message, until: None })
}

/// What is answered about a message whose partner is being asked.
pub(super) fn recognise(facts: &Facts, command: &Command, message: &Message) -> Option<Outcome> {
    if message.id != command.message {
        return Some(Outcome::InProgress);
    }
    if command.event.told().is_some() {
        return None;
    }
    // A batch whose commit's outcome wasn't known finds its own question.
    let asked = facts.transactions.get(&(message.partner, message.transaction));
    let question = |asked| Outcome::Ask(Box::new(calls::question(facts, command, asked)));
    Some(asked.map_or(Outcome::InProgress, question))
}

/// What has happened already, or is settled, while the partner is asked about it: the question
/// comes to nothing first, so that it isn't booked a second time.
pub(super) fn withdraw(facts: &mut Facts, command: &Command) {
    let order = match &command.event {
        Event::Inform {
            order, told: Told::Advice | Told::ForceDebit | Told::ForceCredit, ..
        }
        | Event::Clear { order, .. } => order,
        Event::Inform { .. }
        | Event::Authorize { .. }
        | Event::Reverse { .. }
        | Event::Transfer { .. }
        | Event::Expire { .. }
        | Event::DeclineLate { .. }
        | Event::Unanswered { .. } => return,
    };
    let partner = command.scope.partner();
    let Some((card, reference)) = command.event.reference() else { return };
    let Some(asked) = facts.asked_about(partner, card, reference).cloned() else { return };
    let same = order.amount > 0
        && (order.currency, order.category) == (asked.order.currency, asked.order.category);
    if !same {
        return;
    }
    let Some(message) = message_of(facts, command, &asked) else { return };
    let accounts = facts.accounts(partner, asked.order.balance, asked.order.currency);
    let why = Description::UnknownError;
    let Ok(change) = decline_asked(&asked, &accounts, why, command.now) else { return };
    let (turned, until) = (declined(message, why), asked.asking.map(|it| it.until));
    let calls = calls::take_back(facts, command, &asked, turned.id.0, until);
    let notice = notify::of_withdrawn(&facts.settings, &turned, &change.transaction);
    facts.apply(partner, change, None);
    facts.turn(turned);
    calls.into_iter().chain(notice).for_each(|entry| facts.notify(entry));
}

/// The network takes back what the partner is still asked about.
pub(super) fn reverse(
    facts: &Facts,
    command: &Command,
    asked: &Transaction,
) -> Result<Decided, Description> {
    let partner = command.scope.partner();
    let accounts = facts.accounts(partner, asked.order.balance, asked.order.currency);
    let change = reverse_asked(asked, &accounts, command.now)?;
    let message = message_of(facts, command, asked).ok_or(Description::UnknownError)?;
    let took_back = TookBack {
        asked: asked.clone(),
        message: message.id,
        until: asked.asking.map(|it| it.until),
    };
    let turned = Some(declined(message, Description::UnknownError));
    Ok(Decided { turned, took_back: Some(took_back), ..change.into() })
}

/// Nobody answered in time, and nobody waits for it any more.
pub(super) fn give_up(
    facts: &Facts,
    command: &Command,
    (message, transaction): (MessageId, TransactionId),
    ended: Timestamp,
) -> Option<Decided> {
    let partner = command.scope.partner();
    let asked = facts.transactions.get(&(partner, transaction))?;
    let over = asked.asking.is_some_and(|it| it.message == message && it.until <= ended);
    if asked.processing != Processing::Asking || !over {
        return None;
    }
    let accounts = facts.accounts(partner, asked.order.balance, asked.order.currency);
    let why = Description::PartnerTimeout;
    let declined = decline_asked(asked, &accounts, why, command.now);
    let change = declined
        .inspect_err(|_| {
            tracing::error!(transaction = %transaction.0, "a question can't be declined");
        })
        .ok()?;
    let took_back = TookBack { asked: asked.clone(), message, until: None };
    Some(Decided { took_back: Some(took_back), ..change.into() })
}

/// The message of a question that nobody has answered.
pub(super) fn unanswered(facts: &Facts, command: &Command, id: MessageId) -> Option<Message> {
    let message = facts.message(command.scope.partner(), id)?.clone();
    Some(declined(message, Description::PartnerTimeout))
}

/// What the partner had agreed to and was approved too late.
pub(super) fn approved(command: &Command, message: &Message, said: &Order) -> TookBack {
    let order = Order { amount: message.approved_amount.minor(), ..said.clone() };
    let (id, done) = (command.transaction, Processing::Success);
    let (status, why, now) = (Status::Authorized, Description::Approved, command.now);
    let asked = Transaction::turned_away(id, order, status, done, why, now);
    TookBack { asked, message: message.id, until: None }
}

fn message_of(facts: &Facts, command: &Command, asked: &Transaction) -> Option<Message> {
    facts.message(command.scope.partner(), asked.asking?.message).cloned()
}

fn declined(message: Message, why: Description) -> Message {
    Message {
        processing: Processing::Declined,
        description: why,
        action_code: action_code(why, None).to_owned(),
        approved_amount: Amount::ZERO,
        authorization_code: None,
        ..message
    }
}
