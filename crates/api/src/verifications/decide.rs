//! `POST /admin/verifications/{verificationId}/accept` and `…/reject`.

use super::TAG;
use crate::Api;
use crate::answer::NoContent;
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::word;
use app::Refusal;
use domain::verification::{Decision, Reason};
use serde_json::{Value, json};

const REASONS: &str = "must be INVALID_CUSTOMER_DATA, BLURRED_DOCUMENT_PHOTO, \
                       INVALID_DOCUMENT_PHOTO, BLURRED_SELFIE or INVALID_SELFIE";

/// Accepts a form → 204.
pub(crate) fn accept() -> Endpoint {
    Endpoint::of(nothing, async |api, head, ()| decided(api, head, Decision::Accept).await)
        .about(
            TAG,
            "Accept a KYC form",
            "The user's `kyc` is `SUCCESS` from now on, and they get the partner's automatic \
             balance. Where the partner does its own KYC (`EXTERNAL`), the form alone changes.",
        )
        .refuses(&[Refusal::VerificationAlreadyDecided, Refusal::CustomerNotFound])
}

/// Rejects a form → 204.
pub(crate) fn reject() -> Endpoint {
    Endpoint::of(read, decided)
        .about(
            TAG,
            "Reject a KYC form",
            "The user's `kyc` is `REJECTED`, unless it has succeeded already or another form of \
             theirs is still looked at. A new form may follow.",
        )
        .example(json!({ "reason": "BLURRED_DOCUMENT_PHOTO" }))
        .refuses(&[Refusal::VerificationAlreadyDecided, Refusal::CustomerNotFound])
}

fn read(call: &Call) -> Result<Decision, Problem> {
    let mut fields = call.fields()?;
    match fields.required("reason", word(Reason::ALL, REASONS)) {
        Some(reason) => fields.finish().map(|()| Decision::Reject(reason)),
        None => Err(fields.problem()),
    }
}

async fn decided(api: Api, head: Head, decision: Decision) -> Result<NoContent, Problem> {
    let (id, once) = (head.verification()?, head.once(|()| Value::Null));
    api.app.decide_verification(head.scope()?, id, decision, once).await?;
    Ok(NoContent)
}
