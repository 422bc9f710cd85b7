//! Users who come with a card that its processor has made.

use super::bad::fields;
use super::*;
use crate::denied::signed;
use crypto::jwe::PublicKey;
use domain::secret::Pan;
use std::time::Duration;
use testkit::{eventually, luhn_runs};

/// The program that is made for it, and its BIN.
pub(crate) const CONFIG_ID: &str = "0000000079";
const BIN: &str = "53208779";
const PATIENCE: Duration = Duration::from_secs(40);

/// Creates a program whose cards nobody here makes.
pub(crate) async fn program(sandbox: &Sandbox, partner: &str, config_id: &str, bin: &str) {
    let program = ["program", "create", "--partner", partner, "--config-id", config_id];
    let rest = ["--processor", "sandbox-processor", "--card-type", "PHYSICAL", "--currency", "EUR"];
    let create = [&program[..], &rest, &["--bin", bin, "--port", "NONE"]].concat();
    let created = sandbox.antaca(&create).await.assert_done().json();
    assert_eq!(created[0]["port"], "NONE");
}

/// A number of a BIN, with its check digit.
pub(crate) fn number(bin: &str) -> String {
    let width = 15 - bin.len();
    let digits = format!("{bin}{:0width$}", unique());
    let pan = Pan::with_check_digit(&digits).expect("digits");
    format!("{digits}{}", &pan.last_four()[3..])
}

/// A verified user with a card.
pub(crate) fn holder(number: &str) -> Value {
    let mut user = user(unique());
    (user["state"], user["kyc"]) = ("VERIFIED".into(), "SUCCESS".into());
    user["card"] = json!({ "configId": CONFIG_ID, "cardNo": number, "expiry": "2049-07" });
    user
}

fn holders(count: usize) -> Vec<Value> {
    (0..count).map(|_| holder(&number(BIN))).collect()
}

/// Our key.
pub(crate) struct Seal(PublicKey);

impl Seal {
    pub(crate) async fn of(sandbox: &Sandbox) -> Self {
        let told = expect(200, sandbox.partner().get("/secure/public-key")).await;
        let key = told["publicKey"].as_str().expect("a key");
        Self(PublicKey::parse(key).expect("it can be read"))
    }

    /// A line, encrypted.
    pub(crate) fn line(&self, line: &Value) -> Value {
        json!({ "payload": self.0.encrypt(None, line.to_string().as_bytes()) })
    }

    fn lines(&self, lines: &[Value]) -> Vec<Value> {
        lines.iter().map(|line| self.line(line)).collect()
    }
}

/// Imports one user with a card; what its line is answered.
pub(crate) async fn one(sandbox: &Sandbox, line: &Value) -> Value {
    let sealed = [Seal::of(sandbox).await.line(line)];
    let key = format!("one-{}", unique());
    import(sandbox, NDJSON, &key, ndjson(&sealed)).await.remove(0)
}

/// Some years, in seconds.
pub(crate) const YEARS: i64 = 3 * 366 * 86_400;

/// Moves the clock; what it shows.
async fn advanced(sandbox: &Sandbox, seconds: i64) -> String {
    let body = json!({ "advanceSeconds": seconds });
    let told = expect(200, sandbox.partner().post("/sandbox/v1/clock").json(&body)).await;
    told["now"].as_str().expect("a moment").to_owned()
}

/// Moves the clock; the year that it shows.
pub(crate) async fn moved(sandbox: &Sandbox, seconds: i64) -> i64 {
    advanced(sandbox, seconds).await[..4].parse().expect("a year")
}

const DAY: i64 = 86_400;

/// The month that it is, as cards have it: of a day, the 5th to the 20th, from which it is over in
/// 28 days, while an import is remembered for 30.
async fn this_month(sandbox: &Sandbox) -> String {
    let day: i64 = advanced(sandbox, 1).await[8..10].parse().expect("a day");
    let ahead = match day {
        ..5 => 5,
        5..=20 => 0,
        21.. => 12,
    };
    advanced(sandbox, 1 + ahead * DAY).await[..7].to_owned()
}

/// A month of next year, as cards have it.
pub(crate) async fn next_year(sandbox: &Sandbox) -> String {
    format!("{}-07", moved(sandbox, 1).await + 1)
}

async fn cards_of(sandbox: &Sandbox, customer: &Value) -> Vec<Value> {
    let path = format!("/secure/customers/{customer}/cards");
    let found = expect(200, sandbox.partner().get(&path)).await;
    found["items"].as_array().expect("a list").clone()
}

/// Each has one card, of the number's last digits, that pays from the one balance.
async fn each_has_one(sandbox: &Sandbox, sent: &[Value], told: &[Value]) {
    for (line, told) in sent.iter().zip(told) {
        assert_eq!(told["status"], 201, "{told}");
        let cards = cards_of(sandbox, &told["id"]).await;
        assert_eq!(cards.len(), 1, "{cards:?}");
        assert_eq!(cards[0]["id"], told["cardId"]);
        let number = line["card"]["cardNo"].as_str().expect("a number");
        assert_eq!(cards[0]["lastFourDigits"], number[12..]);
        let path = format!("/secure/customers/{}/balances", told["id"]);
        let balances = expect(200, sandbox.partner().get(&path)).await;
        let balances = balances["items"].as_array().expect("a list").clone();
        assert_eq!(balances.len(), 1, "{balances:?}");
        assert_eq!(balances[0]["balanceId"], told["balanceId"]);
    }
}

on_both_databases! {
    /// User, balance and card come together; sent again, encrypted anew, it is the same.
    async fn a_line_may_have_a_card(database) {
        let sandbox = Sandbox::start(database).await;
        program(&sandbox, "sandbox", CONFIG_ID, BIN).await;
        let seal = Seal::of(&sandbox).await;
        let mut sent = holders(4);
        sent[1]["card"]["state"] = "INACTIVE".into();
        sent[1]["card"]["label"] = "Old one".into();
        sent[2]["card"]["state"] = "LOCKED".into();
        sent[2]["card"]["lockReason"] = 7.into();
        let told = import(&sandbox, NDJSON, "cards", ndjson(&seal.lines(&sent))).await;
        each_has_one(&sandbox, &sent, &told).await;
        for (at, state, reason) in [(0, "ACTIVE", json!(null)), (1, "INACTIVE", json!(null)),
            (2, "LOCKED", json!(7))] {
            let cards = cards_of(&sandbox, &told[at]["id"]).await;
            assert_eq!((&cards[0]["state"], &cards[0]["lockReason"]), (&json!(state), &reason));
            assert_eq!(cards[0]["exp"], "2049-07-31", "{}", cards[0]);
        }
        let again = import(&sandbox, NDJSON, "cards", ndjson(&seal.lines(&sent))).await;
        assert_eq!(again, told);
        assert_eq!(counts(&sandbox, "cards").await, of("FINISHED", 4, 4, 0));

        // The automatic balance, where there is one, is the card's; of another currency it isn't.
        for (currency, balances) in [("EUR", 1), ("PLN", 2)] {
            let set = ["partner", "set", "--code", "sandbox", "--automatic-balance", currency];
            sandbox.antaca(&set).await.assert_done();
            let told = one(&sandbox, &holder(&number(BIN))).await;
            let path = format!("/secure/customers/{}/balances", told["id"]);
            let found = expect(200, sandbox.partner().get(&path)).await;
            let found = found["items"].as_array().expect("a list").clone();
            assert_eq!(found.len(), balances, "{told}");
            let of_card = found.iter().find(|it| it["balanceId"] == told["balanceId"]);
            assert_eq!(of_card.expect("its balance")["currency"], "EUR");
        }
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// Each kind of bad line has its own answer and keeps nothing of itself, and no answer has the
    /// number.
    async fn a_bad_card_harms_no_other_line(database) {
        let sandbox = Sandbox::start(database).await;
        program(&sandbox, "sandbox", CONFIG_ID, BIN).await;
        let seal = Seal::of(&sandbox).await;
        let known = holders(1).remove(0);
        assert_eq!(one(&sandbox, &known).await["status"], 201);
        let with = |change: &dyn Fn(&mut Value)| {
            let mut line = holder(&number(BIN));
            change(&mut line);
            line
        };
        let of_card = |name: &'static str, value: Value| {
            with(&move |line| line["card"][name] = value.clone())
        };
        let mut wrong_digit = number(BIN);
        let last = (wrong_digit.pop().and_then(|it| it.to_digit(10)).expect("a digit") + 1) % 10;
        wrong_digit.push_str(&last.to_string());
        let mut long = Pan::with_check_digit(&format!("{BIN}99999999")).expect("digits")
            .last_four()[3..].to_owned();
        long.insert_str(0, &format!("{BIN}99999999"));
        let twice = number(BIN);
        let cases = [
            (201, "", "", holder(&twice)),
            (409, "CARD_ALREADY_EXISTS", "", holder(&twice)),
            (409, "CARD_ALREADY_EXISTS", "", of_card("cardNo", known["card"]["cardNo"].clone())),
            (422, "KYC_NOT_VERIFIED", "", with(&|line| line["kyc"] = "NONE".into())),
            (422, "PROGRAM_NOT_FOUND", "", of_card("configId", json!("0019167985"))),
            (422, "PROGRAM_NOT_FOUND", "", of_card("configId", json!("9999999999"))),
            (422, "VALIDATION_ERROR", "card.cardNo", of_card("cardNo", json!(number("53208701")))),
            (422, "VALIDATION_ERROR", "card.cardNo", of_card("cardNo", json!(wrong_digit))),
            (422, "VALIDATION_ERROR", "card.cardNo", of_card("cardNo", json!(long))),
            (422, "VALIDATION_ERROR", "card.cardNo", of_card("cardNo", json!(1))),
            (422, "VALIDATION_ERROR", "card.cardNo", of_card("cardNo", Value::Null)),
            (422, "VALIDATION_ERROR", "card.expiry", of_card("expiry", json!("2020-01"))),
            (422, "VALIDATION_ERROR", "card.expiry", of_card("expiry", json!("01/31"))),
            (422, "VALIDATION_ERROR", "card.expiry", of_card("expiry", json!("2049-13"))),
            (422, "VALIDATION_ERROR", "card.state", of_card("state", json!("GONE"))),
            (422, "VALIDATION_ERROR", "card.lockReason", of_card("state", json!("LOCKED"))),
            (422, "VALIDATION_ERROR", "card.lockReason", of_card("lockReason", json!(7))),
            (422, "VALIDATION_ERROR", "card", with(&|line| line["card"] = json!("x"))),
            (422, "VALIDATION_ERROR", "phone", with(&|line| line["phone"] = json!("x"))),
            (201, "", "", holder(&number(BIN))),
        ];
        let sent: Vec<Value> = cases.iter().map(|(.., line)| line.clone()).collect();
        let body = ndjson(&seal.lines(&sent));
        let told = import(&sandbox, NDJSON, "bad", body.clone()).await;
        for ((status, title, field, line), told) in cases.iter().zip(&told) {
            assert_eq!(told["status"], *status, "{line}: {told}");
            assert_eq!(told["title"].as_str().unwrap_or_default(), *title, "{line}: {told}");
            if !field.is_empty() {
                assert_eq!(fields(told), [*field], "{line}: {told}");
            }
            let digits = line["card"]["cardNo"].as_str().unwrap_or("no number");
            assert!(!told.to_string().contains(digits), "{told}");
            assert!(luhn_runs(told.to_string().as_bytes()).is_empty(), "{told}");
            if *status != 201 {
                assert_eq!(found(&sandbox, line).await, Value::Null, "{line}");
            }
        }
        assert_eq!(counts(&sandbox, "bad").await, of("FINISHED", 20, 2, 18));
        let again = import(&sandbox, NDJSON, "bad", body).await;
        assert_eq!(words(&again), words(&told));
        assert_eq!(counts(&sandbox, "bad").await, of("FINISHED", 20, 2, 18));
        // What wasn't right may be corrected in its place.
        let mut sent = sent;
        sent[11]["card"]["expiry"] = "2049-01".into();
        let told = import(&sandbox, NDJSON, "bad", ndjson(&seal.lines(&sent))).await;
        assert_eq!(told[11]["status"], 201, "{}", told[11]);
    }

    /// What isn't encrypted as it has to be tells nothing more.
    async fn what_cannot_be_opened_is_told_so(database) {
        let sandbox = Sandbox::start(database).await;
        program(&sandbox, "sandbox", CONFIG_ID, BIN).await;
        let seal = Seal::of(&sandbox).await;
        let line = holder(&number(BIN));
        let sealed = seal.line(&line);
        let other = PublicKey::parse(&crate::story::KEY.public_header()).expect("a key");
        let foreign = other.encrypt(None, line.to_string().as_bytes());
        let token = sealed["payload"].as_str().expect("a token");
        let cut = &token[..token.len() - 4];
        let beside = json!({ "payload": token, "firstName": "John" });
        let of_text = |text: &str| json!({ "payload": seal.0.encrypt(None, text.as_bytes()) });
        let cases = [
            ("ENCRYPTION_REQUIRED", line.clone()),
            ("INVALID_PAYLOAD", json!({ "payload": "x" })),
            ("INVALID_PAYLOAD", json!({ "payload": 1 })),
            ("INVALID_PAYLOAD", json!({ "payload": { "payload": token } })),
            ("INVALID_PAYLOAD", beside),
            ("INVALID_PAYLOAD", of_text("[1]")),
            ("INVALID_PAYLOAD", of_text("{")),
            ("CANT_DECRYPT_PAYLOAD", json!({ "payload": foreign })),
            ("CANT_DECRYPT_PAYLOAD", json!({ "payload": format!("{cut}AAAA") })),
        ];
        let sent: Vec<Value> = cases.iter().map(|(_, line)| line.clone()).collect();
        let told = import(&sandbox, NDJSON, "closed", ndjson(&sent)).await;
        for ((title, line), told) in cases.iter().zip(&told) {
            assert_eq!((&told["title"], &told["status"]), (&json!(title), &json!(400)), "{line}");
            assert!(luhn_runs(told.to_string().as_bytes()).is_empty(), "{told}");
        }
        assert_eq!(found(&sandbox, &line).await, Value::Null);
    }

    /// Of CSV the column `payload` is all of a row that has it.
    async fn a_row_may_be_encrypted(database) {
        let sandbox = Sandbox::start(database).await;
        program(&sandbox, "sandbox", CONFIG_ID, BIN).await;
        let seal = Seal::of(&sandbox).await;
        let sent = holders(3);
        let payload = |line: &Value| seal.line(line)["payload"].as_str().expect("text").to_owned();
        let body = format!("payload\n{}\n{}\nx\n", payload(&sent[0]), payload(&sent[1]));
        let told = import(&sandbox, CSV, "rows", body).await;
        assert_eq!(words(&told), expected(&[(2, "201"), (3, "201"), (4, "INVALID_PAYLOAD")]));
        each_has_one(&sandbox, &sent[..2], &told[..2]).await;
        let plain = users(1).remove(0);
        let body = format!(
            "{HEADER},payload\n{},\n,,,,,,,,,,,,,,{}\n{},{}\n",
            row(&plain), payload(&sent[2]), row(&users(1)[0]), payload(&holder(&number(BIN))),
        );
        let told = import(&sandbox, CSV, "both", body).await;
        assert_eq!(words(&told), expected(&[(2, "201"), (3, "201"), (4, "INVALID_PAYLOAD")]));
        each_has_one(&sandbox, &sent[2..], &told[1..2]).await;
        assert!(told[0].get("cardId").is_none());
        assert_eq!(found(&sandbox, &plain).await["id"], told[0]["id"]);
    }

    /// Killed meanwhile, it goes on at the next sending: each card is there once.
    async fn a_killed_server_makes_each_card_once(database) {
        let mut sandbox = Sandbox::start(database).await;
        program(&sandbox, "sandbox", CONFIG_ID, BIN).await;
        let seal = Seal::of(&sandbox).await;
        let expiry = this_month(&sandbox).await;
        let mut sent = holders(120);
        for line in &mut sent {
            line["card"]["expiry"] = expiry.clone().into();
        }
        let mut half = broken::Half::begin(&sandbox, "killed", &seal.lines(&sent[..10])).await;
        let first = half.answered(10).await;
        half.chunk(&ndjson(&seal.lines(&sent[10..]))).await;
        // Some two seconds' worth is done, of more than four.
        let more = async || counts(&sandbox, "killed").await.1 > 10;
        eventually("more is done", PATIENCE, more).await;
        sandbox.kill();
        sandbox.restart().await;
        eventually("it is seen to have ended", PATIENCE, async || {
            counts(&sandbox, "killed").await.0 == "BROKEN"
        })
        .await;
        let told = broken::resumed(&sandbox, "killed", &seal.lines(&sent)).await;
        each_has_one(&sandbox, &sent, &told).await;
        for line in &told[..10] {
            assert!(first.contains(&format!("{line}\n")), "{line} was answered otherwise");
        }
        assert_eq!(counts(&sandbox, "killed").await, of("FINISHED", 120, 120, 0));
        // Under another key nothing of it comes again.
        let other = import(&sandbox, NDJSON, "other", ndjson(&seal.lines(&sent[..3]))).await;
        assert!(other.iter().all(|line| line["title"] == "USER_ALREADY_EXISTS"), "{other:?}");
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
        // Beyond the last day of its cards what was done is still answered so.
        advanced(&sandbox, 28 * DAY).await;
        let again = broken::resumed(&sandbox, "killed", &seal.lines(&sent)).await;
        assert_eq!(again, told);
    }

    /// Two imports at once that have the same numbers: each number becomes one card.
    async fn a_number_becomes_one_card_whoever_sends_it(database) {
        let sandbox = Sandbox::start(database).await;
        program(&sandbox, "sandbox", CONFIG_ID, BIN).await;
        let seal = Seal::of(&sandbox).await;
        let ours = holders(20);
        let theirs: Vec<Value> = ours.iter().rev().map(|line| {
            holder(line["card"]["cardNo"].as_str().expect("a number"))
        }).collect();
        let (one, two) = (ndjson(&seal.lines(&ours)), ndjson(&seal.lines(&theirs)));
        let (one, two) = tokio::join!(
            import(&sandbox, NDJSON, "one", one),
            import(&sandbox, NDJSON, "two", two)
        );
        let done = one.iter().chain(&two).filter(|line| line["status"] == 201).count();
        assert_eq!(done, 20);
        let rest = one.iter().chain(&two).filter(|line| line["status"] != 201);
        assert!(rest.clone().all(|line| line["title"] == "CARD_ALREADY_EXISTS"));
    }

    /// A number leads to the partner of its BIN: no other can bring it, and isn't told whose it is.
    async fn another_partner_cannot_bring_the_number(database) {
        let sandbox = Sandbox::start(database).await;
        program(&sandbox, "sandbox", CONFIG_ID, BIN).await;
        let create = ["partner", "create", "--code", "other", "--kyc-mode", "EXTERNAL"];
        sandbox.antaca(&create).await.assert_done();
        let other = signed(&sandbox, "other", &["--partner", "other"]).await;
        let seal = Seal::of(&sandbox).await;
        let line = holder(&number(BIN));
        let sealed = ndjson(&[seal.line(&line)]);
        let told = answers(send(&other, "other", (NDJSON, "theirs"), sealed.clone())).await;
        assert_eq!(told[0]["title"], "PROGRAM_NOT_FOUND");
        program(&sandbox, "other", CONFIG_ID, "53208778").await;
        for known in [false, true] {
            let key = format!("theirs-{known}");
            let told = answers(send(&other, "other", (NDJSON, &key), sealed.clone())).await;
            assert_eq!(told[0]["title"], "VALIDATION_ERROR", "{}", told[0]);
            assert_eq!(fields(&told[0]), ["card.cardNo"]);
            if !known {
                assert_eq!(one(&sandbox, &line).await["status"], 201);
            }
        }
    }

    /// All cards of a BIN are made by one; a program of others' cards has nothing that we make.
    async fn a_program_says_who_makes_its_cards(database) {
        let sandbox = Sandbox::start(database).await;
        program(&sandbox, "sandbox", CONFIG_ID, BIN).await;
        let create = |config_id: &'static str, more: &[&'static str]| {
            let program = ["program", "create", "--partner", "sandbox", "--config-id", config_id];
            let rest = ["--processor", "sandbox-processor", "--card-type", "VIRTUAL",
                "--currency", "EUR"];
            [&program[..], &rest, more].concat()
        };
        for (more, title) in [
            (&["--bin", BIN][..], "BIN_TAKEN"),
            (&["--bin", "53208701", "--port", "NONE"], "BIN_TAKEN"),
            (&["--bin", "53208777", "--port", "NONE", "--digital-first"], "PROGRAM_INVALID"),
            (&["--bin", "53208777", "--port", "NONE", "--gift-approval", "A"], "PROGRAM_INVALID"),
        ] {
            sandbox.antaca(&create("0000000070", more)).await.assert_refused(title);
        }
        let set = |config_id: &'static str| ["program", "set", "--partner", "sandbox",
            "--config-id", config_id];
        let plastic = ["--bureau", "sandbox", "--chip-profile", "X"];
        let plastic = [&set(CONFIG_ID)[..], &plastic].concat();
        sandbox.antaca(&plastic).await.assert_refused("CARD_MADE_ELSEWHERE");
        let add = [&set("0019167984")[..], &["--add-bin", BIN]].concat();
        sandbox.antaca(&add).await.assert_refused("BIN_TAKEN");
        let add = [&set(CONFIG_ID)[..], &["--add-bin", "53208776"]].concat();
        sandbox.antaca(&add).await.assert_done();
        assert_eq!(one(&sandbox, &holder(&number("53208776"))).await["status"], 201);
        let list = ["program", "list", "--partner", "sandbox"];
        let told = sandbox.antaca(&list).await.assert_done().json();
        let ports: std::collections::BTreeSet<String> = told.iter().flat_map(|it| {
            let all = it.as_array().cloned().unwrap_or_else(|| vec![it.clone()]);
            all.into_iter().map(|it| it["port"].to_string())
        }).collect();
        assert_eq!(ports.into_iter().collect::<Vec<_>>(), ["\"BUILTIN\"", "\"NONE\""]);
    }
}
