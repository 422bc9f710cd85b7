//! An operator's commands about the keys that processors encrypt PIN blocks under.

use super::{Desk, word};
use crate::failure::Failure;
use app::Refusal;
use app::audit::Operator;
use app::pin_keys::Cipher;
use clap::Args;
use domain::ids::ProcessorId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use zeroize::Zeroizing;

/// A key that a processor shares, put together.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImportPinKey {
    /// The processor's name.
    pub(crate) processor: String,
    /// The key's name, as messages tell it.
    pub(crate) id: String,
    /// `TDES` or `AES`.
    pub(crate) cipher: String,
    /// The key.
    pub(crate) key: Digits,
}

/// A key as hexadecimal digits; on its way through the control socket, whose other end is this
/// same program, it is in clear.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Digits(Zeroizing<String>);

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digits(…)")
    }
}

impl Digits {
    /// The digits of a key.
    pub(crate) fn of(key: &[u8]) -> Self {
        Self(Zeroizing::new(key.iter().map(|byte| format!("{byte:02X}")).collect()))
    }

    /// The bytes, if these are pairs of hexadecimal digits.
    pub(crate) fn bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        bytes(&self.0)
    }
}

/// The bytes of pairs of hexadecimal digits.
pub(crate) fn bytes(digits: &str) -> Option<Zeroizing<Vec<u8>>> {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
    pairs.collect::<Result<_, _>>().ok().map(Zeroizing::new)
}

/// Which of a processor's keys.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NamedPinKey {
    /// The processor's name
    #[arg(long)]
    pub(crate) processor: String,
    /// The key's name, as messages tell it
    #[arg(long)]
    pub(crate) id: String,
}

/// Whose keys to list.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListPinKeys {
    /// The processor's name
    #[arg(long)]
    pub(crate) processor: String,
}

impl Desk {
    pub(super) async fn import_pin_key(
        &self,
        operator: &Operator,
        command: ImportPinKey,
    ) -> Result<Value, Failure> {
        let cipher = word("--cipher", Cipher::parse, &command.cipher)?;
        let key = command.key.bytes().ok_or(app::Error::from(Refusal::PinKeyInvalid))?;
        let name = (self.processor(&command.processor).await?, command.id.as_str());
        Ok(self.app.import_pin_key(operator, name, cipher, &key).await?)
    }

    pub(super) async fn remove_pin_key(
        &self,
        operator: &Operator,
        command: &NamedPinKey,
    ) -> Result<Value, Failure> {
        let processor = self.processor(&command.processor).await?;
        self.app.remove_pin_key(operator, processor, &command.id).await?;
        Ok(json!({ "removed": command.id }))
    }

    pub(super) async fn list_pin_keys(&self, command: &ListPinKeys) -> Result<Value, Failure> {
        let processor = self.processor(&command.processor).await?;
        Ok(self.app.pin_keys(processor).into())
    }

    async fn processor(&self, name: &str) -> Result<ProcessorId, Failure> {
        self.app.refresh_settings().await?;
        let settings = self.app.settings.get();
        let processor = settings.processor_of_name(name);
        Ok(processor.ok_or(app::Error::from(Refusal::ProcessorNotFound))?.id)
    }
}
