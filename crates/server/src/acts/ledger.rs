//! An operator's commands about the ledger.

use super::Desk;
use crate::failure::Failure;
use app::ledger::verify::{Report, Run, Tell, verify_as};
use domain::Timestamp;
use domain::ids::PartnerId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is verified.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifyLedger {
    /// Whether a former run's checkpoint is gone on from.
    pub(crate) incremental: bool,
}

impl VerifyLedger {
    /// A run that keeps a checkpoint; `now` is the business clock's time, or before it.
    pub(crate) fn run(self, now: Timestamp, tell: Tell<'_>) -> Run<'_> {
        Run { is_incremental: self.incremental, keep: Some(now), tell, ..Run::FULL }
    }
}

/// What the verification of a ledger found, as it is shown.
pub(crate) fn verified(report: &Report) -> Value {
    json!({
        "holds": report.holds(), "balances": report.balances,
        "transactions": report.transactions, "faults": report.faults,
    })
}

impl Desk {
    pub(super) async fn verify(
        &self,
        command: VerifyLedger,
        tell: Tell<'_>,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let settings = self.app.settings.get();
        let mut partners: Vec<PartnerId> =
            settings.partners().iter().map(|partner| partner.id).collect();
        partners.push(PartnerId::PLATFORM);
        let run = command.run(self.app.now(), tell);
        let report = verify_as(&self.app.db, &partners, run).await?;
        Ok(verified(&report))
    }
}
