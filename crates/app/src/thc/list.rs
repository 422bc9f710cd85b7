//! Pages of the history: its streams, which are balances or the whole ledger and the partner's own
//! records, read as one by number.

use super::HistoryRecord;
use super::record::Data;
use super::sources::{Line, Sources, load_notes};
use crate::page::Page;
use crate::refusals::Refusal;
use crate::transactions::{History, within};
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::{BalanceId, CardId, UserId};
use domain::scope::Scope;
use domain::thc::{RecordStatus, RecordType};
use domain::transaction::Processing;
use std::cmp::Reverse;
use store::db::Tx;
use store::thc::{Notes, list_own_before};
use store::transactions::history::list_before;

/// How many records a page passes at most: one that finds few of them ends there, and the next goes
/// on. It bounds what one call costs, a search for a text too.
const PASSED_MAX: usize = 10_000;
/// How many are read at once, where only some of them are asked for.
const STRETCH: i64 = 500;

/// Which records are asked for: those of which all that is named is true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Of one of this user's balances, or the partner's own about this user.
    pub user: Option<UserId>,
    /// Of this card.
    pub card: Option<CardId>,
    /// Of this balance.
    pub balance: Option<BalanceId>,
    /// That stand so now.
    pub status: Option<RecordStatus>,
    /// Of this type.
    pub kind: Option<RecordType>,
    /// Whose `timestamp` is this or later.
    pub from: Option<Timestamp>,
    /// Whose `timestamp` is before.
    pub to: Option<Timestamp>,
    /// In which this text stands, whatever its case.
    pub text: Option<String>,
}

impl Asked {
    /// Whether every record of its streams is asked for.
    fn is_all(&self) -> bool {
        let Self { user: _, card, balance: _, status, kind, from, to, text } = self;
        (card, status, kind, from, to, text) == (&None, &None, &None, &None, &None, &None)
    }

    /// Whether a line is asked for, but for its text.
    fn wants(&self, line: &Line) -> bool {
        let (status, kind, at) = match line {
            Line::Ledger(it) if it.processing == Processing::Asking => return false,
            Line::Ledger(it) => {
                let kind = self.kind.map(|_| Data::of(&it.order).kind(&it.order));
                (RecordStatus::of(it), kind, it.order.network_date)
            }
            Line::Own(kept) => match &kept.own {
                None => return false,
                Some(own) => (own.status, Some(own.kind), own.at),
            },
        };
        self.card.is_none_or(|card| line.card() == Some(card))
            && self.balance.is_none_or(|balance| line.balance() == Some(balance))
            && self.status.is_none_or(|asked| asked == status)
            && self.kind.is_none_or(|asked| Some(asked) == kind)
            && self.from.is_none_or(|from| at >= from)
            && self.to.is_none_or(|to| at < to)
    }
}

/// Whether a text stands in what a line and its notes say; `folded` is in lower case.
fn says(line: &Line, notes: &Notes, folded: &str) -> bool {
    let mut texts: Vec<String> = notes.comment.iter().chain(&notes.labels).cloned().collect();
    match line {
        Line::Ledger(it) => {
            texts.push(it.order.text.clone());
            texts.extend(Data::of(&it.order).merchant_name(&it.order));
        }
        Line::Own(kept) => {
            let own = kept.own.iter();
            texts.extend(own.flat_map(|own| {
                { [&own.description, &own.merchant_name, &own.contrahent].into_iter().flatten() }
                    .cloned()
            }));
        }
    }
    texts.iter().any(|text| text.to_lowercase().contains(folded))
}

/// What is read by number as one list.
#[derive(Clone, Copy)]
enum Stream {
    Balance(BalanceId),
    Ledger,
    Own(Option<UserId>),
}

impl Stream {
    async fn read(
        self,
        tx: &mut Tx,
        scope: Scope,
        before: i64,
        limit: i64,
    ) -> Result<Vec<Line>, Error> {
        let balance = match self {
            Self::Own(user) => {
                let own = list_own_before(tx, scope, user, before, limit).await?;
                return Ok(own.into_iter().map(|kept| Line::Own(Box::new(kept))).collect());
            }
            Self::Balance(id) => Some(id),
            Self::Ledger => None,
        };
        let found = list_before(tx, scope, balance, before, limit).await?;
        Ok(found.into_iter().map(|it| Line::Ledger(Box::new(it))).collect())
    }
}

/// A part of a walk through all streams.
struct Stretch {
    /// What is passed, in order.
    lines: Vec<Line>,
    /// Whether there may be more.
    more: bool,
    /// What it took: rows that were read, and streams that had none.
    read: usize,
}

impl App {
    /// A page of a user's own history, newest first. What isn't theirs of what is named isn't
    /// there.
    pub async fn history_records_of_user(
        &self,
        scope: Scope,
        user: UserId,
        asked: Asked,
        page: (Option<i64>, i64),
    ) -> Result<Page<HistoryRecord>, Error> {
        if let Some(balance) = asked.balance {
            self.balance(scope, Some(user), balance).await?;
        }
        if let Some(card) = asked.card
            && self.holder_of(scope, card).await? != user
        {
            return Err(Refusal::CardNotFound.into());
        }
        self.history_records(scope, &Asked { user: Some(user), ..asked }, page).await
    }

    /// A page of the history, newest first. It has fewer records than asked for, even none, where
    /// so few are among the many that it passed; what comes next tells whether it is the last.
    pub async fn history_records(
        &self,
        scope: Scope,
        asked: &Asked,
        (after, limit): (Option<i64>, i64),
    ) -> Result<Page<HistoryRecord>, Error> {
        let mut tx = self.db.read().await?;
        let page = async {
            let streams = streams(&mut tx, scope, asked).await?;
            let (found, next) = walk(&mut tx, scope, asked, &streams, (after, limit)).await?;
            let sources = Sources::load(&mut tx, scope, &found).await?;
            Ok::<_, Error>(Page { items: self.records(scope, &sources, &found), next })
        };
        let page = page.await;
        tx.end(page).await
    }
}

/// What is read for what is asked for.
async fn streams(tx: &mut Tx, scope: Scope, asked: &Asked) -> Result<Vec<Stream>, Error> {
    let Asked { user, card, balance, .. } = asked;
    let named = History { user: *user, card: *card, balance: *balance, ..History::default() };
    let mut streams: Vec<Stream> = match within(tx, scope, &named).await? {
        None => vec![Stream::Ledger],
        Some(balances) => balances.into_iter().map(Stream::Balance).collect(),
    };
    streams.push(Stream::Own(*user));
    Ok(streams)
}

/// Goes on until as many are found as are asked for, or as many were passed as may be.
async fn walk(
    tx: &mut Tx,
    scope: Scope,
    asked: &Asked,
    streams: &[Stream],
    (after, limit): (Option<i64>, i64),
) -> Result<(Vec<Line>, Option<i64>), Error> {
    let length = if asked.is_all() { limit + 1 } else { STRETCH };
    let wanted = usize::try_from(limit).unwrap_or(0);
    let (mut place, mut count) = (after.unwrap_or(i64::MAX), 0);
    let mut found: Vec<Line> = Vec::new();
    loop {
        let Stretch { lines, more, read } = merged(tx, scope, streams, place, length).await?;
        count += read;
        place = lines.last().map_or(place, Line::number);
        for line in chosen(tx, scope, asked, lines).await? {
            if found.len() == wanted {
                let next = found.last().map(Line::number);
                return Ok((found, next));
            }
            found.push(line);
        }
        if !more {
            return Ok((found, None));
        }
        if count >= PASSED_MAX {
            return Ok((found, Some(place)));
        }
    }
}

/// Those of some lines that are asked for.
async fn chosen(
    tx: &mut Tx,
    scope: Scope,
    asked: &Asked,
    mut lines: Vec<Line>,
) -> Result<Vec<Line>, Error> {
    lines.retain(|line| asked.wants(line));
    if let Some(text) = &asked.text {
        let folded = text.to_lowercase();
        let notes = load_notes(tx, scope.partner(), &lines).await?;
        let none = Notes::default();
        lines.retain(|line| says(line, notes.get(&line.number()).unwrap_or(&none), &folded));
    }
    Ok(lines)
}

/// A stretch of several streams as one: no further than each of them was read.
async fn merged(
    tx: &mut Tx,
    scope: Scope,
    streams: &[Stream],
    before: i64,
    length: i64,
) -> Result<Stretch, Error> {
    let each = (length / i64::try_from(streams.len().max(1)).unwrap_or(length)).max(1);
    let (mut lines, mut read_to): (Vec<Line>, Option<i64>) = (Vec::new(), None);
    for stream in streams {
        let read = stream.read(tx, scope, before, each).await?;
        if i64::try_from(read.len()).is_ok_and(|count| count >= each) {
            read_to = read_to.max(read.last().map(Line::number));
        }
        lines.extend(read);
    }
    let read = lines.len().max(streams.len());
    lines.retain(|line| read_to.is_none_or(|number| line.number() >= number));
    lines.sort_unstable_by_key(|line| Reverse(line.number()));
    Ok(Stretch { lines, more: read_to.is_some(), read })
}
