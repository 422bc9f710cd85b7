//! What the engine is asked, and what it answers.

use crate::audit::Origin;
use domain::Timestamp;
use domain::authorization::Request;
use domain::ids::{BalanceId, CardId, MessageId, TransactionId};
use domain::ledger::clearing::Finality;
use domain::ledger::matching::Reference;
use domain::scope::Scope;
use domain::transaction::Order;
use store::ledger::Message;

/// One command that moves or holds money. All that isn't guarded by the balance was found out
/// before it came here: ids, digests, secrets compared.
#[derive(Clone, Debug)]
pub struct Command {
    /// Whose money it may touch.
    pub scope: Scope,
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
    /// The network's name for the message, for ever.
    pub network: Option<String>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Event {
    /// A merchant asks for money.
    Authorize {
        /// What it asks.
        request: Box<Request>,
        /// What it keeps if it gets it.
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
    },
    /// The partner moves money.
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
    },
    /// An approval was committed too late to be told.
    DeclineLate {
        /// Its message.
        message: MessageId,
        /// Its transaction.
        transaction: TransactionId,
        /// Its balance.
        balance: BalanceId,
    },
}

impl Event {
    /// What the message is called.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Authorize { .. } => "authorization",
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
            Self::Reverse { order, .. }
            | Self::Clear { order, .. }
            | Self::Transfer { order, .. } => Some(order),
            Self::Expire { .. } | Self::DeclineLate { .. } => None,
        }
    }

    /// The balance that guards it.
    pub(crate) fn balance(&self) -> Option<BalanceId> {
        match self {
            Self::Expire { balance, .. } | Self::DeclineLate { balance, .. } => Some(*balance),
            Self::Authorize { .. }
            | Self::Reverse { .. }
            | Self::Clear { .. }
            | Self::Transfer { .. } => self.order().and_then(|order| order.balance),
        }
    }

    /// The card that it is about.
    pub(crate) fn card(&self) -> Option<CardId> {
        self.order().and_then(|order| order.card)
    }

    /// The network id and card of the transaction that it refers to.
    pub(crate) fn reference(&self) -> Option<(CardId, &Reference)> {
        let reference = match self {
            Self::Reverse { reference, .. } => Some(reference),
            Self::Clear { reference, .. } => reference.as_ref(),
            Self::Authorize { .. }
            | Self::Transfer { .. }
            | Self::Expire { .. }
            | Self::DeclineLate { .. } => None,
        };
        Some((self.card()?, reference?))
    }
}

/// What became of a command.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was decided, now or before: the answer is a function of this.
    Decided(Box<Message>),
    /// Its key was used for something else.
    KeyReused,
    /// There was nothing to do.
    Nothing,
}
