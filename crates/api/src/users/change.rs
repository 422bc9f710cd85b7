//! `PUT /lifecycle/v1/users/{id}`: changes the fields that are sent.

use super::register::{KYC, birth_date};
use super::user_json;
use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::wire::{address, email, parsed, phone, text};
use app::users::Changes;
use axum::extract::State;
use domain::Date;
use domain::user::{Kyc, UserState};

/// Changes a user → 200 the user.
pub(crate) async fn change(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let changes = read(&call, api.app.today())?;
    let once = call.once(user_json);
    Ok(Answer::ok(api.app.change_user(call.scope()?, call.user()?, changes, once).await?))
}

fn read(call: &Call, today: Date) -> Result<Changes, Problem> {
    let mut fields = call.fields()?;
    let changes = Changes {
        first_name: fields.optional("firstName", text(100)),
        last_name: fields.optional("lastName", text(100)),
        phone: fields.optional("phone", phone),
        email: fields.optional("email", email),
        birth_date: fields.optional("birthDate", |value| birth_date(value, today)),
        external_id: fields.optional("externalId", text(255)),
        address: address(&mut fields, "address"),
        state: fields.optional("state", parsed(state, "must be NEW, VERIFIED or LOCKED")),
        kyc: fields.optional("kyc", parsed(Kyc::parse, KYC)),
    };
    fields.finish()?;
    Ok(changes)
}

/// A deletion has a call of its own.
fn state(text: &str) -> Option<UserState> {
    UserState::parse(text).filter(|state| *state != UserState::Deleted)
}
