//! The partner's side of the contract over real TLS: tests' double that keeps books.

use outbound::client::{ANSWER_MAX, Answer, Call, CallError, Client, Method};
use outbound::target::{Identity, Reach, Target};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::books::Mode;
use testkit::{Behaviour, Bookkeeper, Way};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Longer than any call here takes that isn't meant to time out.
const PATIENCE: Duration = Duration::from_secs(20);
/// Shorter than what is meant to time out.
const SHORT: Duration = Duration::from_millis(300);
const EXTERNAL: Mode = Mode::External { starting: 10_000 };

fn client(partner: &Bookkeeper) -> Client {
    let (certificate, key) = partner.identity();
    let target = Target {
        base_url: partner.base_url(),
        trusted_ca: partner.authority().to_owned(),
        identity: Some(Identity {
            certificate: certificate.to_owned(),
            key: Zeroizing::new(key.to_owned()),
        }),
        reach: Reach::Anywhere,
    };
    Client::new(&target).expect("a target")
}

/// Posts with the key of a number.
async fn post(
    client: &Client,
    (path, body): (&str, &Value),
    key: u128,
    timeout: Duration,
) -> Result<Answer, CallError> {
    let body = body.to_string();
    let call = Call {
        method: Method::Post,
        path,
        key: Uuid::from_u128(key),
        request_id: "request-1",
        body: body.as_bytes(),
        timeout,
        secrets: &[],
        now: testkit::now(),
        answer_max: ANSWER_MAX,
    };
    client.call(&call).await
}

fn debit() -> Value {
    json!({
        "id": "id-1", "balanceId": "balance-1", "transactionId": "network-1", "amount": 700,
        "currency": "EUR", "status": "AUTHORIZED",
    })
}

/// Links the balance, and debits it as the partner chooses.
async fn debited(way: Way, timeout: Duration) -> (Bookkeeper, Result<Answer, CallError>) {
    let choose = move |_: &testkit::Received, nth: usize| match nth {
        1 => way.clone(),
        _ => Way::Books,
    };
    let partner = Bookkeeper::start(EXTERNAL, choose).await;
    let client = client(&partner);
    let link = json!({ "balanceId": "balance-1", "currency": "EUR" });
    let linked = post(&client, ("/users/7/balances", &link), 1, PATIENCE).await;
    assert_eq!(linked.expect("an answer").status, 204);
    let answer = post(&client, ("/transactions/debit", &debit()), 2, timeout).await;
    (partner, answer)
}

fn amount(partner: &Bookkeeper) -> i64 {
    partner.books(|books| books.amount("balance-1").expect("is linked"))
}

#[tokio::test]
async fn a_double_books_and_answers_as_it_is_told() {
    for (way, expected, has) in [
        (Way::Books, Ok(204), 9_300),
        (Way::refuses(422, "LIMITS_EXCEEDED"), Ok(422), 10_000),
        (Way::Instead(Behaviour::Status(500)), Ok(500), 10_000),
        (Way::BooksBut(Behaviour::Status(500)), Ok(500), 9_300),
        (Way::BooksBut(Behaviour::Drop), Err(CallError::Broken), 9_300),
        (Way::BooksBut(Behaviour::Bytes(b"garbage".to_vec())), Err(CallError::Broken), 9_300),
        (Way::AnswersLate(Duration::from_millis(1)), Ok(204), 9_300),
        (Way::BooksLate(Duration::from_millis(1)), Ok(204), 9_300),
    ] {
        let (partner, answer) = debited(way.clone(), PATIENCE).await;
        let problem = answer.as_ref().is_ok_and(|answer| answer.is_problem_json);
        assert_eq!(problem, matches!(way, Way::Instead(Behaviour::Json(..))), "{way:?}");
        assert_eq!(answer.map(|answer| answer.status), expected, "{way:?}");
        assert_eq!(amount(&partner), has, "{way:?}");
    }
}

#[tokio::test]
async fn a_double_goes_on_when_nobody_waits_any_more() {
    for (way, meanwhile) in [(Way::BooksWhenLetGo, 10_000), (Way::AnswersWhenLetGo, 9_300)] {
        let (partner, answer) = debited(way.clone(), SHORT).await;
        assert_eq!(answer, Err(CallError::Timeout), "{way:?}");
        assert_eq!(amount(&partner), meanwhile, "{way:?}");
        partner.let_go();
        testkit::eventually("it books", PATIENCE, async || amount(&partner) == 9_300).await;
    }
}
