//! KYC forms that an eKYC provider is asked about: a real server over TLS, good and bad answers,
//! trouble, and what is never sent.

use crate::audit::records;
use crate::logs::{assert_listed, events};
use crate::support::{Database, Sandbox};
use crate::verifications::{Applicant, Filled, advance, decided, filled, set};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use testkit::{Behaviour, Partner, Received, eventually, stripes};

/// A call that hangs is given up after half a minute.
const PATIENCE: Duration = Duration::from_secs(90);
const TOKEN: &str = "correct-horse-battery";
const MINUTES: i64 = 600;
const DAY: i64 = 86_400;

/// How a sandbox is told of a provider; the files are in the folder.
struct Configured {
    variables: Vec<(&'static str, String)>,
    _folder: TempDir,
}

impl Configured {
    /// By token, with this authority.
    fn new(provider: &Partner, authority: &str) -> Self {
        Self::with(provider, authority, &[("TOKEN_FILE", &format!("{TOKEN}\n"))])
    }

    fn with(provider: &Partner, authority: &str, files: &[(&str, &str)]) -> Self {
        let folder = testkit::folder();
        let mut variables = vec![
            ("ANTACA_EKYC_URL", format!("{}/v1/", provider.base_url())),
            ("ANTACA_LOG_FORMAT", "json".to_owned()),
        ];
        for (name, content) in [&[("CA_FILE", authority)][..], files].concat() {
            let variable = match name {
                "CA_FILE" => "ANTACA_EKYC_CA_FILE",
                "TOKEN_FILE" => "ANTACA_EKYC_TOKEN_FILE",
                "CERTIFICATE_FILE" => "ANTACA_EKYC_CERTIFICATE_FILE",
                _ => "ANTACA_EKYC_KEY_FILE",
            };
            let path = folder.path().join(name);
            std::fs::write(&path, content).expect("written");
            variables.push((variable, path.to_str().expect("text").to_owned()));
        }
        Self { variables, _folder: folder }
    }

    async fn start(&self, database: Database) -> Sandbox {
        let variables: Vec<(&str, &str)> =
            self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let sandbox = Sandbox::start_with(database, &variables).await;
        set(&sandbox, "AUTOMATIC").await;
        sandbox
    }
}

fn answer(status: u16, body: &str) -> Behaviour {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
    Behaviour::Bytes([head.as_bytes(), body.as_bytes()].concat())
}

fn accepted() -> Behaviour {
    answer(200, r#"{"status": "ACCEPTED"}"#)
}

/// The text of a part of what was sent.
fn part(sent: &Received, name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(&sent.bytes);
    let (_, rest) = text.split_once(&format!("name=\"{name}\"\r\n\r\n"))?;
    Some(rest.split("\r\n").next().unwrap_or_default().to_owned())
}

/// A provider that does what the form's city says, and knows of what it was sent before.
fn by_city() -> impl Fn(&Received, usize) -> Behaviour + Send + Sync {
    let known = Mutex::new(HashMap::new());
    move |sent, _| {
        if sent.method == "GET" {
            let id = sent.path.rsplit('/').next().unwrap_or_default();
            return match known.lock().expect("whole").get(id).map(String::as_str) {
                Some("in progress") => accepted(),
                _ => Behaviour::Status(404),
            };
        }
        let city = part(sent, "city").expect("a city");
        known.lock().expect("whole").insert(sent.key().to_owned(), city.clone());
        match city.as_str() {
            "accepted" => accepted(),
            "rejected" => {
                answer(201, r#"{"status": "REJECTED", "reason": "BLURRED_DOCUMENT_PHOTO"}"#)
            }
            "referred" => answer(200, r#"{"status": "REFERRED"}"#),
            "in progress" | "forgotten" => answer(202, r#"{"status": "IN_PROGRESS"}"#),
            "strange" => answer(200, r#"{"status": "REJECTED", "reason": "TOO_TALL"}"#),
            "rubbish" => answer(200, "<html>ACCEPTED</html>"),
            "redirect" => Behaviour::Bytes(
                b"HTTP/1.1 302 X\r\nlocation: /v1/else\r\ncontent-length: 0\r\n\r\n".to_vec(),
            ),
            "huge" => answer(200, &format!("{}{{}}", " ".repeat(70_000))),
            "hangs" => Behaviour::Hang,
            _ => Behaviour::Status(404),
        }
    }
}

/// A form without a doubt of ours, of this city.
fn sharp(city: &str) -> Filled {
    filled().with("city", city).showing("imageFace", stripes(1)).showing("imageFront", stripes(1))
}

/// What came of a form: its status and reason, or that a person is to look.
async fn outcome(user: &Applicant<'_>) -> (String, Value) {
    let found = decided(user).await;
    let status = found["status"].as_str().expect("a status").to_owned();
    assert_eq!(found["referredAt"].is_null(), status != "IN_PROGRESS", "{found}");
    (status, found["reason"].clone())
}

/// The log says what is listed, names the form whose answer was strange, and tells nobody's data.
fn assert_logged(output: &str, strange: &str) {
    for secret in [TOKEN, "Postepu", "AB123456", "TOO_TALL"] {
        assert!(!output.contains(secret), "{secret}: {output}");
    }
    let listed = events();
    for line in output.lines().filter(|line| line.starts_with('{')) {
        assert_listed(&serde_json::from_str(line).expect("JSON"), &listed);
    }
    let mut lines = output.lines();
    let told = lines.find(|line| line.contains("UNKNOWN_REASON"));
    assert!(told.is_some_and(|line| line.contains(strange)), "{output}");
}

const PERSON: &str = "IN_PROGRESS";

on_both_databases! {
    /// Each answer once; and what we doubt or know ourselves.
    async fn a_provider_decides_together_with_our_own_rules(database) {
        let provider = Partner::start_open(by_city()).await;
        let configured = Configured::new(&provider, provider.authority());
        let mut sandbox = configured.start(database).await;
        let mut forms = HashMap::new();
        for (city, status, reason) in [
            ("accepted", "ACCEPTED", Value::Null),
            ("rejected", "REJECTED", "BLURRED_DOCUMENT_PHOTO".into()),
            ("referred", PERSON, Value::Null),
            ("in progress", "ACCEPTED", Value::Null),
            ("forgotten", PERSON, Value::Null),
            ("strange", PERSON, Value::Null),
            ("rubbish", PERSON, Value::Null),
            ("missing", PERSON, Value::Null),
            ("redirect", PERSON, Value::Null),
            ("huge", PERSON, Value::Null),
        ] {
            let user = Applicant::register(&sandbox).await;
            forms.insert(city, user.submit(&sharp(city)).await);
            assert_eq!(outcome(&user).await, (status.to_owned(), reason), "{city}");
        }
        let sent = provider.received();
        assert!(sent.iter().all(|one| one.path.starts_with("/v1/verifications")), "{sent:?}");

        let unsharp = sharp("accepted").showing("imageFace", stripes(15));
        let user = Applicant::register(&sandbox).await;
        user.submit(&unsharp).await;
        assert_eq!(outcome(&user).await.0, "ACCEPTED", "a picture that only we doubt");
        let small = Applicant::register_born(&sandbox, "2015-01-01").await;
        small.submit(&sharp("accepted").with("birthDate", "2015-01-01")).await;
        assert_eq!(outcome(&small).await.0, PERSON, "who is under age, whoever accepts");
        let listed = Applicant::register(&sandbox).await;
        let lock = format!("/secure/customers/{}/transactional-locks", listed.id);
        let lock = sandbox.partner().post(&lock).json(&json!({ "reason": "SCREENING_DETECTED" }));
        crate::story::expect(204, lock).await;
        listed.submit(&sharp("accepted")).await;
        assert_eq!(outcome(&listed).await.0, PERSON, "who was found on a list");

        let asked = provider.count();
        for form in [
            sharp("accepted").with("firstName", "Jane"),
            sharp("accepted").showing("imageFace", stripes(30)),
        ] {
            let user = Applicant::register(&sandbox).await;
            user.submit(&form).await;
            assert_eq!(outcome(&user).await.0, "REJECTED", "by ourselves");
        }
        assert_eq!(provider.count(), asked, "what we reject isn't sent");

        assert_eq!(sandbox.metric("antaca_ekyc_questions_total", &["\"accepted\""]).await, 5);
        assert_eq!(sandbox.metric("antaca_ekyc_questions_total", &["\"unusable\""]).await, 5);
        assert_logged(&sandbox.output(), &forms["strange"]);
        let written = records(&mut sandbox).await;
        let of = |city: &str, action: &str| {
            let mut all = written.values().flatten();
            let found = all.find(|it| it.object == forms[city] && it.action == action);
            found.unwrap_or_else(|| panic!("{city} {action}")).clone()
        };
        assert_eq!(of("accepted", "verification.ask").actor, "worker:verifier");
        assert_eq!(of("accepted", "verification.decide").actor, "worker:ekyc");
        let referred = of("huge", "verification.refer");
        assert_eq!(referred.actor, "worker:ekyc");
        assert!(referred.detail.to_string().contains("ANSWER_TOO_LARGE"), "{referred:?}");
    }

    /// What is sent, as the contract has it.
    async fn a_form_is_sent_as_it_came(database) {
        let provider = Partner::start_open(by_city()).await;
        let configured = Configured::new(&provider, provider.authority());
        let sandbox = configured.start(database).await;
        let user = Applicant::register(&sandbox).await;
        let form = user.submit(&sharp("in progress").with("riskLvl", "LOW")).await;
        assert_eq!(outcome(&user).await.0, "ACCEPTED");
        let sent = provider.received();
        let [first, second] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!((&*first.method, &*first.path), ("POST", "/v1/verifications"));
        assert_eq!((&*second.method, second.path.clone()),
            ("GET", format!("/v1/verifications/{form}")));
        for one in [first, second] {
            assert_eq!(one.key(), form);
            assert_eq!(one.headers["authorization"], format!("Bearer {TOKEN}"));
            assert_eq!(one.headers["accept"], "application/json");
            assert!(!one.headers["x-request-id"].is_empty());
            assert!(!one.headers.contains_key("webhook-signature"));
        }
        for (name, text) in [
            ("verificationId", &*form), ("firstName", "John"), ("lastName", "Doe"),
            ("street", "Postepu"), ("number", "1"), ("city", "in progress"),
            ("postCode", "02-676"), ("country", "PL"), ("nationality", "Polish"),
            ("birthDate", "2000-01-01"), ("documentType", "passport"),
            ("identityCardNo", "AB123456"), ("documentExpirationDate", "2040-01-01"),
            ("riskLvl", "LOW"),
        ] {
            assert_eq!(part(first, name).as_deref(), Some(text), "{name}");
        }
        assert_eq!((part(first, "apartment"), part(first, "pesel")), (None, None));
        let text = String::from_utf8_lossy(&first.bytes).into_owned();
        assert!(first.headers["content-type"].starts_with("multipart/form-data; boundary="));
        for name in ["imageFace", "imageFront"] {
            let head = format!("name=\"{name}\"; filename=\"{name}.png\"\r\n");
            assert!(text.contains(&format!("{head}Content-Type: image/png\r\n\r\n")), "{name}");
        }
        let picture = stripes(1);
        let found = first.bytes.windows(picture.len()).filter(|bytes| *bytes == picture).count();
        assert_eq!(found, 2);
        assert!(second.bytes.is_empty());
    }

    /// Asked again by the same key until it answers, with our certificate; after a day a person
    /// decides.
    async fn a_provider_that_is_down_is_asked_again(database) {
        let up: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
        let provider = Partner::start(move |_, nth| match (up.load(Ordering::SeqCst), nth % 3) {
            (true, _) => accepted(),
            (false, 0) => Behaviour::Status(503),
            (false, 1) => Behaviour::Status(429),
            (false, _) => Behaviour::Drop,
        })
        .await;
        let (certificate, key) = provider.identity();
        let identity = [("CERTIFICATE_FILE", certificate), ("KEY_FILE", key)];
        let configured = Configured::with(&provider, provider.authority(), &identity);
        let sandbox = configured.start(database).await;
        let user = Applicant::register(&sandbox).await;
        let form = user.submit(&sharp("x")).await;
        for count in 1..=3 {
            eventually("it is asked", PATIENCE, async || provider.count() >= count).await;
            advance(&sandbox, MINUTES).await;
        }
        assert!(user.forms().await[0]["referredAt"].is_null());
        up.store(true, Ordering::SeqCst);
        advance(&sandbox, MINUTES).await;
        assert_eq!(outcome(&user).await.0, "ACCEPTED");
        let sent = provider.received();
        assert!(sent.iter().all(|one| one.method == "POST" && one.key() == form), "{sent:?}");
        assert!(sent.iter().all(|one| !one.headers.contains_key("authorization")));

        up.store(false, Ordering::SeqCst);
        let (user, before) = (Applicant::register(&sandbox).await, provider.count());
        let form = user.submit(&sharp("x")).await;
        eventually("it is asked", PATIENCE, async || provider.count() > before).await;
        advance(&sandbox, DAY).await;
        assert_eq!(outcome(&user).await.0, PERSON);
        let output = sandbox.output();
        let line = output.lines().find(|line| line.contains("didn't decide in time"));
        assert!(line.is_some_and(|line| line.contains(&form)), "{output}");
    }

    /// Nothing is sent to a server of another authority; the form waits.
    async fn a_provider_of_another_authority_is_sent_nothing(database) {
        let (provider, other) =
            (Partner::start_open(by_city()).await, Partner::start_open(by_city()).await);
        let configured = Configured::new(&provider, other.authority());
        let sandbox = configured.start(database).await;
        let user = Applicant::register(&sandbox).await;
        user.submit(&sharp("accepted")).await;
        eventually("it is tried", PATIENCE, async || {
            sandbox.output().contains("TLS_FAILED")
        })
        .await;
        let [form] = user.forms().await.try_into().expect("one form");
        assert_eq!((&form["status"], &form["referredAt"]), (&json!("IN_PROGRESS"), &Value::Null));
        assert_eq!(provider.count(), 0);
        assert!(!sandbox.output().contains(TOKEN));
    }

    /// One question that hangs keeps no other form waiting, neither our own check nor others that
    /// the provider is asked about.
    async fn a_question_that_hangs_holds_up_nothing(database) {
        let provider = Partner::start_open(by_city()).await;
        let configured = Configured::new(&provider, provider.authority());
        let sandbox = configured.start(database).await;
        let slow = Applicant::register(&sandbox).await;
        slow.submit(&sharp("hangs")).await;
        eventually("it is asked", PATIENCE, async || provider.count() == 1).await;
        let (jane, john) =
            (Applicant::register(&sandbox).await, Applicant::register(&sandbox).await);
        jane.submit(&sharp("accepted").with("firstName", "Jane")).await;
        john.submit(&sharp("accepted")).await;
        assert_eq!(outcome(&jane).await.0, "REJECTED");
        assert_eq!(outcome(&john).await.0, "ACCEPTED");
        assert_eq!(sandbox.metric("antaca_ekyc_questions_total", &["\"not_now\""]).await, 0);
        assert!(slow.forms().await[0]["referredAt"].is_null());
    }

    /// A server that ends gives its question back, and what a killed one had claimed is asked again
    /// when its claim is over: by the same key.
    async fn what_a_server_asked_is_asked_again(database) {
        let provider = Partner::start_open(|_, nth| {
            if nth < 2 { Behaviour::Hang } else { accepted() }
        })
        .await;
        let configured = Configured::new(&provider, provider.authority());
        let mut sandbox = configured.start(database).await;
        let id = {
            let user = Applicant::register(&sandbox).await;
            user.submit(&sharp("x")).await;
            user.id
        };
        eventually("it is asked", PATIENCE, async || provider.count() == 1).await;
        assert_eq!(sandbox.stop().await.code, Some(0));
        sandbox.restart().await;
        eventually("it is asked again", PATIENCE, async || provider.count() == 2).await;
        sandbox.kill();
        sandbox.restart().await;
        advance(&sandbox, MINUTES).await;
        let user = Applicant::known(&sandbox, id);
        assert_eq!(outcome(&user).await.0, "ACCEPTED");
        let sent = provider.received();
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|one| one.key() == sent[0].key()), "{sent:?}");
    }

    /// Where no provider is configured any more, nobody waits for it for ever.
    async fn without_a_provider_a_person_decides_after_a_day(database) {
        let provider = Partner::start_open(|_, _| Behaviour::Status(503)).await;
        let configured = Configured::new(&provider, provider.authority());
        let mut sandbox = configured.start(database).await;
        let id = {
            let user = Applicant::register(&sandbox).await;
            user.submit(&sharp("x")).await;
            user.id
        };
        eventually("it is asked", PATIENCE, async || provider.count() == 1).await;
        assert_eq!(sandbox.stop().await.code, Some(0));
        sandbox.set_variables(&[]);
        sandbox.restart().await;
        let user = Applicant::known(&sandbox, id);
        advance(&sandbox, MINUTES).await;
        let other = Applicant::register(&sandbox).await;
        other.submit(&sharp("x")).await;
        assert_eq!(outcome(&other).await.0, "ACCEPTED", "by ourselves alone");
        assert!(user.forms().await[0]["referredAt"].is_null());
        advance(&sandbox, DAY).await;
        assert_eq!(outcome(&user).await.0, PERSON);
        assert_eq!(provider.count(), 1);
    }
}

/// Of two servers one asks about a form.
#[tokio::test]
async fn two_servers_ask_about_each_form_once() {
    const FORMS: usize = 12;
    let provider = Partner::start_open(by_city()).await;
    let configured = Configured::new(&provider, provider.authority());
    let one = configured.start(Database::Postgres(testkit::postgres_url().await)).await;
    let other = one.sibling().await;
    let mut users = Vec::new();
    for _ in 0..FORMS {
        let user = Applicant::register(&one).await;
        user.submit(&sharp("accepted")).await;
        users.push(user);
    }
    for user in &users {
        assert_eq!(outcome(user).await.0, "ACCEPTED");
    }
    let keys: HashSet<_> = provider.received().iter().map(|sent| sent.key().to_owned()).collect();
    assert_eq!((keys.len(), provider.count()), (FORMS, FORMS));
    drop(other);
}

/// A server that can't read what it needs says so at its start.
#[tokio::test]
async fn a_missing_token_is_told_at_the_start() {
    let folder = testkit::folder();
    let data = folder.path().join("data");
    let arguments = crate::support::arguments(&data, &Database::Sqlite);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let provider = Partner::start_open(by_city()).await;
    let configured = Configured::with(&provider, provider.authority(), &[("TOKEN_FILE", "\n")]);
    let variables: Vec<(&str, &str)> =
        configured.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ended = crate::support::antaca_with(&arguments, &variables).await;
    ended.assert_refused("There is no bearer token in");
}
