//! Erases users who were removed, once they needn't be known any more (GDPR, article 17; how long
//! they must be is the law's on money laundering, and the operator's to configure).
//!
//! What merchants have said of their payments goes first, a little at a time; the last commit
//! takes all else, and is what makes a user erased. So whoever is killed in between begins again.

use crate::audit::{Entry, Origin};
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::{BalanceId, UserId};
use domain::scope::Scope;
use serde_json::json;
use std::time::Duration;
use store::db::Tx;
use store::{balances, erasure};

/// How often it is tried to empty SQLite's log, which a reader may be in the way of.
const TRIES: usize = 20;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// Transactions of one commit: some milliseconds of SQLite's only writer.
const ROWS: i64 = 500;

/// Erases so many users who were removed before a moment, unless the process is ending: how many
/// were found, and how many of them are erased now.
pub(crate) async fn erase_users(
    app: &App,
    before: Timestamp,
    limit: i64,
) -> Result<(u64, u64), Error> {
    let mut tx = app.db.read().await?;
    let due = erasure::list_due(&mut tx, before, limit).await;
    let due = tx.end(due).await?;
    let (found, mut erased) = (due.len() as u64, 0);
    for (partner, user) in due {
        if app.tasks.is_stopping() {
            break;
        }
        let scope = Scope::platform(partner, "a removed user is erased");
        erased += u64::from(erase_user(app, scope, user).await?);
    }
    // What SQLite's log still has is gone too, or will be when the log begins anew.
    for _ in 0..if erased > 0 { TRIES } else { 0 } {
        if app.db.empty_log().await? {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok((found, erased))
}

async fn erase_user(app: &App, scope: Scope, user: UserId) -> Result<bool, Error> {
    let mut tx = app.db.read().await?;
    let own = balances::list(&mut tx, scope, user.into()).await;
    for balance in tx.end(own).await? {
        erase_transactions(app, scope, balance.id).await?;
    }
    let mut tx = app.db.begin().await?;
    let erased = erase_in(app, &mut tx, scope, user).await;
    tx.end(erased).await
}

/// One commit after the other. The balance guards its transactions, so it is locked each time.
async fn erase_transactions(app: &App, scope: Scope, balance: BalanceId) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let mut tx = app.db.begin().await?;
        let last = async {
            balances::lock(&mut tx, &[(scope.partner(), balance)].into()).await?;
            erasure::erase_transactions(&mut tx, scope, (balance, after), ROWS).await
        };
        let last = last.await;
        match tx.end(last).await? {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

async fn erase_in(app: &App, tx: &mut Tx, scope: Scope, user: UserId) -> Result<bool, Error> {
    let cards = erasure::list_cards(tx, scope, user).await?;
    let guards = cards.iter().map(|(_, balance)| (scope.partner(), *balance)).collect();
    balances::lock(tx, &guards).await?;
    let erased = erasure::erase(tx, scope, (user, &cards), app.now()).await?;
    if erased {
        let entry = Entry::made("user.erase", user.0, json!({}));
        app.record(tx, scope.partner(), &origin(), entry).await?;
    }
    Ok(erased)
}

fn origin() -> Origin {
    Origin { actor: "worker:janitor".to_owned(), address: None, request_id: String::new() }
}
