//! Which database is used, and what kind of instance it belongs to.

use crate::failure::Failure;
use app::ledger::verify::{Report, Run};
use app::settings::Snapshot;
use domain::Timestamp;
use domain::ids::PartnerId;
use std::fmt;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use store::db::{Db, Options};
use store::{MIGRATIONS, instance};

/// The SQLite database's file in the data folder.
const FILE: &str = "antaca.db";

/// Where a database is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file, used by one process.
    Sqlite(PathBuf),
    /// A server's URL, which may hold a password.
    Postgres(String),
}

impl Place {
    /// Reads `postgres://…`, `postgresql://…` or `sqlite:PATH`.
    pub(crate) fn parse(url: &str) -> Result<Self, Failure> {
        let url = url.trim();
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        match url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            Some(path) => Ok(Self::Sqlite(PathBuf::from(path))),
            None => Err(Failure::new(
                "The database's URL must be postgres://USER@HOST/NAME or sqlite:PATH.",
            )),
        }
    }

    /// The SQLite database in a data folder.
    pub(crate) fn sqlite_in(folder: &Path) -> Self {
        Self::Sqlite(folder.join(FILE))
    }

    /// The whole URL, password and all.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => url.clone(),
        }
    }

    /// Opens the database; makes the file of SQLite's, for the owner alone.
    pub(crate) fn open(&self, connections: usize) -> Result<Db, Failure> {
        let options = Options { connections, ..Options::default() };
        match self {
            Self::Sqlite(path) => {
                // What SQLite puts beside the file gets the file's mode.
                OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(
                    |error| Failure::new(format!("{} can't be used ({error}).", path.display())),
                )?;
                Ok(Db::sqlite(path, options)?)
            }
            Self::Postgres(url) => Ok(Db::postgres(url, options)?),
        }
    }
}

/// Without the password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url();
        let Self::Postgres(_) = self else { return f.write_str(&url) };
        let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", &url));
        let (address, query) = rest.split_once('?').map_or((rest, ""), |(a, query)| (a, query));
        let (user, host) = address.rsplit_once('@').unwrap_or(("", address));
        let user = user.split(':').next().unwrap_or_default();
        let at = if user.is_empty() { "" } else { "@" };
        write!(f, "{scheme}://{user}{at}{host}")?;
        let known = query.split('&').filter(|pair| !pair.is_empty() && !pair.contains("password"));
        for (number, pair) in known.enumerate() {
            write!(f, "{}{pair}", if number == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

/// What an instance is for. Written into the database at its birth, mixed into every derivation
/// of keys, and part of the authority's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For trying out.
    Sandbox,
    /// For real cards.
    Production,
}

impl Kind {
    /// Its name wherever it is written down.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }

    /// Refuses what belongs to an instance of another kind.
    pub(crate) fn expect(self, found: &str, what: &str) -> Result<(), Failure> {
        if found == self.name() {
            return Ok(());
        }
        let advice = match self {
            Self::Sandbox => "choose another folder or database",
            Self::Production => "`antaca serve` doesn't serve a sandbox: run `antaca sandbox`",
        };
        Err(Failure::new(format!("The {what} belongs to a {found} instance: {advice}.")))
    }
}

/// What is known of a database before it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The kind it was born as, if it was.
    pub(crate) kind: Option<String>,
    /// Migrations that it lacks.
    pub(crate) pending: Vec<&'static str>,
}

/// Looks at a database without changing it. One of a newer release is refused.
pub(crate) async fn look(db: &Db) -> Result<Found, Failure> {
    let pending = db.pending(MIGRATIONS).await?;
    if pending.len() == MIGRATIONS.len() {
        return Ok(Found { kind: None, pending });
    }
    let mut tx = db.read().await?;
    let kind = instance::find_kind(&mut tx).await;
    Ok(Found { kind: tx.end(kind).await?, pending })
}

/// Brings a database to this release's schema and writes its kind, if it has none yet. Answers
/// the names of what was applied.
pub(crate) async fn prepare(
    db: &Db,
    kind: Kind,
    now: Timestamp,
) -> Result<Vec<&'static str>, Failure> {
    let found = look(db).await?;
    let applied =
        if found.pending.is_empty() { Vec::new() } else { db.migrate(MIGRATIONS).await? };
    if found.kind.is_none() {
        app::settings::be_born(db, kind.name(), now).await?;
    }
    Ok(applied)
}

/// Computes every account of a migrated database again.
pub(crate) async fn verify(db: &Db) -> Result<Report, Failure> {
    verify_as(db, Run::FULL).await
}

/// Verifies the books of all partners in a migrated database.
pub(crate) async fn verify_as(db: &Db, run: Run<'_>) -> Result<Report, Failure> {
    let settings = Snapshot::load(db).await?;
    let mut partners: Vec<PartnerId> =
        settings.partners().iter().map(|partner| partner.id).collect();
    partners.push(PartnerId::PLATFORM);
    Ok(app::ledger::verify::verify_as(db, &partners, run).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        let cases = [
            ("postgres://me:secret@h:5/db", "postgres://me@h:5/db"),
            ("postgres://me@h/db?sslmode=disable", "postgres://me@h/db?sslmode=disable"),
            ("postgresql://h/db?password=secret&a=b", "postgresql://h/db?a=b"),
            ("postgres://a:p@ss@h/db", "postgres://a@h/db"),
            ("sqlite:/a/b.db", "sqlite:/a/b.db"),
        ];
        for (url, shown) in cases {
            let place = Place::parse(url).expect("a URL");
            assert_eq!(place.to_string(), shown);
            assert_eq!(place.url(), url);
            assert!(!format!("{place:?}").contains("secret"));
        }
        assert!(Place::parse("mysql://h/db").is_err());
        assert!(Place::parse("sqlite:").is_err());
    }
}
