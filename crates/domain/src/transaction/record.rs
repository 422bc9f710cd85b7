//! What the record of a transaction tells beside what it asked for and what became of it.

use crate::balance::PartnerBalanceKind;
use crate::ids::BalanceId;
use crate::words::words;
use uuid::Uuid;

words! {
    /// What a transaction is paid by (`resource` of the seeds).
    pub enum ResourceKind {
        /// A card.
        Card = "card",
        /// A user's balance, without a card.
        Balance = "balance",
        /// The partner's `CREDIT`.
        CreditBalance = "creditBalance",
        /// The partner's `DEPOSIT`.
        DepositBalance = "depositBalance",
        /// The partner's `COMPANY`.
        CompanyBalance = "companyBalance",
        /// The partner's `IBAN_TECHNICAL`.
        IbanTechnicalBalance = "ibanTechnicalBalance",
    }
}

/// What a transaction is paid by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub kind: ResourceKind,
    /// The card's UUID (`resourceId`, not its number) or the balance's id.
    pub id: Option<Uuid>,
}

impl Resource {
    /// The message named a card that isn't there.
    pub const UNKNOWN: Self = Self { kind: ResourceKind::Card, id: None };

    /// A card, by its UUID.
    #[must_use]
    pub fn card(resource: Uuid) -> Self {
        Self { kind: ResourceKind::Card, id: Some(resource) }
    }

    /// A balance without a card: a user's, or of this kind the partner's own.
    #[must_use]
    pub fn balance(id: BalanceId, kind: Option<PartnerBalanceKind>) -> Self {
        let kind = match kind {
            None => ResourceKind::Balance,
            Some(PartnerBalanceKind::Company) => ResourceKind::CompanyBalance,
            Some(PartnerBalanceKind::Credit) => ResourceKind::CreditBalance,
            Some(PartnerBalanceKind::Deposit) => ResourceKind::DepositBalance,
            Some(PartnerBalanceKind::IbanTechnical) => ResourceKind::IbanTechnicalBalance,
        };
        Self { kind, id: Some(id.0) }
    }
}

words! {
    /// Who said yes or no.
    pub enum DecidedBy {
        /// Our checks.
        Platform = "PLATFORM",
        /// The network: it told of what had happened, and nobody asked us.
        Network = "NETWORK",
        /// The partner: it was asked, and said so.
        Partner = "PARTNER",
        /// We, in place of a partner that gave no answer.
        StandIn = "STAND_IN",
    }
}
