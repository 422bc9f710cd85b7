//! An operator's commands about panel accounts.

use super::{Desk, word};
use crate::failure::Failure;
use app::Once;
use app::admins::{ChangeAdmin, Confirmation, Enrolled, Manager, NewAdmin, ShownAdmin};
use app::audit::Operator;
use clap::Args;
use domain::admin::Role;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A panel account to be.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateAdmin {
    /// The e-mail address of whose it is
    #[arg(long)]
    pub(crate) email: String,
    /// What they may do
    #[arg(long, value_parser = ["ADMIN", "MANAGER", "EMPLOYEE", "OPERATOR"])]
    pub(crate) role: String,
    /// The Issuer-Code of the partner that they work for; none for OPERATOR
    #[arg(long)]
    pub(crate) partner: Option<String>,
    /// Let it be used with what is shown: where it is your own. Without it whoever signs in sets a
    /// password and an authenticator of their own before anything else
    #[arg(long)]
    #[serde(default)]
    pub(crate) keep_secrets: bool,
}

/// What is to change of a panel account.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SetAdmin {
    /// Its e-mail address
    #[arg(long)]
    pub(crate) email: String,
    /// What may be done with it from now on
    #[arg(long, value_parser = ["ADMIN", "MANAGER", "EMPLOYEE"], required_unless_present = "state")]
    pub(crate) role: Option<String>,
    /// Whether it may be used
    #[arg(long, value_parser = ["ACTIVE", "DISABLED"])]
    pub(crate) state: Option<String>,
}

/// A panel account that gets other secrets.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResetAdmin {
    /// Its e-mail address
    #[arg(long)]
    pub(crate) email: String,
    /// Let it be used with what is shown: where it is your own
    #[arg(long)]
    #[serde(default)]
    pub(crate) keep_secrets: bool,
}

/// The command line, where what is shown stays or is to be changed at the next sign-in.
fn manager(keep_secrets: bool) -> Manager {
    let manager = Manager::COMMAND_LINE;
    if keep_secrets { manager.keeping_secrets() } else { manager }
}

impl Desk {
    pub(super) async fn create_admin(
        &self,
        operator: &Operator,
        command: CreateAdmin,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let CreateAdmin { email, role, partner, keep_secrets } = command;
        let partner = partner.map(|code| self.partner(&code)).transpose()?;
        let role = word("--role", Role::parse, &role)?;
        let new = NewAdmin { email, role, partner };
        let once = Once::unkept(operator.origin(), account_json);
        let made = self.app.create_admin(manager(keep_secrets), new, Confirmation::NONE, once);
        Ok(enrolled(made.await?))
    }

    pub(super) async fn set_admin(
        &self,
        operator: &Operator,
        command: SetAdmin,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let role = command.role.map(|role| word("--role", Role::parse, &role)).transpose()?;
        let disabled = command.state.map(|state| state == "DISABLED");
        let change = ChangeAdmin { role, disabled };
        let account = self.app.admin_named(&command.email).await?;
        let once = Once::unkept(operator.origin(), account_json);
        Ok(self.app.change_admin(Manager::COMMAND_LINE, account, change, once).await?)
    }

    pub(super) async fn reset_admin(
        &self,
        operator: &Operator,
        command: &ResetAdmin,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let account = self.app.admin_named(&command.email).await?;
        let once = Once::unkept(operator.origin(), account_json);
        let manager = manager(command.keep_secrets);
        Ok(enrolled(self.app.reset_admin(manager, account, Confirmation::NONE, once).await?))
    }

    pub(super) async fn list_admins(&self) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        Ok(self.app.admins().await?.iter().map(account_json).collect())
    }
}

/// With what opens it: told this once.
fn enrolled(enrolled: Enrolled) -> Value {
    let Enrolled { shown: mut told, secrets } = enrolled;
    if let Some(secrets) = secrets {
        told["password"] = secrets.password.expose().into();
        told["authenticator"] = secrets.code_url.as_str().into();
    }
    told
}

fn account_json(shown: &ShownAdmin) -> Value {
    let account = &shown.account;
    json!({
        "email": account.email,
        "role": account.role.as_str(),
        "partner": shown.partner,
        "state": shown.state.as_str(),
        "lockedUntil": account.locked_until.map(|until| until.to_string()),
        "usedAt": account.used_at.to_string(),
        "secretsToRenew": account.secrets_shown,
    })
}
