//! `POST /lifecycle/v1/wallet`: the quick start's first call.

use super::user_json;
use crate::Api;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::wire::{address, date, email, parsed, phone, text};
use app::users::Register;
use axum::extract::State;
use domain::Date;
use domain::user::{Kyc, Profile, UserState, is_birth_date};

/// Registers a user → 201 the user.
pub(crate) async fn register(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let command = read(&call, api.app.today())?;
    let user = api.app.register_user(call.scope()?, command, call.once(user_json)).await?;
    Ok(Answer::Created(user))
}

fn read(call: &Call, today: Date) -> Result<Register, Problem> {
    let mut fields = call.fields()?;
    let first_name = fields.required("firstName", text(100));
    let last_name = fields.required("lastName", text(100));
    let phone = fields.required("phone", phone);
    let email = fields.required("email", email);
    let birth_date = fields.required("birthDate", |value| birth_date(value, today));
    let state = fields.required("state", parsed(new_state, "must be NEW or VERIFIED"));
    let kyc = fields.required("kyc", parsed(Kyc::parse, KYC));
    let external_id = fields.optional("externalId", text(255));
    let address = address(&mut fields, "address");
    let (
        Some(first_name),
        Some(last_name),
        Some(phone),
        Some(email),
        Some(birth_date),
        Some(state),
        Some(kyc),
    ) = (first_name, last_name, phone, email, birth_date, state, kyc)
    else {
        return Err(fields.problem());
    };
    fields.finish()?;
    let profile = Profile { first_name, last_name, phone, email, birth_date, external_id, address };
    Ok(Register { profile, state, kyc })
}

/// What a KYC flag must be.
pub(super) const KYC: &str = "must be NONE, IN_PROGRESS, SUCCESS or REJECTED";

/// A user begins as one of these; locking and deleting have calls of their own.
fn new_state(text: &str) -> Option<UserState> {
    UserState::parse(text).filter(|state| match state {
        UserState::New | UserState::Verified => true,
        UserState::Locked | UserState::Deleted => false,
    })
}

/// A day on which a user can have been born.
pub(super) fn birth_date(value: &serde_json::Value, today: Date) -> crate::wire::Read<Date> {
    let born = date(value)?;
    if is_birth_date(born, today) {
        Ok(born)
    } else {
        Err("must be in the past and at most 120 years ago")
    }
}
