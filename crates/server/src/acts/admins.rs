//! An operator's commands about panel accounts.

use super::{Desk, word};
use crate::failure::Failure;
use app::admins::{ChangeAdmin, Enrolled, NewAdmin};
use app::audit::Operator;
use clap::Args;
use domain::admin::{Account, Role};
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

/// A panel account by its address.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NamedAdmin {
    /// Its e-mail address
    #[arg(long)]
    pub(crate) email: String,
}

impl Desk {
    pub(super) async fn create_admin(
        &self,
        operator: &Operator,
        command: CreateAdmin,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let CreateAdmin { email, role, partner } = command;
        let partner = partner.map(|code| self.partner(&code)).transpose()?;
        let role = word("--role", Role::parse, &role)?;
        let enrolled = self.app.create_admin(operator, NewAdmin { email, role, partner }).await?;
        Ok(self.enrolled(&enrolled))
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
        Ok(self.account(&self.app.change_admin(operator, &command.email, change).await?))
    }

    pub(super) async fn reset_admin(
        &self,
        operator: &Operator,
        command: &NamedAdmin,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        Ok(self.enrolled(&self.app.reset_admin(operator, &command.email).await?))
    }

    pub(super) async fn list_admins(&self) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        Ok(self.app.admins().await?.iter().map(|account| self.account(account)).collect())
    }

    /// With what opens it: told this once.
    fn enrolled(&self, enrolled: &Enrolled) -> Value {
        let mut told = self.account(&enrolled.account);
        told["password"] = enrolled.password.expose().into();
        told["authenticator"] = enrolled.code_url.as_str().into();
        told
    }

    fn account(&self, account: &Account) -> Value {
        let settings = self.app.settings.get();
        let partner = account.partner.and_then(|id| settings.partner(id));
        json!({
            "email": account.email,
            "role": account.role.as_str(),
            "partner": partner.map(|partner| &partner.code),
            "state": if account.disabled { "DISABLED" } else { "ACTIVE" },
            "lockedUntil": account.locked_until.map(|until| until.to_string()),
            "usedAt": account.used_at.to_string(),
        })
    }
}
