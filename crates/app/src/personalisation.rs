//! Plastic's way to a bureau and back: batches of orders, and reports of what became of them (spec
//! "Personalisation").
//!
//! Orders that wait are given to a batch, all in one transaction; the batch's file is laid; then
//! all of it has left, in one transaction too. Whoever dies in between leaves a batch that the next
//! run lays again, under the same name. Two nodes, or a worker and a command, may do so at once:
//! both files hold the same orders, but for cards that were locked for good or removed in between.

mod batch;
mod bureau;
mod report;

pub use bureau::SetBureau;
pub use report::{Line, Taken};

use crate::audit::Origin;
use crate::{App, Error};
use domain::card::order::{CardOrder, OrderFailure};
use domain::ids::PartnerId;
use domain::program::Plastic;
use domain::{Date, Timestamp};
use jiff::ToSpan;
use serde_json::{Value, json};
use store::card_orders::{self, Kept};

/// How long a bureau may say nothing of what it got, in hours (spec "Personalisation").
const SILENCE_HOURS: i64 = 72;

impl App {
    /// Orders that left three days ago or earlier, and of which nothing was heard since.
    pub async fn overdue_orders(&self, partner: PartnerId) -> Result<Vec<Value>, Error> {
        let mut tx = self.db.read().await?;
        let found = card_orders::list_overdue(&mut tx, partner, self.heard_until(), 200).await;
        Ok(tx.end(found).await?.iter().map(order_json).collect())
    }

    /// How many of those there are, of all partners.
    pub async fn count_overdue_orders(&self) -> Result<i64, Error> {
        let settings = self.settings.get();
        let mut tx = self.db.read().await?;
        let counted = async {
            let mut all = 0;
            for partner in settings.partners() {
                all += card_orders::count_overdue(&mut tx, partner.id, self.heard_until()).await?;
            }
            Ok::<_, Error>(all)
        };
        let counted = counted.await;
        tx.end(counted).await
    }

    /// What left before that should have been heard of.
    pub(crate) fn heard_until(&self) -> Timestamp {
        let now = self.now();
        now.checked_sub(SILENCE_HOURS.hours()).unwrap_or(now)
    }
}

/// Who does what no partner asks for at this moment.
fn origin() -> Origin {
    Origin { actor: "worker:personalisation".to_owned(), address: None, request_id: String::new() }
}

/// Who makes a program's plastic, as it is told.
pub fn plastic_json(plastic: &Plastic) -> Value {
    json!({ "bureau": plastic.bureau, "chipProfile": plastic.chip_profile })
}

fn order_json(kept: &Kept) -> Value {
    let order = &kept.order;
    json!({
        "orderId": order.id.0.to_string(),
        "cardId": order.card.0,
        "status": order.status.as_str(),
        "batch": kept.batch.as_ref().map(|batch| &batch.name),
        "sentAt": kept.sent_at.map(|at| at.to_string()),
    })
}

/// What an audit record tells of how far an order is.
fn facts(order: &CardOrder) -> Value {
    json!({
        "status": order.status.as_str(),
        "failure": order.failure.map(OrderFailure::as_str),
        "trackingNumber": order.tracking,
    })
}

/// A month as a card shows it.
fn month(date: Date) -> String {
    format!("{:04}-{:02}", date.year(), date.month())
}
