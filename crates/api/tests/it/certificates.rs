//! Certificates past their end: the connection isn't asked, so it may have been open for long.

use crate::doors::{DAYS, Doors, NOW, read};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use domain::Timestamp;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use testkit::on_both;
use tower::ServiceExt;

/// What isn't there, for whoever may ask.
const PATH: &str = "/secure/balances/0351eb09-3ac0-4234-a4ad-0a6ad52f248b";

on_both! {
    /// It holds to its last second, by real time, whatever the business clock says.
    async fn a_certificate_is_refused_past_its_end(node) {
        let moved = Arc::new(AtomicI64::new(0));
        let clock = moved.clone();
        let real_time = move || {
            let second = NOW.as_second() + clock.load(Ordering::SeqCst);
            Timestamp::from_second(second).expect("a time")
        };
        let doors = Doors::at(&node, Arc::new(real_time)).await;
        let end = i64::from(DAYS) * 24 * 60 * 60;
        for (seconds, status) in [
            (0, StatusCode::NOT_FOUND),
            (end, StatusCode::NOT_FOUND),
            (end + 1, StatusCode::UNAUTHORIZED),
            (10 * end, StatusCode::UNAUTHORIZED),
        ] {
            moved.store(seconds, Ordering::SeqCst);
            let request = Request::get(PATH).extension(doors.partner.clone());
            let request = request.body(Body::empty()).expect("a request");
            let answer = doors.router.clone().oneshot(request).await.expect("answers");
            let (told, body) = read(answer).await;
            assert_eq!(told, status, "{seconds}: {body}");
            if status == StatusCode::UNAUTHORIZED {
                assert_eq!(body["title"], json!("CERTIFICATE_REVOKED"));
            }
        }
    }
}
