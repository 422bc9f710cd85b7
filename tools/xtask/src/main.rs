//! Chores of this repository, in Rust so that they run wherever it builds:
//! `cargo run -p xtask -- tidy`.
//!
//! `tidy` checks what neither the compiler nor clippy can. Its exceptions are in
//! `tools/xtask/exceptions.txt`, which may only get shorter.

mod checks;
mod tree;

use std::process::ExitCode;
use tree::{Failure, Tree};

const EXCEPTIONS: &str = "tools/xtask/exceptions.txt";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments != ["tidy"] {
        eprintln!("usage: cargo run -p xtask -- tidy");
        return ExitCode::from(2);
    }
    let failures = tidy(&repository());
    for failure in &failures {
        eprintln!("{failure}");
    }
    eprintln!("tidy: {} complaints", failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The repository that this runs in, not the one that it was built in: two clones may share a
/// target folder.
fn repository() -> Tree {
    let here = std::env::current_dir().expect("there is a current folder");
    let root = here.ancestors().find(|folder| folder.join("Cargo.lock").exists());
    Tree::read(root.expect("it runs within the repository")).expect("the repository can be read")
}

/// Runs every check, and takes out what the exceptions allow.
fn tidy(tree: &Tree) -> Vec<Failure> {
    let mut failures: Vec<Failure> = checks::ALL.iter().flat_map(|check| check(tree)).collect();
    let exceptions = tree.text(EXCEPTIONS).unwrap_or_default();
    for (number, line) in (1..).zip(exceptions.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let (rule, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let before = failures.len();
        failures.retain(|failure| !(failure.rule == rule && covers(path, &failure.path)));
        if failures.len() == before {
            let what = format!("the exception `{rule} {path}` isn't needed any more: remove it");
            failures.push(Failure::new("exception", EXCEPTIONS, number, what));
        }
    }
    failures
}

/// An exception names a file, or a folder by its trailing slash.
fn covers(exception: &str, path: &str) -> bool {
    exception == path || (exception.ends_with('/') && path.starts_with(exception))
}

#[cfg(test)]
mod tests;
