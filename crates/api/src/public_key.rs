//! The key that requests are encrypted for.

use crate::Api;
use crate::answer::Done;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

/// The key that requests are encrypted for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PublicKey)]
struct PublicKeyJson {
    /// Base64 of its PEM.
    public_key: String,
    /// Its name in tokens.
    kid: String,
}

/// `GET …/public-key` → `{"publicKey": "<base64 of the PEM>", "kid": "<its name in tokens>"}`.
pub(crate) fn show() -> Endpoint {
    Endpoint::of(nothing, shown).about(
        "Encryption",
        "Show our public key",
        "The RSA key to encrypt requests for, with RSA-OAEP-256 and A256GCM. A token \
         that names its `kid` is tried with that key alone.",
    )
}

async fn shown(api: Api, _: Head, (): ()) -> Result<Done<PublicKeyJson>, Problem> {
    let keys = api.app.jwe_keys.get();
    let key = keys.current()?;
    let shown = PublicKeyJson { public_key: key.public_header(), kid: key.kid().to_owned() };
    Ok(Done::with(&shown))
}
