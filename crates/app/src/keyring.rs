//! The keys, as they are needed: partner keys unwrapped once, keys of BINs opened once.

use crate::{App, Error};
use crypto::cvc::CardVerificationKey;
use crypto::keys::{MasterKeys, PartnerKey, PlatformKey, Purpose};
use crypto::mac::MacKey;
use crypto::permutation::Permutation;
use crypto::pin::PinVerificationKey;
use crypto::seal::Place;
use crypto::tdes::TripleDesKey;
use domain::Timestamp;
use domain::ids::PartnerId;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, RwLock};
use store::db::{Db, Tx};
use store::jwe_keys::JweKey;

/// The index of a BIN's first key for PINs: 1 to 6 are for issuers (Visa's algorithm).
pub(crate) const FIRST_PIN_INDEX: u8 = 1;

/// The epoch of derived keys. Replacing the master key leaves it, and them, as they are.
pub(crate) const EPOCH: u32 = 0;

/// The master keys, and what was opened with them.
pub struct Keyring {
    masters: MasterKeys,
    platform: PlatformKey,
    /// Derived at the start: it is used in transactions, which wait for no key provider.
    audit: MacKey,
    /// What chains audit records.
    chain: MacKey,
    partners: Cache<PartnerId, PartnerKey>,
    verification: Cache<(PartnerId, String, i64), CardVerificationKey>,
    pins: Cache<(PartnerId, String, u8), PinVerificationKey>,
    permutations: Cache<(PartnerId, String), Permutation>,
}

/// Values that never change once they are known.
struct Cache<K, V>(RwLock<HashMap<K, Arc<V>>>);

impl<K: Eq + Hash, V> Cache<K, V> {
    fn new() -> Self {
        Self(RwLock::new(HashMap::new()))
    }

    fn get(&self, key: &K) -> Option<Arc<V>> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: K, value: V) -> Arc<V> {
        let mut values = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        values.entry(key).or_insert_with(|| Arc::new(value)).clone()
    }
}

impl Keyring {
    /// A keyring that has opened nothing yet but the platform's key.
    #[must_use]
    pub fn new(masters: MasterKeys, platform: PlatformKey) -> Self {
        Self {
            audit: platform.mac(Purpose::Audit, EPOCH),
            chain: platform.mac(Purpose::AuditChain, EPOCH),
            masters,
            platform,
            partners: Cache::new(),
            verification: Cache::new(),
            pins: Cache::new(),
            permutations: Cache::new(),
        }
    }

    /// The keyring of a database, by the master keys that its node has; `None` where none of them
    /// is the database's. A database that nobody has used yet gets a key of the platform; in one of
    /// a former release the master key itself was that, and stays it.
    pub async fn open(db: &Db, masters: MasterKeys, now: Timestamp) -> Result<Option<Self>, Error> {
        let wrapped = match wrapped_platform_key(db).await? {
            Some(wrapped) => wrapped,
            None => {
                let mut tx = db.begin().await?;
                let made = make_platform_key(&mut tx, &masters, now).await;
                if !tx.end(made).await? {
                    return Ok(None);
                }
                wrapped_platform_key(db).await?.ok_or(Error::broken("the key was made"))?
            }
        };
        let platform = masters.unwrap_platform(&wrapped);
        Ok(platform.ok().map(|(_, platform)| Self::new(masters, platform)))
    }

    /// The master keys that this node has.
    #[must_use]
    pub fn masters(&self) -> &MasterKeys {
        &self.masters
    }

    /// The keyed digest of a request: all of its content, secrets included. The key is derived,
    /// the same on every node, and never written down.
    #[must_use]
    pub fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.platform.mac(Purpose::Fingerprint, EPOCH).sign(parts)
    }

    /// What chains audit records: a key that the database doesn't hold.
    pub(crate) fn audit_chain(&self) -> &MacKey {
        &self.chain
    }

    /// The keyed digest of a personal value in an audit record, in hexadecimal.
    #[must_use]
    pub(crate) fn personal_digest(&self, parts: &[&[u8]]) -> String {
        let digest = self.audit.sign(parts);
        // Half of it tells any two values apart, and makes records shorter.
        digest[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Seals a secret of the platform itself for a row, such as the key that requests are
    /// encrypted for.
    #[must_use]
    pub(crate) fn seal_platform(&self, row: &str, secret: &[u8]) -> Vec<u8> {
        self.platform.seal(row, secret)
    }

    /// Opens what [`Keyring::seal_platform`] sealed.
    pub(crate) fn open_platform(
        &self,
        row: &str,
        sealed: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
        Ok(self.platform.open(row, sealed)?)
    }
}

async fn wrapped_platform_key(db: &Db) -> Result<Option<Vec<u8>>, Error> {
    let mut tx = db.read().await?;
    let wrapped = store::keys::find_data_key(&mut tx, PartnerId::PLATFORM).await;
    Ok(tx.end(wrapped).await?)
}

/// Makes the platform's key where there is none; of two nodes that do so at once the second finds
/// that of the first. `false` if the keys of partners are another master key's.
async fn make_platform_key(
    tx: &mut Tx,
    masters: &MasterKeys,
    now: Timestamp,
) -> Result<bool, Error> {
    let current = masters.current();
    let platform = if store::keys::is_unused(tx).await? {
        PlatformKey::generate(current.kind())
    } else {
        let platform = current.as_platform();
        let keys = store::keys::data_keys(tx).await?;
        let jwe = store::jwe_keys::list(tx).await?;
        let unwraps = keys.iter().all(|key| current.unwrap(key.partner, &key.wrapped).is_ok());
        let opens = |key: &JweKey| platform.open(&crate::jwe::row(&key.kid), &key.sealed).is_ok();
        if !unwraps || !jwe.iter().all(opens) {
            return Ok(false);
        }
        platform
    };
    let wrapped = current.wrap_platform(&platform);
    store::keys::insert_platform_key(tx, &wrapped, now).await?;
    Ok(true)
}

impl App {
    /// A partner's key.
    pub(crate) async fn partner_key(&self, partner: PartnerId) -> Result<Arc<PartnerKey>, Error> {
        if let Some(key) = self.keyring.partners.get(&partner) {
            return Ok(key);
        }
        let mut tx = self.db.read().await?;
        let wrapped = store::keys::find_data_key(&mut tx, partner).await;
        let wrapped = tx.end(wrapped).await?.ok_or(Error::broken("a partner has no key"))?;
        let key = self.keyring.masters.unwrap(partner, &wrapped)?;
        Ok(self.keyring.partners.put(partner, key))
    }

    /// The key that makes the codes of a BIN's cards, of a generation. The first is made with the
    /// BIN, a further one when the first card of the BIN comes to it.
    pub(crate) async fn verification_key(
        &self,
        partner: PartnerId,
        bin: &str,
        generation: i64,
    ) -> Result<Arc<CardVerificationKey>, Error> {
        let name = (partner, bin.to_owned(), generation);
        if let Some(key) = self.keyring.verification.get(&name) {
            return Ok(key);
        }
        if generation > 0 {
            self.prepare_card_key(partner, (bin, "cvc", generation)).await?;
        }
        let bytes = self.card_key(partner, bin, "cvc", generation).await?;
        let key = TripleDesKey::from_bytes(&bytes)
            .map_err(|_| Error::broken("a card verification key has another form"))?;
        Ok(self.keyring.verification.put(name, CardVerificationKey(key)))
    }

    /// The key that makes the verification values of a BIN's PINs, of an index. A BIN's first is
    /// made when it is first needed.
    pub(crate) async fn pin_verification_key(
        &self,
        partner: PartnerId,
        bin: &str,
        index: u8,
    ) -> Result<Arc<PinVerificationKey>, Error> {
        let name = (partner, bin.to_owned(), index);
        if let Some(key) = self.keyring.pins.get(&name) {
            return Ok(key);
        }
        if index == FIRST_PIN_INDEX {
            self.prepare_card_key(partner, (bin, "pvk", index.into())).await?;
        }
        let bytes = self.card_key(partner, bin, "pvk", index.into()).await?;
        let key = TripleDesKey::from_bytes(&bytes)
            .map_err(|_| Error::broken("a PIN verification key has another form"))?;
        Ok(self.keyring.pins.put(name, PinVerificationKey(key)))
    }

    /// Makes a key of a BIN where there is none; of two nodes that need it at once the second
    /// finds that of the first.
    async fn prepare_card_key(
        &self,
        partner: PartnerId,
        name: (&str, &str, i64),
    ) -> Result<(), Error> {
        let (bin, purpose, generation) = name;
        let sealing = self.partner_key(partner).await?.sealing(Purpose::CardKey, EPOCH);
        let place = row(bin, purpose, generation);
        let key = TripleDesKey::generate();
        let sealed = sealing.seal(&card_key_place(partner, &place), key.expose());
        let mut tx = self.db.begin().await?;
        let made = store::keys::insert_card_key(&mut tx, partner, name, &sealed, self.now()).await;
        tx.end(made).await?;
        Ok(())
    }

    /// The permutation that spreads a BIN's card numbers over `size` places.
    pub(crate) async fn permutation(
        &self,
        partner: PartnerId,
        bin: &str,
        size: u64,
    ) -> Result<Arc<Permutation>, Error> {
        let name = (partner, bin.to_owned());
        if let Some(permutation) = self.keyring.permutations.get(&name) {
            return Ok(permutation);
        }
        let bytes = self.card_key(partner, bin, "permutation", 0).await?;
        let key: [u8; 32] =
            bytes.as_slice().try_into().map_err(|_| Error::broken("this key has 32 bytes"))?;
        Ok(self.keyring.permutations.put(name, Permutation::new(&key, size)))
    }

    async fn card_key(
        &self,
        partner: PartnerId,
        bin: &str,
        purpose: &str,
        generation: i64,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
        let mut tx = self.db.read().await?;
        let sealed = store::keys::find_card_key(&mut tx, partner, bin, purpose, generation).await;
        let sealed = tx.end(sealed).await?.ok_or(Error::broken("a BIN has no such key"))?;
        let key = self.partner_key(partner).await?.sealing(Purpose::CardKey, EPOCH);
        Ok(key.open(&card_key_place(partner, &row(bin, purpose, generation)), &sealed)?)
    }

    /// Makes and keeps a new partner's key. The caller has raised the version of the settings: a
    /// rotation does so too, so none comes between what is read here and what is written.
    pub(crate) async fn create_partner_key(
        &self,
        tx: &mut Tx,
        partner: PartnerId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let platform = store::keys::find_data_key(tx, PartnerId::PLATFORM).await?;
        let platform = platform.ok_or(Error::broken("the platform has no key"))?;
        let master = self.keyring.masters.unwrap_platform(&platform);
        let (master, _) = master.map_err(|_| {
            Error::broken("this node doesn't have the master key that wraps the database's keys")
        })?;
        let wrapped = master.wrap(partner, &PartnerKey::generate());
        Ok(store::keys::insert_data_key(tx, partner, &wrapped, now).await?)
    }

    /// Makes and keeps the keys of a partner's new BIN.
    pub(crate) async fn create_card_keys(
        &self,
        tx: &mut Tx,
        partner: PartnerId,
        bin: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let sealing = self.partner_key(partner).await?.sealing(Purpose::CardKey, EPOCH);
        let permutation: [u8; 32] = crypto::random::bytes();
        let verification = TripleDesKey::generate();
        for (purpose, key) in
            [("permutation", permutation.as_slice()), ("cvc", verification.expose().as_slice())]
        {
            let row = row(bin, purpose, 0);
            let sealed = sealing.seal(&card_key_place(partner, &row), key);
            store::keys::insert_card_key(tx, partner, (bin, purpose, 0), &sealed, now).await?;
        }
        Ok(())
    }
}

fn row(bin: &str, purpose: &str, generation: i64) -> String {
    format!("{bin}/{purpose}/{generation}")
}

fn card_key_place(partner: PartnerId, row: &str) -> Place<'_> {
    Place { table: "card_key", column: "sealed", partner, row }
}
