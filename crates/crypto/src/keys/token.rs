//! The master key under a hardware module: PKCS#11, whose token wraps it by AES key wrap
//! (RFC 3394; PKCS#11 `CKM_AES_KEY_WRAP`). The wrapping key never leaves the token. The file holds
//! what the token alone can unwrap.
//!
//! The kind isn't covered by the wrapping; it goes into the derivation of every key, so a file
//! whose kind was changed opens nothing.

use super::{Key, MasterKey, Passphrase};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use serde::{Deserialize, Serialize};
use std::path::Path;
use thiserror::Error as ThisError;
use zeroize::{Zeroize as _, Zeroizing};

/// The version of a file of this kind; that of a file sealed by a passphrase is 1.
pub(super) const VERSION: u64 = 2;
/// Bytes of the wrapping key: AES-256.
const WRAPPING_LEN: usize = 32;

/// Where a token is, and which of its keys wraps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName<'a> {
    /// The module, a shared library.
    pub module: &'a Path,
    /// The token's label.
    pub token: &'a str,
    /// The wrapping key's label.
    pub key: &'a str,
}

/// A token that somebody has logged in to.
pub struct Token {
    session: Session,
    token: String,
    key: String,
}

secret_debug!(Token);

/// Why a token doesn't help.
#[derive(Debug, ThisError)]
pub enum TokenError {
    /// The module can't be loaded, or doesn't work.
    #[error("the PKCS#11 module can't be used: {0}")]
    Module(String),
    /// No slot has a token of this label.
    #[error("there is no token of this label")]
    NoToken,
    /// The token didn't take the PIN.
    #[error("the token refuses the PIN")]
    WrongPin,
    /// The token has no such key.
    #[error("the token has no AES key of this label")]
    NoKey,
    /// It has several keys of this label: which one wraps can't be told.
    #[error("the token has several AES keys of this label")]
    SeveralKeys,
    /// The file isn't one that this token's key has wrapped.
    #[error("the key file wasn't wrapped by this key of the token, or was altered")]
    NotWrapped,
    /// The text isn't such a file.
    #[error("the file isn't a master key file of a token")]
    NotAKeyFile,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    version: u64,
    kind: String,
    token: String,
    wrapped_by: String,
    key: String,
}

impl Token {
    /// Logs in to a token. The library is loaded for the process's life.
    pub fn open(name: &TokenName<'_>, pin: &Passphrase) -> Result<Self, TokenError> {
        let client = Pkcs11::new(name.module).map_err(module)?;
        match client.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // Somebody in this process has done so before.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(module(error)),
        }
        let slots = client.get_slots_with_token().map_err(module)?;
        let of_name =
            |slot: &_| client.get_token_info(*slot).is_ok_and(|info| info.label() == name.token);
        let slot = slots.into_iter().find(of_name).ok_or(TokenError::NoToken)?;
        let session = client.open_rw_session(slot).map_err(module)?;
        let pin = AuthPin::new(pin.0.as_str().into());
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(Error::Pkcs11(
                RvError::PinIncorrect | RvError::PinLenRange | RvError::PinLocked,
                _,
            )) => return Err(TokenError::WrongPin),
            Err(error) => return Err(module(error)),
        }
        Ok(Self { session, token: name.token.to_owned(), key: name.key.to_owned() })
    }

    /// Makes the wrapping key, unless the token has it: AES-256, which never leaves it.
    pub fn prepare(&self) -> Result<(), TokenError> {
        match self.wrapping() {
            Err(TokenError::NoKey) => {}
            other => return other.map(|_| ()),
        }
        let length = u64::try_from(WRAPPING_LEN).unwrap_or_default();
        let template = [
            Attribute::Label(self.key.as_bytes().to_vec()),
            Attribute::ValueLen(length.into()),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Wrap(true),
            Attribute::Unwrap(true),
            Attribute::Encrypt(false),
            Attribute::Decrypt(false),
        ];
        self.session.generate_key(&Mechanism::AesKeyGen, &template).map(|_| ()).map_err(module)
    }

    fn wrapping(&self) -> Result<ObjectHandle, TokenError> {
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Label(self.key.as_bytes().to_vec()),
        ];
        match self.session.find_objects(&template).map_err(module)?.as_slice() {
            [] => Err(TokenError::NoKey),
            [one] => Ok(*one),
            _ => Err(TokenError::SeveralKeys),
        }
    }

    /// A key of the session alone, so that it can be wrapped and read.
    fn template() -> Vec<Attribute> {
        vec![
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::GENERIC_SECRET),
            Attribute::Token(false),
            Attribute::Private(true),
            Attribute::Sensitive(false),
            Attribute::Extractable(true),
        ]
    }
}

impl MasterKey {
    /// Writes the key as the text of a file that this token opens.
    pub fn to_file_of(&self, token: &Token) -> Result<String, TokenError> {
        let wrapping = token.wrapping()?;
        let mut template = Token::template();
        template.push(Attribute::Value(self.key.to_vec()));
        let made = token.session.create_object(&template);
        if let Some(Attribute::Value(value)) = template.last_mut() {
            value.zeroize();
        }
        let made = made.map_err(module)?;
        let wrapped = token.session.wrap_key(&Mechanism::AesKeyWrap, wrapping, made);
        token.session.destroy_object(made).map_err(module)?;
        let file = File {
            version: VERSION,
            kind: self.kind.clone(),
            token: token.token.clone(),
            wrapped_by: token.key.clone(),
            key: STANDARD.encode(wrapped.map_err(module)?),
        };
        Ok(serde_json::to_string_pretty(&file).expect("text and numbers can be written") + "\n")
    }

    /// Reads the text of a file that [`Self::to_file_of`] made.
    pub fn from_file_of(text: &str, token: &Token) -> Result<Self, TokenError> {
        let file: File = serde_json::from_str(text).map_err(|_| TokenError::NotAKeyFile)?;
        if file.version != VERSION {
            return Err(TokenError::NotAKeyFile);
        }
        let wrapped = STANDARD.decode(&file.key).map_err(|_| TokenError::NotAKeyFile)?;
        let mechanism = Mechanism::AesKeyWrap;
        let template = Token::template();
        let wrapping = token.wrapping()?;
        let opened = token.session.unwrap_key(&mechanism, wrapping, &wrapped, &template);
        let opened = opened.map_err(|_| TokenError::NotWrapped)?;
        let values = token.session.get_attributes(opened, &[AttributeType::Value]);
        let value = values.map(|mut values| match values.pop() {
            Some(Attribute::Value(value)) => Some(Zeroizing::new(value)),
            Some(_) | None => None,
        });
        token.session.destroy_object(opened).map_err(module)?;
        let value = value.map_err(module)?.ok_or(TokenError::NotWrapped)?;
        let mut key = Key::default();
        if value.len() != key.len() {
            return Err(TokenError::NotWrapped);
        }
        key.copy_from_slice(&value);
        Ok(Self { kind: file.kind, key })
    }
}

/// What a module said of itself; it holds no secret.
fn module(error: Error) -> TokenError {
    TokenError::Module(error.to_string())
}
