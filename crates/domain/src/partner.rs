//! Partners and their settings (spec "Partner settings").

use crate::ids::PartnerId;
use crate::money::Currency;
use crate::session::Lifetime;
use crate::words::words;

words! {
    /// Who holds the users' money.
    pub enum BalanceMode {
        /// We do.
        Internal = "INTERNAL",
        /// The partner does, and is asked.
        External = "EXTERNAL",
    }
}

words! {
    /// Whether the partner is asked before an internal balance is debited.
    pub enum AuthorizationMode {
        /// We decide alone.
        Own = "OWN",
        /// The partner is asked as well.
        Shared = "SHARED",
    }
}

words! {
    /// Which partner balance limits the partner's users.
    pub enum CollateralMode {
        /// None does.
        None = "NONE",
        /// `CREDIT` caps what users may be given.
        Credit = "CREDIT",
        /// `DEPOSIT` caps what users may spend.
        Deposit = "DEPOSIT",
    }
}

words! {
    /// Who decides verifications.
    pub enum KycMode {
        /// A person, in the panel.
        Manual = "MANUAL",
        /// A verifier.
        Automatic = "AUTOMATIC",
        /// The partner, which reports it with the user.
        External = "EXTERNAL",
    }
}

words! {
    /// Who decides KYB.
    pub enum KybBy {
        /// The operator alone.
        Operator = "OPERATOR",
        /// The partner's `ADMIN` as well: a licensed partner.
        Partner = "PARTNER",
    }
}

words! {
    /// Which description codes a partner is sent.
    pub enum DescriptionCodes {
        /// The seeds' alone.
        Seeds = "SEEDS",
        /// Ours beside them.
        Extended = "EXTENDED",
    }
}

words! {
    /// Which locks of their cards users may take off.
    pub enum UserMayUnlock {
        /// Each that can be taken off.
        AllReversible = "ALL_REVERSIBLE",
        /// Of those only the ones that they have put on.
        OwnLocks = "OWN_LOCKS",
    }
}

words! {
    /// Whether a partner may work.
    pub enum PartnerState {
        /// It may.
        Live = "LIVE",
        /// Its certificates are refused.
        Closed = "CLOSED",
    }
}

/// An institution whose users get cards: the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Ours.
    pub id: PartnerId,
    /// The `Issuer-Code` header's value: 1 to 64 of `a-z`, `0-9`, `-`.
    pub code: String,
    /// For people.
    pub name: String,
    /// Whether it may work.
    pub state: PartnerState,
    /// How it works.
    pub settings: Settings,
}

/// How a partner works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who holds the users' money.
    pub balance_mode: BalanceMode,
    /// Whether the partner is asked.
    pub authorization_mode: AuthorizationMode,
    /// Which partner balance limits the users.
    pub collateral_mode: CollateralMode,
    /// Who decides verifications.
    pub kyc_mode: KycMode,
    /// Who decides KYB.
    pub kyb_by: KybBy,
    /// Which description codes it is sent.
    pub description_codes: DescriptionCodes,
    /// IANA name of the zone of its days.
    pub time_zone: String,
    /// Whether sensitive calls of users' apps need a fresh signature of the device.
    pub step_up: bool,
    /// Which locks of their cards users may take off.
    pub user_may_unlock: UserMayUnlock,
    /// How long sessions of users' apps live.
    pub session: Lifetime,
    /// In which currency a user gets a balance as soon as their KYC succeeds, if they do.
    pub automatic_balance: Option<Currency>,
    /// How the partner is asked.
    pub asking: Asking,
    /// Whether the partner owns the range of numbers that its cards have, and so answers to the
    /// scheme itself.
    pub own_bin: bool,
}

impl Settings {
    /// Whether its modes go together: where the partner holds the money, its deposit stands for it
    /// to whom the range of numbers belongs (spec "Partner settings").
    #[must_use]
    pub fn agree(&self) -> bool {
        match (self.balance_mode, self.collateral_mode) {
            (BalanceMode::Internal, _) | (BalanceMode::External, CollateralMode::Deposit) => true,
            (BalanceMode::External, CollateralMode::None) => self.own_bin,
            (BalanceMode::External, CollateralMode::Credit) => false,
        }
    }
}

/// How a partner is asked about payments of its users (spec "External balance").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Within how many milliseconds it is to answer, if that is less than the processor leaves it.
    pub within_ms: Option<i64>,
    /// How many questions may be open at once on each node, 1 to 1,024.
    pub at_once: i64,
    /// How much may be paid with a card a day without the partner's answer, where it gives none, in
    /// minor units of the balance's currency; without it, nothing (spec "Shared authorization").
    pub stand_in: Option<i64>,
}

impl Default for Asking {
    fn default() -> Self {
        Self { within_ms: None, at_once: 64, stand_in: None }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            balance_mode: BalanceMode::Internal,
            authorization_mode: AuthorizationMode::Own,
            collateral_mode: CollateralMode::None,
            kyc_mode: KycMode::Manual,
            kyb_by: KybBy::Operator,
            description_codes: DescriptionCodes::Seeds,
            time_zone: "Etc/UTC".to_owned(),
            step_up: true,
            user_may_unlock: UserMayUnlock::AllReversible,
            session: Lifetime::APP,
            automatic_balance: None,
            asking: Asking::default(),
            own_bin: false,
        }
    }
}

/// Whether a text may be a partner's code.
#[must_use]
pub fn is_partner_code(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
