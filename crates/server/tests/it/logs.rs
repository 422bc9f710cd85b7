//! JSON logs say what `docs/LOGGING.md` lists, and nothing else.

use crate::story::{Story, expect, unique};
use crate::support::{Sandbox, connect};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const DOCUMENT: &str = include_str!("../../../../docs/LOGGING.md");
const EVERY_LINE: [&str; 5] = ["timestamp", "level", "message", "target", "span"];

/// What an event may say.
pub(crate) struct Event {
    levels: Vec<String>,
    fields: Vec<String>,
}

/// The words between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The table of events.
pub(crate) fn events() -> BTreeMap<String, Event> {
    let table = DOCUMENT.split("## Events").nth(1).expect("the heading");
    let table = table.split("\n## ").next().expect("a table");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let event = |row: &str| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let message = quoted(cells[0]).remove(0);
        let levels = cells[1].split(',').map(|level| level.trim().to_owned()).collect();
        let fields = cells.get(2).copied().map(quoted).unwrap_or_default();
        (message, Event { levels, fields })
    };
    rows.map(event).collect()
}

pub(crate) fn assert_listed(line: &Map<String, Value>, events: &BTreeMap<String, Event>) {
    let message = line["message"].as_str().expect("a message");
    let event =
        events.get(message).unwrap_or_else(|| panic!("an event that isn't listed: {line:?}"));
    let level = line["level"].as_str().expect("a level");
    assert!(event.levels.iter().any(|listed| listed == level), "another level: {line:?}");
    for field in line.keys() {
        let listed = event.fields.contains(field) || EVERY_LINE.contains(&field.as_str());
        assert!(listed, "a field that isn't listed: {field} of {line:?}");
    }
    let span = line.get("span").and_then(Value::as_object);
    for field in span.into_iter().flat_map(Map::keys) {
        assert!(["name", "request_id"].contains(&field.as_str()), "{line:?}");
    }
}

fn request_id(line: &Map<String, Value>) -> Option<&str> {
    let own = line.get("request_id").or_else(|| line.get("span")?.get("request_id"));
    own.and_then(Value::as_str)
}

/// The lines of events with this message that are about this request.
fn of<'a>(
    lines: &'a [Map<String, Value>],
    message: &str,
    request: &str,
) -> Vec<&'a Map<String, Value>> {
    let fits = |line: &&Map<String, Value>| {
        line["message"] == message && request_id(line) == Some(request)
    };
    lines.iter().filter(fits).collect()
}

on_both_databases! {
    /// Good requests, refused ones, limits, commands and the end; one name leads through all of a
    /// purchase.
    async fn each_line_is_json_that_is_listed_and_a_purchase_is_found_by_its_name(database) {
        let variables = [
            ("ANTACA_LOG", "debug"),
            ("ANTACA_LOG_FORMAT", "json"),
            ("ANTACA_LIMITS_ANONYMOUS_REQUESTS_PER_SECOND", "5"),
        ];
        let mut sandbox = Sandbox::start_with(database, &variables).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let processor = sandbox.processor();
        let (bought, declined) = (format!("story-{}", unique()), format!("story-{}", unique()));
        for (id, amount) in [(&bought, 100), (&declined, 100_000)] {
            let request = story.purchase(processor, amount, id).header("X-Request-Id", id);
            expect(200, request).await;
        }
        let wrong = sandbox.partner().post("/lifecycle/v1/wallet").json(&json!({}));
        expect(422, wrong.header("Issuer-Code", "sandbox")).await;
        expect(404, sandbox.partner().get("/nowhere/5555555555554444?q=5555555555554444")).await;
        let anonymous = sandbox.anonymous();
        let mut statuses = Vec::new();
        for _ in 0..50 {
            statuses.push(crate::story::answer(anonymous.get("/secure/public-key")).await.0);
        }
        assert!(statuses.contains(&401) && statuses.contains(&429), "{statuses:?}");
        let mut malformed = connect(&sandbox, None, &[]).await.expect("a connection");
        malformed.send(b"GET\r\n\r\n").await.expect("sent");
        malformed.read_all().await.expect("an answer");
        assert!(connect(&sandbox, None, &[b"spdy"]).await.is_err());
        sandbox.antaca(&["partner", "list"]).await.assert_done();
        crate::import::imported(sandbox.partner(), "sandbox").await;
        let ended = sandbox.stop().await;
        assert_eq!(ended.code, Some(0));

        let events = events();
        let read = |line| match serde_json::from_str(line) {
            Ok(Value::Object(line)) => line,
            other => panic!("not a line of JSON: {line}: {other:?}"),
        };
        let lines: Vec<Map<String, Value>> = ended.stderr.lines().map(read).collect();
        for line in &lines {
            assert_listed(line, &events);
            let tells_of_a_request = ["answered", "decided", "unavailable", "import ended"];
            if tells_of_a_request.iter().any(|message| line["message"] == *message) {
                assert!(request_id(line).is_some_and(|id| !id.is_empty()), "{line:?}");
            }
        }
        for message in ["Stopping", "Stopped", "A TLS handshake failed", "import ended"] {
            assert!(lines.iter().any(|line| line["message"] == message), "{message}");
        }
        for (id, description) in [(&bought, "APPROVED"), (&declined, "INSUFFICIENT_FUNDS")] {
            let answered = of(&lines, "answered", id);
            assert_eq!(answered.len(), 1);
            assert_eq!(answered[0]["status"], 200);
            assert_eq!(answered[0]["route"], "/processor/v1/authorizations");
            let decided = of(&lines, "decided", id);
            assert_eq!(decided.len(), 1);
            assert_eq!(decided[0]["description"], description);
            let batch = lines.iter().find(|line| {
                line["message"] == "batch committed" && line["batch"] == decided[0]["batch"]
            });
            let batch = batch.expect("the batch is told");
            assert!(batch["commands"].as_u64() >= Some(1), "{batch:?}");
        }
    }
}

/// Also those that no test can bring about: the code is read.
#[test]
fn every_event_of_the_code_is_listed_and_every_listed_one_is_in_the_code() {
    let listed = events();
    let mut told = BTreeMap::new();
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")) {
        let text = std::fs::read_to_string(&file).expect("a file can be read");
        for (level, message) in events_in(&text) {
            let event = listed.get(&message);
            let event = event.unwrap_or_else(|| panic!("not listed: {message:?} of {file:?}"));
            assert!(event.levels.contains(&level), "another level: {message:?} of {file:?}");
            told.insert(message, ());
        }
    }
    for message in listed.keys() {
        assert!(told.contains_key(message), "nothing says {message:?}");
    }
}

/// The source files of all crates.
fn sources(crates: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| {
        let entries = std::fs::read_dir(folder).expect("a folder can be read");
        entries.map(|entry| entry.expect("an entry").path()).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        entries(crates).iter().map(|one| one.join("src")).filter(|src| src.is_dir()).collect();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 50, "{found:?}");
    found
}

/// Level and message of each event: the message is the last text of the macro.
fn events_in(source: &str) -> Vec<(String, String)> {
    let level = |level: &str| level.to_uppercase();
    let mut found = Vec::new();
    for name in ["error", "warn", "info", "debug", "trace"] {
        for call in source.split(&format!("tracing::{name}!(")).skip(1) {
            let texts = texts_of_call(call);
            let message = texts.last().expect("a message");
            let words: Vec<&str> = message.split("\\\n").map(str::trim_start).collect();
            found.push((level(name), words.concat()));
        }
    }
    found
}

/// The texts between the opening parenthesis, before which this begins, and its closing one.
fn texts_of_call(call: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut escaped, mut texts) = (1, None, false, Vec::new());
    for (at, byte) in call.bytes().enumerate() {
        match (begin, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(start), b'"') => {
                texts.push(&call[start..at]);
                begin = None;
            }
            (None, b'"') => begin = Some(at + 1),
            (None, b'(') => depth += 1,
            (None, b')') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    texts
}
