//! Sessions of users' apps.

use crate::Api;
use crate::answer::{Created, NoContent};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::{base64, moment, text, uuid};
use app::Refusal;
use app::sessions::{Begun, Signed};
use crypto::identity::{TOKEN_LEN_MAX, Token};
use domain::ids::InstallationId;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// The chapter of the documents.
const TAG: &str = "Sessions";
/// More than a challenge has.
const LONG: usize = 200;
/// What a device signs to begin a session.
const BEGINS: &str = "POST\n/customers/sessions";

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

/// What a device is to sign to begin a session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionChallenge)]
struct NonceJson {
    /// The text.
    nonce: String,
    /// Until when.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// A session that was begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
struct SessionJson {
    /// What each call sends, as `Authorization: Bearer …`.
    session_token: String,
    /// When it ends.
    #[schema(format = DateTime)]
    expires_at: String,
}

impl From<&Begun> for SessionJson {
    fn from(begun: &Begun) -> Self {
        let (token, expires_at) = (begun.token.to_string(), moment(begun.expires_at));
        Self { session_token: token, expires_at }
    }
}

/// `POST /customers/me/step-up` → 201 `{"challenge", "expiresAt"}`.
pub(crate) fn challenge() -> Endpoint {
    Endpoint::of(nothing, challenged)
        .about(
            TAG,
            "Ask for something to sign",
            "Calls that show or change what only the cardholder knows want `X-Step-Up`: the device \
             signs this text together with method and path of the call, within 60 seconds. \
             Whatever comes of that call, the text is used up. A session that a trusted identity \
             began is of no device, and gets none.",
        )
        .refuses(&[Refusal::DeviceNotFound])
}

async fn challenged(api: Api, head: Head, (): ()) -> Result<Created<ChallengeJson>, Problem> {
    let made = api.app.challenge(head.caller().session()?).await?;
    let (challenge, expires_at) = (made.text, moment(made.expires_at));
    Ok(Created::with(&ChallengeJson { challenge, expires_at }))
}

/// `POST /customers/sessions/challenge` → 201 `{"nonce", "expiresAt"}`.
pub(crate) fn nonce() -> Endpoint {
    Endpoint::of(read_installation, made)
        .about(
            TAG,
            "Ask for something to sign, to begin a session",
            "The device signs it within 60 seconds, once. Whether there is such an installation \
             isn't told. No key is kept for this call.",
        )
        .example(json!({ "installationId": "1fbd2f4c-8f57-4b0e-8c1d-2f6a2f1b3c4d" }))
}

fn read_installation(call: &Call) -> Result<InstallationId, Problem> {
    let mut fields = call.fields()?;
    let Some(id) = fields.required("installationId", uuid()) else { return Err(fields.problem()) };
    fields.finish()?;
    Ok(InstallationId(id))
}

async fn made(api: Api, _: Head, id: InstallationId) -> Result<Created<NonceJson>, Problem> {
    let made = api.app.session_challenge(id).await?;
    let (nonce, expires_at) = (made.text, moment(made.expires_at));
    Ok(Created::with(&NonceJson { nonce, expires_at }))
}

/// `POST /customers/sessions` → 201 `{"sessionToken", "expiresAt"}`.
pub(crate) fn begin() -> Endpoint {
    Endpoint::of(read, begun)
        .about(
            TAG,
            "Begin a session",
            "The device signs `NONCE\\nPOST\\n/customers/sessions` (ECDSA on P-256 with SHA-256, \
             the signature as DER in base64) with the key that it was paired with. What was wrong \
             isn't told, and the nonce is used up either way. No key is kept for this call.",
        )
        .example(json!({
            "installationId": "1fbd2f4c-8f57-4b0e-8c1d-2f6a2f1b3c4d",
            "nonce": "q8m0YB0o1m7Hf0bXgk1v3m4k2xQ0o9l8s7d6f5g4h3j",
            "signature": "MEQCIBGXgRLKG73K+sIxs5oj3E2nhu/4FHxOcrmAd4Wv7ki7AiAiI+gWADlZ\
                          SjOJT2Vk4bE0i716AIjULErLc+6u1ZwAnQ==",
        }))
}

fn read(call: &Call) -> Result<(InstallationId, Signed), Problem> {
    let mut fields = call.fields()?;
    let installation = fields.required("installationId", uuid());
    let nonce = fields.required("nonce", text(LONG));
    let signature = fields.required("signature", base64(Some, "must be base64"));
    let (Some(installation), Some(challenge), Some(signature)) = (installation, nonce, signature)
    else {
        return Err(fields.problem());
    };
    fields.finish()?;
    let signed = Signed { challenge, signature, call: BEGINS.to_owned() };
    Ok((InstallationId(installation), signed))
}

async fn begun(
    api: Api,
    _: Head,
    (installation, signed): (InstallationId, Signed),
) -> Result<Created<SessionJson>, Problem> {
    let begun = api.app.begin_session(installation, &signed).await?.ok_or_else(refused)?;
    Ok(Created::with(&SessionJson::from(&begun)))
}

/// Which of them isn't told.
fn refused() -> Problem {
    let detail = "The installation has ended, its signature isn't its own over a fresh nonce, or \
                  its user may not act; or the token isn't one of a trusted identity, isn't fresh \
                  or was used.";
    Problem::unauthorized("SESSION_REFUSED", detail)
}

/// `POST /customers/sessions/trusted-identity` → 201 `{"sessionToken", "expiresAt"}`.
pub(crate) fn begin_trusted() -> Endpoint {
    Endpoint::of(read_token, trusted)
        .about(
            TAG,
            "Begin a session by a trusted identity",
            "For partners that know their users by a way of their own: a compact JWS, RS256, with \
             its certificates in `x5c` and the claims `userId`, `iat` (60 seconds old at most) and \
             `jti` (used once). The certificate's common name and the authority that it leads to \
             are those that the operator has set for the partner. What was wrong isn't told. Such \
             a session is of no device, so calls that want `X-Step-Up` are refused in it. No key \
             is kept for this call.",
        )
        .example(json!({
            "token": "eyJhbGciOiJSUzI1NiIsIng1YyI6WyJNSUlCLi4uIl19.eyJ1c2VySWQiOjd9.c2ln",
        }))
}

fn read_token(call: &Call) -> Result<String, Problem> {
    let mut fields = call.fields()?;
    let Some(token) = fields.required("token", text(TOKEN_LEN_MAX)) else {
        return Err(fields.problem());
    };
    fields.finish()?;
    Ok(token)
}

async fn trusted(api: Api, _: Head, text: String) -> Result<Created<SessionJson>, Problem> {
    let token = Token::parse(&text).map_err(|_| refused())?;
    let begun = api.app.begin_trusted_session(&token, (api.real_time)()).await?;
    Ok(Created::with(&SessionJson::from(&begun.ok_or_else(refused)?)))
}

/// `DELETE /customers/sessions/current` → 204.
pub(crate) fn end() -> Endpoint {
    Endpoint::of(nothing, ended).about(
        TAG,
        "End the session",
        "The token opens nothing any more; the device stays paired.",
    )
}

async fn ended(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    api.app.end_session(head.caller().session()?).await?;
    Ok(NoContent)
}
