//! What a balance has of cards: a gift has one at a time.

use crate::StoreError;
use crate::db::{Sql, Tx};
use domain::ids::{BalanceId, CardId};
use domain::scope::Scope;

pub(super) const NEWEST: Sql = Sql("
    select id
    from card
    where partner_id = $1 and balance_id = $2
    order by created_at desc, id desc
    limit 1");
pub(super) const HAS_LIVE: Sql = Sql("
    select 1 as found
    from card
    where partner_id = $1 and balance_id = $2 and removed_at is null
        and (lock_reason is null or lock_reason <> 'CARD_REPLACED')
    limit 1");
/// The card of a balance that was made last, whatever became of it.
pub async fn newest_of_balance(
    tx: &mut Tx,
    scope: Scope,
    balance: BalanceId,
) -> Result<Option<CardId>, StoreError> {
    let row = tx.find(&NEWEST, &[&scope.partner(), &balance]).await?;
    row.map(|row| row.get("id").map(CardId)).transpose()
}

/// Whether a balance has a card that is neither removed nor replaced.
pub async fn has_live(tx: &mut Tx, scope: Scope, balance: BalanceId) -> Result<bool, StoreError> {
    Ok(tx.find(&HAS_LIVE, &[&scope.partner(), &balance]).await?.is_some())
}
