//! Statements of a balance: what moved in a period, and what there was before and after it.
//!
//! What there was at first is added up from the balance's first movement on, or from a checkpoint,
//! so a statement needs no snapshot of the whole: it is read in slices, each a short transaction of
//! the database, and what was posted in a period that is over stays as it is. It ends with a slice
//! of which all came later. What was posted just before the end may be committed, or come from
//! another server, a moment after it, so a statement says whether it is final.

mod own;

use crate::ledger::verify::MARGIN;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::balance::{Balance, Owner};
use domain::ids::{BalanceId, UserId};
use domain::money::Amount;
use domain::scope::Scope;
use domain::transaction::Category;
use domain::user::User;
use domain::{Date, Timestamp};
use jiff::ToSpan;
use jiff::tz::TimeZone;
use std::collections::HashMap;
use store::db::Tx;
use store::statements::{self, Moved};
use store::{balances, corporations, users};
use uuid::Uuid;

/// A transaction as a statement tells of it.
pub use store::statements::Told;

/// Transactions that are read at once: some milliseconds of the database's time.
const SLICE: i64 = 1_000;
/// How many movements one statement tells of: some megabytes of an answer.
const LINES_MAX: usize = 20_000;

/// Which days a statement is of, the first and the last, in the partner's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub from: Date,
    /// The last day; not before the first.
    pub to: Date,
}

/// What a balance had, what came and left, and what it has.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The name of the partner, for people.
    pub partner: String,
    /// The balance.
    pub balance: Balance,
    /// The given and family name of the user whose it is, the name of the corporation, or the
    /// partner's.
    pub name: String,
    /// `dcCorporationId` of the corporation whose it is, if it is one's.
    pub corporation: Option<Uuid>,
    /// The days that it is of.
    pub period: Period,
    /// The zone of these days.
    pub zone: TimeZone,
    /// What was posted before the first day, in minor units.
    pub opening: i64,
    /// What came, in minor units.
    pub credits: i64,
    /// What left, in minor units.
    pub debits: i64,
    /// What was posted until the end of the last day, or until now, in minor units.
    pub closing: i64,
    /// What moved, in the order of time.
    pub lines: Vec<Line>,
    /// When it was made.
    pub made_at: Timestamp,
    /// Whether nothing can come to it any more: its last day ended ten minutes ago.
    pub is_final: bool,
}

/// One movement.
#[derive(Clone, Debug)]
pub struct Line {
    /// The transaction that moved it.
    pub of: Told,
    /// When.
    pub at: Timestamp,
    /// Whether it came or left.
    pub way: Category,
    /// How much.
    pub amount: Amount,
    /// What was posted after it, in minor units.
    pub balance: i64,
}

impl App {
    /// The statement of a balance, a user's or the partner's own, removed or not; where a user is
    /// named, of theirs that isn't removed.
    pub async fn statement(
        &self,
        scope: Scope,
        owner: Option<UserId>,
        id: BalanceId,
        period: Period,
    ) -> Result<Statement, Error> {
        if owner.is_some() {
            self.balance(scope, owner, id).await?;
        }
        let mut tx = self.db.read().await?;
        let found = balance_and_name(&mut tx, scope, id).await;
        let (balance, name, corporation) = tx.end(found).await?;
        if balance.is_external() {
            // What moves of it moves in the partner's books.
            return Err(Refusal::ModeNotSupported.into());
        }
        let (partner, zone) = self.partner_of(scope)?;
        let made_at = self.now();
        let (begin, end) = (start_of(period.from, &zone), start_of(tomorrow(period.to), &zone));
        let end = end.min(made_at_and_on(made_at));
        let mut read = match balance.owner {
            Owner::User(_) | Owner::Corporation(_) => {
                self.read_statement(scope, id, begin, end).await?
            }
            Owner::Partner(_) => self.read_own(scope, id, (begin, end)).await?,
        };
        read.lines.sort_by_key(|(told, moved)| (moved.at, told.number, moved.part, moved.leg));
        let mut statement = Statement {
            name: name.unwrap_or_else(|| partner.clone()),
            partner,
            balance,
            corporation,
            period,
            zone,
            opening: sum(read.opening)?,
            credits: 0,
            debits: 0,
            closing: 0,
            lines: Vec::new(),
            made_at,
            is_final: made_at >= with_margin(end),
        };
        statement.add(read.lines)?;
        Ok(statement)
    }

    /// A partner's name and the zone of its days.
    fn partner_of(&self, scope: Scope) -> Result<(String, TimeZone), Error> {
        let settings = self.settings.get();
        let partner = settings.partner(scope.partner());
        let partner = partner.ok_or(Error::broken("a partner isn't known"))?;
        let zone = TimeZone::get(&partner.settings.time_zone);
        let zone = zone.map_err(|_| Error::broken("a partner's time zone isn't known"))?;
        Ok((partner.name.clone(), zone))
    }

    async fn read_statement(
        &self,
        scope: Scope,
        id: BalanceId,
        begin: Timestamp,
        end: Timestamp,
    ) -> Result<Read, Error> {
        let mut read = Read::default();
        let mut after = Some(i64::MIN);
        while let Some(number) = after {
            let mut tx = self.db.read().await?;
            let slice = slice(&mut tx, scope, id, number, end).await;
            let (told, moved) = tx.end(slice).await?;
            let is_full = i64::try_from(told.len()).is_ok_and(|count| count >= SLICE);
            let goes_on = is_full && told.iter().any(|it| it.received_at < with_margin(end));
            after = told.last().filter(|_| goes_on).map(|last| last.number);
            read.add(told, moved, begin)?;
            // SQLite never waits by itself.
            tokio::task::yield_now().await;
        }
        Ok(read)
    }
}

/// A balance, and the name of the user or the corporation whose it is.
async fn balance_and_name(
    tx: &mut Tx,
    scope: Scope,
    id: BalanceId,
) -> Result<(Balance, Option<String>, Option<Uuid>), Error> {
    let balance = balances::find(tx, scope, id).await?.ok_or(Refusal::BalanceNotFound)?;
    let mut corporation = None;
    let name = match balance.owner {
        Owner::User(id) => {
            let name =
                |User { profile, .. }| format!("{} {}", profile.first_name, profile.last_name);
            users::find(tx, scope, id).await?.map(name)
        }
        Owner::Corporation(id) => {
            let found = corporations::find_by_id(tx, scope, id).await?.map(|it| it.corporation);
            corporation = found.as_ref().map(|found| found.resource);
            found.map(|found| found.profile.name)
        }
        Owner::Partner(_) => return Ok((balance, None, None)),
    };
    Ok((balance, Some(name.unwrap_or_default()), corporation))
}

async fn slice(
    tx: &mut Tx,
    scope: Scope,
    id: BalanceId,
    after: i64,
    end: Timestamp,
) -> Result<(Vec<Told>, Vec<Moved>), Error> {
    let told = statements::list(tx, scope, id, after, SLICE).await?;
    let moved = statements::moved(tx, scope, id, told.iter().map(|it| it.id), end).await?;
    Ok((told, moved))
}

/// What was read so far.
#[derive(Default)]
struct Read {
    opening: i128,
    lines: Vec<(Told, Moved)>,
}

impl Read {
    fn add(&mut self, told: Vec<Told>, moved: Vec<Moved>, begin: Timestamp) -> Result<(), Error> {
        let told: HashMap<_, _> = told.into_iter().map(|told| (told.id, told)).collect();
        for moved in moved {
            if moved.at < begin {
                self.opening += signed(moved.way, moved.amount);
            } else if let Some(of) = told.get(&moved.transaction) {
                self.lines.push((of.clone(), moved));
            }
        }
        if self.lines.len() > LINES_MAX { Err(Refusal::StatementTooLong.into()) } else { Ok(()) }
    }
}

impl Statement {
    /// Adds what moved, in the order of time.
    fn add(&mut self, moved: Vec<(Told, Moved)>) -> Result<(), Error> {
        let (mut posted, mut credits, mut debits) = (i128::from(self.opening), 0, 0);
        for (of, Moved { way, amount, at, .. }) in moved {
            posted += signed(way, amount);
            match way {
                Category::Credit => credits += i128::from(amount.minor()),
                Category::Debit => debits += i128::from(amount.minor()),
            }
            self.lines.push(Line { of, at, way, amount, balance: sum(posted)? });
        }
        self.closing = sum(posted)?;
        (self.credits, self.debits) = (sum(credits)?, sum(debits)?);
        Ok(())
    }
}

fn signed(way: Category, amount: Amount) -> i128 {
    match way {
        Category::Credit => amount.minor().into(),
        Category::Debit => -i128::from(amount.minor()),
    }
}

fn sum(sum: i128) -> Result<i64, Error> {
    i64::try_from(sum).map_err(|_| Refusal::StatementTooLong.into())
}

/// The first moment of a day; of the calendar's last days, which begin after the last moment that
/// can be told, that moment.
fn start_of(day: Date, zone: &TimeZone) -> Timestamp {
    day.to_zoned(zone.clone()).map_or(Timestamp::MAX, |begin| begin.timestamp())
}

/// The day after, or the last that there is.
fn tomorrow(day: Date) -> Date {
    day.checked_add(1.day()).unwrap_or(Date::MAX)
}

/// The moment from which on nothing is written that was posted, or came, before `end`.
fn with_margin(end: Timestamp) -> Timestamp {
    end.checked_add(MARGIN).unwrap_or(Timestamp::MAX)
}

/// What was posted at the very moment of making belongs to it.
fn made_at_and_on(made_at: Timestamp) -> Timestamp {
    made_at.checked_add(1.microsecond()).unwrap_or(made_at)
}
