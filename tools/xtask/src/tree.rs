//! The files of the repository, read once, so that checks are functions over text.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

/// Folders that hold nothing of ours, wherever they are.
const SKIPPED: &[&str] = &[".git", "target", "antaca-data", "node_modules", "__pycache__"];

/// What is wrong and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) rule: &'static str,
    pub(crate) path: String,
    line: usize,
    what: String,
}

impl Failure {
    pub(crate) fn new(rule: &'static str, path: &str, line: usize, what: String) -> Self {
        Self { rule, path: path.to_owned(), line, what }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} [{}]", self.path, self.line, self.what, self.rule)
    }
}

/// A text file, by its path from the root.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the whole file is there for tests.
    pub(crate) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// The numbered lines outside `#[cfg(test)]` modules. Relies on rustfmt: such a module of the
    /// file ends with a brace in the first column.
    pub(crate) fn code(&self) -> Vec<(usize, &str)> {
        let mut inside = false;
        let mut kept = Vec::new();
        let lines: Vec<&str> = self.text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let next = lines.get(index + 1).copied().unwrap_or_default();
            inside |= *line == "#[cfg(test)]" && next.starts_with("mod ") && next.ends_with('{');
            if !inside {
                kept.push((index + 1, *line));
            }
            inside &= *line != "}";
        }
        kept
    }
}

/// Every text file of the repository, sorted by path.
pub(crate) struct Tree(pub(crate) Vec<File>);

impl Tree {
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort_by(|one, two| one.path.cmp(&two.path));
        Ok(Self(files))
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.0.iter().any(|file| file.path == path || file.path.starts_with(&folder))
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.0.iter().filter(|file| file.is_rust())
    }
}

/// Files that aren't UTF-8 keep their name and lose their content.
fn walk(folder: &Path, prefix: &str, files: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            walk(&entry.path(), &format!("{prefix}{name}/"), files)?;
        } else if kind.is_file() {
            let text = String::from_utf8(fs::read(entry.path())?).unwrap_or_default();
            files.push(File { path: format!("{prefix}{name}"), text });
        }
    }
    Ok(())
}
