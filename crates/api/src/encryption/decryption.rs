//! Private operations: who may ask for one, where they are done, and how many wait.

use super::invalid_payload;
use crate::limits::refused;
use crate::problem::Problem;
use crate::rate::Rate;
use app::jwe::ACCEPTED_MAX;
use crypto::jwe::{JweError, PrivateKey, Token, decrypt_with};
use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

/// Requests that may wait for a private operation: the last of them waits a tenth of a second.
const WAITING_MAX: usize = 64;

/// Whose private operations are counted: the fingerprint of a certificate.
type Holder = [u8; 32];

/// Where requests are decrypted. An operation takes a millisecond of processor, so it is done on
/// other threads than those that serve, and one processor is always left for these.
///
/// The threads are tokio's for blocking work and not a pool of our own: `working` lets in as many
/// as such a pool would have, and `places` as many as its queue would hold. What a pool would add
/// is that nothing else could take its threads; only the copying of SQLite's log and the end of the
/// process use others of the five hundred that there may be.
pub(crate) struct Decryption {
    rate: Rate<Holder>,
    /// The time in which the budget allows two.
    pause: Duration,
    /// Those that decrypt.
    working: Arc<Semaphore>,
    /// Those that decrypt or wait for it.
    places: Arc<Semaphore>,
}

impl Decryption {
    /// Decrypts on as many processors at a time as there are, less one, and on one at least; so
    /// many operations a second for each certificate, half of them at once.
    pub(crate) fn of(per_second: NonZero<u32>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self::limited(per_second, (processors - 1).max(1), WAITING_MAX)
    }

    fn limited(per_second: NonZero<u32>, working: usize, waiting: usize) -> Self {
        // A token that doesn't name its key costs an operation with each of them.
        let burst_min = u32::try_from(ACCEPTED_MAX).unwrap_or(u32::MAX);
        let burst = (per_second.get() / 2).max(burst_min);
        Self {
            rate: Rate::new(per_second, burst),
            pause: Duration::from_secs(2) / per_second.get(),
            working: Arc::new(Semaphore::new(working)),
            places: Arc::new(Semaphore::new(working + waiting)),
        }
    }

    /// Decrypts in turn with that one of the keys that fits; 429 beyond the holder's budget, 503 if
    /// too many wait already. What has begun is counted until it ends, whether or not its caller
    /// still waits.
    pub(super) async fn decrypt(
        &self,
        holder: Holder,
        keys: Vec<Arc<PrivateKey>>,
        token: Token,
    ) -> Result<Vec<u8>, Problem> {
        if keys.is_empty() {
            return Err(cant_decrypt());
        }
        let count = count_of(&keys);
        self.rate.take(holder, count, Instant::now()).map_err(|wait| {
            refused("private operations");
            Problem::too_many(wait)
        })?;
        let place = self.places.clone().try_acquire_owned().map_err(|_| {
            refused("private operations at once");
            Problem::unavailable()
        })?;
        open(&self.working, place, (keys, token)).await?.map_err(unopened)
    }

    /// The same for one of many that come in a row, which waits for its holder's budget and for a
    /// place. It leaves every second operation of the budget to others. The outer error is none of
    /// the token's.
    pub(super) async fn decrypt_in_turn(
        &self,
        holder: Holder,
        keys: Vec<Arc<PrivateKey>>,
        token: Token,
    ) -> Result<Result<Vec<u8>, JweError>, Problem> {
        if keys.is_empty() {
            return Ok(Err(JweError::CantDecrypt));
        }
        let count = count_of(&keys);
        sleep(self.pause * count).await;
        while let Err(wait) = self.rate.take(holder, count, Instant::now()) {
            sleep(wait).await;
        }
        let place = self.places.clone().acquire_owned().await;
        let place = place.map_err(|_| Problem::internal())?;
        open(&self.working, place, (keys, token)).await
    }
}

fn count_of(keys: &[Arc<PrivateKey>]) -> u32 {
    u32::try_from(keys.len()).unwrap_or(u32::MAX)
}

/// Does what there is a place for; it is given back when that has ended.
async fn open(
    working: &Arc<Semaphore>,
    place: OwnedSemaphorePermit,
    (keys, token): (Vec<Arc<PrivateKey>>, Token),
) -> Result<Result<Vec<u8>, JweError>, Problem> {
    let turn = working.clone().acquire_owned().await;
    let turn = turn.map_err(|_| Problem::internal())?;
    let decrypt = move || {
        let opened = decrypt_with(&keys, &token).map(|plain| plain.to_vec());
        drop((turn, place));
        opened
    };
    tokio::task::spawn_blocking(decrypt).await.map_err(|_| Problem::internal())
}

/// What is told of a token that can't be opened.
pub(super) fn unopened(error: JweError) -> Problem {
    match error {
        JweError::InvalidPayload => invalid_payload(),
        JweError::CantDecrypt => cant_decrypt(),
    }
}

fn cant_decrypt() -> Problem {
    let detail = "The payload can't be decrypted with our key.";
    Problem::bad_request("CANT_DECRYPT_PAYLOAD", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;
    use axum::response::IntoResponse as _;
    use crypto::jwe::PublicKey;

    fn status(answer: Result<Vec<u8>, Problem>) -> Result<Vec<u8>, StatusCode> {
        answer.map_err(|problem| problem.into_response().status())
    }

    fn token(key: &PrivateKey) -> Token {
        let public = PublicKey::parse(&key.public_header()).expect("our own key");
        Token::parse(&public.encrypt(None, b"{}")).expect("a token")
    }

    #[tokio::test]
    async fn only_so_many_requests_wait_to_be_decrypted() {
        let key = Arc::new(PrivateKey::generate());
        let decryption = Decryption::limited(NonZero::new(100).expect("many"), 1, 2);
        let decrypt =
            || async { status(decryption.decrypt([0; 32], vec![key.clone()], token(&key)).await) };

        let busy = decryption.places.clone().try_acquire_many_owned(3).expect("all are free");
        assert_eq!(decrypt().await, Err(StatusCode::SERVICE_UNAVAILABLE));
        drop(busy);
        let answers = tokio::join!(decrypt(), decrypt(), decrypt());
        for answer in [answers.0, answers.1, answers.2] {
            assert_eq!(answer, Ok(b"{}".to_vec()));
        }
        assert_eq!(decryption.places.available_permits(), 3);
        assert_eq!(decryption.working.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_certificate_beyond_its_rate_is_told_when_to_come_back() {
        let key = Arc::new(PrivateKey::generate());
        let decryption = Decryption::limited(NonZero::new(1).expect("one"), 1, 2);
        let decrypt = |holder, keys: usize| {
            decryption.decrypt([holder; 32], vec![key.clone(); keys], token(&key))
        };
        assert_eq!(status(decrypt(1, ACCEPTED_MAX).await), Ok(b"{}".to_vec()));
        let refused = decrypt(1, 1).await.expect_err("beyond its rate").into_response();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        let seconds = refused.headers()["retry-after"].to_str().expect("text").parse::<u64>();
        assert!((1..=2).contains(&seconds.expect("seconds")));
        assert_eq!(status(decrypt(2, 1).await), Ok(b"{}".to_vec()));
        assert_eq!(status(decrypt(1, 0).await), Err(StatusCode::BAD_REQUEST));
    }
}
