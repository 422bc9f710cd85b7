//! Ask an eKYC provider about the forms that the automatic check has left to it (spec "KYC").
//!
//! A form is claimed by a committed lease, and sent with no transaction open; where the provider
//! has it in work it is asked again, after growing pauses. Its answer and our own view decide
//! together. Whoever dies between an answer and its commit asks again by the same key, so nothing
//! is lost and nothing decided twice. A form that isn't decided in a day is left to a person.

use super::seal::{open_form, open_picture};
use crate::audit::Origin;
use crate::error::Chain;
use crate::{App, Error, ids};
use domain::Timestamp;
use domain::ids::PartnerId;
use domain::partner::{KycMode, PartnerState};
use domain::scope::Scope;
use domain::verification::check::Verdict;
use domain::verification::provider::{Answer, Next, PATIENCE, combine, next_at};
use jiff::SignedDuration;
use outbound::ekyc::{Picture, Provider, Reply, Said, Submission, TIMEOUT_MAX};
use serde_json::json;
use std::time::{Duration, Instant};
use store::ekyc::{self, Claimed};
use store::operations::Lease;
use store::verifications;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Forms that a provider is asked about at once: each may have 20 MiB of pictures.
const AT_ONCE: usize = 8;
/// Forms of one step, so that it ends.
const STEP_MAX: usize = 100;
/// How long a claim holds: longer than an answer takes, and writing it down.
const LEASE: Duration = TIMEOUT_MAX.saturating_mul(2);
/// How soon it is looked for more while some are being asked about.
const LOOK: Duration = Duration::from_secs(1);

impl App {
    /// Asks about the forms whose time it is; how many there were. Without a provider only those
    /// are taken on that have waited for one too long.
    pub async fn ask_about_verifications(
        &self,
        provider: Option<&Provider>,
    ) -> Result<usize, Error> {
        let (mut asking, mut claimed, mut failed) = (JoinSet::new(), 0, None);
        loop {
            let free = AT_ONCE - asking.len();
            let goes_on = failed.is_none() && claimed < STEP_MAX && !self.tasks.is_stopping();
            if free > 0 && goes_on {
                match self.claim_forms(provider, free).await {
                    Err(error) => failed = Some(error),
                    Ok((lease, forms)) => {
                        claimed += forms.len();
                        for form in forms {
                            let (app, provider) = (self.clone(), provider.cloned());
                            asking.spawn(async move { app.ask(provider, form, lease).await });
                        }
                    }
                }
            }
            if asking.is_empty() {
                return failed.map_or(Ok(claimed), Err);
            }
            // Whoever takes long doesn't keep the others waiting.
            match timeout(LOOK, asking.join_next()).await {
                Err(_) | Ok(None | Some(Ok(Ok(())))) => {}
                Ok(Some(Ok(Err(error)))) => failed = Some(error),
                Ok(Some(Err(_))) => failed = Some(Error::broken("asking a provider panicked")),
            }
        }
    }

    async fn claim_forms(
        &self,
        provider: Option<&Provider>,
        free: usize,
    ) -> Result<(Lease, Vec<Claimed>), Error> {
        let now = self.now();
        let lease = Lease { holder: ids::random_id(), from: now, until: later(now, LEASE) };
        let handed_over = match provider {
            Some(_) => now,
            None => now.checked_sub(PATIENCE).unwrap_or(Timestamp::MIN),
        };
        let settings = self.settings.get();
        let partners = settings.partners();
        let automatic = partners.iter().filter(|partner| {
            let mode = partner.settings.kyc_mode;
            mode == KycMode::Automatic && partner.state == PartnerState::Live
        });
        let partners: Vec<PartnerId> = automatic.map(|partner| partner.id).collect();
        if partners.is_empty() {
            return Ok((lease, Vec::new()));
        }
        let limit = i64::try_from(free).unwrap_or(i64::MAX);
        let mut tx = self.db.begin().await?;
        let forms = ekyc::claim(&mut tx, &partners, &lease, handed_over, limit).await;
        Ok((lease, tx.end(forms).await?))
    }

    async fn ask(
        self,
        provider: Option<Provider>,
        form: Claimed,
        lease: Lease,
    ) -> Result<(), Error> {
        let scope = Scope::platform(form.partner, "an eKYC provider is asked");
        let (id, origin) = (form.id.0, origin());
        let is_late = self.now().duration_since(form.since) >= PATIENCE;
        let Some(provider) = provider.filter(|_| !is_late) else {
            tracing::warn!(%id, "an eKYC provider didn't decide in time, a person does");
            return self.refer(scope, form.id, &origin, json!({ "provider": "NO_ANSWER" })).await;
        };
        let submission = match self.submission_of(scope, &form).await {
            Ok(submission) => submission,
            Err(error @ Error::Unavailable(..)) => return Err(error),
            Err(error) => {
                tracing::error!(%id, error = %Chain(&error), "a form can't be checked");
                return self.refer(scope, form.id, &origin, json!({})).await;
            }
        };
        let begun = Instant::now();
        let asking = provider.ask(form.id, submission, &origin.request_id, self.outbox.now());
        let stopping = self.tasks.stopping();
        let Some(reply) = stopping.run_until_cancelled(asking).await else {
            // It may have been taken: the next who asks sends it again.
            let again = Claimed { attempts: form.attempts - 1, ..form };
            return self.ask_later(&again, &lease, self.now()).await;
        };
        tell(&form, &origin, &reply, begun.elapsed());
        self.take_reply(scope, (form, lease), reply, &origin).await
    }

    /// What a provider is sent; nothing where it has the form in work.
    async fn submission_of(
        &self,
        scope: Scope,
        form: &Claimed,
    ) -> Result<Option<Submission>, Error> {
        if form.taken_at.is_some() {
            return Ok(None);
        }
        let key = self.sealing_of_forms(scope).await?;
        let mut tx = self.db.read().await?;
        let read = async {
            let sealed = verifications::form(&mut tx, scope, form.id).await?;
            let images = verifications::pictures(&mut tx, scope, form.id).await?;
            Ok::<_, Error>((sealed.ok_or(Error::broken("a form is gone"))?, images))
        };
        let read = read.await;
        let (sealed, images) = tx.end(read).await?;
        let opened = images.into_iter().map(|image| {
            let picture = open_picture(&key, scope, form.id, image)?;
            let (kind, media_type) = (picture.kind, picture.media_type);
            Ok::<_, Error>(Picture { kind, media_type, bytes: picture.bytes })
        });
        let pictures = opened.collect::<Result<_, _>>()?;
        Ok(Some(Submission { form: open_form(&key, scope, form.id, &sealed)?, pictures }))
    }

    async fn take_reply(
        &self,
        scope: Scope,
        (mut form, lease): (Claimed, Lease),
        reply: Reply,
        origin: &Origin,
    ) -> Result<(), Error> {
        let (id, now) = (form.id, self.now());
        let answer = match reply.said {
            Said::Answer(answer) => answer,
            Said::NotNow { wish, .. } => {
                let at = next_at(now, form.since, form.attempts, wish);
                return self.ask_later(&form, &lease, at).await;
            }
            Said::Unusable(why) => {
                return self.refer(scope, id, origin, json!({ "provider": why })).await;
            }
        };
        let facts = json!({ "provider": answer.as_str() });
        match combine(form.view, answer) {
            Next::Decided(decision) => {
                let verdict = Verdict::Decided(decision);
                self.carry_out_verdict(scope, id, (verdict, facts), origin).await
            }
            Next::Person => self.refer(scope, id, origin, facts).await,
            Next::Again => {
                if form.taken_at.is_none() {
                    (form.taken_at, form.attempts) = (Some(now), 1);
                }
                let at = next_at(now, form.since, form.attempts, None);
                self.ask_later(&form, &lease, at).await
            }
        }
    }

    async fn ask_later(&self, form: &Claimed, lease: &Lease, at: Timestamp) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let given_back = ekyc::ask_later(&mut tx, form, lease, at).await;
        Ok(tx.end(given_back).await?)
    }
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    now.saturating_add(pause).unwrap_or(Timestamp::MAX)
}

fn origin() -> Origin {
    Origin::here("worker:ekyc")
}

/// Tells the log and the metrics what came of a question.
fn tell(form: &Claimed, origin: &Origin, reply: &Reply, took: Duration) {
    let (outcome, label, error) = match &reply.said {
        Said::Answer(answer) => (answer.as_str(), label(*answer), ""),
        Said::NotNow { error, .. } => ("NOT_NOW", "not_now", *error),
        Said::Unusable(why) => ("UNUSABLE", "unusable", *why),
    };
    metrics::histogram!("antaca_ekyc_seconds").record(took);
    metrics::counter!("antaca_ekyc_questions_total", "outcome" => label).increment(1);
    let (id, attempt, status) = (form.id.0, form.attempts, reply.status.unwrap_or(0));
    tracing::info!(
        request_id = origin.request_id,
        %id,
        attempt,
        outcome,
        status,
        error,
        microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "an eKYC provider was asked"
    );
    let why = match &reply.said {
        Said::Unusable(why) => *why,
        Said::Answer(Answer::Rejected(None)) => "UNKNOWN_REASON",
        Said::Answer(
            Answer::Accepted | Answer::Rejected(Some(_)) | Answer::Referred | Answer::InProgress,
        )
        | Said::NotNow { .. } => return,
    };
    tracing::warn!(%id, status, why, "an eKYC provider's answer can't be used, a person decides");
}

fn label(answer: Answer) -> &'static str {
    match answer {
        Answer::Accepted => "accepted",
        Answer::Rejected(_) => "rejected",
        Answer::Referred => "referred",
        Answer::InProgress => "in_progress",
    }
}
