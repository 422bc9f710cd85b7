//! An operator's command about who vouches for a partner's users.

use super::Desk;
use crate::failure::Failure;
use app::audit::Operator;
use app::trusted_identity::{Trust, trusted_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who vouches for a partner's users from now on; nobody if that isn't told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SetTrust {
    /// The partner's Issuer-Code
    pub(crate) code: String,
    /// The name in the certificate, and the PEM of the authorities that it leads to.
    pub(crate) trusted: Option<(String, String)>,
}

impl Desk {
    pub(super) async fn set_trust(
        &self,
        operator: &Operator,
        command: SetTrust,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.code)?;
        let trust =
            command.trusted.map(|(common_name, authorities)| Trust { common_name, authorities });
        let now = (self.real_time)();
        let set = self.app.set_trusted_identity(operator, partner, trust, now).await?;
        Ok(trusted_json(set.as_ref()))
    }
}
