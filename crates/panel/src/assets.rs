//! The files that pages load: they are in the binary, and a browser keeps each version for good.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

const FILES: &[(&str, &str, &str)] = &[
    ("panel.css", "text/css; charset=utf-8", include_str!("../assets/panel.css")),
    ("panel.js", "text/javascript; charset=utf-8", include_str!("../assets/panel.js")),
    ("icon.svg", "image/svg+xml", include_str!("../assets/icon.svg")),
];

/// What the addresses of the files end with: it changes with what is in them.
pub(crate) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    FILES.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
});

/// `GET /panel/assets/{version}/{file}`.
pub(crate) async fn file(Path((version, name)): Path<(String, String)>) -> Response {
    let found = FILES.iter().find(|(known, ..)| *known == name);
    let Some((_, media, text)) = found.filter(|_| version == *VERSION) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
    let media = HeaderValue::from_static(media);
    ([(header::CONTENT_TYPE, media), (header::CACHE_CONTROL, kept)], *text).into_response()
}
