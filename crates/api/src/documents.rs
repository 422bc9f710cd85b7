//! `/openapi/{channel}.json` and `/docs`: the documents, and a page that shows them without any
//! other host.

use crate::openapi::{self, Channel};
use crate::problem::Problem;
use crate::{Api, identity};
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

/// What a page of ours may load: its own files, and the pictures in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// A file that is served as it is.
struct File {
    name: String,
    media: &'static str,
    /// Whether it is compressed: every browser takes that.
    gzip: bool,
    bytes: Bytes,
    tag: HeaderValue,
}

impl File {
    fn new(name: &str, media: &'static str, bytes: Bytes) -> Self {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let tag = HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish()));
        let tag = tag.expect("a tag is made of digits");
        Self { name: name.to_owned(), media, gzip: false, bytes, tag }
    }

    fn compressed(name: &str, media: &'static str, bytes: &'static [u8]) -> Self {
        Self { gzip: true, ..Self::new(name, media, Bytes::from_static(bytes)) }
    }

    /// The file, or that the caller's copy of it is still good.
    fn answer(&self, asked: &HeaderMap) -> Response {
        let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|tag| tag == self.tag);
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            (StatusCode::OK, self.bytes.clone()).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media));
        if self.gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.insert(header::ETAG, self.tag.clone());
        for (name, value) in [
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("x-content-type-options"), "nosniff"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// The page, and what it loads.
static PAGE: LazyLock<File> =
    LazyLock::new(|| File::new("", "text/html; charset=utf-8", page().into()));
static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let script = "text/javascript; charset=utf-8";
    let style = "text/css; charset=utf-8";
    let bundle = include_bytes!("documents/vendor/swagger-ui-bundle.js.gz");
    let styles = include_bytes!("documents/vendor/swagger-ui.css.gz");
    vec![
        File::compressed("swagger-ui-bundle.js", script, bundle),
        File::compressed("swagger-ui.css", style, styles),
        File::new("docs.js", script, Bytes::from_static(include_bytes!("documents/docs.js"))),
        File::new("docs.css", style, Bytes::from_static(include_bytes!("documents/docs.css"))),
    ]
});

/// The documents, by channel.
static TEXTS: LazyLock<Vec<(Channel, File)>> = LazyLock::new(|| {
    let file = |channel: Channel| {
        let name = format!("{}.json", channel.name());
        File::new(&name, "application/json", openapi::text(channel).into())
    };
    Channel::ALL.into_iter().map(|channel| (channel, file(channel))).collect()
});

fn page() -> String {
    let mut links = String::new();
    for name in Channel::ALL.map(Channel::name) {
        write!(links, "<a href=\"/docs?document={name}\">{name}</a>")
            .expect("a text can be written");
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>Antaca: the API</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"/docs/swagger-ui.css\">\n\
         <link rel=\"stylesheet\" href=\"/docs/docs.css\">\n\
         <script src=\"/docs/swagger-ui-bundle.js\" defer></script>\n\
         <script src=\"/docs/docs.js\" defer></script>\n</head>\n<body>\n\
         <nav><strong>Antaca</strong>{links}</nav>\n\
         <noscript>This page needs JavaScript. The documents themselves are at \
         /openapi/secure.json and its siblings.</noscript>\n\
         <main id=\"document\"></main>\n</body>\n</html>\n"
    )
}

/// `GET /docs`.
pub(crate) async fn show(headers: HeaderMap) -> Response {
    PAGE.answer(&headers)
}

/// `GET /docs/{file}`: what the page loads.
pub(crate) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => file.answer(&headers),
        None => not_there().into_response(),
    }
}

/// `GET /openapi/{document}`. Some are for callers with a certificate alone, except in a sandbox.
pub(crate) async fn document(
    State(api): State<Api>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let found = TEXTS.iter().find(|(_, file)| file.name == name);
    let (channel, file) = found.ok_or_else(not_there)?;
    let headers = request.headers().clone();
    if !channel.is_public() && api.sandbox.is_none() {
        identity::known(&api, request).await?;
    }
    Ok(file.answer(&headers))
}

fn not_there() -> Problem {
    Problem::not_found("NOT_FOUND", "There is no such document.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing_of_another_host() {
        let own = [PAGE.bytes.clone()].into_iter();
        let own = own.chain(FILES.iter().filter(|file| !file.gzip).map(|file| file.bytes.clone()));
        for bytes in own {
            let text = String::from_utf8(bytes.to_vec()).expect("a text");
            assert!(!text.contains("http") && !text.contains("=\"//"), "{text}");
        }
        let page = page();
        assert!(!page.contains("<script>") && !page.contains("style=") && !page.contains(" on"));
        for (name, _) in openapi::documents() {
            assert!(page.contains(&format!("/docs?document={name}\"")), "{name}");
        }
    }
}
