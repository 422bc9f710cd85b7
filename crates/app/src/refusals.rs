//! Title and sentence of each refusal. Titles are stable; sentences are for people and never
//! repeat what was sent. Which HTTP status each gets is told in `api/problem.rs`.

use domain::balance::BalanceRefusal;
use domain::card::lifecycle::CardRefusal;
use domain::corporation::KybRefusal;
use domain::transaction::Description;
use domain::verification::VerificationRefusal;

/// Defines the refusals: name, title, sentence.
macro_rules! refusals {
    ($($name:ident, $title:literal, $sentence:literal;)+) => {
        /// A business reason for which something wasn't done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal { $(#[doc = $sentence] $name,)+ }

        impl Refusal {
            /// Every refusal.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable code.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)+ }
            }
        }
    };
}

refusals! {
    CustomerNotFound, "CUSTOMER_NOT_FOUND", "There is no such user.";
    CorporationNotFound, "CORPORATION_NOT_FOUND", "There is no such corporation.";
    BalanceNotFound, "BALANCE_NOT_FOUND", "There is no such balance.";
    CardNotFound, "CARD_NOT_FOUND", "There is no such card.";
    TransactionNotFound, "TRANSACTION_NOT_FOUND", "There is no such transaction.";
    HistoryRecordAlreadyExists, "HISTORY_RECORD_ALREADY_EXISTS",
        "There is a record of this clientTransactionId and type.";
    OrderNotFound, "ORDER_NOT_FOUND", "There is no such order.";
    OperationNotFound, "OPERATION_NOT_FOUND",
        "There is no such operation, or it is older than seven days.";
    VerificationNotFound, "VERIFICATION_NOT_FOUND", "There is no such KYC form, or it has no such \
         picture.";
    VerificationAlreadyDecided, "VERIFICATION_ALREADY_DECIDED",
        "The KYC form was decided before, otherwise.";
    ListNotFound, "LIST_NOT_FOUND", "There is no list of this name.";
    HitNotFound, "HIT_NOT_FOUND", "There is no such hit, or whose it was is gone.";
    CommentInvalid, "COMMENT_INVALID", "A comment is 1 to 500 characters that tell why.";
    ImportNotFound, "IMPORT_NOT_FOUND",
        "There is no import of this key, or it began more than 30 days ago.";
    RequestInProgress, "IDEMPOTENT_REQUEST_IN_PROGRESS",
        "A request with this key is being done.";
    NotificationNotFound, "NOTIFICATION_NOT_FOUND",
        "There is no such notification, or it was delivered more than 30 days ago.";
    PartnerCallNotFound, "PARTNER_CALL_NOT_FOUND",
        "There is no such call, or it was taken more than 30 days ago.";
    ExportNotFound, "EXPORT_NOT_FOUND",
        "There is no such export, it was removed, or its time was up.";
    ExportNotReady, "EXPORT_NOT_READY", "The export's file isn't written.";
    ExportNotYours, "EXPORT_NOT_YOURS", "Somebody else has asked for the export.";
    TooManyExports, "TOO_MANY_EXPORTS",
        "Five exports of the partner wait or are being written already.";
    FileTooLarge, "FILE_TOO_LARGE",
        "The file is larger than 8 MiB, which can't be encrypted as one answer.";
    NotificationsPaused, "NOTIFICATIONS_PAUSED",
        "Nothing is sent to this path until it is resumed; then what was kept is sent.";
    NotificationsNotSetUp, "NOTIFICATIONS_NOT_SET_UP",
        "The partner can't be called yet: its URL, its authority or our certificate is missing.";
    DeviceNotFound, "DEVICE_NOT_FOUND", "The user has no such device.";
    PartnerNotFound, "PARTNER_NOT_FOUND", "There is no such partner.";
    ProgramNotFound, "PROGRAM_NOT_FOUND",
        "The partner has no such program, it is closed, or it is for another kind of card.";
    CustomerLocked, "CUSTOMER_LOCKED", "The user is locked.";
    UserAlreadyExists, "USER_ALREADY_EXISTS",
        "Another user of the partner has this e-mail or phone.";
    KycNotPermitted, "KYC_NOT_PERMITTED",
        "The partner's KYC mode doesn't let it set this flag.";
    KycNotVerified, "KYC_NOT_VERIFIED", "The user's KYC hasn't succeeded.";
    KybNotAccepted, "KYB_NOT_ACCEPTED", "The corporation's KYB isn't accepted.";
    CorporationAlreadyExists, "CORPORATION_ALREADY_EXISTS",
        "The partner has a corporation of this country and registration number.";
    KybNotPermitted, "KYB_NOT_PERMITTED",
        "The operator decides on the corporations of this partner.";
    KybNotInProgress, "KYB_NOT_IN_PROGRESS", "The corporation's documents have to be sent first.";
    KybIncomplete, "KYB_INCOMPLETE",
        "Documents, verifications of its people, or a decision on who was found on a list are \
         missing.";
    DocumentNotFound, "DOCUMENT_NOT_FOUND", "The corporation has no such document.";
    CorporationChanged, "CORPORATION_CHANGED",
        "The corporation isn't any more what was looked at.";
    HitChanged, "HIT_CHANGED", "Somebody has decided it meanwhile.";
    DocumentLimitReached, "DOCUMENT_LIMIT_REACHED", "A corporation has at most 50 documents.";
    CorporationAccepted, "CORPORATION_ACCEPTED",
        "The name, registration number and country of an accepted corporation stand.";
    KybInvalid, "KYB_INVALID",
        "A reference is 1 to 200 characters that tell where the check is on record.";
    CurrencyNotSupported, "CURRENCY_NOT_SUPPORTED", "The partner has no program in this currency.";
    CurrencyMismatch, "CURRENCY_MISMATCH", "It isn't in the balance's currency.";
    LimitAboveProgram, "LIMIT_ABOVE_PROGRAM", "The card's program allows less than this limit.";
    LimitsChanged, "LIMITS_CHANGED",
        "What may be spent was changed meanwhile: it isn't any more what the page had shown.";
    CustomerMismatch, "CUSTOMER_MISMATCH", "The path and the body name different users.";
    CardLimitReached, "CARD_LIMIT_REACHED",
        "The user has as many cards as the program allows, or the gift has its card.";
    BinRangeExhausted, "BIN_RANGE_EXHAUSTED", "The program's BIN range has no number left.";
    CardMadeElsewhere, "CARD_MADE_ELSEWHERE",
        "The card's processor makes its numbers and codes.";
    CardAlreadyExists, "CARD_ALREADY_EXISTS", "There is a card of this number.";
    InvalidLockReason, "INVALID_LOCK_REASON", "There is no such lock reason.";
    CardAlreadyLocked, "CARD_ALREADY_LOCKED", "The card is locked for another reason.";
    CardLockNotOwn, "CARD_LOCK_NOT_OWN",
        "Somebody else has locked the card, and the partner lets users take off their own locks \
         alone.";
    LimitLoosened, "LIMIT_LOOSENED", "A user may tighten limits and controls, not loosen them.";
    CardLockIrreversible, "CARD_LOCK_IRREVERSIBLE", "This lock can't be taken off.";
    InvalidAmount, "INVALID_AMOUNT",
        "The amount must be above zero and the balance must not grow beyond 64 bits.";
    InsufficientFunds, "INSUFFICIENT_FUNDS", "The balance has too little.";
    InsufficientFundsOnCollateralBalance, "INSUFFICIENT_FUNDS_ON_COLLATERAL_BALANCE",
        "The partner's CREDIT balance has too little.";
    CollateralBalanceNotFound, "COLLATERAL_BALANCE_NOT_FOUND",
        "The partner has no CREDIT balance in this currency.";
    BalanceNotEmpty, "BALANCE_NOT_EMPTY",
        "The balance isn't at zero, or something of it is held.";
    UserNotFound, "USER_NOT_FOUND",
        "The partner, which holds the money, knows no such user.";
    PartnerRefused, "PARTNER_REFUSED",
        "The partner, which holds the money, says that the balance is another user's.";
    PartnerUnavailable, "PARTNER_UNAVAILABLE",
        "The partner, which holds the money, gave no answer in time that could be used.";
    BalanceHasCards, "BALANCE_HAS_CARDS", "Cards pay from the balance.";
    BalanceLocked, "BALANCE_LOCKED", "The balance is locked: no money leaves it.";
    AmlException, "AML_EXCEPTION",
        "The user is under a transactional lock: no money leaves its balances.";
    UnknownTransactionType, "UNKNOWN_TRANSACTION_TYPE",
        "This type of transaction isn't supported here.";
    StatementTooLong, "STATEMENT_TOO_LONG",
        "The period has more than 20,000 movements or sums beyond 64 bits, or, of a balance of the \
         partner's own, 2,000,000 rows lie between it and the last checkpoint.";
    TooManyBalances, "TOO_MANY_BALANCES",
        "The user has more than 100 balances: no history is of all of them at once.";
    PartnerTimeout, "PARTNER_TIMEOUT",
        "The partner, which holds the balance, didn't answer in time: nothing is moved, and what \
         it may have booked is taken back there.";
    TransactionRefused, "UNKNOWN_ERROR", "The transaction couldn't be processed.";
    PartnerAlreadyExists, "PARTNER_ALREADY_EXISTS", "Another partner has this code.";
    PartnerCodeInvalid, "PARTNER_CODE_INVALID",
        "A partner's code is 1 to 64 of a-z, 0-9 and the hyphen.";
    ModeNotSupported, "MODE_NOT_SUPPORTED",
        "Balance mode EXTERNAL needs collateral mode DEPOSIT, unless the partner owns its BIN; \
         with it there are no gifts, no imported cards and no statements of users' balances.";
    ClockLimitReached, "CLOCK_LIMIT_REACHED", "A sandbox's clock can be moved by ten years in all.";
    TimeZoneUnknown, "TIME_ZONE_UNKNOWN", "There is no such IANA time zone.";
    ProgramUnknown, "PROGRAM_UNKNOWN", "The partner has no program of this configId.";
    ProgramAlreadyExists, "PROGRAM_ALREADY_EXISTS", "The partner has a program of this configId.";
    ProgramInvalid, "PROGRAM_INVALID",
        "A configId has 10 digits, a BIN 6 or 8, a chip profile 1 to 100 characters; lifetime 1 to \
         120 months, cap 1 to 1000 cards, holds 1 to 30 days; cards that nobody here makes are \
         neither digital first nor gifts.";
    GiftProgramInvalid, "GIFT_PROGRAM_INVALID",
        "A program for anonymous gifts is prepaid, for consumers, in EUR, with the scheme's \
         approval (1 to 100 characters) and at most 15000 for an e-commerce payment.";
    ProgramMismatch, "PROGRAM_MISMATCH",
        "A gift is paid from by a card of the program that it was opened for; such a card pays \
         from nothing else.";
    LimitExceed, "LIMIT_EXCEED", "A gift is loaded with 150 EUR at most.";
    TransactionNotPermitted, "TRANSACTION_NOT_PERMITTED",
        "A gift takes one load, a fee or a commission, and nothing else.";
    AdminNotFound, "ADMIN_NOT_FOUND", "There is no such panel account.";
    AdminAlreadyExists, "ADMIN_ALREADY_EXISTS",
        "There is a panel account of this e-mail address.";
    AdminInvalid, "ADMIN_INVALID",
        "A panel account has an e-mail address, and a partner unless its role is OPERATOR.";
    PartnerSettingsInvalid, "PARTNER_SETTINGS_INVALID",
        "A partner's name has 1 to 100 characters; it is asked within 100 to 4700 ms, 1 to 1024 \
         questions at once; what may be paid without its answer is above zero; sessions live 1 to \
         720 minutes.";
    AdminChanged, "ADMIN_CHANGED", "Your own account was shut or changed meanwhile.";
    SecretsToRenew, "SECRETS_TO_RENEW",
        "Somebody else was shown what opens this account: set a password and an authenticator of \
         your own before anything else.";
    ConfirmationRequired, "CONFIRMATION_REQUIRED",
        "This needs a code that your authenticator shows now, beside your session.";
    ConfirmationRefused, "CONFIRMATION_REFUSED",
        "The password or the code that you are signed in with is wrong, or the code was used, or \
         the account is locked.";
    PasswordInvalid, "PASSWORD_INVALID",
        "A password has 12 to 128 characters, isn't the one before, and hasn't the e-mail address \
         in it.";
    PasswordGuessable, "PASSWORD_GUESSABLE",
        "The password is among those that are guessed first: it was leaked somewhere, or is made \
         of words, names, dates or keys in a row.";
    AuthenticatorCodeWrong, "AUTHENTICATOR_CODE_WRONG",
        "The code isn't one that the authenticator to be shows, or that was offered in another \
         session.";
    AdminIsYourself, "ADMIN_IS_YOURSELF",
        "Nobody changes, shuts or resets the panel account that they are signed in with.";
    LastOperator, "LAST_OPERATOR",
        "It is the last account of the operator's that can be used.";
    BinTaken, "BIN_TAKEN",
        "The BIN is another partner's, there is one that begins or continues it, or it is of \
         programs whose cards somebody else makes.";
    ProcessorNotFound, "PROCESSOR_NOT_FOUND", "There is no such processor.";
    ProcessorInvalid, "PROCESSOR_INVALID",
        "A processor's name has 1 to 64 characters; it waits for an answer for 100 to 5000 ms.";
    PinKeyNotFound, "PIN_KEY_NOT_FOUND", "The processor shares no PIN key of this name.";
    PinKeyAlreadyExists, "PIN_KEY_ALREADY_EXISTS",
        "The processor shares another PIN key of this name.";
    PinKeyInvalid, "PIN_KEY_INVALID",
        "A PIN key is 16 bytes of odd parity for TDES, 16 or 32 for AES; its name 1 to 64 of a-z, \
         A-Z, 0-9, hyphen and underscore.";
    WeakPin, "WEAK_PIN",
        "The PIN is easily guessed: digits in a row, one of them more than twice, one pair twice, \
         the end of the card's number, or the holder's birthday.";
    PlasticNotSupported, "PLASTIC_NOT_SUPPORTED",
        "Nobody makes plastic for the program, or plastic is asked for where there is none, or \
         what would change stands on the card's plastic.";
    BureauNotFound, "BUREAU_NOT_FOUND", "There is no bureau of this name.";
    BureauInvalid, "BUREAU_INVALID",
        "A bureau has a name of 1 to 64 of a-z, 0-9 and the hyphen, and an RSA key of 2048 to 4096 \
         bits, a PEM of PUBLIC KEY.";
    BureauFolderInvalid, "BUREAU_FOLDER_INVALID",
        "A bureau's folder is a whole path; or sftp://USER@HOST/PATH, with port 22 or from 1024 \
         on, at a public address, without a password, and with 1 to 8 public keys of that server.";
    PlasticAlreadyOrdered, "PLASTIC_ALREADY_ORDERED", "The card's plastic is on its way already.";
    DeliveryRequired, "DELIVERY_REQUIRED",
        "The card is on plastic, which has to be sent somewhere.";
    NameNotEmbossable, "NAME_NOT_EMBOSSABLE",
        "A card has room for 26 characters: letters, digits and . ' - & , of Latin, Cyrillic or \
         Greek names.";
    CardNotActive, "CARD_NOT_ACTIVE", "The card isn't active.";
    CardLocked, "CARD_LOCKED", "The card is locked.";
    ActivationDataWrong, "ACTIVATION_DATA_WRONG",
        "What was told doesn't agree with the card or its letter. Five wrong tries in a row lock \
         the card.";
    CardRenewalTooEarly, "CARD_RENEWAL_TOO_EARLY",
        "A card is renewed from 60 days before its last day on.";
    CardExpired, "CARD_EXPIRED", "The card has expired.";
    ProcessorAlreadyExists, "PROCESSOR_ALREADY_EXISTS",
        "There is a processor of this name, with a time budget of its own.";
    CommonNameTaken, "COMMON_NAME_TAKEN", "The certificate request's CN is another holder's.";
    CsrRefused, "CSR_REFUSED",
        "The certificate request isn't one that can be signed: RSA of 2048 to 4096 bits, P-256 or \
         P-384, rightly signed, with a CN.";
    DaysOutOfRange, "DAYS_OUT_OF_RANGE", "A certificate lasts 1 to 825 days.";
    ScopeRefused, "SCOPE_REFUSED",
        "A partner's certificate may have the scopes secure and partner-balance-create, a \
         processor's the scope processor; collateral and iban are scopes of the operator's own.";
    OperatorNameInvalid, "OPERATOR_NAME_INVALID",
        "The name of an operator's certificate is 1 to 64 of a-z, 0-9 and the hyphen.";
    CommonNameInvalid, "COMMON_NAME_INVALID",
        "A common name is 1 to 64 letters, digits, signs and single spaces inside.";
    CertificateNotRequested, "CERTIFICATE_NOT_REQUESTED",
        "No certificate was asked of this partner yet: run `antaca ca csr` first.";
    CertificateUnreadable, "CERTIFICATE_UNREADABLE",
        "The file must hold our certificate as a PEM, then those of its issuers, and nothing else.";
    CertificateKeyMismatch, "CERTIFICATE_KEY_MISMATCH",
        "The certificate is neither for the key of the last request nor for the one in use.";
    CertificateNotInForce, "CERTIFICATE_NOT_IN_FORCE",
        "The certificate hasn't begun or has ended.";
    CertificateNotForClients, "CERTIFICATE_NOT_FOR_CLIENTS",
        "The certificate's usage doesn't allow client authentication.";
    SecretRotatedRecently, "SECRET_ROTATED_RECENTLY",
        "The secret was rotated less than 24 hours ago, and the one before is still used.";
    TrustedCaRefused, "TRUSTED_CA_REFUSED",
        "The trusted CA must be a PEM of certificates of authorities, all in their time, and \
         nothing else.";
    BaseUrlInvalid, "BASE_URL_INVALID",
        "The base URL must be https://, a host, perhaps a port and a path: port 443 or from 1024 \
         on, a public address, no user, no query, no fragment.";
    CertificateNotFound, "CERTIFICATE_NOT_FOUND", "There is no such certificate in the register.";
    CertificateAmbiguous, "CERTIFICATE_AMBIGUOUS",
        "Several certificates of this name are in force: name one by its serial or fingerprint.";
}

impl Refusal {
    /// The refusal of a title; the inverse of [`Refusal::title`].
    #[must_use]
    pub fn of_title(title: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|refusal| refusal.title() == title)
    }

    /// Whether it is kept with an idempotency key. What the caller may not do is not: it may be
    /// allowed to later, and then sends the same again. Nor is that the same is being done, that
    /// nothing can be sent now, or that a partner doesn't answer.
    #[must_use]
    pub fn is_kept(self) -> bool {
        !matches!(
            self,
            Self::KycNotPermitted
                | Self::KybNotPermitted
                | Self::ScopeRefused
                | Self::SecretsToRenew
                | Self::AdminChanged
                | Self::ConfirmationRequired
                | Self::ConfirmationRefused
                | Self::RequestInProgress
                | Self::ExportNotYours
                | Self::TooManyExports
                | Self::NotificationsPaused
                | Self::NotificationsNotSetUp
                | Self::PartnerUnavailable
        )
    }

    /// Why an internal transaction was declined.
    #[must_use]
    pub fn of_description(description: Description) -> Self {
        match description {
            Description::InvalidAmount => Self::InvalidAmount,
            Description::BalanceNotFound => Self::BalanceNotFound,
            Description::CurrencyMismatch => Self::CurrencyMismatch,
            Description::UnknownTransactionType => Self::UnknownTransactionType,
            Description::CustomerNotFound => Self::CustomerNotFound,
            Description::CardNotFound => Self::CardNotFound,
            Description::InsufficientFunds => Self::InsufficientFunds,
            Description::InsufficientFundsOnCollateralBalance => {
                Self::InsufficientFundsOnCollateralBalance
            }
            Description::CollateralBalanceNotFound => Self::CollateralBalanceNotFound,
            Description::BalanceLocked => Self::BalanceLocked,
            Description::AmlException | Description::FraudsDetected => Self::AmlException,
            Description::LimitExceed | Description::LimitsExceeded => Self::LimitExceed,
            Description::PartnerTimeout => Self::PartnerTimeout,
            Description::TransactionNotPermitted => Self::TransactionNotPermitted,
            Description::Approved
            | Description::InsufficientFundsOnDepositBalance
            | Description::DepositBalanceNotFound
            | Description::ExceedsAmountLimit
            | Description::BudgetExceeded
            | Description::AmbiguousReferencedTransaction
            | Description::ReferencedTransactionNotFound
            | Description::UnknownError
            | Description::CardLocked
            | Description::CardNotActive
            | Description::CardExpired
            | Description::IncorrectCvv
            | Description::IncorrectPin
            | Description::PinTriesExceeded
            | Description::ClientError
            | Description::Expired
            | Description::CustomerLocked => Self::TransactionRefused,
        }
    }
}

impl From<CardRefusal> for crate::Error {
    fn from(refusal: CardRefusal) -> Self {
        Self::Refused(match refusal {
            CardRefusal::AlreadyLocked => Refusal::CardAlreadyLocked,
            CardRefusal::LockIrreversible => Refusal::CardLockIrreversible,
            CardRefusal::LockNotOwn => Refusal::CardLockNotOwn,
            CardRefusal::OnPlastic => Refusal::PlasticNotSupported,
            CardRefusal::Locked => Refusal::CardLocked,
            CardRefusal::NotActive => Refusal::CardNotActive,
            CardRefusal::ActivationDataWrong => Refusal::ActivationDataWrong,
            CardRefusal::RenewalTooEarly => Refusal::CardRenewalTooEarly,
            CardRefusal::Expired => Refusal::CardExpired,
            CardRefusal::Removed => Refusal::CardNotFound,
        })
    }
}

impl From<VerificationRefusal> for crate::Error {
    fn from(refusal: VerificationRefusal) -> Self {
        Self::Refused(match refusal {
            VerificationRefusal::AlreadyDecided => Refusal::VerificationAlreadyDecided,
        })
    }
}

impl From<KybRefusal> for crate::Error {
    fn from(refusal: KybRefusal) -> Self {
        Self::Refused(match refusal {
            KybRefusal::NotInProgress => Refusal::KybNotInProgress,
            KybRefusal::Incomplete => Refusal::KybIncomplete,
        })
    }
}

impl From<BalanceRefusal> for crate::Error {
    fn from(refusal: BalanceRefusal) -> Self {
        Self::Refused(match refusal {
            BalanceRefusal::NotEmpty => Refusal::BalanceNotEmpty,
            BalanceRefusal::HasCards => Refusal::BalanceHasCards,
            BalanceRefusal::Removed => Refusal::BalanceNotFound,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_title_names_one_refusal() {
        let titles: HashSet<&str> = Refusal::ALL.iter().map(|refusal| refusal.title()).collect();
        assert_eq!(titles.len(), Refusal::ALL.len());
        for &refusal in Refusal::ALL {
            assert_eq!(Refusal::of_title(refusal.title()), Some(refusal));
        }
    }
}
