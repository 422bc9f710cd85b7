//! The decision on what a merchant asks for.

mod asked;
mod checks;
mod limits;
mod made;
mod secrets;

pub use asked::{Says, ask, told};
pub use made::{CheckName, CheckOutcome, Said, checks_made};
pub use secrets::{Chip, Verified};

use crate::balance::{Balance, PartnerBalanceKind};
use crate::card::Card;
use crate::card::lifecycle::LockReason;
use crate::ids::{ProcessorId, TransactionId};
use crate::ledger::Change;
use crate::ledger::accounts::Accounts;
use crate::ledger::force::{self, DepositGets, Forced};
use crate::ledger::internal::positive;
use crate::ledger::matching::Match;
use crate::ledger::release::is_open;
use crate::money::Amount;
use crate::partner::CollateralMode;
use crate::program::{PreAuthorization, Program};
use crate::spending::Spending;
use crate::transaction::{
    Category, Description, Order, Processing, Status, Transaction, TransactionType,
};
use crate::user::UserState;
use crate::words::words;
use checks::{CHECKS_BEYOND, CHECKS_OF_CARD, pass};
use jiff::{Timestamp, civil::Date};
use secrets::{CODE_AND_PIN, prove};

words! {
    /// What is asked, by the word for such a message.
    pub enum Ask {
        /// Money: it is held.
        Debit = "authorization",
        /// More of what is held already.
        Increment = "incremental",
        /// To give the owner money: a refund, a payout. It is posted at once.
        Credit = "credit",
        /// Whether card and owner are good; the amount is 0.
        Verification = "account-verification",
        /// What can be spent; the amount is 0.
        Inquiry = "balance-inquiry",
    }
}

/// What a merchant asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What its message said.
    pub order: Order,
    /// Who sent it.
    pub processor: ProcessorId,
    /// What it asks.
    pub ask: Ask,
    /// The last month that the merchant read from the card.
    pub expiry: Option<Expiry>,
    /// What came of comparing the verification code that was typed.
    pub cvv: Verified,
    /// What came of comparing the code that the terminal read of the stripe or the chip.
    pub read_code: Verified,
    /// What came of comparing the PIN.
    pub pin: Verified,
    /// What the processor found of the chip.
    pub chip: Chip,
    /// Whether the amount is an estimate.
    pub pre_authorization: PreAuthorization,
    /// Whether less than the amount would do.
    pub partial_approval: PartialApproval,
    /// What the partner said that there is to spend, where it holds the money and what there is is
    /// asked.
    pub there_is: Option<i64>,
}

impl Request {
    /// Whether less than the amount may be approved; never at an ATM, which pays out what was
    /// typed.
    #[must_use]
    pub fn takes_less(&self) -> bool {
        self.partial_approval == PartialApproval::Allowed
            && self.ask == Ask::Debit
            && self.order.kind != TransactionType::Atm
    }
}

/// Whether the merchant takes less than it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartialApproval {
    /// It does.
    Allowed,
    /// It doesn't.
    Refused,
}

/// The month and year on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Four digits.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

/// All that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The card, if there is one.
    pub card: Option<&'a Card>,
    /// Its program, if the card is there.
    pub program: Option<&'a Program>,
    /// The balance it pays from.
    pub balance: Option<&'a Balance>,
    /// That balance and the partner's own in its currency.
    pub accounts: &'a Accounts,
    /// Which of the partner's balances limits its users.
    pub mode: CollateralMode,
    /// The state of who answers for it: the balance's owner, with the holder of its card.
    pub owner: Option<OwnerFacts>,
    /// What the card may spend, and has.
    pub card_spending: &'a Spending,
    /// What its owner may spend, and has.
    pub owner_spending: &'a Spending,
    /// The partner's day on which it counts.
    pub today: Date,
    /// Whether its reversal was here before it.
    pub reversed_early: bool,
    /// What it raises, if that is what it asks.
    pub original: Match<'a>,
    /// The business time.
    pub now: Timestamp,
}

/// What is known of a balance's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerFacts {
    /// Its lifecycle.
    pub state: UserState,
    /// Whether it is under a transactional lock.
    pub under_lock: bool,
}

impl OwnerFacts {
    /// What is known of both who answer for a card: what stops one of them stops it.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let stops = |state: &UserState| self.state == *state || other.state == *state;
        let stopping = [UserState::Deleted, UserState::Locked].into_iter().find(stops);
        let state = stopping.unwrap_or(self.state);
        Self { state, under_lock: self.under_lock || other.under_lock }
    }
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decline {
    /// The reason.
    pub description: Description,
    /// The lock that stands, when that is the reason.
    pub lock: Option<LockReason>,
}

impl From<Description> for Decline {
    fn from(description: Description) -> Self {
        Self { description, lock: None }
    }
}

/// A decision: what it changes, and what the network is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What it changes.
    pub change: Change,
    /// How much was approved; less than was asked for is an approval in part.
    pub approved: Amount,
    /// The lock that stands, when that is the reason of a decline.
    pub lock: Option<LockReason>,
    /// The card after it, if wrong or right secrets have changed it: also where it was declined.
    pub card: Option<Card>,
}

/// Decides what a merchant asks for. Pure: all it depends on is in its arguments. Approved, it
/// holds or posts the amount; else it is a record that moves nothing.
#[must_use]
pub fn decide(id: TransactionId, code: &str, request: &Request, facts: &Facts<'_>) -> Decision {
    let (card, amount) = approve(request, facts);
    Decision { card, ..decision(id, code, request, facts, amount) }
}

/// What becomes of an amount that is approved, or isn't.
fn decision(
    id: TransactionId,
    code: &str,
    request: &Request,
    facts: &Facts<'_>,
    amount: Result<Amount, Decline>,
) -> Decision {
    let taken = amount.and_then(|amount| {
        let change = take(id, code, request, facts, (amount, original(request, facts)?))?;
        Ok(Decision { change, approved: amount, lock: None, card: None })
    });
    taken.unwrap_or_else(|decline| {
        // What refers to nothing can't be processed.
        let unclear = matches!(
            decline.description,
            Description::ReferencedTransactionNotFound
                | Description::AmbiguousReferencedTransaction
        );
        let processing = if unclear { Processing::Invalid } else { Processing::Declined };
        let change = Change::record(turned_away(id, request, facts, processing, decline));
        Decision { change, approved: Amount::ZERO, lock: decline.lock, card: None }
    })
}

/// A record of what was asked for and wasn't done.
fn turned_away(
    id: TransactionId,
    request: &Request,
    facts: &Facts<'_>,
    processing: Processing,
    decline: Decline,
) -> Transaction {
    let mut record = Transaction::turned_away(
        id,
        request.order.clone(),
        request.ask.status(),
        processing,
        decline.description,
        facts.now,
    );
    record.balance_before = facts.balance.and_then(Balance::known_available);
    record.balance_after = record.balance_before;
    record
}

impl Ask {
    /// The status that is asked for: what moves nothing is over at once.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Debit | Self::Increment | Self::Credit => Status::Authorized,
            Self::Verification | Self::Inquiry => Status::Cleared,
        }
    }

    fn takes_money(self) -> bool {
        matches!(self, Self::Debit | Self::Increment)
    }

    fn moves_money(self) -> bool {
        self.takes_money() || self == Self::Credit
    }
}

/// What an increment raises.
fn original<'a>(
    request: &Request,
    facts: &Facts<'a>,
) -> Result<Option<&'a Transaction>, Description> {
    if request.ask != Ask::Increment {
        return Ok(None);
    }
    match facts.original {
        Match::One(found) if is_open(found) && found.order.category == Category::Debit => {
            Ok(Some(found))
        }
        Match::One(_) | Match::None => Err(Description::ReferencedTransactionNotFound),
        Match::Several => Err(Description::AmbiguousReferencedTransaction),
    }
}

/// How much is approved, and the card after it, if it is another.
fn approve(request: &Request, facts: &Facts<'_>) -> (Option<Card>, Result<Amount, Decline>) {
    if let Err(decline) = pass(CHECKS_OF_CARD, request, facts) {
        return (None, Err(decline));
    }
    let (card, proved) = prove(request, facts);
    debug_assert!(proved.is_ok() || CODE_AND_PIN.declines(proved), "{proved:?}");
    (card, proved.and_then(|()| approve_beyond(request, facts)))
}

fn approve_beyond(request: &Request, facts: &Facts<'_>) -> Result<Amount, Decline> {
    pass(CHECKS_BEYOND, request, facts)?;
    if request.ask.moves_money() { Ok(affordable(request, facts)?) } else { Ok(Amount::ZERO) }
}

/// Does what was approved.
fn take(
    id: TransactionId,
    code: &str,
    request: &Request,
    facts: &Facts<'_>,
    (amount, original): (Amount, Option<&Transaction>),
) -> Result<Change, Decline> {
    let mut order = Order { amount: amount.minor(), ..request.order.clone() };
    if order.amount != request.order.amount {
        order.original_amount = None;
    }
    let program = facts.program.ok_or(Description::TransactionNotPermitted)?;
    let mcc = original.and_then(|it| it.order.mcc.as_deref()).or(order.mcc.as_deref());
    let was_estimated = |it: &Transaction| it.pre_authorization == PreAuthorization::Yes;
    let estimated = if original.is_some_and(was_estimated) {
        PreAuthorization::Yes
    } else {
        request.pre_authorization
    };
    let ends = program.hold_end(mcc, estimated, facts.now);
    let forced = Forced {
        id,
        order: &order,
        amount,
        mode: facts.mode,
        code,
        expires_at: ends,
        pre_authorization: estimated,
        now: facts.now,
    };
    let change = match (request.ask, original) {
        (Ask::Increment, Some(original)) => {
            // A hold that was to last longer still does.
            let ends = ends.max(original.expires_at);
            force::raise(original, facts.accounts, amount, ends, facts.now)?
        }
        (Ask::Increment, None) => Err(Description::ReferencedTransactionNotFound)?,
        (Ask::Debit, _) => force::hold(&forced, facts.accounts)?,
        (Ask::Credit, _) => force::credit(&forced, DepositGets::WhenCleared, facts.accounts)?,
        (Ask::Verification | Ask::Inquiry, _) => {
            let (status, done) = (request.ask.status(), Processing::Success);
            let mut record =
                Transaction::turned_away(id, order, status, done, Description::Approved, facts.now);
            record.balance_before =
                facts.balance.and_then(Balance::known_available).or(request.there_is);
            record.balance_after = record.balance_before;
            Change::record(record)
        }
    };
    Ok(change)
}

/// What of the amount can be had: all, unless the merchant takes less and there is less (spec
/// "Partial approval").
fn affordable(request: &Request, facts: &Facts<'_>) -> Result<Amount, Description> {
    let asked = positive(request.order.amount)?;
    if !request.ask.takes_money() || !request.takes_less() {
        return Ok(asked);
    }
    let own = facts.balance.map_or(0, Balance::available);
    let deposit = match facts.mode {
        CollateralMode::Deposit => facts.accounts.of_kind(PartnerBalanceKind::Deposit),
        CollateralMode::None | CollateralMode::Credit => None,
    };
    let there_is = deposit.map_or(own, |deposit| deposit.available().min(own));
    positive(asked.minor().min(there_is))
}

#[cfg(test)]
mod tests;
