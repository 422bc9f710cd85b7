//! The cards that an owner has.

use crate::StoreError;
use crate::db::{Sql, Tx};
use domain::ids::{CorporationId, UserId};
use domain::scope::Scope;

/// One whose place another has taken is none that its holder has.
pub(super) const COUNT: Sql = Sql("
    select count(*) as cards
    from card
    where partner_id = $1 and user_id = $2 and config_id = $3 and removed_at is null
        and corporation_id is null and (lock_reason is null or lock_reason <> 'CARD_REPLACED')");
pub(super) const COUNT_OF_CORPORATION: Sql = Sql("
    select count(*) as cards
    from card
    where partner_id = $1 and corporation_id = $2 and config_id = $3 and removed_at is null
        and (lock_reason is null or lock_reason <> 'CARD_REPLACED')");

/// How many cards of a program an owner has that no other has replaced: a user, or a corporation.
pub async fn count(
    tx: &mut Tx,
    scope: Scope,
    (holder, corporation): (UserId, Option<CorporationId>),
    config_id: &str,
) -> Result<i64, StoreError> {
    let partner = scope.partner();
    // Few: as many as the program allows, and those that were replaced and removed.
    let row = match corporation {
        None => tx.find(&COUNT, &[&partner, &holder, &config_id]).await?,
        Some(id) => tx.find(&COUNT_OF_CORPORATION, &[&partner, &id, &config_id]).await?,
    };
    row.ok_or(StoreError::NotFound)?.get("cards")
}
