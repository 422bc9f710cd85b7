//! Users: register, import, find, look for, change (spec "Users").

mod change;
mod find;
mod import;
mod inactive;
mod limits;
mod lock;
mod register;
mod remove;
mod search;
mod transactional_locks;

pub(crate) use change::change;
pub(crate) use find::{find, find_by};
pub(crate) use import::{import, import_progress};
pub(crate) use inactive::inactive;
pub(crate) use limits::{limits, set_limits};
pub(crate) use lock::{lock, set_address, unlock};
pub(crate) use register::{birth_date, register};
pub(crate) use remove::remove;
pub(crate) use search::{known, search};
pub(crate) use transactional_locks::{
    set_transactional_lock, take_off_transactional_lock, transactional_locks,
};

use crate::answer::Named;
use domain::user::{Address, Kyc, User, UserState};
use serde::Serialize;
use utoipa::ToSchema;

/// The chapter of the documents.
const TAG: &str = "Users";

type State = Named<UserState>;
type KycState = Named<Kyc>;

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
struct UserJson {
    /// Its id: `customerId` in paths, `dcUserId` in bodies.
    id: i64,
    /// Given name.
    first_name: String,
    /// Family name.
    last_name: String,
    /// Digits with an optional `+`.
    phone: String,
    /// As it was written.
    email: String,
    /// Day of birth.
    #[schema(format = Date)]
    birth_date: String,
    /// Where they stand.
    state: State,
    /// What came of KYC.
    kyc: KycState,
    /// The partner's own name for the user.
    external_id: Option<String>,
    /// Where they live.
    address: Option<AddressJson>,
}

/// A postal address.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Address)]
pub(crate) struct AddressJson {
    /// Street.
    street: String,
    /// House.
    number: String,
    /// Flat.
    apartment: Option<String>,
    /// City.
    city: String,
    /// Postal code.
    post_code: String,
    /// ISO 3166-1 alpha-2.
    country: String,
}

impl From<&User> for UserJson {
    fn from(user: &User) -> Self {
        let profile = &user.profile;
        Self {
            id: user.id.0,
            first_name: profile.first_name.clone(),
            last_name: profile.last_name.clone(),
            phone: profile.phone.as_str().to_owned(),
            email: profile.email.as_str().to_owned(),
            birth_date: profile.birth_date.to_string(),
            state: Named(user.state),
            kyc: Named(user.kyc),
            external_id: profile.external_id.clone(),
            address: profile.address.as_ref().map(AddressJson::from),
        }
    }
}

impl From<&Address> for AddressJson {
    fn from(address: &Address) -> Self {
        Self {
            street: address.street.clone(),
            number: address.number.clone(),
            apartment: address.apartment.clone(),
            city: address.city.clone(),
            post_code: address.post_code.clone(),
            country: address.country.as_str().to_owned(),
        }
    }
}
