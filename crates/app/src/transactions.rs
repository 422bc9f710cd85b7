//! Transactions: find, and the history of what is asked for.

mod life;
mod record;
mod sentences;

pub use life::{Heard, Life};
pub use record::Record;
pub(crate) use record::Resources;
pub use sentences::{check_sentence, outcome_sentence, reason_sentence};
/// A movement of money that was posted.
pub use store::ledger::of_transaction::Moved;

use crate::page::Page;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::{BalanceId, CardId, TransactionId, UserId, ordered_v4};
use domain::money::Currency;
use domain::scope::Scope;
use domain::search::LastFour;
use domain::transaction::{Description, Processing, Status, Transaction, TransactionType};
use jiff::SignedDuration;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use store::cards::of_partner::with_last_four;
use store::db::Tx;
use store::transactions::{self, Passed};
use store::{StoreError, balances, cards, users};
use uuid::Uuid;

/// How many transactions a page passes at most: one that finds few of them ends there, and the
/// next goes on. It bounds how long a snapshot of the database is kept open.
const PASSED_MAX: usize = 10_000;
/// How many are passed by one statement, where only some of them are asked for.
const STRETCH: i64 = 1_000;
/// Of how many balances of a user a history is at most: each is looked at for each stretch.
const BALANCES_MAX: usize = 100;
/// How far the time in a transaction's id may be from the time at which it came: the id is made a
/// moment later, of a clock that a sandbox can move.
const ID_SLACK: SignedDuration = SignedDuration::from_mins(1);

/// Which transactions are asked for: those of which all that is named is true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Of this balance, a user's or the partner's own.
    pub balance: Option<BalanceId>,
    /// Of this card, removed or not.
    pub card: Option<CardId>,
    /// Of one of this user's balances.
    pub user: Option<UserId>,
    /// That stand so now.
    pub status: Option<Status>,
    /// Of this type.
    pub kind: Option<TransactionType>,
    /// That came then or later.
    pub from: Option<Timestamp>,
    /// That came before.
    pub to: Option<Timestamp>,
    /// Of a card with these last digits, removed or not.
    pub last_four: Option<LastFour>,
    /// Of which this was done with the request.
    pub processing: Option<Processing>,
    /// Decided for this reason.
    pub reason: Option<Description>,
    /// That asked for this much or more, in minor units.
    pub amount_from: Option<i64>,
    /// That asked for this much or less, in minor units.
    pub amount_to: Option<i64>,
    /// In this currency.
    pub currency: Option<Currency>,
}

/// A place in a history: the transaction that a page comes after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// By its number, where the history is of some balances.
    Number(i64),
    /// By its id, where it is of the whole partner.
    Id(Uuid),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

impl History {
    /// Whether it is of some balances, and not of the whole partner.
    #[must_use]
    pub fn is_of_balances(&self) -> bool {
        self.balance.is_some() || self.card.is_some() || self.user.is_some()
    }

    /// Whether a transaction is asked for, its balance and its card's digits apart.
    fn wants(&self, passed: &Passed) -> bool {
        let Self {
            card,
            status,
            kind,
            from,
            to,
            processing,
            reason,
            amount_from,
            amount_to,
            currency,
            balance: _,
            user: _,
            last_four: _,
        } = self;
        passed.processing != Processing::Asking
            && card.is_none_or(|card| passed.card == Some(card))
            && status.is_none_or(|status| passed.status == status)
            && kind.is_none_or(|kind| passed.kind == kind)
            && from.is_none_or(|from| passed.received_at >= from)
            && to.is_none_or(|to| passed.received_at < to)
            && processing.is_none_or(|done| passed.processing == done)
            && reason.is_none_or(|reason| passed.description == reason)
            && amount_from.is_none_or(|least| passed.amount >= least)
            && amount_to.is_none_or(|most| passed.amount <= most)
            && currency.is_none_or(|currency| passed.currency == currency)
    }

    /// Whether every transaction of its balances is asked for.
    fn wants_all(&self) -> bool {
        Self { balance: None, user: None, ..*self } == Self::default()
    }

    /// Between which ids the transactions are: before the first, not before the second.
    fn ids(&self) -> (Uuid, Uuid) {
        let id = |at: Timestamp| {
            let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or(0);
            ordered_v4(milliseconds, 0)
        };
        let before = self.to.and_then(|to| to.checked_add(ID_SLACK).ok());
        let least = self.from.and_then(|from| from.checked_sub(ID_SLACK).ok());
        (before.map_or(Uuid::max(), id), least.map_or(Uuid::nil(), id))
    }
}

impl App {
    /// The transaction of an id; where a user is named, of one of their balances.
    pub async fn transaction(
        &self,
        scope: Scope,
        owner: Option<UserId>,
        id: TransactionId,
    ) -> Result<Record, Error> {
        let mut tx = self.db.read().await?;
        let found = async {
            let found = find(&mut tx, scope, id).await?.ok_or(Refusal::TransactionNotFound)?;
            if let Some(user) = owner {
                let of: Vec<BalanceId> = found.order.balance.into_iter().collect();
                let own = owned(&mut tx, scope, user, &of).await?;
                own.first().ok_or(Refusal::TransactionNotFound)?;
            }
            Ok::<_, Error>(found)
        };
        let found = found.await;
        tx.end(found).await
    }

    /// A page of the history of a user's balances, newest first. What isn't theirs of what is named
    /// isn't there.
    pub async fn history_of_user(
        &self,
        scope: Scope,
        user: UserId,
        asked: History,
        (after, limit): (Option<Place>, i64),
    ) -> Result<Page<Record, Place>, Error> {
        if let Some(balance) = asked.balance {
            self.balance(scope, Some(user), balance).await?;
        }
        if let Some(card) = asked.card
            && self.holder_of(scope, card).await? != user
        {
            return Err(Refusal::CardNotFound.into());
        }
        self.history(scope, History { user: Some(user), ..asked }, after, limit).await
    }

    /// A page of a user's balance's history, newest first: of the user who is named, if one is.
    pub async fn history_of_balance(
        &self,
        scope: Scope,
        owner: Option<UserId>,
        asked: History,
        page: (Option<Place>, i64),
    ) -> Result<Page<Record, Place>, Error> {
        if let Some(user) = owner {
            return self.history_of_user(scope, user, asked, page).await;
        }
        if let Some(balance) = asked.balance {
            self.balance(scope, None, balance).await?;
        }
        self.history(scope, asked, page.0, page.1).await
    }

    /// A page of a history, newest first. It has fewer transactions than asked for, even none,
    /// where so few are among the many that it passed; what comes next tells whether it is the
    /// last.
    pub async fn history(
        &self,
        scope: Scope,
        asked: History,
        after: Option<Place>,
        limit: i64,
    ) -> Result<Page<Record, Place>, Error> {
        let mut tx = self.db.read().await?;
        let page = page(&mut tx, scope, &asked, after, limit).await;
        tx.end(page).await
    }
}

/// The record of an id.
pub(crate) async fn find(
    tx: &mut Tx,
    scope: Scope,
    id: TransactionId,
) -> Result<Option<Record>, StoreError> {
    let found = transactions::find(tx, scope, id).await?;
    let seen = |found: &Transaction| found.processing != Processing::Asking;
    let Some(found) = found.filter(seen) else { return Ok(None) };
    let resources = Resources::load(tx, scope.partner(), std::iter::once(&found)).await?;
    Ok(Some(resources.record(found)))
}

/// A page of a history, in a transaction of somebody else.
pub(crate) async fn page(
    tx: &mut Tx,
    scope: Scope,
    asked: &History,
    after: Option<Place>,
    limit: i64,
) -> Result<Page<Record, Place>, Error> {
    let way = match within(tx, scope, asked).await? {
        Some(balances) => Way::Balances(balances),
        None => Way::Partner(asked.ids().1),
    };
    let (found, next) = walk(tx, scope, asked, &way, (after, limit)).await?;
    let keys = found.iter().map(|passed| (scope.partner(), passed.id));
    let whole = transactions::load(tx, keys).await?.into_iter();
    let mut whole: HashMap<TransactionId, Transaction> =
        whole.map(|(_, found)| (found.id, found)).collect();
    let resources = Resources::load(tx, scope.partner(), whole.values()).await?;
    let items = found.iter().filter_map(|passed| whole.remove(&passed.id));
    let items = items.map(|found| resources.record(found)).collect();
    Ok(Page { items, next })
}

/// The balances that what is asked for can be of; none where it can be of any.
pub(crate) async fn within(
    tx: &mut Tx,
    scope: Scope,
    asked: &History,
) -> Result<Option<Vec<BalanceId>>, Error> {
    let mut named: Option<Vec<BalanceId>> = None;
    if let Some(id) = asked.balance {
        balances::find(tx, scope, id).await?.ok_or(Refusal::BalanceNotFound)?;
        named = Some(vec![id]);
    }
    if let Some(id) = asked.card {
        let of_card = cards::find(tx, scope, id).await?.ok_or(Refusal::CardNotFound)?.balance;
        let other = asked.balance.is_some_and(|balance| balance != of_card);
        named = Some(if other { Vec::new() } else { vec![of_card] });
    }
    if let Some(id) = asked.user {
        users::find(tx, scope, id).await?.ok_or(Refusal::CustomerNotFound)?;
        let of_user = match &named {
            None => balances::ids_of(tx, scope, id.into(), BALANCES_MAX + 1).await?,
            Some(those) => owned(tx, scope, id, those).await?,
        };
        if of_user.len() > BALANCES_MAX {
            return Err(Refusal::TooManyBalances.into());
        }
        named = Some(of_user);
    }
    Ok(named)
}

/// Those of some balances that are a user's.
async fn owned(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    those: &[BalanceId],
) -> Result<Vec<BalanceId>, Error> {
    let mut owned = Vec::new();
    for id in those {
        let found = balances::find(tx, scope, *id).await?;
        owned.extend(found.filter(|it| it.owner.user() == Some(user)).map(|it| it.id));
    }
    Ok(owned)
}

/// Which way a walk goes.
enum Way {
    /// Through some balances, by number.
    Balances(Vec<BalanceId>),
    /// Through all that the partner has, by id, down to this one.
    Partner(Uuid),
}

impl Way {
    fn place(&self, passed: &Passed) -> Place {
        match self {
            Self::Balances(_) => Place::Number(passed.number),
            Self::Partner(_) => Place::Id(passed.id.0),
        }
    }

    /// A stretch of it that begins after a place.
    async fn stretch(
        &self,
        tx: &mut Tx,
        scope: Scope,
        after: Place,
        length: i64,
    ) -> Result<Stretch, Error> {
        match (self, after) {
            (Self::Balances(balances), Place::Number(before)) => {
                Ok(merged(tx, scope, balances, before, length).await?)
            }
            (Self::Partner(least), Place::Id(before)) => {
                let passed = transactions::walk(tx, scope, (before, *least), length).await?;
                Ok(Stretch { read: passed.len(), more: is_full(&passed, length), passed })
            }
            (Self::Balances(_), Place::Id(_)) | (Self::Partner(_), Place::Number(_)) => {
                Err(Error::broken("a page of a history comes after another one's"))
            }
        }
    }
}

/// A part of a walk.
struct Stretch {
    /// What is passed, in order.
    passed: Vec<Passed>,
    /// Whether there may be more.
    more: bool,
    /// What it took: rows that were read, and balances that had none.
    read: usize,
}

/// Goes on until as many are found as are asked for, or as many were passed as may be.
async fn walk(
    tx: &mut Tx,
    scope: Scope,
    asked: &History,
    way: &Way,
    (after, limit): (Option<Place>, i64),
) -> Result<(Vec<Passed>, Option<Place>), Error> {
    let mut place = match (way, after) {
        (Way::Balances(_), None) => Place::Number(i64::MAX),
        (Way::Partner(_), None) => Place::Id(asked.ids().0),
        // A page can't begin later than the history ends.
        (Way::Partner(_), Some(Place::Id(id))) => Place::Id(id.min(asked.ids().0)),
        (_, Some(after)) => after,
    };
    let length = if asked.wants_all() { limit + 1 } else { STRETCH };
    let wanted = usize::try_from(limit).unwrap_or(0);
    let (mut found, mut count): (Vec<Passed>, usize) = (Vec::new(), 0);
    loop {
        let Stretch { passed, more, read } = way.stretch(tx, scope, place, length).await?;
        count += read;
        let cards = of_last_four(tx, scope, asked, &passed).await?;
        for passed in passed {
            place = way.place(&passed);
            if asked.wants(&passed) && is_among(&cards, &passed) {
                if found.len() == wanted {
                    let next = found.last().map(|last| way.place(last));
                    return Ok((found, next));
                }
                found.push(passed);
            }
        }
        if !more {
            return Ok((found, None));
        }
        if count >= PASSED_MAX {
            return Ok((found, Some(place)));
        }
    }
}

/// Which cards of those that were passed have the last digits that are asked for, if any are.
async fn of_last_four(
    tx: &mut Tx,
    scope: Scope,
    asked: &History,
    passed: &[Passed],
) -> Result<Option<BTreeSet<CardId>>, Error> {
    let Some(digits) = asked.last_four else { return Ok(None) };
    let wanted = passed.iter().filter(|passed| asked.wants(passed));
    let cards = wanted.filter_map(|passed| passed.card).collect();
    Ok(Some(with_last_four(tx, scope, &cards, digits.as_str()).await?))
}

fn is_among(cards: &Option<BTreeSet<CardId>>, passed: &Passed) -> bool {
    let has = |cards: &BTreeSet<CardId>| passed.card.is_some_and(|card| cards.contains(&card));
    cards.as_ref().is_none_or(has)
}

/// A stretch of several balances' histories as one: no further than each of them was read.
async fn merged(
    tx: &mut Tx,
    scope: Scope,
    balances: &[BalanceId],
    before: i64,
    length: i64,
) -> Result<Stretch, Error> {
    let each = (length / i64::try_from(balances.len().max(1)).unwrap_or(length)).max(1);
    let (mut all, mut read_to) = (Vec::new(), None);
    for balance in balances {
        let passed = transactions::walk_balance(tx, scope, *balance, before, each).await?;
        if is_full(&passed, each) {
            read_to = read_to.max(passed.last().map(|last| last.number));
        }
        all.extend(passed);
    }
    let read = all.len().max(balances.len());
    all.retain(|passed| read_to.is_none_or(|number| passed.number >= number));
    all.sort_unstable_by_key(|passed| std::cmp::Reverse(passed.number));
    Ok(Stretch { passed: all, more: read_to.is_some(), read })
}

/// Whether as many were read as could be, so that there may be more.
fn is_full(passed: &[Passed], length: i64) -> bool {
    i64::try_from(passed.len()).is_ok_and(|count| count >= length)
}
