//! Each of the four errors, from each of its causes.

use super::{Published, both_ways, sealed, with_part};
use crate::story::{KEY, Story, answer, encrypted, expect};
use crate::support::{Database, Sandbox};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// The two tokens that the first documents of this API print, as they stand there.
const SEEDS: &str = include_str!("../../../../crypto/testdata/seeds-jwe-examples.txt");

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("short").to_be_bytes();
    let length = match content.len() {
        0..128 => vec![length[1]],
        128..256 => vec![0x81, length[1]],
        _ => vec![0x82, length[0], length[1]],
    };
    [&[tag], &length[..], content].concat()
}

/// DER of an RSA public key of that many bits.
fn spki(bits: usize, exponent: &[u8]) -> Vec<u8> {
    let modulus = [&[0], &vec![0xFF; bits / 8][..]].concat();
    let key = der(0x30, &[der(0x02, &modulus), der(0x02, exponent)].concat());
    let rsa = [0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 5, 0];
    der(0x30, &[der(0x30, &rsa), der(0x03, &[&[0], &key[..]].concat())].concat())
}

async fn assert_refused(request: RequestBuilder, title: &str, cause: &str) {
    let (status, body) = answer(request).await;
    assert_eq!((status, &body["title"]), (400, &json!(title)), "{cause}: {body}");
    assert!(body["requestId"].is_string() && body.get("violations").is_none(), "{body}");
}

#[tokio::test]
async fn a_public_key_is_read_in_every_spelling_and_refused_if_unfit() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let partner = sandbox.partner();
    let get = || partner.get("/secure/public-key").header("Encrypt-Response", "true");
    let pem = KEY.public_pem();
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(lines).expect("base64");
    for content in [pem.as_bytes(), pem.replace('\n', "\r\n").as_bytes(), &der] {
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            let told = expect(200, get().header("Public-Key", engine.encode(content))).await;
            assert!(told["payload"].is_string(), "{told}");
        }
    }
    let usual = [1, 0, 1];
    let unfit = |bits, exponent: &[u8]| STANDARD.encode(spki(bits, exponent));
    let good = STANDARD.encode(pem);
    let certificate = std::fs::read(sandbox.dir().join("sandbox.pem")).expect("a file");
    for (cause, header) in [
        ("empty", String::new()),
        ("not base64", "%%%".to_owned()),
        ("cut short", good[..good.len() / 2].to_owned()),
        ("white space", format!("{} {}", &good[..8], &good[8..])),
        ("a PEM itself", "-----BEGIN PUBLIC KEY-----".to_owned()),
        ("text", STANDARD.encode("text")),
        ("a certificate", STANDARD.encode(certificate)),
        ("a private key", STANDARD.encode(KEY.to_pkcs8_pem().as_bytes())),
        ("1024 bits", unfit(1024, &usual)),
        ("2040 bits", unfit(2040, &usual)),
        ("4104 bits", unfit(4104, &usual)),
        ("16384 bits", unfit(16384, &usual)),
        ("exponent 1", unfit(2048, &[1])),
        ("exponent 3", unfit(2048, &[3])),
        ("exponent 65539", unfit(2048, &[1, 0, 3])),
        ("8 KiB", "A".repeat(8 * 1024)),
    ] {
        for name in ["Encrypt-Response", "Encrypted-Request"] {
            let request = partner.get("/secure/public-key").header(name, "true");
            let request = request.header("Public-Key", &header);
            assert_refused(request, "INVALID_PUBLIC_KEY", cause).await;
        }
    }
    assert_refused(get(), "INVALID_PUBLIC_KEY", "none").await;
    let two = get().header("Public-Key", &good).header("Public-Key", &good);
    assert_refused(two, "INVALID_PUBLIC_KEY", "two").await;
}

/// Headers of tokens that are refused before any decryption.
const HEADERS: &[&str] = &[
    r#"{"alg":"RSA1_5","enc":"A256GCM"}"#,
    r#"{"alg":"dir","enc":"A256GCM"}"#,
    r#"{"alg":"none","enc":"A256GCM"}"#,
    r#"{"alg":"ECDH-ES","enc":"A256GCM"}"#,
    r#"{"alg":"ECDH-ES+A256KW","enc":"A256GCM"}"#,
    r#"{"alg":"A256KW","enc":"A256GCM"}"#,
    r#"{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":2147483647,"p2s":"AAAA"}"#,
    r#"{"alg":"RSA-OAEP-384","enc":"A256GCM"}"#,
    r#"{"alg":"RSA-OAEP-512","enc":"A256GCM"}"#,
    r#"{"alg":"RSA-OAEP-256","enc":"A128GCM"}"#,
    r#"{"alg":"RSA-OAEP-256","enc":"A192GCM"}"#,
    r#"{"alg":"RSA-OAEP-256","enc":"A128CBC-HS256"}"#,
    r#"{"alg":"RSA-OAEP-256","enc":"A256CBC-HS512"}"#,
    r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","zip":"DEF"}"#,
    r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","crit":["exp"],"exp":1}"#,
    r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":7}"#,
    r#"{"alg":"RSA-OAEP-256","alg":"RSA-OAEP","enc":"A256GCM"}"#,
    r#"{"alg":"RSA-OAEP-256"}"#,
    r#"{"enc":"A256GCM"}"#,
    "{}",
    "rubbish",
];

/// Bodies whose refusal is `INVALID_PAYLOAD`.
fn invalid_bodies(ours: &Published, token: &str) -> Vec<String> {
    let parts: Vec<_> = token.split('.').collect();
    let wrapped = |payload: Value| json!({ "payload": payload }).to_string();
    let mut bodies = vec![
        json!({ "currency": "EUR" }).to_string(),
        "{".to_owned(),
        token.to_owned(),
        format!(r#"["{token}"]"#),
        format!(r#"{{"payload":"{token}","payload":"{token}"}}"#),
        json!({ "payload": token, "currency": "EUR" }).to_string(),
        wrapped(Value::Null),
        wrapped(json!([token])),
        wrapped("".into()),
        wrapped(parts[..4].join(".").into()),
        wrapped(format!("{token}.AAAA").into()),
        wrapped(format!(" {token}").into()),
        wrapped(with_part(token, 1, "%%%%").into()),
        wrapped(with_part(token, 1, "").into()),
        wrapped(with_part(token, 2, "AAAA").into()),
        wrapped(with_part(token, 4, "AAAA").into()),
    ];
    let headers = HEADERS.iter().map(|header| URL_SAFE_NO_PAD.encode(header));
    bodies.extend(headers.map(|header| wrapped(with_part(token, 0, &header).into())));
    // Decrypted these aren't the JSON expected.
    for text in [&b""[..], b"text", b"{", b"[]", b"\"text\"", b"1", b"{} {}", b"{\"a\":\"\xFF\"}"] {
        bodies.push(wrapped(ours.key.encrypt(Some(&ours.kid), text).into()));
    }
    // As printed, with the backslashes of the documents' mark-up, they aren't even JSON.
    bodies.extend(SEEDS.lines().map(|example| format!(r#"{{"payload" : "{example}"}}"#)));
    bodies
}

on_both_databases! {
    /// What isn't a token of ours, and what is one but holds something else.
    async fn what_can_not_be_read_as_a_payload_is_invalid(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let partner = sandbox.partner();
        let ours = Published::of(partner).await;
        let balances = format!("/secure/customers/{}/balances", story.customer);
        let token = ours.named(&json!({ "currency": "EUR" }));
        for body in invalid_bodies(&ours, &token) {
            let start: String = body.chars().take(200).collect();
            let post = both_ways(partner.post(&balances));
            let post = post.header("Content-Type", "application/json").body(body);
            assert_refused(post, "INVALID_PAYLOAD", &start).await;
        }
        // JSON that this endpoint doesn't take is refused as it would be in clear.
        let wrong = sealed(partner.post(&balances), &ours.named(&json!({ "currency": 1 })));
        assert_eq!(expect(422, wrong).await["title"], "VALIDATION_ERROR");
        let listed = expect(200, partner.get(&balances)).await;
        assert_eq!(listed.as_array().or(listed["items"].as_array()).map(Vec::len), Some(1));
    }

    /// Which key, which part, which step: all look the same.
    async fn what_can_not_be_decrypted_is_not_told_why(database) {
        let sandbox = Sandbox::start_with(
            database, &[("ANTACA_JWE_PRIVATE_OPERATIONS", "100000")],
        ).await;
        let story = Story::begin(&sandbox, 0).await;
        let partner = sandbox.partner();
        let ours = Published::of(partner).await;
        let balances = format!("/secure/customers/{}/balances", story.customer);
        let body = json!({ "currency": "EUR" });
        let (token, other) = (ours.nameless(&body), ours.nameless(&body));
        let others: Vec<_> = other.split('.').collect();
        let theirs = crypto::jwe::PublicKey::parse(&KEY.public_header()).expect("a key");
        let text = body.to_string();
        let named = r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"unknown"}"#;
        let above = format!("{}w", "_".repeat(341));
        let sha_1 = r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#;
        let mut tokens = vec![
            ("another's key", theirs.encrypt(None, text.as_bytes())),
            ("another's key, ours named", theirs.encrypt(Some(&ours.kid), text.as_bytes())),
            ("an unknown name", ours.key.encrypt(Some("unknown"), text.as_bytes())),
            ("another header", with_part(&token, 0, &URL_SAFE_NO_PAD.encode(named))),
            ("another flavour of OAEP", with_part(&token, 0, &URL_SAFE_NO_PAD.encode(sha_1))),
            ("another's content key", with_part(&token, 1, others[1])),
            ("no content key", with_part(&token, 1, &"A".repeat(342))),
            ("a short content key", with_part(&token, 1, "AAAA")),
            ("a content key above the modulus", with_part(&token, 1, &above)),
            ("another's nonce", with_part(&token, 2, others[2])),
            ("another's text", with_part(&token, 3, others[3])),
            ("no text", with_part(&token, 3, "")),
            ("another's tag", with_part(&token, 4, others[4])),
        ];
        let seeds = SEEDS.lines().map(|example| ("the seeds'", example.replace('\\', "")));
        tokens.extend(seeds);
        let mut answers = Vec::new();
        for (cause, token) in tokens {
            let post = sealed(partner.post(&balances), &token);
            let (status, mut answered) = answer(post.header("X-Request-Id", "one")).await;
            assert_eq!(answered["title"], "CANT_DECRYPT_PAYLOAD", "{cause}: {answered}");
            answered["cause"] = status.into();
            answers.push(answered);
        }
        assert!(answers.iter().all(|one| *one == answers[0]), "one answer for all causes");
        expect(201, sealed(partner.post(&balances), &token)).await;
    }

    /// Where card data is shown, either header will do, and none won't.
    async fn card_data_is_not_shown_in_clear(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let partner = sandbox.partner();
        let cards = format!("/secure/customers/{}/cards", story.customer);
        let order = || {
            let body = json!({ "balanceId": story.balance, "configId": "0019167984" });
            partner.post(&format!("{cards}/virtual")).json(&body)
        };
        let read = || partner.get(&format!("{cards}/{}", story.card));
        for request in [order(), read(), read().header("Public-Key", KEY.public_header())] {
            assert_refused(request, "ENCRYPTION_REQUIRED", "no header").await;
        }
        // Before anything is known of the request.
        let nothing = partner.post(&format!("{cards}/virtual"));
        assert_refused(nothing, "ENCRYPTION_REQUIRED", "no body").await;
        let listed = expect(200, partner.get(&cards)).await;
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "nothing was made");
        expect(200, encrypted(read())).await;
        expect(201, encrypted(order())).await;
    }
}
