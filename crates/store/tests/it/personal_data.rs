//! Every column is classified in `docs/personal-data.md`.

use std::collections::BTreeSet;
use store::MIGRATIONS;

const LIST: &str = include_str!("../../../../docs/personal-data.md");

/// `table.column` of all that the migrations make.
fn columns() -> BTreeSet<String> {
    let mut columns = BTreeSet::new();
    let mut table = None;
    for line in MIGRATIONS.iter().flat_map(|migration| migration.postgres.lines()) {
        if let Some((name, rest)) =
            line.strip_prefix("alter table ").and_then(|rest| rest.split_once(" add column "))
        {
            let column = rest.split_whitespace().next().expect("a column's name");
            columns.insert(format!("{}.{column}", name.trim_matches('"')));
        } else if let Some(rest) = line.strip_prefix("create table ") {
            table = rest.split_whitespace().next().map(|name| name.trim_matches('"').to_owned());
        } else if line.starts_with(')') {
            table = None;
        } else if let Some(rest) = line.strip_prefix("alter table ")
            && let Some((table, names)) = rest.split_once(" rename column ")
            && let Some((before, after)) = names.trim_end_matches(';').split_once(" to ")
        {
            let named = |column| format!("{}.{column}", table.trim_matches('"'));
            assert!(columns.remove(&named(before)), "{line}");
            columns.insert(named(after));
        } else if let (Some(table), Some(column)) = (&table, line.split_whitespace().next())
            && column != "constraint"
        {
            columns.insert(format!("{table}.{column}"));
        }
    }
    columns
}

/// `table.column` of every line of the list, as often as it stands there.
fn classified() -> Vec<String> {
    let mut classified = Vec::new();
    for line in LIST.lines().filter_map(|line| line.strip_prefix("- `")) {
        let (table, rest) = line.split_once('`').expect("a table's name");
        let rest = rest.split(" (").next().unwrap_or_default();
        classified.extend(rest.split('`').skip(1).step_by(2).map(|name| format!("{table}.{name}")));
    }
    classified
}

#[test]
fn every_column_is_classified_once() {
    let (mut listed, mut columns) = (classified(), columns());
    assert!(columns.len() > 100, "the migrations are read");
    let missing: Vec<&String> = columns.iter().filter(|one| !listed.contains(one)).collect();
    assert!(missing.is_empty(), "not in docs/personal-data.md: {missing:?}");
    listed.retain(|one| !columns.remove(one));
    assert!(listed.is_empty(), "no column, or listed twice: {listed:?}");
}
