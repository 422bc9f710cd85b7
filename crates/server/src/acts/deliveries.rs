//! An operator's commands about what partners were told.

use super::Desk;
use crate::failure::Failure;
use app::audit::Operator;
use app::outbox::{Attempt, Told};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Whose notifications to list.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListNotifications {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) code: String,
    /// List those after this number; the last one listed leads to the next page
    #[arg(long, default_value_t = 0)]
    pub(crate) after: i64,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub(crate) limit: i64,
}

/// Whose notifications to resume.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResumeNotifications {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) code: String,
}

impl Desk {
    pub(super) async fn list_notifications(
        &self,
        command: ListNotifications,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.code)?;
        let told = self.app.notifications(partner, command.after, command.limit).await?;
        Ok(told.iter().map(told_json).collect())
    }

    pub(super) async fn resume_notifications(
        &self,
        operator: &Operator,
        command: &ResumeNotifications,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.code)?;
        let addresses = self.app.endpoints(partner).await?;
        let paused = addresses.iter().filter(|address| address.paused_at.is_some());
        let paused: Vec<&str> = paused.map(|address| address.event.as_str()).collect();
        let opened = self.app.resume_notifications(operator, partner).await?;
        Ok(json!({ "resumed": paused, "notifications": opened }))
    }
}

fn told_json(told: &Told) -> Value {
    json!({
        "number": told.number,
        "id": told.id,
        "event": told.event.as_str(),
        "cardId": told.card.map(|card| card.0),
        "outcome": told.outcome.map_or("OPEN", domain::notification::Outcome::as_str),
        "createdAt": told.created_at.to_string(),
        "nextAt": told.next_at.filter(|at| at.as_second() > 0).map(|at| at.to_string()),
        "closedAt": told.closed_at.map(|at| at.to_string()),
        "attempts": told.attempts.iter().map(attempt_json).collect::<Vec<_>>(),
    })
}

fn attempt_json(attempt: &Attempt) -> Value {
    json!({
        "at": attempt.at.to_string(),
        "durationMs": attempt.duration_ms,
        "status": attempt.status,
        "error": attempt.error,
        "answerBytes": attempt.answer_bytes,
        "answer": attempt.answer,
    })
}
