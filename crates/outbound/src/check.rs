//! Plays every call of the contract (`docs/partner-api.md`) against a partner's server, and tells
//! what is wrong in words.
//!
//! Each check stands on its own: it makes a transaction, or a balance, and looks at what it did
//! itself, so that one fault isn't told by those that follow. What is booked is balanced in the
//! end.
//!
//! | file | what is checked |
//! | --- | --- |
//! | `player` | sends a call, and reads the answer |
//! | `balances` | `/users/{id}/balances` |
//! | `transactions` | `/transactions/…` of a partner that holds the money |
//! | `shared` | `/transactions/…` of a partner that is asked |
//! | `notifications` | `/notifications/…` |
//! | `manners` | what holds for all answers: time, type, connections, signatures |

mod balances;
mod manners;
mod notifications;
mod player;
mod shared;
mod transactions;

use crate::SharedSecret;
use crate::client::Client;
use domain::Timestamp;
use player::Player;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// From when on an answer to a debit or a credit is too late, unless a processor's total is raised:
/// the partner's share of 2 s.
pub const PATIENCE: Duration = Duration::from_millis(1_700);

/// What the partner does for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It holds its users' money (balance mode `EXTERNAL`).
    External,
    /// It is asked (authorization mode `SHARED`).
    Shared,
    /// It is told only.
    Notifications,
}

impl Mode {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::External => "external",
            Self::Shared => "shared",
            Self::Notifications => "notifications",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::External, Self::Shared, Self::Notifications]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }
}

/// What is checked, and with what.
pub struct Plan<'a> {
    /// What the partner does for us.
    pub mode: Mode,
    /// A user whom the partner knows, as it stands in paths.
    pub user: &'a str,
    /// A balance that the partner knows, where it is asked only; where it holds the money, a new
    /// one is linked.
    pub balance: Option<&'a str>,
    /// The balance's currency.
    pub currency: &'a str,
    /// What calls are signed with; without one they aren't, and that isn't checked.
    pub secrets: &'a [SharedSecret],
    /// From when on an answer to a debit is too late.
    pub patience: Duration,
    /// Reads the real time.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
    /// Makes ids.
    pub ids: &'a (dyn Fn() -> Uuid + Sync),
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As the contract says.
    Ok,
    /// Money, or payments, would go wrong.
    Wrong,
    /// It works, and could be better.
    Warning,
}

impl Verdict {
    /// The word for it in a report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Wrong => "WRONG",
            Self::Warning => "WARNING",
        }
    }
}

/// What one check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked.
    pub check: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was sent, expected, and what came; none if all is well.
    pub fault: Option<Fault>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Whether it must be mended.
    pub verdict: Verdict,
    /// What was sent.
    pub sent: String,
    /// What should have come of it.
    pub expected: String,
    /// What came of it.
    pub came: String,
}

impl Finding {
    /// As JSON: `check`, `verdict`, and, unless all is well, `sent`, `expected`, `came`.
    #[must_use]
    pub fn json(&self) -> Value {
        let (check, verdict) = (self.check, self.verdict.as_str());
        match &self.fault {
            None => json!({ "check": check, "verdict": verdict }),
            Some(Fault { sent, expected, came, .. }) => json!({
                "check": check, "verdict": verdict,
                "sent": sent, "expected": expected, "came": came,
            }),
        }
    }
}

/// The report as JSON: whether nothing is wrong, and the findings in order.
#[must_use]
pub fn report(mode: Mode, findings: &[Finding]) -> Value {
    let holds = findings.iter().all(|finding| finding.verdict != Verdict::Wrong);
    let findings: Vec<Value> = findings.iter().map(Finding::json).collect();
    json!({ "mode": mode.as_str(), "holds": holds, "findings": findings })
}

/// Plays the calls of the plan, and tells what came of them, in order.
pub async fn check(client: &Client, plan: &Plan<'_>) -> Vec<Finding> {
    let mut player = Player::new(client, plan);
    if reached(&mut player).await {
        match plan.mode {
            Mode::External => balances::check(&mut player).await,
            Mode::Shared => shared::check(&mut player).await,
            Mode::Notifications => notifications::check(&mut player).await,
        }
        manners::check(&mut player).await;
    }
    player.findings
}

/// Whether there is an answer at all; without one nothing else is worth a try.
async fn reached(player: &mut Player<'_>) -> bool {
    let reached = player.get("/public-key").await.map(|_| ());
    let is_reached = reached.is_ok();
    player.note("the server answers", reached);
    is_reached
}
