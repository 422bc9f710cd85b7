//! What must hold of every document.

use super::*;
use crate::call::Call;
use crate::routes::Routes;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use testkit::luhn_runs;

fn routes() -> Vec<(Channel, Routes)> {
    let of = |channel| router::routes(channel).into_iter().map(move |routes| (channel, routes));
    Channel::ALL.into_iter().flat_map(of).collect()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("a document is JSON")
}

#[test]
fn the_files_in_docs_are_what_the_code_tells() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let documents = documents().into_iter();
    let documents = documents.map(|(name, text)| (format!("openapi/{name}.json"), text));
    for (name, text) in documents.chain([("ERRORS.md".to_owned(), crate::titles::reference())]) {
        let kept = std::fs::read_to_string(docs.join(&name)).unwrap_or_default();
        assert!(kept == text, "docs/{name} is old: run `cargo run -- openapi docs`");
    }
}

#[test]
fn every_call_has_a_summary_a_description_and_a_chapter() {
    for (_, routes) in routes() {
        for operation in routes.operations() {
            let about = operation.about();
            for text in [about.tag, about.summary, about.description] {
                assert!(!text.is_empty(), "{}", operation.name());
            }
        }
    }
}

#[test]
fn every_example_can_be_read_by_the_endpoint() {
    for (_, routes) in routes() {
        for operation in routes.operations() {
            let about = operation.about();
            let json = operation.reads_body() && about.media == "application/json";
            assert_eq!(json, about.example.is_some(), "{}", operation.name());
            let Some(example) = about.example.clone() else { continue };
            let call = Call::with_body(operation.path(), example);
            let read = about.read(&call);
            assert!(read.is_ok(), "{}: {read:?}", operation.name());
        }
    }
}

/// What a partner is asked about isn't decided while its server is gone that asked: who sends it
/// again is told so, as the document says.
#[test]
fn what_a_partner_is_asked_about_may_be_in_progress() {
    let asked =
        ["POST /processor/v1/authorizations", "POST /secure/balances/{balanceId}/transactions"];
    let mut told = 0;
    for (_, routes) in routes() {
        for operation in routes.operations() {
            let may = operation.answers().contains(&(409, Some("IDEMPOTENT_REQUEST_IN_PROGRESS")));
            if asked.contains(&operation.name().as_str()) {
                assert!(may, "{}", operation.name());
                told += 1;
            }
        }
    }
    assert_eq!(told, asked.len());
}

#[test]
fn the_key_is_told_to_be_needed_where_it_is() {
    for (channel, routes) in routes() {
        for operation in routes.operations() {
            let needed = channel == Channel::Processor;
            assert_eq!(operation.needs_key(), needed, "{}", operation.name());
        }
    }
}

#[test]
fn every_call_has_a_name_of_its_own() {
    for (name, text) in documents() {
        let document = parsed(&text);
        let paths = document["paths"].as_object().expect("paths");
        let calls = paths.values().flat_map(|path| path.as_object().expect("methods").values());
        let names: Vec<&str> = calls.filter_map(|call| call["operationId"].as_str()).collect();
        let different: BTreeSet<&&str> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "{name}");
        assert!(!names.is_empty(), "{name}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                let reference = fields.get("$ref").and_then(Value::as_str);
                found.extend(reference.map(str::to_owned));
                fields.values().for_each(|inner| references(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    for (name, text) in documents() {
        let document = parsed(&text);
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty(), "{name}");
        for reference in found {
            let pointer = reference.strip_prefix('#').expect("a reference within the document");
            assert!(document.pointer(pointer).is_some(), "{name}: {reference}");
        }
    }
}

#[test]
fn a_requests_schema_is_what_its_reader_asks_for() {
    let document = parsed(&text(Channel::Secure));
    let schema = |path: &str| {
        let call = &document["paths"][path]["post"];
        call["requestBody"]["content"]["application/json"]["schema"].clone()
    };
    let of_anybody = schema("/secure/cards/virtual");
    let of_a_user = schema("/secure/customers/{customerId}/cards/virtual");
    let balance = serde_json::json!({ "type": "string", "format": "uuid" });
    assert_eq!(of_anybody["properties"]["balanceId"], balance);
    assert_eq!(of_anybody["properties"]["dcUserId"]["type"], "integer");
    let maybe = serde_json::json!(["string", "null"]);
    assert_eq!(of_anybody["properties"]["dcCorporationId"]["type"], maybe);
    assert_eq!(of_anybody["properties"]["label"]["maxLength"], 100);
    let types = serde_json::json!(["integer", "null"]);
    assert_eq!(of_a_user["properties"]["dcUserId"]["type"], types, "the path names the user");
    let required = |schema: &Value| schema["required"].as_array().expect("a list").len();
    assert_eq!((required(&of_anybody), required(&of_a_user)), (3, 2));

    let document = parsed(&text(Channel::Processor));
    let call = &document["paths"]["/processor/v1/reversals"]["post"];
    let schema = &call["requestBody"]["content"]["application/json"]["schema"];
    let required = schema["required"].as_array().expect("a list");
    assert!(required.contains(&Value::from("referenceTransactionId")));
    let cards = schema["properties"]["card"]["oneOf"].as_array().expect("a choice");
    let named: Vec<&Value> = cards.iter().map(|card| &card["required"][0]).collect();
    assert_eq!(named, ["pan", "cardId"]);
}

#[test]
fn no_document_holds_what_may_be_a_card_number() {
    for (name, text) in documents() {
        assert_eq!(luhn_runs(text.as_bytes()), Vec::<String>::new(), "{name}");
    }
    assert_eq!(luhn_runs(crate::titles::reference().as_bytes()), Vec::<String>::new());
}
