//! Erases users and corporations that were removed, once they needn't be known any more (GDPR,
//! article 17; how long they must be is the law's on money laundering, and the operator's to
//! configure).
//!
//! What merchants have said of their payments goes first, a little at a time, what the partner has
//! added to their history, and documents; the
//! last commit takes all else, and is what makes an owner erased. So whoever is killed in between
//! begins again.

use crate::audit::{Entry, Origin};
use crate::janitor::PAUSE;
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::{BalanceId, CorporationId};
use domain::scope::Scope;
use serde_json::json;
use store::db::Tx;
use store::erasure::{Kind, Removed};
use store::{balances, corporations, erasure, thc, users};

/// Transactions of one commit: some milliseconds of SQLite's only writer.
const ROWS: i64 = 500;

/// Erases so many of a kind who were removed before a moment, unless the process is ending: how
/// many were found, and how many of them are erased now.
pub(crate) async fn erase_removed(
    app: &App,
    kind: Kind,
    before: Timestamp,
    limit: i64,
) -> Result<(u64, u64), Error> {
    let mut tx = app.db.read().await?;
    let due = erasure::list_due(&mut tx, kind, before, limit).await;
    let due = tx.end(due).await?;
    let (found, mut erased) = (due.len() as u64, 0);
    for (partner, removed) in due {
        if app.tasks.is_stopping() {
            break;
        }
        let scope = Scope::platform(partner, "who was removed is erased");
        erased += u64::from(erase_one(app, scope, removed).await?);
    }
    if erased > 0 {
        app.db.note_erased();
    }
    // Not now where a reader is in the way: then with the next round.
    app.db.empty_log_of_erased().await?;
    Ok((found, erased))
}

/// Whether one is erased now: not if the process is ending, and the next one begins again.
async fn erase_one(app: &App, scope: Scope, removed: Removed) -> Result<bool, Error> {
    let mut tx = app.db.read().await?;
    let own = balances::list(&mut tx, scope, removed.into()).await;
    for balance in tx.end(own).await? {
        erase_transactions(app, scope, balance.id).await?;
    }
    erase_history(app, scope, removed).await?;
    if let Removed::Corporation(id) = removed {
        erase_documents(app, scope, id).await?;
    }
    if app.tasks.is_stopping() {
        return Ok(false);
    }
    let mut tx = app.db.begin().await?;
    let erased = erase_in(app, &mut tx, scope, removed).await;
    let erased = tx.end(erased).await?;
    tokio::time::sleep(PAUSE).await;
    Ok(erased)
}

/// One commit after the other. The balance guards its transactions, so it is locked each time.
async fn erase_transactions(app: &App, scope: Scope, balance: BalanceId) -> Result<(), Error> {
    let mut after = 0;
    while !app.tasks.is_stopping() {
        let mut tx = app.db.begin().await?;
        let last = async {
            balances::lock(&mut tx, &[(scope.partner(), balance)].into()).await?;
            erasure::erase_transactions(&mut tx, scope, (balance, after), ROWS).await
        };
        let last = last.await;
        let Some(last) = tx.end(last).await? else { break };
        after = last;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// One commit after the other; nobody adds to the history of an owner who was removed.
async fn erase_history(app: &App, scope: Scope, removed: Removed) -> Result<(), Error> {
    while !app.tasks.is_stopping() {
        let mut tx = app.db.begin().await?;
        let erased = thc::erase(&mut tx, scope, removed.into(), ROWS).await;
        if tx.end(erased).await? == 0 {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// One commit after the other; nobody adds one to a corporation that was removed.
async fn erase_documents(app: &App, scope: Scope, id: CorporationId) -> Result<(), Error> {
    while !app.tasks.is_stopping() {
        let mut tx = app.db.begin().await?;
        let erased = erasure::erase_document(&mut tx, scope, id).await;
        if !tx.end(erased).await? {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// The owner first, then what guards the cards, as everybody locks.
async fn erase_in(app: &App, tx: &mut Tx, scope: Scope, removed: Removed) -> Result<bool, Error> {
    let partner = scope.partner();
    let (action, object) = match removed {
        Removed::User(id) => {
            users::lock(tx, &[(partner, id)].into()).await?;
            ("user.erase", id.0)
        }
        Removed::Corporation(id) => {
            corporations::lock(tx, &[(partner, id)].into()).await?;
            ("corporation.erase", id.0)
        }
    };
    let cards = erasure::list_cards(tx, scope, removed).await?;
    let guards = cards.iter().map(|(_, balance)| (scope.partner(), *balance)).collect();
    balances::lock(tx, &guards).await?;
    let erased = erasure::erase(tx, scope, (removed, &cards), app.now()).await?;
    if erased {
        let entry = Entry::made(action, object, json!({}));
        app.record(tx, partner, &origin(), entry).await?;
    }
    Ok(erased)
}

fn origin() -> Origin {
    Origin { actor: "worker:janitor".to_owned(), address: None, request_id: String::new() }
}
