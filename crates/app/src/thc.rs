//! The transaction history core: a view of transactions with what their partner has written beside
//! them, and the partner's own records among them (spec "Transaction history core").

mod list;
mod record;
mod sources;
mod write;

pub use list::Asked;
pub use record::{HistoryRecord, Known, Merchant, Parties};
pub use store::thc::{Notes, Own};
pub use store::users::Contact;

use crate::refusals::Refusal;
use crate::{App, Error};
use domain::scope::Scope;
use sources::{Line, Sources};
use store::db::Tx;

impl App {
    /// The record of a number.
    pub async fn history_record(&self, scope: Scope, number: i64) -> Result<HistoryRecord, Error> {
        let mut tx = self.db.read().await?;
        let found = self.record_of(&mut tx, scope, number).await;
        tx.end(found).await
    }

    async fn record_of(
        &self,
        tx: &mut Tx,
        scope: Scope,
        number: i64,
    ) -> Result<HistoryRecord, Error> {
        let line = Line::find(tx, scope, number).await?.ok_or(Refusal::TransactionNotFound)?;
        let lines = [line];
        let sources = Sources::load(tx, scope, &lines).await?;
        let mut records = self.records(scope, &sources, &lines);
        records.pop().ok_or(Error::broken("a record of the history can't be told"))
    }

    /// The records of some lines, in their order.
    fn records(&self, scope: Scope, sources: &Sources, lines: &[Line]) -> Vec<HistoryRecord> {
        let settings = self.settings.get();
        let record = |line| sources.record(&settings, scope.partner(), line);
        lines.iter().filter_map(record).collect()
    }
}
