//! Traffic: many cards at many merchants, for a while. Purchases that are approved are cleared,
//! reversed or left alone; some are more than the card has, or name the wrong month; now and then a
//! merchant gives money back.

pub mod portfolio;

use crate::issuing::Partner;
use crate::merchants::{MERCHANTS, Merchant};
use crate::message::{Authorization, Clearing, Extras, Reference, Reversal};
use crate::target::{Answer, SimulatorError, Target};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Messages that wait for an answer at once; more would only wait for one another.
const AT_ONCE: usize = 256;
/// Purchases that are remembered for what comes after them.
const OPEN: usize = 10_000;
/// More than a card of ours ever has, in minor units.
const TOO_MUCH: i64 = 100_000_000;
/// A month that no card of ours ends in.
const WRONG_MONTH: &str = "2020-01";

/// What is to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Cards that are used.
    pub cards: u32,
    /// Messages a second.
    pub rate: u32,
    /// For how long.
    pub duration: Duration,
}

/// What came of it. Every message that was sent is counted once.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Messages sent.
    pub sent: u64,
    /// Purchases approved.
    pub approved: u64,
    /// Purchases declined, by reason.
    pub declined: BTreeMap<String, u64>,
    /// Purchases cleared.
    pub cleared: u64,
    /// Purchases reversed, in full or in part.
    pub reversed: u64,
    /// Refunds.
    pub refunded: u64,
    /// Messages that weren't taken, by reason.
    pub failed: BTreeMap<String, u64>,
    /// How long it took.
    pub took: Duration,
}

/// What is sent in one turn.
#[derive(Debug)]
enum Act {
    Purchase(Authorization),
    Clear(Clearing),
    Reverse(Reversal),
    Refund(Clearing),
}

/// An approved purchase.
#[derive(Debug)]
struct Open {
    card: i64,
    amount: i64,
    reference: Reference,
}

/// What is known while traffic runs.
struct State {
    random: fastrand::Rng,
    cards: Vec<i64>,
    open: Vec<Open>,
    summary: Summary,
}

/// Makes the cards and sends the messages; `told` hears how far it is.
pub async fn run(
    dir: &Path,
    target: &Target,
    plan: Plan,
    clock: fn() -> jiff::Timestamp,
    told: impl Fn(&str),
) -> Result<Summary, SimulatorError> {
    let partner = Partner::of_sandbox(dir)?;
    let cards = partner.make_cards(plan.cards, &told).await?;
    let (random, summary) = (fastrand::Rng::new(), Summary::default());
    let state = Arc::new(Mutex::new(State { random, cards, open: Vec::new(), summary }));
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let (begun, mut sent) = (Instant::now(), JoinSet::new());
    for number in 0.. {
        let at = Duration::from_secs(1).saturating_mul(number) / plan.rate.max(1);
        if at >= plan.duration || begun.elapsed() >= plan.duration {
            break;
        }
        tokio::time::sleep_until((begun + at).into()).await;
        // A slow server is sent less, not more at once.
        let Ok(place) = places.clone().acquire_owned().await else { break };
        let act = locked(&state).draw();
        let (target, shared) = (target.clone(), state.clone());
        sent.spawn(async move {
            let answer = send(&target, &act, clock()).await;
            locked(&shared).settle(&act, answer);
            drop(place);
        });
        while sent.try_join_next().is_some() {}
        if number % 50 == 0 {
            told(&bar(begun.elapsed(), plan.duration, &locked(&state).summary));
        }
    }
    while sent.join_next().await.is_some() {}
    let mut state = locked(&state);
    state.summary.took = begun.elapsed();
    Ok(std::mem::take(&mut state.summary))
}

fn locked(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn send(target: &Target, act: &Act, now: jiff::Timestamp) -> Answer {
    match act {
        Act::Purchase(purchase) => target.authorize(purchase, now).await,
        Act::Clear(clearing) | Act::Refund(clearing) => target.clear(clearing, now).await,
        Act::Reverse(reversal) => target.reverse(reversal, now).await,
    }
}

impl State {
    /// The next message: of 100, 4 are refunds, 6 reversals and 30 clearings, as far as there is
    /// something to reverse or clear.
    fn draw(&mut self) -> Act {
        let chance = self.random.u8(0..100);
        let open = if (4..40).contains(&chance) { self.take_open() } else { None };
        match (chance, open) {
            (0..=3, _) => Act::Refund(self.refund()),
            (4..=9, Some(open)) => Act::Reverse(self.reversal(open)),
            (_, Some(open)) => Act::Clear(self.clearing(open)),
            (_, None) => Act::Purchase(self.purchase()),
        }
    }

    fn card(&mut self) -> i64 {
        self.random.choice(&self.cards).copied().unwrap_or_default()
    }

    fn merchant(&mut self) -> &'static Merchant {
        self.random.choice(MERCHANTS).unwrap_or(&MERCHANTS[0])
    }

    fn take_open(&mut self) -> Option<Open> {
        let place = self.random.usize(0..self.open.len().max(1));
        (place < self.open.len()).then(|| self.open.swap_remove(place))
    }

    fn purchase(&mut self) -> Authorization {
        let (card, merchant) = (self.card(), self.merchant());
        let amount = self.random.i64(merchant.amounts.clone());
        let mut purchase = Authorization {
            transaction_type: merchant.transaction_type.to_owned(),
            merchant: merchant.name.to_owned(),
            mcc: merchant.mcc.to_owned(),
            country: merchant.country.to_owned(),
            capture_mode: merchant.capture_mode.to_owned(),
            ..Authorization::purchase(card, amount)
        };
        match self.random.u8(0..100) {
            0..=3 => purchase.amount = TOO_MUCH,
            4 => purchase.extras.expiry = Some(WRONG_MONTH.to_owned()),
            _ => {}
        }
        purchase
    }

    /// Mostly for what was asked; a tip is above it, what was out of stock below.
    fn clearing(&mut self, open: Open) -> Clearing {
        let amount = match self.random.u8(0..100) {
            0..=4 => open.amount + open.amount / 10,
            5..=9 => (open.amount - open.amount / 10).max(1),
            _ => open.amount,
        };
        clearing(open.card, amount, Some(open.reference))
    }

    fn reversal(&mut self, open: Open) -> Reversal {
        let in_part = self.random.u8(0..100) < 30;
        Reversal {
            card: open.card,
            amount: if in_part { (open.amount / 2).max(1) } else { open.amount },
            currency: "EUR".to_owned(),
            reference: open.reference,
        }
    }

    fn refund(&mut self) -> Clearing {
        let (card, merchant) = (self.card(), self.merchant());
        let amount = self.random.i64(merchant.amounts.clone());
        Clearing { is_credit: true, ..clearing(card, amount, None) }
    }

    /// Counts what came of a message, and remembers what can be cleared.
    fn settle(&mut self, act: &Act, answer: Answer) {
        let summary = &mut self.summary;
        summary.sent += 1;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return count(&mut summary.failed, error.to_string()),
        };
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        match act {
            Act::Purchase(purchase) if answer["approved"] == true => {
                summary.approved += 1;
                let reference =
                    Reference { id: text("transactionId"), date: text("transactionDate") };
                let Authorization { card, amount, .. } = *purchase;
                if self.open.len() < OPEN {
                    self.open.push(Open { card, amount, reference });
                }
            }
            Act::Purchase(_) => count(&mut summary.declined, text("description")),
            Act::Clear(_) | Act::Reverse(_) | Act::Refund(_)
                if text("description") != "APPROVED" =>
            {
                count(&mut summary.failed, text("description"));
            }
            Act::Clear(_) => summary.cleared += 1,
            Act::Reverse(_) => summary.reversed += 1,
            Act::Refund(_) => summary.refunded += 1,
        }
    }
}

fn clearing(card: i64, amount: i64, reference: Option<Reference>) -> Clearing {
    Clearing {
        card,
        amount,
        currency: "EUR".to_owned(),
        reference,
        is_credit: false,
        partial: false,
        sequence: 1,
        fx_difference: None,
        extras: Extras::default(),
    }
}

fn count(counts: &mut BTreeMap<String, u64>, reason: String) {
    *counts.entry(reason).or_default() += 1;
}

/// How far it is, as one line.
fn bar(spent: Duration, all: Duration, summary: &Summary) -> String {
    const WIDTH: u128 = 30;
    let done = (WIDTH * spent.as_millis() / all.as_millis().max(1)).min(WIDTH);
    let bar: String = (0..WIDTH).map(|place| if place < done { '#' } else { '.' }).collect();
    let (sent, declined) = (summary.sent, summary.declined.values().sum::<u64>());
    let left = all.saturating_sub(spent).as_secs();
    format!("[{bar}] {sent} sent, {declined} declined, {left} s left")
}

impl Summary {
    /// One object.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "sent": self.sent,
            "approved": self.approved,
            "declined": self.declined,
            "cleared": self.cleared,
            "reversed": self.reversed,
            "refunded": self.refunded,
            "failed": self.failed,
            "milliseconds": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// The same for a person.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { sent, approved, cleared, reversed, refunded, .. } = self;
        let mut lines = vec![
            format!("{sent} messages in {} seconds", self.took.as_secs()),
            format!("  purchases approved  {approved}"),
            format!("  purchases declined  {}", self.declined.values().sum::<u64>()),
        ];
        let each = |counts: &BTreeMap<String, u64>| -> Vec<String> {
            counts.iter().map(|(reason, count)| format!("    {reason}  {count}")).collect()
        };
        lines.extend(each(&self.declined));
        lines.push(format!("  cleared             {cleared}"));
        lines.push(format!("  reversed            {reversed}"));
        lines.push(format!("  refunded            {refunded}"));
        if !self.failed.is_empty() {
            lines.push(format!("  not taken           {}", self.failed.values().sum::<u64>()));
            lines.extend(each(&self.failed));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let random = fastrand::Rng::with_seed(7);
        let summary = Summary::default();
        State { random, cards: vec![1, 2, 3], open: Vec::new(), summary }
    }

    #[test]
    fn everything_is_counted_once() {
        let mut state = state();
        for number in 0..2_000 {
            let act = state.draw();
            let answer = match &act {
                Act::Purchase(it) if it.amount == TOO_MUCH => {
                    Ok(json!({"approved": false, "description": "INSUFFICIENT_FUNDS"}))
                }
                Act::Purchase(_) if number % 100 == 0 => Err(SimulatorError::UnexpectedAnswer),
                Act::Purchase(_) => Ok(json!({
                    "approved": true, "transactionId": "1", "transactionDate": "now",
                })),
                Act::Clear(_) | Act::Reverse(_) | Act::Refund(_) => {
                    Ok(json!({"description": "APPROVED"}))
                }
            };
            state.settle(&act, answer);
        }
        let told = &state.summary;
        let (declined, failed) =
            (told.declined.values().sum::<u64>(), told.failed.values().sum::<u64>());
        let all = [told.approved, declined, told.cleared, told.reversed, told.refunded, failed];
        assert!(all.iter().all(|count| *count > 0), "{told:?}");
        assert_eq!(all.iter().sum::<u64>(), 2_000);
        assert!(told.cleared > 3 * told.reversed, "{told:?}");
    }

    #[test]
    fn the_bar_fills() {
        let minute = Duration::from_secs(60);
        let told = bar(Duration::from_secs(30), minute, &Summary::default());
        assert!(told.starts_with("[###############...............] 0 sent"), "{told}");
        assert!(bar(2 * minute, minute, &Summary::default()).contains("0 s left"));
    }
}
