//! Users: register, find, change (`/lifecycle/v1`, spec "Users").

mod change;
mod find;
mod register;

pub(crate) use change::change;
pub(crate) use find::{find, find_by};
pub(crate) use register::register;

use domain::user::{Address, User};
use serde_json::{Value, json};

/// A user on the wire.
fn user_json(user: &User) -> Value {
    let profile = &user.profile;
    json!({
        "id": user.id.0,
        "firstName": profile.first_name,
        "lastName": profile.last_name,
        "phone": profile.phone.as_str(),
        "email": profile.email.as_str(),
        "birthDate": profile.birth_date.to_string(),
        "state": user.state.as_str(),
        "kyc": user.kyc.as_str(),
        "externalId": profile.external_id,
        "address": profile.address.as_ref().map(address_json),
    })
}

fn address_json(address: &Address) -> Value {
    json!({
        "street": address.street,
        "number": address.number,
        "apartment": address.apartment,
        "city": address.city,
        "postCode": address.post_code,
        "country": address.country.as_str(),
    })
}
