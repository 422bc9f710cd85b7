//! What an audit record tells of a user: states as they are, personal fields as keyed digests.

use crate::App;
use domain::scope::Scope;
use domain::user::{Address, User};
use serde_json::{Value, json};

impl App {
    /// A user as audit records tell it.
    pub(super) fn user_facts(&self, scope: Scope, user: &User) -> Value {
        let digests = self.digests(scope.partner(), format!("user/{}", user.id.0));
        let profile = &user.profile;
        let address = profile.address.as_ref().map(address_text);
        json!({
            "firstName": digests.of("firstName", Some(&profile.first_name)),
            "lastName": digests.of("lastName", Some(&profile.last_name)),
            "phone": digests.of("phone", Some(profile.phone.as_str())),
            "email": digests.of("email", Some(profile.email.as_str())),
            "birthDate": digests.of("birthDate", Some(&profile.birth_date.to_string())),
            "externalId": digests.of("externalId", profile.external_id.as_deref()),
            "address": digests.of("address", address.as_deref()),
            "state": user.state.as_str(),
            "kyc": user.kyc.as_str(),
        })
    }
}

/// An address as one text, the same for the same address alone.
pub(crate) fn address_text(address: &Address) -> String {
    json!([
        address.street,
        address.number,
        address.apartment,
        address.city,
        address.post_code,
        address.country.as_str(),
    ])
    .to_string()
}
