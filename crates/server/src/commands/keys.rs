//! `antaca keys`

use super::{locate, pin_keys, show};
use crate::acts::Act;
use crate::cli::{At, KeysCommand, MoveKeyArgs};
use crate::config::TokenSettings;
use crate::control;
use crate::database::Kind;
use crate::failure::Failure;
use crate::folder::{self, Folder, Readers};
use crate::output;
use crate::secrets::{self, MASTER_KEY, NEXT_MASTER_KEY, Provider};
use crypto::keys::Passphrase;

/// Does one of them.
pub(super) async fn perform(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Init(at) => init(&at),
        KeysCommand::Rotate(it) => show(&it.at, Act::RotateMasterKey(it.what)).await,
        KeysCommand::Move(it) => move_key(&it).await,
        KeysCommand::RotateJwe(it) => show(&it.at, Act::RotateJweKey(it.what)).await,
        KeysCommand::ImportPin(it) => pin_keys::import(it).await,
        KeysCommand::RemovePin(it) => show(&it.at, Act::RemovePinKey(it.what)).await,
        KeysCommand::ListPin(it) => show(&it.at, Act::ListPinKeys(it.what)).await,
    }
}

fn init(at: &At) -> Result<(), Failure> {
    let located = locate(at)?;
    let folder = Folder::create(&located.data)?;
    let provider = Provider::of(&located.config, &folder)?;
    secrets::create_master_key(&folder, Kind::Production, &provider)?;
    tell("The master key is in", &folder, &provider);
    Ok(())
}

/// Seals the same key by what is configured now.
async fn move_key(arguments: &MoveKeyArgs) -> Result<(), Failure> {
    let located = locate(&arguments.at)?;
    if control::is_served(&located.data).await {
        return Err(Failure::new(
            "A server runs on this data folder, and would seal the next key by what it was \
             started with: stop it first.",
        ));
    }
    let folder = located.folder()?;
    if folder.path(NEXT_MASTER_KEY).exists() {
        return Err(Failure::new(
            "A rotation has begun: end it first with `antaca keys rotate`. (Don't remove \
             master-key-next.json: it may be what the database is wrapped by.)",
        ));
    }
    let path = &arguments.from_passphrase_file;
    let text = folder::read_text(path)?
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| Failure::new(format!("There is no passphrase in {}.", path.display())))?;
    let token = arguments.from_pkcs11_module.as_ref().map(|module| TokenSettings {
        module: module.clone(),
        token: arguments.from_pkcs11_token.clone(),
        key: arguments.from_pkcs11_key.clone(),
    });
    let from = Provider::by(Passphrase::new(&text), token.as_ref())?;
    let key = secrets::open_master_key(&folder, &from)?.ok_or_else(secrets::no_master_key)?;
    let to = Provider::of(&located.config, &folder)?;
    folder.write(MASTER_KEY, to.seal(&key)?.as_bytes(), Readers::Owner)?;
    tell("The same master key is sealed anew in", &folder, &to);
    Ok(())
}

fn tell(what: &str, folder: &Folder, provider: &Provider) {
    output::line(&format!(
        "{what} {}. Keep a copy of it and {}, apart from each other and from the database's \
         backups.",
        folder.path(MASTER_KEY).display(),
        match provider {
            Provider::Passphrase(_) => "its passphrase",
            Provider::Token(_) => "a backup of the token's key",
        }
    ));
}
