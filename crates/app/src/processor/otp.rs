//! A one-time password is to reach the cardholder, by their partner (spec "Notifications").
//!
//! One attempt at most: it is marked by the message's key, in a commit of its own, before it is
//! made, and the mark is replaced by what came of it. Who dies in between has lost it: its key is
//! answered as if it hadn't been delivered. The password itself is kept nowhere.

use super::{Envelope, Found};
use crate::once::Turn;
use crate::{App, Error, Once};
use domain::Timestamp;
use domain::ids::{CardId, PartnerId};
use domain::money::Currency;
use domain::notification::Event;
use domain::partner::PartnerState;
use domain::secret::Otp;
use domain::user::UserState;
use jiff::SignedDuration;
use outbound::notifications::{OtpNotice, otp};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use store::db::Tx;
use store::{StoreError, cards, endpoints, users};
use zeroize::Zeroizing;

/// What of a time budget is left for writing down what came of an attempt.
const WRITING: Duration = Duration::from_millis(150);
/// How much longer than its time budget an attempt that nothing is known of may last: then whoever
/// made it is gone.
const GONE: SignedDuration = SignedDuration::from_secs(1);
/// How often it is looked what came of another node's attempt.
const LOOK: Duration = Duration::from_millis(50);

/// A one-time password, and what for.
#[derive(Debug)]
pub struct DeliverOtp {
    /// From whom, for which card.
    pub envelope: Envelope,
    /// What is to be paid, in minor units of `currency`.
    pub amount: i64,
    /// Its currency.
    pub currency: Currency,
    /// Who is to be paid.
    pub merchant_name: String,
    /// The password.
    pub otp: Otp,
    /// Until when it is good, in real time: it isn't sent later.
    pub valid_until: Timestamp,
}

/// What a key is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// It is known what came of it.
    Known { delivered: bool },
    /// It is being tried, until this moment of real time at most.
    Trying { until: Timestamp },
}

impl Mark {
    fn json(self) -> Value {
        match self {
            Self::Known { delivered } => json!({ "delivered": delivered }),
            Self::Trying { until } => json!({ "until": until.to_string() }),
        }
    }

    fn of(kept: &Value) -> Result<Self, Error> {
        let until = || kept["until"].as_str()?.parse().ok();
        match kept["delivered"].as_bool() {
            Some(delivered) => Ok(Self::Known { delivered }),
            None => {
                let until = until().ok_or(Error::broken("the mark of an OTP can't be read"))?;
                Ok(Self::Trying { until })
            }
        }
    }
}

impl App {
    /// Has the partner deliver a one-time password; whether it has taken it. None is sent for a
    /// card that can't be paid with, to a partner that doesn't take them, and after its end.
    pub async fn deliver_otp(&self, command: DeliverOtp, once: Once<()>) -> Result<bool, Error> {
        let deadline = self.deadline(&command.envelope);
        let found = self.find_card(&command.envelope).await?;
        let scope = found.scope;
        if scope.partner() == PartnerId::PLATFORM {
            return Ok(false);
        }
        // Of two processors each has its own keys.
        let endpoint = format!("{} of processor {}", once.endpoint, command.envelope.processor.0);
        let once = Once { endpoint, ..once };
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(kept) => return self.otp_of_twin(found, &once, kept, deadline).await,
            Turn::Ours(turn) => turn,
        };
        let body = self.otp_body(found, &command).await?;
        let mark = match &body {
            None => Mark::Known { delivered: false },
            Some(_) => Mark::Trying { until: self.end_of(deadline) },
        };
        if let Some(kept) = self.mark(scope, &once, &mark.json()).await? {
            return self.otp_of_twin(found, &once, kept, deadline).await;
        }
        let Some(body) = body else { return Ok(false) };
        let request_id = &command.envelope.request_id;
        let ends = (deadline.checked_sub(WRITING).unwrap_or(deadline), command.valid_until);
        let tried = self.call_once(scope.partner(), Event::Otp, (&body, request_id), ends).await;
        drop(body);
        let mark = Mark::Known { delivered: tried.delivered() };
        let written = async {
            let mut tx = self.db.begin().await?;
            let written = async {
                self.amend(&mut tx, scope, &once, &mark.json()).await?;
                Ok::<_, Error>(self.note_call(&mut tx, scope.partner(), Event::Otp, tried).await?)
            };
            let written = written.await;
            tx.end(written).await
        };
        if let Err(error) = written.await {
            // The partner has it, or hasn't; who asks again is told that it hasn't.
            tracing::warn!(
                request_id,
                error = %crate::error::Chain(&error),
                "what came of an OTP can't be written down"
            );
        }
        Ok(tried.delivered())
    }

    /// When nothing can come any more of an attempt that is made before this.
    fn end_of(&self, deadline: Instant) -> Timestamp {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = SignedDuration::try_from(left).unwrap_or(GONE).saturating_add(GONE);
        self.outbox.now().saturating_add(left).unwrap_or(Timestamp::MAX)
    }

    /// What came of the same message before; waits for one that another node is at.
    async fn otp_of_twin(
        &self,
        found: Found,
        once: &Once<()>,
        mut kept: Value,
        deadline: Instant,
    ) -> Result<bool, Error> {
        loop {
            match Mark::of(&kept)? {
                Mark::Known { delivered } => return Ok(delivered),
                Mark::Trying { until } if until <= self.outbox.now() => return Ok(false),
                Mark::Trying { .. } if Instant::now() + LOOK >= deadline => {
                    return Err(crate::Refusal::RequestInProgress.into());
                }
                Mark::Trying { .. } => tokio::time::sleep(LOOK).await,
            }
            kept = self.answer_of_twin(found.scope, once).await?;
        }
    }

    /// What is to be sent, if it is to be: to a partner that takes it, for a card that can be paid
    /// with, whose holder isn't locked.
    async fn otp_body(
        &self,
        found: Found,
        command: &DeliverOtp,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let partner = found.scope.partner();
        let settings = self.settings.get();
        let live = settings.partner(partner).is_some_and(|it| it.state == PartnerState::Live);
        let tells = settings.outbound(partner).is_some_and(|it| it.tells(Event::Otp));
        let (Some(card), true) = (found.card, live && tells) else { return Ok(None) };
        let mut tx = self.db.read().await?;
        let holder = self.holder_who_pays(&mut tx, found, card).await;
        let Some((user, balance)) = tx.end(holder).await? else { return Ok(None) };
        Ok(Some(otp(&OtpNotice {
            user,
            card,
            balance,
            amount: command.amount,
            currency: command.currency,
            merchant_name: &command.merchant_name,
            otp: &command.otp,
        })))
    }

    async fn holder_who_pays(
        &self,
        tx: &mut Tx,
        found: Found,
        card: CardId,
    ) -> Result<Option<(domain::ids::UserId, domain::ids::BalanceId)>, StoreError> {
        let partner = found.scope.partner();
        let addresses = endpoints::list(tx, partner).await?;
        if addresses.iter().any(|it| it.event == Event::Otp && it.paused_at.is_some()) {
            return Ok(None);
        }
        let today = self.today();
        let card = cards::find(tx, found.scope, card).await?;
        let Some(card) = card.filter(|card| card.is_active_on(today)) else { return Ok(None) };
        let holder = users::find(tx, found.scope, card.holder).await?;
        let pays = holder.is_some_and(|holder| match holder.state {
            UserState::New | UserState::Verified => true,
            UserState::Locked | UserState::Deleted => false,
        });
        Ok(pays.then_some((card.holder, card.balance)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let until = Timestamp::UNIX_EPOCH;
        for mark in [
            Mark::Known { delivered: true },
            Mark::Known { delivered: false },
            Mark::Trying { until },
        ] {
            assert_eq!(Mark::of(&mark.json()).expect("is read"), mark);
        }
        assert!(Mark::of(&json!({})).is_err());
    }
}
