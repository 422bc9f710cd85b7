//! Who makes plastic: a bureau's folder, its key, and how its server is logged in to.

use crate::audit::Operator;
use crate::error::Chain;
use crate::refusals::Refusal;
use crate::{App, Error};
use crypto::jwe::PublicKey;
use crypto::ssh::SshKey;
use domain::ids::PartnerId;
use outbound::bureau::Place;
use outbound::bureau::sftp::{Address, HostKeys, Login};
use serde_json::{Value, json};
use std::sync::Arc;
use store::bureaus::{self, Bureau};

/// A bureau to be, or what becomes of one.
#[derive(Clone, Debug)]
pub struct SetBureau {
    /// Its name: 1 to 64 of a-z, 0-9 and the hyphen.
    pub name: String,
    /// The folder of batches and reports: a whole path, or `sftp://USER@HOST[:PORT]/PATH`.
    pub folder: String,
    /// The RSA key that numbers and PINs are encrypted for, in PEM.
    pub public_key: String,
    /// The host keys of its SFTP server, a line each.
    pub host_keys: Option<String>,
    /// Whether to log in with a new key of ours from now on.
    pub new_key: bool,
}

/// A bureau with its key opened.
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) key: PublicKey,
    folder: String,
}

impl App {
    /// Creates a bureau, or changes the one of its name. What is missing of a folder is made; a
    /// server isn't connected to, since it doesn't know our key yet: the answer tells it.
    pub async fn set_bureau(&self, operator: &Operator, set: SetBureau) -> Result<Value, Error> {
        let SetBureau { name, folder, public_key, host_keys, new_key } = set;
        if !is_name(&name) {
            return Err(Refusal::BureauInvalid.into());
        }
        let server = folder.starts_with("sftp://");
        if !(server || folder.starts_with('/')) || server != host_keys.is_some() {
            return Err(Refusal::BureauFolderInvalid.into());
        }
        let ssh_key = match server {
            true => Some(self.ssh_key_of(&name, new_key).await?),
            false => None,
        };
        let bureau = Bureau { name, folder, public_key, host_keys, ssh_key };
        let opened = self.open_bureau(&bureau)?;
        if !server {
            prepare(&opened).await?;
        }
        let told = opened.json();
        let mut tx = self.db.begin().await?;
        let set = async {
            bureaus::set(&mut tx, &bureau, self.now()).await?;
            let act = ("bureau.set", bureau.name.as_str(), &told);
            self.record_act(&mut tx, operator, PartnerId::PLATFORM, act).await
        };
        let set = set.await;
        tx.end(set).await?;
        Ok(told)
    }

    /// The key that we log in with, sealed: the one that is there, unless there shall be a new one.
    async fn ssh_key_of(&self, bureau: &str, new: bool) -> Result<Vec<u8>, Error> {
        let held = self.all_bureaus().await?.into_iter().find(|it| it.name == bureau);
        Ok(match held.and_then(|it| it.ssh_key).filter(|_| !new) {
            Some(sealed) => sealed,
            None => self.keyring.seal_platform(&row(bureau), SshKey::generate().seed()),
        })
    }

    /// Every bureau, with the thumbprint of its key (RFC 7638); one that can't be used with why.
    pub async fn bureaus(&self) -> Result<Vec<Value>, Error> {
        let told = |bureau: &Bureau| match self.open_bureau(bureau) {
            Ok(opened) => opened.json(),
            Err(error) => {
                let Bureau { name, folder, .. } = bureau;
                json!({ "name": name, "folder": folder, "error": Chain(&error).to_string() })
            }
        };
        Ok(self.all_bureaus().await?.iter().map(told).collect())
    }

    /// The name of every bureau.
    pub async fn bureau_names(&self) -> Result<Vec<String>, Error> {
        Ok(self.all_bureaus().await?.into_iter().map(|it| it.name).collect())
    }

    /// Makes what is missing of a bureau's folder: whoever can do that can lay batches there.
    pub async fn check_bureau(&self, name: &str) -> Result<Value, Error> {
        let opened = self.open_bureau(&self.bureau(name).await?)?;
        prepare(&opened).await?;
        Ok(opened.json())
    }

    /// The bureau of a name.
    pub async fn bureau(&self, name: &str) -> Result<Bureau, Error> {
        let all = self.all_bureaus().await?;
        Ok(all.into_iter().find(|it| it.name == name).ok_or(Refusal::BureauNotFound)?)
    }

    pub(super) async fn all_bureaus(&self) -> Result<Vec<Bureau>, Error> {
        let mut tx = self.db.read().await?;
        let all = bureaus::list(&mut tx).await;
        Ok(tx.end(all).await?)
    }

    pub(super) fn open_bureau(&self, bureau: &Bureau) -> Result<Opened, Error> {
        let key = PublicKey::from_pem(&bureau.public_key).map_err(|_| Refusal::BureauInvalid)?;
        let place = match &bureau.host_keys {
            None => Place::Folder(bureau.folder.clone()),
            Some(host_keys) => Place::Sftp(self.login(bureau, host_keys)?),
        };
        let (name, folder) = (bureau.name.clone(), bureau.folder.clone());
        Ok(Opened { name, place, key, folder })
    }

    fn login(&self, bureau: &Bureau, host_keys: &str) -> Result<Login, Error> {
        let reach = self.outbox.reach();
        let address = Address::parse(&bureau.folder, reach);
        let address = address.map_err(|_| Refusal::BureauFolderInvalid)?;
        let host_keys = HostKeys::parse(host_keys).map_err(|_| Refusal::BureauFolderInvalid)?;
        let sealed = bureau.ssh_key.as_deref().ok_or(Error::broken("a server has no key"))?;
        let seed = self.keyring.open_platform(&row(&bureau.name), sealed)?;
        let key = SshKey::from_seed(&seed).map_err(|_| Error::broken("it isn't an SSH key"))?;
        Ok(Login { address, host_keys, key: Arc::new(key), reach })
    }
}

impl Opened {
    /// As it is told: what a server shows and what we show there too.
    fn json(&self) -> Value {
        let Self { name, place, key, folder } = self;
        let mut told = json!({ "name": name, "folder": folder, "keyId": key.thumbprint() });
        if let Place::Sftp(login) = place {
            told["hostKeys"] = login.host_keys.text().lines().collect();
            told["sshKey"] = format!("{} antaca-{name}", login.key.public_line()).into();
        }
        told
    }
}

async fn prepare(bureau: &Opened) -> Result<(), Error> {
    let prepared = async { bureau.place.open().await?.prepare().await }.await;
    prepared.map_err(|error| Error::Unavailable("the bureau's folder", Some(Box::new(error))))
}

/// The place of our key for a bureau's server.
fn row(bureau: &str) -> String {
    format!("bureau/{bureau}")
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}
