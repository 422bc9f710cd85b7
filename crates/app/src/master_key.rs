//! The master key replaced: the keys that it wraps are wrapped by another one, in one commit. What
//! they have sealed and digested stays as it is, so nobody notices.

use crate::audit::Operator;
use crate::{App, Error};
use crypto::keys::MasterKey;
use domain::ids::PartnerId;
use serde_json::json;
use std::sync::Arc;
use store::db::Tx;
use store::{instance, keys};

/// What audit records call the key.
const NAME: &str = "master-key";

impl App {
    /// Wraps the platform's key and every partner's by this master key, which this node has to know
    /// already, as any other node has that shall open a key from then on. Answers how many keys
    /// there are.
    pub async fn rewrap_keys(&self, operator: &Operator, next: &MasterKey) -> Result<usize, Error> {
        let mut tx = self.db.begin().await?;
        let rewrapped = self.rewrap_keys_in(&mut tx, operator, next).await;
        tx.end(rewrapped).await
    }

    async fn rewrap_keys_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        next: &MasterKey,
    ) -> Result<usize, Error> {
        // First, since it locks: a partner that is being created has its key before this goes on,
        // and the next one reads what this has written.
        instance::raise_settings_version(tx).await?;
        let masters = self.keyring.masters();
        let mut held = keys::data_keys(tx).await?;
        for key in &mut held {
            key.wrapped = match key.partner {
                PartnerId::PLATFORM => {
                    next.wrap_platform(&masters.unwrap_platform(&key.wrapped)?.1)
                }
                partner => next.wrap(partner, &masters.unwrap(partner, &key.wrapped)?),
            };
            if !keys::rewrap(tx, key).await? {
                return Err(Error::broken("a wrapped key went away"));
            }
        }
        let after = json!({ "keys": held.len() });
        self.record_act(tx, operator, PartnerId::PLATFORM, ("master_key.rotate", NAME, &after))
            .await?;
        Ok(held.len())
    }

    /// The master key that wraps the keys of the database; `None` if this node doesn't know it.
    pub async fn wrapping_master_key(&self) -> Result<Option<Arc<MasterKey>>, Error> {
        let mut tx = self.db.read().await?;
        let wrapped = keys::find_data_key(&mut tx, PartnerId::PLATFORM).await;
        let wrapped = tx.end(wrapped).await?.ok_or(Error::broken("the platform has no key"))?;
        Ok(self.keyring.masters().unwrap_platform(&wrapped).ok().map(|(master, _)| master))
    }
}
