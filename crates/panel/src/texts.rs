//! The panel's texts, all in one file: `texts/en.txt`, a key and a text a line.

use std::collections::HashMap;
use std::sync::LazyLock;

const ENGLISH: &str = include_str!("../texts/en.txt");

static TEXTS: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| entries(ENGLISH).collect());

fn entries(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines =
        file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(key, text)| (key.trim(), text.trim()))
}

/// The text of a key; a key without one shows itself, which a test keeps from happening.
pub(crate) fn text(key: &str) -> String {
    known(key).map_or_else(|| key.to_owned(), str::to_owned)
}

/// The text of a key, if there is one.
pub(crate) fn known(key: &str) -> Option<&'static str> {
    TEXTS.get(key).copied()
}

#[cfg(test)]
mod tests;
