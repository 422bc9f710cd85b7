//! Transactions: find, list.

use crate::page::Page;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::ids::{BalanceId, TransactionId};
use domain::scope::Scope;
use domain::transaction::Transaction;
use store::transactions;

impl App {
    /// The transaction of an id.
    pub async fn transaction(&self, scope: Scope, id: TransactionId) -> Result<Transaction, Error> {
        let mut tx = self.db.read().await?;
        let found = transactions::find(&mut tx, scope, id).await;
        Ok(tx.end(found).await?.ok_or(Refusal::TransactionNotFound)?)
    }

    /// A page of a balance's history, newest first, from the one before `before`.
    pub async fn transactions(
        &self,
        scope: Scope,
        balance: BalanceId,
        before: i64,
        limit: i64,
    ) -> Result<Page<Transaction>, Error> {
        self.balance(scope, None, balance).await?;
        let mut tx = self.db.read().await?;
        let rows = transactions::list(&mut tx, scope, balance, before, limit + 1).await;
        Ok(Page::of(tx.end(rows).await?, limit, |found| found.number))
    }
}
