//! What is seen of deliveries.

use crate::page::Page;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::{CardId, PartnerId};
use domain::notification::{Event, Standing};
use domain::scope::Scope;
use jiff::SignedDuration;
use serde_json::Value;
use store::StoreError;
use store::db::Tx;
use store::endpoints::{self, Endpoint};
use store::outbox::{self, log::Way};
use uuid::Uuid;

pub use store::outbox::Attempt;
pub use store::outbox::log::Told;

/// How many entries a page passes at most, as a history's does: the next goes on there.
const PASSED_MAX: usize = 10_000;
/// How many are passed by one statement, where only some of them are asked for.
const STRETCH: i64 = 1_000;
/// How far the order of numbers may be from that of times: of a commit that waits, and of the
/// clocks of several nodes.
const ORDER_SLACK: SignedDuration = SignedDuration::from_hours(1);

/// What of the outbox is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Of {
    /// What the partner is told because it wants to know.
    #[default]
    Notifications,
    /// What it is told because its books must agree with ours.
    Calls,
}

impl Of {
    pub(super) fn has(self, event: Event) -> bool {
        match self {
            Self::Notifications => !event.is_call(),
            Self::Calls => event.is_call(),
        }
    }

    pub(super) fn unknown(self) -> Refusal {
        match self {
            Self::Notifications => Refusal::NotificationNotFound,
            Self::Calls => Refusal::PartnerCallNotFound,
        }
    }
}

/// What is asked for: that of which all that is named is true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// What of the outbox.
    pub of: Of,
    /// Of this event.
    pub event: Option<Event>,
    /// That stand so now.
    pub standing: Option<Standing>,
    /// About this card.
    pub card: Option<CardId>,
    /// That came to be then or later, in business time.
    pub from: Option<Timestamp>,
    /// That came to be before.
    pub to: Option<Timestamp>,
}

impl Asked {
    fn way(&self) -> Way {
        match self.standing {
            Some(Standing::Failed) => Way::Failed,
            Some(Standing::Paused) => Way::Paused,
            Some(Standing::Open | Standing::Delivered) | None => Way::All,
        }
    }

    fn wants(&self, told: &Told) -> bool {
        let Self { of, event, standing, card, from, to } = self;
        of.has(told.event)
            && event.is_none_or(|event| told.event == event)
            && standing.is_none_or(|standing| told.standing() == standing)
            && card.is_none_or(|card| told.card == Some(card))
            && from.is_none_or(|from| told.created_at >= from)
            && to.is_none_or(|to| told.created_at < to)
    }

    /// Whether nothing that is asked for comes after this one, the older ones last.
    fn is_past(&self, told: &Told) -> bool {
        let least = self.from.and_then(|from| from.checked_sub(ORDER_SLACK).ok());
        least.is_some_and(|least| told.created_at < least)
    }
}

impl App {
    /// A page of what a partner was told and is to be told, newest first, without the tries. It has
    /// fewer than asked for, even none, where so few are among the many that it passed; what comes
    /// next tells whether it is the last.
    pub async fn notifications_page(
        &self,
        scope: Scope,
        asked: Asked,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Page<Told>, Error> {
        let mut tx = self.db.read().await?;
        let page = page(&mut tx, scope, &asked, after, limit).await;
        Ok(tx.end(page).await?)
    }

    /// A notification by its key, with its tries.
    pub async fn notification(&self, scope: Scope, id: Uuid) -> Result<Told, Error> {
        let mut tx = self.db.read().await?;
        let found = outbox::log::find(&mut tx, scope, id).await;
        let found = tx.end(found).await?.filter(|told| Of::Notifications.has(told.event));
        Ok(found.ok_or(Of::Notifications.unknown())?)
    }

    /// A call by its key, with its tries, and what it says.
    pub async fn partner_call(&self, scope: Scope, id: Uuid) -> Result<(Told, Value), Error> {
        let mut tx = self.db.read().await?;
        let found = async {
            let told = outbox::log::find(&mut tx, scope, id).await?;
            let Some(told) = told.filter(|told| Of::Calls.has(told.event)) else {
                return Ok(None);
            };
            let (_, said) = outbox::log::said(&mut tx, scope, told.number).await?;
            Ok::<_, StoreError>(Some((told, said.unwrap_or_default())))
        };
        let found = found.await;
        Ok(tx.end(found).await?.ok_or(Of::Calls.unknown())?)
    }

    /// How many calls about money partners couldn't be told by.
    pub async fn count_parked_calls(&self) -> Result<i64, Error> {
        let settings = self.settings.get();
        let mut tx = self.db.read().await?;
        let counted = async {
            let mut count = 0;
            for partner in settings.partners() {
                let scope = Scope::platform(partner.id, "parked calls are counted");
                count += outbox::log::count_parked(&mut tx, scope).await?;
            }
            Ok::<_, StoreError>(count)
        };
        let counted = counted.await;
        Ok(tx.end(counted).await?)
    }

    /// A partner's notifications by ascending number, from the one after `after`, with their tries.
    pub async fn notifications(
        &self,
        partner: PartnerId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Told>, Error> {
        let mut tx = self.db.read().await?;
        let told = outbox::log::list(&mut tx, partner, after, limit).await;
        Ok(tx.end(told).await?)
    }

    /// The partner's addresses that have ever failed.
    pub async fn endpoints(&self, partner: PartnerId) -> Result<Vec<Endpoint>, Error> {
        let mut tx = self.db.read().await?;
        let found = endpoints::list(&mut tx, partner).await;
        Ok(tx.end(found).await?)
    }
}

async fn page(
    tx: &mut Tx,
    scope: Scope,
    asked: &Asked,
    after: Option<i64>,
    limit: i64,
) -> Result<Page<Told>, StoreError> {
    let most = usize::try_from(limit).unwrap_or(0);
    let stretch = if *asked == Asked::default() { limit + 1 } else { STRETCH };
    let (mut before, mut passed, mut items) = (after.unwrap_or(i64::MAX), 0, Vec::new());
    loop {
        let rows = outbox::log::walk(tx, scope, (asked.way(), before), stretch).await?;
        let more = rows.len() >= usize::try_from(stretch).unwrap_or(usize::MAX);
        passed += rows.len();
        for told in rows {
            if asked.is_past(&told) {
                return Ok(Page { items, next: None });
            }
            if items.len() == most {
                return Ok(Page { items, next: Some(before) });
            }
            before = told.number;
            items.extend(Some(told).filter(|told| asked.wants(told)));
        }
        if !more || passed >= PASSED_MAX {
            return Ok(Page { items, next: more.then_some(before) });
        }
    }
}
