//! What a request carries beside its body and query: who, which key, what path.

use super::refused;
use crate::Api;
use crate::identity::Caller;
use crate::problem::Problem;
use crate::wire::digits;
use app::audit::Origin;
use app::balances::Right;
use app::owners::OwnerName;
use app::{Once, Refusal};
use domain::Date;
use domain::admin::Role;
use domain::ids::{
    AdminId, BalanceId, CardId, HitId, InstallationId, OperationId, OrderId, ProcessorId,
    TransactionId, UserId, VerificationId,
};
use domain::scope::Scope;
use serde_json::Value;
use std::time::Instant;
use uuid::Uuid;

/// What a request carries beside its body and query.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(super) caller: Caller,
    pub(super) params: Vec<(String, String)>,
    pub(super) endpoint: String,
    pub(super) key: Option<String>,
    pub(super) origin: Origin,
    /// The name of the request.
    pub(crate) request_id: String,
    /// When it came in.
    pub(crate) received: Instant,
    /// The day of the business clock.
    pub(crate) today: Date,
    /// The keyed digest of all of it.
    pub(crate) fingerprint: [u8; 32],
}

/// A card by its id, and by its holder where one is named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NamedCard {
    holder: Option<UserId>,
    card: CardId,
}

impl NamedCard {
    /// The card with its holder: the one that was named, or whoever has it.
    pub(crate) async fn held(self, api: &Api, scope: Scope) -> Result<(UserId, CardId), Problem> {
        let holder = match self.holder {
            Some(holder) => holder,
            None => api.app.holder_of(scope, self.card).await?,
        };
        Ok((holder, self.card))
    }
}

impl Head {
    /// The partner whose data the caller may touch.
    pub(crate) fn scope(&self) -> Result<Scope, Problem> {
        match self.caller {
            Caller::Partner(scope) | Caller::Operator(scope, _) => Ok(scope),
            Caller::User(session) => Ok(session.scope),
            Caller::Admin(Some(scope), _) => Ok(scope),
            Caller::Admin(None, _) | Caller::Processor(_) | Caller::App | Caller::Visitor => {
                Err(Problem::internal())
            }
        }
    }

    /// Whether the caller is a system of the operator's own.
    pub(crate) fn is_operators(&self) -> bool {
        matches!(self.caller, Caller::Operator(..))
    }

    /// What the key is unique in, beside the partner, where a person of a panel account calls.
    pub(crate) fn endpoint_of_person(&self) -> Option<&str> {
        matches!(self.caller, Caller::Admin(..)).then_some(self.endpoint.as_str())
    }

    /// Who calls.
    pub(crate) fn caller(&self) -> Caller {
        self.caller
    }

    /// What the panel account that calls may do.
    pub(crate) fn role(&self) -> Result<Role, Problem> {
        let Caller::Admin(_, session) = self.caller else { return Err(Problem::internal()) };
        Ok(session.role)
    }

    /// Whether the caller may move money by this right.
    pub(crate) fn may(&self, right: Right) -> bool {
        match self.caller {
            Caller::Partner(_) => right == Right::Partner,
            Caller::Operator(_, operator) => operator.may(right),
            Caller::Admin(_, session) => session.role == Role::Operator && right != Right::Partner,
            Caller::Processor(_) | Caller::User(_) | Caller::App | Caller::Visitor => false,
        }
    }

    /// The processor that calls.
    pub(crate) fn processor(&self) -> Result<ProcessorId, Problem> {
        let Caller::Processor(processor) = self.caller else { return Err(Problem::internal()) };
        Ok(processor)
    }

    /// What makes the command be done once.
    pub(crate) fn once<T>(&self, render: fn(&T) -> Value) -> Once<T> {
        Once {
            endpoint: self.endpoint.clone(),
            key: self.key.clone(),
            fingerprint: self.fingerprint,
            origin: self.origin.clone(),
            render,
        }
    }

    /// Where the command comes from.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The idempotency key, if it was sent.
    pub(crate) fn key(&self) -> Option<String> {
        self.key.clone()
    }

    fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The user that the path names, or who calls.
    pub(crate) fn user(&self) -> Result<UserId, Problem> {
        self.user_if_named()?.ok_or_else(|| refused(Refusal::CustomerNotFound))
    }

    /// The user that the path names, where it may name none; on their own channel who calls.
    pub(crate) fn user_if_named(&self) -> Result<Option<UserId>, Problem> {
        if let Caller::User(session) = &self.caller {
            return Ok(Some(session.user));
        }
        match self.param("customerId") {
            None => Ok(None),
            Some(text) => digits(text)
                .map(|id| Some(UserId(id)))
                .ok_or_else(|| refused(Refusal::CustomerNotFound)),
        }
    }

    /// The corporation that the path names.
    pub(crate) fn corporation(&self) -> Result<Uuid, Problem> {
        let id = self.param("dcCorporationId").and_then(|text| Uuid::try_parse(text).ok());
        id.ok_or_else(|| refused(Refusal::CorporationNotFound))
    }

    /// The user or the corporation that the path names.
    pub(crate) fn owner(&self) -> Result<OwnerName, Problem> {
        match self.param("dcCorporationId") {
            Some(_) => self.corporation().map(OwnerName::Corporation),
            None => self.user().map(OwnerName::User),
        }
    }

    /// The balance that the path names.
    pub(crate) fn balance(&self) -> Result<BalanceId, Problem> {
        let id = self.param("balanceId").and_then(|text| Uuid::try_parse(text).ok());
        id.map(BalanceId).ok_or_else(|| refused(Refusal::BalanceNotFound))
    }

    /// The card that the path names.
    pub(crate) fn card(&self) -> Result<CardId, Problem> {
        let id = self.param("cardId").and_then(digits);
        id.map(CardId).ok_or_else(|| refused(Refusal::CardNotFound))
    }

    /// The card that the path names, and its holder where the path or the session names one.
    pub(crate) fn named_card(&self) -> Result<NamedCard, Problem> {
        Ok(NamedCard { holder: self.user_if_named()?, card: self.card()? })
    }

    /// The reason that the path names.
    pub(crate) fn reason(&self) -> String {
        self.param("reason").unwrap_or_default().to_owned()
    }

    /// The key of the import that the path names.
    pub(crate) fn import(&self) -> &str {
        self.param("importKey").unwrap_or_default()
    }

    /// The operation that the path names.
    pub(crate) fn operation(&self) -> Result<OperationId, Problem> {
        let id = self.param("operationId").and_then(|text| Uuid::try_parse(text).ok());
        id.map(OperationId).ok_or_else(|| refused(Refusal::OperationNotFound))
    }

    /// The KYC form that the path names.
    pub(crate) fn verification(&self) -> Result<VerificationId, Problem> {
        let id = self.param("verificationId").and_then(|text| Uuid::try_parse(text).ok());
        id.map(VerificationId).ok_or_else(|| refused(Refusal::VerificationNotFound))
    }

    /// The document that the path names.
    pub(crate) fn document(&self) -> Result<Uuid, Problem> {
        let id = self.param("documentId").and_then(|text| Uuid::try_parse(text).ok());
        id.ok_or_else(|| refused(Refusal::DocumentNotFound))
    }

    /// The hit that the path names.
    pub(crate) fn hit(&self) -> Result<HitId, Problem> {
        let id = self.param("hitId").and_then(|text| Uuid::try_parse(text).ok());
        id.map(HitId).ok_or_else(|| refused(Refusal::HitNotFound))
    }

    /// The notification that the path names.
    pub(crate) fn notification(&self) -> Result<Uuid, Problem> {
        let id = self.param("notificationId").and_then(|text| Uuid::try_parse(text).ok());
        id.ok_or_else(|| refused(Refusal::NotificationNotFound))
    }

    /// The call to the partner that the path names.
    pub(crate) fn partner_call(&self) -> Result<Uuid, Problem> {
        let id = self.param("callId").and_then(|text| Uuid::try_parse(text).ok());
        id.ok_or_else(|| refused(Refusal::PartnerCallNotFound))
    }

    /// The export that the path names.
    pub(crate) fn export(&self) -> Result<Uuid, Problem> {
        let id = self.param("exportId").and_then(|text| Uuid::try_parse(text).ok());
        id.ok_or_else(|| refused(Refusal::ExportNotFound))
    }

    /// The code of the partner that the path names.
    pub(crate) fn issuer_code(&self) -> String {
        self.param("issuerCode").unwrap_or_default().to_owned()
    }

    /// The configId of the program that the path names.
    pub(crate) fn config_id(&self) -> String {
        self.param("configId").unwrap_or_default().to_owned()
    }

    /// The fingerprint of the certificate that the path names.
    pub(crate) fn fingerprint_named(&self) -> String {
        self.param("fingerprint").unwrap_or_default().to_owned()
    }

    /// The panel account that the path names.
    pub(crate) fn account(&self) -> Result<AdminId, Problem> {
        let id = self.param("accountId").and_then(|text| Uuid::try_parse(text).ok());
        id.map(AdminId).ok_or_else(|| refused(Refusal::AdminNotFound))
    }

    /// Which picture the path names.
    pub(crate) fn picture(&self) -> &str {
        self.param("picture").unwrap_or_default()
    }

    /// The installation that the path names.
    pub(crate) fn installation(&self) -> Result<InstallationId, Problem> {
        let id = self.param("installationId").and_then(|text| Uuid::try_parse(text).ok());
        id.map(InstallationId).ok_or_else(|| refused(Refusal::DeviceNotFound))
    }

    /// The order of plastic that the path names.
    pub(crate) fn order(&self) -> Result<OrderId, Problem> {
        let id = self.param("orderId").and_then(|text| Uuid::try_parse(text).ok());
        id.map(OrderId).ok_or_else(|| refused(Refusal::OrderNotFound))
    }

    /// The record of the history that the path names.
    pub(crate) fn record(&self) -> Result<i64, Problem> {
        let number = self.param("recordId").and_then(digits);
        number.ok_or_else(|| refused(Refusal::TransactionNotFound))
    }

    /// The transaction that the path names.
    pub(crate) fn transaction(&self) -> Result<TransactionId, Problem> {
        let id = self.param("transactionId").and_then(|text| Uuid::try_parse(text).ok());
        id.map(TransactionId).ok_or_else(|| refused(Refusal::TransactionNotFound))
    }
}
