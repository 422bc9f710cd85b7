//! An operator's commands about what partners were told.

use super::Desk;
use crate::failure::Failure;
use app::audit::Operator;
use app::outbox::{Attempt, ResendFailed, Resent, Told};
use clap::Args;
use clap::builder::PossibleValuesParser;
use domain::notification::Event;
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

/// What to send again.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResendNotifications {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) code: String,
    /// One notification, by its id
    #[arg(long, conflicts_with_all = ["since", "event"], required_unless_present = "since")]
    pub(crate) id: Option<String>,
    /// All that were given up since this time, such as 2026-11-21T06:00:00Z
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// Of these only those of this event
    #[arg(long, requires = "since", value_parser = events(Event::ALL))]
    pub(crate) event: Option<String>,
}

/// Of what to send an example.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SendExample {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) code: String,
    /// The event
    #[arg(long, value_parser = events(Event::NOTIFICATIONS))]
    pub(crate) event: String,
}

/// The words of events.
fn events(of: &[Event]) -> PossibleValuesParser {
    of.iter().map(|event| event.as_str()).into()
}

fn event(word: &str) -> Result<Event, Failure> {
    let unknown = || Failure::new("--event has a value that isn't known.");
    Event::parse(word).ok_or_else(unknown)
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
        let resumed = self.app.resume_as(operator, partner).await?;
        let paused: Vec<&str> = resumed.events.iter().map(|event| event.as_str()).collect();
        Ok(json!({ "resumed": paused, "notifications": resumed.count }))
    }

    pub(super) async fn resend_notifications(
        &self,
        operator: &Operator,
        command: ResendNotifications,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.code)?;
        let wrong = |option: &str, what: &str| {
            Failure::new(format!("The value of {option} must be {what}."))
        };
        let resent = match (command.id, command.since) {
            (Some(id), _) => {
                let id = id.parse().map_err(|_| wrong("--id", "a notification's id, a UUID"))?;
                self.app.resend_notification_as(operator, partner, id).await?;
                Resent { count: 1, more: false }
            }
            (None, Some(since)) => {
                let moment = "a time with offset, such as 2026-11-21T06:00:00Z";
                let since = since.parse().map_err(|_| wrong("--since", moment))?;
                let event = command.event.as_deref().map(event).transpose()?;
                let failed = ResendFailed { of: None, since, event };
                self.app.resend_failed_as(operator, partner, failed).await?
            }
            (None, None) => return Err(Failure::new("--id or --since must be given.")),
        };
        Ok(json!({ "notifications": resent.count, "more": resent.more }))
    }

    pub(super) async fn send_example(
        &self,
        operator: &Operator,
        command: &SendExample,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.code)?;
        let tried = self.app.send_example_as(operator, partner, event(&command.event)?).await?;
        Ok(json!({ "delivered": tried.delivered, "attempt": attempt_json(&tried.attempt) }))
    }
}

fn told_json(told: &Told) -> Value {
    json!({
        "number": told.number,
        "id": told.id,
        "event": told.event.as_str(),
        "cardId": told.card.map(|card| card.0),
        "outcome": told.standing().as_str(),
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
