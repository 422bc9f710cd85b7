//! Messages of a card network: authorize, inform, reverse, clear. What can be found out before the
//! queue is found out here (step 1 of the engine's protocol).

mod authorize;
mod clear;
mod inform;
mod lookup;
mod otp;
mod reverse;
mod secrets;
mod stop;

pub use crate::ledger::command::Told;
pub use authorize::Authorize;
pub use clear::Clear;
pub use inform::Inform;
pub use lookup::LookUps;
pub use otp::DeliverOtp;
pub use reverse::Reverse;
pub use secrets::{Check, Checked, SentCodes, SentPin};
pub use stop::{Stop, Stopped};
/// What was decided about a message.
pub use store::ledger::Message;
use store::ledger::Name;

use crate::ledger::command::{Command, Event, Names, Outcome, network_name};
use crate::{App, Error, Refusal};
use domain::Timestamp;
use domain::balance::Payers;
use domain::ids::{BalanceId, CardId, PartnerId, ProcessorId};
use domain::ledger::matching::Reference;
use domain::money::Currency;
use domain::program::Port;
use domain::scope::Scope;
use domain::secret::Pan;
use domain::transaction::{Category, Order, Place, TransactionType};
use std::time::{Duration, Instant};
use store::cards::Route;
use store::db::Tx;
use store::{StoreError, cards};

/// What every message of a network carries.
#[derive(Debug)]
pub struct Envelope {
    /// The processor whose certificate it came with.
    pub processor: ProcessorId,
    /// How the card is named.
    pub card: CardName,
    /// The caller's key.
    pub key: String,
    /// The keyed digest of the request.
    pub fingerprint: [u8; 32],
    /// Told in logs.
    pub request_id: String,
    /// When it came in: its time budget runs from here.
    pub received: Instant,
}

/// How a message names a card.
#[derive(Debug)]
pub enum CardName {
    /// By its number.
    Pan(Pan),
    /// By our id.
    Id(CardId),
}

/// What a message says, whatever its kind.
#[derive(Clone, Debug)]
pub struct Details {
    /// In minor units of `currency`.
    pub amount: i64,
    /// The billing currency.
    pub currency: Currency,
    /// The network's id.
    pub network_id: String,
    /// The network's time.
    pub network_date: Timestamp,
    /// The network id of what it refers to.
    pub reference_id: Option<String>,
    /// The network time of what it refers to.
    pub reference_date: Option<Timestamp>,
    /// The merchant's amount.
    pub original_amount: Option<i64>,
    /// The merchant's currency.
    pub original_currency: Option<Currency>,
    /// The network's rate.
    pub conversion_rate: Option<String>,
    /// The merchant's line.
    pub text: String,
    /// `transactionData`: a JSON object as text.
    pub data: Option<String>,
    /// Its merchant category code.
    pub mcc: Option<String>,
    /// Its retrieval reference number.
    pub retrieval_reference: Option<String>,
    /// Where and how it is paid.
    pub place: Place,
}

/// A card that a message means, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) scope: Scope,
    pub(crate) card: Option<CardId>,
    pub(crate) balance: Option<BalanceId>,
    /// Who answers for it.
    pub(crate) payers: Payers,
    /// Who makes it, and so has the keys of its codes.
    pub(crate) port: Port,
}

/// The longest time budget of a processor (spec "Calls to the partner").
const BUDGET_MAX_MS: i64 = 5_000;

impl App {
    /// Finds the card that a message means: its number leads to the partner by BIN, its id is
    /// looked for among the partners that the processor serves. A card of another processor's
    /// program isn't there for this one. What isn't found makes this node look for new settings. It
    /// takes no longer than the message's time budget.
    pub(crate) async fn find_card(&self, envelope: &Envelope) -> Result<Found, Error> {
        let found = tokio::time::timeout_at(self.deadline(envelope).into(), self.find(envelope));
        found.await.unwrap_or_else(|_| Err(Error::overloaded()))
    }

    async fn find(&self, envelope: &Envelope) -> Result<Found, Error> {
        let mut found = self.look_for(envelope).await?;
        if !self.is_served(found.as_ref(), envelope.processor) {
            let known = self.settings.get().version;
            self.refresh_settings().await?;
            if self.settings.get().version != known {
                found = self.look_for(envelope).await?;
            }
        }
        let scope = platform(PartnerId::PLATFORM);
        let (payers, port) = (Payers::default(), Port::Builtin);
        let nowhere = Found { scope, card: None, balance: None, payers, port };
        let served = self.is_served(found.as_ref(), envelope.processor);
        let Some((scope, route)) = found else { return Ok(nowhere) };
        let Some(route) = route else { return Ok(Found { scope, ..nowhere }) };
        if served {
            // The engine checks that the balance is theirs.
            let (balance, payers) = (Some(route.balance), route.payers);
            let is_foreign = self.settings.get().is_foreign(scope.partner(), &route.config_id);
            let port = if is_foreign { Port::None } else { Port::Builtin };
            return Ok(Found { scope, card: Some(route.card), balance, payers, port });
        }
        tracing::error!(
            processor = envelope.processor.0,
            card = route.card.0,
            request_id = envelope.request_id,
            "a processor names a card of another's program"
        );
        Ok(Found { scope, ..nowhere })
    }

    /// Whether it is a card of a program that the processor serves.
    fn is_served(&self, found: Option<&(Scope, Option<Route>)>, processor: ProcessorId) -> bool {
        let settings = self.settings.get();
        let program = found
            .and_then(|(scope, card)| settings.program(scope.partner(), &card.as_ref()?.config_id));
        program.is_some_and(|program| program.processor == processor)
    }

    async fn look_for(&self, envelope: &Envelope) -> Result<Option<(Scope, Option<Route>)>, Error> {
        match &envelope.card {
            CardName::Pan(pan) => self.find_by_pan(pan).await,
            CardName::Id(id) => self.find_by_id(envelope.processor, *id).await,
        }
    }

    /// The partner whose BIN it is, and its card of this number.
    async fn find_by_pan(&self, pan: &Pan) -> Result<Option<(Scope, Option<Route>)>, Error> {
        let Some(partner) = self.settings.get().partner_of_pan(pan) else { return Ok(None) };
        let scope = platform(partner);
        let index = self.pan_index(partner, pan).await?;
        Ok(Some((scope, self.route((partner, index)).await?)))
    }

    async fn find_by_id(
        &self,
        processor: ProcessorId,
        id: CardId,
    ) -> Result<Option<(Scope, Option<Route>)>, Error> {
        let partners = self.settings.get().partners_of_processor(processor);
        let mut tx = self.db.read().await?;
        let found = find_among(&mut tx, &partners, id).await;
        Ok(tx.end(found).await?)
    }

    /// When the processor's time budget for a message ends.
    fn deadline(&self, envelope: &Envelope) -> Instant {
        let settings = self.settings.get();
        let processor = settings.processor(envelope.processor);
        let budget = processor.map_or(2_000, |processor| processor.time_budget_ms);
        let budget = u64::try_from(budget.clamp(100, BUDGET_MAX_MS)).unwrap_or(2_000);
        envelope.received + Duration::from_millis(budget)
    }

    /// Sends a message through the engine, within the processor's time budget.
    pub(crate) async fn submit_message(
        &self,
        envelope: Envelope,
        found: Found,
        sequence: Option<i64>,
        event: Event,
    ) -> Result<Message, Error> {
        let (command, deadline) = self.command(envelope, found, sequence, event);
        decided(self.submit_command(command, deadline).await?)
    }

    /// A message as the engine takes it, and until when it has to be answered.
    fn command(
        &self,
        envelope: Envelope,
        found: Found,
        sequence: Option<i64>,
        event: Event,
    ) -> (Command, Instant) {
        let deadline = self.deadline(&envelope);
        let command = Command {
            scope: found.scope,
            payers: found.payers,
            message: self.new_message_id(),
            transaction: self.new_transaction_id(),
            names: Names {
                scope: key_scope(envelope.processor, event.kind()),
                key: Some(envelope.key),
                name: name(envelope.processor, &event, sequence),
            },
            fingerprint: envelope.fingerprint.to_vec(),
            request_id: envelope.request_id,
            now: self.now(),
            event,
        };
        (command, deadline)
    }

    pub(crate) async fn submit_command(
        &self,
        command: Command,
        deadline: Instant,
    ) -> Result<Outcome, Error> {
        let command = self.read_ahead(command, deadline).await?;
        self.engines.submit(command, deadline).await
    }
}

/// What was decided about a message.
fn decided(outcome: Outcome) -> Result<Message, Error> {
    match outcome {
        Outcome::Decided(message) => Ok(*message),
        Outcome::KeyReused => Err(Error::KeyReused),
        Outcome::InProgress => Err(Refusal::RequestInProgress.into()),
        Outcome::Outdated | Outcome::Nothing | Outcome::Ask(_) => {
            Err(Error::broken("a message came to nothing"))
        }
    }
}

/// What a processor's key is unique in. An advice may come under its authorization's: it is never
/// refused for that.
fn key_scope(processor: ProcessorId, kind: &str) -> String {
    format!("processor/{}/{kind}", processor.0)
}

fn platform(partner: PartnerId) -> Scope {
    Scope::platform(partner, "the card leads to the partner")
}

async fn find_among(
    tx: &mut Tx,
    partners: &[PartnerId],
    id: CardId,
) -> Result<Option<(Scope, Option<Route>)>, StoreError> {
    for &partner in partners {
        if let Some(card) = cards::find(tx, platform(partner), id).await? {
            return Ok(Some((platform(partner), Some(card.into()))));
        }
    }
    Ok(None)
}

/// The network's own name for a message, for ever; where the same id can mean two things, which.
/// Without a card there is none.
fn name(processor: ProcessorId, event: &Event, sequence: Option<i64>) -> Option<Name> {
    let (order, card) = (event.order()?, event.card()?);
    let own = Reference {
        processor,
        id: order.network_id.clone(),
        date: Some(order.network_date),
        amount: None,
        retrieval_reference: None,
    };
    let name = network_name(&own, event.kind(), card)?;
    let sequence = sequence.map(|number| format!("|{number}")).unwrap_or_default();
    let meaning = match event {
        Event::Inform { told: Told::DeclineAdvice, .. } => "|declined",
        Event::Inform { told: Told::Adjustment, .. } | Event::Clear { .. }
            if order.category == Category::Credit =>
        {
            "|credit"
        }
        Event::Authorize { .. }
        | Event::Inform { .. }
        | Event::Reverse { .. }
        | Event::Clear { .. }
        | Event::Transfer { .. }
        | Event::Expire { .. }
        | Event::DeclineLate { .. }
        | Event::Unanswered { .. } => "",
    };
    Some(Name { of: Some((card, own.id)), key: name + &sequence + meaning })
}

/// What a message says, as the order of a transaction.
pub(crate) fn order(
    processor: ProcessorId,
    found: Found,
    details: Details,
    kind: TransactionType,
    category: Category,
) -> Order {
    Order {
        balance: found.balance,
        card: found.card,
        processor: Some(processor),
        network_id: details.network_id,
        network_date: details.network_date,
        reference_id: details.reference_id,
        reference_date: details.reference_date,
        kind,
        category,
        amount: details.amount,
        currency: details.currency,
        original_amount: details.original_amount,
        original_currency: details.original_currency,
        conversion_rate: details.conversion_rate,
        text: details.text,
        data: details.data,
        mcc: details.mcc,
        retrieval_reference: details.retrieval_reference,
        place: details.place,
    }
}
