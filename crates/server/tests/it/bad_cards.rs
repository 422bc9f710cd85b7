//! Every call about a card × everything that may be wrong with the card that it names, with its
//! body and with its encryption: each is refused by its own title, and nothing has changed.

use crate::bad_orders::{balance, stranger};
use crate::customers::{paid_with, sealed_at};
use crate::plastic::{PHYSICAL, address};
use crate::story::{KEY, Story, answer, decrypted, encrypted, expect, unique};
use crate::support::{Caller, Database, Phone, Sandbox};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const VIRTUAL: &str = "0019167984";
/// The PIN of the card, before and after.
const PIN: &str = "8264";

/// What of a call must be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Jwe {
    Nothing,
    Answer,
    Both,
}

/// A call about a card.
#[derive(Clone, Copy, Debug)]
struct Act {
    name: &'static str,
    channels: &'static [&'static str],
    jwe: Jwe,
}

const fn act(name: &'static str, channels: &'static [&'static str], jwe: Jwe) -> Act {
    Act { name, channels, jwe }
}

const ACTS: &[Act] = &[
    act("lock", &["secure", "customers", "admin"], Jwe::Nothing),
    act("unlock", &["secure", "customers", "admin"], Jwe::Nothing),
    act("activate", &["secure", "customers", "admin"], Jwe::Nothing),
    act("print", &["secure", "customers", "admin"], Jwe::Answer),
    act("renew", &["secure", "admin"], Jwe::Answer),
    act("replace", &["secure", "admin"], Jwe::Answer),
    act("cvv", &["customers", "admin"], Jwe::Answer),
    act("pin", &["customers"], Jwe::Both),
];

impl Act {
    /// What is right; none if nothing is sent.
    fn body(self) -> Option<Value> {
        match self.name {
            "lock" => Some(json!({ "reason": 7 })),
            "activate" => Some(json!({ "lastFourDigits": "1234", "expiry": "2029-11" })),
            "print" => Some(json!({ "deliveryAddress": address(), "delivery": "POST" })),
            "replace" => Some(json!({ "reason": "CARD_LOST" })),
            "pin" => Some(json!({ "pin": PIN })),
            _ => None,
        }
    }
}

const FIELDS: &str = "422 VALIDATION_ERROR";
const REASON: &str = "422 INVALID_LOCK_REASON";
const UNREADABLE: &str = "400 INVALID_REQUEST";

/// What may be wrong with a body, and what it is answered.
const WRONG_BODIES: &[(&str, &str, &str)] = &[
    ("lock", "{}", FIELDS),
    ("lock", r#"{ "reason": null }"#, FIELDS),
    ("lock", r#"{ "reason": "7" }"#, FIELDS),
    ("lock", r#"{ "reason": 1.5 }"#, FIELDS),
    ("lock", r#"{ "reason": [7] }"#, FIELDS),
    ("lock", r#"{ "reason": 0 }"#, REASON),
    ("lock", r#"{ "reason": -7 }"#, REASON),
    ("lock", r#"{ "reason": 9 }"#, REASON),
    ("lock", r#"{ "reason": 10 }"#, REASON),
    ("lock", r#"{ "reason": 12 }"#, REASON),
    ("lock", r#"{ "reason": 9223372036854775807 }"#, REASON),
    ("lock", "[]", UNREADABLE),
    ("lock", r#""7""#, UNREADABLE),
    ("activate", "{}", FIELDS),
    ("activate", r#"{ "lastFourDigits": 1234, "expiry": "2029-11" }"#, FIELDS),
    ("activate", r#"{ "lastFourDigits": "12a4", "expiry": "2029-11" }"#, FIELDS),
    ("activate", r#"{ "lastFourDigits": "1234", "expiry": "11/29" }"#, FIELDS),
    ("activate", r#"{ "lastFourDigits": "1234", "code": "12345" }"#, FIELDS),
    ("activate", "[]", UNREADABLE),
    ("replace", "{}", FIELDS),
    ("replace", r#"{ "reason": 1 }"#, FIELDS),
    ("replace", r#"{ "reason": "card_lost" }"#, FIELDS),
    ("replace", r#"{ "reason": "PENDING_QUERY" }"#, FIELDS),
    ("replace", r#"{ "reason": "CARD_LOST", "delivery": "POST" }"#, FIELDS),
    ("replace", "[]", UNREADABLE),
    ("pin", "{}", FIELDS),
    ("pin", r#"{ "pin": 8264 }"#, FIELDS),
    ("pin", r#"{ "pin": "826" }"#, FIELDS),
    ("pin", r#"{ "pin": "82645" }"#, FIELDS),
    ("pin", r#"{ "pin": "82a4" }"#, FIELDS),
    ("pin", r#"{ "pin": "1234" }"#, "422 WEAK_PIN"),
    ("print", "{}", FIELDS),
    ("print", "[]", UNREADABLE),
    ("renew", r#"{ "delivery": "POST" }"#, FIELDS),
    ("renew", "[]", UNREADABLE),
];

/// Where plastic can't be sent, or how.
fn wrong_carriers() -> Vec<Value> {
    let with = |name: &str, value: Value| {
        let mut body = json!({ "deliveryAddress": address(), "delivery": "POST" });
        body[name] = value;
        body
    };
    let address_with = |name: &str, value: Value| {
        let mut address = address();
        address[name] = value;
        with("deliveryAddress", address)
    };
    vec![
        with("delivery", "PIGEON".into()),
        with("delivery", 1.into()),
        with("delivery", Value::Null),
        with("deliveryAddress", Value::Null),
        with("deliveryAddress", "home".into()),
        with("deliveryAddress", json!({})),
        address_with("street", 1.into()),
        address_with("city", "".into()),
        address_with("country", "Poland".into()),
    ]
}

/// Every call with every body that is wrong for it, and what it is answered.
fn wrong_bodies() -> Vec<(&'static str, Value, &'static str)> {
    let read = |text: &str| serde_json::from_str(text).expect("JSON");
    let mut all: Vec<_> =
        WRONG_BODIES.iter().map(|(n, text, told)| (*n, read(text), *told)).collect();
    for body in wrong_carriers() {
        let mut lost = body.clone();
        lost["reason"] = "CARD_LOST".into();
        all.push(("replace", lost, FIELDS));
        all.push(("print", body.clone(), FIELDS));
        all.push(("renew", body, FIELDS));
    }
    all
}

/// What may be wrong with the encryption of a call, and what it is answered.
const WRONG_ENCRYPTION: &[(&str, &str)] = &[
    ("none", "400 ENCRYPTION_REQUIRED"),
    ("Encrypt-Response: yes", "400 ENCRYPTION_REQUIRED"),
    ("Encrypt-Response: TRUE", "400 ENCRYPTION_REQUIRED"),
    ("no Public-Key", "400 INVALID_PUBLIC_KEY"),
    ("a Public-Key that is none", "400 INVALID_PUBLIC_KEY"),
    ("two Public-Keys", "400 INVALID_PUBLIC_KEY"),
    ("a payload that is no token", "400 INVALID_PAYLOAD"),
    ("a payload for another key", "400 CANT_DECRYPT_PAYLOAD"),
    ("a body in clear", "400 INVALID_PAYLOAD"),
];

/// Who is there.
struct Cast {
    story: Story,
    phone: Phone,
    admin: Caller,
    /// Another user of the partner's.
    other: Story,
    /// A user of another partner's.
    foreign: Story,
}

impl Cast {
    async fn of(sandbox: &Sandbox) -> Self {
        let story = Story::begin(sandbox, 1_000).await;
        let phone = sandbox.phone("sandbox", story.customer).await;
        let admin = sandbox.admin("MANAGER", Some("sandbox")).await.sign_in(sandbox).await;
        let other = Story::begin(sandbox, 0).await;
        let stranger = stranger(sandbox).await;
        let foreign = Story::begin_of((&stranger, "stranger", VIRTUAL), 0).await;
        let cast = Self { story, phone, admin, other, foreign };
        let right = act("pin", &["customers"], Jwe::Both);
        expect(200, cast.sent(sandbox, right, "customers", right.body()).await).await;
        cast
    }

    fn caller<'a>(&'a self, sandbox: &'a Sandbox, channel: &str) -> &'a Caller {
        match channel {
            "customers" => &self.phone.caller,
            "admin" => &self.admin,
            _ => sandbox.partner(),
        }
    }

    fn path(&self, channel: &str, card: &str, act: Act) -> String {
        match channel {
            "customers" => format!("/customers/me/cards/{card}/{}", act.name),
            "admin" => format!("/admin/cards/{card}/{}", act.name),
            _ => format!("/secure/customers/{}/cards/{card}/{}", self.story.customer, act.name),
        }
    }

    /// A call about a card, encrypted as it has to be.
    async fn sent_for(
        &self,
        sandbox: &Sandbox,
        (act, channel): (Act, &str),
        card: &str,
        body: Option<Value>,
    ) -> RequestBuilder {
        let caller = self.caller(sandbox, channel);
        let post = caller.post(&self.path(channel, card, act));
        let key = format!("/{channel}/public-key");
        match (act.jwe, body) {
            (Jwe::Both, Some(body)) => sealed_at(&key, caller, post, &body).await,
            (Jwe::Nothing, Some(body)) => post.json(&body),
            (Jwe::Nothing, None) => post,
            (Jwe::Answer, Some(body)) => encrypted(post).json(&body),
            (Jwe::Answer | Jwe::Both, None) => encrypted(post),
        }
    }

    async fn sent(
        &self,
        sandbox: &Sandbox,
        act: Act,
        channel: &str,
        body: Option<Value>,
    ) -> RequestBuilder {
        self.sent_for(sandbox, (act, channel), &self.story.card.to_string(), body).await
    }

    /// A call about the card whose encryption is wrong.
    fn badly_encrypted(
        &self,
        sandbox: &Sandbox,
        (act, channel): (Act, &str),
        wrong: &str,
    ) -> RequestBuilder {
        let card = self.story.card.to_string();
        let post = self.caller(sandbox, channel).post(&self.path(channel, &card, act));
        let (own, body) = (KEY.public_header(), act.body().unwrap_or(json!({})));
        let asked =
            |word: &str| post.try_clone().expect("no stream").header("Encrypt-Response", word);
        let sealed = |payload: &str| {
            let post = encrypted(post.try_clone().expect("no stream"));
            post.header("Encrypted-Request", "true").json(&json!({ "payload": payload }))
        };
        match wrong {
            "none" => post.json(&body),
            "Encrypt-Response: yes" => asked("yes").header("Public-Key", own).json(&body),
            "Encrypt-Response: TRUE" => asked("TRUE").header("Public-Key", own).json(&body),
            "no Public-Key" => asked("true").json(&body),
            "a Public-Key that is none" => asked("true").header("Public-Key", "x").json(&body),
            "two Public-Keys" => {
                let once = asked("true").header("Public-Key", &own);
                once.header("Public-Key", &own).json(&body)
            }
            "a payload that is no token" => sealed("a.b.c.d.e"),
            "a payload for another key" => {
                let key = crypto::jwe::PublicKey::parse(&own).expect("a key");
                sealed(&key.encrypt(None, body.to_string().as_bytes()))
            }
            "a body in clear" => encrypted(post).header("Encrypted-Request", "true").json(&body),
            other => panic!("{other}"),
        }
    }

    /// All that a partner may see of the cards.
    async fn state(&self, sandbox: &Sandbox) -> Value {
        let partner = sandbox.partner();
        let path = format!("/secure/customers/{}/cards", self.story.customer);
        let card = format!("{path}/{}", self.story.card);
        json!([
            expect(200, partner.get(&path)).await,
            expect(200, partner.get(&format!("{card}/limits"))).await,
            decrypted(&expect(200, encrypted(partner.get(&card))).await),
        ])
    }
}

async fn assert_refused(request: RequestBuilder, (expected, what): (&str, &str)) {
    let (status, body) = answer(request).await;
    let title = body["title"].as_str().unwrap_or_default();
    assert_eq!(format!("{status} {title}"), expected, "{what}: {body}");
}

async fn begun(database: Database) -> (Sandbox, Cast, Value) {
    let variables =
        [("ANTACA_SANDBOX_BUREAU_SECONDS", "86400"), ("ANTACA_JWE_PRIVATE_OPERATIONS", "10000")];
    let sandbox = Sandbox::start_with(database, &variables).await;
    let cast = Cast::of(&sandbox).await;
    let before = cast.state(&sandbox).await;
    (sandbox, cast, before)
}

/// Nothing was changed, nothing ordered, and the PIN is right.
async fn nothing_changed(sandbox: &Sandbox, cast: &Cast, before: &Value) {
    assert_eq!(&cast.state(sandbox).await, before);
    let id = format!("pin-{}", unique());
    assert_eq!(paid_with(sandbox, cast.story.card, PIN, &id).await["description"], "APPROVED");
    let out = sandbox.dir().join("bureau/out");
    assert_eq!(std::fs::read_dir(out).into_iter().flatten().count(), 0);
}

on_both_databases! {
    /// Unknown, somebody else's, and words that are no ids.
    async fn a_card_that_is_not_there_is_not_found(database) {
        let (sandbox, cast, before) = begun(database).await;
        let [other, foreign] = [&cast.other, &cast.foreign].map(|it| it.card.to_string());
        for &act in ACTS {
            for &channel in act.channels {
                let cards = ["999999999", foreign.as_str(), "x", "1.5", "-1", "0x1", "%20"];
                // A panel account acts for all users of its partner.
                let of_others = [other.as_str()].into_iter().filter(|_| channel != "admin");
                let beyond = "99999999999999999999";
                for card in cards.into_iter().chain(of_others).chain([beyond]) {
                    let sent = cast.sent_for(&sandbox, (act, channel), card, act.body()).await;
                    let what = format!("{} {channel} {card}", act.name);
                    assert_refused(sent, ("404 CARD_NOT_FOUND", &what)).await;
                }
            }
        }
        let partner = sandbox.partner();
        for user in ["x", "1.5", "-1", "99999999999999999999", "999999999"] {
            for path in [
                format!("/secure/customers/{user}/cards"),
                format!("/lifecycle/v1/users/{user}/cards"),
            ] {
                let asked = partner.get(&path).header("Issuer-Code", "sandbox");
                assert_refused(asked, ("404 CUSTOMER_NOT_FOUND", &path)).await;
            }
        }
        nothing_changed(&sandbox, &cast, &before).await;
        let theirs = format!("/secure/customers/{}/cards", cast.other.customer);
        let listed = expect(200, partner.get(&theirs)).await;
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(listed["items"][0]["state"], "ACTIVE");
    }

    async fn a_wrong_body_is_refused_by_its_title(database) {
        let (sandbox, cast, before) = begun(database).await;
        for (name, body, expected) in wrong_bodies() {
            let act = *ACTS.iter().find(|act| act.name == name).expect("is listed");
            for &channel in act.channels {
                let sent = cast.sent(&sandbox, act, channel, Some(body.clone())).await;
                let what = format!("{name} {channel} {body}");
                assert_refused(sent, (expected, &what)).await;
            }
            assert_eq!(cast.state(&sandbox).await, before, "{name} {body}");
        }
        nothing_changed(&sandbox, &cast, &before).await;
    }

    async fn wrong_encryption_is_refused_by_its_title(database) {
        let (sandbox, cast, before) = begun(database).await;
        for &act in ACTS {
            for &(wrong, expected) in WRONG_ENCRYPTION {
                let is_demanded = expected == "400 ENCRYPTION_REQUIRED";
                if is_demanded && act.jwe == Jwe::Nothing {
                    continue;
                }
                for &channel in act.channels {
                    let sent = cast.badly_encrypted(&sandbox, (act, channel), wrong);
                    let what = format!("{} {channel}: {wrong}", act.name);
                    assert_refused(sent, (expected, &what)).await;
                }
            }
            // Of a PIN the request must be encrypted, whatever is said of the answer.
            if act.jwe == Jwe::Both {
                let path = cast.path("customers", &cast.story.card.to_string(), act);
                let open = encrypted(cast.phone.caller.post(&path)).json(&act.body());
                assert_refused(open, ("400 ENCRYPTION_REQUIRED", "a PIN in clear")).await;
            }
            assert_eq!(cast.state(&sandbox).await, before, "{}", act.name);
        }
        nothing_changed(&sandbox, &cast, &before).await;
    }

    /// Every endpoint of which the document of its channel says so.
    async fn whatever_demands_encryption_refuses_without(database) {
        let (sandbox, cast, before) = begun(database).await;
        let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi");
        let mut asked = 0;
        for channel in ["secure", "customers", "admin"] {
            let text = std::fs::read_to_string(documents.join(format!("{channel}.json")));
            let told: Value = serde_json::from_str(&text.expect("reads")).expect("JSON");
            for (path, methods) in told["paths"].as_object().expect("paths") {
                for (method, about) in methods.as_object().expect("methods") {
                    if !about.to_string().contains("ENCRYPTION_REQUIRED") {
                        continue;
                    }
                    let path = path
                        .replace("{customerId}", &cast.story.customer.to_string())
                        .replace("{cardId}", &cast.story.card.to_string());
                    let method = Method::from_bytes(method.to_uppercase().as_bytes());
                    let caller = cast.caller(&sandbox, channel);
                    let request = caller.request(method.expect("a method"), &path);
                    let expected = ("400 ENCRYPTION_REQUIRED", path.as_str());
                    let request = request.json(&json!({}));
                    assert_refused(request, expected).await;
                    asked += 1;
                }
            }
        }
        assert!(asked >= 23, "{asked}");
        nothing_changed(&sandbox, &cast, &before).await;
    }

    /// The network names a card that there isn't, or a reason.
    async fn a_wrong_stop_stops_nothing(database) {
        let (sandbox, cast, before) = begun(database).await;
        let card = json!({ "cardId": cast.story.card });
        let stop = |body: &Value| {
            let post = sandbox.processor().post("/processor/v1/cards/stop");
            post.header("X-Idempotency-Key", format!("stop-{}", unique())).json(body)
        };
        for (body, expected) in [
            (json!({}), "422 VALIDATION_ERROR"),
            (json!({ "card": {}, "reason": 7 }), "422 VALIDATION_ERROR"),
            (json!({ "card": { "cardId": "x" }, "reason": 7 }), "422 VALIDATION_ERROR"),
            (json!({ "card": { "pan": "4111" }, "reason": 7 }), "422 VALIDATION_ERROR"),
            (json!({ "card": { "pan": "4111111111111112" }, "reason": 7 }), "422 VALIDATION_ERROR"),
            (json!({ "card": card, "reason": "7" }), "422 VALIDATION_ERROR"),
            (json!({ "card": card, "reason": 1.5 }), "422 VALIDATION_ERROR"),
            (json!({ "card": card }), "422 VALIDATION_ERROR"),
            (json!({ "card": card, "reason": 9 }), "422 INVALID_LOCK_REASON"),
            (json!([]), "400 INVALID_REQUEST"),
        ] {
            let what = body.to_string();
            assert_refused(stop(&body), (expected, &what)).await;
        }
        let keyless = sandbox.processor().post("/processor/v1/cards/stop");
        let keyless = keyless.json(&json!({ "card": card, "reason": 7 }));
        assert_refused(keyless, ("422 VALIDATION_ERROR", "no key")).await;
        for unknown in [json!({ "cardId": 999_999_999 }), json!({ "pan": "4111111111111111" })] {
            let told = expect(200, stop(&json!({ "card": unknown, "reason": 7 }))).await;
            let told = (&told["accepted"], &told["description"]);
            assert_eq!(told, (&false.into(), &"CARD_NOT_FOUND".into()), "{unknown}");
        }
        nothing_changed(&sandbox, &cast, &before).await;
    }

    /// What is wrong with an order of a card for later is told at once, or by its operation.
    async fn a_wrong_order_for_later_makes_no_card(database) {
        let (sandbox, cast, before) = begun(database).await;
        let partner = sandbox.partner();
        let in_zloty = balance(partner, cast.story.customer, "PLN").await;
        let refused = Story::begin(&sandbox, 0).await;
        let app = sandbox.phone("sandbox", refused.customer).await;
        let put = partner.put(&format!("/lifecycle/v1/users/{}", refused.customer));
        let put = put.header("Issuer-Code", "sandbox").json(&json!({ "kyc": "REJECTED" }));
        expect(200, put).await;
        let mine = cast.story.balance.as_str();
        let of = |balance: &str, program: &str| {
            json!({ "balanceId": balance, "configId": program })
        };
        for (body, user, expected) in [
            (of(&refused.balance, VIRTUAL), &refused, "KYC_NOT_VERIFIED"),
            (of(mine, PHYSICAL), &cast.story, "PROGRAM_NOT_FOUND"),
            (of(mine, "0000000000"), &cast.story, "PROGRAM_NOT_FOUND"),
            (of(&in_zloty, VIRTUAL), &cast.story, "CURRENCY_MISMATCH"),
            (of(&cast.other.balance, VIRTUAL), &cast.story, "BALANCE_NOT_FOUND"),
            (of(&cast.foreign.balance, VIRTUAL), &cast.story, "BALANCE_NOT_FOUND"),
            (of("00000000-0000-4000-8000-000000000000", VIRTUAL), &cast.story, "BALANCE_NOT_FOUND"),
            (of("1", VIRTUAL), &cast.story, "VALIDATION_ERROR"),
            (json!({ "configId": VIRTUAL }), &cast.story, "VALIDATION_ERROR"),
            (json!([]), &cast.story, "INVALID_REQUEST"),
        ] {
            let phone = if user.customer == refused.customer { &app } else { &cast.phone };
            let secure = format!("/secure/customers/{}/cards", user.customer);
            let own = (&phone.caller, "/customers/me/cards");
            for (caller, cards) in [(partner, secure.as_str()), own] {
                let ordered = caller.post(&format!("{cards}/virtual/async")).json(&body);
                let told = outcome(caller, cards, ordered).await;
                assert_eq!(told, expected, "{cards} {body}");
            }
        }
        nothing_changed(&sandbox, &cast, &before).await;
    }
}

/// Why no card was made.
async fn outcome(caller: &Caller, cards: &str, ordered: RequestBuilder) -> String {
    let (status, body) = answer(ordered).await;
    if status != 202 {
        return body["title"].as_str().expect("a title").to_owned();
    }
    let id = body["operationId"].as_str().expect("an id");
    let path = format!("{cards}/operations/{id}");
    let mut told = Value::Null;
    testkit::eventually("the operation ends", Duration::from_secs(40), async || {
        told = expect(200, caller.get(&path)).await;
        told["status"] != "PENDING"
    })
    .await;
    assert_eq!(told["status"], "FAILED", "{told}");
    told["reason"].as_str().expect("a reason").to_owned()
}
