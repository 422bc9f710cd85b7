//! Every call that makes a card × everything that may be wrong with it: each is refused by its own
//! title, and nothing is left of it.

use crate::corporations::{self, Company};
use crate::customers::sealed_at;
use crate::denied::signed;
use crate::plastic::{PHYSICAL, address};
use crate::story::{Story, answer, encrypted, expect, registration};
use crate::support::{Caller, Phone, Sandbox};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::time::Duration;

const VIRTUAL: &str = "0019167984";
const GIFT: &str = "0019167992";

/// A call that makes a card.
#[derive(Clone, Copy, Debug)]
struct Maker {
    path: &'static str,
    /// Whether it is plastic.
    plastic: bool,
    /// Whether it has a PIN, and thus must be encrypted itself.
    pin: bool,
}

const fn maker(path: &'static str, plastic: bool, pin: bool) -> Maker {
    Maker { path, plastic, pin }
}

const MAKERS: &[Maker] = &[
    maker("/secure/cards/virtual", false, false),
    maker("/secure/customers/{user}/cards/virtual", false, false),
    maker("/customers/me/cards/virtual", false, false),
    maker("/admin/customers/{user}/cards/virtual", false, false),
    maker("/secure/cards/physical", true, false),
    maker("/secure/customers/{user}/cards/physical", true, false),
    maker("/customers/me/cards/physical", true, false),
    maker("/admin/customers/{user}/cards/physical", true, false),
    maker("/secure/cards/physical_with_pin", true, true),
    maker("/secure/customers/{user}/cards/physical_with_pin", true, true),
    maker("/customers/me/cards/physical_with_pin", true, true),
];

/// What may be wrong, and what it is answered.
const WRONG: &[(&str, &str)] = &[
    ("an unknown balance", "404 BALANCE_NOT_FOUND"),
    ("another user's balance", "404 BALANCE_NOT_FOUND"),
    ("another partner's balance", "404 BALANCE_NOT_FOUND"),
    ("a removed balance", "404 BALANCE_NOT_FOUND"),
    ("a balance of another currency", "422 CURRENCY_MISMATCH"),
    ("a balance that is a gift", "422 PROGRAM_MISMATCH"),
    ("an unknown program", "422 PROGRAM_NOT_FOUND"),
    ("a program of another kind", "422 PROGRAM_NOT_FOUND"),
    ("an unknown user", "404 CUSTOMER_NOT_FOUND"),
    ("another user in the body", "422 CUSTOMER_MISMATCH"),
    ("a user without KYC", "422 KYC_NOT_VERIFIED"),
    ("one card too many", "422 CARD_LIMIT_REACHED"),
    ("an unknown corporation", "404 CORPORATION_NOT_FOUND"),
    ("another partner's corporation", "404 CORPORATION_NOT_FOUND"),
    ("a corporation whose KYB is in doubt", "422 KYB_NOT_ACCEPTED"),
    ("a corporation with its holder's balance", "404 BALANCE_NOT_FOUND"),
    ("a corporation with another one's balance", "404 BALANCE_NOT_FOUND"),
    ("a corporation's balance without its name", "404 BALANCE_NOT_FOUND"),
    ("a corporation without a holder", "422 VALIDATION_ERROR"),
    ("a corporation with an unknown holder", "404 CUSTOMER_NOT_FOUND"),
    ("a corporation that is no UUID", "422 VALIDATION_ERROR"),
    ("a user who names a corporation", "422 VALIDATION_ERROR"),
    ("a balance that is no UUID", "422 VALIDATION_ERROR"),
    ("a program that is a number", "422 VALIDATION_ERROR"),
    ("no program", "422 VALIDATION_ERROR"),
    ("a label without end", "422 VALIDATION_ERROR"),
    ("a list", "400 INVALID_REQUEST"),
    ("a body that isn't JSON", "400 INVALID_REQUEST"),
    ("no encryption", "400 ENCRYPTION_REQUIRED"),
    ("a payload for another key", "400 CANT_DECRYPT_PAYLOAD"),
    ("a payload that is no token", "400 INVALID_PAYLOAD"),
    ("a weak PIN", "422 WEAK_PIN"),
    ("a PIN of letters", "422 VALIDATION_ERROR"),
    ("no PIN", "422 VALIDATION_ERROR"),
    ("no address", "422 VALIDATION_ERROR"),
    ("a name that no machine embosses", "422 VALIDATION_ERROR"),
];

/// Who is there to be wrong about.
struct Cast {
    story: Story,
    phone: Phone,
    /// Another user of the partner.
    other: Story,
    /// A balance of another partner's user.
    foreign: String,
    removed: String,
    in_zloty: String,
    gift: String,
    /// Somebody of the partner's, with a panel account.
    admin: Caller,
    /// A user whose KYC was refused, with a balance, and an app.
    unverified: (i64, String, Phone),
    /// A user with as many cards as there may be.
    full: (Story, Phone),
    /// A corporation that may have cards.
    company: Company,
    /// One that might until somebody looked again.
    doubtful: Company,
    /// One of another partner's.
    foreign_corporation: String,
}

/// A new balance of a user.
pub(crate) async fn balance(partner: &Caller, customer: i64, currency: &str) -> String {
    let path = format!("/secure/customers/{customer}/balances");
    let made = expect(201, partner.post(&path).json(&json!({ "currency": currency }))).await;
    made["balanceId"].as_str().expect("an id").to_owned()
}

impl Cast {
    async fn of(sandbox: &Sandbox) -> Self {
        let partner = sandbox.partner();
        let story = Story::begin(sandbox, 0).await;
        let phone = sandbox.phone("sandbox", story.customer).await;
        let (foreign, foreign_corporation) = foreigners(sandbox).await;
        let company = Company::begin(sandbox, 0).await;
        let doubtful = Company::begin(sandbox, 0).await;
        corporations::decide(sandbox, &doubtful.id, "ON_HOLD").await;
        let removed = balance(partner, story.customer, "EUR").await;
        expect(204, partner.delete(&format!("/secure/balances/{removed}"))).await;
        let in_zloty = balance(partner, story.customer, "PLN").await;

        let path = format!("/secure/customers/{}/balances", story.customer);
        let gift = json!({ "currency": "EUR", "configId": GIFT });
        let gift = expect(201, partner.post(&path).json(&gift)).await["balanceId"].clone();
        let gift = gift.as_str().expect("an id").to_owned();
        let admin = sandbox.admin("MANAGER", Some("sandbox")).await.sign_in(sandbox).await;

        let refused = Story::begin(sandbox, 0).await;
        let path = format!("/lifecycle/v1/users/{}", refused.customer);
        let put = partner.put(&path).header("Issuer-Code", "sandbox");
        let told = sandbox.phone("sandbox", refused.customer).await;
        expect(200, put.json(&json!({ "kyc": "REJECTED" }))).await;
        let unverified = (refused.customer, refused.balance, told);

        let full = Story::begin(sandbox, 0).await;
        for (config_id, path) in [(VIRTUAL, "virtual"), (PHYSICAL, "physical")] {
            for _ in 0..10 {
                let body = body(&full, &full.balance, config_id, path == "physical");
                let path = format!("/secure/customers/{}/cards/{path}", full.customer);
                let (status, body) = answer(encrypted(partner.post(&path).json(&body))).await;
                assert!([201, 202, 422].contains(&status), "{body}");
            }
        }
        let app = sandbox.phone("sandbox", full.customer).await;
        let other = Story::begin(sandbox, 0).await;
        let full = (full, app);
        Self {
            story,
            phone,
            other,
            foreign,
            removed,
            in_zloty,
            gift,
            admin,
            unverified,
            full,
            company,
            doubtful,
            foreign_corporation,
        }
    }

    /// What is wrong about a corporation.
    fn name_corporation(&self, wrong: &str, body: &mut Value) {
        match wrong {
            "an unknown corporation" | "a user who names a corporation" => {
                body["dcCorporationId"] = "00000000-0000-4000-8000-000000000000".into();
            }
            "another partner's corporation" => {
                body["dcCorporationId"] = self.foreign_corporation.as_str().into();
            }
            "a corporation whose KYB is in doubt" => self.doubtful.put_in(body),
            "a corporation with its holder's balance" => {
                body["dcCorporationId"] = self.company.id.as_str().into();
            }
            "a corporation with another one's balance" => {
                self.doubtful.put_in(body);
                body["dcCorporationId"] = self.company.id.as_str().into();
            }
            "a corporation's balance without its name" => {
                body["balanceId"] = self.company.balance.as_str().into();
            }
            "a corporation without a holder" => {
                self.company.put_in(body);
                body["dcUserId"] = Value::Null;
            }
            "a corporation with an unknown holder" => {
                self.company.put_in(body);
                body["dcUserId"] = NOBODY.into();
            }
            "a corporation that is no UUID" => body["dcCorporationId"] = 1.into(),
            _ => {}
        }
    }

    /// What is sent, by whose app, and for whom.
    fn case(&self, wrong: &str, maker: Maker) -> (Value, &Phone, i64) {
        let config_id = if maker.plastic { PHYSICAL } else { VIRTUAL };
        let own = |balance: &str| body(&self.story, balance, config_id, maker.plastic);
        let (mut user, mut phone) = (self.story.customer, &self.phone);
        let mut body = own(&self.story.balance);
        match wrong {
            "an unknown balance" => body = own("00000000-0000-4000-8000-000000000000"),
            "another user's balance" => body = own(&self.other.balance),
            "another partner's balance" => body = own(&self.foreign),
            "a removed balance" => body = own(&self.removed),
            "a balance of another currency" => body = own(&self.in_zloty),
            "a balance that is a gift" => body = own(&self.gift),
            "an unknown program" => body["configId"] = "0000000000".into(),
            "a program of another kind" => {
                body["configId"] = if maker.plastic { VIRTUAL } else { PHYSICAL }.into();
            }
            "an unknown user" => {
                user = NOBODY;
                body["dcUserId"] = user.into();
            }
            "another user in the body" => body["dcUserId"] = self.other.customer.into(),
            "a user without KYC" => {
                user = self.unverified.0;
                phone = &self.unverified.2;
                body["balanceId"] = self.unverified.1.as_str().into();
                body["dcUserId"] = user.into();
            }
            "one card too many" => {
                user = self.full.0.customer;
                phone = &self.full.1;
                body["balanceId"] = self.full.0.balance.as_str().into();
                body["dcUserId"] = user.into();
            }
            "a balance that is no UUID" => body["balanceId"] = "1".into(),
            "a program that is a number" => body["configId"] = 19_167_984.into(),
            "no program" => body["configId"] = Value::Null,
            "a label without end" => body["label"] = "x".repeat(101).into(),
            "a list" => body = json!([body]),
            "no address" => body["deliveryAddress"] = Value::Null,
            "a name that no machine embosses" => body["embossedName"] = "王小明".into(),
            _ => {}
        }
        if wrong.contains("corporation") {
            self.name_corporation(wrong, &mut body);
            user = if wrong.contains("an unknown holder") { NOBODY } else { user };
        }
        if maker.pin && body.is_object() {
            body["pin"] = match wrong {
                "a weak PIN" => "1234".into(),
                "a PIN of letters" => "82a4".into(),
                "no PIN" => Value::Null,
                _ => "8264".into(),
            };
        }
        (body, phone, user)
    }
}

/// The id of no user.
const NOBODY: i64 = 999_999_999;

/// What is right.
fn body(story: &Story, balance: &str, config_id: &str, plastic: bool) -> Value {
    let mut body = json!({
        "balanceId": balance, "configId": config_id, "dcUserId": story.customer,
    });
    if plastic {
        body["deliveryAddress"] = address();
        body["delivery"] = "POST".into();
    }
    body
}

/// Another partner, with a program of virtual cards.
pub(crate) async fn stranger(sandbox: &Sandbox) -> Caller {
    let create = ["partner", "create", "--code", "stranger", "--kyc-mode", "EXTERNAL"];
    sandbox.antaca(&create).await.assert_done();
    let program = ["program", "create", "--partner", "stranger", "--processor"];
    let of = ["sandbox-processor", "--config-id", VIRTUAL, "--card-type", "VIRTUAL"];
    let more = ["--currency", "EUR", "--bin", "53208791"];
    sandbox.antaca(&[&program[..], &of, &more].concat()).await.assert_done();
    signed(sandbox, "stranger", &["--partner", "stranger"]).await
}

/// A balance of a user of another partner, and a corporation of that.
async fn foreigners(sandbox: &Sandbox) -> (String, String) {
    let partner = stranger(sandbox).await;
    let wallet = partner.post("/lifecycle/v1/wallet").header("Issuer-Code", "stranger");
    let user = expect(201, wallet.json(&registration())).await;
    let balance = balance(&partner, user["id"].as_i64().expect("an id"), "EUR").await;
    (balance, corporations::registered_of(&partner, "stranger").await)
}

/// Whether a fault can be on a call: not every one has a PIN, an address or a user to name.
fn applies(wrong: &str, maker: Maker) -> bool {
    let names_user = maker.path.contains("{user}");
    let own = maker.path.starts_with("/customers");
    match wrong {
        "a weak PIN" | "a PIN of letters" | "no PIN" => maker.pin,
        "no address" | "a name that no machine embosses" => maker.plastic,
        "another user in the body" => names_user || own,
        "an unknown user" | "a corporation with an unknown holder" => !own,
        "a user who names a corporation" => own,
        "a corporation without a holder" => !own && !names_user,
        "a corporation's balance without its name" => true,
        _ if wrong.contains("corporation") => !own,
        _ => true,
    }
}

async fn request(sandbox: &Sandbox, cast: &Cast, wrong: &str, maker: Maker) -> RequestBuilder {
    let (body, phone, user) = cast.case(wrong, maker);
    let channel = maker.path.split('/').nth(1).expect("a channel");
    let caller = match channel {
        "customers" => &phone.caller,
        "admin" => &cast.admin,
        _ => sandbox.partner(),
    };
    let post = caller.post(&maker.path.replace("{user}", &user.to_string()));
    let key = &format!("/{channel}/public-key");
    match wrong {
        "no encryption" => post.json(&body),
        "a payload that is no token" => {
            let post = encrypted(post).header("Encrypted-Request", "true");
            post.json(&json!({ "payload": "a.b.c.d.e" }))
        }
        "a payload for another key" => {
            let token = crate::story::KEY.public_header();
            let token = crypto::jwe::PublicKey::parse(&token).expect("a key").encrypt(None, b"{}");
            let post = encrypted(post).header("Encrypted-Request", "true");
            post.json(&json!({ "payload": token }))
        }
        "a body that isn't JSON" if maker.pin => {
            let told = expect(200, caller.get(key)).await;
            let ours = told["publicKey"].as_str().expect("a key");
            let ours = crypto::jwe::PublicKey::parse(ours).expect("our key");
            let post = encrypted(post).header("Encrypted-Request", "true");
            post.json(&json!({ "payload": ours.encrypt(None, b"{\"a\":") }))
        }
        "a body that isn't JSON" => {
            encrypted(post).header("Content-Type", "application/json").body("{\"a\":")
        }
        _ if maker.pin => sealed_at(key, caller, post, &body).await,
        _ => encrypted(post.json(&body)),
    }
}

/// What there is of cards and orders: nothing must be added by what is refused.
async fn count(sandbox: &Sandbox, cast: &Cast) -> Vec<usize> {
    let mut counts = Vec::new();
    for user in [cast.story.customer, cast.other.customer, cast.unverified.0, cast.full.0.customer]
    {
        let path = format!("/secure/customers/{user}/cards?limit=200");
        let listed = expect(200, sandbox.partner().get(&path)).await;
        counts.push(listed["items"].as_array().map_or(0, Vec::len));
    }
    counts
}

on_both_databases! {
    async fn whatever_is_wrong_is_refused_by_its_title(database) {
        let sandbox = Sandbox::start_with(database, &[
            ("ANTACA_SANDBOX_BUREAU_SECONDS", "86400"),
            ("ANTACA_JWE_PRIVATE_OPERATIONS", "10000"),
        ])
        .await;
        let cast = Cast::of(&sandbox).await;
        let before = count(&sandbox, &cast).await;
        let mut played = 0;
        for &maker in MAKERS {
            for &(wrong, expected) in WRONG {
                if !applies(wrong, maker) {
                    continue;
                }
                let (status, body) = answer(request(&sandbox, &cast, wrong, maker).await).await;
                let title = body["title"].as_str().unwrap_or_default();
                // What is encrypted for us and no object is a payload's fault.
                let expected = match expected {
                    "400 INVALID_REQUEST" if maker.pin => "400 INVALID_PAYLOAD",
                    other => other,
                };
                assert_eq!(format!("{status} {title}"), expected, "{wrong}: {maker:?} {body}");
                played += 1;
            }
        }
        assert!(played > 240, "{played}");
        assert_eq!(count(&sandbox, &cast).await, before);
        // An order's card isn't seen, but a batch would tell.
        let folder = sandbox.dir().join("bureau/out");
        testkit::eventually("the orders of before have left", Duration::from_secs(20), async || {
            records(&folder) == 10
        })
        .await;
    }
}

/// How many orders lie in batches.
fn records(folder: &std::path::Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a text");
        count += text.lines().count() - 1;
    }
    count
}
