//! Every route × every wrong certificate and every object of somebody else: each gets its own
//! answer. A route that isn't here fails `xtask tidy`; a method that isn't, a test below.

mod callers;

pub(crate) use callers::signed;

use crate::story::{KEY, Story, answer, expect, register, registration};
use crate::support::{Caller, Database, Phone, Sandbox};
use callers::{Callers, Strangers, alert};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What needs no certificate in a sandbox, and what a stranger finds there. Elsewhere some of it
/// does: `crates/api/tests/it/documents.rs`.
const DOCUMENTS: &[(&str, &str, u16)] = &[
    ("/docs", "", 200),
    ("/docs/{file}", "docs.js", 200),
    ("/docs/{file}", "docs.html", 404),
    ("/openapi/{document}", "secure.json", 200),
    ("/openapi/{document}", "processor.json", 200),
    ("/openapi/{document}", "panel.json", 404),
];

/// Whose a route is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// Everybody's: no certificate is asked for, none is refused.
    Public,
    /// A partner's, which names itself in `Issuer-Code` too.
    Lifecycle,
    /// A partner's.
    Secure,
    /// A partner's that may make balances of its own.
    Creation,
    /// The operator's, which names the partner that it acts for in `Issuer-Code`.
    Operator,
    /// A processor's.
    Processor,
    /// A user's, by the token of a session.
    Customers,
    /// Panel accounts', of every role, by the token of a session.
    Admin,
    /// Those of ADMIN and MANAGER alone.
    Makers,
    /// Those of ADMIN and OPERATOR alone.
    Deciders,
    /// Those of ADMIN and OPERATOR alone, who name no partner.
    Managers,
    /// The operator's own accounts.
    Operators,
    /// The same, who name no partner.
    Platform,
}

/// The names in path and body that are somebody's, each with what is told of one that isn't the
/// caller's; the first of them where none is.
pub(crate) type Names = &'static [(&'static str, &'static str)];

const NOBODYS: Names = &[];
const USER: Names = &[("{customerId}", "CUSTOMER_NOT_FOUND")];
const IMPORT: Names = &[("{importKey}", "IMPORT_NOT_FOUND")];
const CORPORATION: Names = &[("{dcCorporationId}", "CORPORATION_NOT_FOUND")];
const ACCOUNT: Names = &[("{accountId}", "ADMIN_NOT_FOUND")];
const PARTNER: Names = &[("{issuerCode}", "PARTNER_NOT_FOUND")];
const PROGRAM: Names =
    &[("{issuerCode}", "PARTNER_NOT_FOUND"), ("{configId}", "PARTNER_NOT_FOUND")];
const CERTIFICATE: Names = &[("{fingerprint}", "CERTIFICATE_NOT_FOUND")];
const HIT: Names = &[("{hitId}", "HIT_NOT_FOUND")];
const CALL: Names = &[("{callId}", "PARTNER_CALL_NOT_FOUND")];
const NOTIFICATION: Names = &[("{notificationId}", "NOTIFICATION_NOT_FOUND")];
const PAPER: Names =
    &[("{dcCorporationId}", "CORPORATION_NOT_FOUND"), ("{documentId}", "DOCUMENT_NOT_FOUND")];
const BALANCE: Names = &[("{balanceId}", "BALANCE_NOT_FOUND")];
const BALANCE_OF_USER: Names =
    &[("{balanceId}", "BALANCE_NOT_FOUND"), ("{customerId}", "BALANCE_NOT_FOUND")];
const TRANSACTION: Names = &[("{transactionId}", "TRANSACTION_NOT_FOUND")];
const RECORD: Names = &[("{recordId}", "TRANSACTION_NOT_FOUND")];
const EXPORT: Names = &[("{exportId}", "EXPORT_NOT_FOUND")];
const CARD: Names = &[("{cardId}", "CARD_NOT_FOUND")];
const ORDER: Names = &[("{orderId}", "ORDER_NOT_FOUND")];
const ORDER_OF_USER: Names =
    &[("{orderId}", "ORDER_NOT_FOUND"), ("{customerId}", "ORDER_NOT_FOUND")];
const FORM: Names = &[("{verificationId}", "VERIFICATION_NOT_FOUND")];
const DEVICE: Names = &[("{installationId}", "DEVICE_NOT_FOUND")];
const DEVICE_OF_USER: Names =
    &[("{installationId}", "DEVICE_NOT_FOUND"), ("{customerId}", "DEVICE_NOT_FOUND")];
const OPERATION: Names = &[("{operationId}", "OPERATION_NOT_FOUND")];
const OWN_CARD: Names = &[("{balanceId}", "BALANCE_NOT_FOUND")];
const CARD_OF_USER: Names = &[("{cardId}", "CARD_NOT_FOUND"), ("{customerId}", "CARD_NOT_FOUND")];
const OPERATION_OF_USER: Names =
    &[("{operationId}", "OPERATION_NOT_FOUND"), ("{customerId}", "OPERATION_NOT_FOUND")];
const HISTORY: Names = &[
    ("{balanceId}", "BALANCE_NOT_FOUND"),
    ("{cardId}", "CARD_NOT_FOUND"),
    ("{customerId}", "CUSTOMER_NOT_FOUND"),
];
const OWN_HISTORY: Names = &[("{balanceId}", "BALANCE_NOT_FOUND"), ("{cardId}", "CARD_NOT_FOUND")];
const OF_NEW_RECORD: Names = &[
    ("{customerId}", "CUSTOMER_NOT_FOUND"),
    ("{cardId}", "CARD_NOT_FOUND"),
    ("{balanceId}", "BALANCE_NOT_FOUND"),
];
const NEW_CARD: Names =
    &[("{customerId}", "CUSTOMER_NOT_FOUND"), ("{balanceId}", "BALANCE_NOT_FOUND")];

/// What is sent, where a request needs a body to get as far as its object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sends {
    Nothing,
    /// JSON, with names as in a path.
    Json(&'static str),
    /// Nothing but a query, with names as in a path.
    Query(&'static str),
    /// A KYC form.
    Form,
    /// A corporation's documents.
    Papers,
    /// JSON, encrypted for the sandbox's key.
    Sealed(&'static str),
}

use Channel::{
    Admin, Creation, Customers, Deciders, Lifecycle, Makers, Managers, Operator, Operators,
    Platform, Processor, Public, Secure,
};
use Sends::{Form, Json, Nothing, Papers, Query, Sealed};

const VIRTUAL_CARD: Sends =
    Json(r#"{"balanceId": "{balanceId}", "configId": "0019167984", "dcUserId": {customerId}}"#);
const CARD_OF_ONES_OWN: Sends = Json(r#"{"balanceId": "{balanceId}", "configId": "0019167984"}"#);
/// Whose the balance is decides what comes of it later, not the answer.
const LATER_CARD: Sends =
    Json(r#"{"balanceId": "00000000-0000-4000-8000-000000000000", "configId": "0019167984"}"#);
const PLASTIC: Sends = Json(
    r#"{"balanceId": "{balanceId}", "configId": "0019167985", "dcUserId": {customerId},
        "deliveryAddress": {"street": "Main Street", "number": "1", "city": "Warsaw",
        "postCode": "00-001", "country": "PL"}, "delivery": "POST"}"#,
);
const PLASTIC_WITH_PIN: Sends = Sealed(
    r#"{"balanceId": "{balanceId}", "configId": "0019167985", "dcUserId": {customerId},
        "deliveryAddress": {"street": "Main Street", "number": "1", "city": "Warsaw",
        "postCode": "00-001", "country": "PL"}, "delivery": "POST", "pin": "8264"}"#,
);
const PLASTIC_OF_ONES_OWN: Sends = Json(
    r#"{"balanceId": "{balanceId}", "configId": "0019167985",
        "deliveryAddress": {"street": "Main Street", "number": "1", "city": "Warsaw",
        "postCode": "00-001", "country": "PL"}, "delivery": "POST"}"#,
);
const PLASTIC_OF_ONES_OWN_WITH_PIN: Sends = Sealed(
    r#"{"balanceId": "{balanceId}", "configId": "0019167985",
        "deliveryAddress": {"street": "Main Street", "number": "1", "city": "Warsaw",
        "postCode": "00-001", "country": "PL"}, "delivery": "POST", "pin": "8264"}"#,
);
const ADDRESS: Sends = Json(
    r#"{"street": "Main Street", "number": "1", "city": "Warsaw", "postCode": "00-001",
        "country": "PL"}"#,
);
const PRINT: Sends = Json(
    r#"{"deliveryAddress": {"street": "Main Street", "number": "1", "city": "Warsaw",
        "postCode": "00-001", "country": "PL"}, "delivery": "POST"}"#,
);
const ACTIVATION: Sends = Json(r#"{"lastFourDigits": "0000", "expiry": "2029-11"}"#);
const TRANSFER: Sends = Json(
    r#"{"type": "topUp", "amount": 5, "currency": "EUR", "description": "Top-up",
        "externalTransactionId": "denied"}"#,
);
const FILTERS: Sends =
    Query("balanceId={balanceId}&cardId={cardId}&customerId={customerId}&status=CLEARED");
const RECORD_FILTERS: Sends = Query("balanceId={balanceId}&userId={customerId}&cardId={cardId}");
const NEW_RECORD: Sends = Json(
    r#"{"clientTransactionId": "1", "type": "PURCHASE", "status": "CLEARED", "amountMinor": 1,
        "currency": "EUR", "timestamp": "2026-11-21T10:00:00Z", "userId": {customerId},
        "cardId": {cardId}, "balanceId": "{balanceId}"}"#,
);
const OWN_FILTERS: Sends = Query("balanceId={balanceId}&cardId={cardId}&status=CLEARED");
const PERIOD: Sends = Query("from=2026-01-01&to=2026-12-31");
const QUARTER: Sends = Query("from=2026-01-01&to=2026-03-31");
const LOAD: Sends = Json(
    r#"{"type": "companyCredit", "amount": 5, "currency": "EUR", "description": "Load",
        "externalTransactionId": "denied"}"#,
);
const AUTHORIZATION: Sends = Json(
    r#"{"card": {"cardId": {cardId}}, "kind": "authorization", "type": "pos", "amount": 5,
        "currency": "EUR", "transactionId": "denied", "description": "Book store",
        "transactionDate": "2026-11-21T10:00:00+00:00"}"#,
);
const FOLLOW_UP: Sends = Json(
    r#"{"card": {"cardId": {cardId}}, "amount": 5, "currency": "EUR", "description": "Book store",
        "transactionId": "denied", "transactionDate": "2026-11-21T10:00:00+00:00",
        "referenceTransactionId": "held",
        "referenceTransactionDate": "2026-11-21T10:00:00+00:00"}"#,
);

const TAX_ID: Sends = Json(r#"{"taxId": "PL1"}"#);
const CLEARED: Sends = Json(r#"{"state": "CLEARED", "comment": "Born elsewhere."}"#);
const KYB: Sends = Json(r#"{"kyb": "ON_HOLD", "reference": "KYB-2026-117", "version": 0}"#);
const REJECTION: Sends = Json(r#"{"reason": "INVALID_SELFIE"}"#);

const STOP: Sends = Json(r#"{"card": {"cardId": {cardId}}, "reason": 7}"#);

const SINCE: Sends = Json(r#"{"since": "2026-11-21T06:00:00+00:00"}"#);
const EXAMPLE: Sends = Json(r#"{"event": "cardLocked"}"#);

const OTP: Sends = Json(
    r#"{"card": {"cardId": 999999}, "amount": 5, "currency": "EUR", "merchantName": "Book store",
        "otp": "1111", "validUntil": "2026-11-21T10:00:00+00:00"}"#,
);

const LOST: Sends = Json(r#"{"reason": "CARD_LOST"}"#);
const FRAUD: Sends = Json(r#"{"reason": "FRAUD_SUSPECTED"}"#);
const LIMITS: Sends = Json(
    r#"{"limits": [{"type": "atm", "timeUnit": "daily", "currency": "EUR", "amountMinor": 5}]}"#,
);

/// Method, path, whose it is, the names in it, what is sent.
pub(crate) type Route = (&'static str, &'static str, Channel, Names, Sends);

pub(crate) const ROUTES: &[Route] = &[
    ("GET", "/nowhere", Public, NOBODYS, Nothing),
    ("POST", "/lifecycle/v1/wallet", Lifecycle, NOBODYS, Nothing),
    ("POST", "/lifecycle/v1/import", Lifecycle, NOBODYS, Nothing),
    ("GET", "/lifecycle/v1/import/{importKey}", Lifecycle, IMPORT, Nothing),
    ("GET", "/lifecycle/v1/users", Lifecycle, NOBODYS, Nothing),
    ("GET", "/lifecycle/v1/users/{customerId}", Lifecycle, USER, Nothing),
    ("PUT", "/lifecycle/v1/users/{customerId}", Lifecycle, USER, Json(r#"{"lastName": "Roe"}"#)),
    ("DELETE", "/lifecycle/v1/users/{customerId}", Lifecycle, USER, Nothing),
    ("POST", "/lifecycle/v1/users/{customerId}/lock", Lifecycle, USER, Nothing),
    ("POST", "/lifecycle/v1/users/{customerId}/unlock", Lifecycle, USER, Nothing),
    ("PUT", "/lifecycle/v1/users/{customerId}/address", Lifecycle, USER, ADDRESS),
    ("POST", "/lifecycle/v1/users/{customerId}/pairing", Lifecycle, USER, Nothing),
    ("GET", "/lifecycle/v1/users/{customerId}/devices", Lifecycle, USER, Nothing),
    (
        "DELETE",
        "/lifecycle/v1/users/{customerId}/devices/{installationId}",
        Lifecycle,
        DEVICE_OF_USER,
        Nothing,
    ),
    ("GET", "/lifecycle/v1/users/{customerId}/cards", Lifecycle, USER, Nothing),
    ("DELETE", "/lifecycle/v1/users/{customerId}/cards/{cardId}", Lifecycle, CARD_OF_USER, Nothing),
    ("POST", "/lifecycle/v1/corporations", Lifecycle, NOBODYS, Nothing),
    ("GET", "/lifecycle/v1/corporations/{dcCorporationId}", Lifecycle, CORPORATION, Nothing),
    ("PUT", "/lifecycle/v1/corporations/{dcCorporationId}", Lifecycle, CORPORATION, TAX_ID),
    ("GET", "/lifecycle/v1/public-key", Lifecycle, NOBODYS, Nothing),
    ("POST", "/secure/customers/{customerId}/verification", Secure, USER, Form),
    ("POST", "/secure/customers/{customerId}/register", Secure, USER, Form),
    ("GET", "/secure/customers/{customerId}/verifications", Secure, USER, Nothing),
    ("GET", "/secure/public-key", Secure, NOBODYS, Nothing),
    ("GET", "/secure/customers/{customerId}/balances", Secure, USER, Nothing),
    (
        "POST",
        "/secure/customers/{customerId}/balances",
        Secure,
        USER,
        Json(r#"{"currency": "EUR"}"#),
    ),
    (
        "GET",
        "/secure/customers/{customerId}/balances/{balanceId}",
        Secure,
        BALANCE_OF_USER,
        Nothing,
    ),
    (
        "DELETE",
        "/secure/customers/{customerId}/balances/{balanceId}",
        Secure,
        BALANCE_OF_USER,
        Nothing,
    ),
    (
        "POST",
        "/secure/balances",
        Secure,
        USER,
        Json(r#"{"currency": "EUR", "dcUserId": {customerId}}"#),
    ),
    ("GET", "/secure/balances/{balanceId}", Secure, BALANCE, Nothing),
    ("DELETE", "/secure/balances/{balanceId}", Secure, BALANCE, Nothing),
    ("POST", "/secure/balances/{balanceId}/lock", Secure, BALANCE, Nothing),
    ("POST", "/secure/balances/{balanceId}/unlock", Secure, BALANCE, Nothing),
    ("GET", "/secure/balances/{balanceId}/transactions", Secure, BALANCE, Nothing),
    ("POST", "/secure/balances/{balanceId}/transactions", Secure, BALANCE, TRANSFER),
    ("GET", "/secure/balances/{balanceId}/statement", Secure, BALANCE, PERIOD),
    ("GET", "/secure/partner-balances", Secure, NOBODYS, Nothing),
    (
        "POST",
        "/secure/partner-balances",
        Creation,
        NOBODYS,
        Json(r#"{"kind": "CREDIT", "currency": "EUR"}"#),
    ),
    ("GET", "/secure/partner-balances/{balanceId}", Secure, BALANCE, Nothing),
    ("POST", "/secure/partner-balances/{balanceId}/transactions", Operator, BALANCE, LOAD),
    ("GET", "/secure/transactions", Secure, HISTORY, FILTERS),
    ("GET", "/secure/transactions/{transactionId}", Secure, TRANSACTION, Nothing),
    ("GET", "/thc/transactions", Secure, HISTORY, RECORD_FILTERS),
    ("POST", "/thc/transactions", Secure, OF_NEW_RECORD, NEW_RECORD),
    ("GET", "/thc/transactions/{recordId}", Secure, RECORD, Nothing),
    ("PUT", "/thc/transactions/{recordId}", Secure, RECORD, Json("{}")),
    ("POST", "/secure/cards/virtual", Secure, NEW_CARD, VIRTUAL_CARD),
    ("POST", "/secure/customers/{customerId}/cards/virtual", Secure, NEW_CARD, VIRTUAL_CARD),
    ("POST", "/secure/customers/{customerId}/cards/virtual/async", Secure, USER, LATER_CARD),
    (
        "GET",
        "/secure/customers/{customerId}/cards/operations/{operationId}",
        Secure,
        OPERATION_OF_USER,
        Nothing,
    ),
    ("POST", "/secure/cards/physical", Secure, NEW_CARD, PLASTIC),
    ("POST", "/secure/cards/physical_with_pin", Secure, NEW_CARD, PLASTIC_WITH_PIN),
    ("POST", "/secure/customers/{customerId}/cards/physical", Secure, NEW_CARD, PLASTIC),
    (
        "POST",
        "/secure/customers/{customerId}/cards/physical_with_pin",
        Secure,
        NEW_CARD,
        PLASTIC_WITH_PIN,
    ),
    (
        "GET",
        "/secure/customers/{customerId}/cards/orders/{orderId}",
        Secure,
        ORDER_OF_USER,
        Nothing,
    ),
    (
        "POST",
        "/secure/customers/{customerId}/cards/{cardId}/activate",
        Secure,
        CARD_OF_USER,
        ACTIVATION,
    ),
    ("POST", "/secure/customers/{customerId}/cards/{cardId}/print", Secure, CARD_OF_USER, PRINT),
    ("GET", "/secure/customers/{customerId}/cards", Secure, USER, Nothing),
    ("GET", "/secure/customers/{customerId}/cards/{cardId}", Secure, CARD_OF_USER, Nothing),
    (
        "POST",
        "/secure/customers/{customerId}/cards/{cardId}/lock",
        Secure,
        CARD_OF_USER,
        Json(r#"{"reason": 7}"#),
    ),
    ("POST", "/secure/customers/{customerId}/cards/{cardId}/unlock", Secure, CARD_OF_USER, Nothing),
    ("POST", "/secure/customers/{customerId}/cards/{cardId}/renew", Secure, CARD_OF_USER, Nothing),
    ("POST", "/secure/customers/{customerId}/cards/{cardId}/replace", Secure, CARD_OF_USER, LOST),
    ("GET", "/secure/customers/{customerId}/cards/{cardId}/limits", Secure, CARD_OF_USER, Nothing),
    ("PUT", "/secure/customers/{customerId}/cards/{cardId}/limits", Secure, CARD_OF_USER, LIMITS),
    ("GET", "/secure/customers/{customerId}/limits", Secure, USER, Nothing),
    ("PUT", "/secure/customers/{customerId}/limits", Secure, USER, LIMITS),
    ("GET", "/secure/customers/{customerId}/transactional-locks", Secure, USER, Nothing),
    (
        "POST",
        "/secure/customers/{customerId}/transactional-locks",
        Secure,
        USER,
        Json(r#"{"reason": "FRAUD_SUSPECTED"}"#),
    ),
    (
        "DELETE",
        "/secure/customers/{customerId}/transactional-locks/{reason}",
        Secure,
        USER,
        Nothing,
    ),
    ("POST", "/secure/corporations/{dcCorporationId}/documents", Secure, CORPORATION, Papers),
    ("GET", "/secure/corporations/{dcCorporationId}/limits", Secure, CORPORATION, Nothing),
    ("PUT", "/secure/corporations/{dcCorporationId}/limits", Secure, CORPORATION, LIMITS),
    (
        "GET",
        "/secure/corporations/{dcCorporationId}/transactional-locks",
        Secure,
        CORPORATION,
        Nothing,
    ),
    (
        "POST",
        "/secure/corporations/{dcCorporationId}/transactional-locks",
        Secure,
        CORPORATION,
        Json(r#"{"reason": "FRAUD_SUSPECTED"}"#),
    ),
    (
        "DELETE",
        "/secure/corporations/{dcCorporationId}/transactional-locks/{reason}",
        Secure,
        CORPORATION,
        Nothing,
    ),
    ("GET", "/secure/notifications", Secure, NOBODYS, Nothing),
    ("POST", "/secure/notifications/resend", Secure, NOBODYS, SINCE),
    ("POST", "/secure/notifications/resume", Secure, NOBODYS, Nothing),
    ("POST", "/secure/notifications/example", Secure, NOBODYS, EXAMPLE),
    ("GET", "/secure/notifications/{notificationId}", Secure, NOTIFICATION, Nothing),
    ("POST", "/secure/notifications/{notificationId}/resend", Secure, NOTIFICATION, Nothing),
    ("GET", "/secure/partner-calls", Secure, NOBODYS, Nothing),
    ("POST", "/secure/partner-calls/resend", Secure, NOBODYS, SINCE),
    ("GET", "/secure/partner-calls/{callId}", Secure, CALL, Nothing),
    ("POST", "/secure/partner-calls/{callId}/resend", Secure, CALL, Nothing),
    ("DELETE", "/lifecycle/v1/corporations/{dcCorporationId}", Lifecycle, CORPORATION, Nothing),
    ("POST", "/customers/devices", Public, NOBODYS, Nothing),
    ("POST", "/customers/sessions/challenge", Public, NOBODYS, Nothing),
    ("POST", "/customers/sessions", Public, NOBODYS, Nothing),
    ("POST", "/customers/sessions/trusted-identity", Public, NOBODYS, Nothing),
    ("GET", "/customers/public-key", Public, NOBODYS, Nothing),
    ("GET", "/customers/me", Customers, NOBODYS, Nothing),
    ("POST", "/customers/me/step-up", Customers, NOBODYS, Nothing),
    ("GET", "/customers/me/devices", Customers, NOBODYS, Nothing),
    ("DELETE", "/customers/me/devices/{installationId}", Customers, DEVICE, Nothing),
    ("POST", "/customers/me/register", Customers, NOBODYS, Form),
    ("GET", "/customers/me/verifications", Customers, NOBODYS, Nothing),
    ("GET", "/customers/me/limits", Customers, NOBODYS, Nothing),
    ("PUT", "/customers/me/limits", Customers, NOBODYS, LIMITS),
    ("GET", "/customers/me/balances", Customers, NOBODYS, Nothing),
    ("GET", "/customers/me/balances/{balanceId}", Customers, BALANCE, Nothing),
    ("GET", "/customers/me/balances/{balanceId}/transactions", Customers, BALANCE, Nothing),
    ("GET", "/customers/me/balances/{balanceId}/statement", Customers, BALANCE, PERIOD),
    ("GET", "/customers/me/transactions", Customers, OWN_HISTORY, OWN_FILTERS),
    ("GET", "/customers/me/transaction-history", Customers, OWN_HISTORY, OWN_FILTERS),
    ("GET", "/customers/me/transactions/{transactionId}", Customers, TRANSACTION, Nothing),
    ("GET", "/customers/me/cards", Customers, NOBODYS, Nothing),
    ("POST", "/customers/me/cards/virtual", Customers, OWN_CARD, CARD_OF_ONES_OWN),
    ("POST", "/customers/me/cards/virtual/async", Customers, NOBODYS, LATER_CARD),
    ("GET", "/customers/me/cards/operations/{operationId}", Customers, OPERATION, Nothing),
    ("POST", "/customers/me/cards/physical", Customers, OWN_CARD, PLASTIC_OF_ONES_OWN),
    (
        "POST",
        "/customers/me/cards/physical_with_pin",
        Customers,
        OWN_CARD,
        PLASTIC_OF_ONES_OWN_WITH_PIN,
    ),
    ("GET", "/customers/me/cards/orders/{orderId}", Customers, ORDER, Nothing),
    ("POST", "/customers/me/cards/{cardId}/activate", Customers, CARD, ACTIVATION),
    ("POST", "/customers/me/cards/{cardId}/print", Customers, CARD, PRINT),
    ("GET", "/customers/me/cards/{cardId}", Customers, CARD, Nothing),
    ("DELETE", "/customers/me/cards/{cardId}", Customers, CARD, Nothing),
    ("POST", "/customers/me/cards/{cardId}/lock", Customers, CARD, Json(r#"{"reason": 7}"#)),
    ("POST", "/customers/me/cards/{cardId}/unlock", Customers, CARD, Nothing),
    ("GET", "/customers/me/cards/{cardId}/limits", Customers, CARD, Nothing),
    ("PUT", "/customers/me/cards/{cardId}/limits", Customers, CARD, LIMITS),
    ("POST", "/customers/me/cards/{cardId}/cvv", Customers, CARD, Nothing),
    ("POST", "/customers/me/cards/{cardId}/pin", Customers, CARD, Sealed(r#"{"pin": "8264"}"#)),
    // The last of them: the session is over then.
    ("DELETE", "/customers/sessions/current", Customers, NOBODYS, Nothing),
    ("POST", "/admin/sessions", Public, NOBODYS, Nothing),
    ("GET", "/admin/public-key", Admin, NOBODYS, Nothing),
    ("GET", "/admin/customers/{customerId}/cards", Admin, USER, Nothing),
    ("POST", "/admin/customers/{customerId}/cards/virtual", Makers, NEW_CARD, VIRTUAL_CARD),
    ("POST", "/admin/customers/{customerId}/cards/physical", Admin, NEW_CARD, PLASTIC),
    ("GET", "/admin/customers/{customerId}/cards/orders", Admin, USER, Nothing),
    ("GET", "/admin/customers/{customerId}/cards/orders/{orderId}", Admin, ORDER_OF_USER, Nothing),
    ("POST", "/admin/cards/{cardId}/lock", Admin, CARD, Json(r#"{"reason": 7}"#)),
    ("POST", "/admin/cards/{cardId}/unlock", Admin, CARD, Nothing),
    ("POST", "/admin/cards/{cardId}/activate", Admin, CARD, ACTIVATION),
    ("POST", "/admin/cards/{cardId}/print", Admin, CARD, PRINT),
    ("POST", "/admin/cards/{cardId}/cvv", Admin, CARD, Nothing),
    ("GET", "/admin/cards/{cardId}/limits", Admin, CARD, Nothing),
    ("PUT", "/admin/cards/{cardId}/limits", Makers, CARD, LIMITS),
    ("POST", "/admin/cards/{cardId}/renew", Makers, CARD, Nothing),
    ("POST", "/admin/cards/{cardId}/replace", Makers, CARD, LOST),
    ("GET", "/admin/cards/{cardId}", Admin, CARD, Nothing),
    ("DELETE", "/admin/cards/{cardId}", Admin, CARD, Nothing),
    ("GET", "/admin/notifications", Admin, NOBODYS, Nothing),
    ("POST", "/admin/notifications/resume", Admin, NOBODYS, Nothing),
    ("GET", "/admin/notifications/{notificationId}", Admin, NOTIFICATION, Nothing),
    ("POST", "/admin/notifications/{notificationId}/resend", Admin, NOTIFICATION, Nothing),
    ("GET", "/admin/customers/{customerId}/verifications", Deciders, USER, Nothing),
    ("GET", "/admin/verifications", Deciders, NOBODYS, Nothing),
    ("GET", "/admin/verifications/{verificationId}", Deciders, FORM, Nothing),
    ("GET", "/admin/verifications/{verificationId}/export", Deciders, FORM, Nothing),
    ("GET", "/admin/verifications/{verificationId}/pictures/{picture}", Deciders, FORM, Nothing),
    ("POST", "/admin/verifications/{verificationId}/accept", Deciders, FORM, Nothing),
    ("POST", "/admin/verifications/{verificationId}/reject", Deciders, FORM, REJECTION),
    ("GET", "/admin/screening/hits", Deciders, NOBODYS, Nothing),
    ("GET", "/admin/audit", Deciders, NOBODYS, Nothing),
    ("POST", "/admin/screening/hits/{hitId}/decision", Operators, HIT, CLEARED),
    ("GET", "/admin/corporations", Deciders, NOBODYS, Nothing),
    ("GET", "/admin/corporations/{dcCorporationId}", Deciders, CORPORATION, Nothing),
    (
        "GET",
        "/admin/corporations/{dcCorporationId}/documents/{documentId}",
        Deciders,
        PAPER,
        Nothing,
    ),
    ("POST", "/admin/corporations/{dcCorporationId}/kyb", Deciders, CORPORATION, KYB),
    ("GET", "/admin/customers", Admin, NOBODYS, Nothing),
    ("GET", "/admin/reports/inactive-users", Admin, NOBODYS, Nothing),
    ("GET", "/admin/exports", Admin, NOBODYS, Nothing),
    ("POST", "/admin/exports", Admin, NOBODYS, Json(r#"{"status": "?"}"#)),
    ("GET", "/admin/exports/{exportId}", Admin, EXPORT, Nothing),
    ("GET", "/admin/exports/{exportId}/file", Admin, EXPORT, Nothing),
    ("DELETE", "/admin/exports/{exportId}", Admin, EXPORT, Nothing),
    ("GET", "/admin/reports/card-use", Admin, NOBODYS, QUARTER),
    ("GET", "/admin/customers/{customerId}", Admin, USER, Nothing),
    ("POST", "/admin/customers/{customerId}/lock", Admin, USER, Nothing),
    ("POST", "/admin/customers/{customerId}/unlock", Admin, USER, Nothing),
    ("GET", "/admin/customers/{customerId}/limits", Admin, USER, Nothing),
    ("PUT", "/admin/customers/{customerId}/limits", Makers, USER, LIMITS),
    ("GET", "/admin/customers/{customerId}/transactional-locks", Admin, USER, Nothing),
    ("POST", "/admin/customers/{customerId}/transactional-locks", Deciders, USER, FRAUD),
    (
        "DELETE",
        "/admin/customers/{customerId}/transactional-locks/{reason}",
        Deciders,
        USER,
        Nothing,
    ),
    ("GET", "/admin/customers/{customerId}/devices", Admin, USER, Nothing),
    (
        "DELETE",
        "/admin/customers/{customerId}/devices/{installationId}",
        Admin,
        DEVICE_OF_USER,
        Nothing,
    ),
    ("GET", "/admin/customers/{customerId}/balances", Admin, USER, Nothing),
    (
        "POST",
        "/admin/customers/{customerId}/balances",
        Makers,
        USER,
        Json(r#"{"currency": "EUR"}"#),
    ),
    ("GET", "/admin/customers/{customerId}/cards/{cardId}/limits", Admin, CARD_OF_USER, Nothing),
    ("PUT", "/admin/customers/{customerId}/cards/{cardId}/limits", Makers, CARD_OF_USER, LIMITS),
    ("GET", "/admin/balances", Admin, NOBODYS, Nothing),
    ("GET", "/admin/balances/summary", Admin, NOBODYS, Nothing),
    ("GET", "/admin/balances/{balanceId}", Admin, BALANCE, Nothing),
    ("POST", "/admin/balances/{balanceId}/lock", Admin, BALANCE, Nothing),
    ("POST", "/admin/balances/{balanceId}/unlock", Admin, BALANCE, Nothing),
    ("GET", "/admin/balances/{balanceId}/transactions", Admin, BALANCE, Nothing),
    ("GET", "/admin/balances/{balanceId}/statement", Admin, BALANCE, PERIOD),
    ("GET", "/admin/partner-balances", Admin, NOBODYS, Nothing),
    ("POST", "/admin/partner-balances", Operators, NOBODYS, Json(r#"{"kind": "NONE"}"#)),
    ("GET", "/admin/partner-balances/{balanceId}", Admin, BALANCE, Nothing),
    ("POST", "/admin/partner-balances/{balanceId}/transactions", Operators, BALANCE, LOAD),
    ("GET", "/admin/overview", Admin, NOBODYS, Nothing),
    ("GET", "/admin/transactions", Admin, HISTORY, FILTERS),
    ("GET", "/admin/transactions/{transactionId}", Admin, TRANSACTION, Nothing),
    ("GET", "/admin/corporations/{dcCorporationId}/cards", Admin, CORPORATION, Nothing),
    (
        "POST",
        "/admin/corporations/{dcCorporationId}/balances",
        Makers,
        CORPORATION,
        Json(r#"{"currency": "EUR"}"#),
    ),
    ("GET", "/admin/corporations/{dcCorporationId}/limits", Admin, CORPORATION, Nothing),
    ("PUT", "/admin/corporations/{dcCorporationId}/limits", Makers, CORPORATION, LIMITS),
    (
        "GET",
        "/admin/corporations/{dcCorporationId}/transactional-locks",
        Admin,
        CORPORATION,
        Nothing,
    ),
    (
        "POST",
        "/admin/corporations/{dcCorporationId}/transactional-locks",
        Deciders,
        CORPORATION,
        FRAUD,
    ),
    (
        "DELETE",
        "/admin/corporations/{dcCorporationId}/transactional-locks/{reason}",
        Deciders,
        CORPORATION,
        Nothing,
    ),
    ("GET", "/admin/accounts", Managers, NOBODYS, Nothing),
    ("POST", "/admin/accounts", Managers, NOBODYS, Json(r#"{"email": "a", "role": "ADMIN"}"#)),
    ("GET", "/admin/accounts/{accountId}", Managers, ACCOUNT, Nothing),
    ("PUT", "/admin/accounts/{accountId}", Managers, ACCOUNT, Json(r#"{"state": "ACTIVE"}"#)),
    ("POST", "/admin/accounts/{accountId}/reset", Managers, ACCOUNT, Nothing),
    ("POST", "/admin/accounts/{accountId}/sign-out", Managers, ACCOUNT, Nothing),
    ("GET", "/admin/certificates", Platform, NOBODYS, Nothing),
    ("POST", "/admin/certificates", Platform, NOBODYS, Json(r#"{"csr": "?"}"#)),
    ("GET", "/admin/certificates/{fingerprint}", Platform, CERTIFICATE, Nothing),
    ("POST", "/admin/certificates/{fingerprint}/revoke", Platform, CERTIFICATE, Nothing),
    ("GET", "/admin/platform/audit", Platform, NOBODYS, Nothing),
    ("GET", "/admin/partners", Platform, NOBODYS, Nothing),
    ("POST", "/admin/partners", Platform, NOBODYS, Json(r#"{"issuerCode": "?"}"#)),
    ("GET", "/admin/partners/{issuerCode}", Platform, PARTNER, Nothing),
    ("PUT", "/admin/partners/{issuerCode}", Platform, PARTNER, Json(r#"{"name": "Acme"}"#)),
    // Without a body it changes nothing, whoever it is.
    ("POST", "/admin/me/authenticator", Admin, NOBODYS, Nothing),
    ("PUT", "/admin/me/secrets", Admin, NOBODYS, Nothing),
    ("GET", "/admin/programs", Platform, NOBODYS, Nothing),
    ("POST", "/admin/programs", Platform, NOBODYS, Json(r#"{"issuerCode": "?"}"#)),
    ("GET", "/admin/programs/{issuerCode}/{configId}", Platform, PROGRAM, Nothing),
    (
        "PUT",
        "/admin/programs/{issuerCode}/{configId}",
        Platform,
        PROGRAM,
        Json(r#"{"state": "LIVE"}"#),
    ),
    ("GET", "/admin/processors", Platform, NOBODYS, Nothing),
    ("POST", "/admin/processors", Platform, NOBODYS, Json(r#"{"timeBudgetMs": 1}"#)),
    ("GET", "/admin/bureaus", Platform, NOBODYS, Nothing),
    ("DELETE", "/admin/sessions/current", Admin, NOBODYS, Nothing),
    ("GET", "/sandbox/v1/received", Secure, NOBODYS, Nothing),
    ("PUT", "/sandbox/v1/settings", Secure, NOBODYS, Nothing),
    ("POST", "/sandbox/v1/clock", Secure, NOBODYS, Nothing),
    ("POST", "/processor/v1/authorizations", Processor, CARD, AUTHORIZATION),
    ("POST", "/processor/v1/reversals", Processor, CARD, FOLLOW_UP),
    ("POST", "/processor/v1/clearings", Processor, CARD, FOLLOW_UP),
    ("POST", "/processor/v1/cards/stop", Processor, CARD, STOP),
    // Of a card that isn't there it tells no more than that nothing was delivered (`otp.rs`).
    ("POST", "/processor/v1/3ds/otp", Processor, NOBODYS, OTP),
];

/// What each name stands for.
#[derive(Clone, Debug)]
struct Ids {
    story: Story,
    partner_balance: String,
    transaction: String,
    operation: String,
    order: String,
    jwe_key: String,
    corporation: String,
    document: String,
    installation: String,
    verification: String,
    import: String,
    notification: String,
}

impl Ids {
    /// A user with money, a card and a held purchase.
    async fn of(story: Story, partner: &Caller, processor: &Caller) -> Self {
        Self::of_code("sandbox", story, partner, processor).await
    }

    /// The same of the partner of a code.
    async fn of_code(code: &str, story: Story, partner: &Caller, processor: &Caller) -> Self {
        expect(200, story.purchase(processor, 100, "held")).await;
        Self::of_held((code, story), partner).await
    }

    /// The same, of a user who has a held purchase.
    async fn of_held((code, story): (&str, Story), partner: &Caller) -> Self {
        let path = format!("/secure/balances/{}/transactions", story.balance);
        let page = expect(200, partner.get(&path)).await;
        let newest = page["items"][0]["id"].as_str().expect("an id").to_owned();
        let path = format!("/secure/customers/{}/cards/virtual/async", story.customer);
        let body = json!({ "balanceId": story.balance, "configId": "0019167984" });
        let ordered = expect(202, partner.post(&path).json(&body)).await;
        let operation = ordered["operationId"].as_str().expect("an id").to_owned();
        let order = crate::plastic::ordered(partner, &story, "0019167985").await;
        let own = expect(200, partner.get("/secure/partner-balances")).await;
        let partner_balance = own["items"][0]["id"].as_str().expect("an id").to_owned();
        let key = expect(200, partner.get("/secure/public-key")).await;
        let jwe_key = key["publicKey"].as_str().expect("a key").to_owned();
        let corporation = crate::corporations::registered_of(partner, code).await;
        let sent = crate::corporations::documents_of(partner, &corporation, &["statute"]);
        let document = expect(201, sent).await["documents"][0]["documentId"].clone();
        let document = document.as_str().expect("an id").to_owned();
        // No certificate is refused where devices are paired.
        let phone = Phone::paired((partner, code), partner, story.customer).await;
        let path = format!("/secure/customers/{}/verification", story.customer);
        let form = partner.post(&path).multipart(crate::verifications::filled().form());
        let submitted = expect(201, form).await;
        let verification = submitted["verificationId"].as_str().expect("an id").to_owned();
        // A partner that can't be called is told nothing.
        let told = expect(200, partner.get("/secure/notifications")).await;
        let notification = told["items"][0]["notificationId"].as_str().unwrap_or(NOTHING);
        Self {
            story,
            partner_balance,
            transaction: newest,
            operation,
            order,
            jwe_key,
            corporation,
            document,
            installation: phone.installation,
            verification,
            import: crate::import::imported(partner, code).await,
            notification: notification.to_owned(),
        }
    }

    fn value(&self, name: &str) -> String {
        match name {
            "{customerId}" => self.story.customer.to_string(),
            "{balanceId}" => self.story.balance.clone(),
            OWN => self.partner_balance.clone(),
            JWE_KEY => self.jwe_key.clone(),
            "{cardId}" => self.story.card.to_string(),
            "{transactionId}" => self.transaction.clone(),
            // Another partner's number can be one's own too: `thc.rs` looks at what comes of that.
            "{recordId}" => i64::MAX.to_string(),
            "{operationId}" => self.operation.clone(),
            "{orderId}" => self.order.clone(),
            "{installationId}" => self.installation.clone(),
            "{verificationId}" => self.verification.clone(),
            "{importKey}" => self.import.clone(),
            "{dcCorporationId}" => self.corporation.clone(),
            "{documentId}" => self.document.clone(),
            // Partners, programs and certificates are the operator's, each of them.
            "{issuerCode}" | "{configId}" | "{fingerprint}" => NOTHING.to_owned(),
            // What comes of another partner's: `accounts.rs`.
            "{accountId}" => NOTHING.to_owned(),
            // Who is found on a list is locked: hits have tests of their own (`screening.rs`).
            "{hitId}" => NOTHING.to_owned(),
            // Whoever asks for one is told of it: `admin/exports.rs`.
            "{exportId}" => NOTHING.to_owned(),
            "{notificationId}" => self.notification.clone(),
            // A partner that isn't asked has none (`asked.rs` has).
            "{callId}" => NOTHING.to_owned(),
            other => panic!("{other} has no value here: add it"),
        }
    }
}

/// The id of nothing.
const NOTHING: &str = "00000000-0000-4000-8000-000000000000";
/// What stands for the key that requests are encrypted for.
const JWE_KEY: &str = "the sandbox's key";
/// What stands for `{balanceId}` where it is a balance of the partner's own.
const OWN: &str = "{balanceId} of the partner's own";

/// Writes values for all names of a route, by what each is.
fn filled(text: &str, names: Names, value: impl Fn(&str) -> String) -> String {
    // A reason is nobody's, and neither is a picture's name.
    let text = text.replace("{reason}", "FRAUD_SUSPECTED").replace("{picture}", "imageFace");
    names.iter().fold(text, |text, (name, _)| text.replace(name, &value(name)))
}

/// A request for a route, as its own partner makes it.
fn request(
    caller: &Caller,
    route: &Route,
    code: Option<&str>,
    value: impl Fn(&str) -> String,
) -> RequestBuilder {
    let &(method, path, _, names, sends) = route;
    let own = path.contains("/partner-balances/");
    let value = |name: &str| value(if own && name == "{balanceId}" { OWN } else { name });
    let mut path = filled(path, names, value);
    if let Query(text) = sends {
        path = format!("{path}?{}", filled(text, names, value));
    }
    assert!(!path.contains('{'), "{path} has a name that the table doesn't tell");
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut request = caller.request(method, &path);
    if let Some(code) = code {
        request = request.header("Issuer-Code", code);
    }
    match sends {
        Json(body) => {
            let body = filled(body, names, value);
            let body: Value = serde_json::from_str(&body).expect("the table has JSON");
            request.json(&body)
        }
        Sealed(body) => {
            let key = crypto::jwe::PublicKey::parse(&value(JWE_KEY)).expect("the sandbox's key");
            let payload = key.encrypt(None, filled(body, names, value).as_bytes());
            request.header("Encrypted-Request", "true").json(&json!({ "payload": payload }))
        }
        Nothing | Query(_) => request,
        Form => request.multipart(crate::verifications::filled().form()),
        Papers => request.multipart(crate::corporations::papers(&crate::corporations::KINDS)),
    }
}

/// Lets a partner's own account decide KYB.
async fn decided_by_partner(sandbox: &Sandbox, code: &str) {
    let set = ["partner", "set", "--code", code, "--kyb-by", "PARTNER"];
    sandbox.antaca(&set).await.assert_done();
}

/// Whether a channel is that of panel accounts, of some role.
fn is_of_accounts(channel: Channel) -> bool {
    matches!(channel, Admin | Makers | Deciders | Managers | Operators | Platform)
}

/// Status and title.
pub(crate) async fn told(request: RequestBuilder) -> (u16, Value) {
    let (status, body) = answer(request).await;
    (status, body["title"].clone())
}

/// A sandbox that lets strangers ask as often as this table has it.
async fn unhurried(database: Database) -> Sandbox {
    let often = ("ANTACA_LIMITS_ANONYMOUS_REQUESTS_PER_SECOND", "10000");
    Sandbox::start_with(database, &[often]).await
}

/// The documents of a sandbox are everybody's.
#[tokio::test]
async fn documents_need_no_certificate() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    for &(route, name, status) in DOCUMENTS {
        let path = route.replace("{file}", name).replace("{document}", name);
        let answer = sandbox.anonymous().get(&path).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{path}");
    }
}

on_both_databases! {
    /// None, one that isn't in force, one for something else: before anything else is looked at.
    async fn a_wrong_certificate_gets_its_own_answer(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let ids = Ids::of(story, sandbox.partner(), sandbox.processor()).await;
        let callers = Callers::of(&sandbox).await;
        let of_people = |route: &&Route| route.2 == Customers || is_of_accounts(route.2);
        for route in ROUTES.iter().filter(|route| !of_people(route)) {
            let channel = route.2;
            let asked = async |caller: &Caller, code: Option<&str>| {
                told(request(caller, route, code, |name| ids.value(name))).await
            };
            for column in callers.columns(channel) {
                let told = asked(column.caller, Some("sandbox")).await;
                match column.answer {
                    Some((status, title)) => {
                        assert_eq!(told, (status, json!(title)), "{}: {route:?}", column.what);
                    }
                    None => {
                        let refused = told.0 == 401 || told.0 == 403;
                        assert!(!refused, "{}: {route:?}: {told:?}", column.what);
                    }
                }
            }
            if let Some(caller) = callers.named(channel) {
                for code in [None, Some(""), Some("closed"), Some("Sandbox")] {
                    let mismatch = asked(caller, code).await;
                    let wanted = (403, json!("ISSUER_CODE_MISMATCH"));
                    assert_eq!(mismatch, wanted, "{code:?}: {route:?}");
                }
            }
        }
    }

    /// Users' apps: without the token of a session nobody, whatever certificate comes with it.
    async fn without_a_session_nobody_is_a_user(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let phone = sandbox.phone("sandbox", story.customer).await;
        let ids = Ids::of(story, sandbox.partner(), sandbox.processor()).await;
        let unknown = sandbox.partner().with_bearer("unknown");
        for route in ROUTES.iter().filter(|route| route.2 == Customers) {
            for caller in [sandbox.anonymous(), sandbox.partner(), &unknown] {
                let told = told(request(caller, route, None, |name| ids.value(name))).await;
                assert_eq!(told, (401, json!("SESSION_EXPIRED")), "{route:?}");
            }
            let told = told(request(&phone.caller, route, None, |name| ids.value(name))).await;
            assert!(told.0 != 401 && told.0 != 403 && told.0 < 500, "{route:?}: {told:?}");
        }
    }

    /// Another user of the same partner reaches nothing of theirs either, by any name.
    async fn anothers_are_not_ones_own(database) {
        let sandbox = Sandbox::start(database).await;
        let (partner, processor) = (sandbox.partner(), sandbox.processor());
        let theirs = Ids::of(Story::begin(&sandbox, 1_000).await, partner, processor).await;
        let own = Story::begin(&sandbox, 1_000).await;
        expect(200, own.purchase(processor, 100, "held-too")).await;
        let own = Ids::of_held(("sandbox", own), partner).await;
        let phone = sandbox.phone("sandbox", own.story.customer).await;
        made(&sandbox, &theirs).await;
        let before = everything(&sandbox, &theirs).await;
        for route in ROUTES.iter().filter(|route| route.2 == Customers) {
            for (foreign, title) in route.3 {
                let value = |name: &str| {
                    if name == *foreign { theirs.value(name) } else { own.value(name) }
                };
                let asked = request(&phone.caller, route, None, value);
                let asked = asked.header("Encrypt-Response", "true");
                let told = told(asked.header("Public-Key", KEY.public_header())).await;
                assert_eq!(told, (404, json!(title)), "{foreign}: {route:?}");
            }
        }
        assert_eq!(everything(&sandbox, &theirs).await, before);
        expect(200, phone.caller.get("/customers/me")).await;
    }

    /// Administration: without a session nobody, and each account what its role may.
    async fn an_account_does_what_its_role_may(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let phone = sandbox.phone("sandbox", story.customer).await;
        let ids = Ids::of(story, sandbox.partner(), sandbox.processor()).await;
        decided_by_partner(&sandbox, "sandbox").await;
        let unknown = sandbox.partner().with_bearer("unknown");
        let of_accounts = |route: &&Route| is_of_accounts(route.2);
        let routes = || ROUTES.iter().filter(of_accounts);
        let asked = async |caller: &Caller, route: &Route, code: Option<&str>| {
            told(request(caller, route, code, |name| ids.value(name))).await
        };
        for route in routes() {
            let nobody = [sandbox.anonymous(), sandbox.partner(), &unknown, &phone.caller];
            for caller in nobody {
                let told = asked(caller, route, Some("sandbox")).await;
                assert_eq!(told, (401, json!("SESSION_EXPIRED")), "{route:?}");
            }
        }
        let forbidden = (403, json!("FORBIDDEN"));
        let mismatch = (403, json!("ISSUER_CODE_MISMATCH"));
        for role in ["ADMIN", "MANAGER", "EMPLOYEE", "OPERATOR"] {
            let own = role != "OPERATOR";
            let admin = sandbox.admin(role, own.then_some("sandbox")).await;
            let caller = admin.sign_in(&sandbox).await;
            for route in routes() {
                let may = match role {
                    "ADMIN" => route.2 != Operators && route.2 != Platform,
                    "MANAGER" => matches!(route.2, Admin | Makers),
                    "OPERATOR" => route.2 != Makers,
                    _ => route.2 == Admin,
                };
                // All but these are about a partner's.
                let named = !["/admin/public-key", "/admin/sessions/current"].contains(&route.1)
                    && !route.1.starts_with("/admin/me/")
                    && !matches!(route.2, Managers | Platform);
                let codes = [(None, own), (Some("closed"), false), (Some(""), false)];
                for (code, matches) in codes.into_iter().chain([(Some("sandbox"), true)]) {
                    if code != Some("sandbox") && route.1.ends_with("/current") {
                        continue;
                    }
                    let told = asked(&caller, route, code).await;
                    let what = format!("{role} {code:?} {route:?}: {told:?}");
                    match (may, matches || !named) {
                        (false, _) => assert_eq!(told, forbidden, "{what}"),
                        (true, false) => assert_eq!(told, mismatch, "{what}"),
                        (true, true) => {
                            assert!(told.0 != 401 && told.0 != 403 && told.0 < 500, "{what}");
                        }
                    }
                }
            }
        }
    }

    /// What is somebody else's isn't there, by whichever name in path or body, and stays as it is.
    async fn anothers_objects_are_not_there(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let theirs = Ids::of(story, sandbox.partner(), sandbox.processor()).await;
        let other = Strangers::of(&sandbox).await;
        let own = Ids::of_code(&other.code, other.story.clone(), &other.partner, &other.processor)
            .await;
        let callers = Callers::of(&sandbox).await;
        let (code, customer) = (&other.code, other.story.customer);
        decided_by_partner(&sandbox, code).await;
        let phone = sandbox.phone_of(&other.partner, code, customer).await;
        let admin = sandbox.admin("ADMIN", Some(&other.code)).await.sign_in(&sandbox).await;
        let operator = sandbox.admin("OPERATOR", None).await.sign_in(&sandbox).await;
        made(&sandbox, &theirs).await;
        let before = everything(&sandbox, &theirs).await;
        for route in ROUTES {
            let &(method, _, channel, names, _) = route;
            let (caller, status) = match channel {
                Public => continue,
                Creation | Lifecycle | Secure => (&other.partner, 404),
                Operator => (callers.operator(), 404),
                Processor => (&other.processor, 200),
                Customers => (&phone.caller, 404),
                Admin | Makers | Deciders | Managers => (&admin, 404),
                Operators | Platform => (&operator, 404),
            };
            let mut cases: Vec<(Vec<&str>, &str)> =
                names.iter().map(|(name, title)| (vec![*name], *title)).collect();
            if let Some((_, title)) = names.first() {
                cases.push((names.iter().map(|(name, _)| *name).collect(), title));
            }
            for (number, (foreign, title)) in cases.into_iter().enumerate() {
                let value = |name: &str| {
                    let of = if name == OWN { "{balanceId}" } else { name };
                    if foreign.contains(&of) { theirs.value(name) } else { own.value(name) }
                };
                let mut asked = request(caller, route, Some(&other.code), value);
                if channel == Processor {
                    asked = asked.header("X-Idempotency-Key", format!("{method}{number}"));
                } else {
                    asked = asked.header("Encrypt-Response", "true");
                    asked = asked.header("Public-Key", KEY.public_header());
                }
                let (told, body) = answer(asked).await;
                let word = if channel == Processor { "description" } else { "title" };
                assert_eq!((told, &body[word]), (status, &json!(title)), "{foreign:?}: {route:?}");
            }
        }
        let mail = before[0]["email"].as_str().expect("an e-mail");
        let path = format!("/lifecycle/v1/users?email={mail}");
        let found = other.partner.get(&path).header("Issuer-Code", &other.code);
        assert_eq!(expect(200, found).await["items"], json!([]));
        assert_eq!(everything(&sandbox, &theirs).await, before);
    }

    /// A closed partner's certificate is refused at once, and works again when it is live.
    async fn a_closed_partner_is_refused(database) {
        let sandbox = Sandbox::start(database).await;
        let set = |state| ["partner", "set", "--code", "sandbox", "--state", state];
        sandbox.antaca(&set("CLOSED")).await.assert_done();
        let refused = register(sandbox.partner(), &registration());
        let problem = expect(401, refused).await;
        assert_eq!(problem["title"], "CERTIFICATE_REVOKED");
        sandbox.antaca(&set("LIVE")).await.assert_done();
        expect(201, register(sandbox.partner(), &registration())).await;
    }
}

/// Waits until the cards that were ordered are there.
async fn made(sandbox: &Sandbox, ids: &Ids) {
    let cards = format!("/secure/customers/{}/cards", ids.story.customer);
    for (path, status) in [
        (format!("{cards}/operations/{}", ids.operation), "DONE"),
        (format!("{cards}/orders/{}", ids.order), "PERSONALISED"),
    ] {
        testkit::eventually(status, std::time::Duration::from_secs(60), async || {
            expect(200, sandbox.partner().get(&path)).await["status"] == status
        })
        .await;
    }
}

/// All that a partner is shown of a user.
async fn everything(sandbox: &Sandbox, ids: &Ids) -> Vec<Value> {
    let user = ids.story.customer;
    let mut all = Vec::new();
    for path in [
        format!("/lifecycle/v1/users/{user}"),
        format!("/secure/customers/{user}/balances"),
        format!("/secure/customers/{user}/cards"),
        format!("/secure/balances/{}/transactions", ids.story.balance),
        "/secure/partner-balances".to_owned(),
    ] {
        let asked = sandbox.partner().get(&path).header("Issuer-Code", "sandbox");
        all.push(expect(200, asked).await);
    }
    all
}

/// Not even a handshake, whichever route is asked for.
#[tokio::test]
async fn a_certificate_of_another_authority_ended_or_not_for_clients_gets_an_alert() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    for (what, certificate, key) in callers::refused_by_tls(&sandbox) {
        for (method, path, ..) in ROUTES {
            let path = path.replace(['{', '}'], "");
            let told = alert(&sandbox, (&certificate, &key), &format!("{method} {path}")).await;
            assert!(told.contains("alert"), "{what}: {method} {path}: {told}");
        }
    }
}

/// The router itself tells which methods a path has.
#[tokio::test]
async fn every_method_of_a_path_is_in_the_table() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let user = expect(201, register(sandbox.partner(), &registration())).await;
    let phone = sandbox.phone("sandbox", user["id"].as_i64().expect("an id")).await;
    let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
    for (_, path, channel, ..) in ROUTES.iter().filter(|route| route.2 != Public) {
        let named = ROUTES.iter().filter(|route| route.1 == *path);
        let named: BTreeSet<&str> = named.map(|route| route.0).collect();
        let caller = match channel {
            Public | Lifecycle | Secure | Creation | Operator => sandbox.partner(),
            Processor => sandbox.processor(),
            Customers => &phone.caller,
            Admin | Makers | Deciders | Managers | Operators | Platform => &admin,
        };
        let trace = caller.request(Method::TRACE, &path.replace(['{', '}'], ""));
        let refused = trace.send().await.expect("an answer");
        assert_eq!(refused.status(), 405, "{path}");
        let allowed = refused.headers()["allow"].to_str().expect("a text");
        let mut allowed: BTreeSet<&str> = allowed.split(',').map(str::trim).collect();
        // Asking for the head of an answer is asking.
        allowed.remove("HEAD");
        assert_eq!(allowed, named, "{path}");
    }
}
