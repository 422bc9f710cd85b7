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
pub struct MasterKeys(RwLock<Keys>);

#[derive(Clone, Debug)]
struct Keys {
    current: Arc<MasterKey>,
    next: Option<Next>,
}

/// The master key that is to follow the current one.
#[derive(Clone, Debug)]
pub struct Next {
    /// The key.
    pub key: Arc<MasterKey>,
    /// The text of the file that opens to it.
    pub file: Arc<str>,
}

impl MasterKeys {
    /// The folder's key, and the one that is to follow it, with the text of its file.
    #[must_use]
    pub fn new(current: MasterKey, next: Option<(MasterKey, &str)>) -> Self {
        let next = next.map(|(key, file)| Next { key: Arc::new(key), file: file.into() });
        Self(RwLock::new(Keys { current: Arc::new(current), next }))
    }

    /// The folder's key.
    #[must_use]
    pub fn current(&self) -> Arc<MasterKey> {
        self.all().current
    }

    /// The key that is to follow it.
    #[must_use]
    pub fn next(&self) -> Option<Next> {
        self.all().next
    }

    /// Takes the key that is to follow, in place of another that was to.
    pub fn follow_with(&self, key: MasterKey, file: &str) -> Next {
        let next = Next { key: Arc::new(key), file: file.into() };
        self.change(|keys| keys.next = Some(next.clone()));
        next
    }

    /// None is to follow any more.
    pub fn forget_next(&self) {
        self.change(|keys| keys.next = None);
    }

    /// The next key is the folder's from now on.
    pub fn promote_next(&self) {
        self.change(|keys| {
            if let Some(next) = keys.next.take() {
                keys.current = next.key;
            }
        });
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
        let Keys { current, next } = self.all();
        let mut keys = std::iter::once(current).chain(next.map(|next| next.key));
        keys.find_map(|key| open(&key).ok().map(|opened| (key, opened))).ok_or(OpenError)
    }

    fn all(&self) -> Keys {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Keys)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}
