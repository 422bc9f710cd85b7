//! An operator's command about processors.

use super::Desk;
use crate::failure::Failure;
use app::audit::Operator;
use app::programs::USUAL_BUDGET_MS;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A processor to be.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateProcessor {
    /// Its name, as programs and certificates name it
    #[arg(long)]
    pub(crate) name: String,
    /// How long it waits for an answer, in milliseconds
    #[arg(long, default_value_t = USUAL_BUDGET_MS,
        value_parser = clap::value_parser!(i64).range(100..=5000))]
    pub(crate) time_budget_ms: i64,
}

impl Desk {
    pub(super) async fn create_processor(
        &self,
        operator: &Operator,
        command: CreateProcessor,
    ) -> Result<Value, Failure> {
        let CreateProcessor { name, time_budget_ms } = command;
        self.app.create_processor(operator, &name, time_budget_ms).await?;
        let settings = self.app.settings.get();
        let processor = settings.processor_of_name(&name);
        let budget = processor.map_or(time_budget_ms, |processor| processor.time_budget_ms);
        Ok(json!({ "name": name, "timeBudgetMs": budget }))
    }
}
