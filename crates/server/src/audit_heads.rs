//! Heads of the chains of audit records: told in the log, and written to `audit-heads` in the data
//! folder, a line of JSON each, for keeping elsewhere. Who keeps one can tell later whether the
//! chain still contains it, also where the database was replaced as a whole.

use crate::failure::Failure;
use crate::folder::{self, Folder};
use app::App;
use app::audit::{Head, Sealer};
use app::error::Chain;
use domain::Timestamp;
use domain::ids::PartnerId;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// The file's name in the data folder.
pub(crate) const NAME: &str = "audit-heads";
/// A partner's heads are written at most this often.
const OFTEN: SignedDuration = SignedDuration::from_mins(1);
/// How long the last turn may take, when the server ends.
const LAST: Duration = Duration::from_secs(2);
/// What the platform's own chain is called.
pub(crate) const PLATFORM: &str = "platform";

/// A line of the file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    at: String,
    partner: String,
    partner_id: i64,
    place: i64,
    head: String,
}

/// Seals records, and tells where their chains end.
#[derive(Clone)]
pub(crate) struct Sealing {
    sealer: Arc<Sealer>,
    folder: Arc<Folder>,
    kept: Arc<Mutex<Kept>>,
}

/// When a head of each partner was last written, and those that are to be.
#[derive(Default)]
struct Kept {
    written: BTreeMap<PartnerId, Timestamp>,
    waiting: BTreeMap<PartnerId, Head>,
}

impl Sealing {
    /// Of a server that begins.
    pub(crate) fn new(folder: Arc<Folder>) -> Self {
        Self { sealer: Arc::default(), folder, kept: Arc::default() }
    }

    /// One turn.
    pub(crate) async fn turn(&self, app: &App) -> Result<(), app::Error> {
        self.seal(app).await?;
        crate::measures::audit_unsealed(app.count_unsealed().await?);
        self.write(app, |at, last| at.duration_since(last) >= OFTEN || at < last);
        Ok(())
    }

    /// The last one: nobody is served any more.
    pub(crate) async fn finish(&self, app: &App) {
        match timeout(LAST, self.seal(app)).await {
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(error)) => {
                let error = Chain(&error);
                tracing::warn!(%error, "The last audit records are sealed by the next start");
            }
        }
        self.write(app, |_, _| true);
    }

    async fn seal(&self, app: &App) -> Result<(), app::Error> {
        let sealed = app.seal_audit(&self.sealer).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for head in sealed.heads {
            let (partner, place, link) = (head.partner.0, head.place, hex(&head.link));
            tracing::info!(partner, place, head = link, "Audit records were sealed");
            kept.waiting.insert(head.partner, head);
        }
        Ok(())
    }

    /// Writes those heads that are due.
    fn write(&self, app: &App, is_due: impl Fn(Timestamp, Timestamp) -> bool) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { written, waiting } = &mut *kept;
        let due = |head: &&Head| written.get(&head.partner).is_none_or(|at| is_due(head.at, *at));
        let due: Vec<Head> = waiting.values().filter(due).cloned().collect();
        if due.is_empty() {
            return;
        }
        let lines: Vec<Line> = due.iter().map(|head| line(app, head)).collect();
        match append(&self.folder.path(NAME), &lines) {
            Ok(()) => {
                for head in due {
                    waiting.remove(&head.partner);
                    written.insert(head.partner, head.at);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "The heads of audit chains can't be written down");
            }
        }
    }
}

fn line(app: &App, head: &Head) -> Line {
    Line {
        at: head.at.to_string(),
        partner: name_of(app, head.partner),
        partner_id: head.partner.0,
        place: head.place,
        head: hex(&head.link),
    }
}

/// A partner's code.
pub(crate) fn name_of(app: &App, partner: PartnerId) -> String {
    let settings = app.settings.get();
    let mut partners = settings.partners().into_iter();
    match partners.find(|it| it.id == partner) {
        Some(partner) => partner.code.clone(),
        None if partner == PartnerId::PLATFORM => PLATFORM.to_owned(),
        None => partner.0.to_string(),
    }
}

/// Appends lines in one piece. What a killed process left half written stays a line of its own.
fn append(path: &Path, lines: &[Line]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.create(true).read(true).append(true).mode(0o600).open(path)?;
    let mut last = *b"\n";
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let mut text = if last == *b"\n" { String::new() } else { "\n".to_owned() };
    for line in lines {
        text.push_str(&serde_json::to_string(line)?);
        text.push('\n');
    }
    file.write_all(text.as_bytes())
}

/// The heads of a file, and how many of its lines are none; `None` where there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<(Vec<Head>, usize)>, Failure> {
    let Some(text) = folder::read_text(path)? else { return Ok(None) };
    let (mut heads, mut spoilt) = (Vec::new(), 0);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match parse(line) {
            Some(head) => heads.push(head),
            None => spoilt += 1,
        }
    }
    if heads.is_empty() && spoilt > 0 {
        return Err(Failure::new(format!("{} holds no heads of audit chains.", path.display())));
    }
    Ok(Some((heads, spoilt)))
}

fn parse(line: &str) -> Option<Head> {
    let Line { at, partner_id, place, head, .. } = serde_json::from_str(line).ok()?;
    let at = at.parse().ok()?;
    Some(Head { partner: PartnerId(partner_id), place, link: unhex(&head)?, at })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).ok());
    digits.map(|two| u8::from_str_radix(two.filter(|it| it.len() == 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(place: i64) -> Line {
        let at = Timestamp::UNIX_EPOCH.to_string();
        Line {
            at,
            partner: "acme".to_owned(),
            partner_id: 1,
            place,
            head: format!("{place:02x}").repeat(16),
        }
    }

    #[test]
    fn what_is_written_is_read_again_also_behind_half_a_line() {
        let folder = testkit::folder();
        let path = folder.path().join(NAME);
        assert_eq!(read(&path).expect("no file"), None);
        append(&path, &[line(1), line(2)]).expect("written");
        let text = std::fs::read_to_string(&path).expect("text");
        std::fs::write(&path, &text[..text.len() - 9]).expect("cut");
        append(&path, &[line(3)]).expect("written");
        let (heads, spoilt) = read(&path).expect("heads").expect("a file");
        let places: Vec<i64> = heads.iter().map(|head| head.place).collect();
        assert_eq!((places, spoilt), (vec![1, 3], 1));
        assert_eq!(heads[1].link, [3; 16]);
    }

    #[test]
    fn a_file_of_something_else_is_told() {
        let folder = testkit::folder();
        let path = folder.path().join("diary");
        std::fs::write(&path, "Dear diary\n").expect("written");
        let failure = read(&path).expect_err("no heads");
        assert!(failure.to_string().contains("holds no heads"), "{failure}");
    }
}
