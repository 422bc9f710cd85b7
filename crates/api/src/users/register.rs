//! `POST /lifecycle/v1/wallet`: the quick start's first call.

use super::{TAG, UserJson};
use crate::Api;
use crate::answer::{Created, kept};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{Fields, Reader, address, checked, date, email, phone, text, word};
use app::Refusal;
use app::users::Register;
use domain::Date;
use domain::user::{Kyc, Profile, UserState, is_birth_date};
use serde_json::json;

/// Registers a user → 201 the user.
pub(crate) fn register() -> Endpoint {
    Endpoint::of(read, registered)
        .about(
            TAG,
            "Register a user",
            "E-mail and phone are unique in the partner. `state` and `kyc` other than `NEW` and \
             `NONE` need a partner that decides KYC itself.",
        )
        .example(json!({
            "firstName": "John",
            "lastName": "Doe",
            "phone": "+48123456789",
            "email": "john.doe@example.com",
            "birthDate": "1990-05-17",
            "state": "VERIFIED",
            "kyc": "SUCCESS",
            "externalId": "john-1",
            "address": {
                "street": "Main Street",
                "number": "1",
                "city": "Warsaw",
                "postCode": "00-001",
                "country": "PL",
            },
        }))
        .refuses(&[Refusal::UserAlreadyExists, Refusal::KycNotPermitted])
}

async fn registered(api: Api, head: Head, command: Register) -> Result<Created<UserJson>, Problem> {
    let once = head.once(kept::<_, UserJson>);
    Ok(Created::kept(api.app.register_user(head.scope()?, command, once).await?))
}

fn read(call: &Call) -> Result<Register, Problem> {
    read_user(call.fields()?, call.today)
}

/// Reads what tells of a user.
pub(super) fn read_user(mut fields: Fields<'_>, today: Date) -> Result<Register, Problem> {
    let first_name = fields.required("firstName", text(100));
    let last_name = fields.required("lastName", text(100));
    let phone = fields.required("phone", phone());
    let email = fields.required("email", email());
    let birth_date = fields.required("birthDate", birth_date(today));
    let state = fields.required("state", word(&BEGIN, "must be NEW or VERIFIED"));
    let kyc = fields.required("kyc", word(Kyc::ALL, KYC));
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
const BEGIN: [UserState; 2] = [UserState::New, UserState::Verified];

/// A day on which a user can have been born.
pub(crate) fn birth_date(today: Date) -> impl Reader<Date> {
    let past = move |born: &Date| is_birth_date(*born, today);
    checked(date(), past, "must be in the past and at most 120 years ago")
}
