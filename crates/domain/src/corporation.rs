//! Corporations: companies that hold balances and give cards to their people (spec
//! "Corporations").

pub mod document;
mod kyb;

pub use kyb::{KybDecision, KybRefusal, Missing, missing};

use crate::authorization::OwnerFacts;
use crate::ids::{CorporationId, UserId};
use crate::user::{Address, Country, UserState};
use crate::words::words;
use jiff::civil::Date;
use uuid::Uuid;

words! {
    /// What came of knowing the business.
    pub enum Kyb {
        /// Nothing yet.
        None = "NONE",
        /// Its documents are being looked at.
        InProgress = "IN_PROGRESS",
        /// Verified: balances and cards are allowed.
        Accepted = "ACCEPTED",
        /// Refused.
        Rejected = "REJECTED",
        /// Something has to be told first.
        OnHold = "ON_HOLD",
    }
}

/// A company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corporation {
    /// Its number.
    pub id: CorporationId,
    /// `dcCorporationId` on the wire.
    pub resource: Uuid,
    /// What it is.
    pub profile: Profile,
    /// What came of KYB.
    pub kyb: Kyb,
    /// Where the check that was made elsewhere is on record.
    pub kyb_reference: Option<String>,
    /// Raised by one at each change.
    pub version: i64,
}

/// What a partner tells of a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its registered name.
    pub name: String,
    /// Its number in the register of its country; unique in the partner.
    pub registration_number: String,
    /// Its tax number.
    pub tax_id: Option<String>,
    /// Where it is registered.
    pub country: Country,
    /// Its seat.
    pub address: Address,
}

/// Who acts for a company, and who owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persons {
    /// Who speaks for it.
    pub representative: Person,
    /// Its board.
    pub board: Vec<Person>,
    /// Who owns it.
    pub beneficiaries: Vec<Beneficiary>,
}

/// Somebody of a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Day of birth.
    pub birth_date: Date,
    /// Nationality.
    pub nationality: Country,
    /// The user whose verification proves who it is.
    pub user: Option<UserId>,
}

/// An owner of a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beneficiary {
    /// Who it is.
    pub person: Person,
    /// How much of it is theirs, in hundredths of a percent.
    pub share: i64,
}

impl Person {
    /// Whether somebody of this name and birth date is this person, as far as those can tell,
    /// whatever the case of the letters.
    #[must_use]
    pub fn is(&self, (first_name, last_name, birth_date): (&str, &str, Date)) -> bool {
        self.birth_date == birth_date
            && self.first_name.to_lowercase() == first_name.to_lowercase()
            && self.last_name.to_lowercase() == last_name.to_lowercase()
    }

    /// Whether both are told of as the same.
    #[must_use]
    pub fn is_named_as(&self, other: &Self) -> bool {
        let same_user = self.user.is_some() && self.user == other.user;
        same_user || self.is((&other.first_name, &other.last_name, other.birth_date))
    }
}

/// The shares of all owners at most, in hundredths of a percent.
pub const WHOLE: i64 = 10_000;

impl Kyb {
    /// What the engine is told of a corporation: one that isn't accepted any more may not act.
    #[must_use]
    pub fn facts(self, under_lock: bool) -> OwnerFacts {
        let state = match self {
            Self::Accepted => UserState::Verified,
            Self::None | Self::InProgress | Self::Rejected | Self::OnHold => UserState::Locked,
        };
        OwnerFacts { state, under_lock }
    }
}
