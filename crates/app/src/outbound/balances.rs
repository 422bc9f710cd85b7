//! A partner that holds its users' money is asked about their balances: links are made and undone,
//! amounts are read. Each is one call, with no transaction open; what came of it is the caller's to
//! write down.

use crate::error::Chain;
use crate::refusals::Refusal;
use crate::{App, Error, ids};
use ::outbound::balances::{self, Came};
use ::outbound::client::{ANSWER_MAX, Answer, Call, CallError, LIST_MAX, Method};
use domain::Timestamp;
use domain::balance::{Balance, Owner};
use domain::ids::{BalanceId, PartnerId};
use domain::money::Currency;
use domain::scope::Scope;
use jiff::SignedDuration;
use std::time::{Duration, Instant};
use store::corporations;
use uuid::Uuid;

/// How long a partner may take that has no time of its own: its share of a processor's 2 s.
const WITHIN: Duration = Duration::from_millis(1_700);
/// What may pass between the intent and its call: a commit.
const COMMITTED: Duration = Duration::from_secs(1);

/// How long a partner may take for an answer, once its call is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    within: Duration,
    ends: Instant,
    /// When the call has ended for sure, in real time.
    pub(crate) until: Timestamp,
}

impl Patience {
    /// Until when a call that is made now may last.
    pub(crate) fn deadline(&self) -> Instant {
        self.ends.min(Instant::now() + self.within)
    }
}

/// What a name is for that is made of a balance's id: the idempotency key of a call.
#[derive(Clone, Copy)]
enum Use {
    Link = 1,
    Unlink = 2,
}

/// The key of a call about a balance: the same at each try of one call. A balance is linked once,
/// and may be unlinked again after the partner has refused to, so the moment of the intent is in
/// it.
fn key(balance: BalanceId, purpose: Use, since: Option<Timestamp>) -> Uuid {
    let mut bytes = *balance.0.as_bytes();
    bytes[0] ^= purpose as u8;
    let moment = since.map_or(0, |since| since.as_microsecond()).to_be_bytes();
    // The first byte of the lower half says what kind of UUID it is.
    for (byte, moved) in bytes[9..].iter_mut().zip(&moment[1..]) {
        *byte ^= moved;
    }
    Uuid::from_bytes(bytes)
}

/// A call about balances.
struct About<'a> {
    /// The word for it in logs and metrics.
    what: &'static str,
    method: Method,
    path: String,
    key: Uuid,
    body: Vec<u8>,
    answer_max: usize,
    until: Instant,
    request_id: &'a str,
}

impl App {
    /// Real time, in microseconds as both databases keep it.
    pub(crate) fn real_now(&self) -> Timestamp {
        let now = self.outbox.now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// How long a partner may take that is asked about a balance soon.
    pub(crate) fn patience_with(&self, scope: Scope) -> Patience {
        let settings = self.settings.get();
        let within = settings.partner(scope.partner()).and_then(|it| it.settings.asking.within_ms);
        let within = within.and_then(|within| u64::try_from(within).ok());
        self.patience_of(within.map_or(WITHIN, Duration::from_millis))
    }

    /// The same for a partner that may take so long.
    pub(crate) fn patience_of(&self, within: Duration) -> Patience {
        let longest = within + COMMITTED;
        let now = self.real_now();
        let until = SignedDuration::try_from(longest).ok().and_then(|it| now.checked_add(it).ok());
        Patience { within, ends: Instant::now() + longest, until: until.unwrap_or(now) }
    }

    /// Has the partner link a balance to its books.
    pub(crate) async fn link_at_partner(
        &self,
        scope: Scope,
        balance: &Balance,
        (until, request_id): (Instant, &str),
    ) -> Result<Came, Error> {
        let owner = self.owner_at_partner(scope, balance.owner).await?;
        let body = balances::link(balance.id, balance.currency);
        let about = About {
            what: "link",
            method: Method::Post,
            path: balances::path_of_all(&owner),
            key: key(balance.id, Use::Link, None),
            body: body.to_string().into_bytes(),
            answer_max: ANSWER_MAX,
            until,
            request_id,
        };
        Ok(self.call_about(scope.partner(), about, |answer| came(answer, balances::linked)).await)
    }

    /// Has the partner undo the link of a balance that has been to be undone since then.
    pub(crate) async fn unlink_at_partner(
        &self,
        scope: Scope,
        (balance, since): (&Balance, Timestamp),
        (until, request_id): (Instant, &str),
    ) -> Result<Came, Error> {
        let owner = self.owner_at_partner(scope, balance.owner).await?;
        let about = About {
            what: "unlink",
            method: Method::Delete,
            path: balances::path(&owner, balance.id),
            key: key(balance.id, Use::Unlink, Some(since)),
            body: Vec::new(),
            answer_max: ANSWER_MAX,
            until,
            request_id,
        };
        Ok(self.call_about(scope.partner(), about, |answer| came(answer, balances::unlinked)).await)
    }

    /// What a balance has, in minor units, by the books of the partner that holds its money;
    /// `PARTNER_UNAVAILABLE` if there is no usable answer by then. No transaction may be open.
    pub async fn amount_at_partner(
        &self,
        scope: Scope,
        balance: &Balance,
        until: Instant,
        request_id: &str,
    ) -> Result<i64, Error> {
        let about = (balance.owner, Some(balance.id));
        self.read_at_partner(scope, about, (until, request_id), |answer| {
            balances::amount(answer, balance.currency)
        })
        .await
    }

    /// The same before it is removed: what isn't there has nothing.
    pub(crate) async fn left_at_partner(
        &self,
        scope: Scope,
        balance: &Balance,
        asking: (Instant, &str),
    ) -> Result<i64, Error> {
        let about = (balance.owner, Some(balance.id));
        self.read_at_partner(scope, about, asking, |answer| {
            balances::amount_left(answer, balance.currency)
        })
        .await
    }

    /// What balances of one owner have, in their order, by one call.
    pub(crate) async fn amounts_at_partner(
        &self,
        scope: Scope,
        (owner, of): (Owner, &[(BalanceId, Currency)]),
        asking: (Instant, &str),
    ) -> Result<Vec<i64>, Error> {
        let about = (owner, None);
        self.read_at_partner(scope, about, asking, |answer| balances::amounts(answer, of)).await
    }

    /// The same before they are removed with their owner: what isn't there has nothing.
    pub(crate) async fn all_left_at_partner(
        &self,
        scope: Scope,
        (owner, of): (Owner, &[(BalanceId, Currency)]),
        asking: (Instant, &str),
    ) -> Result<Vec<i64>, Error> {
        let about = (owner, None);
        self.read_at_partner(scope, about, asking, |answer| balances::amounts_left(answer, of))
            .await
    }

    /// Reads one of an owner's balances, or all of them.
    async fn read_at_partner<T>(
        &self,
        scope: Scope,
        (owner, id): (Owner, Option<BalanceId>),
        asking: (Instant, &str),
        read: impl FnOnce(&Answer) -> Option<T>,
    ) -> Result<T, Error> {
        let owner = self.owner_at_partner(scope, owner).await?;
        let about = match id {
            Some(id) => reads(balances::path(&owner, id), ANSWER_MAX, asking),
            None => reads(balances::path_of_all(&owner), LIST_MAX, asking),
        };
        let told = self.call_about(scope.partner(), about, |answer| {
            let told = answer.and_then(|it| it.as_ref().ok()).and_then(read);
            let outcome = word(told.as_ref());
            (told, outcome)
        });
        Ok(told.await.ok_or(Refusal::PartnerUnavailable)?)
    }

    /// What the partner calls an owner, removed or not.
    async fn owner_at_partner(&self, scope: Scope, owner: Owner) -> Result<String, Error> {
        let id = match owner {
            Owner::User(id) => return Ok(id.0.to_string()),
            Owner::Corporation(id) => id,
            Owner::Partner(_) => return Err(Error::broken("a partner's own balance is linked")),
        };
        let mut tx = self.db.read().await?;
        let name = corporations::find_name(&mut tx, scope, id).await;
        let name = tx.end(name).await?.ok_or(Error::broken("a balance is no corporation's"))?;
        Ok(name.to_string())
    }

    /// Calls once, and has the answer judged, of which there is none if the partner wasn't called:
    /// what came of it, and the word for that.
    async fn call_about<T>(
        &self,
        partner: PartnerId,
        about: About<'_>,
        judge: impl FnOnce(Option<&Result<Answer, CallError>>) -> (T, &'static str),
    ) -> T {
        let begun = Instant::now();
        let answer = match self.try_to_call(partner, &about).await {
            Ok(answer) => answer,
            Err(error) => {
                let error = Chain(&error);
                tracing::warn!(partner = partner.0, %error, "a partner can't be called now");
                None
            }
        };
        let (came, outcome) = judge(answer.as_ref());
        let (took, what) = (begun.elapsed(), about.what);
        let status = answer.as_ref().and_then(|it| it.as_ref().ok()).map_or(0, |it| it.status);
        let error = match &answer {
            None => "NOT_CALLED",
            Some(answer) => answer.as_ref().err().map_or("", |error| error.as_str()),
        };
        tracing::info!(
            request_id = about.request_id,
            partner = partner.0,
            event = what,
            outcome,
            status,
            error,
            microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "asked about a balance"
        );
        metrics::histogram!("antaca_balance_call_seconds", "call" => what).record(took);
        metrics::counter!("antaca_balance_calls_total", "call" => what, "outcome" => outcome)
            .increment(1);
        came
    }

    /// None if there is no way to the partner, or no turn in time.
    async fn try_to_call(
        &self,
        partner: PartnerId,
        about: &About<'_>,
    ) -> Result<Option<Result<Answer, CallError>>, Error> {
        let until = about.until.into();
        let line = tokio::time::timeout_at(until, self.line_to(partner)).await;
        let Some(line) = line.unwrap_or(Ok(None))? else { return Ok(None) };
        let turn = tokio::time::timeout_at(until, line.balances.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Ok(None) };
        let timeout = about.until.saturating_duration_since(Instant::now());
        if timeout.is_zero() {
            return Ok(None);
        }
        let call = Call {
            method: about.method,
            path: &about.path,
            key: about.key,
            request_id: about.request_id,
            body: &about.body,
            timeout,
            secrets: &line.secrets,
            now: self.outbox.now(),
            answer_max: about.answer_max,
        };
        Ok(Some(line.call(about.what, &call).await))
    }
}

/// A reading changes nothing, so each is a call of its own.
fn reads(path: String, answer_max: usize, (until, request_id): (Instant, &str)) -> About<'_> {
    let key = ids::random_id();
    let (what, method, body) = ("read", Method::Get, Vec::new());
    About { what, method, path, key, body, answer_max, until, request_id }
}

/// The word for what was read.
fn word<T>(read: Option<&T>) -> &'static str {
    read.map_or("unusable", |_| "done")
}

fn came(
    answer: Option<&Result<Answer, CallError>>,
    of: fn(&Result<Answer, CallError>) -> Came,
) -> (Came, &'static str) {
    let came = answer.map_or(Came::NotAsked, of);
    (came, came.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_has_a_key_of_its_own_and_each_try_the_same() {
        let balance = BalanceId(Uuid::from_u128(0x2e52_0dc2_329d_41ed_a261_0242_ac12_0002));
        let at = |microseconds| Timestamp::from_microsecond(microseconds).ok();
        let now = 1_790_000_000_000_000;
        let keys = [
            key(balance, Use::Link, None),
            key(balance, Use::Unlink, at(now)),
            key(balance, Use::Unlink, at(now + 1)),
        ];
        for (number, one) in keys.iter().enumerate() {
            assert_eq!((one.get_version_num(), one.get_variant()), (4, uuid::Variant::RFC4122));
            assert_ne!(*one, balance.0);
            assert!(keys.iter().skip(number + 1).all(|other| other != one));
        }
        assert_eq!(key(balance, Use::Unlink, at(now)), keys[1]);
    }
}
