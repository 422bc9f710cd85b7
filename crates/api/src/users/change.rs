//! `PUT /lifecycle/v1/users/{id}`: changes the fields that are sent.

use super::register::{KYC, birth_date};
use super::{TAG, UserJson};
use crate::Api;
use crate::answer::{Done, kept};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{address, email, phone, text, word};
use app::Refusal;
use app::users::Changes;
use domain::user::{Kyc, UserState};
use serde_json::json;

/// Changes a user → 200 the user.
pub(crate) fn change() -> Endpoint {
    Endpoint::of(read, changed)
        .about(TAG, "Change a user", "What isn't sent stays; an address is replaced as a whole.")
        .example(json!({ "lastName": "Smith" }))
        .refuses(&[Refusal::UserAlreadyExists, Refusal::KycNotPermitted])
}

async fn changed(api: Api, head: Head, changes: Changes) -> Result<Done<UserJson>, Problem> {
    let once = head.once(kept::<_, UserJson>);
    Ok(Done::kept(api.app.change_user(head.scope()?, head.user()?, changes, once).await?))
}

fn read(call: &Call) -> Result<Changes, Problem> {
    let mut fields = call.fields()?;
    let changes = Changes {
        first_name: fields.optional("firstName", text(100)),
        last_name: fields.optional("lastName", text(100)),
        phone: fields.optional("phone", phone()),
        email: fields.optional("email", email()),
        birth_date: fields.optional("birthDate", birth_date(call.today)),
        external_id: fields.optional("externalId", text(255)),
        address: address(&mut fields, "address"),
        state: fields.optional("state", word(&STATES, "must be NEW, VERIFIED or LOCKED")),
        kyc: fields.optional("kyc", word(Kyc::ALL, KYC)),
    };
    fields.finish()?;
    Ok(changes)
}

/// A deletion has a call of its own.
const STATES: [UserState; 3] = [UserState::New, UserState::Verified, UserState::Locked];
