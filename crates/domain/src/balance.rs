//! Balances: what an owner has, and what of it is held. A partner's own balances are among them.

mod lifecycle;

pub use lifecycle::BalanceRefusal;

use crate::gift::Gift;
use crate::ids::{BalanceId, CorporationId, OwnerId, UserId};
use crate::money::{Amount, AmountError, Currency};
use crate::partner::BalanceMode;
use crate::words::words;

words! {
    /// Whether a balance can be used.
    pub enum BalanceState {
        /// It can.
        Active = "ACTIVE",
        /// It takes no debits.
        Locked = "LOCKED",
        /// The partner is asked to link it to its books; it isn't there yet.
        Linking = "LINKING",
        /// The partner is asked to unlink it; it isn't there any more.
        Unlinking = "UNLINKING",
        /// Removed for good.
        Removed = "REMOVED",
    }
}

impl BalanceState {
    /// Whether there is such a balance, as far as anybody is told.
    #[must_use]
    pub const fn is_there(self) -> bool {
        match self {
            Self::Active | Self::Locked => true,
            Self::Linking | Self::Unlinking | Self::Removed => false,
        }
    }
}

words! {
    /// What a partner's own balance is for (spec "Partner balances").
    pub enum PartnerBalanceKind {
        /// Settles differences between the partner and the operator.
        Company = "COMPANY",
        /// Caps what users may be given, where we hold their money.
        Credit = "CREDIT",
        /// Caps what users may spend.
        Deposit = "DEPOSIT",
        /// Parks transfers that fit no user's balance.
        IbanTechnical = "IBAN_TECHNICAL",
    }
}

/// Whose money it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A user's.
    User(UserId),
    /// A corporation's.
    Corporation(CorporationId),
    /// The partner's own; one of each kind and currency at most.
    Partner(PartnerBalanceKind),
}

impl From<UserId> for Owner {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl Owner {
    /// The user, if it is one.
    #[must_use]
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::Corporation(_) | Self::Partner(_) => None,
        }
    }

    /// The user or the corporation, if it is one.
    #[must_use]
    pub fn id(self) -> Option<OwnerId> {
        match self {
            Self::User(id) => Some(id.into()),
            Self::Corporation(id) => Some(id.into()),
            Self::Partner(_) => None,
        }
    }

    /// The kind of a partner's own balance, if it is one.
    #[must_use]
    pub fn kind(self) -> Option<PartnerBalanceKind> {
        match self {
            Self::User(_) | Self::Corporation(_) => None,
            Self::Partner(kind) => Some(kind),
        }
    }
}

/// Who answers for what is paid: what they may do and have spent decides it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payers {
    /// The user whose the balance is, or who holds a corporation's card.
    pub user: Option<UserId>,
    /// The corporation whose the balance is.
    pub corporation: Option<CorporationId>,
}

impl Payers {
    /// Whose the balance is.
    #[must_use]
    pub fn owner(self) -> Option<OwnerId> {
        self.corporation.map(OwnerId::from).or(self.user.map(OwnerId::from))
    }
}

impl From<Owner> for Payers {
    /// Where there is no card.
    fn from(owner: Owner) -> Self {
        match owner {
            Owner::User(user) => Self { user: Some(user), corporation: None },
            Owner::Corporation(id) => Self { user: None, corporation: Some(id) },
            Owner::Partner(_) => Self::default(),
        }
    }
}

/// An account in one currency, of one owner; it never changes either, nor who holds its money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// `balanceId` on the wire.
    pub id: BalanceId,
    /// Whose money it is.
    pub owner: Owner,
    /// Its currency.
    pub currency: Currency,
    /// Who holds its money. Where the partner does, nothing is posted or held here.
    pub mode: BalanceMode,
    /// Whether it can be used.
    pub state: BalanceState,
    /// Movements in less movements out, in minor units; below zero only by force.
    pub posted: i64,
    /// What authorizations hold, in minor units; never below zero.
    pub held: Amount,
    /// Raised by one at each change.
    pub version: i64,
    /// What makes it a gift, if it is one.
    pub gift: Option<Gift>,
}

impl Balance {
    /// Whether the partner holds its money, and is asked about it.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.mode == BalanceMode::External
    }

    /// What can be spent now, if we know: of what the partner holds we don't.
    #[must_use]
    pub fn known_available(&self) -> Option<i64> {
        (!self.is_external()).then(|| self.available())
    }

    /// What can be spent now: posted less held. A merchant may clear a hold at any moment, so a
    /// hold counts as spent.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.posted.saturating_sub(self.held.minor())
    }

    /// Whether this much can be spent.
    #[must_use]
    pub fn covers(&self, amount: Amount) -> bool {
        self.available() >= amount.minor()
    }

    /// Holds an amount.
    pub fn hold(&mut self, amount: Amount) -> Result<(), AmountError> {
        self.held = self.held.checked_add(amount)?;
        Ok(())
    }

    /// Lets go of what was held.
    pub fn release(&mut self, amount: Amount) -> Result<(), AmountError> {
        self.held = self.held.checked_sub(amount)?;
        Ok(())
    }

    /// Takes money in.
    pub fn credit(&mut self, amount: Amount) -> Result<(), AmountError> {
        self.posted = self.posted.checked_add(amount.minor()).ok_or(AmountError::Overflow)?;
        Ok(())
    }

    /// Gives money out, below zero if need be: whether it may is decided before.
    pub fn debit(&mut self, amount: Amount) -> Result<(), AmountError> {
        self.posted = self.posted.checked_sub(amount.minor()).ok_or(AmountError::Overflow)?;
        Ok(())
    }
}
