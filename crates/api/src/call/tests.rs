//! What a call is read from, and what is refused.

use super::*;
use crate::wire::digits;
use axum::http::StatusCode;
use axum::response::IntoResponse;

fn status<T: std::fmt::Debug>(read: Result<T, Problem>) -> StatusCode {
    read.expect_err("refused").into_response().status()
}

fn json_headers(media_type: &'static str) -> HeaderMap {
    let value = header::HeaderValue::from_static(media_type);
    [(header::CONTENT_TYPE, value)].into_iter().collect()
}

#[test]
fn a_query_is_pairs_of_decoded_texts() {
    for (text, expected) in [
        ("", &[] as &[(&str, &str)]),
        ("a=1", &[("a", "1")]),
        ("a=1&b=2&a=3", &[("a", "1"), ("b", "2"), ("a", "3")]),
        ("a", &[("a", "")]),
        ("a=", &[("a", "")]),
        ("=1", &[("", "1")]),
        ("&&", &[]),
        ("a=%C5%BC+x%26y%3D", &[("a", "ż x&y=")]),
        ("a=%00", &[("a", "\0")]),
        ("a=%", &[("a", "%")]),
        ("a=%zz", &[("a", "%zz")]),
        ("a=%FF", &[("a", "\u{fffd}")]),
    ] {
        let read = pairs(text).expect("readable");
        let read: Vec<(&str, &str)> =
            read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(read, expected, "{text}");
    }
}

#[test]
fn a_number_in_a_path_is_digits_alone() {
    for (text, read) in [
        ("0", Some(0)),
        ("007", Some(7)),
        ("9223372036854775807", Some(i64::MAX)),
        ("9223372036854775808", None),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.0", None),
        ("1 ", None),
        ("1\0", None),
        ("١", None),
    ] {
        assert_eq!(digits(text), read, "{text}");
    }
}

#[test]
fn a_body_is_json_of_32_levels() {
    let headers = json_headers("application/json; charset=utf-8");
    let nested = |levels: usize| [&b"[".repeat(levels)[..], &b"]".repeat(levels)].concat();
    let objects =
        |levels: usize| [&b"{\"a\":".repeat(levels)[..], b"1", &b"}".repeat(levels)].concat();
    for good in [nested(1), nested(32), objects(32), b" {} ".to_vec(), b"1".to_vec()] {
        assert!(json_body(&headers, &good).expect("readable").is_some());
    }
    for bad in [nested(33), nested(127), nested(128), nested(100_000), objects(33)] {
        assert_eq!(status(json_body(&headers, &bad)), StatusCode::BAD_REQUEST);
    }
    for bad in [&b"{"[..], b"{} {}", b"{\"a\":\"\xff\"}", b"\"\\ud800\"", b"nul", b" "] {
        assert_eq!(status(json_body(&headers, bad)), StatusCode::BAD_REQUEST);
    }
    assert!(json_body(&HeaderMap::new(), b"").expect("none").is_none());
    for other in ["text/plain", "application/jsonx", "text/json", ""] {
        let read = json_body(&json_headers(other), b"{}");
        assert_eq!(status(read), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{other}");
    }
}

#[test]
fn an_idempotency_key_is_printable() {
    let of = |method: &Method, key: &[u8]| {
        let value = header::HeaderValue::from_bytes(key).ok()?;
        let headers = [(header::HeaderName::from_static("x-idempotency-key"), value)];
        Some(idempotency_key(method, &headers.into_iter().collect()))
    };
    let long = [b'k'; 256];
    for good in [&b"a"[..], b"a b", "klucz-ż".as_bytes(), &long[..255]] {
        let key = of(&Method::POST, good).expect("a header").expect("a key");
        assert_eq!(key.as_deref().map(str::as_bytes), Some(good));
        assert_eq!(of(&Method::GET, good).expect("a header").expect("no key"), None);
    }
    for bad in [&b""[..], &long, b"\xff", b"a\tb", "a\u{85}".as_bytes()] {
        let read = of(&Method::PUT, bad).expect("a header");
        assert_eq!(status(read), StatusCode::UNPROCESSABLE_ENTITY, "{bad:?}");
    }
    let mut twice = HeaderMap::new();
    for key in ["a", "a"] {
        twice.append("x-idempotency-key", header::HeaderValue::from_static(key));
    }
    let read = idempotency_key(&Method::POST, &twice);
    assert_eq!(status(read), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(idempotency_key(&Method::GET, &twice).expect("no key"), None);
    for no_header in [&b"\0"[..], b"a\0b", b"a\nb", b"\x7f"] {
        assert!(of(&Method::POST, no_header).is_none(), "{no_header:?}");
    }
}
