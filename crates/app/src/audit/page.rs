//! Pages of records: who did what, the newest first.

use super::retention::first_id;
use crate::page::Page;
use crate::{App, Error};
use domain::Timestamp;
use domain::admin::Role;
use domain::ids::AdminId;
use domain::scope::Scope;
use jiff::SignedDuration;
use std::collections::{BTreeSet, HashMap};
use store::StoreError;
use store::admins;
use store::audit::{Record, Way, walk};
use store::db::Tx;
use uuid::Uuid;

/// How many records a page passes at most; the next goes on there.
const PASSED_MAX: usize = 10_000;
/// How many are passed by one statement, where only some of them are asked for.
const STRETCH: i64 = 1_000;
/// How far a record's id, which is taken first, may be from its time.
const ORDER_SLACK: SignedDuration = SignedDuration::from_mins(1);

/// What is asked for: that of which all that is named is true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// About this object.
    pub object: Option<String>,
    /// Of this actor.
    pub actor: Option<String>,
    /// Of this action.
    pub action: Option<String>,
    /// Made then or later.
    pub from: Option<Timestamp>,
    /// Made before.
    pub to: Option<Timestamp>,
}

/// A record as somebody may see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The record.
    pub record: Record,
    /// The e-mail address of the account that acted, if it is one of the partner's own, or an
    /// operator looks: those of the operator's people aren't the partner's business.
    pub email: Option<String>,
    /// Whether it is sealed: whoever altered it now would be found out.
    pub is_sealed: bool,
}

impl Asked {
    fn way(&self) -> Way<'_> {
        match (&self.object, &self.actor) {
            (Some(object), _) => Way::Object(object),
            (None, Some(actor)) => Way::Actor(actor),
            (None, None) => Way::All,
        }
    }

    fn wants(&self, record: &Record) -> bool {
        let Self { object, actor, action, from, to } = self;
        object.as_ref().is_none_or(|object| record.object == *object)
            && actor.as_ref().is_none_or(|actor| record.actor == *actor)
            && action.as_ref().is_none_or(|action| record.action == *action)
            && from.is_none_or(|from| record.at >= from)
            && to.is_none_or(|to| record.at < to)
    }

    /// Whether the way leads to what is wanted and nothing else.
    fn is_direct(&self) -> bool {
        let both = self.object.is_some() && self.actor.is_some();
        !both && self.action.is_none() && self.from.is_none() && self.to.is_none()
    }

    /// Below which id, and from which on, all is that can be wanted.
    fn bounds(&self, after: Option<Uuid>) -> (Uuid, Uuid) {
        let least = self.from.and_then(|from| from.checked_sub(ORDER_SLACK).ok()).map(first_id);
        let below = self.to.and_then(|to| to.checked_add(ORDER_SLACK).ok()).map(first_id);
        let below = below.unwrap_or(Uuid::max());
        (after.map_or(below, |after| after.min(below)), least.unwrap_or_default())
    }
}

impl App {
    /// A page of a partner's records, as who has this role sees them, the newest first; the
    /// platform's own are those of [`crate::partners::platform`]. It has fewer than asked for, even
    /// none, where so few are among the many that it passed; what comes next tells whether it is
    /// the last.
    pub async fn audit_page(
        &self,
        (scope, role): (Scope, Role),
        asked: &Asked,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Page<Shown, Uuid>, Error> {
        let mut tx = self.db.read().await?;
        let page = page(&mut tx, (scope, role), asked, after, limit).await;
        Ok(tx.end(page).await?)
    }
}

async fn page(
    tx: &mut Tx,
    (scope, role): (Scope, Role),
    asked: &Asked,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Page<Shown, Uuid>, StoreError> {
    let most = usize::try_from(limit).unwrap_or(0);
    let stretch = if asked.is_direct() { limit + 1 } else { STRETCH };
    let (mut below, least) = asked.bounds(after);
    let (mut passed, mut found) = (0, Vec::new());
    let next = 'page: loop {
        let rows = walk(tx, scope, asked.way(), (below, least), stretch).await?;
        let more = rows.len() >= usize::try_from(stretch).unwrap_or(usize::MAX);
        passed += rows.len();
        for (record, is_sealed) in rows {
            if found.len() == most {
                break 'page Some(below);
            }
            below = record.id;
            found.extend(Some((record, is_sealed)).filter(|(record, _)| asked.wants(record)));
        }
        if !more || passed >= PASSED_MAX {
            break more.then_some(below);
        }
    };
    let accounts = found.iter().filter_map(|(record, _)| account(record)).collect();
    let emails = emails(tx, (scope, role), &accounts).await?;
    let show = |(record, is_sealed): (Record, bool)| {
        let email = account(&record).and_then(|id| emails.get(&id).cloned());
        Shown { record, email, is_sealed }
    };
    Ok(Page { items: found.into_iter().map(show).collect(), next })
}

/// The panel account that acted, if it was one.
fn account(record: &Record) -> Option<AdminId> {
    Uuid::try_parse(record.actor.strip_prefix("admin:")?).ok().map(AdminId)
}

async fn emails(
    tx: &mut Tx,
    (scope, role): (Scope, Role),
    accounts: &BTreeSet<AdminId>,
) -> Result<HashMap<AdminId, String>, StoreError> {
    if accounts.is_empty() {
        return Ok(HashMap::new());
    }
    let mut found = admins::emails(tx, scope, accounts).await?;
    if role == Role::Operator {
        found.extend(admins::emails_of_operators(tx, accounts).await?);
    }
    Ok(found)
}
