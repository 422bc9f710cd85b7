//! The master keys that a node knows at a time: that of its folder, and while one is replaced also
//! the next.

use super::{MasterKey, PartnerKey, PlatformKey};
use crate::seal::OpenError;
use domain::ids::PartnerId;
use std::sync::{Arc, PoisonError, RwLock};
use zeroize::Zeroizing;

/// One master key, or two while one follows the other. Which of them wraps is told by what is
/// wrapped: opening tries both.
#[derive(Debug)]
pub struct MasterKeys(RwLock<Vec<Arc<MasterKey>>>);

impl MasterKeys {
    /// The folder's key, and the one that is to follow it.
    #[must_use]
    pub fn new(current: MasterKey, next: Option<MasterKey>) -> Self {
        Self(RwLock::new([current].into_iter().chain(next).map(Arc::new).collect()))
    }

    /// The folder's key.
    #[must_use]
    pub fn current(&self) -> Arc<MasterKey> {
        self.all().swap_remove(0)
    }

    /// The key that is to follow it.
    #[must_use]
    pub fn next(&self) -> Option<Arc<MasterKey>> {
        self.all().into_iter().nth(1)
    }

    /// Takes the key that is to follow; one that was to before is forgotten.
    pub fn follow_with(&self, next: MasterKey) -> Arc<MasterKey> {
        let next = Arc::new(next);
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.truncate(1);
        keys.push(next.clone());
        next
    }

    /// Forgets the key that was followed, if one has followed it.
    pub fn forget_former(&self) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() > 1 {
            keys.remove(0);
        }
    }

    /// Opens a partner's key.
    pub fn unwrap(&self, partner: PartnerId, wrapped: &[u8]) -> Result<PartnerKey, OpenError> {
        self.opened(|key| key.unwrap(partner, wrapped)).map(|(_, opened)| opened)
    }

    /// Opens the platform's key; also tells which master key wraps.
    pub fn unwrap_platform(
        &self,
        wrapped: &[u8],
    ) -> Result<(Arc<MasterKey>, PlatformKey), OpenError> {
        self.opened(|key| key.unwrap_platform(wrapped))
    }

    /// Opens a secret that lies in a file of the data folder.
    pub fn open_file(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        self.opened(|key| key.open_file(name, sealed)).map(|(_, opened)| opened)
    }

    fn opened<T>(
        &self,
        open: impl Fn(&MasterKey) -> Result<T, OpenError>,
    ) -> Result<(Arc<MasterKey>, T), OpenError> {
        let mut keys = self.all().into_iter();
        keys.find_map(|key| open(&key).ok().map(|opened| (key, opened))).ok_or(OpenError)
    }

    fn all(&self) -> Vec<Arc<MasterKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
