//! Exports: transactions as a file, written in the background.
//!
//! An export is a row; a worker of any node writes it in slices (`exports/write.rs`), each a short
//! reading and a commit of its own that keeps a part of the file, sealed, and the place that was
//! reached. So the place isn't lost with the worker, nobody keeps a snapshot of the database open,
//! and each node has the whole file. It tells of what had come two minutes before it was asked for.

mod file;
mod write;

pub use file::ExportFile;

use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::page::Page;
use crate::refusals::Refusal;
use crate::transactions::{History, within};
use crate::{App, Error, Once};
use domain::Timestamp;
use domain::export::{ExportState, OPEN_MAX, SETTLED_SECONDS};
use domain::ids::{AdminId, BalanceId, CardId, UserId};
use domain::money::Currency;
use domain::scope::Scope;
use domain::search::LastFour;
use domain::transaction::{Description, Processing, Status, TransactionType};
use jiff::ToSpan as _;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use store::StoreError;
use store::db::Tx;
use store::exports::{self, Size};
use store::{admins, exports::Export};
use uuid::Uuid;

/// An export as people see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The export.
    pub export: Export,
    /// What was asked for; none if that can't be read.
    pub asked: Option<History>,
    /// The e-mail address of the account that asked, if it is one of the partner's own: those of
    /// the operator's people aren't its business.
    pub email: Option<String>,
}

impl App {
    /// Asks for a file of transactions.
    pub async fn ask_for_export(
        &self,
        scope: Scope,
        account: AdminId,
        asked: History,
        once: Once<Shown>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = self.insert_export(&mut tx, scope, account, asked).await;
        self.finish(scope, &once, tx, result).await
    }

    async fn insert_export(
        &self,
        tx: &mut Tx,
        scope: Scope,
        account: AdminId,
        asked: History,
    ) -> Result<Done<Shown>, Error> {
        within(tx, scope, &asked).await?;
        if exports::count_open(tx, scope).await? >= OPEN_MAX {
            return Err(Refusal::TooManyExports.into());
        }
        let (id, now) = (self.ordered_id(), self.now());
        // What comes while it is written isn't in it, and what is on its way may or may not be
        // seen by then.
        let settled = now.checked_sub(SETTLED_SECONDS.seconds()).unwrap_or(now);
        let to = asked.to.map_or(settled, |to| to.min(settled));
        let asked = History { to: Some(to), ..asked };
        let told = asked_json(&asked);
        exports::insert(tx, scope, (id, account), &told, now).await?;
        let digests = self.digests(scope.partner(), format!("export/{id}"));
        let mut after = told.clone();
        after["lastFourDigits"] =
            digests.of("lastFourDigits", asked.last_four.as_ref().map(LastFour::as_str));
        let email = emails(tx, scope, &[account].into()).await?.remove(&account);
        let export = Export {
            id,
            account,
            asked: told,
            state: ExportState::Queued,
            size: Size::default(),
            is_cut: false,
            reason: None,
            created_at: now,
            finished_at: None,
            expires_at: None,
        };
        let entry = Entry::made("export.create", id, after);
        Ok(Done::changed(Shown { export, asked: Some(asked), email }, entry))
    }

    /// A page of a partner's exports, newest first.
    pub async fn exports(
        &self,
        scope: Scope,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Page<Shown, Uuid>, Error> {
        let place = (before.unwrap_or(Uuid::max()), limit.saturating_add(1));
        let mut tx = self.db.read().await?;
        let read = async {
            let found = exports::list(&mut tx, scope, place, self.now()).await?;
            let page = Page::of(found, limit, |it: &Export| it.id);
            let items = shown(&mut tx, scope, page.items).await?;
            Ok::<_, Error>(Page { items, next: page.next })
        };
        let read = read.await;
        tx.end(read).await
    }

    /// One export.
    pub async fn export(&self, scope: Scope, id: Uuid) -> Result<Shown, Error> {
        let mut tx = self.db.read().await?;
        let read = async {
            let found = exports::find(&mut tx, scope, id, self.now()).await?;
            let found = found.ok_or(Refusal::ExportNotFound)?;
            shown(&mut tx, scope, vec![found]).await
        };
        let read = read.await;
        let shown = tx.end(read).await?;
        Ok(shown.into_iter().next().ok_or(Refusal::ExportNotFound)?)
    }

    /// Has an export be there no more; only who has asked for it may.
    pub async fn remove_export(
        &self,
        scope: Scope,
        (account, id): (AdminId, Uuid),
        once: Once<()>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let now = self.now();
        let mut tx = self.db.begin().await?;
        let result = async {
            let found = exports::find(&mut tx, scope, id, now).await?;
            let found = found.ok_or(Refusal::ExportNotFound)?;
            if found.account != account {
                return Err(Refusal::ExportNotYours.into());
            }
            // Somebody else may have been faster.
            if !exports::remove(&mut tx, scope, id, now).await? {
                return Err(Refusal::ExportNotFound.into());
            }
            let entry = Entry::of("export.remove", id, json!({ "rows": found.size.rows }));
            Ok(Done::changed((), entry))
        };
        let result = result.await;
        self.finish(scope, &once, tx, result).await
    }
}

async fn emails(
    tx: &mut Tx,
    scope: Scope,
    accounts: &BTreeSet<AdminId>,
) -> Result<HashMap<AdminId, String>, StoreError> {
    if accounts.is_empty() {
        return Ok(HashMap::new());
    }
    admins::emails(tx, scope, accounts).await
}

async fn shown(tx: &mut Tx, scope: Scope, found: Vec<Export>) -> Result<Vec<Shown>, Error> {
    let accounts = found.iter().map(|it| it.account).collect();
    let emails = emails(tx, scope, &accounts).await?;
    // One that can't be read keeps nobody from the others.
    let show = |export: Export| {
        let (email, asked) = (emails.get(&export.account).cloned(), read_asked(&export.asked));
        Shown { export, asked, email }
    };
    Ok(found.into_iter().map(show).collect())
}

const UNREADABLE: &str = "what an export was asked for can't be read";

/// What is asked for, as it is kept and told, by the names of the wire.
fn asked_json(asked: &History) -> Value {
    let History {
        balance,
        card,
        user,
        status,
        kind,
        from,
        to,
        last_four,
        processing,
        reason,
        amount_from,
        amount_to,
        currency,
    } = asked;
    json!({
        "balanceId": balance.map(|id| id.0.to_string()),
        "cardId": card.map(|id| id.0),
        "customerId": user.map(|id| id.0),
        "status": status.map(Status::as_str),
        "type": kind.map(TransactionType::as_str),
        "from": from.map(|at| at.to_string()),
        "to": to.map(|at| at.to_string()),
        "lastFourDigits": last_four.as_ref().map(LastFour::as_str),
        "processingStatus": processing.map(Processing::as_str),
        "reason": reason.map(Description::as_str),
        "amountFrom": amount_from,
        "amountTo": amount_to,
        "currency": currency.as_ref().map(Currency::code),
    })
}

/// The same, read; none if it isn't that.
fn read_asked(kept: &Value) -> Option<History> {
    fn read<T>(kept: &Value, name: &str, of: impl Fn(&Value) -> Option<T>) -> Option<Option<T>> {
        let value = kept.get(name)?;
        if value.is_null() { Some(None) } else { of(value).map(Some) }
    }
    fn word<T>(parse: impl Fn(&str) -> Option<T>) -> impl Fn(&Value) -> Option<T> {
        move |value| value.as_str().and_then(&parse)
    }
    let moment = word(|text| text.parse::<Timestamp>().ok());
    Some(History {
        balance: read(kept, "balanceId", word(|id| Uuid::try_parse(id).ok()))?.map(BalanceId),
        card: read(kept, "cardId", Value::as_i64)?.map(CardId),
        user: read(kept, "customerId", Value::as_i64)?.map(UserId),
        status: read(kept, "status", word(Status::parse))?,
        kind: read(kept, "type", word(TransactionType::parse))?,
        from: read(kept, "from", &moment)?,
        to: read(kept, "to", &moment)?,
        last_four: read(kept, "lastFourDigits", word(LastFour::parse))?,
        processing: read(kept, "processingStatus", word(Processing::parse))?,
        reason: read(kept, "reason", word(Description::parse))?,
        amount_from: read(kept, "amountFrom", Value::as_i64)?,
        amount_to: read(kept, "amountTo", Value::as_i64)?,
        // Those that were asked for before there was one have none.
        currency: match kept.get("currency") {
            None => None,
            Some(_) => read(kept, "currency", word(|code| Currency::parse(code).ok()))?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_read_as_it_was_kept() {
        let at = |text: &str| Some(text.parse().expect("a moment"));
        let asked = History {
            balance: Some(BalanceId(Uuid::max())),
            card: Some(CardId(1)),
            user: Some(UserId(2)),
            status: Some(Status::Authorized),
            kind: Some(TransactionType::Pos),
            from: at("2026-11-30T12:00:00.000001Z"),
            to: at("2026-11-30T13:00:00Z"),
            last_four: LastFour::parse("1234"),
            processing: Some(Processing::Declined),
            reason: Some(Description::Approved),
            amount_from: Some(3),
            amount_to: Some(4),
            currency: Some(Currency::EUR),
        };
        assert_eq!(read_asked(&asked_json(&asked)), Some(asked));
        assert_eq!(read_asked(&asked_json(&History::default())), Some(History::default()));
        let mut early = asked_json(&History::default());
        early.as_object_mut().expect("an object").remove("currency");
        assert_eq!(read_asked(&early), Some(History::default()), "of an earlier release");
        let mut other = asked_json(&asked);
        other["status"] = "NONE".into();
        assert_eq!(read_asked(&other), None, "nothing is exported that wasn't asked for");
    }
}
