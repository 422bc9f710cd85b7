//! What each reader takes and refuses.

use super::*;
use axum::body::to_bytes;
use axum::response::IntoResponse;
use serde_json::json;

/// Asserts of each value what a reader makes of it, as text; `None` where it refuses.
fn check<T: std::fmt::Debug>(reader: impl Reader<T>, cases: &[(Value, Option<&str>)]) {
    for (value, expected) in cases {
        let told = reader.read(value).ok().map(|read| format!("{read:?}"));
        assert_eq!(told.as_deref(), *expected, "{value}");
    }
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).expect("a number")
}

#[test]
fn a_text_is_short_and_printable() {
    let cases = [
        (json!("a"), Some("\"a\"")),
        (json!("zażó"), Some("\"zażó\"")),
        (json!(" a "), Some("\" a \"")),
        (json!("abcde"), None),
        (json!("ąbcde"), None),
        (json!(""), None),
        (json!(" "), None),
        (json!("\u{a0}\u{2003}"), None),
        (json!("a\0"), None),
        (json!("a\n"), None),
        (json!("a\u{7f}"), None),
        (json!("a\u{85}"), None),
        (json!(5), None),
        (json!(true), None),
        (json!(["a"]), None),
        (json!({ "a": 1 }), None),
    ];
    check(text(4), &cases);
}

#[test]
fn a_date_is_a_day_of_1900_to_9999() {
    let cases = [
        (json!("2000-01-31"), Some("2000-01-31")),
        (json!("2024-02-29"), Some("2024-02-29")),
        (json!("1900-01-01"), Some("1900-01-01")),
        (json!("9999-12-31"), Some("9999-12-31")),
        (json!("1899-12-31"), None),
        (json!("-004713-11-24"), None),
        (json!("10000-01-01"), None),
        (json!("2023-02-29"), None),
        (json!("2000-1-31"), None),
        (json!("20000131"), None),
        (json!("2000-01-31T00:00:00"), None),
        (json!(" 2000-01-31"), None),
        (json!("31.01.2000"), None),
        (json!(""), None),
        (json!(20_000_131), None),
    ];
    check(date(), &cases);
}

#[test]
fn a_time_has_an_offset_and_microseconds() {
    let cases = [
        (json!("2026-11-21T10:00:00Z"), Some("2026-11-21T10:00:00Z")),
        (json!("2026-11-21T10:00:00+00:00"), Some("2026-11-21T10:00:00Z")),
        (json!("2026-11-21T10:00:00+02:00"), Some("2026-11-21T08:00:00Z")),
        (json!("2026-11-21T10:00:00.5Z"), Some("2026-11-21T10:00:00.5Z")),
        (json!("2026-11-21T10:00:00.123456Z"), Some("2026-11-21T10:00:00.123456Z")),
        (json!("2026-11-21T10:00:00.1234567Z"), Some("2026-11-21T10:00:00.123456Z")),
        (json!("2026-11-21T10:00:00.123456999Z"), Some("2026-11-21T10:00:00.123456Z")),
        (json!("2026-11-21T10:00:00.0000009Z"), Some("2026-11-21T10:00:00Z")),
        (json!("1900-01-01T00:00:00Z"), Some("1900-01-01T00:00:00Z")),
        (json!("9999-12-30T21:59:59Z"), Some("9999-12-30T21:59:59Z")),
        (json!("1899-12-31T23:59:59Z"), None),
        (json!("1900-01-01T00:00:00+01:00"), None),
        (json!("-004713-11-23T00:00:00Z"), None),
        (json!("-009999-01-02T00:00:00Z"), None),
        (json!("+010000-01-01T00:00:00Z"), None),
        (json!("2026-11-21T10:00:00"), None),
        (json!("2026-11-21"), None),
        (json!("2026-13-21T10:00:00Z"), None),
        (json!("2026-11-21T25:00:00Z"), None),
        (json!("now"), None),
        (json!(""), None),
        (json!(1_790_000_000), None),
    ];
    check(timestamp(), &cases);
}

#[test]
fn an_amount_is_a_whole_number_of_64_bits() {
    let cases = [
        (json!(0), Some("0")),
        (json!(-1), Some("-1")),
        (number("9223372036854775807"), Some("9223372036854775807")),
        (number("-9223372036854775808"), Some("-9223372036854775808")),
        (number("9223372036854775808"), None),
        (number("-9223372036854775809"), None),
        (number("18446744073709551616"), None),
        (number("12.34"), None),
        (number("100.0"), None),
        (number("1e2"), None),
        (json!("100"), None),
        (json!(true), None),
        (json!([100]), None),
    ];
    check(minor_units(), &cases);
    check(integer(), &cases);
}

#[test]
fn a_country_is_two_capital_letters() {
    let cases = [
        (json!("PL"), true),
        (json!("pl"), false),
        (json!("P"), false),
        (json!("POL"), false),
        (json!("P1"), false),
        (json!("ŁÓ"), false),
        (json!(""), false),
        (json!(48), false),
    ];
    for (value, good) in cases {
        let read = readers::country().read(&value);
        assert_eq!(read.is_ok(), good, "{value}");
    }
}

#[test]
fn a_currency_is_one_that_there_is() {
    for (value, good) in [
        (json!("EUR"), true),
        (json!("JPY"), true),
        (json!("eur"), false),
        (json!("XYZ"), false),
        (json!("978"), false),
        (json!(978), false),
    ] {
        assert_eq!(currency().read(&value).is_ok(), good, "{value}");
    }
}

#[tokio::test]
async fn all_that_is_wrong_is_named_and_never_repeated() {
    let body = json!({
        "name": "secret\n", "none": null, "inner": { "street": 5 }, "list": ["secret"], "extra": 1,
    });
    let mut fields = Fields::of(body.as_object().expect("an object"), None);
    assert!(fields.has("name") && !fields.has("none") && !fields.has("missing"));
    assert_eq!(fields.required("name", text(10)), None);
    assert_eq!(fields.required("none", text(10)), None);
    assert_eq!(fields.optional("missing", text(10)), None);
    assert!(fields.nested("list").is_none() && fields.nested("missing").is_none());
    let mut inner = fields.nested("inner").expect("an object");
    assert_eq!(inner.required("street", text(10)), None);
    fields.absorb(inner);
    let problem = fields.finish().expect_err("much is wrong").into_response();
    let bytes = to_bytes(problem.into_body(), 1 << 16).await.expect("a body");
    let told: Value = serde_json::from_slice(&bytes).expect("JSON");
    let named: Vec<&str> = told["violations"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|wrong| wrong["field"].as_str())
        .collect();
    assert_eq!(named, ["name", "none", "list", "inner.street"]);
    assert!(!told.to_string().contains("secret"));
}
