//! Cards that are added, each with its number.

use super::{SealedPan, TABLE, row_of};
use crate::StoreError;
use crate::db::{Tx, Value};
use domain::Timestamp;
use domain::card::Card;
use domain::scope::Scope;

/// Adds a card.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    card: &Card,
    pan: &SealedPan,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.insert_all(&TABLE, &[row_of(scope, card, pan, now)]).await.map(|_| ())
}

/// Adds cards at once, each with its number.
pub async fn insert_all<'a>(
    tx: &mut Tx,
    scope: Scope,
    new: impl Iterator<Item = (&'a Card, &'a SealedPan)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = new.map(|(card, pan)| row_of(scope, card, pan, now)).collect();
    tx.insert_all(&TABLE, &rows).await.map(|_| ())
}

/// Adds cards at once, each with its number, unless one is there; how many it added. The caller
/// has ordered them by the index of their numbers: all who add the same wait in one order.
pub async fn insert_new<'a>(
    tx: &mut Tx,
    scope: Scope,
    new: impl Iterator<Item = (&'a Card, &'a SealedPan)>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let rows: Vec<Vec<Value>> = new.map(|(card, pan)| row_of(scope, card, pan, now)).collect();
    tx.insert_new(&TABLE, &rows).await
}
