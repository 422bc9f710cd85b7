//! What tells who somebody is, or a secret, encrypted for a partner that asks for that: for the key
//! that it shows at `GET /public-key` (spec "Sensitive data" of the seeds). Without one nothing of
//! it is sent.

use super::client::Line;
use crypto::jwe::PublicKey;
use domain::Timestamp;
use domain::notification::Event;
use jiff::SignedDuration;
use outbound::client::{ANSWER_MAX, Answer, Call, CallError, Method};
use outbound::notifications::address;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Where a partner shows its key.
const PATH: &str = "/public-key";
/// How long a partner may take to show it.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a key is used without asking again.
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// How long nobody asks again after a failure: many streams wait for one key.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// A partner's key as it is known; whoever asks for it holds the lock, so one does for all.
#[derive(Default)]
pub(super) struct HeldKey(tokio::sync::Mutex<Held>);

#[derive(Default)]
enum Held {
    /// Nobody has asked, or it didn't work.
    #[default]
    Nothing,
    /// Good until this moment of real time.
    Key(Arc<PublicKey>, Timestamp),
    /// It can't be had; nobody asks until this moment.
    Failed(Timestamp),
}

/// Why a partner's answer isn't known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotSent {
    /// The call failed.
    Call(CallError),
    /// The partner shows no key that could be used. Nothing was sent.
    NoKey,
}

impl NotSent {
    /// The word for it in logs and in the log of attempts.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Call(error) => error.as_str(),
            Self::NoKey => "NO_PUBLIC_KEY",
        }
    }
}

/// What a partner is to be told.
pub(super) struct Telling<'a> {
    pub(super) event: Event,
    /// The same at every try.
    pub(super) key: Uuid,
    pub(super) request_id: &'a str,
    /// In clear.
    pub(super) body: &'a [u8],
    /// How long everything may take.
    pub(super) timeout: Duration,
    /// Real time.
    pub(super) now: Timestamp,
}

/// What a partner shows.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    public_key: String,
}

impl Line {
    /// Tells a partner something, once. A key for which it takes nothing is asked for anew.
    pub(super) async fn tell(&self, telling: &Telling<'_>) -> Result<Answer, NotSent> {
        let Some(held) = self.key.as_ref().filter(|_| telling.event.is_sensitive()) else {
            let sent = self.send(telling, telling.body, telling.timeout).await;
            return sent.map_err(NotSent::Call);
        };
        let begun = Instant::now();
        let key = tokio::time::timeout(telling.timeout, self.key_of(held, telling)).await;
        let key = key.ok().flatten().ok_or(NotSent::NoKey)?;
        let body = json!({ "payload": key.encrypt(None, telling.body) }).to_string();
        let left = telling.timeout.saturating_sub(begun.elapsed());
        let answer = self.send(telling, body.as_bytes(), left).await;
        if !answer.as_ref().is_ok_and(|answer| telling.event.is_taken(answer.status)) {
            held.forget(&key).await;
        }
        answer.map_err(NotSent::Call)
    }

    async fn send(
        &self,
        telling: &Telling<'_>,
        body: &[u8],
        timeout: Duration,
    ) -> Result<Answer, CallError> {
        let (method, path) = address(telling.event, telling.body);
        let call = Call {
            method,
            path: &path,
            key: telling.key,
            request_id: telling.request_id,
            body,
            timeout,
            secrets: &self.secrets,
            now: telling.now,
            answer_max: ANSWER_MAX,
        };
        self.call(telling.event.as_str(), &call).await
    }

    /// The partner's key, if it has one.
    async fn key_of(&self, held: &HeldKey, telling: &Telling<'_>) -> Option<Arc<PublicKey>> {
        let mut held = held.0.lock().await;
        match &*held {
            Held::Key(key, until) if telling.now < *until => return Some(key.clone()),
            Held::Failed(until) if telling.now < *until => return None,
            Held::Nothing | Held::Key(..) | Held::Failed(_) => {}
        }
        let later = |span| telling.now.saturating_add(span).unwrap_or(Timestamp::MAX);
        match self.ask_for_key(telling).await {
            Ok(key) => {
                let key = Arc::new(key);
                *held = Held::Key(key.clone(), later(KEPT));
                Some(key)
            }
            Err(error) => {
                let request_id = telling.request_id;
                tracing::warn!(request_id, error, "a partner shows no key that could be used");
                *held = Held::Failed(later(AGAIN));
                None
            }
        }
    }

    async fn ask_for_key(&self, telling: &Telling<'_>) -> Result<PublicKey, &'static str> {
        let call = Call {
            method: Method::Get,
            path: PATH,
            key: crate::ids::random_id(),
            request_id: telling.request_id,
            body: &[],
            timeout: ANSWER.min(telling.timeout),
            secrets: &self.secrets,
            now: telling.now,
            answer_max: ANSWER_MAX,
        };
        let answer = self.call("publicKey", &call).await.map_err(CallError::as_str)?;
        if answer.status != 200 {
            return Err("NOT_OK");
        }
        let shown: Shown = serde_json::from_slice(&answer.body).map_err(|_| "NOT_UNDERSTOOD")?;
        PublicKey::parse(&shown.public_key).map_err(|_| "NOT_AN_RSA_KEY_OF_2048_TO_4096_BITS")
    }
}

impl HeldKey {
    /// Forgets a key, unless another one is known by now.
    async fn forget(&self, used: &Arc<PublicKey>) {
        let mut held = self.0.lock().await;
        if matches!(&*held, Held::Key(key, _) if Arc::ptr_eq(key, used)) {
            *held = Held::Nothing;
        }
    }
}
