//! An operator's commands about KYC forms.

use super::{Desk, word};
use crate::failure::Failure;
use app::audit::Operator;
use clap::Args;
use domain::ids::VerificationId;
use domain::verification::{Decision, Reason, VerificationStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is decided of a form.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DecideVerification {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) partner: String,
    /// The form's `verificationId`
    #[arg(long, value_name = "UUID")]
    pub(crate) id: String,
    /// It is good
    #[arg(long, conflicts_with = "reject", required_unless_present = "reject")]
    #[serde(default)]
    pub(crate) accept: bool,
    /// It isn't, for this reason
    #[arg(long, value_name = "REASON", value_parser = reasons())]
    pub(crate) reject: Option<String>,
}

fn reasons() -> clap::builder::PossibleValuesParser {
    Reason::ALL.iter().map(|reason| reason.as_str()).into()
}

impl Desk {
    pub(super) async fn decide_verification(
        &self,
        operator: &Operator,
        command: DecideVerification,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.partner)?;
        let message = "The value of --id must be a verificationId, a UUID.";
        let id = command.id.parse().map_err(|_| Failure::new(message))?;
        let (status, decision) = match &command.reject {
            None => (VerificationStatus::Accepted, Decision::Accept),
            Some(reason) => {
                let reason = word("--reject", Reason::parse, reason)?;
                (VerificationStatus::Rejected, Decision::Reject(reason))
            }
        };
        let decided = (VerificationId(id), decision);
        self.app.decide_verification_as(operator, partner, decided).await?;
        Ok(json!({
            "verificationId": id, "status": status.as_str(), "reason": command.reject,
        }))
    }
}
