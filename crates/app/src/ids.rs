//! New identifiers.

use crate::App;
use crate::Error;
use domain::ids::{
    BalanceId, CardId, MessageId, PartnerId, ProcessorId, TransactionId, UserId, VerificationId,
    ordered_v4,
};
use std::collections::HashMap;
use std::ops::Range;
use store::db::Db;
use tokio::sync::Mutex;
use uuid::Uuid;

/// How many numbers a node takes of a series at once: what is lost at a restart, against a
/// transaction for each number.
const BLOCK: i64 = 64;

/// Numbers that this node has taken and not yet given out, by partner and series.
#[derive(Debug, Default)]
pub struct Numbers(Mutex<HashMap<(PartnerId, String), Range<i64>>>);

impl App {
    /// The next number of a series; unique for ever, not without gaps.
    pub(crate) async fn next_number(&self, partner: PartnerId, series: &str) -> Result<i64, Error> {
        let mut blocks = self.numbers.0.lock().await;
        let block = blocks.entry((partner, series.to_owned())).or_default();
        if block.is_empty() {
            let mut tx = self.db.begin().await?;
            let first = store::counters::take(&mut tx, partner, series, BLOCK).await;
            let first = tx.end(first).await?;
            *block = first..first + BLOCK;
        }
        block.next().ok_or(Error::broken("a block of numbers is empty"))
    }

    /// Leaves out the numbers of a series before this one, and those that are in hand; which one is
    /// the next.
    pub(crate) async fn leave_numbers_out(
        &self,
        partner: PartnerId,
        series: &str,
        before: i64,
    ) -> Result<i64, Error> {
        let mut blocks = self.numbers.0.lock().await;
        let mut tx = self.db.begin().await?;
        let left = async {
            let next = store::counters::taken(&mut tx, partner, series).await? + 1;
            if next < before {
                store::counters::take(&mut tx, partner, series, before - next).await?;
            }
            Ok::<_, Error>(next.max(before))
        };
        let left = left.await;
        let next = tx.end(left).await?;
        blocks.remove(&(partner, series.to_owned()));
        Ok(next)
    }

    /// A new user's id.
    pub(crate) async fn new_user_id(&self) -> Result<UserId, Error> {
        self.next_number(PartnerId::PLATFORM, "user").await.map(UserId)
    }

    /// Ids of new users, for so many at once.
    pub(crate) async fn new_user_ids(&self, count: i64) -> Result<Range<i64>, Error> {
        let mut tx = self.db.begin().await?;
        let first = store::counters::take(&mut tx, PartnerId::PLATFORM, "user", count).await;
        let first = tx.end(first).await?;
        Ok(first..first + count)
    }

    /// A new card's id.
    pub(crate) async fn new_card_id(&self) -> Result<CardId, Error> {
        self.next_number(PartnerId::PLATFORM, "card").await.map(CardId)
    }

    /// A new partner's id.
    pub(crate) async fn new_partner_id(&self) -> Result<PartnerId, Error> {
        self.next_number(PartnerId::PLATFORM, "partner").await.map(PartnerId)
    }

    /// A new processor's id.
    pub(crate) async fn new_processor_id(&self) -> Result<ProcessorId, Error> {
        self.next_number(PartnerId::PLATFORM, "processor").await.map(ProcessorId)
    }

    /// A UUIDv4 that sorts by time.
    pub(crate) fn ordered_id(&self) -> Uuid {
        let milliseconds = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
        ordered_v4(milliseconds, crypto::random::number())
    }

    /// A new transaction's id.
    pub(crate) fn new_transaction_id(&self) -> TransactionId {
        TransactionId(self.ordered_id())
    }

    /// A new message's id.
    pub(crate) fn new_message_id(&self) -> MessageId {
        MessageId(self.ordered_id())
    }
}

/// Leaves out `count` numbers of every series of ids and card numbers: after a restore they may
/// have been given out, to somebody whom the restored database doesn't know.
pub async fn skip_numbers(db: &Db, count: i64) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    let skipped = store::counters::skip(&mut tx, count).await;
    Ok(tx.end(skipped).await?)
}

/// A UUIDv4.
#[must_use]
pub fn random_id() -> Uuid {
    uuid::Builder::from_random_bytes(crypto::random::bytes()).into_uuid()
}

/// What a form is known by, however often it is sent: its idempotency key.
#[must_use]
pub fn form_name() -> String {
    random_id().to_string()
}

/// A new balance's id.
pub(crate) fn new_balance_id() -> BalanceId {
    BalanceId(random_id())
}

/// A new form's id.
pub(crate) fn new_verification_id() -> VerificationId {
    VerificationId(random_id())
}

/// Six digits that the merchant keeps of an approval.
pub(crate) fn authorization_code() -> String {
    format!("{:06}", crypto::random::number() % 1_000_000)
}
