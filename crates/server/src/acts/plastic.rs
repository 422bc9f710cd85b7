//! An operator's commands about plastic: who makes it, what leaves for there, what comes back.

use super::Desk;
use crate::failure::Failure;
use app::audit::Operator;
use app::personalisation::{self, Line, Taken};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A bureau to be, or what becomes of one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SetBureau {
    /// Its name.
    pub(crate) name: String,
    /// The folder of batches and reports.
    pub(crate) folder: String,
    /// The public key that numbers and PINs are encrypted for, in PEM.
    pub(crate) public_key: String,
    /// The host keys of its SFTP server.
    pub(crate) host_keys: Option<String>,
    /// Whether to log in there with a new key.
    pub(crate) new_key: bool,
}

/// A bureau by its name.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NamedBureau {
    /// Its name
    #[arg(long)]
    pub(crate) name: String,
}

/// A bureau's report.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TakeReport {
    /// The bureau's name.
    pub(crate) bureau: String,
    /// The report.
    pub(crate) text: String,
}

/// Whose orders to list.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OverdueOrders {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) partner: String,
}

impl Desk {
    pub(super) async fn set_bureau(
        &self,
        operator: &Operator,
        command: SetBureau,
    ) -> Result<Value, Failure> {
        let SetBureau { name, folder, public_key, host_keys, new_key } = command;
        let set = personalisation::SetBureau { name, folder, public_key, host_keys, new_key };
        Ok(self.app.set_bureau(operator, set).await?)
    }

    pub(super) async fn run_orders(&self) -> Result<Value, Failure> {
        let sent = self.app.send_orders(self.app.now()).await?;
        let reported = self.app.take_reports().await?;
        Ok(json!({ "sent": sent, "reported": reported }))
    }

    pub(super) async fn take_report(&self, command: &TakeReport) -> Result<Value, Failure> {
        let bureau = self.app.bureau(&command.bureau).await?;
        Ok(taken_json(&self.app.take_report(&bureau.name, &command.text).await?))
    }

    pub(super) async fn overdue_orders(&self, command: &OverdueOrders) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.partner)?;
        Ok(self.app.overdue_orders(partner).await?.into())
    }
}

fn taken_json(taken: &Taken) -> Value {
    let line = |Line { number, why }: &Line| json!({ "line": number, "why": why });
    json!({
        "changed": taken.changed,
        "known": taken.known,
        "refused": taken.refused.iter().map(line).collect::<Vec<_>>(),
    })
}
