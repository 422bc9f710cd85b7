//! What is counted of all that a partner has: so many rows that it is done at most once a minute
//! for each partner, and only while somebody looks. Whoever looks gets what is there, and has it
//! counted anew when it is old; only the first after a start waits.

use crate::balances::Summary;
use crate::error::Chain;
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::{CardId, PartnerId, UserId};
use domain::scope::Scope;
use domain::user::UserState;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::cards::of_partner::{Count as Cards, count_stretch};
use store::users::search;

/// How long numbers are told before they are counted anew.
const FRESH: Duration = Duration::from_secs(60);
/// How many rows a statement reads: each has a snapshot of its own, so that none is kept open for
/// long.
const STRETCH: i64 = 10_000;

/// Users, cards and sums of a partner.
#[derive(Clone, Debug)]
pub struct Counted {
    /// When it was counted, in business time.
    pub at: Timestamp,
    /// Its users.
    pub users: Users,
    /// Their cards.
    pub cards: Cards,
    /// What there is, by currency.
    pub balances: Vec<Summary>,
}

/// How many users there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// That are registered and weren't removed.
    pub registered: i64,
    /// Of those, who are known to be who they say and aren't locked: who can pay.
    pub active: i64,
    /// Of those, who are locked.
    pub locked: i64,
}

/// What was counted last, by partner.
#[derive(Debug, Default)]
pub struct Overviews(Mutex<HashMap<PartnerId, Arc<Slot>>>);

/// What was counted last of one partner, and the turn at counting it.
#[derive(Debug, Default)]
struct Slot {
    last: Mutex<Option<(Instant, Arc<Counted>)>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Overviews {
    fn slot(&self, partner: PartnerId) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(partner).or_default().clone()
    }
}

impl Slot {
    fn last(&self) -> Option<(Instant, Arc<Counted>)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, counted: &Arc<Counted>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((Instant::now(), counted.clone()));
    }
}

impl App {
    /// What was counted last; counted now, where nothing was yet.
    pub async fn counted(&self, scope: Scope) -> Result<Arc<Counted>, Error> {
        let slot = self.overviews.slot(scope.partner());
        if let Some((at, counted)) = slot.last() {
            if at.elapsed() > FRESH {
                self.count_anew(scope, &slot);
            }
            return Ok(counted);
        }
        let _turn = slot.turn.lock().await;
        if let Some((_, counted)) = slot.last() {
            return Ok(counted);
        }
        let counted = Arc::new(self.count(scope).await?);
        slot.keep(&counted);
        Ok(counted)
    }

    /// Counts while nobody waits, unless somebody does already.
    fn count_anew(&self, scope: Scope, slot: &Arc<Slot>) {
        let Ok(turn) = slot.turn.clone().try_lock_owned() else { return };
        let (app, slot) = (self.clone(), slot.clone());
        drop(self.tasks.run(async move {
            match app.count(scope).await {
                Ok(counted) => slot.keep(&Arc::new(counted)),
                Err(error) => {
                    let partner = scope.partner().0;
                    let error = Chain(&error);
                    tracing::warn!(partner, %error, "An overview can't be counted now");
                }
            }
            drop(turn);
        }));
    }

    async fn count(&self, scope: Scope) -> Result<Counted, Error> {
        Ok(Counted {
            at: self.now(),
            users: self.count_users(scope).await?,
            cards: self.count_cards(scope).await?,
            balances: self.summary_of(scope).await?,
        })
    }

    async fn count_users(&self, scope: Scope) -> Result<Users, Error> {
        let (mut users, mut before) = (Users::default(), UserId(i64::MAX));
        loop {
            let mut tx = self.db.read().await?;
            let passed = search::walk(&mut tx, scope, before, STRETCH).await;
            let passed = tx.end(passed).await?;
            for user in &passed {
                users.registered += 1;
                users.active += i64::from(user.state == UserState::Verified);
                users.locked += i64::from(user.state == UserState::Locked);
            }
            match passed.last() {
                Some(last) if i64::try_from(passed.len()).is_ok_and(|read| read >= STRETCH) => {
                    before = last.id;
                }
                Some(_) | None => return Ok(users),
            }
        }
    }

    async fn count_cards(&self, scope: Scope) -> Result<Cards, Error> {
        let (mut cards, mut after) = (Cards::default(), CardId(0));
        loop {
            let mut tx = self.db.read().await?;
            let counted = count_stretch(&mut tx, scope, (&mut cards, after), STRETCH).await;
            match tx.end(counted).await? {
                Some(last) => after = last,
                None => return Ok(cards),
            }
        }
    }
}
