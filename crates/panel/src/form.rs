//! A form that was sent: its fields, read once its token was found to be the session's.

use crate::Panel;
use crate::answer::Failed;
use crate::session::{Staff, is_ours};
use app::Once;
use app::admins::{Confirmation, Password};
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Multipart, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of a form at most.
const FORM_MAX: usize = 64 * 1024;
/// Characters of the name that a form is known by.
const ONCE_MAX: usize = 64;
/// Fields that no page shows again.
const UNSHOWN: [&str; 4] = ["csrf", "once", "totp", "password"];
/// What a file reads as that is no text.
const NO_TEXT: &str = "\u{fffd}";

/// A form that was sent by a page of this session.
#[derive(Clone)]
pub(crate) struct Posted(Arc<Sent>);

struct Sent {
    fields: BTreeMap<String, String>,
    endpoint: String,
    fingerprint: [u8; 32],
    origin: app::audit::Origin,
}

impl Posted {
    /// A field, without the blanks around it; empty where there is none.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.0.fields.get(name).map_or("", |value| value.trim())
    }

    /// A password, with the blanks around it.
    pub(crate) fn password(&self, name: &str) -> Password {
        Password::new(self.0.fields.get(name).cloned().unwrap_or_default())
    }

    /// A field, if something was typed.
    pub(crate) fn typed(&self, name: &str) -> Option<&str> {
        Some(self.field(name)).filter(|value| !value.is_empty())
    }

    /// What is shown again of it where it isn't done: all but what proves who has sent it.
    pub(crate) fn shown_again(&self) -> BTreeMap<String, String> {
        let fields = self.0.fields.iter().filter(|(name, _)| !UNSHOWN.contains(&name.as_str()));
        fields.map(|(name, value)| (name.clone(), value.trim().to_owned())).collect()
    }

    /// Those of some fields that were sent.
    pub(crate) fn fields(&self, names: &[&str]) -> BTreeMap<String, String> {
        let sent = self.0.fields.iter().filter(|(name, _)| names.contains(&name.as_str()));
        sent.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// What makes the command be done once, however often the button is pressed.
    pub(crate) fn once<T>(&self) -> Once<T> {
        self.once_kept(|_| Value::Null)
    }

    /// The same, where the answer is needed.
    pub(crate) fn once_kept<T>(&self, render: fn(&T) -> Value) -> Once<T> {
        let key = self.typed("once").filter(|key| key.len() <= ONCE_MAX).map(str::to_owned);
        Once {
            endpoint: self.0.endpoint.clone(),
            key,
            fingerprint: self.0.fingerprint,
            origin: self.0.origin.clone(),
            render,
        }
    }
}

/// The code that a form asks for where something grave is done.
pub(crate) fn confirmation<'a>(panel: &Panel, posted: &'a Posted) -> Confirmation<'a> {
    Confirmation { code: posted.typed("totp"), real_now: (panel.real_time)() }
}

impl<S: Sync> FromRequestParts<S> for Posted {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        parts.extensions.get::<Self>().cloned().ok_or(Failed::Broken)
    }
}

/// Reads a form of a session.
pub(crate) async fn posted(
    panel: &Panel,
    staff: &Staff,
    parts: &Parts,
    body: Body,
) -> Result<Posted, Failed> {
    let (fields, bytes) = fields(parts, body).await?;
    if fields.get("csrf").is_none_or(|sent| *sent != staff.csrf) {
        return Err(Failed::OldForm);
    }
    let path = parts.uri.path();
    let route = parts.extensions.get::<axum::extract::MatchedPath>();
    let endpoint = format!("POST {}", route.map_or(path, |route| route.as_str()));
    let account = staff.session.account.0;
    let fingerprint = panel.app.keyring.fingerprint(&[account.as_bytes(), path.as_bytes(), &bytes]);
    let origin = staff.origin.clone();
    Ok(Posted(Arc::new(Sent { fields, endpoint, fingerprint, origin })))
}

/// The fields of a form that a page of ours has sent. Of several with one name the last counts.
pub(crate) async fn fields(
    parts: &Parts,
    body: Body,
) -> Result<(BTreeMap<String, String>, Vec<u8>), Failed> {
    if !is_ours(parts) {
        return Err(Failed::OldForm);
    }
    let bytes = to_bytes(body, FORM_MAX).await.map_err(|_| Failed::TooLarge)?.to_vec();
    let (fields, bytes) = if is_in_parts(parts) {
        let fields = in_parts(parts, bytes).await?;
        // The same form has another border between its parts each time that it is sent.
        let same = serde_urlencoded::to_string(&fields).map_err(|_| Failed::Unreadable)?;
        (fields, same.into_bytes())
    } else {
        let fields = serde_urlencoded::from_bytes::<Vec<(String, String)>>(&bytes);
        (fields.map_err(|_| Failed::Unreadable)?.into_iter().collect(), bytes)
    };
    // PostgreSQL keeps no text that has one, and nobody types one.
    if fields.values().any(|value: &String| value.contains('\0')) {
        return Err(Failed::Unreadable);
    }
    Ok((fields, bytes))
}

/// Whether a form comes in parts, as one with a file does.
fn is_in_parts(parts: &Parts) -> bool {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("multipart/form-data"))
}

/// The fields of such a form. A file is a field as well, and where it is no text it reads as one
/// that nothing takes.
async fn in_parts(parts: &Parts, bytes: Vec<u8>) -> Result<BTreeMap<String, String>, Failed> {
    let request = Request::from_parts(parts.clone(), Body::from(bytes));
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|_| Failed::Unreadable)?;
    let mut fields = BTreeMap::new();
    while let Some(part) = form.next_field().await.map_err(|_| Failed::Unreadable)? {
        let (name, is_file) =
            (part.name().unwrap_or_default().to_owned(), part.file_name().is_some());
        let bytes = part.bytes().await.map_err(|_| Failed::Unreadable)?.to_vec();
        let value = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(_) if is_file => NO_TEXT.to_owned(),
            Err(_) => return Err(Failed::Unreadable),
        };
        let value = if is_file && value.contains('\0') { NO_TEXT.to_owned() } else { value };
        fields.insert(name, value);
    }
    Ok(fields)
}
