//! Where we and a bureau lay files for one another: batches in `out`, reports in `in`. What was
//! taken from a report is moved to `in/done`.
//!
//! The place is a folder, of this machine or shared with it, or one of an SFTP server. What is done
//! there is the same.

mod agent;
mod files;
pub mod sftp;

use files::{Files, Stamp};
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// Larger than any report.
const REPORT_BYTES_MAX: u64 = 64 << 20;
/// Reports that are looked at in a turn.
const REPORTS_MAX: usize = 1000;
/// How long one step may take.
const STEP: Duration = Duration::from_secs(60);

/// Where a bureau's files lie.
#[derive(Debug)]
pub enum Place {
    /// A folder, by its whole path.
    Folder(String),
    /// A folder of an SFTP server.
    Sftp(sftp::Login),
}

/// A bureau's folder, opened.
#[derive(Debug)]
pub struct BureauFolder {
    files: Files,
    root: String,
}

/// A report that lies there.
#[derive(Debug)]
pub struct LaidReport {
    /// What it says; what isn't UTF-8 of it is replaced, since what counts is ASCII.
    pub text: String,
    /// By which it is known to be the one that was read.
    stamp: Stamp,
}

async fn within<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "it takes too long");
    timeout(STEP, step).await.map_err(late)?
}

/// Whatever is asked for; none where there is no such file.
fn if_there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

impl Place {
    /// Opens it; connects to its server, if it is on one.
    pub async fn open(&self) -> io::Result<BureauFolder> {
        Ok(match self {
            Self::Folder(path) => BureauFolder { files: Files::Local, root: path.clone() },
            Self::Sftp(login) => {
                let session = within(sftp::connect(login)).await?;
                BureauFolder {
                    files: Files::Remote(Box::new(session)),
                    root: login.address.path.clone(),
                }
            }
        })
    }
}

impl BureauFolder {
    /// Makes what is missing of it. Nothing else does: where a share isn't mounted, a batch would
    /// be laid where no bureau looks.
    pub async fn prepare(&self) -> io::Result<()> {
        for path in ["out", "in", "in/done"] {
            within(self.files.make_folder(&self.at(path))).await?;
        }
        Ok(())
    }

    /// Lays a batch there, whole or not at all; one of this name is replaced. The folder must have
    /// been made. Two nodes may lay the same batch at once: each writes a file of its own.
    pub async fn put(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let unfinished = self.at(&format!("out/.{name}.{:032x}.part", crypto::random::number()));
        let lay = async || {
            within(self.files.write(&unfinished, content)).await?;
            within(self.files.publish(&unfinished, &self.at(&format!("out/{name}")))).await
        };
        let laid = lay().await;
        if laid.is_err() {
            let _ = within(self.files.remove(&unfinished)).await;
        }
        laid
    }

    /// The names of the reports that lie there, in their order, so many at most. What a bureau is
    /// still writing has another ending.
    pub async fn reports(&self) -> io::Result<Vec<String>> {
        let mut names = within(self.files.names(&self.at("in"))).await?;
        names.retain(|name| is_report(name));
        names.sort_unstable();
        names.truncate(REPORTS_MAX);
        Ok(names)
    }

    /// A report; none where another node was faster.
    pub async fn report(&self, name: &str) -> io::Result<Option<LaidReport>> {
        if_there(within(self.read(name)).await)
    }

    async fn read(&self, name: &str) -> io::Result<LaidReport> {
        let path = self.at(&format!("in/{name}"));
        let invalid = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        let stamp = self.files.stamp(&path).await?.ok_or_else(|| invalid("it isn't a file"))?;
        let long = || invalid("it is too long");
        if stamp.len > REPORT_BYTES_MAX {
            return Err(long());
        }
        let text = self.files.read(&path, REPORT_BYTES_MAX).await?.ok_or_else(long)?;
        Ok(LaidReport { text: String::from_utf8_lossy(&text).into_owned(), stamp })
    }

    /// Moves a report away that was taken, unless another lies under its name by now.
    pub async fn finish(&self, name: &str, report: &LaidReport) -> io::Result<()> {
        let path = self.at(&format!("in/{name}"));
        if self.laid(&path).await?.as_ref() != Some(&report.stamp) {
            return Ok(());
        }
        let mut to = self.at(&format!("in/done/{name}"));
        if if_there(within(self.files.stamp(&to)).await)?.is_some() {
            to = format!("{to}.{:032x}", crypto::random::number());
        }
        match within(self.files.move_away(&path, &to)).await {
            // Another node was faster, unless it still lies there.
            Err(_) if self.laid(&path).await?.is_none() => Ok(()),
            moved => moved,
        }
    }

    async fn laid(&self, path: &str) -> io::Result<Option<Stamp>> {
        Ok(if_there(within(self.files.stamp(path)).await)?.flatten())
    }

    fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.root.trim_end_matches('/'))
    }
}

/// Whether a file of this name is a report. A server's word for a name isn't trusted.
fn is_report(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let csv = ending.is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    csv && !name.starts_with('.') && !name.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[tokio::test]
    async fn batches_are_laid_whole_and_reports_taken_once() {
        let around = testkit::folder();
        let at = around.path().join("bureau");
        let place = Place::Folder(at.to_string_lossy().into_owned());
        let folder = place.open().await.expect("opens");
        let missing = folder.reports().await.expect_err("there is no folder");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let missing = folder.put("a.ndjson", b"one").await.expect_err("nobody has made it");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert!(!at.exists(), "nothing is made by the way");
        folder.prepare().await.expect("makes it");
        folder.prepare().await.expect("is content");
        folder.put("a.ndjson", b"one").await.expect("lays it");
        folder.put("a.ndjson", b"two").await.expect("lays it again");
        let out = at.join("out");
        let names: Vec<_> = fs::read_dir(&out).expect("is there").collect();
        assert_eq!(names.len(), 1);
        assert_eq!(fs::read(out.join("a.ndjson")).expect("is there"), b"two");

        let inbox = at.join("in");
        for (name, text) in [("b.csv", "2"), ("a.CSV", "1"), ("c.csv.part", "3"), (".d.csv", "4")] {
            fs::write(inbox.join(name), text).expect("writes");
        }
        fs::create_dir(inbox.join("folder.csv")).expect("makes it");
        fs::write(inbox.join("latin.csv"), b"caf\xE9").expect("writes");
        let names = async || -> Vec<(String, bool)> {
            let mut found = Vec::new();
            for name in folder.reports().await.expect("reads") {
                let read = folder.report(&name).await;
                found.push((name, read.is_ok()));
            }
            found
        };
        let first = async || folder.report("a.CSV").await.expect("reads").expect("is there");
        let of = |name: &str, good| (name.to_owned(), good);
        let rest = [of("b.csv", true), of("folder.csv", false), of("latin.csv", true)];
        let all = [&[of("a.CSV", true)][..], &rest].concat();
        assert_eq!(names().await, all, "one that can't be read keeps no other");
        let taken = first().await;
        fs::write(inbox.join("a.CSV"), "another one").expect("writes");
        folder.finish("a.CSV", &taken).await.expect("leaves it");
        assert_eq!(names().await, all, "it isn't the one that was read");
        let taken = first().await;
        folder.finish("a.CSV", &taken).await.expect("moves");
        folder.finish("a.CSV", &taken).await.expect("another node was faster");
        assert_eq!(names().await, rest);
        assert_eq!(fs::read_to_string(inbox.join("done/a.CSV")).expect("is kept"), "another one");
        fs::write(inbox.join("a.CSV"), "a third one").expect("writes");
        folder.finish("a.CSV", &first().await).await.expect("moves");
        assert_eq!(fs::read_dir(inbox.join("done")).expect("reads").count(), 2, "none is lost");
        assert!(folder.report("a.CSV").await.expect("reads").is_none());

        // Nowhere to move it: that is told, or it would be taken for ever.
        fs::remove_dir_all(inbox.join("done")).expect("removes");
        fs::write(inbox.join("a.CSV"), "a fourth one").expect("writes");
        let taken = first().await;
        folder.finish("a.CSV", &taken).await.expect_err("has no place");
    }
}
