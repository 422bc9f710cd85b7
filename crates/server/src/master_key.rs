//! The master key replaced, while a server runs or without one.
//!
//! The next key lies in the folder beside the current one before anything is wrapped by it, so
//! whatever happens in between, the folder opens what the database holds. Then the keys in the
//! database are wrapped by it in one commit; then what lies sealed in the folder is sealed by it;
//! then its file takes the current one's name. A start, or the next look of a running node, does
//! what is left of that.

use crate::acts::Desk;
use crate::failure::Failure;
use crate::folder::Readers;
use crate::secrets::{self, MASTER_KEY, NEXT_MASTER_KEY};
use app::audit::Operator;
use clap::Args;
use crypto::keys::MasterKey;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::sleep;
use zeroize::Zeroizing;

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

impl Desk {
    /// `keys rotate`
    pub(crate) async fn rotate_master_key(
        &self,
        operator: &Operator,
        command: &RotateMasterKey,
    ) -> Result<Value, Failure> {
        let _turn = TURN.lock().await;
        // What another node has done, or a command that was interrupted, comes first.
        self.take_next().await?;
        self.settle().await?;
        let next = match self.app.keyring.masters().next() {
            Some(next) => next,
            None => self.make_next().await?,
        };
        if command.prepare {
            let path = self.folder.path(NEXT_MASTER_KEY);
            return Ok(json!({ "prepared": path.display().to_string() }));
        }
        let rewrapped = self.app.rewrap_keys(operator, &next).await?;
        self.settle().await?;
        Ok(json!({ "rewrapped": rewrapped }))
    }

    /// Goes on where the key was replaced and the folder doesn't have it as the current one yet.
    pub(crate) async fn settle_master_key(&self) -> Result<(), Failure> {
        let _turn = TURN.lock().await;
        self.settle().await.map(|_| ())
    }

    /// Makes the next key the folder's, if it is what wraps the keys of the database. Tells whether
    /// this node knows the key that does.
    async fn settle(&self) -> Result<bool, Failure> {
        let Some(wrapping) = self.app.wrapping_master_key().await? else { return Ok(false) };
        let masters = self.app.keyring.masters();
        let Some(next) = masters.next().filter(|next| Arc::ptr_eq(next, &wrapping)) else {
            return Ok(true);
        };
        secrets::reseal(&self.folder, masters, &next)?;
        self.folder.rename(NEXT_MASTER_KEY, MASTER_KEY)?;
        masters.forget_former();
        tracing::info!("The master key was replaced");
        Ok(true)
    }

    async fn make_next(&self) -> Result<Arc<MasterKey>, Failure> {
        let masters = self.app.keyring.masters();
        let next = MasterKey::generate(masters.current().kind());
        let provider = self.provider.clone();
        // Stretching a passphrase takes a core for a while.
        let sealed = tokio::task::spawn_blocking(move || {
            provider.seal(&next).map(|text| (Zeroizing::new(text), next))
        });
        let (text, next) = sealed.await.map_err(|_| Failure::new("Sealing the key failed."))??;
        self.folder.write(NEXT_MASTER_KEY, text.as_bytes(), Readers::Owner)?;
        Ok(masters.follow_with(next))
    }

    /// Takes the next key from the folder, unless it is known.
    async fn take_next(&self) -> Result<(), Failure> {
        let masters = self.app.keyring.masters();
        if masters.next().is_some() || !self.folder.path(NEXT_MASTER_KEY).exists() {
            return Ok(());
        }
        let (folder, provider) = (self.folder.clone(), self.provider.clone());
        let opened = tokio::task::spawn_blocking(move || {
            secrets::open_master_key(&folder, &provider, NEXT_MASTER_KEY)
        });
        let opened = opened.await.map_err(|_| Failure::new("Opening the next key failed."))??;
        let Some(next) = opened else { return Ok(()) };
        if next.is(&masters.current()) {
            // Copied here once more than needed.
            return self.folder.remove(NEXT_MASTER_KEY);
        }
        masters.follow_with(next);
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
            let pause = match look(&desk).await {
                Ok(knows) => {
                    if known && !knows {
                        tracing::error!(
                            "The keys of the database are wrapped by a master key that this node \
                             doesn't have: copy it from the node where it was rotated"
                        );
                    }
                    known = knows;
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

async fn look(desk: &Desk) -> Result<bool, Failure> {
    let _turn = TURN.lock().await;
    desk.take_next().await?;
    desk.settle().await
}
