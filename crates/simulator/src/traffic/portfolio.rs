//! A portfolio to look at: people who joined one after the other, and what they paid with their
//! cards day and night, made the way a partner and a network make it. The server's clock is moved
//! through those days, some minutes at a time.

use super::{Act, State, Summary, locked, send};
use crate::issuing::{Partner, Person};
use crate::sandbox::read;
use crate::target::{SimulatorError, Target};
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

/// Users whose proof of who they are waits for somebody to look at it.
const UNPROVED: u32 = 6;
/// What a user has at first, in minor units.
const MONEY: std::ops::Range<i64> = 50_000..500_000;
/// Of a hundred users so many are there from the beginning; the others join in the first two thirds
/// of the time.
const AT_FIRST: u32 = 50;
/// Users that are made at once.
const MADE_AT_ONCE: usize = 16;
/// Purchases of an hour in UTC for a hundred cards and a day of a hundred: little at night, most at
/// noon and in the evening.
const BUSY: [u32; 24] = [1, 1, 0, 0, 0, 1, 2, 4, 5, 5, 6, 8, 9, 7, 5, 5, 6, 8, 9, 7, 5, 3, 2, 1];
/// Approved purchases are cleared so many hours later, on average.
const CLEARED_AFTER: usize = 20;
/// Turns of an hour, in which what happens in it happens.
const TURNS: u32 = 3;
/// Seconds of a turn.
const SECONDS: i64 = 1_200;

const FIRST_NAMES: &[&str] = &[
    "Anna", "Piotr", "Maria", "Jan", "Zofia", "Tomasz", "Julia", "Marek", "Hanna", "Adam", "Lena",
    "Felix", "Klara", "Jonas", "Mia", "Lukas", "Emma", "Pierre", "Louise", "Marco",
];
const LAST_NAMES: &[&str] = &[
    "Nowak",
    "Kowalska",
    "Wójcik",
    "Kamińska",
    "Lewandowski",
    "Zielińska",
    "Dąbrowski",
    "Müller",
    "Schmidt",
    "Weber",
    "Dubois",
    "Moreau",
    "Rossi",
    "Ferrari",
    "Novák",
    "Svoboda",
    "Jansen",
];

/// How much is made.
#[derive(Clone, Copy, Debug)]
pub struct Portfolio {
    /// Users.
    pub users: u32,
    /// Cards of theirs; at least one for each who has proved who they are.
    pub cards: u32,
    /// Days.
    pub days: u32,
}

/// The server's clock: business time, which can be moved ahead.
pub trait Clock: Sync {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Moves it ahead to a moment.
    fn move_to(&self, moment: Timestamp);
}

/// Makes the portfolio, from now on to so many days later; `told` hears how far it is.
pub async fn run(
    dir: &Path,
    portfolio: Portfolio,
    clock: &impl Clock,
    told: impl Fn(&str) + Sync,
) -> Result<Summary, SimulatorError> {
    let partner = Arc::new(Partner::of_sandbox(dir)?);
    let target = Target::of_sandbox(dir)?;
    let picture = read(&dir.join("picture.jpg"))?;
    let (random, summary) = (fastrand::Rng::new(), Summary::default());
    let state = State { random, cards: Vec::new(), open: Vec::new(), summary };
    let state = Arc::new(Mutex::new(state));
    let (begin, turns, mut made) = (clock.now(), portfolio.days * 24 * TURNS, 0);
    for turn in 0..turns {
        let seconds = i64::from(turn) * SECONDS + locked(&state).random.i64(0..SECONDS);
        let moment = begin.checked_add(SignedDuration::from_secs(seconds));
        clock.move_to(moment.unwrap_or(begin));
        let due = portfolio.users_at(turn, turns);
        while made < due {
            let until = due.min(made + 100);
            told(&format!("{made} of {} users…", portfolio.users));
            let cards = make(&partner, portfolio, made..until, &picture).await?;
            locked(&state).cards.extend(cards);
            made = until;
        }
        play(&target, &state, clock).await;
        told(&format!("day {} of {}…", turn / (24 * TURNS) + 1, portfolio.days));
    }
    let summary = std::mem::take(&mut locked(&state).summary);
    Ok(summary)
}

impl Portfolio {
    /// How many users there are in a turn of all.
    fn users_at(self, turn: u32, turns: u32) -> u32 {
        let first = self.users * AT_FIRST / 100;
        let joining = (turns * 2 / 3).max(1);
        first + (self.users - first) * turn.min(joining) / joining
    }

    /// How many cards the user of a number has.
    fn cards_of(self, number: u32) -> u32 {
        let proved = self.users.saturating_sub(UNPROVED).max(1);
        let is_early = number % proved < self.cards % proved;
        self.cards / proved + u32::from(is_early)
    }

    /// Whether the user of a number has proved who they are: the last ones haven't.
    fn is_proved(self, number: u32) -> bool {
        number + UNPROVED < self.users
    }
}

/// Makes the users of these numbers, some at once; the cards.
async fn make(
    partner: &Arc<Partner>,
    portfolio: Portfolio,
    numbers: std::ops::Range<u32>,
    picture: &[u8],
) -> Result<Vec<i64>, SimulatorError> {
    let (mut making, mut cards) = (JoinSet::new(), Vec::new());
    for number in numbers {
        if making.len() == MADE_AT_ONCE {
            cards.extend(ended(&mut making).await?);
        }
        let (partner, picture) = (partner.clone(), picture.to_owned());
        making.spawn(async move { make_one(&partner, portfolio, number, &picture).await });
    }
    while !making.is_empty() {
        cards.extend(ended(&mut making).await?);
    }
    Ok(cards)
}

/// What the next of them answers.
async fn ended(
    making: &mut JoinSet<Result<Vec<i64>, SimulatorError>>,
) -> Result<Vec<i64>, SimulatorError> {
    let ended = making.join_next().await.and_then(Result::ok);
    ended.unwrap_or(Err(SimulatorError::UnexpectedAnswer))
}

async fn make_one(
    partner: &Partner,
    portfolio: Portfolio,
    number: u32,
    picture: &[u8],
) -> Result<Vec<i64>, SimulatorError> {
    let of = |names: &[&'static str], place: u32| names[place as usize % names.len()];
    let person = Person {
        first_name: of(FIRST_NAMES, number),
        last_name: of(LAST_NAMES, number * 7 + number / 17),
        phone: &format!("48600{number:06}"),
        email: &format!("{}.{number}@example.com", of(FIRST_NAMES, number).to_lowercase()),
        birth_date: &format!(
            "{}-{:02}-{:02}",
            1955 + number % 48,
            1 + number % 12,
            1 + number % 28
        ),
    };
    let user = partner.make_user(&person, portfolio.is_proved(number)).await?;
    if !portfolio.is_proved(number) {
        partner.hand_in(user, &person, picture).await?;
        return Ok(Vec::new());
    }
    let money = fastrand::i64(MONEY);
    partner.give(user, money, portfolio.cards_of(number)).await
}

/// What happens in a turn: everything of it at once, in any order.
async fn play(target: &Target, state: &Arc<Mutex<State>>, clock: &impl Clock) {
    let now = clock.now();
    let acts = locked(state).acts_of_a_turn(now);
    let mut sent = JoinSet::new();
    for act in acts {
        let (target, state) = (target.clone(), state.clone());
        sent.spawn(async move {
            let answer = send(&target, &act, now).await;
            locked(&state).settle(&act, answer);
        });
    }
    while sent.join_next().await.is_some() {}
}

impl State {
    fn acts_of_a_turn(&mut self, now: Timestamp) -> Vec<Act> {
        if self.cards.is_empty() {
            return Vec::new();
        }
        let hour = now.to_zoned(jiff::tz::TimeZone::UTC).hour();
        let busy = BUSY[usize::try_from(hour).unwrap_or(0) % BUSY.len()] as usize;
        let mut acts = Vec::new();
        let turns = TURNS as usize;
        for _ in 0..self.drawn(self.cards.len() * busy, 300 * turns) {
            acts.push(Act::Purchase(self.purchase()));
        }
        for _ in 0..self.drawn(self.open.len(), CLEARED_AFTER * turns) {
            let Some(open) = self.take_open() else { break };
            let is_called_off = self.random.u8(0..100) < 6;
            acts.push(if is_called_off {
                Act::Reverse(self.reversal(open))
            } else {
                Act::Clear(self.clearing(open))
            });
        }
        if self.random.u8(0..24) == 0 {
            acts.push(Act::Refund(self.refund()));
        }
        acts
    }

    /// A part of a number, on average what their quotient is.
    fn drawn(&mut self, of: usize, one_in: usize) -> usize {
        of / one_in + usize::from(self.random.usize(0..one_in) < of % one_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Portfolio = Portfolio { users: 200, cards: 300, days: 30 };

    #[test]
    fn all_users_join_and_have_their_cards() {
        assert_eq!(SMALL.users_at(0, 720), 100);
        assert_eq!(SMALL.users_at(240, 720), 150);
        assert_eq!(SMALL.users_at(480, 720), 200);
        assert_eq!(SMALL.users_at(719, 720), 200);
        let proved = (0..200).filter(|number| SMALL.is_proved(*number));
        assert_eq!(proved.map(|number| SMALL.cards_of(number)).sum::<u32>(), 300);
    }

    #[test]
    fn days_are_busier_than_nights() {
        let random = fastrand::Rng::with_seed(7);
        let cards = (1..=300).collect();
        let mut state = State { random, cards, open: Vec::new(), summary: Summary::default() };
        let mut at = |text: &str| state.acts_of_a_turn(text.parse().expect("a moment")).len();
        let night: usize = (0..30).map(|_| at("2026-01-31T03:00:00Z")).sum();
        let noon: usize = (0..30).map(|_| at("2026-01-31T12:00:00Z")).sum();
        assert!(noon >= 90 && night < 20, "{noon} {night}");
    }
}
