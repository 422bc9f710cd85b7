//! Every title of a problem: what it means and what to do. `docs/ERRORS.md` is made of this.

use crate::problem::status;
use app::Refusal;
use axum::http::StatusCode;
use std::fmt::Write;

/// A title, which never changes once it was told.
pub(crate) struct Title {
    /// The status that it comes with.
    pub(crate) status: StatusCode,
    /// The code.
    pub(crate) title: &'static str,
    /// What happened.
    meaning: &'static str,
    /// What to do about it.
    advice: &'static str,
}

const fn title(
    status: StatusCode,
    title: &'static str,
    meaning: &'static str,
    advice: &'static str,
) -> Title {
    Title { status, title, meaning, advice }
}

/// The titles that aren't a refusal's.
const OWN: &[Title] = &[
    title(
        StatusCode::BAD_REQUEST,
        "INVALID_REQUEST",
        "Body, form or query can't be read: no JSON, no object, nested deeper than 32.",
        "Correct what is sent.",
    ),
    title(
        StatusCode::BAD_REQUEST,
        "ENCRYPTION_REQUIRED",
        "The call shows card data, and the headers don't ask for encryption; or a line of an \
         import has a card in clear.",
        "Send `Encrypt-Response: true` or `Encrypted-Request: true`, and `Public-Key`; of an \
         import, the line as `{\"payload\": \"…\"}`.",
    ),
    title(
        StatusCode::BAD_REQUEST,
        "INVALID_PUBLIC_KEY",
        "Encryption is asked for, and `Public-Key` is missing or isn't base64 of an RSA key, PEM \
         or DER, of 2048 to 4096 bits with exponent 65537.",
        "Send such a key.",
    ),
    title(
        StatusCode::BAD_REQUEST,
        "INVALID_PAYLOAD",
        "The body isn't `{\"payload\": \"…\"}` with a compact JWE of JSON, RSA-OAEP-256 or \
         RSA-OAEP, A256GCM.",
        "Send the body so.",
    ),
    title(
        StatusCode::BAD_REQUEST,
        "CANT_DECRYPT_PAYLOAD",
        "The JWE can't be decrypted with our key.",
        "Fetch our public key again and encrypt for it.",
    ),
    title(
        StatusCode::UNAUTHORIZED,
        "CERTIFICATE_REQUIRED",
        "The channel needs a client certificate and none was sent.",
        "Connect with the certificate that we signed.",
    ),
    title(
        StatusCode::UNAUTHORIZED,
        "CERTIFICATE_REVOKED",
        "The certificate isn't registered, was revoked or has ended, or its partner is closed.",
        "Ask for a new certificate.",
    ),
    title(
        StatusCode::UNAUTHORIZED,
        "SESSION_EXPIRED",
        "The token of the user's session is missing, unknown or over, or the user is locked. For \
         administration: of the panel account's.",
        "Begin a new session.",
    ),
    title(
        StatusCode::UNAUTHORIZED,
        "SIGN_IN_REFUSED",
        "E-mail address, password or code is wrong, or the account is locked or shut. A code opens \
         once.",
        "Wait for the next code and try again; ask the operator if it goes on.",
    ),
    title(
        StatusCode::UNAUTHORIZED,
        "PAIRING_REFUSED",
        "The activation code is wrong, used or over, or was tried too often, or its user may not \
         act.",
        "Ask the partner's back end for a new code.",
    ),
    title(
        StatusCode::UNAUTHORIZED,
        "SESSION_REFUSED",
        "The installation has ended, the signature isn't its own over a fresh nonce, or its user \
         may not act; or the token isn't one of a trusted identity, isn't fresh or was used.",
        "Ask for a new nonce and sign it, or make a new token; if that is refused too, pair the \
         device again, or look at how the trusted identity is set.",
    ),
    title(
        StatusCode::FORBIDDEN,
        "STEP_UP_REQUIRED",
        "The call shows or changes what only the cardholder knows, and `X-Step-Up` is missing or \
         isn't the device's signature over a challenge of its own for this call, in time and for \
         the first time.",
        "Ask for a challenge, have the device sign it for this call, and send it in 60 seconds.",
    ),
    title(
        StatusCode::FORBIDDEN,
        "FORBIDDEN",
        "The certificate doesn't allow this: another channel's, or a scope is missing; or the \
         panel account's role doesn't.",
        "Use the right certificate, or ask for the scope; ask somebody of another role.",
    ),
    title(
        StatusCode::FORBIDDEN,
        "ISSUER_CODE_MISMATCH",
        "`Issuer-Code` is missing or isn't the code of the certificate's partner, or of the \
         account's; of the operator's own it names no live partner.",
        "Send the code of the partner that it is for.",
    ),
    title(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such route.", "Look at the path."),
    title(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        "The route doesn't take this method.",
        "Use a method of the header `Allow`.",
    ),
    title(
        StatusCode::REQUEST_TIMEOUT,
        "REQUEST_TIMEOUT",
        "The body didn't arrive within 10 seconds; of an import, nothing of it for 30.",
        "Send it again, with the same key.",
    ),
    title(
        StatusCode::CONFLICT,
        "IDEMPOTENCY_KEY_REUSED",
        "The key was used with other content.",
        "Use a new key for a new request, and the very same content for a retry.",
    ),
    title(
        StatusCode::PAYLOAD_TOO_LARGE,
        "PAYLOAD_TOO_LARGE",
        "The body is larger than 1 MiB, a form larger than 21 MiB, or a line of an import longer \
         than 64 KiB.",
        "Send less.",
    ),
    title(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UNSUPPORTED_MEDIA_TYPE",
        "The body isn't `application/json`, a form not `multipart/form-data`, or an import neither \
         `application/x-ndjson` nor `text/csv`.",
        "Send it so, and say so in `Content-Type`.",
    ),
    title(
        StatusCode::UNPROCESSABLE_ENTITY,
        "VALIDATION_ERROR",
        "Fields, parameters or headers can't be accepted; `violations` names all of them.",
        "Correct them, and send it again; the same key may be used.",
    ),
    title(
        StatusCode::TOO_MANY_REQUESTS,
        "TOO_MANY_REQUESTS",
        "There are more of these requests than are taken.",
        "After `Retry-After` seconds send the same request with the same key again.",
    ),
    title(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "REQUEST_HEADER_FIELDS_TOO_LARGE",
        "The head is larger than 16 KiB or has more than 100 fields.",
        "Send less.",
    ),
    title(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL_ERROR",
        "A bug. The log has it under the request's id.",
        "Send the same request with the same key again, and tell us the `requestId`.",
    ),
    title(
        StatusCode::SERVICE_UNAVAILABLE,
        "UNAVAILABLE",
        "It can't be done now.",
        "After `Retry-After` seconds send the same request with the same key again.",
    ),
];

/// What to do about a refusal.
#[expect(clippy::too_many_lines, reason = "a table with a line for each refusal")]
fn advice(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::CustomerNotFound
        | Refusal::CorporationNotFound
        | Refusal::BalanceNotFound
        | Refusal::CardNotFound
        | Refusal::TransactionNotFound
        | Refusal::OrderNotFound
        | Refusal::OperationNotFound
        | Refusal::DeviceNotFound
        | Refusal::NotificationNotFound
        | Refusal::PartnerCallNotFound
        | Refusal::VerificationNotFound
        | Refusal::DocumentNotFound
        | Refusal::ExportNotFound
        | Refusal::CertificateNotFound
        | Refusal::PartnerNotFound
        | Refusal::ProcessorNotFound => "Look at the id: it must be one of yours.",
        Refusal::ImportNotFound => "Look at the key: it must be that of one of your imports.",
        Refusal::ExportNotReady => "Wait until its `state` is `DONE`, or ask anew if it failed.",
        Refusal::ExportNotYours => "Leave it: it goes by itself.",
        Refusal::TooManyExports => "Wait until one of them is done, or remove one.",
        Refusal::FileTooLarge => "Take it without `Encrypt-Response`, or ask for less in one file.",
        Refusal::NotificationsPaused => {
            "See that your server takes notifications again, then resume them."
        }
        Refusal::NotificationsNotSetUp => {
            "Give the operator your URL, your server's authority and our certificate."
        }
        Refusal::RequestInProgress => {
            "Send it again when that has ended. Where its caller or its server is gone, some \
             seconds later."
        }
        Refusal::ProgramUnknown => "Name one that `GET /admin/programs` shows.",
        Refusal::ProgramNotFound => "Use the `configId` of one of your open programs.",
        Refusal::CustomerLocked => "Unlock the user first.",
        Refusal::UserAlreadyExists => "Find the user by e-mail or phone, and use that one.",
        Refusal::KycNotPermitted => "Submit a KYC form, or ask for another KYC mode.",
        Refusal::CorporationAlreadyExists => "Use the `dcCorporationId` that it was given.",
        Refusal::KybNotAccepted => "Wait until the corporation's `kyb` is `ACCEPTED`.",
        Refusal::KybNotPermitted => "Ask the operator to decide.",
        Refusal::KybNotInProgress => "Send its documents.",
        Refusal::HitChanged => "Look at it again, and decide then.",
        Refusal::CorporationChanged => "Look at it again, and decide with its new `version`.",
        Refusal::LimitsChanged => {
            "Look at the panel's page again, and set what is still to be set."
        }
        Refusal::DocumentLimitReached => "Have the operator look at those that are there.",
        Refusal::CorporationAccepted => "Have KYB put on hold first.",
        Refusal::KybIncomplete => "See to what the corporation's `missing` tells of.",
        Refusal::KycNotVerified => "Wait until the user's `kyc` is `SUCCESS`.",
        Refusal::CurrencyNotSupported => "Use the currency of one of your programs.",
        Refusal::LimitAboveProgram => "Stay within the ceilings that GET …/limits shows.",
        Refusal::AdminNotFound => "Name one that the list of accounts shows.",
        Refusal::AdminChanged => "Sign in again.",
        Refusal::SecretsToRenew => {
            "Take `POST /admin/me/authenticator` and `PUT /admin/me/secrets`, or the panel."
        }
        Refusal::ConfirmationRequired => "Send `totp`, a code that opened nothing yet.",
        Refusal::ConfirmationRefused => {
            "Wait for the next code and try again; failures count as at a sign-in."
        }
        Refusal::PasswordInvalid | Refusal::PasswordGuessable => {
            "Choose another one: some words that don't belong together, or what a program makes."
        }
        Refusal::AuthenticatorCodeWrong => "Type the code that it shows now, in this session.",
        Refusal::AdminIsYourself => "Ask somebody else who manages accounts.",
        Refusal::LastOperator => "Make another account of the role OPERATOR first.",
        Refusal::AdminAlreadyExists => "Use another address, or reset the account.",
        Refusal::LimitExceed => "Load less.",
        Refusal::TransactionNotPermitted => "Use another balance, one of a verified user.",
        Refusal::ProgramMismatch => "Use the program's own balance, or the balance's own program.",
        Refusal::CurrencyMismatch => "Use the balance's currency.",
        Refusal::StatementTooLong => "Ask for fewer days at once.",
        Refusal::TooManyBalances => "Name a balance or a card.",
        Refusal::CustomerMismatch => "Name the same user in path and body, or none in the body.",
        Refusal::CardLimitReached => "Remove a card first, or ask for a higher limit.",
        Refusal::BinRangeExhausted => "Ask for another BIN.",
        Refusal::CardMadeElsewhere => "Ask the issuing processor.",
        Refusal::CardAlreadyExists => {
            "Send the line under another key, without the card or with its right number."
        }
        Refusal::InvalidLockReason => "Use one of the codes of the call's description.",
        Refusal::HistoryRecordAlreadyExists => {
            "It is there already; read it, or give the new one a name of its own."
        }
        Refusal::VerificationAlreadyDecided => "Have the user submit a new form.",
        Refusal::CardAlreadyLocked => "Unlock it first, if another reason shall stand.",
        Refusal::CardLockIrreversible => "Issue another card.",
        Refusal::CardLockNotOwn => "Ask the partner to unlock the card.",
        Refusal::LimitLoosened => "Ask the partner to allow more.",
        Refusal::PlasticNotSupported => "Ask for a bureau for the program, or issue another card.",
        Refusal::PlasticAlreadyOrdered => "Wait until it has arrived, or its order has failed.",
        Refusal::DeliveryRequired => "Send `deliveryAddress` and `delivery` too.",
        Refusal::NameNotEmbossable => "Send `embossedName` in letters that fit the card.",
        Refusal::CardNotActive => "Activate the card first.",
        Refusal::CardLocked => "Unlock the card first.",
        Refusal::ActivationDataWrong => "Look at the card and its letter, and try again.",
        Refusal::CardRenewalTooEarly => "Wait until then, or issue another card.",
        Refusal::CardExpired => "Renew the card, or issue another.",
        Refusal::WeakPin => "Let the cardholder choose another one.",
        Refusal::ListNotFound => "Name one that `antaca screening list` shows.",
        Refusal::HitNotFound => "Name one that `antaca screening hits` shows.",
        Refusal::BureauNotFound => "Name one that `antaca bureau list` shows.",
        Refusal::PinKeyNotFound => {
            "Name a key that the operator has imported for the processor, or have it imported."
        }
        Refusal::InvalidAmount => "Send a whole number of minor units above zero.",
        Refusal::InsufficientFunds => "Move at most what the balance has.",
        Refusal::InsufficientFundsOnCollateralBalance => {
            "Ask the operator to load the CREDIT balance, or move less."
        }
        Refusal::CollateralBalanceNotFound => {
            "Ask the operator for a CREDIT balance in this currency."
        }
        Refusal::BalanceNotEmpty => {
            "Move out what it has, and wait until what is held is cleared, reversed or expired."
        }
        Refusal::UserNotFound => "See that your server knows the user, and send it again.",
        Refusal::PartnerRefused => "See to whom the balance belongs in your own books.",
        Refusal::PartnerUnavailable => {
            "See that your server answers as `docs/partner-api.md` says, and send it again."
        }
        Refusal::BalanceHasCards => "Remove its cards first.",
        Refusal::BalanceLocked => "Unlock the balance first.",
        Refusal::AmlException => "Take the user's transactional locks off first, if that is right.",
        Refusal::UnknownTransactionType => "Use a type of the call's description.",
        Refusal::PartnerTimeout => {
            "Look at the partner's server, and try under another key and id."
        }
        Refusal::TransactionRefused => "Look at the balance's and the user's state.",
        Refusal::PartnerAlreadyExists
        | Refusal::ProgramAlreadyExists
        | Refusal::ProcessorAlreadyExists
        | Refusal::PinKeyAlreadyExists
        | Refusal::CommonNameTaken => "Use what is there, or another name.",
        Refusal::BinTaken => "Use another BIN.",
        Refusal::PartnerCodeInvalid
        | Refusal::PartnerSettingsInvalid
        | Refusal::TimeZoneUnknown
        | Refusal::ProgramInvalid
        | Refusal::ProcessorInvalid
        | Refusal::GiftProgramInvalid
        | Refusal::AdminInvalid
        | Refusal::KybInvalid
        | Refusal::CommentInvalid
        | Refusal::PinKeyInvalid
        | Refusal::BureauInvalid
        | Refusal::BureauFolderInvalid
        | Refusal::DaysOutOfRange => "Correct the option that the meaning tells of.",
        Refusal::ClockLimitReached => "Begin a new sandbox.",
        Refusal::ModeNotSupported => "Use modes that go together.",
        Refusal::CertificateAmbiguous => "Name it by its serial number.",
        Refusal::OperatorNameInvalid | Refusal::CommonNameInvalid => "Use another name.",
        Refusal::CertificateNotRequested => "Run `antaca ca csr` first, and have that signed.",
        Refusal::CertificateUnreadable
        | Refusal::CertificateKeyMismatch
        | Refusal::CertificateNotInForce
        | Refusal::CertificateNotForClients => "Ask the partner for the right certificate.",
        Refusal::SecretRotatedRecently => {
            "Wait for the 24 hours to end; if it has leaked, add `--at-once`."
        }
        Refusal::TrustedCaRefused => "Ask the partner for the authority of its server, as PEM.",
        Refusal::BaseUrlInvalid => "Ask the partner for an https URL that can be reached.",
        Refusal::CsrRefused => "Make a new key and a new request.",
        Refusal::ScopeRefused => "Leave the scope out.",
    }
}

/// Every title, a refusal's too.
pub(crate) fn all() -> impl Iterator<Item = Title> {
    let own = OWN.iter().map(|own| Title { ..*own });
    own.chain(Refusal::ALL.iter().map(|&refusal| {
        title(status(refusal), refusal.title(), refusal.sentence(), advice(refusal))
    }))
}

/// The reference of all titles, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut titles: Vec<Title> = all().collect();
    titles.sort_by_key(|title| (title.status.as_u16(), title.title));
    let mut text = String::from(
        "# Error titles\n\n\
         Made by `antaca openapi`: change `crates/api/src/titles.rs` or \
         `crates/app/src/refusals.rs`, not this file.\n\n\
         A problem is `application/problem+json` with `title`, `status`, `detail`, `requestId` \
         and, for\n`VALIDATION_ERROR`, `violations`. Titles never change; details are for people \
         and may. On the command\nline a refusal is told by its title too. Which call answers with \
         which title stands in the OpenAPI\ndocuments.\n\n\
         | status | title | what it means | what to do |\n| --- | --- | --- | --- |\n",
    );
    for Title { status, title, meaning, advice } in titles {
        let line = format!("| {} | `{title}` | {meaning} | {advice} |", status.as_u16());
        writeln!(text, "{line}").expect("a text can be written to");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_title_has_one_status() {
        let titles: BTreeSet<&str> = all().map(|title| title.title).collect();
        assert_eq!(titles.len(), all().count());
    }
}
