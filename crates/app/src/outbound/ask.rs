//! A partner is asked whether money may move: one call within its time, between the two halves of
//! a command.

use crate::error::Chain;
use crate::ledger::command::{Command, Outcome, Question};
use crate::{App, Error, reached};
use domain::Timestamp;
use domain::authorization::Says;
use domain::ids::PartnerId;
use domain::scope::Scope;
use domain::transaction::Category;
use jiff::SignedDuration;
use outbound::client::{ANSWER_MAX, Answer, Call, CallError, Method};
use outbound::transactions;
use std::time::{Duration, Instant};

/// What of a caller's time is ours after the partner's answer (spec "External balance").
const OURS: Duration = Duration::from_millis(300);
/// How often it is looked whether a message is still being asked about.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl App {
    /// Goes on after the first half of a command: where the engine decided that the partner is to
    /// be asked, it is, and the second half tells the engine what came of it.
    pub(crate) async fn ask_as_decided(
        &self,
        mut asked: Command,
        mut outcome: Outcome,
        deadline: Instant,
    ) -> Result<Outcome, Error> {
        // Another delivery of the same message is being asked about: its answer is this one's too.
        while matches!(outcome, Outcome::InProgress) && Instant::now() + LOOK_AGAIN < deadline {
            tokio::time::sleep(LOOK_AGAIN).await;
            outcome = match self.submit_command(asked.clone(), deadline).await {
                // Whom the engine has no time for any more is told what is known.
                Err(Error::Unavailable(..)) => Outcome::InProgress,
                looked => looked?,
            };
        }
        let Outcome::Ask(question) = outcome else { return Ok(outcome) };
        reached("asked");
        let says = self.ask_partner(asked.scope, &question, &asked.request_id).await;
        reached("answered");
        asked.event.tell(says);
        let told = self.submit_command(asked, deadline).await?;
        reached("told");
        match told {
            // It couldn't be decided, and is declined by itself.
            Outcome::Nothing => Err(Error::overloaded()),
            outcome @ (Outcome::Decided(_)
            | Outcome::KeyReused
            | Outcome::Outdated
            | Outcome::Ask(_)
            | Outcome::InProgress) => Ok(outcome),
        }
    }

    /// Until when a partner may be asked, in real time, of what has to be answered by then.
    pub(crate) fn ask_until(&self, scope: Scope, deadline: Instant) -> Timestamp {
        let left = SignedDuration::try_from(self.time_to_ask(scope, deadline)).unwrap_or_default();
        let now = self.outbox.now();
        now.checked_add(left).unwrap_or(now)
    }

    /// How long a partner may take to answer.
    pub(crate) fn time_to_ask(&self, scope: Scope, deadline: Instant) -> Duration {
        let left = deadline.saturating_duration_since(Instant::now()).saturating_sub(OURS);
        let settings = self.settings.get();
        let within = settings.partner(scope.partner()).and_then(|it| it.settings.asking.within_ms);
        let within = within.and_then(|within| u64::try_from(within).ok());
        within.map_or(left, |within| left.min(Duration::from_millis(within)))
    }

    /// Asks a partner within the time that its question has. At most so many questions to one
    /// partner are open at once; who waits too long for a turn hasn't asked.
    pub(crate) async fn ask_partner(
        &self,
        scope: Scope,
        question: &Question,
        request_id: &str,
    ) -> Says {
        let (begun, partner) = (Instant::now(), scope.partner());
        let left = question.until.duration_since(self.outbox.now());
        let until = begun + Duration::try_from(left).unwrap_or_default();
        let asked = self.try_to_ask(partner, question, until, request_id).await;
        let (says, error, status) = match &asked {
            Ok(Some(answer)) => {
                let error = answer.as_ref().err().map_or("", |error| error.as_str());
                let status = answer.as_ref().map_or(0, |answer| answer.status);
                (transactions::says(answer), error, status)
            }
            Ok(None) => (Says::NotAsked, "NOT_CALLED", 0),
            Err(error) => {
                let error = Chain(error);
                tracing::error!(partner = partner.0, %error, "a partner can't be asked");
                (Says::NotAsked, "NOT_CALLED", 0)
            }
        };
        let took = begun.elapsed();
        tracing::info!(
            request_id,
            partner = partner.0,
            event = path(question.way),
            status,
            error,
            microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "asked"
        );
        let outcome = word(says);
        metrics::histogram!("antaca_question_seconds", "outcome" => outcome).record(took);
        metrics::counter!("antaca_questions_total", "outcome" => outcome).increment(1);
        says
    }

    /// None if there is no way to the partner, or no turn in time.
    async fn try_to_ask(
        &self,
        partner: PartnerId,
        question: &Question,
        until: Instant,
        request_id: &str,
    ) -> Result<Option<Result<Answer, CallError>>, Error> {
        let line = tokio::time::timeout_at(until.into(), self.line_to(partner)).await;
        let Some(line) = line.unwrap_or(Ok(None))? else { return Ok(None) };
        let turn = tokio::time::timeout_at(until.into(), line.questions.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Ok(None) };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        let body = serde_json::to_vec(&question.body);
        let body = body.map_err(|_| Error::broken("a question isn't JSON"))?;
        let call = Call {
            method: Method::Post,
            path: &format!("/transactions/{}", path(question.way)),
            key: question.key,
            request_id,
            body: &body,
            timeout: left,
            secrets: &line.secrets,
            now: self.outbox.now(),
            answer_max: ANSWER_MAX,
        };
        Ok(Some(line.call(path(question.way), &call).await))
    }
}

fn path(way: Category) -> &'static str {
    match way {
        Category::Debit => "debit",
        Category::Credit => "credit",
    }
}

/// The word for an answer in metrics.
fn word(says: Says) -> &'static str {
    match says {
        Says::Agrees => "agreed",
        Says::Refuses(_) => "refused",
        Says::Unclear => "unclear",
        Says::NotAsked => "not_asked",
    }
}
