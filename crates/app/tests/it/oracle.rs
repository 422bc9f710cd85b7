//! Random messages, duplicates and strangers among them, against a ledger of a few lines that was
//! written from the spec alone.

use domain::ledger::clearing::Finality;
use domain::transaction::Processing;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;
use testkit::{Database, Funded, TestApp};

/// How many sequences a run plays on each database, seeds 1 and up; `./scripts/soak` asks for more
/// by the variable `ANTACA_SOAK_SEQUENCES`.
const SEQUENCES: u64 = 12;
/// Seeds that failed once.
const FAILED_ONCE: &[u64] = &[];

#[derive(Clone, Debug)]
enum Sent {
    TopUp(i64),
    Purchase {
        name: u8,
        amount: i64,
    },
    Clear {
        of: u8,
        amount: i64,
        last: bool,
    },
    ClearAlone {
        amount: i64,
    },
    Reverse {
        of: u8,
        amount: i64,
    },
    /// The message before this one, once more.
    Again,
}

fn sent() -> impl Strategy<Value = Sent> {
    prop_oneof![
        1 => (1..500i64).prop_map(Sent::TopUp),
        5 => (0..6u8, 1..400i64).prop_map(|(name, amount)| Sent::Purchase { name, amount }),
        3 => (0..6u8, 1..400i64, any::<bool>())
            .prop_map(|(of, amount, last)| Sent::Clear { of, amount, last }),
        1 => (1..100i64).prop_map(|amount| Sent::ClearAlone { amount }),
        3 => (0..6u8, 1..400i64).prop_map(|(of, amount)| Sent::Reverse { of, amount }),
        2 => Just(Sent::Again),
    ]
}

/// What the spec says, for one balance.
#[derive(Default)]
struct Oracle {
    posted: i64,
    /// What each authorization still holds; absent if it was never approved.
    open: BTreeMap<u8, i64>,
    /// Names that were decided: the first amount stands.
    decided: BTreeMap<u8, i64>,
    /// Names whose reversal came first.
    early: Vec<u8>,
}

impl Oracle {
    fn held(&self) -> i64 {
        self.open.values().sum()
    }

    fn purchase(&mut self, name: u8, amount: i64) {
        if self.decided.contains_key(&name) {
            return;
        }
        self.decided.insert(name, amount);
        if !self.early.contains(&name) && self.posted - self.held() >= amount {
            self.open.insert(name, amount);
        }
    }

    fn clear(&mut self, of: u8, amount: i64, last: bool) {
        self.posted -= amount;
        if let Some(held) = self.open.get_mut(&of) {
            *held = (*held - amount).max(0);
            if last {
                self.open.remove(&of);
            }
        }
    }

    fn reverse(&mut self, of: u8, amount: i64) {
        match self.open.get_mut(&of) {
            Some(held) => {
                *held -= amount.min(*held);
                if *held == 0 {
                    self.open.remove(&of);
                }
            }
            None => self.early.push(of),
        }
    }
}

async fn play(node: &TestApp, messages: &[Sent]) {
    let funded = node.funded(0).await;
    let mut oracle = Oracle::default();
    let mut last: Option<(usize, Sent)> = None;
    for (place, message) in messages.iter().enumerate() {
        let (place, message) = match (message, &last) {
            (Sent::Again, None) => continue,
            (Sent::Again, Some((place, again))) => {
                send(node, funded, *place, again).await;
                assert_eq!(told(node, funded).await, expected(&oracle), "{messages:?}");
                continue;
            }
            (new, _) => (place, new.clone()),
        };
        send(node, funded, place, &message).await;
        match &message {
            Sent::TopUp(amount) => oracle.posted += amount,
            Sent::Purchase { name, amount } => oracle.purchase(*name, *amount),
            Sent::Clear { of, amount, last } => oracle.clear(*of, *amount, *last),
            Sent::ClearAlone { amount } => oracle.posted -= amount,
            Sent::Reverse { of, amount } => oracle.reverse(*of, *amount),
            Sent::Again => {}
        }
        assert_eq!(told(node, funded).await, expected(&oracle), "after {place} of {messages:?}");
        if !matches!(message, Sent::TopUp(_)) {
            last = Some((place, message));
        }
    }
}

fn expected(oracle: &Oracle) -> (i64, i64) {
    (oracle.posted - oracle.held(), oracle.held())
}

async fn told(node: &TestApp, funded: Funded) -> (i64, i64) {
    node.amounts(funded.balance).await
}

/// Names are unique in a card's life: the place in the sequence is part of each.
async fn send(node: &TestApp, funded: Funded, place: usize, message: &Sent) {
    let name = |of: u8| format!("p{}-{of}", funded.card.0);
    let own = format!("m{}-{place}", funded.card.0);
    let finality = |last| if last { Finality::Final } else { Finality::Partial };
    match message {
        Sent::TopUp(amount) => drop(node.top_up(funded.balance, *amount).await.expect("loads")),
        // Another amount under a known name is refused, and nothing happens.
        Sent::Purchase { name: of, amount } => {
            drop(node.purchase(funded.card, *amount, &name(*of)).await);
        }
        Sent::Clear { of, amount, last } => {
            let of = name(*of);
            let message = node.clear(funded.card, *amount, &own, Some(&of), finality(*last)).await;
            assert_eq!(message.expect("decided").processing, Processing::Success);
        }
        Sent::ClearAlone { amount } => {
            let message = node.clear(funded.card, *amount, &own, None, Finality::Final).await;
            assert_eq!(message.expect("decided").processing, Processing::Success);
        }
        Sent::Reverse { of, amount } => {
            let of = name(*of);
            drop(node.reverse(funded.card, *amount, &own, &of).await.expect("decided"));
        }
        Sent::Again => {}
    }
}

fn run(database: Database) {
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    let node = runtime.block_on(TestApp::on(database));
    #[expect(clippy::disallowed_methods, reason = "a soak asks for more than a test")]
    let asked = std::env::var("ANTACA_SOAK_SEQUENCES").ok().and_then(|text| text.parse().ok());
    let last = asked.unwrap_or(SEQUENCES);
    eprintln!("{database:?}: seeds 1 to {last}, and {FAILED_ONCE:?}");
    for seed in FAILED_ONCE.iter().copied().chain(1..=last) {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let config = Config { cases: 1, failure_persistence: None, ..Config::default() };
        let played = TestRunner::new_with_rng(config, random).run(
            &prop::collection::vec(sent(), 5..40),
            |messages| {
                runtime.block_on(play(&node, &messages));
                Ok(())
            },
        );
        assert!(played.is_ok(), "{database:?}, seed {seed}: {played:?}");
    }
    runtime.block_on(node.verify());
}

#[test]
fn every_balance_equals_the_oracles_on_sqlite() {
    run(Database::Sqlite);
}

#[test]
fn every_balance_equals_the_oracles_on_postgres() {
    run(Database::Postgres);
}
