//! Each text is shown, and what is shown has a text.

use super::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("a file")) {
        match entry.file_type().expect("a type").is_dir() {
            true => files(&entry.path(), found),
            false => found.push(entry.path()),
        }
    }
}

/// The keys that templates and code name: `"key"|t`, `text("key")`, `known("key")`; and where a
/// part of a key is only known at run time (`words("group"` too), what it begins with. Last, all
/// that was read.
fn named() -> (BTreeSet<String>, BTreeSet<String>, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    files(&root.join("templates"), &mut all);
    files(&root.join("src"), &mut all);
    let (mut keys, mut starts, mut all_of_it) = (BTreeSet::new(), BTreeSet::new(), String::new());
    for file in all.iter().filter(|file| !file.ends_with("texts/tests.rs")) {
        let source = std::fs::read_to_string(file).expect("a text");
        for (at, _) in source.match_indices("\"|t") {
            let before = &source[..at];
            keys.insert(before[before.rfind('"').expect("a quote") + 1..].to_owned());
        }
        for mark in ["text(\"", "known(\"", "Done(\"", "title(\""] {
            for (at, _) in source.match_indices(mark) {
                let rest = &source[at + mark.len()..];
                keys.insert(rest[..rest.find('"').expect("a quote")].to_owned());
            }
        }
        for (at, _) in source.match_indices("\"|of(") {
            let before = &source[..at];
            starts.insert(before[before.rfind('"').expect("a quote") + 1..].to_owned());
        }
        for (at, _) in source.match_indices("words(\"") {
            let rest = &source[at + "words(\"".len()..];
            starts.insert(rest[..rest.find('"').expect("a quote")].to_owned());
        }
        all_of_it += &source;
    }
    (keys, starts, all_of_it)
}

#[test]
fn every_key_has_a_text_and_every_text_is_shown() {
    let (keys, starts, sources) = named();
    let all: Vec<(&str, &str)> = entries(ENGLISH).collect();
    let known: BTreeSet<&str> = all.iter().map(|(key, _)| *key).collect();
    assert_eq!(known.len(), all.len(), "a key stands there twice");
    let missing: Vec<&String> = keys.iter().filter(|key| !known.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "without a text: {missing:?}");
    let shown = |key: &str| {
        sources.contains(&format!("\"{key}\""))
            || starts.iter().any(|start| key.starts_with(&format!("{start}.")))
    };
    let idle: Vec<&&str> = known.iter().filter(|key| !shown(key)).collect();
    assert!(idle.is_empty(), "shown nowhere: {idle:?}");
}
