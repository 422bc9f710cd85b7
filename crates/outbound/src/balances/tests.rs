//! Paths, bodies and answers as the seeds have them ("External Balance API").

use super::*;
use std::time::Duration;

const ID: &str = "2e520dc2-329d-11ed-a261-0242ac120002";

fn id(text: &str) -> BalanceId {
    BalanceId(text.parse().expect("a UUID"))
}

fn currency(code: &str) -> Currency {
    Currency::parse(code).expect("a currency")
}

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        body: body.as_bytes().to_vec(),
        is_problem_json: false,
        retry_after: None::<Duration>,
    }
}

fn problem(status: u16, title: &str) -> Result<Answer, CallError> {
    let body = json!({ "title": title, "detail": "some specific details provided by server" });
    Ok(answer(status, &body.to_string()))
}

#[test]
fn the_calls_are_those_of_the_seeds() {
    assert_eq!(path_of_all("7"), "/users/7/balances");
    assert_eq!(path("7", id(ID)), format!("/users/7/balances/{ID}"));
    let golden: Value = serde_json::from_str(
        r#"{"balanceId": "2e520dc2-329d-11ed-a261-0242ac120002", "currency": "PLN"}"#,
    )
    .expect("JSON");
    assert_eq!(link(id(ID), currency("PLN")), golden);
}

#[test]
fn only_the_titles_of_the_seeds_refuse() {
    use Came::{Done, NotAsked, Refused, Unclear};
    for (answer, link, unlink) in [
        (Ok(answer(204, "")), Done, Done),
        (Ok(answer(200, "{}")), Done, Done),
        (problem(404, "USER_NOT_FOUND"), Refused, Done),
        (problem(404, "BALANCE_NOT_FOUND"), Unclear, Done),
        (Ok(answer(404, "<html>")), Unclear, Done),
        (problem(403, "FORBIDDEN"), Unclear, Refused),
        (Ok(answer(403, "")), Unclear, Unclear),
        (problem(422, "USER_NOT_FOUND"), Unclear, Unclear),
        (problem(422, "LIMITS_EXCEEDED"), Unclear, Unclear),
        (problem(409, "CLIENT_ERROR"), Unclear, Unclear),
        (Ok(answer(301, "")), Unclear, Unclear),
        (Ok(answer(401, "")), Unclear, Unclear),
        (Ok(answer(500, "")), Unclear, Unclear),
        (Err(CallError::Timeout), Unclear, Unclear),
        (Err(CallError::Broken), Unclear, Unclear),
        (Err(CallError::TooLarge), Unclear, Unclear),
        (Err(CallError::Tls), Unclear, Unclear),
        (Err(CallError::Connect), NotAsked, NotAsked),
        (Err(CallError::Forbidden), NotAsked, NotAsked),
    ] {
        assert_eq!((linked(&answer), unlinked(&answer)), (link, unlink), "{answer:?}");
    }
}

#[test]
fn an_amount_is_a_whole_number_in_the_balances_currency() {
    for (status, body, expected) in [
        (200, r#"{"currency": "PLN", "amount": 250}"#, Some(250)),
        (200, r#"{"currency": "PLN", "amount": -250, "more": []}"#, Some(-250)),
        (200, r#"{"currency": "PLN", "amount": 9223372036854775807}"#, Some(i64::MAX)),
        (200, r#"{"currency": "PLN", "amount": 9223372036854775808}"#, None),
        (200, r#"{"currency": "PLN", "amount": 250.0}"#, None),
        (200, r#"{"currency": "PLN", "amount": "250"}"#, None),
        (200, r#"{"currency": "PLN", "amount": null}"#, None),
        (200, r#"{"currency": "PLN"}"#, None),
        (200, r#"{"currency": "EUR", "amount": 250}"#, None),
        (200, r#"{"currency": "pln", "amount": 250}"#, None),
        (200, r#"{"amount": 250}"#, None),
        (200, r#"[{"currency": "PLN", "amount": 250}]"#, None),
        (200, "", None),
        (200, "rubbish", None),
        (204, r#"{"currency": "PLN", "amount": 250}"#, None),
        (404, r#"{"title": "BALANCE_NOT_FOUND", "currency": "PLN", "amount": 250}"#, None),
    ] {
        assert_eq!(amount(&answer(status, body), currency("PLN")), expected, "{status} {body}");
    }
}

#[test]
fn a_list_tells_each_balance_once() {
    const ONE: &str = "a072bd0e-328c-11ed-a261-0242ac120001";
    const OTHER: &str = "b334a5e2-328c-11ed-a261-0242ac120002";
    let seeds = r#"[
        {"id": "a072bd0e-328c-11ed-a261-0242ac120001", "currency": "PLN", "amount": 250},
        {"id": "b334a5e2-328c-11ed-a261-0242ac120002", "currency": "USD", "amount": 460}
    ]"#;
    let (one, other) = ((id(ONE), currency("PLN")), (id(OTHER), currency("USD")));
    let seen = |of: &[_], body: &str| amounts(&answer(200, body), of);
    assert_eq!(seen(&[one, other], seeds), Some(vec![250, 460]));
    assert_eq!(seen(&[other], seeds), Some(vec![460]));
    assert_eq!(seen(&[], "[]"), Some(vec![]));
    let renamed = seeds.replace("\"id\"", "\"balanceId\"").replace(ONE, &ONE.to_uppercase());
    assert_eq!(seen(&[one, other], &renamed), Some(vec![250, 460]));
    assert_eq!(seen(&[one], "[]"), None, "it isn't told");
    assert_eq!(seen(&[(id(ONE), currency("USD"))], seeds), None, "another currency");
    let twice = r#"[{"id": "a072bd0e-328c-11ed-a261-0242ac120001", "currency": "PLN", "amount": 1},
        {"id": "a072bd0e-328c-11ed-a261-0242ac120001", "currency": "PLN", "amount": 2}]"#;
    assert_eq!(seen(&[one], twice), None, "told twice");
    assert_eq!(seen(&[one], "{}"), None);
    assert_eq!(seen(&[], "rubbish"), None);
    assert_eq!(amounts(&answer(404, seeds), &[one]), None);
    let beside = r#"[7, null, {"id": 7}, {"id": "a072bd0e-328c-11ed-a261-0242ac120001",
        "currency": "PLN", "amount": 3}]"#;
    assert_eq!(seen(&[one], beside), Some(vec![3]), "what else is told isn't looked at");
}
