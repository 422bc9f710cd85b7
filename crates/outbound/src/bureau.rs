//! The folder in which we and a bureau lay files for one another: batches in `out`, reports in
//! `in`. What was taken from a report is moved to `in/done`.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Larger than any report.
const REPORT_BYTES_MAX: u64 = 64 << 20;

/// A bureau's folder.
#[derive(Clone, Debug)]
pub struct BureauFolder(PathBuf);

/// A report that lies there.
#[derive(Debug)]
pub struct LaidReport {
    /// The file's name.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl BureauFolder {
    /// The folder at a path.
    #[must_use]
    pub fn at(path: &str) -> Self {
        Self(PathBuf::from(path))
    }

    /// Makes what is missing of it.
    pub fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(self.0.join("out"))?;
        fs::create_dir_all(self.done())
    }

    /// Lays a batch there, whole or not at all; one of this name is replaced.
    pub fn put(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.prepare()?;
        let out = self.0.join("out");
        let unfinished = out.join(format!(".{name}.part"));
        let mut file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o640)
            .open(&unfinished)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&unfinished, out.join(name))?;
        File::open(&out)?.sync_all()
    }

    /// The reports that lie there, by name. What a bureau is still writing has another ending.
    pub fn reports(&self) -> io::Result<Vec<LaidReport>> {
        let folder = self.0.join("in");
        let mut found = Vec::new();
        for entry in match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            other => other?,
        } {
            let path = entry?.path();
            let is_report = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("csv"));
            let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
            let Some(name) = name.filter(|name| is_report && !name.starts_with('.')) else {
                continue;
            };
            if fs::metadata(&path)?.len() > REPORT_BYTES_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a report is too long"));
            }
            found.push(LaidReport { name, text: fs::read_to_string(&path)? });
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    /// Moves a report away that was taken; where one of its name is there already, it replaces it.
    pub fn finish(&self, name: &str) -> io::Result<()> {
        fs::create_dir_all(self.done())?;
        match fs::rename(self.0.join("in").join(name), self.done().join(name)) {
            // Another node was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn done(&self) -> PathBuf {
        self.0.join("in").join("done")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_laid_whole_and_reports_taken_once() {
        let around = testkit::folder();
        let folder = BureauFolder(around.path().join("bureau"));
        assert!(folder.reports().expect("none yet").is_empty());
        folder.put("a.ndjson", b"one").expect("lays it");
        folder.put("a.ndjson", b"two").expect("lays it again");
        let out = folder.path().join("out");
        let names: Vec<_> = fs::read_dir(&out).expect("is there").collect();
        assert_eq!(names.len(), 1);
        assert_eq!(fs::read(out.join("a.ndjson")).expect("is there"), b"two");

        let inbox = folder.path().join("in");
        for (name, text) in [("b.csv", "2"), ("a.CSV", "1"), ("c.csv.part", "3"), (".d.csv", "4")] {
            fs::write(inbox.join(name), text).expect("writes");
        }
        let names =
            |all: Vec<LaidReport>| -> Vec<String> { all.into_iter().map(|it| it.name).collect() };
        assert_eq!(names(folder.reports().expect("reads")), ["a.CSV", "b.csv"]);
        folder.finish("a.CSV").expect("moves");
        folder.finish("a.CSV").expect("another node was faster");
        assert_eq!(names(folder.reports().expect("reads")), ["b.csv"]);
        assert_eq!(fs::read_to_string(inbox.join("done/a.CSV")).expect("is kept"), "1");
    }
}
