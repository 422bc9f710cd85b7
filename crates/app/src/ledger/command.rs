//! What the engine is asked, and what it answers.

use crate::audit::Origin;
use crate::settings::Snapshot;
use domain::Timestamp;
use domain::authorization::{Ask, Request, Says};
use domain::balance::{PartnerBalanceKind, Payers};
use domain::ids::{BalanceId, CardId, MessageId, PartnerId, TransactionId};
use domain::ledger::clearing::Finality;
use domain::ledger::matching::Reference;
use domain::money::Currency;
use domain::program::PreAuthorization;
use domain::scope::Scope;
use domain::transaction::{Category, Order, TransactionType};
use serde_json::Value;
use store::ledger::{Message, Name};
use uuid::Uuid;

/// One command that moves or holds money. All that isn't guarded by the balance was found out
/// before it came here: ids, digests, secrets compared.
#[derive(Clone, Debug)]
pub struct Command {
    /// Whose money it may touch.
    pub scope: Scope,
    /// Who answers for it: locked, so that what is counted for them and what they may do stay as
    /// they are; nobody for the partner's own balances and where there is no card.
    pub payers: Payers,
    /// The id of its message, if it is new.
    pub message: MessageId,
    /// The id of its transaction, if it makes one.
    pub transaction: TransactionId,
    /// What it is recognised by.
    pub names: Names,
    /// The keyed digest of the request.
    pub fingerprint: Vec<u8>,
    /// Told in logs, from queue to answer.
    pub request_id: String,
    /// The business time at which it came in.
    pub now: Timestamp,
    /// What is to be done.
    pub event: Event,
}

/// What a command is recognised by when it comes again.
#[derive(Clone, Debug)]
pub struct Names {
    /// What the caller's key is unique in.
    pub scope: String,
    /// The caller's key.
    pub key: Option<String>,
    /// The network's name for the message, or the caller's, for ever.
    pub name: Option<Name>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Event {
    /// A merchant asks.
    Authorize {
        /// What it asks.
        request: Box<Request>,
        /// What it raises, if it raises something.
        reference: Option<Reference>,
        /// What it keeps if it gets it.
        code: String,
        /// Whether its secrets were compared a second time, since the first was outdated.
        compared_again: bool,
        /// Which half of it this is, where the partner is asked.
        stage: Stage,
    },
    /// The network tells of what has happened already.
    Inform {
        /// What the message said.
        order: Box<Order>,
        /// What has happened.
        told: Told,
        /// Whether the amount is an estimate.
        pre_authorization: PreAuthorization,
        /// What it means: what it confirms, or what it adjusts.
        reference: Option<Reference>,
        /// What the merchant keeps of it.
        code: String,
    },
    /// The network takes an authorization back.
    Reverse {
        /// What the message said.
        order: Box<Order>,
        /// What it takes back.
        reference: Reference,
    },
    /// The network settles.
    Clear {
        /// What the message said.
        order: Box<Order>,
        /// The authorization that it settles, if it names one.
        reference: Option<Reference>,
        /// Whether more will come.
        finality: Finality,
        /// The difference of exchange rates, if the processor told it.
        fx_difference: Option<i64>,
        /// The id of the difference's own transaction, if there is a difference.
        difference: TransactionId,
    },
    /// The partner or the operator moves money.
    Transfer {
        /// What it asked.
        order: Box<Order>,
        /// Where it comes from, for the audit record.
        origin: Box<Origin>,
        /// Which half of it this is, where the partner holds the money.
        stage: Stage,
    },
    /// A hold has come to its end.
    Expire {
        /// The transaction that holds.
        transaction: TransactionId,
        /// Its card, if it has one.
        card: Option<CardId>,
        /// Its balance.
        balance: BalanceId,
        /// Its currency.
        currency: Currency,
    },
    /// An approval was committed too late to be told.
    DeclineLate {
        /// Its message.
        message: MessageId,
        /// Its transaction.
        transaction: TransactionId,
        /// What it said.
        said: Box<Order>,
        /// Whether the partner was asked: it has booked it, or will.
        agreed: bool,
    },
    /// A partner that was asked hasn't answered in time, and nobody waits for it any more.
    Unanswered {
        /// The message that asked.
        message: MessageId,
        /// Its transaction.
        transaction: TransactionId,
        /// Its card.
        card: Option<CardId>,
        /// Its balance.
        balance: BalanceId,
        /// Its currency.
        currency: Currency,
        /// The partner's time must have ended by this moment, in real time.
        ended: Timestamp,
    },
}

/// Which half of what a partner is asked about a command is (rules "Flows that ask a partner").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is decided, or becomes a question to the partner.
    New {
        /// Until when the partner may be asked, in real time.
        ask_until: Timestamp,
    },
    /// The partner was asked, and this came of it.
    Told(Says),
}

/// What a partner is to be asked, once it is committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The idempotency key of the call.
    pub key: Uuid,
    /// Which way the money would go.
    pub way: Category,
    /// The transaction, as the seeds have it.
    pub body: Value,
    /// Until when, in real time.
    pub until: Timestamp,
}

/// What has happened already (spec "From the network").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Somebody else decided for us and approved.
    Advice,
    /// Somebody else decided for us and declined.
    DeclineAdvice,
    /// A purchase without a question.
    ForceDebit,
    /// A credit without a question.
    ForceCredit,
    /// A correction.
    Adjustment,
}

impl Told {
    /// The word for such a message.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Advice | Self::DeclineAdvice => "advice",
            Self::ForceDebit => "force-debit",
            Self::ForceCredit => "force-credit",
            Self::Adjustment => "adjustment",
        }
    }
}

impl Event {
    /// What the message is called.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Authorize { request, .. } => request.ask.as_str(),
            Self::Inform { told, .. } => told.as_str(),
            Self::Reverse { .. } => "reversal",
            Self::Clear { .. } => "clearing",
            Self::Transfer { .. } => "internal",
            Self::Expire { .. } => "expiry",
            Self::DeclineLate { .. } => "late",
            Self::Unanswered { .. } => "unanswered",
        }
    }

    /// What the message said, if it came from outside.
    pub(crate) fn order(&self) -> Option<&Order> {
        match self {
            Self::Authorize { request, .. } => Some(&request.order),
            Self::Inform { order, .. }
            | Self::Reverse { order, .. }
            | Self::Clear { order, .. }
            | Self::Transfer { order, .. } => Some(order),
            Self::Expire { .. } | Self::DeclineLate { .. } | Self::Unanswered { .. } => None,
        }
    }

    /// The same, also of a message whose late approval is taken back.
    pub(crate) fn said(&self) -> Option<&Order> {
        match self {
            Self::DeclineLate { said, .. } => Some(said),
            Self::Authorize { .. }
            | Self::Inform { .. }
            | Self::Reverse { .. }
            | Self::Clear { .. }
            | Self::Transfer { .. }
            | Self::Expire { .. }
            | Self::Unanswered { .. } => self.order(),
        }
    }

    /// The owner's balance, which guards what it is about.
    pub(crate) fn balance(&self) -> Option<BalanceId> {
        if let Self::Expire { balance, .. } | Self::Unanswered { balance, .. } = self {
            return Some(*balance);
        }
        self.said().and_then(|order| order.balance)
    }

    fn currency(&self) -> Option<Currency> {
        if let Self::Expire { currency, .. } | Self::Unanswered { currency, .. } = self {
            return Some(*currency);
        }
        self.said().map(|order| order.currency)
    }

    /// The partner's own balances that it can touch, whatever the partner's modes are now: what a
    /// transaction was backed by, it is backed by for life.
    fn kinds(&self) -> &'static [PartnerBalanceKind] {
        use PartnerBalanceKind::{Company, Credit, Deposit};
        match self {
            Self::Clear { order, fx_difference, .. }
                if fx_difference.is_some_and(|told| told != 0)
                    || order.original_currency.is_some() =>
            {
                &[Company, Deposit]
            }
            Self::Authorize { .. }
            | Self::Inform { .. }
            | Self::Reverse { .. }
            | Self::Clear { .. }
            | Self::Expire { .. }
            | Self::DeclineLate { .. }
            | Self::Unanswered { .. } => &[Deposit],
            Self::Transfer { order, .. } if order.kind == TransactionType::Fee => &[Company],
            Self::Transfer { .. } => &[Credit],
        }
    }

    /// The balances that it can touch: all of them are locked before anything is read.
    pub(crate) fn guards(&self, partner: PartnerId, settings: &Snapshot) -> Vec<BalanceId> {
        let of_kind =
            |kind: &PartnerBalanceKind| settings.partner_balance(partner, *kind, self.currency()?);
        self.balance().into_iter().chain(self.kinds().iter().filter_map(of_kind)).collect()
    }

    /// The card that it is about.
    pub(crate) fn card(&self) -> Option<CardId> {
        if let Self::Expire { card, .. } | Self::Unanswered { card, .. } = self {
            return *card;
        }
        self.said().and_then(|order| order.card)
    }

    /// The network id and card of the transaction that it refers to.
    pub(crate) fn reference(&self) -> Option<(CardId, &Reference)> {
        let reference = match self {
            Self::Reverse { reference, .. } => Some(reference),
            Self::Authorize { reference, .. }
            | Self::Inform { reference, .. }
            | Self::Clear { reference, .. } => reference.as_ref(),
            Self::Transfer { .. }
            | Self::Expire { .. }
            | Self::DeclineLate { .. }
            | Self::Unanswered { .. } => None,
        };
        Some((self.card()?, reference?))
    }

    /// What a merchant asks money by, or is given it by: somebody else may have approved it and
    /// told so before.
    pub(crate) fn asked(&self) -> Option<&Order> {
        let Self::Authorize { request, .. } = self else { return None };
        match request.ask {
            Ask::Debit | Ask::Increment | Ask::Credit => Some(&request.order),
            Ask::Verification | Ask::Inquiry => None,
        }
    }

    /// Whether its own reversal can have come before it, and stops it.
    pub(crate) fn can_be_reversed_early(&self) -> bool {
        match self {
            Self::Authorize { .. } => true,
            Self::Inform { told, .. } => *told != Told::Adjustment,
            Self::Reverse { .. }
            | Self::Clear { .. }
            | Self::Transfer { .. }
            | Self::Expire { .. }
            | Self::DeclineLate { .. }
            | Self::Unanswered { .. } => false,
        }
    }

    /// Whether its outcome is that of a message which was recorded before.
    pub(crate) fn is_about_earlier(&self) -> bool {
        self.told().is_some() || matches!(self, Self::DeclineLate { .. } | Self::Unanswered { .. })
    }

    /// Makes it the second half: what came of asking the partner.
    pub(crate) fn tell(&mut self, says: Says) {
        match self {
            Self::Authorize { stage, .. } | Self::Transfer { stage, .. } => {
                *stage = Stage::Told(says);
            }
            Self::Inform { .. }
            | Self::Reverse { .. }
            | Self::Clear { .. }
            | Self::Expire { .. }
            | Self::DeclineLate { .. }
            | Self::Unanswered { .. } => {}
        }
    }

    /// What came of asking the partner, where this is the second half of it.
    pub(crate) fn told(&self) -> Option<Says> {
        match self {
            Self::Authorize { stage: Stage::Told(says), .. }
            | Self::Transfer { stage: Stage::Told(says), .. } => Some(*says),
            Self::Authorize { .. }
            | Self::Inform { .. }
            | Self::Reverse { .. }
            | Self::Clear { .. }
            | Self::Transfer { .. }
            | Self::Expire { .. }
            | Self::DeclineLate { .. }
            | Self::Unanswered { .. } => None,
        }
    }
}

/// The network's own name for the message of a kind that a reference means, if it tells its time:
/// processor, id, time, kind, card. Clearings have a sequence besides.
pub(crate) fn network_name(reference: &Reference, kind: &str, card: CardId) -> Option<String> {
    let (processor, id, date) = (reference.processor.0, &reference.id, reference.date?);
    Some(format!("{processor}|{id}|{}|{kind}|{}", date.as_microsecond(), card.0))
}

/// What became of a command.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was decided, now or before: the answer is a function of this.
    Decided(Box<Message>),
    /// Its key was used for something else.
    KeyReused,
    /// Code or PIN was compared with one that the card doesn't have any more: nothing was decided.
    Outdated,
    /// The partner is to be asked now.
    Ask(Box<Question>),
    /// The partner is being asked for another delivery of the same message.
    InProgress,
    /// There was nothing to do.
    Nothing,
}
