//! Signing in and out.

use crate::Panel;
use crate::answer::{Answer, Failed, see, show};
use crate::filters;
use crate::form::fields;
use crate::frame::Frame;
use crate::session::{COOKIE, Staff};
use crate::texts::text;
use app::admins::Credentials;
use app::audit::Origin;
use askama::Template;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    frame: Frame,
    next: String,
    email: String,
    refused: Option<String>,
}

/// `GET /panel/sign-in?next=…`.
pub(crate) async fn show_form(Query(query): Query<HashMap<String, String>>) -> Answer {
    let next = local(query.get("next").map_or("", String::as_str)).to_owned();
    let ended = query.contains_key("ended").then(|| text("sign-in.ended"));
    show(&Page { frame: Frame::of_nobody(), next, email: String::new(), refused: ended })
}

/// Where somebody goes who has signed in: a page of ours, whatever a link says.
fn local(next: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let ours = next == "/panel" || next.starts_with("/panel/") || next.starts_with("/panel?");
    if ours && next.bytes().all(plain) { next } else { "/panel" }
}

/// `POST /panel/sign-in`.
pub(crate) async fn sign_in(State(panel): State<Panel>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let (mut fields, _) = fields(&parts, body).await?;
    let mut field = |name: &str| fields.remove(name).unwrap_or_default();
    let (email, next) = (field("email").trim().to_owned(), field("next"));
    let credentials = Credentials::typed(email.clone(), field("password"), field("totp"));
    let origin = parts.extensions.get::<Origin>().ok_or(Failed::Broken)?;
    let begun = panel.app.sign_in(credentials, (panel.real_time)(), origin).await?;
    let Some(begun) = begun else {
        let refused = Some(text("sign-in.refused"));
        let next = local(&next).to_owned();
        let page = show(&Page { frame: Frame::of_nobody(), next, email, refused })?;
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    };
    let cookie = format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict", *begun.token);
    with_cookie(see(local(&next)), &cookie)
}

fn with_cookie(mut response: Response, cookie: &str) -> Answer {
    let mut value = HeaderValue::from_str(cookie).map_err(|_| Failed::Broken)?;
    value.set_sensitive(true);
    response.headers_mut().insert(header::SET_COOKIE, value);
    Ok(response)
}

/// Back to the page of signing in, without the cookie.
fn signed_out() -> Answer {
    let gone = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    with_cookie(see("/panel/sign-in"), &gone)
}

/// `POST /panel/sign-out`.
pub(crate) async fn sign_out(State(panel): State<Panel>, staff: Staff) -> Answer {
    panel.app.sign_out(&staff.session, &staff.origin).await?;
    signed_out()
}

/// `POST /panel/account/sign-out`: all sessions of the account end.
pub(crate) async fn sign_out_everywhere(State(panel): State<Panel>, staff: Staff) -> Answer {
    panel.app.sign_out_everywhere(&staff.session, &staff.origin).await?;
    signed_out()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_signs_in_stays_with_us() {
        for good in ["/panel", "/panel/", "/panel/of/acme/users?search=a%20b", "/panel?x=1"] {
            assert_eq!(local(good), good);
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "https://evil.example/panel/",
            "/panelists",
            "/panel/\\evil.example",
            "/panel/\r\nSet-Cookie: a=b",
            "javascript:alert(1)",
            "/\\evil.example",
            "panel/of",
        ] {
            assert_eq!(local(bad), "/panel", "{bad}");
        }
    }
}
