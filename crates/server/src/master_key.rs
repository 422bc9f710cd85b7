//! The master key replaced, while a server runs or without one.
//!
//! The next key lies in the folder beside the current one before anything is wrapped by it, so
//! whatever happens in between, the folder opens what the database holds. Then the keys in the
//! database are wrapped by it in one commit; then what lies sealed in the folder is sealed by it;
//! then its file takes the current one's place. A start, or the next look of a running node, does
//! what is left of that.
//!
//! What a node has in memory as the next key has its file's text beside it, and once the database
//! is wrapped by that key, nothing but that text becomes the folder's key, whatever lies there.

use crate::acts::Desk;
use crate::failure::Failure;
use crate::folder::Readers;
use crate::secrets::{self, MASTER_KEY, NEXT_MASTER_KEY};
use app::audit::Operator;
use clap::Args;
use crypto::keys::{MasterKey, Next};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use store::db::Kind;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::sleep;

/// How often a node looks whether another one has replaced the key.
const PAUSE: Duration = Duration::from_secs(1);
/// The same after a step that failed: opening a file costs memory and time.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(60);
/// One at a time changes the keys of the folder.
static TURN: Mutex<()> = Mutex::const_new(());

/// How the master key is to be replaced.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RotateMasterKey {
    /// Only make the next key and write it into the data folder, for copying it to the other
    /// nodes' folders; the same command without this option goes on with it
    #[arg(long)]
    pub(crate) prepare: bool,
}

/// Where the keys of the database stand, as this node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// They are wrapped by the folder's key.
    Current,
    /// They were wrapped by the next key, which is the folder's now.
    Ended,
    /// They are wrapped by a key that this node doesn't have.
    Unknown,
}

const UNKNOWN: &str = "The keys of the database are wrapped by a master key that this node doesn't \
                       have: copy master-key.json from the node where it was rotated into this \
                       data folder, as master-key-next.json";

/// Nobody changes the keys of a folder while this is held.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

impl Desk {
    /// `keys rotate`
    pub(crate) async fn rotate_master_key(
        &self,
        operator: &Operator,
        command: &RotateMasterKey,
    ) -> Result<Value, Failure> {
        let _turn = turn().await;
        // What another node has done, or a command that was interrupted, comes first.
        match self.look().await? {
            Stand::Current => {}
            // Asked for again, it isn't to be done twice.
            Stand::Ended => return Ok(json!({ "ended": "the rotation that was interrupted" })),
            Stand::Unknown => return Err(Failure::new(format!("{UNKNOWN}."))),
        }
        let next = match self.app.keyring.masters().next() {
            Some(next) => next,
            None if !command.prepare && self.app.db.kind() == Kind::Postgres => {
                return Err(Failure::new(
                    "Other nodes may use this database, and have to know the next key first: run \
                     `antaca keys rotate --prepare`, copy master-key-next.json into their data \
                     folders, and then run this again.",
                ));
            }
            None => self.make_next().await?,
        };
        if command.prepare {
            let path = self.folder.path(NEXT_MASTER_KEY);
            return Ok(json!({ "prepared": path.display().to_string() }));
        }
        let rewrapped = self.app.rewrap_keys(operator, &next.key).await?;
        self.settle().await?;
        Ok(json!({ "rewrapped": rewrapped }))
    }

    /// Goes on where the key was replaced and the folder doesn't have it as the current one yet.
    pub(crate) async fn settle_master_key(&self) -> Result<(), Failure> {
        self.look_in_turn().await.map(|_| ())
    }

    async fn look_in_turn(&self) -> Result<Stand, Failure> {
        let _turn = turn().await;
        self.look().await
    }

    /// Takes notice of the next key's file, and makes that key the folder's if it is time.
    async fn look(&self) -> Result<Stand, Failure> {
        match self.settle().await? {
            Stand::Ended => Ok(Stand::Ended),
            Stand::Current | Stand::Unknown => {
                self.take_next().await?;
                self.settle().await
            }
        }
    }

    /// Makes the next key the folder's, if it is what wraps the keys of the database.
    async fn settle(&self) -> Result<Stand, Failure> {
        let Some(wrapping) = self.app.wrapping_master_key().await? else {
            return Ok(Stand::Unknown);
        };
        let masters = self.app.keyring.masters();
        let Some(next) = masters.next().filter(|next| Arc::ptr_eq(&next.key, &wrapping)) else {
            return Ok(Stand::Current);
        };
        secrets::reseal(&self.folder, masters, &next.key)?;
        self.folder.write(MASTER_KEY, next.file.as_bytes(), Readers::Owner)?;
        self.folder.remove(NEXT_MASTER_KEY)?;
        masters.promote_next();
        tracing::info!("The master key was replaced");
        Ok(Stand::Ended)
    }

    async fn make_next(&self) -> Result<Next, Failure> {
        let masters = self.app.keyring.masters();
        let next = MasterKey::generate(masters.current().kind());
        let provider = self.provider.clone();
        // Stretching a passphrase takes a core for a while.
        let sealed =
            tokio::task::spawn_blocking(move || provider.seal(&next).map(|text| (text, next)));
        let (text, next) = sealed.await.map_err(|_| Failure::new("Sealing the key failed."))??;
        self.folder.write(NEXT_MASTER_KEY, text.as_bytes(), Readers::Owner)?;
        Ok(masters.follow_with(next, &text))
    }

    /// Takes the next key as the folder has it: anew, another one, or none any more. Only while the
    /// database isn't wrapped by the one that is known.
    async fn take_next(&self) -> Result<(), Failure> {
        let masters = self.app.keyring.masters();
        let text = self.folder.read_text(NEXT_MASTER_KEY)?;
        let known = masters.next().map(|next| next.file);
        if known.as_deref() == text.as_ref().map(|text| text.as_str()) {
            return Ok(());
        }
        masters.forget_next();
        let Some(text) = text else { return Ok(()) };
        let (folder, provider) = (self.folder.clone(), self.provider.clone());
        let opened = tokio::task::spawn_blocking(move || {
            secrets::open_text(&folder, &provider, (NEXT_MASTER_KEY, &text)).map(|key| (key, text))
        });
        let (next, text) =
            opened.await.map_err(|_| Failure::new("Opening the next key failed."))??;
        if next.is(&masters.current()) {
            // Copied here once more than needed, or its place was taken a moment before a crash.
            return self.folder.remove(NEXT_MASTER_KEY);
        }
        secrets::expect_kind(&masters.current(), &next)?;
        masters.follow_with(next, &text);
        tracing::info!("The next master key is known");
        Ok(())
    }
}

/// Starts to look whether another node has replaced the key, until the server stops.
pub(crate) fn start(desk: &Desk) {
    let desk = desk.clone();
    let tasks = desk.app.tasks.clone();
    let stopping = tasks.stopping();
    drop(tasks.run(async move {
        let mut known = true;
        loop {
            let pause = match desk.look_in_turn().await {
                Ok(stand) => {
                    if known && stand == Stand::Unknown {
                        tracing::error!(
                            "The keys of the database are wrapped by a master key that this node \
                             doesn't have: copy it from the node where it was rotated"
                        );
                    }
                    known = stand != Stand::Unknown;
                    PAUSE
                }
                Err(error) => {
                    tracing::warn!(worker = "master-key", %error, "A worker's step failed");
                    PAUSE_AFTER_FAILURE
                }
            };
            if stopping.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }));
}
