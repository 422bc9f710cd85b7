//! The checks of `tidy`. Each takes the tree and answers with what is wrong in it.

use crate::tree::{Failure, File, Tree};
use std::collections::BTreeMap;

type Check = fn(&Tree) -> Vec<Failure>;

pub(crate) const ALL: &[Check] = &[
    edges,
    lengths,
    module_docs,
    markers,
    transactions,
    migrations,
    documented_paths,
    routes,
    leaked_machine,
    locks,
];

/// Which of our crates a crate may depend on. `server` may depend on all.
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("crypto", &["domain"]),
    ("store", &["domain"]),
    ("outbound", &["domain", "crypto"]),
    ("app", &["domain", "crypto", "store", "outbound"]),
    ("api", &["domain", "crypto", "app"]),
    ("panel", &["domain", "app"]),
    ("simulator", &["domain"]),
    ("iso8583", &[]),
    ("gateway", &["domain", "app", "iso8583"]),
];

const LINES_MAX: usize = 500;
const COLUMNS_MAX: usize = 100;

/// Words that say that something isn't finished, cut in two so that this file passes.
const MARKERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[ig", "nore"),
];

/// Where packages come from is the business of each machine's own settings.
const HOSTS: &[&str] = &[
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("deb.", "debian.org"),
    concat!("npmjs", ".org"),
    concat!("index", "-url"),
];

const MACHINE_PATHS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Use", "rs/")];

/// Crates depend on each other only along the edges of ARCHITECTURE.md.
fn edges(tree: &Tree) -> Vec<Failure> {
    let mut failures = Vec::new();
    for file in tree.0.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let Some(name) = file.path.strip_prefix("crates/").and_then(|p| p.split('/').next()) else {
            continue;
        };
        let allowed = EDGES.iter().find(|(from, _)| *from == name).map(|(_, to)| *to);
        if allowed.is_none() && name != "server" {
            let what = format!("add `{name}` to EDGES in tools/xtask and to ARCHITECTURE.md");
            failures.push(Failure::new("edge", &file.path, 1, what));
        }
        for (line, to) in dependencies(&file.text) {
            let ours = tree.has(&format!("crates/{to}"));
            let tool = tree.has(&format!("tools/{to}"));
            let allowed = allowed.is_none_or(|allowed| allowed.contains(&to));
            if tool || (ours && !allowed) {
                let what = format!("`{name}` must not depend on `{to}`: see ARCHITECTURE.md");
                failures.push(Failure::new("edge", &file.path, line, what));
            }
        }
    }
    failures
}

/// The names in the dependency sections of a manifest, without those for tests.
fn dependencies(manifest: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (number, line) in (1..).zip(manifest.lines()) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end().trim_end_matches(']');
            let section = section.rsplit_once("'.").map_or(section, |(_, rest)| rest);
            inside = matches!(section, "dependencies" | "build-dependencies");
            let table = section.strip_prefix("dependencies.");
            found.extend(table.map(|name| (number, name)));
        } else if inside && !line.is_empty() {
            let renamed = line.split_once("package = \"").map(|(_, rest)| rest.split('"'));
            let name = renamed.map_or_else(|| line.split(['.', '=', ' ']).next(), |mut r| r.next());
            found.extend(name.map(|name| (number, name)));
        }
    }
    found
}

/// Files stay readable in one sitting, lines on one screen.
fn lengths(tree: &Tree) -> Vec<Failure> {
    let mut failures = Vec::new();
    for file in tree.rust() {
        let lines = file.code().len();
        if lines > LINES_MAX && !file.is_test() {
            let what = format!("{lines} lines without tests, {LINES_MAX} at most: split it");
            failures.push(Failure::new("file-length", &file.path, 1, what));
        }
        for (number, line) in (1..).zip(file.text.lines()) {
            let columns = line.chars().count();
            if columns > COLUMNS_MAX {
                let what = format!("{columns} columns, {COLUMNS_MAX} at most: break the line");
                failures.push(Failure::new("line-length", &file.path, number, what));
            }
        }
    }
    failures
}

/// Every module says first what it is for.
fn module_docs(tree: &Tree) -> Vec<Failure> {
    tree.rust()
        .filter(|file| file.path.contains("/src/") && !file.text.starts_with("//!"))
        .map(|file| {
            let what = "start with a `//!` sentence that says what the module is for";
            Failure::new("module-doc", &file.path, 1, what.to_owned())
        })
        .collect()
}

fn markers(tree: &Tree) -> Vec<Failure> {
    let prose = [".md", ".js", ".css", ".json", ".lock"];
    let files = tree.0.iter().filter(|file| !prose.iter().any(|end| file.path.ends_with(end)));
    let what = |word: &str| format!("`{word}`: finish it, or file an issue and remove it");
    files.flat_map(|file| found(file, "marker", MARKERS, what)).collect()
}

/// Only `app` begins and ends transactions; `store` offers them.
fn transactions(tree: &Tree) -> Vec<Failure> {
    let outside = |file: &&File| {
        let home = ["crates/app/", "crates/store/", "tools/"];
        !file.is_test() && !home.iter().any(|home| file.path.starts_with(home))
    };
    let mut failures = Vec::new();
    for file in tree.rust().filter(outside) {
        for (number, _) in file.code().into_iter().filter(|(_, line)| line.contains(".begin(")) {
            let what = "transactions begin in `app` only: call a use case".to_owned();
            failures.push(Failure::new("begin", &file.path, number, what));
        }
    }
    failures
}

/// Migrations come in pairs, one for each database, numbered without gaps.
fn migrations(tree: &Tree) -> Vec<Failure> {
    const FOLDER: &str = "crates/store/migrations/";
    let mut failures = Vec::new();
    let mut complain = |path: &str, what: String| {
        failures.push(Failure::new("migration", path, 1, what));
    };
    let mut names: BTreeMap<usize, &str> = BTreeMap::new();
    for path in tree.0.iter().map(|file| &file.path).filter(|path| path.starts_with(FOLDER)) {
        let file = &path[FOLDER.len()..];
        let stem = file.strip_suffix(".postgres.sql").or_else(|| file.strip_suffix(".sqlite.sql"));
        let number = stem.and_then(|stem| stem.split_once('_')).map(|(digits, _)| digits);
        let number = number.filter(|digits| digits.len() == 4).and_then(|d| d.parse().ok());
        let (Some(stem), Some(number)) = (stem, number) else {
            complain(path, "call it NNNN_name.postgres.sql or NNNN_name.sqlite.sql".to_owned());
            continue;
        };
        if *names.entry(number).or_insert(stem) != stem {
            complain(path, format!("number {number:04} is taken by `{}`", names[&number]));
        }
        for other in ["postgres", "sqlite"].map(|which| format!("{FOLDER}{stem}.{which}.sql")) {
            if !tree.has(&other) {
                complain(path, format!("its twin is missing: write {other}"));
            }
        }
    }
    for (expected, (number, stem)) in (1..).zip(&names) {
        if *number != expected {
            complain(FOLDER, format!("`{stem}` should be number {expected:04}: leave no gaps"));
            break;
        }
    }
    failures
}

/// ARCHITECTURE.md names no file that isn't there.
fn documented_paths(tree: &Tree) -> Vec<Failure> {
    const FILE: &str = "ARCHITECTURE.md";
    let mut failures = Vec::new();
    let mut fenced = false;
    for (number, line) in (1..).zip(tree.text(FILE).unwrap_or_default().lines()) {
        fenced ^= line.trim_start().starts_with("```");
        let spans = line.split('`').skip(1).step_by(2).filter(|_| !fenced);
        for path in spans.filter(|span| is_path(span)).flat_map(expanded) {
            if !tree.has(&path) && !tree.has(&format!("crates/{path}")) {
                let what = format!("there is no `{path}`: name what is there now");
                failures.push(Failure::new("path", FILE, number, what));
            }
        }
    }
    failures
}

/// `a/b.rs` and `a/b/` are paths; `/a/{id}`, `text/plain` and `DIR/a` are not.
fn is_path(span: &str) -> bool {
    let ends = ["/", ".rs", ".sql", ".toml", ".md", ".html", ".txt", ".json", ".yaml", ".py"];
    let tops = ["crates/", "tools/", "scripts/", "docs/", "tests/", "examples/", "fuzz/"];
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_-.{},".contains(c);
    span.contains('/')
        && !span.starts_with('/')
        && span.chars().all(plain)
        && (ends.iter().any(|end| span.ends_with(end)) || tops.iter().any(|t| span.starts_with(t)))
}

/// `a/{b,c}.rs` is two paths.
fn expanded(span: &str) -> Vec<String> {
    let parts = span.split_once('{').and_then(|(head, rest)| {
        let (names, tail) = rest.split_once('}')?;
        Some(names.split(',').map(|name| format!("{head}{name}{tail}")).collect())
    });
    parts.unwrap_or_else(|| vec![span.to_owned()])
}

/// Each route is tried with a wrong certificate.
fn routes(tree: &Tree) -> Vec<Failure> {
    const ROUTER: &str = "crates/api/src/router";
    const DENIED: &str = "crates/server/tests/it/denied.rs";
    let Some(denied) = tree.text(DENIED) else { return Vec::new() };
    let routers = tree.0.iter().filter(|file| file.path.starts_with(ROUTER));
    let mut failures = Vec::new();
    let lines = routers.flat_map(|file| file.code().into_iter().map(move |line| (file, line)));
    for (file, (number, line)) in lines {
        let literals = line.split('"').skip(1).step_by(2);
        let comment = line.trim_start().starts_with("//");
        for route in literals.filter(|literal| !comment && literal.starts_with('/')) {
            if !denied.contains(&format!("\"{route}\"")) {
                let what = format!("\"{route}\" has no entry in {DENIED}: add it");
                failures.push(Failure::new("route", &file.path, number, what));
            }
        }
    }
    failures
}

/// Nothing says on which machine it was written or where that got its packages.
fn leaked_machine(tree: &Tree) -> Vec<Failure> {
    let host = |word: &str| format!("`{word}`: registries are named in a machine's settings only");
    let path = |word: &str| format!("`{word}` is a path of one machine: make it relative");
    let hosts = tree.0.iter().flat_map(|file| found(file, "host", HOSTS, host));
    let paths = tree.0.iter().flat_map(|file| found(file, "machine-path", MACHINE_PATHS, path));
    hosts.chain(paths).collect()
}

/// What is fuzzed is built of what the program is built of: their lock files agree.
fn locks(tree: &Tree) -> Vec<Failure> {
    const FUZZ: &str = "fuzz/Cargo.lock";
    let ours: Vec<_> = locked(tree.text("Cargo.lock").unwrap_or_default()).collect();
    let other = |(_, name, version): &(usize, &str, &str)| {
        let mut same = ours.iter().filter(|(_, ours, _)| ours == name).peekable();
        same.peek().is_some() && !same.any(|(_, _, ours)| ours == version)
    };
    let what = |name: &str| format!("the root has another version of `{name}`: see fuzz/README.md");
    let found = locked(tree.text(FUZZ).unwrap_or_default()).filter(other);
    found.map(|(number, name, _)| Failure::new("lock", FUZZ, number, what(name))).collect()
}

/// The packages of a lock file: line, name, version.
fn locked(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
        line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
    }
    let lines = (1..).zip(text.lines());
    lines.zip(text.lines().skip(1)).filter_map(|((number, name), version)| {
        Some((number, value(name, "name")?, value(version, "version")?))
    })
}

/// The lines of a file that contain one of the words, not as the end of a longer word or path.
fn found(
    file: &File,
    rule: &'static str,
    words: &[&str],
    what: impl Fn(&str) -> String,
) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        for word in words.iter().filter(|word| occurs(line, word)) {
            failures.push(Failure::new(rule, &file.path, number, what(word)));
        }
    }
    failures
}

fn occurs(line: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || (word.starts_with('/') && "_.-}$".contains(c));
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(joins))
}
