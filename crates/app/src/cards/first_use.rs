//! How soon a partner's cards are used after they were issued.
//!
//! A worker walks through cards in the order of their issue and through transactions in the order
//! of their ids, each once, and keeps sums of programs and days, so a report reads some rows and no
//! card. It looks at nothing younger than two minutes: by then it is committed, on whichever node,
//! or never is, so nothing comes to be behind the place that it has reached. What it writes is
//! written by whoever finds the step that it has read: of two nodes one counts. Nothing is counted
//! in the path of a payment, and what is counted stays when a card is removed.

use crate::janitor::PAUSE;
use crate::{App, Error};
use domain::card::first_use::{self, Cohort, Use, WITHIN_DAYS};
use domain::ids::{CardId, ordered_v4};
use domain::scope::Scope;
use domain::transaction::Processing;
use domain::{Date, Timestamp};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use store::StoreError;
use store::card_use::{self, Counted, Issued, Paid, Tally};
use store::db::Tx;
use uuid::Uuid;

/// How many days a report is of at most.
pub const USE_DAYS_MAX: i64 = 92;
/// How old a card, or a transaction's id, must be.
const SETTLED: SignedDuration = SignedDuration::from_mins(2);
/// For how long it isn't noted that nothing has happened.
const IDLE: SignedDuration = SignedDuration::from_mins(1);
/// How many cards are written at once.
const CARDS: i64 = 1_000;
/// How many transactions are read at once.
const TRANSACTIONS: i64 = 2_000;

/// How soon the cards were used that were issued in some days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardUse {
    /// The first day and the last, in the partner's time zone.
    pub days: (Date, Date),
    /// Up to when it is known what happened; none where nothing is.
    pub counted_to: Option<Timestamp>,
    /// In all.
    pub all: Use,
    /// By program.
    pub programs: BTreeMap<String, Use>,
}

impl App {
    /// How soon the cards were used that were issued between two days, both included.
    pub async fn card_use(&self, scope: Scope, days: (Date, Date)) -> Result<CardUse, Error> {
        let mut tx = self.db.read().await?;
        let read = async {
            let tally = card_use::tally(&mut tx, scope).await?;
            Ok::<_, StoreError>((tally, card_use::list(&mut tx, scope, days).await?))
        };
        let read = read.await;
        let (tally, cohorts) = tx.end(read).await?;
        let counted_to = tally.map(|it| it.counted_to).filter(|it| *it > Tally::NONE.counted_to);
        let known_to = counted_to.unwrap_or(Tally::NONE.counted_to);
        let today = self.zone_of(scope).to_datetime(known_to).date();
        let (all, programs) = first_use::sums(&cohorts, today);
        Ok(CardUse { days, counted_to, all, programs })
    }

    /// Counts the cards that were issued, and those that were used, since it was last done; how
    /// many were looked at.
    pub async fn count_card_use(&self) -> Result<u64, Error> {
        let settings = self.settings.get();
        let mut count = 0;
        for partner in settings.partners() {
            let scope = Scope::platform(partner.id, "a partner's cards are counted");
            while !self.tasks.is_stopping() {
                let (looked_at, more) = self.count_use_stretch(scope).await?;
                count += looked_at;
                if !more {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(count)
    }

    /// Counts a stretch; how many cards and transactions it has, and whether there may be more.
    async fn count_use_stretch(&self, scope: Scope) -> Result<(u64, bool), Error> {
        let settled = self.now().checked_sub(SETTLED).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut tx = self.db.read().await?;
        let read = Stretch::read(&mut tx, scope, settled).await;
        let stretch = tx.end(read).await?;
        let from = stretch.from.counted_to;
        let looked_at = stretch.issued.len() + stretch.paid.len();
        if looked_at == 0 && stretch.to.counted_to.duration_since(from) < IDLE {
            return Ok((0, false));
        }
        let counts = stretch.counts(&self.zone_of(scope));
        let mut tx = self.db.begin().await?;
        let written = async {
            if card_use::advance(&mut tx, scope, &stretch.to).await? {
                card_use::insert(&mut tx, scope, &counts.new).await?;
                card_use::set_used(&mut tx, scope, &counts.used).await?;
                card_use::add(&mut tx, scope, &counts.cohorts).await?;
            }
            Ok::<_, StoreError>(())
        };
        let written = written.await;
        tx.end(written).await?;
        Ok((u64::try_from(looked_at).unwrap_or_default(), stretch.more))
    }

    fn zone_of(&self, scope: Scope) -> TimeZone {
        self.settings.get().zone(scope.partner())
    }
}

/// What comes next, and what is known of its cards.
struct Stretch {
    from: Tally,
    to: Tally,
    issued: Vec<Issued>,
    paid: Vec<Paid>,
    /// Cards that were paid with before they were passed: clocks of two nodes differ.
    early: Vec<Issued>,
    known: BTreeMap<CardId, Counted>,
    more: bool,
}

impl Stretch {
    async fn read(tx: &mut Tx, scope: Scope, settled: Timestamp) -> Result<Self, StoreError> {
        let from = card_use::tally(tx, scope).await?.unwrap_or(Tally::NONE);
        let mut to = from;
        let issued = card_use::list_issued(tx, scope, from.card, settled, CARDS).await?;
        let more_cards = is_full(&issued, CARDS);
        to.card = issued.last().map_or(from.card, |last| (last.at, last.id));
        let mut paid = Vec::new();
        let mut more = more_cards;
        // Payments come behind the cards, so none is counted among more than there were.
        if !more_cards {
            let before = least_id(settled);
            paid = card_use::list_paid(tx, scope, (from.transaction, before), TRANSACTIONS).await?;
            more = is_full(&paid, TRANSACTIONS);
            // What a partner is asked about just now is looked at once it has answered.
            let asked = paid.iter().position(|it| it.processing == Processing::Asking);
            paid.truncate(asked.unwrap_or(paid.len()));
            more = more && asked.is_none();
            to.transaction = paid.last().map_or(from.transaction, |last| last.id);
            let reached = match more || asked.is_some() {
                true => paid.last().map_or(from.counted_to, |last| last.at.min(settled)),
                false => settled,
            };
            to.counted_to = reached.max(from.counted_to);
        }
        let mut cards: BTreeSet<CardId> = uses(&paid).map(|(card, _)| card).collect();
        let issued_now: BTreeSet<CardId> = issued.iter().map(|it| it.id).collect();
        cards.extend(&issued_now);
        let known = card_use::counted(tx, scope, &cards).await?;
        let known: BTreeMap<CardId, Counted> = known.into_iter().map(|it| (it.card, it)).collect();
        cards.retain(|id| !known.contains_key(id) && !issued_now.contains(id));
        let early = card_use::load(tx, scope, &cards).await?;
        Ok(Self { from, to, issued, paid, early, known, more })
    }

    /// What it adds.
    fn counts(&self, zone: &TimeZone) -> Counts {
        let day = |at: Timestamp| zone.to_datetime(at).date();
        let mut first: BTreeMap<CardId, Date> = BTreeMap::new();
        for (card, at) in uses(&self.paid) {
            first.entry(card).or_insert(day(at));
        }
        let mut counts = Counts::default();
        let mut sums = BTreeMap::new();
        let all = self.issued.iter().chain(&self.early);
        for card in all.filter(|it| !self.known.contains_key(&it.id)) {
            let (issued_on, used_on) = (day(card.at), first.get(&card.id).copied());
            let config_id = card.config_id.clone();
            add(&mut sums, (issued_on, &config_id), 1, used_on);
            counts.new.push(Counted { card: card.id, config_id, issued_on, used_on });
        }
        for card in self.known.values().filter(|card| card.used_on.is_none()) {
            if let Some(used_on) = first.get(&card.card) {
                add(&mut sums, (card.issued_on, &card.config_id), 0, Some(*used_on));
                counts.used.push((card.card, *used_on));
            }
        }
        counts.cohorts = sums.into_values().collect();
        counts
    }
}

/// What a stretch adds.
#[derive(Default)]
struct Counts {
    new: Vec<Counted>,
    used: Vec<(CardId, Date)>,
    cohorts: Vec<Cohort>,
}

/// Adds a card to the sum of its day and program.
fn add(
    sums: &mut BTreeMap<(Date, String), Cohort>,
    (issued_on, config_id): (Date, &str),
    issued: i64,
    used_on: Option<Date>,
) {
    let none = || Cohort {
        config_id: config_id.to_owned(),
        issued_on,
        issued: 0,
        used: [0; WITHIN_DAYS.len()],
    };
    let sum = sums.entry((issued_on, config_id.to_owned())).or_insert_with(none);
    sum.issued += issued;
    let within = used_on.map(|day| first_use::within(issued_on, day));
    for (sum, one) in sum.used.iter_mut().zip(within.unwrap_or_default()) {
        *sum += one;
    }
}

/// The uses of cards among transactions.
fn uses(paid: &[Paid]) -> impl Iterator<Item = (CardId, Timestamp)> {
    let used = |it: &&Paid| first_use::is_use(it.kind, it.processing, it.amount);
    paid.iter().filter(used).filter_map(|it| Some((it.card?, it.at)))
}

fn is_full<T>(rows: &[T], limit: i64) -> bool {
    i64::try_from(rows.len()).is_ok_and(|read| read >= limit)
}

/// The least id of a moment.
fn least_id(at: Timestamp) -> Uuid {
    ordered_v4(u64::try_from(at.as_millisecond()).unwrap_or(0), 0)
}
