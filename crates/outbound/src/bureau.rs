//! The folder in which we and a bureau lay files for one another: batches in `out`, reports in
//! `in`. What was taken from a report is moved to `in/done`.

use std::fs::{self, File, Metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Larger than any report.
const REPORT_BYTES_MAX: u64 = 64 << 20;

/// A bureau's folder.
#[derive(Clone, Debug)]
pub struct BureauFolder(PathBuf);

/// A report that lies there.
#[derive(Debug)]
pub struct LaidReport {
    /// What it says; what isn't UTF-8 of it is replaced, since what counts is ASCII.
    pub text: String,
    stamp: Stamp,
}

/// By which a file is known to be the one that was read.
type Stamp = (u64, SystemTime);

fn stamp(file: &Metadata) -> io::Result<Stamp> {
    Ok((file.len(), file.modified()?))
}

impl LaidReport {
    fn read(path: &Path) -> io::Result<Self> {
        let file = fs::metadata(path)?;
        let invalid = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        if !file.is_file() {
            return Err(invalid("it isn't a file"));
        }
        if file.len() > REPORT_BYTES_MAX {
            return Err(invalid("it is too long"));
        }
        let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
        Ok(Self { text, stamp: stamp(&file)? })
    }
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

    /// The reports that lie there, by name, each with why it can't be read if it can't. What a
    /// bureau is still writing has another ending.
    pub fn reports(&self) -> io::Result<Vec<(String, io::Result<LaidReport>)>> {
        let mut found = Vec::new();
        for entry in match fs::read_dir(self.inbox()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            other => other?,
        } {
            let path = entry?.path();
            let is_report = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("csv"));
            let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
            let Some(name) = name.filter(|name| is_report && !name.starts_with('.')) else {
                continue;
            };
            match LaidReport::read(&path) {
                // Another node was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                read => found.push((name, read)),
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }

    /// Moves a report away that was taken, unless another lies under its name by now.
    pub fn finish(&self, name: &str, report: &LaidReport) -> io::Result<()> {
        fs::create_dir_all(self.done())?;
        let path = self.inbox().join(name);
        let laid = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => stamp(&other?)?,
        };
        if laid != report.stamp {
            return Ok(());
        }
        let mut to = self.done().join(name);
        if to.exists() {
            to = self.done().join(format!("{name}.{:032x}", crypto::random::number()));
        }
        match fs::rename(path, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn inbox(&self) -> PathBuf {
        self.0.join("in")
    }

    fn done(&self) -> PathBuf {
        self.inbox().join("done")
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
        fs::create_dir(inbox.join("folder.csv")).expect("makes it");
        fs::write(inbox.join("latin.csv"), b"caf\xE9").expect("writes");
        let names = || -> Vec<(String, bool)> {
            let found = folder.reports().expect("reads").into_iter();
            found.map(|(name, read)| (name, read.is_ok())).collect()
        };
        let first = || {
            let (_, first) = folder.reports().expect("reads").remove(0);
            first.expect("is read")
        };
        let of = |name: &str, good| (name.to_owned(), good);
        let rest = [of("b.csv", true), of("folder.csv", false), of("latin.csv", true)];
        let all = [&[of("a.CSV", true)][..], &rest].concat();
        assert_eq!(names(), all, "one that can't be read keeps no other");
        let taken = first();
        fs::write(inbox.join("a.CSV"), "another one").expect("writes");
        folder.finish("a.CSV", &taken).expect("leaves it");
        assert_eq!(names(), all, "it isn't the one that was read");
        let taken = first();
        folder.finish("a.CSV", &taken).expect("moves");
        folder.finish("a.CSV", &taken).expect("another node was faster");
        assert_eq!(names(), rest);
        assert_eq!(fs::read_to_string(inbox.join("done/a.CSV")).expect("is kept"), "another one");
        fs::write(inbox.join("a.CSV"), "a third one").expect("writes");
        folder.finish("a.CSV", &first()).expect("moves");
        assert_eq!(fs::read_dir(inbox.join("done")).expect("reads").count(), 2, "none is lost");
    }
}
