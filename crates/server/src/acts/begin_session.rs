//! A session for a test: refused unless the build is for tests, which no release build is.

use super::{Desk, bytes};
use crate::failure::Failure;
use domain::ids::UserId;
use domain::scope::Scope;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Whose session, and on which device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BeginSession {
    /// The partner's code.
    partner: String,
    /// The user.
    user: i64,
    /// The device's public key, hexadecimal.
    public_key: String,
}

impl Desk {
    pub(super) async fn begin_session(&self, command: &BeginSession) -> Result<Value, Failure> {
        if !app::IS_FOR_TESTS {
            return Err(Failure::new("Sessions are begun by pairing, which a later release has."));
        }
        self.app.refresh_settings().await?;
        let scope = Scope::platform(self.partner(&command.partner)?, "a test");
        let key = bytes(&command.public_key).ok_or_else(|| Failure::new("No key."))?;
        let begun = self.app.begin_session(scope, UserId(command.user), &key).await?;
        Ok(json!({ "token": *begun.token, "expiresAt": begun.expires_at.to_string() }))
    }
}
