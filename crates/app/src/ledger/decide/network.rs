//! The messages of a network: which rule decides each, and over which facts.

use super::{Decided, accounts_of, asked, invalid, mode, owner_of};
use crate::ledger::command::{Command, Event, Stage, Told};
use crate::ledger::facts::{Facts, early_key};
use domain::Timestamp;
use domain::authorization::{self, Ask, PartialApproval};
use domain::balance::Balance;
use domain::ids::{CardId, TransactionId};
use domain::ledger::Change;
use domain::ledger::accounts::Accounts;
use domain::ledger::clearing::{self, Settlement, clear_alone};
use domain::ledger::force::{self, DepositGets, Forced};
use domain::ledger::internal::positive;
use domain::ledger::matching::{Match, Reference, find};
use domain::ledger::release::{is_open, reverse};
use domain::money::Amount;
use domain::program::{FxDifferenceTo, PreAuthorization, Program};
use domain::transaction::{Description, Flag, Order, Processing, Status, Transaction};
use jiff::ToSpan;
use store::ledger::{EarlyReversal, Message};

/// What a merchant asks.
pub(super) fn authorize(
    facts: &Facts,
    command: &Command,
    request: &authorization::Request,
    reference: Option<&Reference>,
    (code, stage): (&str, &Stage),
) -> Decided {
    let partner = command.scope.partner();
    if let Stage::New { .. } = stage
        && let Some(told) = told_before(facts, command)
    {
        return answer_as_told(facts, command, request, told);
    }
    let card = request.order.card.and_then(|id| facts.cards.get(&(partner, id)));
    let accounts = accounts_of(facts, command, &request.order);
    let balance = request.order.balance.and_then(|id| facts.balances.get(&(partner, id)));
    let [of_card, of_owner] = facts.spenders(partner, &request.order);
    let known = authorization::Facts {
        card,
        program: card.and_then(|card| facts.settings.program(partner, &card.config_id)),
        balance,
        accounts: &accounts,
        mode: mode(facts, command),
        owner: owner_of(facts, command, &request.order),
        card_spending: facts.spending(partner, of_card),
        owner_spending: facts.spending(partner, of_owner),
        today: facts.day(partner, &request.order, command.now),
        reversed_early: is_reversed_early(facts, command),
        original: referred(facts, command, &request.order, reference),
        now: command.now,
    };
    let decision = match *stage {
        Stage::Told(says) => return asked::told(facts, command, (request, code), &known, says),
        Stage::New { ask_until }
            if asked::is_asked(facts, command, (request.ask, known.original)) =>
        {
            // Of what a partner is asked about it can't approve a part.
            let whole = PartialApproval::Refused;
            let request = authorization::Request { partial_approval: whole, ..request.clone() };
            let decision = authorization::decide(command.transaction, code, &request, &known);
            asked::ask(command, decision, &request, &known, ask_until)
        }
        Stage::New { .. } => authorization::decide(command.transaction, code, request, &known),
    };
    let authorization::Decision { change, approved, lock, card } = decision;
    Decided { approved, lock, card, ..change.into() }
}

/// What is asked now and has happened already, unless its hold has come to its end: an advice or a
/// force post with the same name came first.
fn told_before<'a>(facts: &'a Facts, command: &Command) -> Option<&'a Transaction> {
    let order = command.event.asked().filter(|order| order.amount > 0)?;
    if is_reversed_early(facts, command) {
        return None;
    }
    let own = Reference {
        processor: order.processor?,
        id: order.network_id.clone(),
        date: Some(order.network_date),
        amount: Some(order.amount),
        retrieval_reference: order.retrieval_reference.clone(),
    };
    // An increment that bears the name of what it raises was told by nobody.
    let raises = command.event.reference().map(|(_, raised)| raised);
    if raises.is_some_and(|it| it.id == own.id && it.date.is_none_or(|at| Some(at) == own.date)) {
        return None;
    }
    let known = facts.transactions_of(command.scope.partner(), order.card?);
    let same = known.filter(|known| {
        known.order.category == order.category
            && known.order.currency == order.currency
            && known.description != Description::Expired
    });
    match find(same, &own) {
        Match::One(told) => Some(told),
        Match::None | Match::Several => None,
    }
}

/// The question comes after its answer, which somebody else has given: nothing is held or posted a
/// second time. What was taken back meanwhile isn't approved any more, nor is less than is asked
/// where that won't do.
fn answer_as_told(
    facts: &Facts,
    command: &Command,
    request: &authorization::Request,
    told: &Transaction,
) -> Decided {
    let (order, status) = (&request.order, request.ask.status());
    let suffices = told.order.amount >= order.amount || request.takes_less();
    if told.status != Status::Reversed && suffices {
        let approved = Amount::from_minor(order.amount.min(told.order.amount));
        let approved = approved.unwrap_or(Amount::ZERO);
        return Decided { approved, told: true, ..Change::record(told.clone()).into() };
    }
    let (id, declined, why) =
        (command.transaction, Processing::Declined, Description::UnknownError);
    let mut record =
        Transaction::turned_away(id, order.clone(), status, declined, why, command.now);
    let balance = order.balance.and_then(|id| facts.balances.get(&(command.scope.partner(), id)));
    record.balance_before = balance.and_then(Balance::known_available);
    record.balance_after = record.balance_before;
    Change::record(record).into()
}

/// What has happened already: it confirms or changes what it refers to, or is done by force.
pub(super) fn inform(
    facts: &Facts,
    command: &Command,
    order: &Order,
    reference: Option<&Reference>,
) -> Result<Decided, Description> {
    let &Event::Inform { told, ref code, pre_authorization, .. } = &command.event else {
        return Err(Description::UnknownError);
    };
    let card = order.card.ok_or(Description::CardNotFound)?;
    let recorded = |status, processing, description| {
        let (id, order) = (command.transaction, order.clone());
        let now = command.now;
        Change::record(Transaction::turned_away(id, order, status, processing, description, now))
    };
    if told == Told::DeclineAdvice {
        let declined = Processing::Declined;
        return Ok(recorded(Status::Authorized, declined, Description::UnknownError).into());
    }
    let amount = positive(order.amount)?;
    let accounts = accounts_of(facts, command, order);
    if accounts.own(order)?.currency != order.currency {
        return Err(Description::CurrencyMismatch);
    }
    if is_reversed_early(facts, command) {
        return Ok(recorded(Status::Reversed, Processing::Success, Description::Approved).into());
    }
    let found = match referred(facts, command, order, reference) {
        Match::Several => return Err(Description::AmbiguousReferencedTransaction),
        Match::One(found) => Some(found),
        Match::None => None,
    };
    if told == Told::Adjustment {
        return adjust(facts, command, order, (amount, found), &accounts);
    }
    let forced = Forced {
        id: command.transaction,
        order,
        amount,
        mode: mode(facts, command),
        code,
        expires_at: hold_end(facts, command, card, (order, pre_authorization)),
        pre_authorization,
        now: command.now,
    };
    let gets =
        if told == Told::ForceCredit { DepositGets::AtOnce } else { DepositGets::WhenCleared };
    // An advice tells of what was asked, whichever way that was.
    let same =
        |found: &&Transaction| told == Told::Advice || found.order.category == order.category;
    let found = found.filter(same);
    let (mut earlier, mut approved) = (None, amount);
    let change = match found {
        Some(ours) if is_open(ours) => {
            let so_far = approved_so_far(facts, command, ours)?;
            // The network knows of the approval: it can't be taken back as late any more.
            let asked = asked_before(facts, command, ours).filter(|asked| !asked.told);
            earlier = asked.map(|asked| Message { told: true, ..asked.clone() });
            let change = force::confirm(ours, &accounts, (so_far, amount), gets, command.now)?;
            let (now, taken) = (&change.transaction, increment_of(facts, command, ours));
            let taken = taken.map_or(Amount::ZERO, |increment| increment.reversed_amount);
            let stands = now.held.checked_add(now.cleared);
            let stands = stands.map_err(|_| Description::InvalidAmount)?;
            approved = amount.saturating_sub(taken).min(stands);
            change
        }
        Some(ours) if ours.description == Description::Expired => {
            let cleared = cleared_of_it(facts, command, ours)?;
            force::hold_again(ours, cleared, &forced, &accounts)?
        }
        // It is over: what was cleared is paid, what the network took back stays so.
        Some(ours) => {
            approved = amount.min(cleared_of_it(facts, command, ours)?);
            Change::record(ours.clone())
        }
        None if told == Told::ForceCredit => force::credit(&forced, gets, &accounts)?,
        None => force::hold(&forced, &accounts)?,
    };
    Ok(Decided { approved, earlier, follows: found.map(|it| it.id), ..change.into() })
}

/// What was approved under a message's own name before it.
fn approved_so_far(
    facts: &Facts,
    command: &Command,
    found: &Transaction,
) -> Result<Amount, Description> {
    let asked = asked_before(facts, command, found).map(|asked| asked.approved_amount);
    if let Some(so_far) = told_last(facts, command, found.id).or(asked) {
        return Ok(so_far);
    }
    found.held.checked_add(found.cleared).map_err(|_| Description::InvalidAmount)
}

/// The question by which a transaction was made or raised under the name that a message bears.
fn asked_before<'a>(
    facts: &'a Facts,
    command: &Command,
    found: &Transaction,
) -> Option<&'a Message> {
    let asked = [Ask::Debit, Ask::Credit].into_iter();
    let asked = asked.filter_map(|ask| facts.message_meant(command, ask.as_str()));
    let mut asked = asked.chain(increment_of(facts, command, found));
    asked.find(|asked| asked.transaction == found.id)
}

/// What was cleared of the part of a hold that a message means: of an increment what the rest of
/// the hold didn't cover.
fn cleared_of_it(
    facts: &Facts,
    command: &Command,
    found: &Transaction,
) -> Result<Amount, Description> {
    let Some(increment) = increment_of(facts, command, found) else { return Ok(found.cleared) };
    let own = raised_by(facts, command, increment);
    let rest = Amount::from_minor(found.order.amount.saturating_sub(own.minor()).max(0));
    Ok(found.cleared.saturating_sub(rest.map_err(|_| Description::InvalidAmount)?))
}

/// The increment that a message means, where what was found is what it raised.
fn increment_of<'a>(
    facts: &'a Facts,
    command: &Command,
    found: &Transaction,
) -> Option<&'a Message> {
    let (_, reference) = command.event.reference()?;
    let increment = facts.increment_meant(command)?;
    let raised = increment.transaction == found.id && found.order.network_id != reference.id;
    raised.then_some(increment)
}

/// The last word on a transaction under the name that a message means, if what has happened was
/// told already: their ids ascend.
fn told_last(facts: &Facts, command: &Command, of: TransactionId) -> Option<Amount> {
    let kinds = [Told::Advice, Told::ForceDebit, Told::ForceCredit].into_iter();
    let told = kinds.filter_map(|kind| facts.message_meant(command, kind.as_str()));
    let last = told.filter(|told| told.transaction == of).max_by_key(|told| told.id)?;
    Amount::from_minor(last.amount).ok()
}

/// How much an increment has raised its hold by.
fn raised_by(facts: &Facts, command: &Command, increment: &Message) -> Amount {
    told_last(facts, command, increment.transaction).unwrap_or(increment.approved_amount)
}

/// A correction: of what is still open, or else a movement of its own.
fn adjust(
    facts: &Facts,
    command: &Command,
    order: &Order,
    (amount, found): (Amount, Option<&Transaction>),
    accounts: &Accounts,
) -> Result<Decided, Description> {
    let (id, order, now) = (command.transaction, order.clone(), command.now);
    let what = (mode(facts, command), amount);
    let change = if let Some(open) = found.filter(|found| is_open(found)) {
        force::correct(open, accounts, (id, order), what, now)
    } else {
        let flag = found.is_none().then_some(Flag::WithoutAuthorization);
        force::post_alone(id, order, accounts, what, flag, now)
    }?;
    Ok(Decided { approved: amount, follows: found.map(|it| it.id), ..change.into() })
}

/// When a hold ends that was taken by force.
fn hold_end(
    facts: &Facts,
    command: &Command,
    card: CardId,
    (order, estimated): (&Order, PreAuthorization),
) -> Option<Timestamp> {
    let program = program_of(facts, command, card);
    let end = program.map(|it| it.hold_end(order.mcc.as_deref(), estimated, command.now));
    end.unwrap_or_else(|| command.now.checked_add((HOLD_DAYS * 24).hours()).ok())
}

fn program_of<'a>(facts: &'a Facts, command: &Command, card: CardId) -> Option<&'a Program> {
    let partner = command.scope.partner();
    let card = facts.cards.get(&(partner, card))?;
    facts.settings.program(partner, &card.config_id)
}

/// How long a hold lasts whose program isn't known any more, in days.
const HOLD_DAYS: i64 = 7;

/// The network takes an authorization back; one that comes first waits.
pub(super) fn reversal(
    facts: &Facts,
    command: &Command,
    order: &Order,
    reference: &Reference,
) -> Decided {
    let turned = |description| invalid(command, order, Status::Reversed, description).into();
    let Some(card) = order.card else { return turned(Description::CardNotFound) };
    let amount = match positive(order.amount) {
        Ok(amount) => amount,
        Err(description) => return turned(description),
    };
    if let Some(asked) = facts.asked_about(command.scope.partner(), card, reference) {
        return asked::reverse(facts, command, asked).unwrap_or_else(turned);
    }
    match referred(facts, command, order, Some(reference)) {
        Match::Several => turned(Description::AmbiguousReferencedTransaction),
        Match::One(found) if found.order.currency != order.currency => {
            turned(Description::CurrencyMismatch)
        }
        Match::One(found) if is_open(found) => match increment_of(facts, command, found) {
            Some(increment) => reverse_increment(facts, command, found, (increment, amount)),
            None => {
                let accounts = accounts_of(facts, command, &found.order);
                reverse(found, &accounts, amount, command.now).map(Decided::from)
            }
        }
        .unwrap_or_else(turned),
        Match::One(over) => {
            let mut decided: Decided = turned(Description::ReferencedTransactionNotFound);
            let review = over.status == Status::Cleared;
            decided.change.transaction.flag = review.then_some(Flag::ForReview);
            decided
        }
        Match::None => {
            let mut decided: Decided = turned(Description::ReferencedTransactionNotFound);
            decided.waits = reference.date.map(|date| EarlyReversal {
                partner: command.scope.partner(),
                card,
                reference_id: reference.id.clone(),
                reference_date: date,
            });
            decided
        }
    }
}

/// The network takes an increment back: at most what is left of it, off the hold that it raised.
fn reverse_increment(
    facts: &Facts,
    command: &Command,
    raised: &Transaction,
    (increment, amount): (&Message, Amount),
) -> Result<Decided, Description> {
    let whole = raised_by(facts, command, increment);
    let part = amount.min(whole.saturating_sub(increment.reversed_amount));
    if part.is_zero() {
        return Err(Description::ReferencedTransactionNotFound);
    }
    let accounts = accounts_of(facts, command, &raised.order);
    let change = reverse(raised, &accounts, part, command.now)?;
    let taken = raised.held.saturating_sub(change.transaction.held);
    let reversed_amount = increment.reversed_amount.checked_add(taken);
    let reversed_amount = reversed_amount.map_err(|_| Description::InvalidAmount)?;
    let earlier = Some(Message { reversed_amount, ..increment.clone() });
    Ok(Decided { earlier, ..change.into() })
}

/// The network settles an authorization, or what never was one.
pub(super) fn clear(
    facts: &Facts,
    command: &Command,
    order: &Order,
    reference: Option<&Reference>,
) -> Result<Decided, Description> {
    let Event::Clear { finality, fx_difference, difference, .. } = &command.event else {
        return Err(Description::UnknownError);
    };
    let card = order.card.ok_or(Description::CardNotFound)?;
    let amount = positive(order.amount)?;
    let accounts = accounts_of(facts, command, order);
    if accounts.own(order)?.currency != order.currency {
        return Err(Description::CurrencyMismatch);
    }
    let program = program_of(facts, command, card);
    let settlement = Settlement {
        ids: (command.transaction, *difference),
        amount,
        finality: *finality,
        fx_difference: *fx_difference,
        fx_difference_to: program.map_or(FxDifferenceTo::Company, |it| it.fx_difference_to),
        now: command.now,
    };
    let alone = |order| clear_alone(order, &accounts, mode(facts, command), &settlement);
    let mut follows = None;
    let change = match referred(facts, command, order, reference) {
        Match::Several => Err(Description::AmbiguousReferencedTransaction),
        // A refund may name the purchase that it gives back: that is no clearing of it.
        Match::One(found) if found.order.category != order.category => alone(order.clone()),
        Match::One(found) if is_open(found) => {
            clearing::clear(found, order, &accounts, &settlement)
        }
        Match::One(found) => {
            follows = Some(found.id);
            alone(of_kind(order, found))
        }
        Match::None => alone(order.clone()),
    }?;
    Ok(Decided { follows, ..change.into() })
}

/// What is done about an authorization that is no longer open is of the same kind.
fn of_kind(order: &Order, found: &Transaction) -> Order {
    Order { kind: found.order.kind, ..order.clone() }
}

/// The transaction of the same card that a message refers to. An increment has none of its own: its
/// network id means what it raised.
fn referred<'a>(
    facts: &'a Facts,
    command: &Command,
    order: &Order,
    reference: Option<&Reference>,
) -> Match<'a> {
    match (order.card, reference) {
        (Some(card), Some(named)) => {
            let found = find(facts.transactions_of(command.scope.partner(), card), named);
            let raised = facts.increment_meant(command).filter(|_| found == Match::None);
            let partner = command.scope.partner();
            let raised = raised.and_then(|it| facts.transactions.get(&(partner, it.transaction)));
            raised.map_or(found, Match::One)
        }
        (None, _) | (_, None) => Match::None,
    }
}

fn is_reversed_early(facts: &Facts, command: &Command) -> bool {
    early_key(command).is_some_and(|key| facts.waiting_reversals.contains(&key))
}
