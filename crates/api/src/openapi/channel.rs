//! The channels, one document each.

/// Who calls, and over which routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// The partner's back end: balances, cards, transactions.
    Secure,
    /// The partner's back end: users.
    Lifecycle,
    /// The partner's back end: the transaction history core.
    Thc,
    /// Issuing processors.
    Processor,
    /// The partner's back end, trying things out.
    Sandbox,
    /// Users' apps.
    Customers,
    /// The panel, and what does its work.
    Admin,
}

impl Channel {
    /// Every channel that has routes.
    pub(crate) const ALL: [Self; 7] = [
        Self::Secure,
        Self::Lifecycle,
        Self::Thc,
        Self::Processor,
        Self::Sandbox,
        Self::Customers,
        Self::Admin,
    ];

    /// What its document is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::Lifecycle => "lifecycle",
            Self::Thc => "thc",
            Self::Processor => "processor",
            Self::Sandbox => "sandbox",
            Self::Customers => "customers",
            Self::Admin => "admin",
        }
    }

    /// The headline of its document.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Secure => "Antaca: balances, cards, transactions",
            Self::Lifecycle => "Antaca: users",
            Self::Thc => "Antaca: the history of transactions",
            Self::Processor => "Antaca: messages of issuing processors",
            Self::Sandbox => "Antaca: the sandbox's own calls",
            Self::Customers => "Antaca: what users' apps call",
            Self::Admin => "Antaca: administration",
        }
    }

    /// Whether anybody may read its document.
    pub(crate) fn is_public(self) -> bool {
        match self {
            Self::Secure | Self::Lifecycle | Self::Thc => true,
            Self::Processor | Self::Sandbox | Self::Customers | Self::Admin => false,
        }
    }

    /// What its callers must show.
    pub(crate) fn credentials(self) -> &'static str {
        match self {
            Self::Secure => {
                "A partner's client certificate with the scope `secure`. Where a call says so: \
                 with the scope `partner-balance-create`, or one of the operator's own with the \
                 scope `collateral` or `iban` and the header `Issuer-Code` with the code of the \
                 partner that it acts for."
            }
            Self::Sandbox | Self::Thc => "A partner's client certificate with the scope `secure`.",
            Self::Lifecycle => {
                "A partner's client certificate with the scope `secure`, and the header \
                 `Issuer-Code` with that partner's code."
            }
            Self::Processor => "A processor's client certificate.",
            Self::Customers => {
                "The token of a user's session, as `Authorization: Bearer …`; no certificate. Each \
                 call is about that user alone. Pairing a device and beginning a session need none."
            }
            Self::Admin => {
                "The token of a panel account's session, as `Authorization: Bearer …`; no \
                 certificate. The operator's accounts name the partner that a call about cards is \
                 for in the header `Issuer-Code`. Signing in needs neither."
            }
        }
    }

    /// What becomes of the fields of a body that its document doesn't tell of.
    pub(crate) fn unknown_fields(self) -> &'static str {
        match self {
            Self::Secure
            | Self::Lifecycle
            | Self::Thc
            | Self::Processor
            | Self::Customers
            | Self::Admin => "are ignored",
            Self::Sandbox => "are refused",
        }
    }

    /// The refusals of callers: status and title.
    pub(crate) fn denials(self) -> &'static [(u16, &'static str)] {
        const ALL: [(u16, &str); 4] = [
            (401, "CERTIFICATE_REQUIRED"),
            (401, "CERTIFICATE_REVOKED"),
            (403, "FORBIDDEN"),
            (403, "ISSUER_CODE_MISMATCH"),
        ];
        match self {
            Self::Processor | Self::Sandbox | Self::Thc => &ALL[..3],
            Self::Secure | Self::Lifecycle => &ALL,
            Self::Customers => &[
                (401, "SESSION_EXPIRED"),
                (401, "PAIRING_REFUSED"),
                (401, "SESSION_REFUSED"),
                (403, "STEP_UP_REQUIRED"),
            ],
            Self::Admin => &[
                (401, "SESSION_EXPIRED"),
                (401, "SIGN_IN_REFUSED"),
                (403, "SECRETS_TO_RENEW"),
                (403, "FORBIDDEN"),
                (403, "ISSUER_CODE_MISMATCH"),
            ],
        }
    }
}
