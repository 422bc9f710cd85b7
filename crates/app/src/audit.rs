//! Audit records of changes through the control channel.

use crate::{App, Error};
use domain::ids::PartnerId;
use serde_json::Value;
use store::audit::{Record, insert};
use store::db::Tx;

/// Who acts on the command line or the control socket: `os:` and the name of the OS user.
#[derive(Clone, Debug)]
pub struct Operator(pub String);

impl App {
    /// Writes that an operator has something copied out of the instance.
    pub async fn record_backup(&self, operator: &Operator, what: &str) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let act = ("backup.create", what, &Value::Null);
        let recorded = self.record_act(&mut tx, operator, PartnerId::PLATFORM, act).await;
        tx.end(recorded).await
    }

    /// Writes what an operator does, in the transaction that does it.
    pub(crate) async fn record_act(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        partner: PartnerId,
        act: (&str, &str, &Value),
    ) -> Result<(), Error> {
        let (action, object, detail) = act;
        let record = Record {
            id: self.ordered_id(),
            partner,
            actor: &operator.0,
            action,
            object,
            detail,
            at: self.now(),
        };
        Ok(insert(tx, &record).await?)
    }
}
