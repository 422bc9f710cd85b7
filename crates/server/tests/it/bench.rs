//! `antaca bench` and `antaca simulate`: what is measured is really done, and adds up.

use crate::story::{Story, expect};
use crate::support::{Database, Running, Sandbox, antaca};
use serde_json::Value;
use std::path::Path;

/// What is told of each load.
const LOAD: [&str; 11] = [
    "throughput",
    "p50_ms",
    "p99_ms",
    "p999_ms",
    "max_ms",
    "approved",
    "declined",
    "reversed",
    "errors",
    "refused",
    "seconds",
];
/// What each measurement tells beside its load.
const WHOLE: [&str; 6] = [
    "cpu_seconds",
    "generator_cpu_seconds",
    "rss_mib",
    "rss_anon_mib",
    "notified",
    "ledger_verified",
];
/// What it tells beside a greedy partner.
const FAIRNESS: [&str; 3] = ["greedy", "at_share", "p99_ratio"];
/// What it tells of partners that are asked.
const ASKED: [&str; 2] = ["asked", "asked_ms"];
/// What it tells beside a partner that hangs.
const ISOLATION: [&str; 6] =
    ["partners", "hanging", "answered", "worst_p99_ms", "p99_ratio", "worst_p99_ratio"];

/// `antaca bench` in this folder.
async fn bench(dir: &Path, database: &Database, arguments: &[&str]) -> crate::support::Ended {
    let dir = dir.to_str().expect("a path of text");
    let mut all = [&["bench"], arguments, &["--cards", "200", "--data", dir]].concat();
    if let Database::Postgres(url) = database {
        all.extend(["--database", url]);
    }
    antaca(&all).await
}

/// Measures for a second; checks what every measurement tells.
async fn measured(dir: &Path, database: &Database, more: &[&str]) -> Value {
    let short = ["authorizations", "--duration", "1", "--warm-up", "1", "--json"];
    let ended = bench(dir, database, &[&short, more].concat()).await;
    let told = ended.assert_done().json().remove(0);
    let mut fields = [&LOAD[..], &WHOLE].concat();
    for (option, tells) in
        [("--greedy", &FAIRNESS[..]), ("--asked", &ASKED), ("--hanging", &ISOLATION)]
    {
        if more.contains(&option) {
            fields.extend(tells);
        }
    }
    assert_fields(&told, &fields);
    for field in ["throughput", "p50_ms", "p99_ms", "p999_ms", "seconds", "cpu_seconds"] {
        assert!(told[field].as_f64() > Some(0.0), "{field}: {told}");
    }
    assert!(told["approved"].as_u64() > told["declined"].as_u64(), "{told}");
    assert!(told["rss_mib"].as_f64() >= told["rss_anon_mib"].as_f64(), "{told}");
    // So few may all be affordable.
    assert!(told["declined"].as_u64() > Some(0) || counted(&told) < 250, "{told}");
    assert_eq!(told["errors"], 0, "{told}: {}", ended.stderr);
    assert_eq!(told["ledger_verified"], true, "{told}");
    told
}

/// These and no others.
fn assert_fields(told: &Value, fields: &[&str]) {
    for field in fields {
        assert!(told.get(field).is_some(), "{field}: {told}");
    }
    assert_eq!(told.as_object().map(serde_json::Map::len), Some(fields.len()), "{told}");
}

/// Measures beside a greedy partner; checks what is told of it.
async fn measured_beside_greed(dir: &Path, database: &Database, more: &[&str]) -> Value {
    let greedy = ["--connections", "8", "--rate", "20", "--greedy", "5"];
    let told = measured(dir, database, &[&greedy, more].concat()).await;
    assert_fields(&told["at_share"], &LOAD);
    assert_fields(&told["greedy"], &[&LOAD[..], &["times", "rate", "notified"]].concat());
    assert_eq!((&told["greedy"]["times"], &told["greedy"]["rate"]), (&5.into(), &100.into()));
    for (what, offered) in [(&told, 20), (&told["at_share"], 20), (&told["greedy"], 100)] {
        assert!((1..=offered).contains(&counted(what)), "{told}");
        assert_eq!((&what["errors"], &what["refused"]), (&0.into(), &0.into()), "{told}");
        assert!(what["p99_ms"].as_f64() > Some(0.0), "{told}");
    }
    let [p99, before] = [&told, &told["at_share"]].map(|load| load["p99_ms"].as_f64());
    let ratio = told["p99_ratio"].as_f64();
    assert_eq!(ratio >= Some(1.0), p99 >= before, "{told}");
    assert!(ratio > Some(0.0), "{told}");
    told
}

/// How many transactions a measurement counted.
fn counted(told: &Value) -> i64 {
    ["approved", "declined", "reversed"].map(|name| told[name].as_i64().unwrap_or(0)).iter().sum()
}

on_both_databases! {
    /// The server, the load and the partner are processes of their own; all of them end.
    async fn authorizations_over_https_are_measured(database) {
        let around = testkit::folder();
        let dir = around.path().join("bench");
        let told = measured(&dir, &database, &["--connections", "8"]).await;
        assert!(told["generator_cpu_seconds"].is_number(), "{told}");
        assert!(told["notified"].as_i64() > Some(0), "{told}");
        assert!(!dir.join("sandbox.json").exists(), "the server has ended in order");

        // The second takes the same cards; its pace is kept.
        let told = measured(&dir, &database, &["--connections", "32", "--rate", "200"]).await;
        assert!((1..=201).contains(&counted(&told)), "200 messages in a second: {told}");
    }

    async fn the_ledger_alone_is_measured(database) {
        let around = testkit::folder();
        let told = measured(around.path(), &database, &["--ledger-only"]).await;
        assert!(told["generator_cpu_seconds"].is_null() && told["notified"].is_null(), "{told}");

        // What that left to be told isn't told during the next: 50 messages a second for 2 seconds.
        let told = measured(around.path(), &database, &["--rate", "50"]).await;
        assert!((1..=101).contains(&told["notified"].as_i64().unwrap_or(0)), "{told}");
    }

    /// The partner is asked about each that isn't declined without it, over HTTP/2 and HTTP/1.1.
    async fn partners_that_are_asked_are_measured(database) {
        let around = testkit::folder();
        for more in [&[][..], &["--http1"]] {
            let asked = ["--asked", "5", "--asks-at-once", "8", "--connections", "8"];
            let told = measured(around.path(), &database, &[&asked, more].concat()).await;
            assert_eq!(told["asked_ms"], 5, "{told}");
            // Those of the warm-up too.
            assert!(told["asked"].as_u64() >= told["approved"].as_u64(), "{told}");
            assert!(told["p50_ms"].as_f64() >= Some(5.0), "{told}");
        }
        // The next asks nobody.
        measured(around.path(), &database, &["--connections", "8"]).await;
    }

    /// All have cards and a deposit of their own; what the one that hangs isn't answered is
    /// declined, and no error of the others.
    async fn partners_are_measured_beside_one_that_hangs(database) {
        let around = testkit::folder();
        let hanging = ["--asked", "5", "--rate", "5", "--hanging", "3", "--connections", "4"];
        let told = measured(around.path(), &database, &hanging).await;
        assert_fields(&told["answered"], &[&LOAD[..], &["worst_p99_ms"]].concat());
        assert_fields(&told["hanging"], &LOAD);
        assert_eq!(told["partners"], 3);
        for of in [&told, &told["answered"]] {
            assert_eq!((counted(of), &of["errors"]), (10, &0.into()), "of two: {told}");
            assert!(of["worst_p99_ms"].as_f64() >= of["p99_ms"].as_f64(), "{told}");
        }
        for ratio in ["p99_ratio", "worst_p99_ratio"] {
            assert!(told[ratio].as_f64() > Some(0.0), "{told}");
        }
        assert_eq!(told["hanging"]["approved"], 0, "{told}");
    }

    /// Nothing of a backlog is lost, and there is nothing else to be told.
    async fn delivering_a_backlog_is_measured(database) {
        let around = testkit::folder();
        for more in [&[][..], &["--http1"]] {
            let backlog = ["deliveries", "--count", "600", "--streams", "16", "--json"];
            let told = bench(around.path(), &database, &[&backlog, more].concat()).await;
            let told = told.assert_done().json().remove(0);
            assert_eq!((&told["notifications"], &told["streams"]), (&600.into(), &16.into()));
            assert!(told["told"].as_u64() >= Some(600), "{told}");
            for field in ["throughput", "seconds", "cpu_seconds"] {
                assert!(told[field].as_f64() > Some(0.0), "{field}: {told}");
            }
            for memory in ["rss_mib", "rss_anon_mib"] {
                let before = told[&format!("{memory}_before")].as_f64();
                assert!(before > Some(0.0) && told[memory].as_f64() >= before, "{told}");
            }
        }
    }

    /// Each is registered once; sent again all are answered as they were.
    async fn importing_is_measured(database) {
        let around = testkit::folder();
        for _ in 0..2 {
            let told = bench(around.path(), &database, &["import", "--count", "500", "--json"]);
            let told = told.await.assert_done().json().remove(0);
            assert_eq!((&told["users"], &told["errors"]), (&500.into(), &0.into()), "{told}");
            for field in ["throughput", "again_throughput", "seconds", "rss_anon_mib"] {
                assert!(told[field].as_f64() > Some(0.0), "{field}: {told}");
            }
        }
    }

    /// All names are looked for, each time anew.
    async fn screening_is_measured(database) {
        let around = testkit::folder();
        for _ in 0..2 {
            let screening = ["screening", "--users", "2000", "--entries", "300", "--json"];
            let told = bench(around.path(), &database, &screening).await;
            let told = told.assert_done().json().remove(0);
            assert_eq!(told["entries"], 300, "{told}");
            assert!(told["names"].as_i64() >= Some(2_000), "{told}");
            assert!(told["throughput"].as_f64() > Some(0.0), "{told}");
        }
    }

    /// Every list is answered, each so often.
    async fn lists_are_measured(database) {
        let around = testkit::folder();
        let past = ["preload", "--transactions", "2000"];
        bench(around.path(), &database, &past).await.assert_done();
        for _ in 0..2 {
            let lists = ["lists", "--users", "400", "--calls", "3", "--json"];
            let told = bench(around.path(), &database, &lists).await;
            let told = told.assert_done().json().remove(0);
            assert_eq!(told["errors"], 0, "{told}");
            let lists = told["lists"].as_object().expect("lists by name");
            assert!(lists.len() > 20, "{told}");
            for (name, of) in lists {
                assert!(of["p50_ms"].as_f64() > Some(0.0), "{name}: {told}");
                assert!(of["p95_ms"].as_f64() <= told["p95_ms"].as_f64(), "{name}: {told}");
            }
        }
    }

    /// Each is issued once, by the use case and over HTTPS, each time upon those before.
    async fn issuing_is_measured(database) {
        let around = testkit::folder();
        for more in [&[][..], &["--https", "response"], &["--https", "request"]] {
            let cards = ["cards", "--count", "300", "--callers", "8", "--json"];
            let told = bench(around.path(), &database, &[&cards, more].concat()).await;
            let told = told.assert_done().json().remove(0);
            assert_eq!((&told["cards"], &told["errors"]), (&300.into(), &0.into()), "{told}");
            assert_eq!(told["generator_cpu_seconds"].is_null(), more.is_empty(), "{told}");
            for field in ["throughput", "p50_ms", "p99_ms", "seconds", "cpu_seconds"] {
                assert!(told[field].as_f64() > Some(0.0), "{field}: {told}");
            }
        }
    }

    /// At the begin of a BIN's range and near its end: there the numbers are taken, none twice.
    async fn issuing_is_measured_where_the_range_is_asked_to_be(database) {
        let around = testkit::folder();
        let cards = async |filled: &str, more: &[&str]| {
            let cards = ["cards", "--count", "300", "--callers", "8", "--json", "--filled", filled];
            bench(around.path(), &database, &[&cards, more].concat()).await
        };
        for (filled, more, from) in
            [("1", &[][..], 100_000), ("99", &["--https", "response"], 9_900_000)]
        {
            let told = cards(filled, more).await.assert_done().json().remove(0);
            assert_eq!((&told["cards"], &told["errors"]), (&300.into(), &0.into()), "{told}");
            // Blocks of 64 numbers.
            let numbers = serde_json::json!({ "from": from, "to": from + 320, "of": 10_000_000 });
            assert_eq!(told["numbers"], numbers, "{told}");
        }
        cards("1", &[]).await.assert_refused("More than 1 % of the BIN's numbers are taken");
    }

    /// Both partners have cards and a deposit of their own, and both are served and told.
    async fn a_greedy_partner_is_measured_beside(database) {
        let around = testkit::folder();
        let dir = around.path();
        let alone = measured_beside_greed(dir, &database, &["--ledger-only"]).await;
        assert!(alone["greedy"]["notified"].is_null(), "{alone}");
        // Its notifications of that are dropped, whether it takes part in the next or not: two
        // phases of two seconds with 20 messages a second, and for the other then 100.
        let told = measured_beside_greed(dir, &database, &[]).await;
        let notified = [&told, &told["greedy"]].map(|told| told["notified"].as_i64().unwrap_or(0));
        assert!((1..=80).contains(&notified[0]), "{told}");
        assert!((1..=240).contains(&notified[1]), "{told}");

        let dir = dir.to_str().expect("a path of text");
        let verified = antaca(&["ledger", "verify", "--json", "--data", dir]).await;
        let balances = verified.assert_done().json()[0]["balances"].as_u64();
        assert!(balances > Some(400), "200 cards of each: {verified:?}");
    }

    /// What is made up is as the ledger would have made it.
    async fn a_preloaded_past_verifies_and_can_be_measured_upon(database) {
        let around = testkit::folder();
        let past = ["preload", "--transactions", "20000"];
        bench(around.path(), &database, &past).await.assert_done();
        let dir = around.path().to_str().expect("a path of text");
        let verified = antaca(&["ledger", "verify", "--json", "--data", dir]).await;
        assert_eq!(verified.assert_done().json()[0]["holds"], true);
        // Four partners' balances, and the cards'.
        assert!(verified.json()[0]["balances"].as_u64() > Some(200), "{verified:?}");
        bench(around.path(), &database, &past).await.assert_done();
        measured(around.path(), &database, &["--ledger-only"]).await;
    }

    /// The money after each message.
    async fn each_simulated_message_does_what_it_says(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let card = story.card.to_string();
        let simulate = async |what: &str, amount: &str, more: &[&str], available: i64| {
            let mut all = vec!["simulate", what, "--card", &card];
            if !amount.is_empty() {
                all.extend(["--amount", amount]);
            }
            let told = sandbox.antaca(&[&all, more].concat()).await.assert_done().json().remove(0);
            let path = format!("/secure/balances/{}", story.balance);
            let balance = expect(200, sandbox.partner().get(&path)).await;
            assert_eq!(balance["amount"], available, "{what}: {told} {balance}");
            told
        };
        let reference = |told: &Value| {
            let text = |name: &str| told[name].as_str().expect("a text").to_owned();
            ["--reference".to_owned(), text("transactionId"), "--reference-date".to_owned(),
                text("transactionDate")]
        };
        let hotel = simulate("purchase", "1000", &["--pre-authorization"], 9_000).await;
        assert_eq!(hotel["approved"], true);
        let of = reference(&hotel);
        let of: Vec<&str> = of.iter().map(String::as_str).collect();
        let with = |more: &[&'static str]| [of.as_slice(), more].concat();
        simulate("increment", "500", &of, 8_500).await;
        simulate("reverse", "300", &of, 8_800).await;
        simulate("clear", "200", &with(&["--partial", "--sequence", "1"]), 8_800).await;
        // More than is left of the hold.
        simulate("clear", "1500", &with(&["--sequence", "2"]), 8_300).await;
        simulate("refund", "300", &[], 8_600).await;
        simulate("credit", "400", &[], 9_000).await;
        simulate("force-credit", "100", &[], 9_100).await;
        simulate("force-debit", "600", &[], 8_500).await;
        simulate("advice", "500", &[], 8_000).await;
        let declined = simulate("advice", "500", &["--declined"], 8_000).await;
        assert_eq!(declined["approved"], false);
        simulate("clear", "1000", &[], 7_000).await;
        let known = simulate("account-verification", "", &[], 7_000).await;
        assert_eq!(known["approved"], true);
        assert_eq!(simulate("balance-inquiry", "", &[], 7_000).await["balance"]["amount"], 7_000);
        let cash = ["--type", "atm", "--expiry", "2020-01"];
        let declined = simulate("purchase", "100", &cash, 7_000).await;
        assert_eq!(declined["description"], "CARD_EXPIRED");
        let pin = ["--pin", "8264"];
        assert_eq!(simulate("purchase", "100", &pin, 7_000).await["description"], "INCORRECT_PIN");
        let part = simulate("purchase", "9000", &["--partial-approval"], 0).await;
        assert_eq!((&part["approvedAmount"], &part["actionCode"]), (&7_000.into(), &"0002".into()));
        assert_eq!(simulate("stop", "", &["--reason", "3"], 0).await["accepted"], true);
        // Before the clearing it changes what is held, of nothing it moves money of its own.
        let of = reference(&part);
        let of: Vec<&str> = of.iter().map(String::as_str).collect();
        let with = |more: &[&'static str]| [of.as_slice(), more].concat();
        simulate("adjust", "2000", &with(&["--category", "CREDIT"]), 2_000).await;
        simulate("adjust", "600", &with(&["--category", "DEBIT"]), 1_400).await;
        simulate("adjust", "100", &["--category", "CREDIT"], 1_500).await;
        simulate("adjust", "50", &[], 1_450).await;
        let company = async || {
            let own = expect(200, sandbox.partner().get("/secure/partner-balances")).await;
            let own = own["items"].as_array().expect("a list").clone();
            let of = |it: &&Value| it["kind"] == "COMPANY" && it["currency"] == "EUR";
            own.iter().find(of).expect("a COMPANY in euro")["amount"].as_i64().expect("an amount")
        };
        // Of the 5,600 that are held the cardholder pays what is settled and the difference.
        let before = company().await;
        let gain = with(&["--partial", "--fx-difference", "30"]);
        simulate("clear", "970", &gain, 1_450).await;
        assert_eq!(company().await, before + 30);
        let loss = with(&["--sequence", "2", "--fx-difference", "-20"]);
        simulate("clear", "2020", &loss, 4_050).await;
        assert_eq!(company().await, before + 10);
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    async fn traffic_adds_up(database) {
        let sandbox = Sandbox::start(database).await;
        let plan = ["simulate", "traffic", "--cards", "12", "--rate", "100", "--duration", "3s"];
        let told = sandbox.antaca(&[&plan[..], &["--json"]].concat()).await.assert_done().json();
        let told = &told[0];
        let sum = |name: &str| -> u64 {
            let reasons = told[name].as_object().expect("reasons");
            reasons.values().filter_map(Value::as_u64).sum()
        };
        let count = |name: &str| told[name].as_u64().expect("a number");
        let parts = ["approved", "cleared", "reversed", "refunded"].map(count);
        assert!(parts.iter().all(|count| *count > 0), "{told}");
        assert_eq!(sum("failed"), 0, "{told}");
        assert!(sum("declined") > 0, "{told}");
        assert_eq!(parts.iter().sum::<u64>() + sum("declined"), count("sent"), "{told}");
        assert!(count("sent") <= 300, "{told}");
        let decided = sandbox.metric("antaca_decisions_total", &["kind=\"clearing\""]).await;
        assert_eq!(decided, count("cleared") + count("refunded"), "{told}");
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }
}

/// Without a folder it is measured in a temporary one, of which nothing is left.
#[tokio::test]
async fn a_measurement_leaves_nothing_behind() {
    let around = testkit::folder();
    let place = around.path().to_str().expect("a path of text");
    let short = ["bench", "authorizations", "--ledger-only", "--cards", "50", "--duration", "1"];
    let ended = crate::support::antaca_with(&short, &[("TMPDIR", place)]).await;
    assert!(ended.assert_done().stdout.contains("ledger                   holds"), "{ended:?}");
    let left: Vec<_> = std::fs::read_dir(around.path()).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Whoever gives up a measurement finds nothing left of it either.
#[tokio::test]
async fn an_interrupted_measurement_leaves_nothing_behind() {
    let around = testkit::folder();
    let place = around.path().to_str().expect("a path of text").to_owned();
    let long = ["bench", "authorizations", "--cards", "50", "--duration", "600"];
    let mut running = Running::spawn(&long, &[("TMPDIR".to_owned(), place)]);
    let serving = || {
        let folders = std::fs::read_dir(around.path()).expect("a folder");
        folders.flatten().any(|folder| folder.path().join("sandbox.json").exists())
    };
    let start = std::time::Duration::from_secs(60);
    testkit::eventually("the server serves", start, async || serving()).await;
    running.terminate();
    running.ended().await.assert_refused("interrupted");
    let gone = || std::fs::read_dir(around.path()).expect("a folder").next().is_none();
    testkit::eventually("nothing is left", start, async || gone()).await;
}

/// A server that refuses some is measured all the same, and what it refused isn't taken for broken.
/// In seconds enough that a machine that stands still for some of them refuses in the others.
#[tokio::test]
async fn what_is_refused_is_told_apart() {
    let load = ["--cards", "50", "--connections", "4", "--rate", "20", "--greedy", "5"];
    let short = ["bench", "authorizations", "--duration", "5", "--warm-up", "1", "--json"];
    let limit = ("ANTACA_LIMITS_PROCESSOR_REQUESTS_PER_SECOND", "10");
    let ended = crate::support::antaca_with(&[&short[..], &load].concat(), &[limit]).await;
    let told = ended.json().remove(0);
    let greedy = &told["greedy"];
    // What this machine is late with is an error too, and wasn't refused.
    assert!(greedy["refused"].as_u64() > Some(0), "{told}");
    assert!(greedy["refused"].as_u64() <= greedy["errors"].as_u64(), "{told}");
    // The measured partner's own errors alone make it fail.
    assert_eq!(ended.code, Some(i32::from(told["errors"].as_u64() > Some(0))), "{ended:?}");
    assert!(counted(greedy) > 0 && told["ledger_verified"] == true, "{told}");
    assert!(ended.stderr.contains("of the greedy partner failed"), "{ended:?}");
}

/// Its share is the other's rate.
#[tokio::test]
async fn a_greedy_partner_needs_a_rate() {
    let ended = antaca(&["bench", "authorizations", "--greedy", "10"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--rate"), "{ended:?}");
}

/// Two commands on one folder would take each other's cards.
#[tokio::test]
async fn a_folder_in_use_is_refused() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let dir = sandbox.dir();
    let ended = bench(&dir, &Database::Sqlite, &["preload"]).await;
    ended.assert_refused("is used by another antaca process");
}
