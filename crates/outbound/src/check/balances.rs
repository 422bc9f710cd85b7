//! `/users/{id}/balances`: linked, read, listed, and unlinked in the end.

use super::player::{Came, Checked, Player, warning, wrong};
use super::transactions;
use crate::balances::{path, path_of_all};
use domain::ids::BalanceId;
use serde_json::{Value, json};

/// A user whom nobody has: the ids of users begin with 1.
const NOBODY: &str = "0";

/// The balance that is played with.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) id: String,
    /// Its path.
    path: String,
    /// The path of its user's balances.
    all: String,
}

impl Account {
    fn of(player: &Player<'_>) -> Self {
        let (id, user) = (player.id(), player.plan.user);
        Self { id: id.to_string(), path: path(user, BalanceId(id)), all: path_of_all(user) }
    }
}

pub(super) async fn check(player: &mut Player<'_>) {
    let account = Account::of(player);
    let unknown = of_nobody(player).await;
    player.note("link: an unknown user's is refused", unknown);
    let linked = link(player, &account).await;
    let is_linked = linked.is_ok();
    player.note("link: a known user's is done", linked);
    if !is_linked {
        return;
    }
    let read = amount(player, &account).await;
    let starting = read.as_ref().ok().copied();
    player.note("read: a balance", read.map(|_| ()));
    // Everything else looks at what the balance has.
    let Some(starting) = starting else { return };
    let again = linked_again(player, &account).await;
    player.note("link: once more is no fault", again);
    let listed = list(player, &account).await;
    player.note("read: the list of a user's balances", listed);
    let missing = missing(player, &account).await;
    player.note("read: an unknown balance is refused", missing);
    let foreign = foreign(player, &account).await;
    player.note("read: another user's balance is refused", foreign);

    transactions::check(player, &account).await;

    let settled = transactions::settle(player, &account, starting).await;
    player.note("the balance has in the end what it had at first", settled);
    let removed = unlink(player, &account).await;
    player.note("unlink: a balance goes, and nothing else", removed);
}

async fn of_nobody(player: &mut Player<'_>) -> Checked {
    // Another balance: whoever makes it isn't kept from making the next one.
    let body = json!({ "balanceId": player.id(), "currency": player.plan.currency });
    let came = player.post(&format!("/users/{NOBODY}/balances"), &body).await?;
    came.refused(&mut player.manners, 404, "USER_NOT_FOUND")
}

async fn link(player: &mut Player<'_>, account: &Account) -> Checked {
    let body = json!({ "balanceId": account.id, "currency": player.plan.currency });
    let key = player.id();
    let first = player.post_as(&account.all, &body, key).await?;
    first.done(&mut player.manners)?;
    let second = player.post_as(&account.all, &body, key).await?;
    same(&first, &second)
}

/// The same link under another key: not a call of ours, but one that a restored backup may make.
async fn linked_again(player: &mut Player<'_>, account: &Account) -> Checked {
    let body = json!({ "balanceId": account.id, "currency": player.plan.currency });
    let before = amount(player, account).await?;
    let came = player.post(&account.all, &body).await?;
    let after = amount(player, account).await?;
    if after != before {
        let expected = format!("the balance has {before} still");
        return Err(wrong(&came.sent, &expected, &format!("{}, and {after}", came.shown())));
    }
    if !came.is_success() {
        return Err(warning(&came.sent, "204: it is linked so already", &came.shown()));
    }
    Ok(())
}

/// What the balance has, in minor units.
pub(super) async fn amount(player: &mut Player<'_>, account: &Account) -> Checked<i64> {
    let came = player.get(&account.path).await?;
    let expected = json!({ "currency": player.plan.currency, "amount": 250 }).to_string();
    let expected = format!("200 {expected}, the amount in minor units, a whole number");
    let body = came.json();
    let amount = body["amount"].as_i64().filter(|_| came.status == 200);
    let amount = amount.filter(|_| body["currency"] == player.plan.currency);
    amount.ok_or_else(|| wrong(&came.sent, &expected, &came.shown()))
}

async fn list(player: &mut Player<'_>, account: &Account) -> Checked {
    let has = amount(player, account).await?;
    let came = player.get(&account.all).await?;
    let id = &account.id;
    let expected = json!({ "id": id, "currency": player.plan.currency, "amount": has });
    let is_ours = |item: &&Value| item["id"] == *id || item["balanceId"] == *id;
    let body = came.json();
    let found = body.as_array().and_then(|items| items.iter().find(is_ours));
    let is_right = |item: &Value| {
        item["amount"].as_i64() == Some(has) && item["currency"] == player.plan.currency
    };
    if came.status == 200 && found.is_some_and(is_right) {
        return Ok(());
    }
    let expected = format!("200 and a list with {expected} in it");
    Err(wrong(&came.sent, &expected, &came.shown()))
}

async fn missing(player: &mut Player<'_>, account: &Account) -> Checked {
    let path = format!("{}/{}", account.all, player.id());
    let came = player.get(&path).await?;
    came.refused(&mut player.manners, 404, "BALANCE_NOT_FOUND")
}

async fn foreign(player: &mut Player<'_>, account: &Account) -> Checked {
    let came = player.get(&format!("/users/{NOBODY}/balances/{}", account.id)).await?;
    not_theirs(player, &came)
}

fn not_theirs(player: &mut Player<'_>, came: &Came) -> Checked {
    if came.is_success() {
        return Err(wrong(&came.sent, "403 FORBIDDEN", &came.shown()));
    }
    // Whoever looks for the user first finds none.
    if came.status == 404 {
        return Err(warning(&came.sent, "403 FORBIDDEN", &came.shown()));
    }
    came.refused(&mut player.manners, 403, "FORBIDDEN")
}

async fn unlink(player: &mut Player<'_>, account: &Account) -> Checked {
    let came = player.delete(&format!("/users/{NOBODY}/balances/{}", account.id)).await?;
    if came.is_success() {
        return Err(wrong(&came.sent, "403 FORBIDDEN: it is another's", &came.shown()));
    }
    let came = player.delete(&format!("{}/{}", account.all, player.id())).await?;
    came.refused(&mut player.manners, 404, "BALANCE_NOT_FOUND")?;
    player.delete(&account.path).await?.done(&mut player.manners)?;
    let came = player.delete(&account.path).await?;
    if !came.is_success() {
        came.refused(&mut player.manners, 404, "BALANCE_NOT_FOUND")?;
    }
    let came = player.get(&account.path).await?;
    came.refused(&mut player.manners, 404, "BALANCE_NOT_FOUND")
}

/// The same key must get the same answer.
pub(super) fn same(first: &Came, second: &Came) -> Checked {
    let bodies = [&first.body, &second.body].map(|body| serde_json::from_slice(body).ok());
    let [one, other]: [Option<Value>; 2] = bodies;
    if first.status == second.status && (one == other || first.body == second.body) {
        return Ok(());
    }
    let expected = format!("the answer that this key got before: {}", first.shown());
    Err(wrong(&second.sent, &expected, &second.shown()))
}
