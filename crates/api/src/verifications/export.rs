//! `GET /admin/verifications/{verificationId}/export`: all that is kept of a form, as one file.

use super::TAG;
use crate::Api;
use crate::answer::{Body, Success};
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use app::Refusal;
use app::verifications::FormFile;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};

/// What the file is.
const MEDIA: &str = "application/json";

/// Takes all that is kept of a form.
pub(crate) fn export() -> Endpoint {
    Endpoint::of(nothing, taken)
        .about(
            TAG,
            "Take all that is kept of a KYC form",
            "One file of JSON: `verification` (where the form stands, `decidedAt`, `decidedBy`), \
             `data` (what it says, by the names by which it was sent), `user` (as whom the user \
             is registered; null once they are removed), `hits` (where the user was found on \
             lists, who has decided that and why), `records` (the audit records of the form, the \
             newest first; 1,000 at most, and `recordsLeftOut` tells whether there are older \
             ones) and `pictures` (`kind`, `mediaType`, `content` in base64). That it was taken \
             is recorded.",
        )
        .refuses(&[Refusal::FileTooLarge])
}

async fn taken(api: Api, head: Head, (): ()) -> Result<Taken, Problem> {
    let (seen, id) = ((head.scope()?, head.role()?), head.verification()?);
    Ok(Taken(api.app.export_verification(seen, id, head.origin()).await?))
}

/// 200 with the file.
struct Taken(FormFile);

impl Success for Taken {
    const STATUS: StatusCode = StatusCode::OK;
    const FILES: &'static [&'static str] = &[MEDIA];

    fn body() -> Option<Body> {
        None
    }
}

impl IntoResponse for Taken {
    fn into_response(self) -> Response {
        let Self(FormFile { name, content }) = self;
        let headers = [
            (CONTENT_TYPE, MEDIA.to_owned()),
            (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
            (CONTENT_LENGTH, content.len().to_string()),
            (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (CACHE_CONTROL, "no-store".to_owned()),
        ];
        (StatusCode::OK, headers, content).into_response()
    }
}
