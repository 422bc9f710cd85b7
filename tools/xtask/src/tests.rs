//! The repository is tidy, and each check sees what it is there for.

use super::*;
use tree::File;

#[test]
fn this_repository_is_tidy() {
    let failures: Vec<String> = tidy(&repository()).iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

/// Files of a made-up repository, and the rules that it breaks.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let file = |(path, text): &(&str, &str)| File { path: (*path).into(), text: (*text).into() };
    let failures = tidy(&Tree(files.iter().map(file).collect()));
    let rules: Vec<&str> = failures.iter().map(|failure| failure.rule).collect();
    assert_eq!(rules, expected, "{failures:?}");
}

#[test]
fn crates_depend_only_along_the_edges() {
    let store = ("crates/store/Cargo.toml", "[dependencies]\ndomain.workspace = true\n");
    let domain = ("crates/domain/Cargo.toml", "[dev-dependencies]\ntestkit.workspace = true\n");
    let testkit = ("tools/testkit/Cargo.toml", "[dependencies]\nstore.workspace = true\n");
    check(&[store, domain, testkit], &[]);
    check(&[("crates/domain/Cargo.toml", "[dependencies]\nstore = {}\n"), store], &["edge"]);
    check(&[("crates/app/Cargo.toml", "[dependencies]\ntestkit = {}\n"), testkit], &["edge"]);
    check(&[("crates/app/Cargo.toml", "[dependencies.app]\n")], &["edge"]);
    check(&[("crates/api/Cargo.toml", "[dependencies]\nx = { package = \"api\" }\n\n")], &["edge"]);
    check(&[("crates/other/Cargo.toml", "")], &["edge"]);
}

#[test]
fn long_files_and_lines_are_found_but_tests_do_not_count() {
    let long = format!("//! x\n{}", "x\n".repeat(500));
    let tested = format!("//! x\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    x\n".repeat(500));
    check(&[("crates/a/src/b.rs", &long)], &["file-length"]);
    check(&[("crates/a/src/b.rs", &tested), ("crates/a/tests/b.rs", &long)], &[]);
    check(&[("crates/a/tests/b.rs", &"ż".repeat(101))], &["line-length"]);
    check(&[("crates/a/tests/b.rs", &"ż".repeat(100))], &[]);
}

#[test]
fn unfinished_and_undocumented_files_are_found() {
    check(&[("crates/a/src/b.rs", "fn a() {}\n")], &["module-doc"]);
    check(&[("scripts/a", concat!("# TO", "DO: more"))], &["marker"]);
    check(&[("crates/a/tests/b.rs", concat!("#[ig", "nore = \"slow\"]"))], &["marker"]);
}

#[test]
fn transactions_begin_in_app() {
    check(&[("crates/api/src/a.rs", "//! x\nstore.begin().await")], &["begin"]);
    check(&[("crates/app/src/a.rs", "//! x\nstore.begin().await")], &[]);
    check(&[("crates/api/tests/a.rs", "store.begin().await")], &[]);
}

#[test]
fn migrations_are_pairs_without_gaps() {
    let named = |name: &str| format!("crates/store/migrations/{name}");
    let check_names = |names: &[&str], expected: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| named(name)).collect();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        check(&files, expected);
    };
    check_names(&["0001_a.postgres.sql", "0001_a.sqlite.sql"], &[]);
    check_names(&["0001_a.postgres.sql"], &["migration"]);
    check_names(&["0002_a.postgres.sql", "0002_a.sqlite.sql"], &["migration"]);
    check_names(&["1_a.sql"], &["migration"]);
    let two = ["0001_a.postgres.sql", "0001_a.sqlite.sql", "0001_b.postgres.sql"];
    check_names(&two, &["migration", "migration"]);
}

#[test]
fn architecture_names_what_is_there() {
    let file = ("crates/a/src/b.rs", "//! x\n");
    let text = "`a/src/b.rs` `crates/a/src/{b,b}.rs` `a/` `/a/{id}` `text/plain` `DIR/x`";
    check(&[("ARCHITECTURE.md", text), file], &[]);
    check(&[("ARCHITECTURE.md", "`a/src/{b,c}.rs` and `docs/x`"), file], &["path", "path"]);
}

#[test]
fn each_route_is_denied_to_somebody() {
    let router = ("crates/api/src/router.rs", "//! x\n.route(\"/a/{id}\", get(a))\n");
    let denied = |text| ("crates/server/tests/it/denied.rs", text);
    check(&[router], &[]);
    check(&[router, denied("(\"GET\", \"/a/{id}\")")], &[]);
    check(&[router, denied("(\"GET\", \"/a/{id}/b\")")], &["route"]);
    let part = ("crates/api/src/router/part.rs", "//! x\n.route(\"/b\", get(b))\n");
    check(&[router, part, denied("(\"GET\", \"/a/{id}\")")], &["route"]);
}

#[test]
fn nothing_tells_where_it_was_written() {
    check(&[("a.sh", concat!("cd /ro", "ot/x"))], &["machine-path"]);
    check(&[("a.sh", concat!("cd $X/ho", "me/x; cd /usr/ro", "ot/"))], &[]);
    check(&[("a.txt", concat!("--index", "-url x"))], &["host"]);
}

#[test]
fn both_lock_files_have_the_same_versions() {
    let package =
        |name, version| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
    let ours = [package("a", "1.0.0"), package("a", "2.0.0"), package("b", "1.0.0")].concat();
    let check_fuzz = |packages: [String; 2], expected: &[&str]| {
        check(&[("Cargo.lock", &ours), ("fuzz/Cargo.lock", &packages.concat())], expected);
    };
    check_fuzz([package("a", "1.0.0"), package("c", "1.0.0")], &[]);
    check_fuzz([package("a", "1.5.0"), package("b", "1.0.1")], &["lock", "lock"]);
}

#[test]
fn an_exception_allows_and_goes_when_it_is_not_needed() {
    let file = ("crates/a/src/b.rs", "fn a() {}\n");
    check(&[file, (EXCEPTIONS, "# why\nmodule-doc crates/a/src/b.rs generated\n")], &[]);
    check(&[file, (EXCEPTIONS, "module-doc crates/a/ generated\n")], &[]);
    check(&[(EXCEPTIONS, "module-doc crates/a/ generated\n")], &["exception"]);
}
