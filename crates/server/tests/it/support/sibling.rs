//! A second server on the same PostgreSQL database.

use super::{Database, Sandbox, callers, ready, spawn};
use std::os::unix::fs::DirBuilderExt as _;

/// What belongs to the running process alone.
const NOT_COPIED: [&str; 3] = ["control.sock", "lock", "sandbox.json"];

impl Sandbox {
    /// Starts another server on this one's database, with a copy of its keys.
    pub(crate) async fn sibling(&self) -> Self {
        assert!(matches!(self.database, Database::Postgres(_)), "SQLite has one node");
        let around = testkit::folder();
        let dir = around.path().join("data");
        std::fs::DirBuilder::new().mode(0o700).create(&dir).expect("a folder");
        for entry in std::fs::read_dir(self.dir()).expect("the folder can be read") {
            let entry = entry.expect("an entry");
            let name = entry.file_name();
            // What is being written may have its own name by now.
            let new = name.to_string_lossy().ends_with(".new");
            // A folder is the bureau's, which each sandbox makes.
            let folder = entry.path().is_dir();
            if !new && !folder && !NOT_COPIED.iter().any(|kept| name == *kept) {
                std::fs::copy(entry.path(), dir.join(&name)).expect("the file can be copied");
            }
        }
        let running = spawn(&dir, &self.database, &self.variables, &[]);
        let file = ready(&running, &dir).await;
        let callers = callers(&dir, &file);
        let (database, variables) = (self.database.clone(), self.variables.clone());
        Self { around, database, variables, more: &[], running, file, callers }
    }

    /// Sends a signal by its name: `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        self.running.signal(name);
    }
}
