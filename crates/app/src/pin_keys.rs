//! The keys that processors encrypt PIN blocks under: taken from the processor in components, or
//! made here for a sandbox.

use crate::audit::Operator;
use crate::refusals::Refusal;
use crate::{App, Error};
use crypto::pin::PinKey;
use domain::ids::{PartnerId, ProcessorId};
use serde_json::{Value, json};
use store::db::Tx;
use store::instance;
use store::pin_keys::{self, SealedPinKey};

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// Blocks of formats 0 and 1.
    TripleDes,
    /// Blocks of format 4.
    Aes,
}

impl Cipher {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TripleDes => "TDES",
            Self::Aes => "AES",
        }
    }

    /// The one of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::TripleDes, Self::Aes].into_iter().find(|cipher| cipher.as_str() == word)
    }

    fn key(self, bytes: &[u8]) -> Result<PinKey, crypto::pin::InvalidPinKey> {
        match self {
            Self::TripleDes => PinKey::triple_des(bytes),
            Self::Aes => PinKey::aes(bytes),
        }
    }
}

impl App {
    /// Takes a key that a processor shares. The same key again is taken again; another one of its
    /// name isn't, since messages under the old one would be lost: it gets a name of its own.
    pub async fn import_pin_key(
        &self,
        operator: &Operator,
        (processor, key_id): (ProcessorId, &str),
        cipher: Cipher,
        bytes: &[u8],
    ) -> Result<Value, Error> {
        let key = cipher.key(bytes).map_err(|_| Refusal::PinKeyInvalid)?;
        if !is_key_id(key_id) {
            return Err(Refusal::PinKeyInvalid.into());
        }
        let name = row(processor, key_id);
        let row = SealedPinKey {
            processor,
            key_id: key_id.to_owned(),
            cipher: cipher.as_str().to_owned(),
            sealed: self.keyring.seal_platform(&name, key.expose()),
            check_value: key.check_value(),
        };
        let mut tx = self.db.begin().await?;
        let imported = self.insert_pin_key(&mut tx, operator, &row).await;
        tx.end(imported).await?;
        self.refresh_settings().await?;
        Ok(pin_key_json(&row))
    }

    async fn insert_pin_key(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        row: &SealedPinKey,
    ) -> Result<(), Error> {
        instance::raise_settings_version(tx).await?;
        if pin_keys::insert(tx, row, self.now()).await? {
            let act = ("pin_key.import", row.key_id.as_str(), &pin_key_json(row));
            return self.record_act(tx, operator, PartnerId::PLATFORM, act).await;
        }
        let known = pin_keys::list(tx).await?.into_iter();
        let mut known = known.filter(|it| it.processor == row.processor && it.key_id == row.key_id);
        let known = known.next().ok_or(Error::broken("a PIN key that exists can't be read"))?;
        let same = self.opened_pin_key(&known)?.expose() == self.opened_pin_key(row)?.expose();
        if same { Ok(()) } else { Err(Refusal::PinKeyAlreadyExists.into()) }
    }

    /// Forgets a key: messages under it aren't understood any more.
    pub async fn remove_pin_key(
        &self,
        operator: &Operator,
        processor: ProcessorId,
        key_id: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let removed = async {
            instance::raise_settings_version(&mut tx).await?;
            if !pin_keys::delete(&mut tx, processor, key_id).await? {
                return Err(Refusal::PinKeyNotFound.into());
            }
            let act = ("pin_key.remove", key_id, &Value::Null);
            self.record_act(&mut tx, operator, PartnerId::PLATFORM, act).await
        };
        let removed = removed.await;
        tx.end(removed).await?;
        self.refresh_settings().await
    }

    /// Every key of a processor, without the keys themselves.
    #[must_use]
    pub fn pin_keys(&self, processor: ProcessorId) -> Vec<Value> {
        let settings = self.settings.get();
        let of = |key: &&SealedPinKey| key.processor == processor;
        settings.pin_keys.iter().filter(of).map(pin_key_json).collect()
    }

    /// A processor's key of this name.
    pub(crate) fn pin_key(&self, processor: ProcessorId, key_id: &str) -> Result<PinKey, Error> {
        let settings = self.settings.get();
        let row = settings.pin_key(processor, key_id).ok_or(Refusal::PinKeyNotFound)?;
        self.opened_pin_key(row)
    }

    fn opened_pin_key(&self, key: &SealedPinKey) -> Result<PinKey, Error> {
        let bytes = self.keyring.open_platform(&row(key.processor, &key.key_id), &key.sealed)?;
        let cipher = Cipher::parse(&key.cipher).ok_or(Error::broken("a PIN key has no cipher"))?;
        cipher.key(&bytes).map_err(|_| Error::broken("a PIN key has another form"))
    }
}

fn row(processor: ProcessorId, key_id: &str) -> String {
    format!("pin_key/{}/{key_id}", processor.0)
}

/// Whether a text may name a key.
fn is_key_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

fn pin_key_json(key: &SealedPinKey) -> Value {
    json!({ "keyId": key.key_id, "cipher": key.cipher, "checkValue": key.check_value })
}
