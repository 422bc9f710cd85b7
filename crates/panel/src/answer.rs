//! How a page is answered: shown, gone back to, or why it isn't shown, in words.

use crate::filters;
use crate::form::Posted;
use crate::frame::{Frame, mark};
use crate::session::Staff;
use crate::texts::text;
use app::error::Chain;
use app::{Error, Refusal};
use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a page may load and do: its own files, and forms that go to us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// What a handler answers with.
pub(crate) type Answer = Result<Response, Failed>;

/// Why a page isn't shown, or a form not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// There is no such page, or it is another's.
    NotFound,
    /// The account's role doesn't allow it.
    Forbidden,
    /// The form isn't of this session, or no page of ours has sent it.
    OldForm,
    /// The form is larger than any of ours.
    TooLarge,
    /// The form can't be read.
    Unreadable,
    /// A rule said no.
    Refused(Refusal),
    /// It may work a little later.
    Busy,
    /// It may work once a minute is over.
    TooMany,
    /// A bug.
    Broken,
}

impl Failed {
    fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::OldForm => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Refused(refusal) if refusal.title().ends_with("_NOT_FOUND") => {
                StatusCode::NOT_FOUND
            }
            Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn words(self) -> (String, String) {
        let of = |(title, detail)| (title, detail);
        match self {
            Self::NotFound => of((text("failed.not-found"), text("failed.not-found.detail"))),
            Self::Forbidden => of((text("failed.forbidden"), text("failed.forbidden.detail"))),
            Self::OldForm => of((text("failed.old-form"), text("failed.old-form.detail"))),
            Self::TooLarge => of((text("failed.too-large"), text("failed.too-large.detail"))),
            Self::Unreadable => of((text("failed.unreadable"), text("failed.unreadable.detail"))),
            Self::Refused(refusal) => (text("failed.refused"), refusal.sentence().to_owned()),
            Self::Busy => of((text("failed.busy"), text("failed.busy.detail"))),
            Self::TooMany => of((text("failed.too-many"), text("failed.too-many.detail"))),
            Self::Broken => of((text("failed.broken"), text("failed.broken.detail"))),
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        match &error {
            Error::Refused(refusal) => Self::Refused(*refusal),
            Error::KeyReused => Self::OldForm,
            Error::Unavailable(..) => {
                tracing::warn!(error = %Chain(&error), "A page isn't shown for now");
                Self::Busy
            }
            Error::Internal(..) => {
                tracing::error!(error = %Chain(&error), "A page failed");
                Self::Broken
            }
        }
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A failure is told to whoever surrounds the handler, which knows how to show it.
impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Template)]
#[template(path = "failed.html")]
struct FailedPage {
    frame: Frame,
    title: String,
    detail: String,
}

/// Shows why there is no page, to somebody who is signed in.
pub(crate) fn show_failure(staff: &Staff, answered: Answer) -> Response {
    let failed = match answered {
        Ok(response) => match response.extensions().get::<Failed>() {
            Some(failed) => *failed,
            None => return response,
        },
        Err(failed) => failed,
    };
    failure(staff.frame(), failed)
}

fn failure(frame: Frame, failed: Failed) -> Response {
    let (title, detail) = failed.words();
    let page = FailedPage { frame, title, detail };
    (failed.status(), rendered(&page)).into_response()
}

/// Shows a page.
pub(crate) fn show(page: &impl Template) -> Answer {
    Ok(rendered(page))
}

fn rendered(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "A page can't be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Tells a part of a page as a server-sent event, unless it is the one that the browser had last;
/// either way it is to ask again in two seconds.
pub(crate) fn told_if_new(part: &impl Template, known: Option<&str>) -> Answer {
    let html = part.render().map_err(|error| {
        tracing::error!(%error, "A page can't be written");
        Failed::Broken
    })?;
    let mut hasher = DefaultHasher::new();
    html.hash(&mut hasher);
    let id = format!("{:016x}", hasher.finish());
    let mut told = String::from("retry: 2000\n\n");
    if known != Some(id.as_str()) {
        told.push_str(&format!("id: {id}\n"));
        html.lines().for_each(|line| told.push_str(&format!("data: {line}\n")));
        told.push('\n');
    }
    let kind = HeaderValue::from_static("text/event-stream");
    Ok(([(header::CONTENT_TYPE, kind)], told).into_response())
}

/// To another page, with GET.
pub(crate) fn see(path: &str) -> Response {
    let place = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/panel"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
}

/// What is told where nobody knows whether it was done.
pub(crate) const UNSURE: &str = "unsure";

/// What was done, as `texts` names it.
pub(crate) struct Done(pub(crate) &'static str);

/// Back to a page, which tells what came of the act: done, or why not.
pub(crate) fn back<T>(staff: &Staff, path: &str, done: Done, result: Result<T, Error>) -> Answer {
    let told = match result {
        Ok(_) => ("done", done.0),
        Err(Error::Refused(refusal)) => ("failed", refusal.title()),
        Err(error) => return Err(error.into()),
    };
    back_with(staff, path, told)
}

/// The same for a form that takes long to fill in: done, it leads to a page; refused, or with a
/// field that can't be read, its own page is the answer, with what was typed and why not.
pub(crate) async fn back_or_again<T, F: Future<Output = Answer>>(
    (staff, posted): (&Staff, &Posted),
    (path, done): (&str, Done),
    result: Result<T, Failed>,
    page: impl FnOnce(Staff) -> F,
) -> Answer {
    match result {
        Ok(_) => back_with(staff, path, ("done", done.0)),
        Err(failed) => again((staff, posted), failed, page).await,
    }
}

/// The page of a form that isn't done, with what was typed and why not.
pub(crate) async fn again<F: Future<Output = Answer>>(
    (staff, posted): (&Staff, &Posted),
    failed: Failed,
    page: impl FnOnce(Staff) -> F,
) -> Answer {
    let (status, why) = match failed {
        Failed::Refused(refusal) => {
            (StatusCode::UNPROCESSABLE_ENTITY, refusal.sentence().to_owned())
        }
        Failed::Unreadable => (failed.status(), text("failed.unreadable.typed")),
        Failed::NotFound
        | Failed::Forbidden
        | Failed::OldForm
        | Failed::TooLarge
        | Failed::Busy
        | Failed::TooMany
        | Failed::Broken => return Err(failed),
    };
    let mut response = page(staff.refused(posted, why)).await?;
    *response.status_mut() = status;
    Ok(response)
}

/// Back to a page, which tells that nobody knows yet whether the act was done: whoever does it
/// again must look first.
pub(crate) fn unsure(staff: &Staff, path: &str) -> Answer {
    back_with(staff, path, ("failed", UNSURE))
}

fn back_with(staff: &Staff, path: &str, told: (&str, &str)) -> Answer {
    let by = mark(&staff.csrf, told.1);
    let query = serde_urlencoded::to_string([told, ("by", &by)]).map_err(|_| Failed::Broken)?;
    let joint = if path.contains('?') { '&' } else { '?' };
    Ok(see(&format!("{path}{joint}{query}")))
}

/// What every answer of the panel says to browsers. What surrounds the panel answers with a
/// problem in JSON; people get the same in words.
pub async fn worded(response: Response) -> Response {
    let html = HeaderValue::from_static("application/problem+json");
    let mut response = match response.headers().get(header::CONTENT_TYPE) {
        Some(kind) if *kind == html => failure(Frame::of_nobody(), around(response.status())),
        Some(_) | None => match response.extensions().get::<Failed>() {
            Some(failed) => failure(Frame::of_nobody(), *failed),
            None => response,
        },
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let kept = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(kept);
    response
}

/// The failure of a status that isn't the panel's own.
fn around(status: StatusCode) -> Failed {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Failed::TooMany,
        StatusCode::PAYLOAD_TOO_LARGE => Failed::TooLarge,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Failed::NotFound,
        StatusCode::BAD_REQUEST => Failed::Unreadable,
        status if status.is_server_error() && status != StatusCode::INTERNAL_SERVER_ERROR => {
            Failed::Busy
        }
        _ => Failed::Broken,
    }
}
