//! What the engine is asked, and what it answers.

use crate::audit::Origin;
use crate::settings::Snapshot;
use domain::Timestamp;
use domain::authorization::{Ask, Request};
use domain::balance::{PartnerBalanceKind, Payers};
use domain::ids::{BalanceId, CardId, MessageId, PartnerId, TransactionId};
use domain::ledger::clearing::Finality;
use domain::ledger::matching::Reference;
use domain::money::Currency;
use domain::program::PreAuthorization;
use domain::scope::Scope;
use domain::transaction::{Order, TransactionType};
use store::ledger::{Message, Name};

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
    },
    /// A hold has come to its end.
    Expire {
        /// The transaction that holds.
        transaction: TransactionId,
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
    },
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
            Self::Expire { .. } | Self::DeclineLate { .. } => None,
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
            | Self::Expire { .. } => self.order(),
        }
    }

    /// The owner's balance, which guards what it is about.
    pub(crate) fn balance(&self) -> Option<BalanceId> {
        if let Self::Expire { balance, .. } = self {
            return Some(*balance);
        }
        self.said().and_then(|order| order.balance)
    }

    fn currency(&self) -> Option<Currency> {
        if let Self::Expire { currency, .. } = self {
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
            | Self::DeclineLate { .. } => &[Deposit],
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
        self.order().and_then(|order| order.card)
    }

    /// The network id and card of the transaction that it refers to.
    pub(crate) fn reference(&self) -> Option<(CardId, &Reference)> {
        let reference = match self {
            Self::Reverse { reference, .. } => Some(reference),
            Self::Authorize { reference, .. }
            | Self::Inform { reference, .. }
            | Self::Clear { reference, .. } => reference.as_ref(),
            Self::Transfer { .. } | Self::Expire { .. } | Self::DeclineLate { .. } => None,
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
            | Self::DeclineLate { .. } => false,
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
    /// There was nothing to do.
    Nothing,
}
