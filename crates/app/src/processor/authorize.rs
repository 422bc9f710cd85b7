//! A merchant asks: for money, for more of it, to give some, or what there is.

use super::secrets::Sent;
use super::{Check, Checked, Details, Envelope, Found, SentCodes, SentPin, decided, order};
use crate::ids::authorization_code;
use crate::ledger::command::{Command, Event, Outcome, Stage};
use crate::{App, Error, Refusal};
use domain::authorization::{Ask, Chip, Expiry, PartialApproval, Request};
use domain::ids::ProcessorId;
use domain::ledger::matching::Reference;
use domain::partner::BalanceMode;
use domain::program::PreAuthorization;
use domain::transaction::{Category, TransactionType};
use std::time::Instant;
use store::balances;
use store::ledger::Message;

/// What a merchant asks.
#[derive(Debug)]
pub struct Authorize {
    /// From whom, for which card.
    pub envelope: Envelope,
    /// What it says.
    pub details: Details,
    /// What it asks.
    pub ask: Ask,
    /// `pos`, `atm`, `cashback_at_pos`, `aft` or `balance_inquiry`.
    pub kind: TransactionType,
    /// What it raises, if it asks for more.
    pub reference: Option<Reference>,
    /// The codes of the card that were typed or read.
    pub codes: SentCodes,
    /// The PIN that the cardholder typed, in its block.
    pub pin: Option<SentPin>,
    /// What the processor has checked itself.
    pub checked: Checked,
    /// The month that the merchant read from the card.
    pub expiry: Option<Expiry>,
    /// Whether the amount is an estimate.
    pub pre_authorization: PreAuthorization,
    /// Whether less than the amount would do.
    pub partial_approval: PartialApproval,
}

impl App {
    /// Decides what a merchant asks.
    pub async fn authorize(&self, command: Authorize) -> Result<Message, Error> {
        let processor = command.envelope.processor;
        let found = self.find_card(&command.envelope).await?;
        let deadline = self.deadline(&command.envelope);
        let there_is = self.told_by_partner(&command, found, deadline).await?;
        let secrets = Sent { codes: command.codes, pin: command.pin, checked: command.checked };
        let compared = self.compare(found, processor, &secrets).await?;
        let way = if command.ask == Ask::Credit { Category::Credit } else { Category::Debit };
        let request = Request {
            order: order(processor, found, command.details, command.kind, way),
            processor,
            ask: command.ask,
            expiry: command.expiry,
            cvv: compared.cvv,
            read_code: compared.read_code,
            pin: compared.pin,
            chip: match command.checked.chip {
                Some(Check::NoMatch) => Chip::Counterfeit,
                Some(Check::Match) | None => Chip::NotDoubted,
            },
            pre_authorization: command.pre_authorization,
            partial_approval: command.partial_approval,
            there_is,
        };
        let event = Event::Authorize {
            request: Box::new(request),
            reference: command.reference,
            code: authorization_code(),
            compared_again: false,
            stage: Stage::New { ask_until: self.ask_until(found.scope, deadline) },
        };
        let (asked, deadline) = self.command(command.envelope, found, None, event);
        self.submit_authorization(asked, deadline, (found, processor, &secrets)).await
    }

    /// What the partner says that there is to spend, where that is asked and the partner holds it;
    /// none if it doesn't say so in time. What comes of the message is decided after that.
    async fn told_by_partner(
        &self,
        Authorize { ask, envelope, .. }: &Authorize,
        Found { scope, balance, .. }: Found,
        deadline: Instant,
    ) -> Result<Option<i64>, Error> {
        let settings = self.settings.get();
        let partner = settings.partner(scope.partner());
        let is_external =
            partner.is_some_and(|it| it.settings.balance_mode == BalanceMode::External);
        let Some(id) = balance.filter(|_| is_external && *ask == Ask::Inquiry) else {
            return Ok(None);
        };
        let mut tx = self.db.read().await?;
        let found = balances::find(&mut tx, scope, id).await;
        let found = tx.end(found).await?;
        let Some(balance) = found.filter(|it| it.is_external() && it.state.is_there()) else {
            return Ok(None);
        };
        let until = Instant::now() + self.time_to_ask(scope, deadline);
        let read = self.amount_at_partner(scope, &balance, until, &envelope.request_id).await;
        match read {
            Ok(amount) => Ok(Some(amount)),
            Err(Error::Refused(Refusal::PartnerUnavailable)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends an authorization through the engine; where the partner is to be asked, in two halves.
    async fn submit_authorization(
        &self,
        mut asked: Command,
        deadline: Instant,
        (found, processor, secrets): (Found, ProcessorId, &Sent),
    ) -> Result<Message, Error> {
        let mut outcome = self.submit_command(asked.clone(), deadline).await?;
        if matches!(outcome, Outcome::Outdated) && !secrets.are_none() {
            let again = self.compare(found, processor, secrets).await?;
            if let Event::Authorize { request, compared_again, .. } = &mut asked.event {
                (request.cvv, request.read_code) = (again.cvv, again.read_code);
                (request.pin, *compared_again) = (again.pin, true);
            }
            outcome = self.submit_command(asked.clone(), deadline).await?;
        }
        decided(self.ask_as_decided(asked, outcome, deadline).await?)
    }
}
