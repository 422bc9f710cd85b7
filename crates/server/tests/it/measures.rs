//! Metrics: what moves them, and what they must not tell.

use crate::story::{Story, expect, unique};
use crate::support::Sandbox;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// Reads the text format: each sample by name and labels, each with a type that was told before.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut types = BTreeMap::new();
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(told) = line.strip_prefix("# ") {
            let mut words = told.splitn(3, ' ');
            let (kind, name) = (words.next(), words.next().expect("a name"));
            let what = words.next().unwrap_or_default();
            match kind {
                Some("HELP") => assert!(!what.is_empty(), "{line}"),
                Some("TYPE") => {
                    assert!(["counter", "gauge", "histogram"].contains(&what), "{line}");
                    types.insert(name.to_owned(), what.to_owned());
                }
                _ => panic!("not of the format: {line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let name = series.split('{').next().expect("a name");
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let known = types.get(name).or_else(|| types.get(family?));
        assert!(known.is_some(), "a sample without a type: {line}");
        assert!(name.starts_with("antaca_"), "{line}");
        if let Some((_, labels)) = series.split_once('{') {
            let labels = labels.strip_suffix('}').expect("a closing brace");
            for label in labels.split("\",") {
                let (label, value) = label.split_once("=\"").expect("a label");
                assert!(label.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{line}");
                assert!(!value.trim_end_matches('"').contains(['"', '\n', '\\']), "{line}");
            }
        }
        let value = value.parse().expect("a number");
        assert!(samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
    }
    samples
}

/// Each is told in the operator's guide.
fn assert_documented(text: &str) {
    let guide = include_str!("../../../../docs/operating.md");
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().expect("a name");
        assert!(guide.contains(&format!("`{name}`")), "docs/operating.md doesn't tell of {name}");
    }
}

/// No number of a card, nothing's id; a partner's code where its calls are counted, and there
/// alone.
fn assert_tells_nobody(text: &str, story: &Story) {
    assert_eq!(testkit::luhn_runs(text.as_bytes()), Vec::<String>::new());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let series = line.rsplit_once(' ').map_or(line, |(series, _)| series);
        let of_calls = series.starts_with("antaca_partner_call");
        let label = if of_calls { "partner=\"sandbox\"" } else { "a label that nothing has" };
        let series = series.replace(label, "");
        let words = series.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        for word in words {
            assert!(!(word.len() == 36 && word.matches('-').count() == 4), "an id: {line}");
            assert!(word != "sandbox" && word != "sandbox-processor", "a code: {line}");
            assert!(word != story.customer.to_string() || word.len() < 3, "an id: {line}");
        }
    }
}

on_both_databases! {
    /// Counters move with what they count, and by no more.
    async fn a_purchase_and_a_decline_are_counted_and_nobody_is_named(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let counted = async |name: &str, words: &[&str]| sandbox.metric(name, words).await;
        let approved = ["kind=\"authorization\"", "outcome=\"SUCCESS\"", "APPROVED"];
        let declined = ["kind=\"authorization\"", "outcome=\"DECLINED\"", "INSUFFICIENT_FUNDS"];
        let routes = ["route=\"/processor/v1/authorizations\"", "status=\"2xx\""];
        let before = [
            counted("antaca_decisions_total", &approved).await,
            counted("antaca_decisions_total", &declined).await,
            counted("antaca_requests_total", &routes).await,
            counted("antaca_decision_seconds_count", &["kind=\"authorization\""]).await,
            counted("antaca_commit_seconds_count", &[]).await,
            counted("antaca_batch_commands_count", &[]).await,
            counted("antaca_batch_commands_sum", &[]).await,
        ];
        let processor = sandbox.processor();
        let id = || format!("purchase-{}", unique());
        let bought = expect(200, story.purchase(processor, 100, &id())).await;
        assert_eq!(bought["approved"], true);
        let bought = expect(200, story.purchase(processor, 100_000, &id())).await;
        assert_eq!(bought["approved"], false);
        let after = [
            counted("antaca_decisions_total", &approved).await,
            counted("antaca_decisions_total", &declined).await,
            counted("antaca_requests_total", &routes).await,
            counted("antaca_decision_seconds_count", &["kind=\"authorization\""]).await,
            counted("antaca_commit_seconds_count", &[]).await,
            counted("antaca_batch_commands_count", &[]).await,
            counted("antaca_batch_commands_sum", &[]).await,
        ];
        let moved = after.iter().zip(before).map(|(after, before)| after - before);
        let moved = moved.collect::<Vec<u64>>();
        assert_eq!(moved[..4], [1, 1, 2, 2]);
        // Others' commands, such as those of the worker that ends holds, are decided meanwhile.
        assert!(moved[4..].iter().all(|more| *more >= 2), "{moved:?}");
        assert!(moved[6] >= moved[5], "no batch is empty: {moved:?}");

        // What a caller makes up becomes no label.
        let strange = Method::from_bytes(b"5555555555554444").expect("a method");
        let path = format!("/secure/customers/{}/nothing", story.customer);
        expect(404, sandbox.partner().request(strange, &path)).await;
        let (status, text) = sandbox.operations("/metrics").await;
        assert_eq!(status, 200);
        let samples = samples(&text);
        assert_tells_nobody(&text, &story);
        assert_documented(&text);
        let other = samples.iter().any(|(series, _)| series.contains("method=\"other\""));
        assert!(other, "{text}");
        for name in [
            "antaca_engine_waiting", "antaca_engines_running", "antaca_uptime_seconds",
            "antaca_database_connections_in_use", "antaca_database_waiting",
            "antaca_settings_version", "antaca_connections",
            "antaca_worker_last_success_seconds{worker=\"settings\"}",
            "antaca_jwe_total{operation=\"encrypted\"}",
            "antaca_problems_total{title=\"NOT_FOUND\"}",
        ] {
            assert!(samples.contains_key(name), "{name}: {text}");
        }
        assert!(samples.contains_key("antaca_request_seconds_bucket{channel=\"processor\",\
            method=\"POST\",route=\"/processor/v1/authorizations\",le=\"0.1\"}"), "{text}");
    }
}

on_both_databases! {
    /// What a partner is asked and told is counted by partner, call and result.
    async fn calls_to_a_partner_are_counted_by_what_they_are(database) {
        let sandbox = Sandbox::start(database).await;
        let (story, shared) = (Story::begin(&sandbox, 0).await, sandbox.partner_of_code("shared"));
        let asked = Story::begin_of((&shared, "shared", "0019167989"), 1_000).await;
        let counted = async |name: &str, (partner, call): (&str, &str), result: &str| {
            let labels = [format!("call=\"{call}\""), format!("partner=\"{partner}\"")];
            let words = [labels[0].as_str(), labels[1].as_str(), result];
            sandbox.metric(name, &words).await
        };
        let (debit, locked) = (("shared", "debit"), ("sandbox", "cardLocked"));
        let (calls, done) = ("antaca_partner_calls_total", "result=\"2xx\"");
        let took = "antaca_partner_call_seconds_count";
        assert_eq!(counted(calls, debit, "").await, 0);
        let id = format!("purchase-{}", unique());
        let bought = expect(200, asked.purchase(sandbox.processor(), 100, &id)).await;
        assert_eq!(bought["approved"], true);
        assert_eq!(counted(calls, debit, done).await, 1);
        assert_eq!((counted(calls, debit, "").await, counted(took, debit, "").await), (1, 1));
        let path = format!("/secure/customers/{}/cards/{}/lock", story.customer, story.card);
        expect(204, sandbox.partner().post(&path).json(&json!({ "reason": 7 }))).await;
        testkit::eventually("the lock is told", Duration::from_secs(30), async || {
            counted(calls, locked, done).await == 1
        })
        .await;
        assert_eq!(counted(calls, ("sandbox", "debit"), "").await, 0);
        let (_, text) = sandbox.operations("/metrics").await;
        assert_tells_nobody(&text, &story);
        assert_documented(&text);
    }
}

/// It is for looking, and for the operator alone.
#[tokio::test]
async fn the_operations_listener_is_only_read_from() {
    let sandbox = Sandbox::start(crate::support::Database::Sqlite).await;
    for path in ["/metrics", "/health/live", "/health/ready"] {
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            assert_eq!(sandbox.operate(method, path).await, 405);
        }
        let (status, _) = crate::story::answer(sandbox.partner().get(path)).await;
        assert_eq!(status, 404, "{path} isn't told to partners");
    }
}
