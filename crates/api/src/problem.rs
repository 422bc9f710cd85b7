//! What went wrong, as `application/problem+json`, and which HTTP status it has. The constructors
//! here are the only ones, so nobody invents a status at an endpoint.

use crate::answer::json;
use crate::limits::refused;
use crate::measures;
use app::error::Chain;
use app::{Error, Refusal};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use utoipa::ToSchema;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Violation {
    /// Where: the field's path, or a header's or parameter's name.
    pub(crate) field: String,
    /// What it must be; never what it was.
    pub(crate) message: &'static str,
}

/// An answer that isn't a success.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: &'static str,
    violations: Vec<Violation>,
    /// Seconds, for `Retry-After`.
    retry_after: Option<u64>,
}

/// A problem on the wire.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub(crate) struct ProblemJson {
    /// Always `about:blank`: the title names the problem.
    r#type: &'static str,
    /// The stable code.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// For people; it never repeats what was sent.
    detail: &'static str,
    /// The request's name in our logs.
    request_id: String,
    /// All that is wrong with the request, where it can't be accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    violations: Vec<Violation>,
}

/// The title of an answer that isn't a success, for those who look at answers from outside.
#[derive(Clone, Copy)]
pub(crate) struct Told(pub(crate) &'static str);

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: &'static str) -> Self {
        debug_assert!(
            crate::titles::all().any(|known| (known.status, known.title) == (status, title)),
            "{status} {title} isn't in titles.rs"
        );
        Self { status, title, detail, violations: Vec::new(), retry_after: None }
    }

    /// 400: it can't be read.
    pub(crate) fn unreadable(detail: &'static str) -> Self {
        Self::bad_request("INVALID_REQUEST", detail)
    }

    /// 400, by another title.
    pub(crate) fn bad_request(title: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, title, detail)
    }

    /// 401: nobody we know.
    pub(crate) fn unauthorized(title: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, title, detail)
    }

    /// 403: somebody we know, who may not.
    pub(crate) fn forbidden(title: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, title, detail)
    }

    /// 404: it isn't there, or isn't the caller's.
    pub(crate) fn not_found(title: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, title, detail)
    }

    /// 405.
    pub(crate) fn method_not_allowed() -> Self {
        let detail = "This route doesn't take this method.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail)
    }

    /// 413.
    pub(crate) fn too_large() -> Self {
        let detail = "The body is larger than this route takes.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", detail)
    }

    /// 413 for one line of a body.
    pub(crate) fn line_too_large() -> Self {
        Self { detail: "The line is longer than 64 KiB.", ..Self::too_large() }
    }

    /// 415.
    pub(crate) fn media_type(detail: &'static str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", detail)
    }

    /// What is wrong with a request's fields, in one line.
    pub(crate) fn violations_text(&self) -> String {
        let tell = |it: &Violation| format!("{} {}", it.field, it.message);
        self.violations.iter().map(tell).collect::<Vec<_>>().join("; ")
    }

    /// 422: all that is wrong with it, at once.
    pub(crate) fn invalid(violations: Vec<Violation>) -> Self {
        let detail = "The request has fields that can't be accepted.";
        Self {
            violations,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_ERROR", detail)
        }
    }

    /// 422 for one field.
    pub(crate) fn invalid_field(field: &str, message: &'static str) -> Self {
        Self::invalid(vec![Violation { field: field.to_owned(), message }])
    }

    /// 408: the body didn't come.
    pub(crate) fn too_slow() -> Self {
        let detail = "The request didn't arrive in time.";
        Self::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", detail)
    }

    /// 429: more than the caller may; the same request may be sent again after that time.
    pub(crate) fn too_many(wait: Duration) -> Self {
        let detail = "There are more of these requests than are taken; send it again later.";
        Self {
            retry_after: Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", detail)
        }
    }

    /// 503: the same request may be sent again.
    pub(crate) fn unavailable() -> Self {
        let detail = "It can't be done now; send the same request with the same key again.";
        Self {
            retry_after: Some(1),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", detail)
        }
    }

    /// 500: a bug. What it is stands in the log under the request's id.
    pub(crate) fn internal() -> Self {
        let detail = "The request was not completed.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", detail)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => {
                Self::new(status(refusal), refusal.title(), refusal.sentence())
            }
            Error::KeyReused => Self::new(
                StatusCode::CONFLICT,
                "IDEMPOTENCY_KEY_REUSED",
                "The key was used with other content; use a new one.",
            ),
            Error::Unavailable(what, _) => {
                refused(what.strip_prefix("the ").unwrap_or(what));
                tracing::warn!(error = %Chain(&error), "unavailable");
                Self::unavailable()
            }
            Error::Internal(..) => {
                tracing::error!(error = %Chain(&error), "internal error");
                Self::internal()
            }
        }
    }
}

/// The status of each refusal.
#[expect(clippy::too_many_lines, reason = "a table with a line for each refusal")]
pub(crate) fn status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::CustomerNotFound
        | Refusal::CorporationNotFound
        | Refusal::BalanceNotFound
        | Refusal::CardNotFound
        | Refusal::TransactionNotFound
        | Refusal::OrderNotFound
        | Refusal::OperationNotFound
        | Refusal::DeviceNotFound
        | Refusal::ListNotFound
        | Refusal::HitNotFound
        | Refusal::NotificationNotFound
        | Refusal::PartnerCallNotFound
        | Refusal::VerificationNotFound
        | Refusal::DocumentNotFound
        | Refusal::ImportNotFound
        | Refusal::PartnerNotFound
        | Refusal::ExportNotFound
        | Refusal::AdminNotFound
        | Refusal::CertificateNotFound
        | Refusal::ProgramUnknown => StatusCode::NOT_FOUND,
        Refusal::UserAlreadyExists
        | Refusal::RequestInProgress
        | Refusal::ExportNotReady
        | Refusal::TooManyExports
        | Refusal::NotificationsPaused
        | Refusal::NotificationsNotSetUp
        | Refusal::CustomerLocked
        | Refusal::CorporationAlreadyExists
        | Refusal::BinRangeExhausted
        | Refusal::CardMadeElsewhere
        | Refusal::CardAlreadyExists
        | Refusal::CardAlreadyLocked
        | Refusal::VerificationAlreadyDecided
        | Refusal::HistoryRecordAlreadyExists
        | Refusal::KybNotInProgress
        | Refusal::KybIncomplete
        | Refusal::CorporationAccepted
        | Refusal::CorporationChanged
        | Refusal::HitChanged
        | Refusal::LimitsChanged
        | Refusal::CardLockIrreversible
        | Refusal::CardExpired
        | Refusal::CardLockNotOwn
        | Refusal::CardLocked
        | Refusal::CardNotActive
        | Refusal::PlasticAlreadyOrdered
        | Refusal::CardRenewalTooEarly
        | Refusal::PinKeyAlreadyExists
        | Refusal::BalanceNotEmpty
        | Refusal::BalanceHasCards
        | Refusal::PartnerAlreadyExists
        | Refusal::AdminAlreadyExists
        | Refusal::AdminChanged
        | Refusal::AdminIsYourself
        | Refusal::LastOperator
        | Refusal::ProgramAlreadyExists
        | Refusal::BinTaken
        | Refusal::ProcessorAlreadyExists
        | Refusal::CommonNameTaken
        | Refusal::SecretRotatedRecently
        | Refusal::CertificateAmbiguous => StatusCode::CONFLICT,
        Refusal::KycNotPermitted
        | Refusal::KybNotPermitted
        | Refusal::ExportNotYours
        | Refusal::ScopeRefused
        | Refusal::SecretsToRenew
        | Refusal::ConfirmationRequired
        | Refusal::ConfirmationRefused => StatusCode::FORBIDDEN,
        Refusal::PartnerUnavailable => StatusCode::BAD_GATEWAY,
        Refusal::ProgramNotFound
        | Refusal::UserNotFound
        | Refusal::PartnerRefused
        | Refusal::KycNotVerified
        | Refusal::KybNotAccepted
        | Refusal::KybInvalid
        | Refusal::DocumentLimitReached
        | Refusal::CommentInvalid
        | Refusal::CurrencyNotSupported
        | Refusal::CurrencyMismatch
        | Refusal::ProgramMismatch
        | Refusal::LimitExceed
        | Refusal::TransactionNotPermitted
        | Refusal::LimitAboveProgram
        | Refusal::CustomerMismatch
        | Refusal::CardLimitReached
        | Refusal::InvalidLockReason
        | Refusal::InvalidAmount
        | Refusal::UnknownTransactionType
        | Refusal::InsufficientFunds
        | Refusal::InsufficientFundsOnCollateralBalance
        | Refusal::CollateralBalanceNotFound
        | Refusal::BalanceLocked
        | Refusal::AmlException
        | Refusal::TransactionRefused
        | Refusal::PartnerTimeout
        | Refusal::StatementTooLong
        | Refusal::TooManyBalances
        | Refusal::FileTooLarge
        | Refusal::PartnerCodeInvalid
        | Refusal::PartnerSettingsInvalid
        | Refusal::ModeNotSupported
        | Refusal::ClockLimitReached
        | Refusal::TimeZoneUnknown
        | Refusal::ProgramInvalid
        | Refusal::ProcessorInvalid
        | Refusal::GiftProgramInvalid
        | Refusal::AdminInvalid
        | Refusal::PasswordInvalid
        | Refusal::PasswordGuessable
        | Refusal::AuthenticatorCodeWrong
        | Refusal::ProcessorNotFound
        | Refusal::PinKeyNotFound
        | Refusal::PinKeyInvalid
        | Refusal::WeakPin
        | Refusal::PlasticNotSupported
        | Refusal::NameNotEmbossable
        | Refusal::DeliveryRequired
        | Refusal::BureauNotFound
        | Refusal::BureauInvalid
        | Refusal::BureauFolderInvalid
        | Refusal::ActivationDataWrong
        | Refusal::LimitLoosened
        | Refusal::CsrRefused
        | Refusal::DaysOutOfRange
        | Refusal::OperatorNameInvalid
        | Refusal::CommonNameInvalid
        | Refusal::CertificateNotRequested
        | Refusal::CertificateUnreadable
        | Refusal::CertificateKeyMismatch
        | Refusal::CertificateNotInForce
        | Refusal::CertificateNotForClients
        | Refusal::TrustedCaRefused
        | Refusal::BaseUrlInvalid => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl Problem {
    /// What is told of it; it counts as told.
    fn told(self) -> ProblemJson {
        measures::problem(self.title);
        ProblemJson {
            r#type: "about:blank",
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail,
            request_id: crate::layers::request_id(),
            violations: self.violations,
        }
    }

    /// Its title.
    pub(crate) fn title(&self) -> &'static str {
        self.title
    }

    /// Those of what is wrong with a request's fields that pass a test; nothing where none does.
    pub(crate) fn only(self, test: impl Fn(&Violation) -> bool) -> Option<Self> {
        let violations: Vec<Violation> = self.violations.into_iter().filter(test).collect();
        (!violations.is_empty()).then_some(Self { violations, ..self })
    }

    /// As a part of an answer that is a success as a whole.
    pub(crate) fn into_json(self) -> Value {
        json(&self.told())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, title, retry_after) = (self.status, self.title, self.retry_after);
        let mut response = (status, Json(self.told())).into_response();
        response.extensions_mut().insert(Told(title));
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_with_a_key_is_404_409_or_422() {
        let kept = [StatusCode::NOT_FOUND, StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY];
        for &refusal in Refusal::ALL {
            // What is being done will be; a partner that can't be told anything now can be later.
            let passing = [
                Refusal::AdminChanged,
                Refusal::RequestInProgress,
                Refusal::TooManyExports,
                Refusal::NotificationsPaused,
                Refusal::NotificationsNotSetUp,
            ];
            let is_kept = kept.contains(&status(refusal)) && !passing.contains(&refusal);
            assert_eq!(refusal.is_kept(), is_kept, "{refusal:?}");
        }
    }
}
