//! Tell partners of cards whose last day comes near.
//!
//! A card ends by its date: nobody has to do anything about that. The last days of cards are ends
//! of months, so once a month a partner's cards are walked through, by their ids in windows. How
//! far it is for a month is a series of numbers, and taking the next window and telling of its
//! cards are one transaction: each card is told of once, whoever walks and whoever dies. No window
//! ends beyond the newest card. A card that comes with its end near and an id that was passed, as
//! another node's import has it in hand, is told of as it comes.

use super::lock::news_of;
use crate::{App, Error};
use domain::Date;
use domain::card::Card;
use domain::card::lifecycle::CardStatus;
use domain::ids::{CardId, PartnerId};
use domain::notification::Event;
use domain::scope::Scope;
use jiff::ToSpan;
use serde_json::json;
use store::db::Tx;
use store::{cards, counters, outbox};

/// How many days before its last one a card is told of (spec issue 5).
const DAYS: i32 = 30;
/// How many ids a window has.
const WINDOW: i64 = 5_000;

impl App {
    /// Has partners told of the cards that have 30 days left or less, each once; how many.
    pub async fn tell_of_expiring_cards(&self) -> Result<u64, Error> {
        let today = self.today();
        let settings = self.settings.get();
        let mut told = 0;
        for partner in settings.partners() {
            let wants = settings.outbound(partner.id);
            if !wants.is_some_and(|outbound| outbound.tells(Event::CardExpiring)) {
                continue;
            }
            for expiry in near_ends(today) {
                told += self.walk(partner.id, expiry).await?;
            }
        }
        if told > 0 {
            self.outbox.bell().ring();
        }
        Ok(told)
    }

    async fn walk(&self, partner: PartnerId, expiry: Date) -> Result<u64, Error> {
        let scope = Scope::platform(partner, "partners are told of cards that expire");
        let series = series_of(expiry);
        let mut told = 0;
        while !self.tasks.is_stopping() {
            let mut tx = self.db.read().await?;
            let read = async {
                let walked = counters::taken(&mut tx, partner, &series).await?;
                Ok::<_, Error>((walked, cards::newest(&mut tx, scope).await?))
            };
            let read = read.await;
            let (walked, newest) = tx.end(read).await?;
            let Some(newest) = newest.filter(|newest| newest.0 > walked) else { break };
            let mut tx = self.db.begin().await?;
            let window = self.tell_window(&mut tx, scope, (&series, expiry)).await;
            told += tx.end(window).await?;
            // Of cards that are made meanwhile the next walk tells.
            if newest.0 - walked < WINDOW {
                break;
            }
        }
        Ok(told)
    }

    async fn tell_window(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (series, expiry): (&str, Date),
    ) -> Result<u64, Error> {
        let first = counters::hold(tx, scope.partner(), series).await?;
        let newest = cards::newest(tx, scope).await?.map_or(0, |newest| newest.0);
        let count = WINDOW.min(newest - first + 1);
        if count <= 0 {
            return Ok(0);
        }
        counters::take(tx, scope.partner(), series, count).await?;
        let window = CardId(first)..=CardId(first + count - 1);
        let found = cards::list_of_expiry(tx, scope, window, expiry).await?;
        self.tell_of_end(tx, scope, expiry, found.iter().collect()).await
    }

    /// Tells of cards that were just written, as far as whoever walks has passed them.
    pub(crate) async fn tell_of_passed_cards(
        &self,
        tx: &mut Tx,
        scope: Scope,
        new: &[Card],
    ) -> Result<(), Error> {
        let partner = scope.partner();
        let settings = self.settings.get();
        if !settings.outbound(partner).is_some_and(|it| it.tells(Event::CardExpiring)) {
            return Ok(());
        }
        for expiry in near_ends(self.today()) {
            let near: Vec<&Card> = new.iter().filter(|card| card.expiry == expiry).collect();
            if near.is_empty() {
                continue;
            }
            // Whoever walks comes by before this is held, or after these are there.
            let next = counters::hold(tx, partner, &series_of(expiry)).await?;
            let passed = near.into_iter().filter(|card| card.id.0 < next).collect();
            self.tell_of_end(tx, scope, expiry, passed).await?;
        }
        Ok(())
    }

    async fn tell_of_end(
        &self,
        tx: &mut Tx,
        scope: Scope,
        expiry: Date,
        cards: Vec<&Card>,
    ) -> Result<u64, Error> {
        let partner = scope.partner();
        let near: Vec<&Card> = cards.into_iter().filter(|card| is_told(card)).collect();
        let count = i64::try_from(near.len()).unwrap_or(i64::MAX);
        if count == 0 {
            return Ok(0);
        }
        let number = counters::take(tx, partner, counters::EVENTS, count).await?;
        let detail = json!({ "exp": expiry.to_string() });
        let name = crate::ids::random_id().to_string();
        let entries: Vec<_> = (number..)
            .zip(near)
            .map(|(number, card)| {
                let event = (Event::CardExpiring, Some(detail.clone()));
                news_of(card.id, event).row(self, (partner, number), &name)
            })
            .collect();
        outbox::insert(tx, entries.iter(), self.outbox.now()).await?;
        Ok(count.unsigned_abs())
    }
}

/// The series that tells how far it is for the cards of a day.
fn series_of(expiry: Date) -> String {
    format!("{}{expiry}", counters::EXPIRING)
}

/// The ends of months that are at most 30 days away: of this one and of the next.
fn near_ends(today: Date) -> Vec<Date> {
    let (this, last) = (today.last_of_month(), today.saturating_add(DAYS.days()));
    let next = this.saturating_add(1.day()).last_of_month();
    [this, next].into_iter().filter(|end| *end <= last).collect()
}

/// Whether there is anything to do about a card's end: it is its holder's, and not locked for good.
fn is_told(card: &Card) -> bool {
    match card.status {
        CardStatus::Usable(_) => !card.is_ordered(),
        CardStatus::Locked { reason, .. } => reason.is_reversible() && !card.is_ordered(),
        CardStatus::Removed { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_near_from_thirty_days_before_its_end() {
        for (today, ends) in [
            ("2026-11-29", &["2026-11-30"][..]),
            ("2026-11-30", &["2026-11-30"]),
            ("2026-12-01", &["2026-12-31"]),
            ("2026-10-31", &["2026-10-31", "2026-11-30"]),
            ("2026-10-30", &["2026-10-31"]),
            ("2027-01-30", &["2027-01-31", "2027-02-28"]),
            ("2027-01-28", &["2027-01-31"]),
            ("2027-01-29", &["2027-01-31", "2027-02-28"]),
            ("2027-01-01", &["2027-01-31"]),
        ] {
            let today: Date = today.parse().expect("a date");
            let found: Vec<String> = near_ends(today).iter().map(ToString::to_string).collect();
            assert_eq!(found, ends, "{today}");
        }
    }
}
