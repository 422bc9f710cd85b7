//! Move money by an internal transaction (spec "Accounts and legs").
//!
//! The engine keeps what it decided with the key, in its messages. What is refused before it comes
//! to the engine is kept as everywhere else, unless the key is one of the engine's.

use crate::audit::Origin;
use crate::ledger::command::{Command, Event, Names, Outcome, Stage};
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::transactions::{Record, find};
use crate::{App, Error, Once};
use domain::Timestamp;
use domain::balance::Payers;
use domain::ids::BalanceId;
use domain::money::Currency;
use domain::scope::Scope;
use domain::transaction::{Category, Order, Place, Processing, TransactionType};
use std::convert::Infallible;
use std::time::{Duration, Instant};
use store::ledger::{self, Message, Name};

/// How long a partner waits for the engine before it is told to retry.
const WAIT: Duration = Duration::from_secs(5);
/// Of that the partner has as much as of a payment, where it is asked: it shares its turns with
/// them.
const ASKED: Duration = Duration::from_secs(2);

/// What a caller's certificate lets it move (spec "Accounts and legs").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// A partner's: its users' money.
    Partner,
    /// The operator's scope `collateral`: what partners have with it.
    Collateral,
    /// The operator's scope `iban`: bank transfers.
    Iban,
}

impl Right {
    /// What a type needs; none for the network's types.
    #[must_use]
    pub fn needed_for(kind: TransactionType) -> Option<Self> {
        use TransactionType as T;
        Some(match kind {
            T::CreditIbanTransfer | T::IbanTechnicalCredit | T::IbanTechnicalDebit => Self::Iban,
            T::CollateralCredit
            | T::CollateralDebit
            | T::CompanyCredit
            | T::CompanyDebit
            | T::InterchangeCredit => Self::Collateral,
            T::TopUp
            | T::Payment
            | T::Loan
            | T::Cashback
            | T::Funding
            | T::Withdrawal
            | T::Commission
            | T::Interest
            | T::Fee => Self::Partner,
            T::Pos | T::Atm | T::CashbackAtPos | T::Aft | T::BalanceInquiry | T::Adjustment => {
                return None;
            }
        })
    }
}

/// Whose money is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owned {
    /// A user's.
    User,
    /// The partner's own.
    Partner,
}

impl Owned {
    fn of(kind: TransactionType) -> Self {
        if kind.partner_kinds().is_empty() { Self::User } else { Self::Partner }
    }

    /// Whether a type is for balances of this owner.
    #[must_use]
    pub fn has(self, kind: TransactionType) -> bool {
        Self::of(kind) == self
    }

    /// What a key is unique in, beside the partner: the path is part of the fingerprint. The
    /// operator's systems have keys of their own.
    #[must_use]
    pub fn endpoint(self, by_operator: bool) -> &'static str {
        match (self, by_operator) {
            (Self::User, false) => "POST /secure/balances/{balanceId}/transactions",
            (Self::User, true) => "operator POST /secure/balances/{balanceId}/transactions",
            (Self::Partner, false) => "POST /secure/partner-balances/{balanceId}/transactions",
            (Self::Partner, true) => {
                "operator POST /secure/partner-balances/{balanceId}/transactions"
            }
        }
    }
}

/// What is asked to be moved.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// The balance that gets or gives.
    pub balance: BalanceId,
    /// The type.
    pub kind: TransactionType,
    /// In minor units of `currency`.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// The caller's words.
    pub text: String,
    /// The caller's own id: with balance and type it names the transaction for ever.
    pub external_id: String,
    /// The caller's id of what it refers to.
    pub reference_id: Option<String>,
    /// The caller's key.
    pub key: Option<String>,
    /// What a person's key is unique in, beside the partner; none of a system's, for which
    /// [`Owned::endpoint`] tells it.
    pub endpoint: Option<String>,
    /// The keyed digest of the request.
    pub fingerprint: [u8; 32],
    /// Where it comes from.
    pub origin: Origin,
    /// What the caller may move.
    pub right: Right,
}

impl App {
    /// Moves the money, or refuses with the reason; both are recorded.
    pub async fn transfer(&self, scope: Scope, asked: Transfer) -> Result<Record, Error> {
        let of_systems = Owned::of(asked.kind).endpoint(asked.right != Right::Partner);
        let endpoint = asked.endpoint.as_deref().unwrap_or(of_systems);
        let once = once(endpoint, asked.key.clone(), asked.fingerprint, asked.origin.clone());
        let _turn = self.turn_of_transfer(scope, &once).await?;
        let right = asked.right;
        let Some(way) =
            asked.kind.internal_way().filter(|_| Right::needed_for(asked.kind) == Some(right))
        else {
            return self.refuse_or_recall(scope, &once, Refusal::UnknownTransactionType).await;
        };
        let payers = match Owned::of(asked.kind) {
            Owned::User => {
                let found = self.balance(scope, None, asked.balance).await;
                found.map(|found| found.balance.owner.into())
            }
            Owned::Partner => {
                self.partner_balance(scope, asked.balance).await.map(|_| Payers::default())
            }
        };
        let payers = match payers {
            Ok(payers) => payers,
            Err(Error::Refused(refusal)) => {
                return self.refuse_or_recall(scope, &once, refusal).await;
            }
            Err(error) => return Err(error),
        };
        let (now, deadline) = (self.now(), Instant::now() + WAIT);
        let key = format!("internal|{}|{}|{}", asked.balance.0, asked.kind, asked.external_id);
        let name = Some(Name { of: None, key });
        let command = Command {
            scope,
            payers,
            message: self.new_message_id(),
            transaction: self.new_transaction_id(),
            names: Names { scope: once.endpoint, key: once.key, name },
            fingerprint: asked.fingerprint.to_vec(),
            request_id: asked.origin.request_id.clone(),
            now,
            event: Event::Transfer {
                origin: Box::new(asked.origin.clone()),
                order: Box::new(order(asked, way, now)),
                stage: Stage::New { ask_until: self.ask_until(scope, Instant::now() + ASKED) },
            },
        };
        let outcome = self.submit_command(command.clone(), deadline).await?;
        match self.ask_as_decided(command, outcome, deadline).await? {
            Outcome::Decided(message) => self.answer_of(scope, &message).await,
            Outcome::KeyReused => Err(Error::KeyReused),
            Outcome::InProgress => Err(Refusal::RequestInProgress.into()),
            Outcome::Outdated | Outcome::Nothing | Outcome::Ask(_) => {
                Err(Error::broken("a transfer came to nothing"))
            }
        }
    }

    /// Refuses a transfer of a type that there isn't, and keeps that with its key.
    pub async fn refuse_transfer_type(
        &self,
        scope: Scope,
        endpoint: &str,
        key: Option<String>,
        fingerprint: [u8; 32],
        origin: Origin,
    ) -> Result<Record, Error> {
        let once = once(endpoint, key, fingerprint, origin);
        let _turn = self.turn_of_transfer(scope, &once).await?;
        self.refuse_or_recall(scope, &once, Refusal::UnknownTransactionType).await
    }

    /// The right to do it; what was refused before is refused again.
    async fn turn_of_transfer(&self, scope: Scope, once: &Once<Infallible>) -> Result<Turn, Error> {
        match self.turn(scope, once).await? {
            Turn::Done(_) => Err(Error::broken("a transfer's refusal is an answer")),
            ours @ Turn::Ours(_) => Ok(ours),
        }
    }

    /// Refuses before the engine and keeps that, unless the engine knows the key.
    async fn refuse_or_recall(
        &self,
        scope: Scope,
        once: &Once<Infallible>,
        refusal: Refusal,
    ) -> Result<Record, Error> {
        if let Some(key) = &once.key {
            let mut tx = self.db.read().await?;
            let keys = [(scope.partner(), once.endpoint.as_str(), key.as_str())];
            let found = ledger::messages_by_key(&mut tx, keys.into_iter()).await;
            if let Some(message) = tx.end(found).await?.first() {
                if message.fingerprint != once.fingerprint {
                    return Err(Error::KeyReused);
                }
                if message.processing == Processing::Asking {
                    return Err(Refusal::RequestInProgress.into());
                }
                return self.answer_of(scope, message).await;
            }
        }
        self.keep_refusal(scope, once, refusal).await?;
        Err(refusal.into())
    }

    /// The transaction that a message made, or why it made none.
    async fn answer_of(&self, scope: Scope, message: &Message) -> Result<Record, Error> {
        match message.processing {
            Processing::Success => {}
            Processing::Declined | Processing::Invalid | Processing::Asking => {
                return Err(Refusal::of_description(message.description).into());
            }
        }
        let mut tx = self.db.read().await?;
        let found = find(&mut tx, scope, message.transaction).await;
        tx.end(found).await?.ok_or(Error::broken("a message has no transaction"))
    }
}

/// Only refusals are kept with it: what was done is kept by the engine.
fn once(
    endpoint: &str,
    key: Option<String>,
    fingerprint: [u8; 32],
    origin: Origin,
) -> Once<Infallible> {
    let render = |never: &Infallible| match *never {};
    Once { endpoint: endpoint.to_owned(), key, fingerprint, origin, render }
}

fn order(asked: Transfer, way: Category, now: Timestamp) -> Order {
    Order {
        balance: Some(asked.balance),
        card: None,
        processor: None,
        network_id: asked.external_id,
        network_date: now,
        reference_id: asked.reference_id,
        reference_date: None,
        kind: asked.kind,
        category: way,
        amount: asked.amount,
        currency: asked.currency,
        original_amount: None,
        original_currency: None,
        conversion_rate: None,
        text: asked.text,
        data: None,
        mcc: None,
        retrieval_reference: None,
        place: Place::default(),
    }
}
