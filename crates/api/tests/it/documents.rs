//! Who may read which document, and how the page is served.

use crate::doors::{Doors, read};
use api::Peer;
use axum::body::Body;
use axum::http::{Request, header};
use testkit::on_both;
use tower::ServiceExt as _;

fn get(peer: &Peer, path: &str) -> Request<Body> {
    Request::get(path).extension(peer.clone()).body(Body::empty()).expect("a request")
}

/// The status, and the title of a problem or document.
async fn asked(doors: &Doors, peer: &Peer, path: &str) -> (u16, String) {
    let answer = doors.router.clone().oneshot(get(peer, path)).await.expect("infallible");
    let (status, body) = read(answer).await;
    let title = body["info"]["title"].as_str().or(body["title"].as_str());
    (status.as_u16(), title.unwrap_or_default().to_owned())
}

/// A header of an answer.
fn told(answer: &axum::response::Response, name: header::HeaderName) -> String {
    let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

on_both! {
    /// The processors' document is for callers; a sandbox shows it to everybody (`denied.rs` of the
    /// server's tests).
    async fn some_documents_are_for_callers_alone(node) {
        let nobody = Peer::default();
        let doors = Doors::of(&node).await;
        for (path, status, title) in [
            ("/openapi/secure.json", 200, "Antaca: balances, cards, transactions"),
            ("/openapi/lifecycle.json", 200, "Antaca: users"),
            ("/openapi/processor.json", 401, "CERTIFICATE_REQUIRED"),
            ("/openapi/other.json", 404, "NOT_FOUND"),
            ("/openapi/secure", 404, "NOT_FOUND"),
            ("/docs/other.js", 404, "NOT_FOUND"),
        ] {
            assert_eq!(asked(&doors, &nobody, path).await, (status, title.to_owned()), "{path}");
        }
        for caller in [&doors.partner, &doors.processor] {
            assert_eq!(asked(&doors, caller, "/openapi/processor.json").await.0, 200);
        }
        let unknown = Peer { certificate: Some([0; 32]), ..Peer::default() };
        let told = asked(&doors, &unknown, "/openapi/processor.json").await;
        assert_eq!(told, (401, "CERTIFICATE_REVOKED".to_owned()));
    }
}

on_both! {
    /// The page's policy allows no other host, and a copy that is still good isn't sent again.
    async fn the_page_is_served_with_its_files(node) {
        let doors = Doors::of(&node).await;
        let nobody = Peer::default();
        for (path, media) in [
            ("/docs", "text/html; charset=utf-8"),
            ("/docs/docs.js", "text/javascript; charset=utf-8"),
            ("/docs/docs.css", "text/css; charset=utf-8"),
            ("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
            ("/docs/swagger-ui.css", "text/css; charset=utf-8"),
            ("/openapi/secure.json", "application/json"),
        ] {
            let answer = doors.router.clone().oneshot(get(&nobody, path)).await.expect("an answer");
            assert_eq!(answer.status(), 200, "{path}");
            assert_eq!(told(&answer, header::CONTENT_TYPE), media, "{path}");
            let policy = told(&answer, header::CONTENT_SECURITY_POLICY);
            assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
            assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
            let packed = if path.contains("swagger") { "gzip" } else { "" };
            assert_eq!(told(&answer, header::CONTENT_ENCODING), packed, "{path}");

            let tag = told(&answer, header::ETAG);
            let mut again = get(&nobody, path);
            again.headers_mut().insert(header::IF_NONE_MATCH, tag.parse().expect("a tag"));
            let answer = doors.router.clone().oneshot(again).await.expect("an answer");
            assert_eq!(answer.status(), 304, "{path}");
        }
    }
}
