//! The section `keys`: what seals the master key.

use super::{Failure, Form, Key, Value, Values, default, key};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Every key.
pub(super) const KEYS: &[Key] = &[
    key(
        "keys.passphrase_file",
        Form::Text,
        "",
        "file that holds the master key's passphrase, or the token's PIN",
    ),
    key(
        "keys.passphrase_fd",
        Form::Number,
        "",
        "file descriptor of the passphrase; 0 is the input",
    ),
    key(
        "keys.pkcs11_module",
        Form::Text,
        "",
        "a PKCS#11 library: its token wraps the master key, and the passphrase is the token's PIN",
    ),
    key("keys.pkcs11_token", Form::Text, "antaca", "the token's label"),
    key("keys.pkcs11_key", Form::Text, "antaca-master", "the label of the token's wrapping key"),
];

/// The variable with the passphrase itself, for who has no better place for it. No file and no
/// output has it.
pub(super) const PASSPHRASE: &str = "ANTACA_KEYS_PASSPHRASE";

/// Where the passphrase of the master key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PassphraseSource {
    /// A file; also systemd's credential.
    File(PathBuf),
    /// A file descriptor that this process was started with.
    Descriptor(u32),
    /// [`PASSPHRASE`].
    Environment,
}

/// A token that wraps the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenSettings {
    /// The PKCS#11 library.
    pub(crate) module: PathBuf,
    /// The token's label.
    pub(crate) token: String,
    /// The wrapping key's label.
    pub(crate) key: String,
}

impl PassphraseSource {
    /// Where it is configured to come from; else the environment has it, if `told`, or systemd's
    /// credential.
    pub(super) fn read(
        values: &Values,
        told: bool,
        credential: Option<PathBuf>,
    ) -> Result<Option<Self>, Failure> {
        let in_environment = told.then_some(Self::Environment);
        let configured = Self::configured(values)?;
        Ok(configured.or(in_environment).or(credential.map(Self::File)))
    }

    fn configured(values: &Values) -> Result<Option<Self>, Failure> {
        let file = values.text("keys.passphrase_file").map(PathBuf::from);
        let descriptor = values.0.get("keys.passphrase_fd").and_then(Value::as_integer);
        match (file, descriptor) {
            (Some(_), Some(_)) => {
                Err(Failure::new("Give keys.passphrase_file or keys.passphrase_fd, not both."))
            }
            (Some(file), None) => Ok(Some(Self::File(file))),
            (None, Some(number)) => u32::try_from(number)
                .map(|number| Some(Self::Descriptor(number)))
                .map_err(|_| Failure::new("The key keys.passphrase_fd must be 0 or more.")),
            (None, None) => Ok(None),
        }
    }
}

impl TokenSettings {
    /// The token, if there is a module.
    pub(super) fn read(values: &Values) -> Option<Self> {
        let module = values.text("keys.pkcs11_module").filter(|module| !module.is_empty())?;
        let of = |name| values.text(name).unwrap_or_else(|| default(name).to_owned());
        let (token, key) = (of("keys.pkcs11_token"), of("keys.pkcs11_key"));
        Some(Self { module: module.into(), token, key })
    }
}

/// The passphrase that the environment holds.
#[expect(clippy::disallowed_methods, reason = "configuration, read once")]
pub(crate) fn passphrase_of_environment() -> Option<Zeroizing<String>> {
    std::env::var(PASSPHRASE).ok().map(Zeroizing::new)
}

/// The lines of the section that say what is in force.
pub(super) fn shown(
    passphrase: Option<&PassphraseSource>,
    token: Option<&TokenSettings>,
) -> String {
    let text = |value: &str| Value::from(value).to_string();
    let mut lines = match passphrase {
        Some(PassphraseSource::File(path)) => {
            format!("passphrase_file = {}", text(&path.display().to_string()))
        }
        Some(PassphraseSource::Descriptor(number)) => format!("passphrase_fd = {number}"),
        Some(PassphraseSource::Environment) => format!("# the passphrase is in {PASSPHRASE}"),
        None => "# no passphrase".to_owned(),
    };
    if let Some(TokenSettings { module, token, key }) = token {
        let module = text(&module.display().to_string());
        let (token, key) = (text(token), text(key));
        lines.push_str(&format!(
            "\npkcs11_module = {module}\npkcs11_token = {token}\npkcs11_key = {key}"
        ));
    }
    lines
}
