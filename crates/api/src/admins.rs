//! Sessions of panel accounts, and the accounts themselves.

pub(crate) mod accounts;
pub(crate) mod own;

use crate::Api;
use crate::answer::{Created, NoContent};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::{Reader, moment, text};
use app::admins::Credentials;
use crypto::password::Password;
use domain::admin::Role;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// The chapter of the documents.
const TAG: &str = "Sessions";
/// More than a password has.
const LONG: usize = 200;

/// A code that is typed once more where something grave is done.
pub(crate) fn confirming() -> impl Reader<String> {
    text(LONG)
}

type RoleName = crate::answer::Named<Role>;

/// A session that was begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AdminSession)]
struct SessionJson {
    /// What each call sends, as `Authorization: Bearer …`.
    token: String,
    /// What may be done with it.
    role: RoleName,
    /// The code of the partner that it is for; null for the operator's.
    partner: Option<String>,
    /// When it ends, unless it is used: 15 minutes after the last call, 12 hours after the first.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Whether a password and an authenticator of one's own are to be set before anything else.
    secrets_to_renew: bool,
}

/// `POST /admin/sessions` → 201 `{"token", "role", "partner", "expiresAt"}`.
pub(crate) fn sign_in() -> Endpoint {
    Endpoint::of(read, signed_in)
        .about(
            TAG,
            "Sign in",
            "With e-mail address, password and the authenticator's code, which opens once. What \
             was wrong isn't told; ten failures in a row lock the account for half an hour. No key \
             is kept for this call.",
        )
        .example(json!({
            "email": "ann@acme.example", "password": "0123456789abcdefghijklmn", "totp": "123456",
        }))
}

fn read(call: &Call) -> Result<Credentials, Problem> {
    let mut fields = call.fields()?;
    let email = fields.required("email", text(LONG));
    let password = fields.required("password", text(LONG)).map(Password::new);
    let code = fields.required("totp", text(LONG));
    let (Some(email), Some(password), Some(code)) = (email, password, code) else {
        return Err(fields.problem());
    };
    fields.finish()?;
    Ok(Credentials { email, password, code })
}

async fn signed_in(
    api: Api,
    head: Head,
    credentials: Credentials,
) -> Result<Created<SessionJson>, Problem> {
    let begun = api.app.sign_in(credentials, (api.real_time)(), head.origin()).await?;
    let begun = begun.ok_or_else(|| {
        let detail = "E-mail address, password or code is wrong, or the account is locked or shut.";
        Problem::unauthorized("SIGN_IN_REFUSED", detail)
    })?;
    let settings = api.app.settings.get();
    let partner = begun.account.partner.and_then(|id| settings.partner(id));
    Ok(Created::with(&SessionJson {
        token: begun.token.to_string(),
        role: crate::answer::Named(begun.account.role),
        partner: partner.map(|partner| partner.code.clone()),
        expires_at: moment(begun.expires_at),
        secrets_to_renew: begun.account.secrets_shown,
    }))
}

/// `DELETE /admin/sessions/current` → 204.
pub(crate) fn sign_out() -> Endpoint {
    Endpoint::of(nothing, signed_out).about(TAG, "Sign out", "The token opens nothing any more.")
}

async fn signed_out(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    api.app.sign_out(head.caller().admin()?, head.origin()).await?;
    Ok(NoContent)
}
