//! `/transactions/…` of a partner that is asked: what it does can't be seen, what it answers can.

use super::balances::same;
use super::player::{Checked, Player};
use super::transactions::{
    CREDIT, DEBIT, FORCE_CREDIT, FORCE_DEBIT, Object, REVERSAL, refused_after_reversal,
};

/// An amount that is surely below any limit, in minor units.
const SMALL: i64 = 100;

pub(super) async fn check(player: &mut Player<'_>) {
    let new = player.id().to_string();
    let balance = player.plan.balance.unwrap_or(&new);
    let object = Object::new(player, balance, SMALL);
    let checked = twice(player, DEBIT, &object).await;
    player.note("debit: is answered, and again so for its key", checked);
    let checked = at_once(player, balance).await;
    player.note("debit: two at once under one key are one", checked);
    let checked = reversed(player, &object).await;
    player.note("reversal: of a debit is done, and once more", checked);
    let credit = Object::new(player, balance, SMALL).adjustment();
    let checked = twice(player, CREDIT, &credit).await;
    player.note("credit: is answered, and again so for its key", checked);
    let checked = reversed(player, &credit).await;
    player.note("reversal: of a credit is done, and once more", checked);
    let forced = Object::new(player, balance, SMALL).with("status", "CLEARED");
    let checked = twice(player, FORCE_DEBIT, &forced).await;
    player.note("force-debit: is taken, and again so for its key", checked);
    let forced = Object::new(player, balance, SMALL).adjustment().with("status", "CLEARED");
    let checked = twice(player, FORCE_CREDIT, &forced).await;
    player.note("force-credit: is taken, and again so for its key", checked);
    let checked = by_network(player, balance).await;
    player.note("force-credit: with the id of its debit is taken", checked);
    let checked = overtaken(player, balance).await;
    player.note("reversal: of an unknown id is done, and its debit is refused", checked);
}

async fn twice(player: &mut Player<'_>, path: &str, object: &Object) -> Checked {
    let key = player.id();
    let first = player.post_as(path, object.body(), key).await?;
    first.done(&mut player.manners)?;
    let second = player.post_as(path, object.body(), key).await?;
    same(&first, &second)
}

async fn at_once(player: &mut Player<'_>, balance: &str) -> Checked {
    let (key, object) = (player.id(), Object::new(player, balance, SMALL));
    player.post_twice(DEBIT, object.body(), key).await?;
    // Whoever finds the first at work may say so; asked again it must answer as the first.
    player.post_as(DEBIT, object.body(), key).await?.done(&mut player.manners)?;
    player.post(REVERSAL, object.body()).await?.done(&mut player.manners)
}

async fn reversed(player: &mut Player<'_>, object: &Object) -> Checked {
    for _ in 0..2 {
        player.post(REVERSAL, object.body()).await?.done(&mut player.manners)?;
    }
    Ok(())
}

async fn by_network(player: &mut Player<'_>, balance: &str) -> Checked {
    let object = Object::new(player, balance, SMALL);
    player.post(DEBIT, object.body()).await?.done(&mut player.manners)?;
    let reversed = object.reversed(player);
    player.post(FORCE_CREDIT, reversed.body()).await?.done(&mut player.manners)
}

async fn overtaken(player: &mut Player<'_>, balance: &str) -> Checked {
    let object = Object::new(player, balance, SMALL);
    player.post(REVERSAL, object.body()).await?.done(&mut player.manners)?;
    let came = player.post(DEBIT, object.body()).await?;
    refused_after_reversal(&came)
}
