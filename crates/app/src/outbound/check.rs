//! A partner's server tried out: every call of its contract is played against it.

use crate::audit::Operator;
use crate::{App, Error};
use ::outbound::check::{Finding, Mode, PATIENCE, Plan, check};
use domain::ids::PartnerId;
use domain::partner::{AuthorizationMode, BalanceMode};
use serde_json::json;

/// What to play with.
#[derive(Clone, Debug)]
pub struct Check {
    /// What the partner does for us; as it is set up, if it isn't said.
    pub mode: Option<Mode>,
    /// A user whom the partner knows.
    pub user: String,
    /// A balance that it knows, where it is asked only.
    pub balance: Option<String>,
    /// The balance's currency.
    pub currency: String,
}

impl App {
    /// Plays the contract against a partner's server, as it is called otherwise too: at its URL,
    /// with our certificate and its secret. It books there, and balances what it has booked. `None`
    /// if it can't be called yet.
    pub async fn check_partner(
        &self,
        operator: &Operator,
        partner: PartnerId,
        command: Check,
    ) -> Result<Option<(Mode, Vec<Finding>)>, Error> {
        let settings = self.settings.get();
        let set_up = settings
            .partner(partner)
            .map(|it| (it.settings.balance_mode, it.settings.authorization_mode));
        let mode = command.mode.unwrap_or(match set_up {
            Some((BalanceMode::External, _)) => Mode::External,
            Some((BalanceMode::Internal, AuthorizationMode::Shared)) => Mode::Shared,
            Some((BalanceMode::Internal, AuthorizationMode::Own)) | None => Mode::Notifications,
        });
        let Some(line) = self.line_to(partner).await? else { return Ok(None) };
        let mut tx = self.db.begin().await?;
        let detail = json!({ "mode": mode.as_str() });
        let recorded =
            self.record_act(&mut tx, operator, partner, ("partner.check", "calls", &detail)).await;
        tx.end(recorded).await?;
        let plan = Plan {
            mode,
            user: &command.user,
            balance: command.balance.as_deref(),
            currency: &command.currency,
            secrets: &line.secrets,
            patience: PATIENCE,
            now: &|| self.outbox.now(),
            ids: &crate::ids::random_id,
        };
        Ok(Some((mode, check(&line.client, &plan).await)))
    }
}
