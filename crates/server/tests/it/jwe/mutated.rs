//! Ten thousand broken requests: nothing but the four errors, and no memory kept for any of them.

use super::Published;
use crate::story::{KEY, Story, answer, expect};
use crate::support::{Caller, Database, Sandbox};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use testkit::eventually;
use tokio::task::JoinSet;

/// Where each run's numbers begin.
const SEED: u64 = 0x00A7_17AC_A202_6112;
/// Callers at once, each with numbers of its own.
const CALLERS: u64 = 4;
/// Requests that let caches, pools and buffers grow to their size.
const WARM_UP: u64 = 2_000;
const REQUESTS: u64 = 10_000;
/// What may be in use more after them than before: a tenth of the shortest of these requests each.
const GROWTH_MAX: usize = 4 * 1024 * 1024;
/// Within which time.
const GIVEN_BACK: Duration = Duration::from_secs(20);
/// Characters of the parts that are made large: the body stays within its limit.
const LARGE: usize = 900 * 1024;

/// No limit is met, and what was given back is given back to the system at once: else the allocator
/// keeps it until it is asked for more, and memory in use says little.
const VARIABLES: &[(&str, &str)] = &[
    ("ANTACA_JWE_PRIVATE_OPERATIONS", "100000"),
    ("ANTACA_LIMITS_REQUESTS_PER_SECOND", "0"),
    ("ANTACA_LOG", "warn"),
    ("MALLOC_CONF", "narenas:1,tcache:false,dirty_decay_ms:0,muzzy_decay_ms:0"),
];

const TITLES: [&str; 4] =
    ["ENCRYPTION_REQUIRED", "INVALID_PUBLIC_KEY", "INVALID_PAYLOAD", "CANT_DECRYPT_PAYLOAD"];

/// Numbers that are always the same for the same seed (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("small");
        usize::try_from(self.next() % limit).expect("small")
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// A request as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    flag: String,
    public_key: String,
    body: String,
}

/// What a right request is made of.
#[derive(Clone, Debug)]
struct Right {
    path: String,
    public_key: String,
    token: String,
    kid: String,
}

fn mutated(right: &Right, numbers: &mut Numbers) -> Sent {
    let token = match numbers.below(12) {
        0 | 1 => with_flipped_bits(&right.token, numbers),
        2 => right.token[..numbers.below(right.token.len())].to_owned(),
        3 => with_swapped_parts(&right.token, numbers),
        4 => with_other_header(right, numbers),
        5 => with_random_part(&right.token, numbers),
        6 => with_large_part(&right.token, numbers),
        7 => with_other_count_of_parts(&right.token, numbers),
        8..=11 => right.token.clone(),
        _ => unreachable!("below twelve"),
    };
    let mut sent = Sent {
        flag: "true".to_owned(),
        public_key: right.public_key.clone(),
        body: json!({ "payload": token }).to_string(),
    };
    // What has its token whole is broken elsewhere, until it is broken.
    let whole = sent.clone();
    while token == right.token && sent == whole {
        match numbers.below(3) {
            0 => sent.flag = numbers.of(&["True", "tru", "1", "", "false"]).to_owned(),
            1 => {
                let length = numbers.below(right.public_key.len() - 8);
                sent.public_key.truncate(length);
            }
            _ => {
                let at = numbers.below(sent.body.len());
                sent.body.insert_str(at, numbers.of(&["{", "\"", "\\", "]", ",", "\u{0}", "ż"]));
            }
        }
    }
    sent
}

fn with_flipped_bits(token: &str, numbers: &mut Numbers) -> String {
    let mut bytes = token.as_bytes().to_vec();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(bytes.len());
        // The highest bit would make it something else than text.
        bytes[at] ^= 1 << numbers.below(7);
    }
    String::from_utf8(bytes).expect("ASCII")
}

fn with_swapped_parts(token: &str, numbers: &mut Numbers) -> String {
    let mut parts: Vec<_> = token.split('.').collect();
    let (one, other) = (numbers.below(5), numbers.below(5));
    parts.swap(one, other);
    parts.join(".")
}

fn with_other_header(right: &Right, numbers: &mut Numbers) -> String {
    let mut header = json!({ "alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": right.kid });
    let name = numbers.of(&["alg", "enc", "kid", "zip", "crit", "typ", "x", "jwk", "epk", "b64"]);
    header[name] = match numbers.below(8) {
        0 => Value::Null,
        1 => numbers.next().into(),
        2 => json!([numbers.next()]),
        3 => json!({ "alg": "dir" }),
        4 => "x".repeat(numbers.below(5_000)).into(),
        5 => numbers.of(&["RSA-OAEP", "RSA1_5", "dir", "none", "A256KW", "ECDH-ES"]).into(),
        6 => numbers.of(&["A128GCM", "A128CBC-HS256", "A256CBC-HS512", "a256gcm"]).into(),
        _ => String::from_utf8_lossy(&numbers.bytes(12)).into(),
    };
    let mut text = header.to_string();
    if numbers.below(8) == 0 {
        text.insert_str(1, r#""alg":"RSA-OAEP-256","#);
    }
    super::with_part(&right.token, 0, &URL_SAFE_NO_PAD.encode(text))
}

fn with_random_part(token: &str, numbers: &mut Numbers) -> String {
    let (place, length) = (numbers.below(5), numbers.below(600));
    let usual = token.split('.').nth(place).unwrap_or_default().len() / 4 * 3;
    let length = if numbers.below(2) == 0 { usual } else { length };
    super::with_part(token, place, &URL_SAFE_NO_PAD.encode(numbers.bytes(length)))
}

fn with_large_part(token: &str, numbers: &mut Numbers) -> String {
    // Most of them smaller: what matters is what becomes of them.
    let largest = if numbers.below(16) == 0 { LARGE } else { 16 * 1024 };
    let part = "A".repeat(numbers.below(largest));
    super::with_part(token, numbers.below(5), &part)
}

fn with_other_count_of_parts(token: &str, numbers: &mut Numbers) -> String {
    let mut parts: Vec<_> = token.split('.').collect();
    match numbers.below(3) {
        0 => drop(parts.remove(numbers.below(5))),
        1 => parts.insert(numbers.below(6), "AAAA"),
        _ => parts.extend(vec![""; numbers.below(10_000) + 1]),
    }
    parts.join(".")
}

fn request(caller: &Caller, path: &str, sent: &Sent) -> RequestBuilder {
    caller
        .post(path)
        .header("Content-Type", "application/json")
        .header("Encrypted-Request", &sent.flag)
        .header("Public-Key", &sent.public_key)
        .body(sent.body.clone())
}

/// Sends so many broken requests, and counts the answers by their titles.
async fn send(caller: Caller, right: Right, seed: u64, count: u64) -> BTreeMap<String, u64> {
    let mut numbers = Numbers(seed);
    let mut told = BTreeMap::new();
    for number in 0..count {
        let sent = mutated(&right, &mut numbers);
        let (status, body) = answer(request(&caller, &right.path, &sent)).await;
        let title = body["title"].as_str().unwrap_or_default().to_owned();
        assert!(
            status == 400 && TITLES.contains(&title.as_str()),
            "seed {seed:#x}, request {number}: {status} {body} to {:.400?}",
            sent,
        );
        *told.entry(title).or_default() += 1;
    }
    told
}

async fn send_all(
    sandbox: &Sandbox,
    right: &Right,
    seed: u64,
    count: u64,
) -> BTreeMap<String, u64> {
    let mut sending = JoinSet::new();
    for caller in 0..CALLERS {
        let (partner, right) = (sandbox.partner().clone(), right.clone());
        sending.spawn(send(partner, right, seed + caller, count / CALLERS));
    }
    let mut all = BTreeMap::new();
    for told in sending.join_all().await {
        for (title, count) in told {
            *all.entry(title).or_default() += count;
        }
    }
    all
}

/// On one database alone: none of these requests gets as far as any.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_broken_requests_get_four_errors_and_leave_nothing_behind() {
    println!("seed {SEED:#x}");
    let sandbox = Sandbox::start_with(Database::Sqlite, VARIABLES).await;
    let story = Story::begin(&sandbox, 0).await;
    let ours = Published::of(sandbox.partner()).await;
    let body = json!({ "balanceId": story.balance, "configId": "0019167984" });
    let right = Right {
        path: format!("/secure/customers/{}/cards/virtual", story.customer),
        public_key: KEY.public_header(),
        token: ours.named(&body),
        kid: ours.kid.clone(),
    };
    send_all(&sandbox, &right, SEED + 1_000, WARM_UP).await;

    let (before, begun) = (sandbox.resident(), Instant::now());
    let told = send_all(&sandbox, &right, SEED, REQUESTS).await;
    println!("{told:?} in {:?}", begun.elapsed());
    assert_eq!(told.values().sum::<u64>(), REQUESTS);
    let enough = |title: &str| told.get(title).is_some_and(|count| *count >= REQUESTS / 20);
    assert!(TITLES.iter().all(|title| enough(title)), "each of the four is met: {told:?}");
    // Connections and tasks end after a moment; what leaked never comes back.
    let grown = || sandbox.resident().saturating_sub(before);
    eventually("the memory is given back", GIVEN_BACK, async || grown() < GROWTH_MAX).await;

    // Nothing was made, and the server is as it was.
    let cards = format!("/secure/customers/{}/cards", story.customer);
    let listed = expect(200, sandbox.partner().get(&cards)).await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    let whole = Sent {
        flag: "true".to_owned(),
        public_key: right.public_key.clone(),
        body: json!({ "payload": right.token }).to_string(),
    };
    expect(201, request(sandbox.partner(), &right.path, &whole)).await;
}
