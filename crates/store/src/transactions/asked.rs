//! Transactions that a partner is asked about.

use super::Key;
use crate::balances::read_owner;
use crate::db::{Each, Row, Sql, Tx, Type, Value};
use crate::read::{corrupt, currency, date_or_none};
use crate::{StoreError, values};
use domain::balance::Owner;
use domain::ids::{BalanceId, CardId, MessageId, PartnerId, TransactionId};
use domain::money::Currency;
use domain::scope::Scope;
use domain::transaction::Asking;
use domain::{Date, Timestamp};
use std::collections::BTreeSet;
use uuid::Uuid;

// The index holds nothing else.
pub(super) const UNANSWERED: Sql = Sql("
    select t.id, t.balance_id, t.card_id, t.currency, t.asking_message, b.owner_id, b.kind
    from \"transaction\" t
    join balance b on b.partner_id = t.partner_id and b.id = t.balance_id
    where t.partner_id = $1 and t.asking_until <= $2
    order by t.asking_until
    limit $3");
pub(super) const REMOVE: Each = Each {
    sql: "delete from \"transaction\" where partner_id = $1 and id = $2 and processing = 'ASKING'",
    keys: &[Type::Int, Type::Uuid],
};
/// Each is within what may be paid without an answer, so their sum doesn't leave 64 bits.
pub(super) const STAND_INS: Each = Each {
    sql: "select partner_id, card_id, counted_on, cast(sum(amount) as bigint) as amount
        from \"transaction\"
        where partner_id = $1 and card_id = $2 and counted_on = $3 and decided_by = 'STAND_IN'
            and processing = 'SUCCESS' and status <> 'REVERSED'
        group by partner_id, card_id, counted_on",
    keys: &[Type::Int, Type::Int, Type::Text],
};
/// A card of a partner, and a day on which its payments count.
pub type CardDay = (PartnerId, CardId, Date);

/// What was paid with cards on days without the partner's answer, in minor units; only what there
/// is.
pub async fn stand_ins(
    tx: &mut Tx,
    of: &BTreeSet<CardDay>,
) -> Result<Vec<(CardDay, i64)>, StoreError> {
    let keys: Vec<Vec<Value>> =
        of.iter().map(|(partner, card, day)| values![*partner, *card, *day]).collect();
    let rows = tx.rows_each(&STAND_INS, &keys).await?;
    let read = |row: &Row| {
        let day = date_or_none(row, "counted_on")?.ok_or_else(|| corrupt("counted_on"))?;
        Ok(((row.get("partner_id")?, CardId(row.get("card_id")?), day), row.get("amount")?))
    };
    rows.iter().map(read).collect()
}

/// A transaction that a partner was asked about, and hasn't answered in time.
#[derive(Clone, Copy, Debug)]
pub struct Unanswered {
    /// Its id.
    pub id: TransactionId,
    /// The message that asked.
    pub message: MessageId,
    /// The balance that it holds of.
    pub balance: BalanceId,
    /// The card that it is paid with.
    pub card: Option<CardId>,
    /// Whose the balance is.
    pub owner: Owner,
    /// Its currency.
    pub currency: Currency,
}

/// Transactions of a partner whose time to answer has ended by a moment of real time, oldest first.
pub async fn list_unanswered(
    tx: &mut Tx,
    scope: Scope,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Unanswered>, StoreError> {
    let rows = tx.rows(&UNANSWERED, &[&scope.partner(), &until, &limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(Unanswered {
                id: row.get("id")?,
                message: MessageId(row.get("asking_message")?),
                balance: row.get("balance_id")?,
                card: row.get::<Option<i64>>("card_id")?.map(CardId),
                owner: read_owner(row)?,
                currency: currency(row, "currency")?,
            })
        })
        .collect()
}

/// Takes away what was only asked about: it becomes a transaction anew, or a part of another one.
/// Answers how many were there.
pub async fn remove_asked(tx: &mut Tx, keys: impl Iterator<Item = Key>) -> Result<u64, StoreError> {
    let keys: Vec<Vec<Value>> = keys.map(|(partner, id)| values![partner, id]).collect();
    tx.run_each(&REMOVE, &keys).await
}

pub(super) fn read(row: &Row) -> Result<Option<Asking>, StoreError> {
    let Some(message) = row.get::<Option<Uuid>>("asking_message")? else { return Ok(None) };
    Ok(Some(Asking { message: MessageId(message), until: row.get("asking_until")? }))
}
