//! The bureau of a sandbox: it reads the batches that lie in its folder, and reports that their
//! cards were made; what then becomes of the parcels is told by who tries it out.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folder of it in a sandbox's data folder.
pub const FOLDER: &str = "bureau";
/// The columns of a report.
const HEADER: &str = "reference,outcome,trackingNumber\n";

/// The bureau that works in a folder.
#[derive(Clone, Debug)]
pub struct Bureau(PathBuf);

/// Why nothing was reported.
#[derive(Debug, thiserror::Error)]
pub enum BureauError {
    /// The bureau never got this order.
    #[error("the bureau has no order {0}; it has what `antaca orders run` has sent")]
    UnknownOrder(String),
    /// Its folder can't be used.
    #[error("the bureau's folder can't be used: {0}")]
    Folder(#[from] io::Error),
}

impl Bureau {
    /// The bureau of the sandbox that serves from a data folder.
    #[must_use]
    pub fn of_sandbox(data: &Path) -> Self {
        Self(data.join(FOLDER))
    }

    /// Reports of every batch that was laid before a moment, and of which nothing was reported yet,
    /// that its cards were made; how many batches.
    pub fn answer(&self, before: SystemTime) -> Result<usize, BureauError> {
        let mut answered = 0;
        for (name, laid) in self.batches()? {
            let report = format!("{name}.csv");
            let inbox = self.0.join("in");
            let known = [inbox.join(&report), inbox.join("done").join(&report)];
            if laid >= before || known.iter().any(|it| it.exists()) {
                continue;
            }
            let mut lines = HEADER.to_owned();
            for reference in self.references(&name)? {
                lines.push_str(&format!("{reference},PERSONALISED,\n"));
            }
            self.lay(&report, &lines)?;
            answered += 1;
        }
        Ok(answered)
    }

    /// Reports what became of an order.
    pub fn report(&self, order: &str, outcome: &str, tracking: &str) -> Result<(), BureauError> {
        let mut references = Vec::new();
        for name in self.batches()?.into_keys() {
            references.extend(self.references(&name)?);
        }
        let ends = |reference: &&String| reference.rsplit(':').next() == Some(order);
        let reference = references.iter().find(ends);
        let reference = reference.ok_or_else(|| BureauError::UnknownOrder(order.to_owned()))?;
        let name = format!("{order}-{outcome}-{}.csv", crate::random::uuid());
        self.lay(&name, &format!("{HEADER}{reference},{outcome},{tracking}\n"))
    }

    /// The batches by name, and when each was laid there.
    fn batches(&self) -> io::Result<BTreeMap<String, SystemTime>> {
        let mut found = BTreeMap::new();
        for entry in match fs::read_dir(self.0.join("out")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            other => other?,
        } {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".ndjson") && !name.starts_with('.') {
                found.insert(name, entry.metadata()?.modified()?);
            }
        }
        Ok(found)
    }

    /// What the orders of a batch are called.
    fn references(&self, batch: &str) -> io::Result<Vec<String>> {
        let text = fs::read_to_string(self.0.join("out").join(batch))?;
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(lines.filter_map(|line| Some(line.get("reference")?.as_str()?.to_owned())).collect())
    }

    /// Lays a report there, whole.
    fn lay(&self, name: &str, text: &str) -> Result<(), BureauError> {
        let inbox = self.0.join("in");
        fs::create_dir_all(&inbox)?;
        let unfinished = inbox.join(format!("{name}.part"));
        fs::write(&unfinished, text)?;
        Ok(fs::rename(unfinished, inbox.join(name))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_batch_is_answered_once_and_parcels_are_reported() {
        let around = tempfile::TempDir::new().expect("a folder");
        let bureau = Bureau::of_sandbox(around.path());
        let ever = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(bureau.answer(ever).expect("nothing there"), 0);
        let folder = around.path().join(FOLDER);
        fs::create_dir_all(folder.join("out")).expect("makes it");
        let batch = "{\"batch\":\"b\"}\n{\"reference\":\"acme:1\"}\n{\"reference\":\"acme:2\"}\n";
        fs::write(folder.join("out/b.ndjson"), batch).expect("lays it");
        assert_eq!(bureau.answer(SystemTime::UNIX_EPOCH).expect("not yet"), 0);
        assert_eq!(bureau.answer(ever).expect("answers"), 1);
        assert_eq!(bureau.answer(ever).expect("once"), 0);
        let report = fs::read_to_string(folder.join("in/b.ndjson.csv")).expect("a report");
        assert_eq!(report, format!("{HEADER}acme:1,PERSONALISED,\nacme:2,PERSONALISED,\n"));
        bureau.report("2", "SHIPPED", "RR1").expect("reports");
        let unknown = bureau.report("3", "SHIPPED", "").expect_err("no such order");
        assert!(matches!(unknown, BureauError::UnknownOrder(_)));
    }
}
