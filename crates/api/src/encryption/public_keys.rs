//! The callers' public keys, read once: they come with each request and rarely change.

use crypto::jwe::{InvalidPublicKey, PublicKey, header_digest};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Keys of a generation; two are held, some kilobytes each.
const GENERATION_MAX: usize = 512;

/// Keys that were read, by the digest of their header. What can't be read is not kept.
#[derive(Debug, Default)]
pub(crate) struct PublicKeys(Mutex<Generations>);

/// When the newer ones are full they become the older ones, and those are forgotten: what is used
/// again and again stays.
#[derive(Debug, Default)]
struct Generations {
    newer: HashMap<[u8; 32], Arc<PublicKey>>,
    older: HashMap<[u8; 32], Arc<PublicKey>>,
}

impl PublicKeys {
    /// The key of a `Public-Key` header.
    pub(crate) fn read(&self, header: &str) -> Result<Arc<PublicKey>, InvalidPublicKey> {
        let digest = header_digest(header);
        if let Some(key) = self.lock().find(digest) {
            return Ok(key);
        }
        // Outside the lock: others needn't wait for it, and who reads the same key does it twice.
        let key = Arc::new(PublicKey::parse(header)?);
        self.lock().put(digest, key.clone());
        Ok(key)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn find(&mut self, digest: [u8; 32]) -> Option<Arc<PublicKey>> {
        if let Some(key) = self.newer.get(&digest) {
            return Some(key.clone());
        }
        let key = self.older.remove(&digest)?;
        self.put(digest, key.clone());
        Some(key)
    }

    fn put(&mut self, digest: [u8; 32], key: Arc<PublicKey>) {
        if self.newer.len() >= GENERATION_MAX {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(digest, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::jwe::PrivateKey;

    fn held(keys: &PublicKeys) -> usize {
        let generations = keys.lock();
        generations.newer.len() + generations.older.len()
    }

    #[test]
    fn a_key_is_read_once_as_long_as_it_is_used() {
        let keys = PublicKeys::default();
        let header = PrivateKey::generate().public_header();
        let first = keys.read(&header).expect("a good key");
        for number in 0..10 * GENERATION_MAX {
            // The keys of other callers.
            let digest = header_digest(&number.to_string());
            keys.lock().put(digest, first.clone());
            let again = keys.read(&header).expect("a good key");
            assert!(Arc::ptr_eq(&first, &again), "{number}");
            assert!(held(&keys) <= 2 * GENERATION_MAX);
        }
    }

    #[test]
    fn what_is_no_key_is_not_kept() {
        let keys = PublicKeys::default();
        for _ in 0..2 {
            assert_eq!(keys.read("%").err(), Some(InvalidPublicKey::NotBase64));
        }
        assert_eq!(held(&keys), 0);
    }
}
