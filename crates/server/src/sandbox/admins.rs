//! Panel accounts of a sandbox, one of each role: their secrets lie beside its other keys, so that
//! somebody new is in the panel within the first minute.

use super::partner::PARTNER;
use crate::acts::Desk;
use crate::failure::Failure;
use crate::folder::{Folder, Readers};
use app::admins::{Confirmation, Manager, NewAdmin, Secrets, ShownAdmin};
use app::audit::Operator;
use app::{App, Error, Once, Refusal};
use domain::admin::Role;
use serde_json::{Value, json};
use std::path::Path;

/// The file with their secrets.
const NAME: &str = "admins.json";

/// Makes the accounts, unless it was done before.
pub(super) async fn prepare(
    desk: &Desk,
    folder: &Folder,
    operator: &Operator,
) -> Result<(), Failure> {
    if folder.path(NAME).exists() {
        return Ok(());
    }
    let partner = desk.app.settings.get().partner_of_code(PARTNER).map(|partner| partner.id);
    let mut accounts = Vec::new();
    for role in Role::ALL {
        let partner = partner.filter(|_| *role != Role::Operator);
        let email = format!("{}@{PARTNER}.example", role.as_str().to_lowercase());
        let new = NewAdmin { email: email.clone(), role: *role, partner };
        let secrets = made(&desk.app, operator, new).await?;
        accounts.extend(secrets.map(|secrets| account(*role, &email, &secrets)));
    }
    let file = format!("{:#}\n", Value::Array(accounts));
    folder.write(NAME, file.as_bytes(), Readers::Owner)
}

/// Makes an account, or opens it anew: a start that was killed may have made it, and its secrets
/// are nowhere.
pub(crate) async fn made(
    app: &App,
    operator: &Operator,
    new: NewAdmin,
) -> Result<Option<Secrets>, Failure> {
    let email = new.email.clone();
    // Whoever has the sandbox is whose they are.
    let all = Manager::COMMAND_LINE.keeping_secrets();
    let once = || Once::unkept(operator.origin(), nothing);
    let made = match app.create_admin(all, new, Confirmation::NONE, once()).await {
        Err(Error::Refused(Refusal::AdminAlreadyExists)) => {
            let known = app.admin_named(&email).await?;
            app.reset_admin(all, known, Confirmation::NONE, once()).await?
        }
        made => made?,
    };
    Ok(made.secrets)
}

fn nothing(_: &ShownAdmin) -> Value {
    Value::Null
}

fn account(role: Role, email: &str, secrets: &Secrets) -> Value {
    json!({
        "role": role.as_str(),
        "email": email,
        "password": secrets.password.expose(),
        "totpSecret": secrets.typed(),
    })
}

/// The accounts, as the sandbox's description tells of them.
pub(super) fn list(folder: &Folder) -> Result<Vec<Value>, Failure> {
    let Some(text) = folder.read_text(NAME)? else { return Ok(Vec::new()) };
    serde_json::from_str(&text)
        .map_err(|_| Failure::new(format!("{} can't be read.", folder.path(NAME).display())))
}

/// The code that the authenticator of a sandbox's account shows at a time in seconds since 1970.
pub(crate) fn code(dir: &Path, email: &str, seconds: u64) -> Result<String, Failure> {
    let path = dir.join(NAME);
    let text = std::fs::read_to_string(&path).map_err(|_| {
        Failure::new(format!("{} can't be read: is that a sandbox's folder?", path.display()))
    })?;
    let accounts: Vec<Value> = serde_json::from_str(&text)
        .map_err(|_| Failure::new(format!("{} can't be read.", path.display())))?;
    let account = accounts.iter().find(|account| account["email"] == email);
    let secret = account.and_then(|account| account["totpSecret"].as_str());
    let code = secret.and_then(|secret| crypto::totp::code_of(secret, seconds));
    code.ok_or_else(|| {
        let known: Vec<&str> = accounts.iter().filter_map(|it| it["email"].as_str()).collect();
        Failure::new(format!("No account has that address. There are: {}.", known.join(", ")))
    })
}
