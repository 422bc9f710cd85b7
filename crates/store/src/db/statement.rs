//! Statements: one PostgreSQL text each, and the mechanical rewrites that make it run on SQLite
//! or for many rows at once. A rewrite is done once; its result is kept.

use super::{Kind, value::Type};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// One statement: PostgreSQL's text with parameters `$1`, `$2`…, in the subset that SQLite shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sql(pub &'static str);

/// One statement that is run for each of many rows of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Each {
    /// The text for one row of parameters.
    pub sql: &'static str,
    /// The types of `$1`, `$2`….
    pub keys: &'static [Type],
}

/// A table, as rows are inserted into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The columns of its primary key.
    pub key: &'static [&'static str],
    /// The columns that are inserted, in the order of the values of a row.
    pub columns: &'static [(&'static str, Type)],
}

/// A statement and what is wanted of it: the key under which its final text is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    Once(Sql),
    RowsEach(Each),
    RunEach(Each),
    InsertAll(Table),
    InsertNew(Table),
}

type Texts = HashMap<(Kind, Shape), Arc<str>>;

/// Final texts by database and statement. Statements are constants, so it stays small.
static TEXTS: LazyLock<RwLock<Texts>> = LazyLock::new(RwLock::default);

impl Shape {
    /// The text that `kind` of database gets.
    pub(super) fn text(self, kind: Kind) -> Arc<str> {
        let known =
            TEXTS.read().unwrap_or_else(PoisonError::into_inner).get(&(kind, self)).cloned();
        known.unwrap_or_else(|| {
            let text: Arc<str> = self.rewrite(kind).into();
            let mut texts = TEXTS.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(texts.entry((kind, self)).or_insert(text))
        })
    }

    fn rewrite(self, kind: Kind) -> String {
        match (kind, self) {
            (Kind::Postgres, Self::Once(sql)) => sql.0.to_owned(),
            (Kind::Postgres, Self::RowsEach(each)) => rows_of_each(&each),
            (Kind::Postgres, Self::RunEach(each)) => run_of_each(&each),
            (Kind::Postgres, Self::InsertAll(table)) => insert_unnested(&table),
            (Kind::Postgres, Self::InsertNew(table)) => {
                insert_unnested(&table) + " on conflict do nothing"
            }
            (Kind::Sqlite, Self::Once(Sql(sql))) => for_sqlite(sql),
            (Kind::Sqlite, Self::RowsEach(each) | Self::RunEach(each)) => for_sqlite(each.sql),
            (Kind::Sqlite, Self::InsertAll(table)) => insert_values(&table),
            (Kind::Sqlite, Self::InsertNew(table)) => {
                insert_values(&table) + " on conflict do nothing"
            }
        }
    }
}

/// What SQLite runs: `$1` → `?1`, `= any($1)` → `in rarray(?1)`, and the clauses
/// `for no key update [skip locked]` dropped, since its only writer locks everything.
fn for_sqlite(sql: &str) -> String {
    let text = with_parameters(sql, "?").replace("= any(?", "in rarray(?");
    let mut parts = text.split(LOCKING);
    let first = parts.next().unwrap_or_default().trim_end().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.trim_start();
        text + rest.strip_prefix("skip locked").unwrap_or(rest)
    })
}

/// How a statement asks for row locks.
pub(super) const LOCKING: &str = "for no key update";

/// The rows that `select` finds for each row of parameters. `lateral` makes the database go
/// through the parameters in their order.
fn rows_of_each(each: &Each) -> String {
    let select = with_parameters(each.sql, "k.c");
    let keys = unnested(each.keys);
    format!("select t.* from {keys} cross join lateral ({select}) t")
}

/// An update or delete for each row of parameters finds its rows first, laterally and behind an
/// `offset 0` that the planner can't see through: joined plainly, a table that looks small is read
/// whole, for each batch, until somebody analyses it. Rows under our locks keep their place.
fn run_of_each(each: &Each) -> String {
    let text = with_parameters(each.sql, "k.c");
    let place = outer_where(&text).expect("a statement for many rows has a where clause");
    let (head, condition) = text.split_at(place);
    let head = head.trim();
    let (rest, keyword) = match head.strip_prefix("delete from ") {
        Some(rest) => (rest, "using"),
        None => (head.strip_prefix("update ").expect("it is an update or a delete"), "from"),
    };
    let table = rest.split_whitespace().next().expect("it names its table");
    format!(
        "{head}\n{keyword} {} cross join lateral (select it.ctid as place from {table} it \
         {condition} offset 0) found\nwhere {table}.ctid = found.place",
        unnested(each.keys)
    )
}

fn insert_unnested(table: &Table) -> String {
    let types: Vec<Type> = table.columns.iter().map(|(_, kind)| *kind).collect();
    let names = names(table);
    format!("insert into {} ({names}) select * from {}", table.name, unnested(&types))
}

fn insert_values(table: &Table) -> String {
    let marks: Vec<String> = (1..=table.columns.len()).map(|n| format!("?{n}")).collect();
    format!("insert into {} ({}) values ({})", table.name, names(table), marks.join(", "))
}

fn names(table: &Table) -> String {
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

/// `unnest($1::bigint[], …) k(c1, …)`: one array per column of parameters.
fn unnested(types: &[Type]) -> String {
    let mut arrays = Vec::new();
    let mut columns = Vec::new();
    for (n, kind) in (1..).zip(types) {
        arrays.push(format!("${n}::{}[]", postgres_name(*kind)));
        columns.push(format!("c{n}"));
    }
    format!("unnest({}) k({})", arrays.join(", "), columns.join(", "))
}

fn postgres_name(kind: Type) -> &'static str {
    match kind {
        Type::Bool => "boolean",
        Type::Int => "bigint",
        Type::Text => "text",
        Type::Bytes => "bytea",
        Type::Uuid => "uuid",
        Type::Time => "timestamptz",
        Type::Json => "jsonb",
    }
}

/// Replaces the `$` of each parameter; one in quotes is left alone.
fn with_parameters(sql: &str, mark: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 16);
    let mut quoted = false;
    let mut characters = sql.chars().peekable();
    while let Some(character) = characters.next() {
        quoted ^= character == '\'';
        let number = characters.peek().is_some_and(char::is_ascii_digit);
        if character == '$' && number && !quoted {
            text.push_str(mark);
        } else {
            text.push(character);
        }
    }
    text
}

/// Where the word `where` stands that belongs to the statement itself, not to a subquery.
fn outer_where(sql: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quoted = false;
    for (place, byte) in sql.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth = depth.saturating_sub(1),
            b'w' if !quoted && depth == 0 && is_word(sql, place, "where") => return Some(place),
            _ => {}
        }
    }
    None
}

fn is_word(sql: &str, place: usize, word: &str) -> bool {
    let blank = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
    let bytes = sql.as_bytes();
    let before = place.checked_sub(1).and_then(|index| bytes.get(index));
    sql[place..].starts_with(word) && blank(before) && blank(bytes.get(place + word.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shape: Shape, postgres: &str, sqlite: &str) {
        assert_eq!(&*shape.text(Kind::Postgres), postgres);
        assert_eq!(&*shape.text(Kind::Sqlite), sqlite);
        assert_eq!(&*shape.text(Kind::Sqlite), sqlite, "the second time it is kept");
    }

    #[test]
    fn a_statement_is_rewritten_for_sqlite_only() {
        for (postgres, sqlite) in [
            ("select a from t where b = $1", "select a from t where b = ?1"),
            ("select '$1', $12", "select '$1', ?12"),
            ("select a ->> '$.b' from t", "select a ->> '$.b' from t"),
            ("a = any($1) and b = any($2)", "a in rarray(?1) and b in rarray(?2)"),
            ("select 1 from t for no key update", "select 1 from t"),
            ("select 1 from t\n    for no key update skip locked", "select 1 from t"),
            (
                "id in (select 1\n for no key update\n skip locked) returning id",
                "id in (select 1) returning id",
            ),
        ] {
            check(Shape::Once(Sql(postgres)), postgres, sqlite);
        }
    }

    #[test]
    fn a_select_for_each_row_is_lateral() {
        let sql = "select a from t where b = $1 and c = $2 for no key update";
        check(
            Shape::RowsEach(Each { sql, keys: &[Type::Int, Type::Uuid] }),
            "select t.* from unnest($1::bigint[], $2::uuid[]) k(c1, c2) cross join lateral \
             (select a from t where b = k.c1 and c = k.c2 for no key update) t",
            "select a from t where b = ?1 and c = ?2",
        );
    }

    #[test]
    fn an_update_for_each_row_finds_its_rows_first() {
        let sql = "update t set a = (select 1 from u where x = $3)\nwhere b = $1 and c = $2";
        check(
            Shape::RunEach(Each { sql, keys: &[Type::Int, Type::Time, Type::Json] }),
            "update t set a = (select 1 from u where x = k.c3)\n\
             from unnest($1::bigint[], $2::timestamptz[], $3::jsonb[]) k(c1, c2, c3) \
             cross join lateral (select it.ctid as place from t it \
             where b = k.c1 and c = k.c2 offset 0) found\n\
             where t.ctid = found.place",
            "update t set a = (select 1 from u where x = ?3)\nwhere b = ?1 and c = ?2",
        );
        check(
            Shape::RunEach(Each { sql: "delete from t where b = $1", keys: &[Type::Bytes] }),
            "delete from t\nusing unnest($1::bytea[]) k(c1) cross join lateral (select it.ctid as \
             place from t it where b = k.c1 offset 0) found\nwhere t.ctid = found.place",
            "delete from t where b = ?1",
        );
    }

    #[test]
    fn an_insert_takes_arrays_or_values() {
        const T: Table =
            Table { name: "t", key: &["a"], columns: &[("a", Type::Text), ("b", Type::Bool)] };
        check(
            Shape::InsertAll(T),
            "insert into t (a, b) select * from unnest($1::text[], $2::boolean[]) k(c1, c2)",
            "insert into t (a, b) values (?1, ?2)",
        );
        check(
            Shape::InsertNew(T),
            "insert into t (a, b) select * from unnest($1::text[], $2::boolean[]) k(c1, c2) \
             on conflict do nothing",
            "insert into t (a, b) values (?1, ?2) on conflict do nothing",
        );
    }
}
