//! `/admin/me…`: what opens one's own account. It is all that an account may do whose secrets were
//! shown to somebody else.

use super::LONG;
use crate::Api;
use crate::answer::{Created, NoContent};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::text;
use app::Refusal;
use app::admins::{Renewal, Taken};
use crypto::password::Password;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// The chapter of the documents.
const TAG: &str = "Sessions";
/// Characters of an offer's name at most.
const OFFER_MAX: usize = 500;

/// An authenticator that may become one's own.
#[derive(Serialize, ToSchema)]
#[schema(as = OfferedAuthenticator)]
struct OfferJson {
    /// What an authenticator reads (`otpauth://…`, mostly shown as a QR code), told this once.
    authenticator: String,
    /// What names the offer where it is taken, in this session.
    offer: String,
}

/// Offers an authenticator → 201.
pub(crate) fn offer() -> Endpoint {
    Endpoint::of(nothing, offered).about(
        TAG,
        "Ask for another authenticator of your own",
        "It opens nothing until it is taken by `PUT /admin/me/secrets`, with a code of it. No key \
         is kept for this call.",
    )
}

async fn offered(api: Api, head: Head, (): ()) -> Result<Created<OfferJson>, Problem> {
    let offer = api.app.offer_authenticator(head.caller().admin()?).await?;
    let authenticator = offer.code_url.to_string();
    Ok(Created::with(&OfferJson { authenticator, offer: offer.name }))
}

/// Changes what opens one's own account → 204.
pub(crate) fn renew() -> Endpoint {
    Endpoint::of(read, renewed)
        .about(
            TAG,
            "Change your own password and authenticator",
            "`password` and `totp` are those until then, tried as at a sign-in: ten failures in a \
             row lock the account. What is left out stays: `newPassword`, of 12 to 128 characters \
             and none that is guessed first; `offer` with `newTotp`, a code of the authenticator \
             that was offered. Whoever has `secretsToRenew` sends all but `totp`. All other \
             sessions of the account end. No key is kept for this call.",
        )
        .example(json!({
            "password": "0123456789abcdefghijklmn", "totp": "123456",
            "newPassword": "some words that only I know",
        }))
        .refuses(&[
            Refusal::ConfirmationRefused,
            Refusal::PasswordInvalid,
            Refusal::PasswordGuessable,
            Refusal::AuthenticatorCodeWrong,
        ])
}

fn read(call: &Call) -> Result<Renewal, Problem> {
    let mut fields = call.fields()?;
    let password = fields.required("password", text(LONG)).map(Password::new);
    let code = fields.optional("totp", text(LONG));
    let new_password = fields.optional("newPassword", text(LONG)).map(Password::new);
    let offer = fields.optional("offer", text(OFFER_MAX));
    let new_code = fields.optional("newTotp", text(LONG));
    match (fields.has("offer"), fields.has("newTotp")) {
        (true, false) => fields.missing("newTotp"),
        (false, true) => fields.missing("offer"),
        (false, false) if !fields.has("newPassword") => fields.missing("newPassword"),
        (true, true) | (false, false) => {}
    }
    let Some(password) = password else { return Err(fields.problem()) };
    fields.finish()?;
    let authenticator = offer.zip(new_code).map(|(offer, code)| Taken { offer, code });
    Ok(Renewal { password, code, new_password, authenticator })
}

async fn renewed(api: Api, head: Head, renewal: Renewal) -> Result<NoContent, Problem> {
    let (caller, now) = (head.caller(), (api.real_time)());
    api.app.renew_own_secrets(caller.admin()?, renewal, now, head.origin()).await?;
    Ok(NoContent)
}
