//! An operator's commands about corporations.

use super::{Desk, word};
use crate::failure::Failure;
use app::audit::Operator;
use app::corporations::{CorporationName, DecideKyb, corporation_json};
use clap::Args;
use domain::corporation::KybDecision;
use domain::scope::Scope;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A corporation.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NamedCorporation {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) partner: String,
    /// The corporation's `dcCorporationId`
    #[arg(long, value_name = "UUID")]
    pub(crate) id: String,
}

/// What came of KYB.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DecideCorporation {
    #[command(flatten)]
    pub(crate) corporation: NamedCorporation,
    /// What came of it
    #[arg(long, value_parser = ["ACCEPTED", "REJECTED", "ON_HOLD"])]
    pub(crate) kyb: String,
    /// Where the check that was made is on record, such as a case's number
    #[arg(long, value_name = "TEXT")]
    pub(crate) reference: String,
}

impl Desk {
    pub(super) async fn decide_corporation(
        &self,
        operator: &Operator,
        command: DecideCorporation,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.corporation.partner)?;
        let decide = DecideKyb {
            corporation: id_of(&command.corporation)?,
            decision: word("--kyb", KybDecision::parse, &command.kyb)?,
            reference: command.reference,
            version: None,
        };
        Ok(corporation_json(&self.app.decide_kyb_as(operator, partner, decide).await?))
    }

    pub(super) async fn show_corporation(
        &self,
        command: &NamedCorporation,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.partner)?;
        let scope = Scope::platform(partner, "the operator looks");
        let shown = self.app.shown_corporation(scope, id_of(command)?).await?;
        let mut told = corporation_json(&shown.corporation);
        told["missing"] = shown.missing.iter().map(ToString::to_string).collect();
        Ok(told)
    }
}

fn id_of(command: &NamedCorporation) -> Result<CorporationName, Failure> {
    let message = "The value of --id must be a dcCorporationId, a UUID.";
    command.id.parse().map_err(|_| Failure::new(message))
}
