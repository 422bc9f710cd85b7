//! Move money by an internal transaction: top-ups, and later the other types.

use crate::ledger::command::{Command, Event, Names, Outcome};
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::ids::BalanceId;
use domain::money::Currency;
use domain::scope::Scope;
use domain::transaction::{Category, Order, Processing, Transaction, TransactionType};
use std::time::{Duration, Instant};
use store::transactions;

/// How long a partner waits for the engine before it is told to retry.
const WAIT: Duration = Duration::from_secs(5);

/// What a partner asks to be moved.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// The balance that gets or gives.
    pub balance: BalanceId,
    /// The type; only `topUp` so far.
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
    /// The keyed digest of the request.
    pub fingerprint: [u8; 32],
    /// Told in logs.
    pub request_id: String,
}

impl App {
    /// Moves the money, or refuses with the reason; both are recorded.
    pub async fn transfer(&self, scope: Scope, asked: Transfer) -> Result<Transaction, Error> {
        self.balance(scope, None, asked.balance).await?;
        let now = self.now();
        let network = format!("internal|{}|{}|{}", asked.balance.0, asked.kind, asked.external_id);
        let command = Command {
            scope,
            message: self.new_message_id(),
            transaction: self.new_transaction_id(),
            names: Names {
                scope: format!("balances/{}/transactions", asked.balance.0),
                key: asked.key,
                network: Some(network),
            },
            fingerprint: asked.fingerprint.to_vec(),
            request_id: asked.request_id,
            now,
            event: Event::Transfer {
                order: Box::new(Order {
                    balance: Some(asked.balance),
                    card: None,
                    processor: None,
                    network_id: asked.external_id,
                    network_date: now,
                    reference_id: asked.reference_id,
                    reference_date: None,
                    kind: asked.kind,
                    category: Category::Credit,
                    amount: asked.amount,
                    currency: asked.currency,
                    original_amount: None,
                    original_currency: None,
                    conversion_rate: None,
                    text: asked.text,
                    data: None,
                    mcc: None,
                    retrieval_reference: None,
                }),
            },
        };
        let message = match self.engines.submit(command, Instant::now() + WAIT).await? {
            Outcome::Decided(message) => message,
            Outcome::KeyReused => return Err(Error::KeyReused),
            Outcome::Nothing => return Err(Error::broken("a transfer came to nothing")),
        };
        match message.processing {
            Processing::Success => {}
            Processing::Declined | Processing::Invalid => {
                return Err(Refusal::of_description(message.description).into());
            }
        }
        let mut tx = self.db.read().await?;
        let found = transactions::find(&mut tx, scope, message.transaction).await;
        tx.end(found).await?.ok_or(Error::broken("a message has no transaction"))
    }
}
