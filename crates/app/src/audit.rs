//! Audit records: where a command comes from, and the record of an operator's act.

use crate::{App, Error};
use domain::ids::PartnerId;
use serde_json::Value;
use std::net::IpAddr;
use store::audit::{Record, insert};
use store::db::Tx;

/// Where a command comes from, as its audit record tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who gave it: `certificate:NAME/SERIAL` of a caller's certificate, `os:NAME` of an operator.
    pub actor: String,
    /// The IP address that it came from; none where it was given on this machine.
    pub address: Option<IpAddr>,
    /// The name of its request, as the logs tell it.
    pub request_id: String,
}

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
