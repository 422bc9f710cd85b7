//! Sessions of users' apps.

use crate::Api;
use crate::answer::Created;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::moment;
use serde::Serialize;
use utoipa::ToSchema;

/// The chapter of the documents.
const TAG: &str = "Sessions";

/// What a device is to sign.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Challenge)]
struct ChallengeJson {
    /// The text, to be signed for one call.
    challenge: String,
    /// Until when.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// `POST /customers/me/step-up` → 201 `{"challenge", "expiresAt"}`.
pub(crate) fn challenge() -> Endpoint {
    Endpoint::of(nothing, challenged).about(
        TAG,
        "Ask for something to sign",
        "Calls that show or change what only the cardholder knows want `X-Step-Up`: the device \
         signs this text together with method and path of the call, within 60 seconds. Whatever \
         comes of that call, the text is used up.",
    )
}

async fn challenged(api: Api, head: Head, (): ()) -> Result<Created<ChallengeJson>, Problem> {
    let made = api.app.challenge(head.caller().session()?).await?;
    let (challenge, expires_at) = (made.text, moment(made.expires_at));
    Ok(Created::with(&ChallengeJson { challenge, expires_at }))
}
