//! Making a backup.

use super::manifest::{Content, Entry, FORM, Ledger, Manifest, NAME};
use super::{DATABASE, PART, apart, check, keys, open_plain, unusable};
use crate::acts::Desk;
use crate::database;
use crate::failure::Failure;
use crate::{clock, master_key, output};
use app::audit::Operator;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{DirBuilder, File, Metadata};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, fchown};
use std::path::{Path, PathBuf};
use store::MIGRATIONS;
use store::db::Kind;

/// A backup that is wanted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Backup {
    /// The folder that it is written to, as an absolute path.
    pub(crate) out: PathBuf,
    /// What of.
    pub(crate) content: Content,
}

/// What the server did: the beginning of a manifest.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Copied {
    kind: String,
    begun_at: String,
    files: Vec<String>,
}

impl Desk {
    /// Copies what is wanted into a new folder; checking it is the command's.
    pub(crate) async fn back_up(
        &self,
        operator: &Operator,
        command: Backup,
    ) -> Result<Value, Failure> {
        let Backup { out, content } = command;
        if content == Content::Database && self.app.db.kind() == Kind::Postgres {
            return Err(Failure::new(
                "The database is PostgreSQL's, which is backed up by its own programs: `pg_dump \
                 --format=custom`, or a base backup (see docs/operating.md). For the keys there is \
                 `antaca backup --keys`.",
            ));
        }
        let kind = database::look(&self.app.db).await?.kind.unwrap_or_default();
        prepare(&out, self.folder.dir(), content)?;
        self.app.record_backup(operator, content.name()).await?;
        let begun_at = (self.real_time)().to_string();
        let files = match content {
            Content::Database => self.copy_database(&out).await?,
            Content::Keys => {
                let _turn = master_key::turn().await;
                keys::copy(self.folder.dir(), &out)?
            }
        };
        Ok(json!(Copied { kind, begun_at, files }))
    }

    async fn copy_database(&self, out: &Path) -> Result<Vec<String>, Failure> {
        let (db, part, stopping) = (self.app.db.clone(), out.join(PART), self.app.tasks.stopping());
        let to = part.clone();
        let copied = apart(move || Ok(db.copy(&to, || !stopping.is_cancelled())?));
        match copied.await {
            Ok(true) => Ok(vec![DATABASE.to_owned()]),
            Ok(false) => {
                check::remove(&part);
                Err(Failure::new("The server is stopping: back up again when it runs, or without."))
            }
            Err(failure) => {
                check::remove(&part);
                Err(failure)
            }
        }
    }
}

/// Makes the folder of a backup, or takes one that is empty.
fn prepare(out: &Path, data: &Path, content: Content) -> Result<(), Failure> {
    let refused = |why: &str| Err(Failure::new(format!("{} {why}.", out.display())));
    if !out.is_absolute() {
        return refused("isn't an absolute path");
    }
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    if out.starts_with(&data) {
        return refused("is in the data folder: a backup belongs elsewhere");
    }
    let other = match content {
        Content::Database => keys::are_in(out).then_some("keys"),
        Content::Keys => out.join(DATABASE).exists().then_some("a database"),
    };
    if let Some(other) = other {
        return refused(&format!("holds {other}: keep database and keys in different places"));
    }
    match std::fs::read_dir(out).map(|entries| entries.count()) {
        Ok(0) => Ok(()),
        Ok(_) => refused("isn't empty: each backup has a folder of its own"),
        Err(error) if error.kind() == ErrorKind::NotFound => DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(out)
            .map_err(|error| unusable(out, &error)),
        Err(error) => Err(unusable(out, &error)),
    }
}

/// Checks what the server copied, and writes the manifest.
pub(crate) async fn finish(out: &Path, content: Content, copied: Value) -> Result<(), Failure> {
    let copied: Copied = serde_json::from_value(copied).map_err(|_| {
        Failure::new("The server's release is another one: its answer isn't known.")
    })?;
    let (ledger, faults) = match content {
        Content::Keys => (None, Vec::new()),
        Content::Database => {
            let part = out.join(PART);
            let checked = match holds_only(out, &[PART.to_owned()]) {
                Ok(()) => check::check(&part, async |_| Ok(())).await,
                Err(failure) => Err(failure),
            };
            let checked = checked.inspect_err(|_| check::remove(&part))?;
            let path = out.join(DATABASE);
            std::fs::rename(&part, &path).map_err(|error| unusable(&path, &error))?;
            (checked.ledger, checked.faults)
        }
    };
    holds_only(out, &copied.files)?;
    let (folder, names) = (out.to_owned(), copied.files);
    let files = apart(move || names.iter().map(|name| Entry::of(&folder, name)).collect()).await?;
    let manifest = Manifest {
        form: FORM,
        antaca: env!("CARGO_PKG_VERSION").to_owned(),
        content,
        kind: copied.kind,
        schema: MIGRATIONS.last().map_or(0, |migration| migration.number),
        begun_at: copied.begun_at,
        ended_at: clock::real()().to_string(),
        files,
        ledger,
    };
    manifest.write(out)?;
    let written = manifest.files.iter().map(|entry| entry.name.as_str());
    written.chain([NAME]).try_for_each(|name| give_to_owner(out, name))?;
    tell(out, &manifest);
    if ledger.is_some_and(|ledger| !ledger.holds) {
        faults.iter().for_each(|fault| output::error(fault));
        return Err(Failure::new(
            "The backup is whole, but its ledger doesn't hold, as that of the database that it is \
             of.",
        ));
    }
    Ok(())
}

fn tell(out: &Path, manifest: &Manifest) {
    let bytes: u64 = manifest.files.iter().map(|entry| entry.bytes).sum();
    let (out, files) = (out.display(), manifest.files.len());
    output::line(&match manifest.ledger {
        Some(Ledger { holds: true, balances }) => {
            format!("Backed up to {out}: {bytes} bytes. The ledger holds, balances: {balances}.")
        }
        Some(Ledger { holds: false, .. }) => format!("Backed up to {out}: {bytes} bytes."),
        None => format!(
            "Copied {files} files of keys to {out}. The passphrase isn't among them: keep it, and \
             the database's backups, in other places."
        ),
    });
}

/// Refuses a folder with anything but the plain files that the backup wrote: its owner may have put
/// a link there, for root to follow.
fn holds_only(out: &Path, names: &[String]) -> Result<(), Failure> {
    let entries = std::fs::read_dir(out).map_err(|error| unusable(out, &error))?;
    let held = entries.flatten().map(|entry| entry.file_name()).collect::<HashSet<_>>();
    if held != names.iter().map(OsString::from).collect() {
        return Err(Failure::new(format!(
            "{} doesn't hold what the backup wrote, or more than that: back up again, into a \
             folder that nobody else writes to.",
            out.display()
        )));
    }
    names.iter().try_for_each(|name| open_plain(&out.join(name)).map(|_| ()))
}

/// What root wrote belongs to whom the folder belongs to.
fn give_to_owner(out: &Path, name: &str) -> Result<(), Failure> {
    let path = out.join(name);
    let give = |folder: Metadata, file: File| {
        let held = file.metadata()?;
        if held.uid() == folder.uid() {
            return Ok(());
        }
        if held.nlink() > 1 {
            return Err(Error::other("it has another name elsewhere"));
        }
        fchown(file, Some(folder.uid()), Some(folder.gid()))
    };
    let folder = std::fs::metadata(out).map_err(|error| unusable(out, &error))?;
    give(folder, open_plain(&path)?).map_err(|error| unusable(&path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{chown, symlink};
    use testkit::folder;

    /// Somebody who isn't root, whom the folder of a backup belongs to.
    const OWNER: u32 = 12_345;

    /// The folder of a backup, in it a link and a second name of a file that is somebody else's.
    fn planted(around: &Path) -> (PathBuf, PathBuf) {
        let (out, others) = (around.join("out"), around.join("others"));
        std::fs::create_dir(&out).expect("a folder");
        std::fs::write(&others, "not for the folder's owner").expect("written");
        symlink(&others, out.join("link.pem")).expect("a link");
        std::fs::hard_link(&others, out.join("name.pem")).expect("a second name");
        std::fs::write(out.join("ca.pem"), "of the backup").expect("written");
        // Only root can; for others nothing changes hands here at all.
        let _ = chown(&out, Some(OWNER), Some(OWNER));
        (out, others)
    }

    fn owner(path: &Path) -> u32 {
        std::fs::metadata(path).expect("it is there").uid()
    }

    #[test]
    fn a_file_is_given_to_the_folders_owner_and_nothing_that_a_link_leads_to() {
        let around = folder();
        let (out, others) = planted(around.path());
        let before = owner(&others);
        give_to_owner(&out, "ca.pem").expect("given");
        assert_eq!(owner(&out.join("ca.pem")), owner(&out));
        let failure = give_to_owner(&out, "link.pem").expect_err("it is a link");
        assert!(failure.to_string().contains("isn't a plain file"), "{failure}");
        let given = give_to_owner(&out, "name.pem");
        assert_eq!(given.is_err(), owner(&out) != before, "a file with another name elsewhere");
        assert_eq!(owner(&others), before);
    }

    #[tokio::test]
    async fn a_backup_is_refused_where_its_folder_got_a_link() {
        let around = folder();
        let (out, others) = planted(around.path());
        let before = owner(&others);
        std::fs::remove_file(out.join("name.pem")).expect("removed");
        for files in
            [&["ca.pem"][..], &["ca.pem", "link.pem"], &["ca.pem", "link.pem", "../others"]]
        {
            let copied = json!({ "kind": "sandbox", "begunAt": "", "files": files });
            finish(&out, Content::Keys, copied).await.expect_err("there is a link");
            assert_eq!(owner(&others), before);
            assert!(!out.join(NAME).exists(), "it would pass for a backup");
        }
    }

    #[test]
    fn keys_are_copied_from_files_and_not_through_links() {
        let around = folder();
        let (data, _) = planted(around.path());
        let out = around.path().join("backup");
        std::fs::create_dir(&out).expect("a folder");
        std::fs::write(data.join(crate::secrets::MASTER_KEY), "sealed").expect("written");
        let failure = keys::copy(&data, &out).expect_err("there is a link");
        assert!(failure.to_string().contains("link.pem isn't a plain file"), "{failure}");
        assert!(!out.join("link.pem").exists());
        std::fs::remove_file(data.join("link.pem")).expect("removed");
        let names = keys::copy(&data, &out).expect("copied");
        assert_eq!(names, ["ca.pem", crate::secrets::MASTER_KEY, "name.pem"]);
    }
}
