//! Put a list in force: all nodes have it in memory a second later.

use super::entries::{entry_json, read_entry};
use super::lists::{self, ColumnMap};
use crate::audit::Operator;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::ids::PartnerId;
use domain::screening::{Entry, Index, List};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use store::counters;
use store::db::Tx;
use store::screening::{self, Loaded};
use tokio::time::Instant;

/// Entries of one commit: some milliseconds of SQLite's only writer.
const ROWS: usize = 500;
/// Characters of a name at most.
const NAME_MAX: usize = 40;

/// The lists in force, in memory.
pub struct Screening(RwLock<Arc<InForce>>);

impl Default for Screening {
    /// None; whoever serves reads them before.
    fn default() -> Self {
        let none = InForce { version: 0, index: Index::new(Vec::new()), since: Instant::now() };
        Self(RwLock::new(Arc::new(none)))
    }
}

impl std::fmt::Debug for Screening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Screening")
    }
}

/// Lists that are searched.
pub(super) struct InForce {
    /// How often lists were put in force or taken away.
    pub(super) version: i64,
    pub(super) index: Index,
    /// Since when this node has them.
    pub(super) since: Instant,
}

impl Screening {
    /// The lists in force.
    pub(super) fn in_force(&self) -> Arc<InForce> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Two may have read at once.
    fn set(&self, lists: InForce) {
        let mut in_force = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if lists.version > in_force.version {
            *in_force = Arc::new(lists);
        }
    }
}

/// A file to be loaded.
pub struct LoadList {
    /// Its content.
    pub file: Vec<u8>,
    /// OFAC's `alt.csv`, beside its `sdn.csv`.
    pub aliases: Option<Vec<u8>>,
    /// Where it was read.
    pub path: String,
    /// A list of one's own: what it is called, which it is, and its columns.
    pub own: Option<(String, List, String)>,
}

impl App {
    /// Puts a list in force, in the place of the one of its name; what was read.
    pub async fn load_list(
        &self,
        operator: &Operator,
        command: LoadList,
    ) -> Result<Result<Value, String>, Error> {
        let path = command.path.clone();
        let read = tokio::task::spawn_blocking(move || read(&command));
        let read = read.await.map_err(|_| Error::broken("a list can't be read"))?;
        let (name, list, loaded) = match read {
            Ok(read) => read,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut tx = self.db.begin().await?;
        let version = counters::take(&mut tx, PartnerId::PLATFORM, counters::LISTS, 1).await;
        let version = tx.end(version).await?;
        for rows in rows(&loaded.entries).chunks(ROWS) {
            let mut tx = self.db.begin().await?;
            let kept = screening::insert_entries(&mut tx, (&name, version), rows).await;
            tx.end(kept).await?;
        }
        let list = Loaded {
            name,
            list,
            version,
            entries: i64::try_from(loaded.entries.len()).unwrap_or(i64::MAX),
            file: path,
            loaded_at: self.now(),
        };
        let mut tx = self.db.begin().await?;
        let put = self.put_list_in(&mut tx, operator, &list).await;
        if !tx.end(put).await? {
            return Ok(Err("a newer one was loaded meanwhile".to_owned()));
        }
        self.forget_entries(&list.name, version).await?;
        self.refresh_screening().await?;
        let skipped = loaded.skipped.iter().map(|(why, count)| (format!("{why:?}"), json!(count)));
        Ok(Ok(json!({
            "name": list.name,
            "list": list.list.as_str(),
            "entries": list.entries,
            "skipped": skipped.collect::<serde_json::Map<_, _>>(),
        })))
    }

    /// Not where a newer version of it is there already, whose entries are all that is left.
    async fn put_list_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        list: &Loaded,
    ) -> Result<bool, Error> {
        // First, since it locks: whoever changes lists does so one after the other.
        counters::take(tx, PartnerId::PLATFORM, counters::SCREENING, 1).await?;
        let lists = screening::lists(tx).await?;
        if lists.iter().any(|it| it.name == list.name && it.version > list.version) {
            return Ok(false);
        }
        screening::put_list(tx, list).await?;
        let detail = json!({ "list": list.list.as_str(), "entries": list.entries });
        let act = ("screening.load", list.name.as_str(), &detail);
        self.record_act(tx, operator, PartnerId::PLATFORM, act).await?;
        Ok(true)
    }

    /// Takes a list away.
    pub async fn remove_list(&self, operator: &Operator, name: &str) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let removed = async {
            counters::take(&mut tx, PartnerId::PLATFORM, counters::SCREENING, 1).await?;
            let lists = screening::lists(&mut tx).await?;
            let version = lists.iter().find(|it| it.name == name).map(|it| it.version);
            let version = version.ok_or(Refusal::ListNotFound)?;
            screening::remove_list(&mut tx, name).await?;
            let act = ("screening.remove", name, &Value::Null);
            self.record_act(&mut tx, operator, PartnerId::PLATFORM, act).await?;
            Ok(version)
        };
        let removed: Result<i64, Error> = removed.await;
        let version = tx.end(removed).await?;
        self.forget_entries(name, version + 1).await?;
        self.refresh_screening().await
    }

    /// Deletes what stands on versions of a list before this one.
    async fn forget_entries(&self, name: &str, version: i64) -> Result<(), Error> {
        loop {
            let mut tx = self.db.begin().await?;
            let limit = i64::try_from(ROWS).unwrap_or(i64::MAX);
            let deleted = screening::delete_entries_before(&mut tx, (name, version), limit).await;
            if tx.end(deleted).await? == 0 {
                return Ok(());
            }
        }
    }

    /// The lists in force, by name.
    pub async fn lists(&self) -> Result<Vec<Loaded>, Error> {
        let mut tx = self.db.read().await?;
        let lists = screening::lists(&mut tx).await;
        Ok(tx.end(lists).await?)
    }

    /// Reads the lists into memory if they have changed.
    pub async fn refresh_screening(&self) -> Result<(), Error> {
        let has = self.screening.in_force().version;
        let mut tx = self.db.read().await?;
        let read = async {
            // The number first: what is read after it is as new, or newer and read again.
            let partner = PartnerId::PLATFORM;
            let version = counters::taken(&mut tx, partner, counters::SCREENING).await?;
            let rows = if version == has { None } else { Some(screening::entries(&mut tx).await?) };
            Ok::<_, Error>((version, rows))
        };
        let read = read.await;
        let (version, Some(rows)) = tx.end(read).await? else { return Ok(()) };
        let made = tokio::task::spawn_blocking(move || {
            let entries = rows.iter().map(|(list, entry)| read_entry(*list, entry));
            entries.collect::<Option<Vec<_>>>().map(Index::new)
        });
        let broken = Error::broken("a list can't be read");
        let Ok(Some(index)) = made.await else { return Err(broken) };
        self.screening.set(InForce { version, index, since: Instant::now() });
        Ok(())
    }
}

type Read = (String, List, lists::Loaded);

/// What a file says, and what its list is called.
fn read(command: &LoadList) -> Result<Read, String> {
    let told = |fault: lists::Fault| fault.to_string();
    let Some((name, list, columns)) = &command.own else {
        let loaded = match &command.aliases {
            None => lists::read(&command.file),
            Some(aliases) => lists::read_with_aliases(&command.file, aliases),
        };
        let loaded = loaded.map_err(told)?;
        let list = loaded.entries.first().map_or(List::OfacSdn, |entry| entry.list);
        return Ok((list.as_str().to_owned(), list, loaded));
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=NAME_MAX).contains(&name.len()) || !name.bytes().all(plain) {
        return Err("a list's name is 1 to 40 of a-z, 0-9 and the hyphen".to_owned());
    }
    let columns = ColumnMap::parse(columns).map_err(|fault| fault.to_string())?;
    let mut loaded = lists::read_mapped(*list, &columns, &command.file).map_err(told)?;
    for entry in &mut loaded.entries {
        entry.id = format!("{name}/{}", entry.id);
    }
    Ok((name.clone(), *list, loaded))
}

/// The rows of entries. Lists of one's own may give an id twice: the second is numbered.
fn rows(entries: &[Entry]) -> Vec<(String, Value)> {
    let mut known: HashMap<&str, u32> = HashMap::new();
    let row = |entry: &'_ Entry, times: u32| {
        let id = if times == 1 { entry.id.clone() } else { format!("{}#{times}", entry.id) };
        (id.clone(), entry_json(&Entry { id, ..entry.clone() }))
    };
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let times = known.entry(entry.id.as_str()).or_default();
        *times += 1;
        rows.push(row(entry, *times));
    }
    rows
}
