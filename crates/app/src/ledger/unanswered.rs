//! Declines what a partner was asked about and hasn't answered in time, where nobody waits for it
//! any more: the node that asked has died, or the database stood still. Any node does.

use super::command::{Command, Event, Names, Outcome};
use crate::{App, Error};
use domain::scope::Scope;
use jiff::SignedDuration;
use std::time::{Duration, Instant};
use store::StoreError;
use store::transactions::asked::{Unanswered, list_unanswered};
use tokio::task::JoinSet;

/// How long after the partner's time whoever asked may still tell what came of it.
const GRACE: SignedDuration = SignedDuration::from_secs(1);
/// How many of a partner are declined at a time; they share a batch of the engine.
const ROUND: i64 = 200;
/// How long one may wait for the engine; the next call tries again.
const WAIT: Duration = Duration::from_secs(5);

impl App {
    /// Declines the questions of all partners that nobody has answered and nobody waits for;
    /// answers how many.
    pub async fn give_up_questions(&self) -> Result<usize, Error> {
        let now = self.outbox.now();
        let ended = now.checked_sub(GRACE).unwrap_or(now);
        let settings = self.settings.get();
        let scopes: Vec<Scope> = settings
            .partners()
            .iter()
            .map(|partner| Scope::platform(partner.id, "questions end by themselves"))
            .collect();
        let mut tx = self.db.read().await?;
        let listed = async {
            let mut listed = Vec::new();
            for scope in scopes {
                let found = list_unanswered(&mut tx, scope, ended, ROUND).await?;
                listed.extend(found.into_iter().map(|question| (scope, question)));
            }
            Ok::<_, StoreError>(listed)
        };
        let listed = listed.await;
        let listed = tx.end(listed).await?;
        let mut waiting = JoinSet::new();
        for (scope, question) in listed {
            let app = self.clone();
            waiting.spawn(async move { app.give_up_question(scope, question, ended).await });
        }
        let (mut count, mut failed) = (0, None);
        while let Some(given_up) = waiting.join_next().await {
            match given_up {
                Ok(Ok(done)) => count += usize::from(done),
                Ok(Err(error)) => failed = Some(error),
                Err(error) => {
                    let error = Box::new(error);
                    failed = Some(Error::Internal("a question's end broke off", Some(error)));
                }
            }
        }
        failed.map_or(Ok(count), Err)
    }

    /// Whether it was still open.
    async fn give_up_question(
        &self,
        scope: Scope,
        question: Unanswered,
        ended: domain::Timestamp,
    ) -> Result<bool, Error> {
        let Unanswered { id: transaction, message, balance, card, owner, currency } = question;
        let command = Command {
            scope,
            payers: owner.into(),
            message: self.new_message_id(),
            transaction,
            names: Names { scope: "unanswered".to_owned(), key: None, name: None },
            fingerprint: Vec::new(),
            request_id: "unanswered".to_owned(),
            now: self.now(),
            event: Event::Unanswered { message, transaction, card, balance, currency, ended },
        };
        let outcome = self.engines.submit(command, Instant::now() + WAIT).await?;
        Ok(matches!(outcome, Outcome::Decided(_)))
    }
}
