//! The keys that requests are encrypted for: the current one, and those that it replaced, each
//! accepted until its end. They are rows, sealed by the platform, so that all nodes have the same
//! ones; they are opened where the settings' version says that they have changed.
//!
//! Every `now` here is real time: partners fetch keys by their own clocks.

use crate::audit::Operator;
use crate::settings::Snapshot;
use crate::{App, Error};
use crypto::jwe::PrivateKey;
use domain::Timestamp;
use domain::ids::PartnerId;
use jiff::SignedDuration;
use serde_json::json;
use std::sync::{Arc, PoisonError, RwLock};
use store::db::Tx;
use store::jwe_keys::JweKey;
use store::{instance, jwe_keys};

/// Keys that are accepted at a time, the current one among them: a token that doesn't name its key
/// costs an attempt with each. A further rotation ends the oldest one early.
pub const ACCEPTED_MAX: usize = 4;

/// The keys in force on this node.
#[derive(Debug, Default)]
pub struct JweKeys(RwLock<Arc<Accepted>>);

/// Opened keys, as of one version of the settings, the newest first.
#[derive(Debug, Default)]
pub struct Accepted {
    version: i64,
    keys: Vec<Opened>,
}

/// A key that was opened.
#[derive(Clone, Debug)]
struct Opened {
    key: Arc<PrivateKey>,
    until: Option<Timestamp>,
}

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The name of the new key.
    pub kid: String,
    /// The name of the one that it replaced.
    pub previous: String,
    /// Until when that one is accepted.
    pub previous_until: Timestamp,
}

impl JweKeys {
    /// The keys as of now.
    #[must_use]
    pub fn get(&self) -> Arc<Accepted> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Versions only ascend: what was read earlier and comes later changes nothing.
    fn put(&self, accepted: Accepted) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if accepted.version > held.version {
            *held = Arc::new(accepted);
        }
    }
}

impl Accepted {
    /// The key that requests should be encrypted for.
    pub fn current(&self) -> Result<&PrivateKey, Error> {
        let first = self.keys.first().ok_or(Error::broken("there is no JWE key"))?;
        Ok(&first.key)
    }

    /// The keys that a token may have been made for: the one that it names, if it is accepted, or
    /// all that are, if it names none.
    #[must_use]
    pub fn for_token(&self, kid: Option<&str>, now: Timestamp) -> Vec<Arc<PrivateKey>> {
        self.keys
            .iter()
            .filter(|opened| opened.until.is_none_or(|until| now < until))
            .filter(|opened| kid.is_none_or(|kid| opened.key.kid() == kid))
            .map(|opened| opened.key.clone())
            .collect()
    }

    fn find(&self, kid: &str) -> Option<Arc<PrivateKey>> {
        let found = self.keys.iter().find(|opened| opened.key.kid() == kid);
        found.map(|opened| opened.key.clone())
    }
}

impl App {
    /// Makes sure that there is a key, and opens all: the first node that ever starts brings the
    /// one `kept` in its folder by a former release, or makes one. Of nodes that start at once,
    /// one does.
    pub async fn prepare_jwe_keys(
        &self,
        kept: Option<PrivateKey>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.refresh_settings().await?;
        if self.settings.get().jwe_keys.is_empty() {
            let key = match kept {
                Some(key) => key,
                None => generated().await?,
            };
            let mut tx = self.db.begin().await?;
            let first = self.insert_first(&mut tx, &key, now).await;
            tx.end(first).await?;
            self.refresh_settings().await?;
        }
        self.open_jwe_keys()
    }

    async fn insert_first(
        &self,
        tx: &mut Tx,
        key: &PrivateKey,
        now: Timestamp,
    ) -> Result<(), Error> {
        // Also the lock under which keys are numbered.
        instance::raise_settings_version(tx).await?;
        if jwe_keys::list(tx).await?.is_empty() {
            jwe_keys::insert(tx, &self.sealed(key, 1), now).await?;
        }
        Ok(())
    }

    /// Opens the keys, if the settings have changed since they were opened.
    pub fn open_jwe_keys(&self) -> Result<(), Error> {
        let (settings, held) = (self.settings.get(), self.jwe_keys.get());
        if settings.version > held.version {
            self.jwe_keys.put(self.opened(&settings, &held)?);
        }
        Ok(())
    }

    fn opened(&self, settings: &Snapshot, held: &Accepted) -> Result<Accepted, Error> {
        let open = |row: &JweKey| {
            let key = match held.find(&row.kid) {
                Some(key) => key,
                None => Arc::new(self.unsealed(row)?),
            };
            Ok(Opened { key, until: row.accepted_until })
        };
        let keys = settings.jwe_keys.iter().map(open).collect::<Result<_, Error>>()?;
        Ok(Accepted { version: settings.version, keys })
    }

    /// Makes a new key the current one, at once on this node and within a second on the others.
    /// Those before it are accepted for so many days more, and no longer than they were to be.
    pub async fn rotate_jwe_key(
        &self,
        operator: &Operator,
        days: u32,
        now: Timestamp,
    ) -> Result<Rotated, Error> {
        let until = now
            .checked_add(SignedDuration::from_hours(24 * i64::from(days)))
            .map_err(|_| Error::broken("a day of the far future"))?;
        let key = generated().await?;
        let mut tx = self.db.begin().await?;
        let rotated = self.rotate_in(&mut tx, operator, &key, (now, until)).await;
        let rotated = tx.end(rotated).await?;
        self.refresh_settings().await?;
        self.open_jwe_keys()?;
        Ok(rotated)
    }

    async fn rotate_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        key: &PrivateKey,
        (now, until): (Timestamp, Timestamp),
    ) -> Result<Rotated, Error> {
        // Also the lock under which keys are numbered.
        instance::raise_settings_version(tx).await?;
        let rows = jwe_keys::list(tx).await?;
        let previous = rows.first().ok_or(Error::broken("there is no JWE key to replace"))?;
        for (place, row) in rows.iter().enumerate() {
            let end = if place + 1 < ACCEPTED_MAX { until } else { now };
            let end = row.accepted_until.map_or(end, |until| until.min(end));
            jwe_keys::update_end(tx, row.number, end).await?;
        }
        jwe_keys::delete_ended(tx, now).await?;
        jwe_keys::insert(tx, &self.sealed(key, previous.number + 1), now).await?;
        let rotated = Rotated {
            kid: key.kid().to_owned(),
            previous: previous.kid.clone(),
            previous_until: until,
        };
        let detail =
            json!({ "previous": rotated.previous, "previousAcceptedUntil": until.to_string() });
        let act = ("jwe_key.rotate", rotated.kid.as_str(), &detail);
        self.record_act(tx, operator, PartnerId::PLATFORM, act).await?;
        Ok(rotated)
    }

    /// Deletes keys that aren't accepted any more, from the database and from all nodes' memory.
    pub async fn delete_ended_jwe_keys(&self, now: Timestamp) -> Result<(), Error> {
        let ended = |row: &JweKey| row.accepted_until.is_some_and(|until| until <= now);
        if !self.settings.get().jwe_keys.iter().any(ended) {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let deleted = delete_ended_in(&mut tx, now).await;
        tx.end(deleted).await
    }

    fn sealed(&self, key: &PrivateKey, number: i64) -> JweKey {
        let sealed = self.keyring.seal_platform(&row(key.kid()), key.to_pkcs8_pem().as_bytes());
        JweKey { number, kid: key.kid().to_owned(), sealed, accepted_until: None }
    }

    fn unsealed(&self, sealed: &JweKey) -> Result<PrivateKey, Error> {
        let pem = self.keyring.open_platform(&row(&sealed.kid), &sealed.sealed)?;
        let pem = std::str::from_utf8(&pem).ok().map(PrivateKey::from_pkcs8_pem);
        let key = pem.and_then(Result::ok).filter(|key| key.kid() == sealed.kid);
        key.ok_or(Error::broken("a JWE key isn't one"))
    }
}

async fn delete_ended_in(tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
    instance::raise_settings_version(tx).await?;
    jwe_keys::delete_ended(tx, now).await?;
    Ok(())
}

/// Where a key is sealed for, as [`crate::keyring::Keyring::seal_platform`] names it.
pub(crate) fn row(kid: &str) -> String {
    format!("jwe-key/{kid}")
}

/// A new key. Making it takes a good part of a second of one processor.
async fn generated() -> Result<PrivateKey, Error> {
    let made = tokio::task::spawn_blocking(PrivateKey::generate).await;
    made.map_err(|_| Error::broken("no JWE key could be made"))
}
