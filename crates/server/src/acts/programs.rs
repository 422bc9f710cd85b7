//! An operator's commands about programs.

use super::Desk;
use crate::failure::Failure;
use app::Refusal;
use app::audit::Operator;
use app::programs::program_json;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is to change of a program.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SetProgram {
    /// The code of its partner.
    pub(crate) partner: String,
    /// Its configId.
    pub(crate) config_id: String,
    /// What each of its cards may spend at most: limits and controls, as the API takes them.
    pub(crate) limits: Map<String, Value>,
}

impl Desk {
    pub(super) async fn set_program(
        &self,
        operator: &Operator,
        command: SetProgram,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.partner)?;
        let settings = self.app.settings.get();
        let program = settings.program(partner, &command.config_id);
        let program = program.ok_or(app::Error::from(Refusal::ProgramNotFound))?;
        let rules = api::spending::program_rules(&command.limits, program.currency)
            .map_err(|wrong| Failure::new(format!("The limits can't be taken: {wrong}.")))?;
        let set = self.app.set_program_rules(operator, partner, &command.config_id, &rules).await?;
        Ok(program_json(&set))
    }
}
