//! Cards that pay under load, by callers that keep books of what they were told.
//!
//! Two callers share each card. What they send changes balances by amounts that don't depend on
//! the order, so the books tell exactly what has to be there.

use crate::spending::limits_path;
use crate::story::{Story, expect, unique};
use crate::support::{Caller, Sandbox};
use fastrand::Rng;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use testkit::eventually;
use tokio::task::JoinSet;

/// What each card has at first: more than all callers spend.
const FUNDS: i64 = 1_000_000_000;
/// More than any card has.
const TOO_MUCH: i64 = 1_000_000_000_000;
/// On the partner's deposit, which backs what all cards pay.
const DEPOSIT: i64 = 10 * FUNDS;
/// Cards, and callers of each.
const CARDS: usize = 3;
const CALLERS_OF_EACH: usize = 2;
/// How long the same message may be told to come again, and the load take to go on.
const PATIENCE: Duration = Duration::from_secs(60);

/// No limit of requests is met.
pub(crate) const VARIABLES: &[(&str, &str)] = &[("ANTACA_LIMITS_REQUESTS_PER_SECOND", "0")];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    TopUp,
    Authorization,
    Clearing,
    Reversal,
}

/// A request that can be sent again just as it was.
#[derive(Clone, Debug)]
struct Asked {
    what: What,
    /// The network's name or the partner's; its idempotency key too.
    name: String,
    amount: i64,
    of: Option<String>,
}

impl Asked {
    fn request(&self, story: &Story, [partner, processor]: &[Caller; 2]) -> RequestBuilder {
        let of = self.of.as_deref();
        let kind = match self.what {
            What::TopUp => {
                let request = story.top_up(partner, &json!(self.amount), &self.name);
                return request.header("X-Idempotency-Key", &self.name);
            }
            What::Authorization => "authorizations",
            What::Clearing => "clearings",
            What::Reversal => "reversals",
        };
        story.message(processor, kind, self.amount, &self.name, of)
    }
}

/// Status and body; an error where the server is gone.
async fn answer(request: RequestBuilder) -> reqwest::Result<(u16, Value)> {
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

/// An answer that its caller relies on.
#[derive(Clone, Debug)]
struct Told {
    asked: Asked,
    status: u16,
    body: Value,
}

/// One caller and its books.
struct Client {
    number: usize,
    story: Story,
    random: Rng,
    /// Authorizations that hold something, and how much.
    open: Vec<(String, i64)>,
    /// Sent, and not answered.
    in_doubt: Option<Asked>,
    /// Since the last check.
    told: Vec<Told>,
    /// Purchases that were approved.
    approved: usize,
    /// What came to what can be spent, and to what is held.
    available: i64,
    held: i64,
    /// What of it was given, not paid.
    given: i64,
}

impl Client {
    fn choose(&mut self) -> Asked {
        let random = &mut self.random;
        let open = match self.open.as_slice() {
            [] => None,
            open => Some(open[random.usize(..open.len())].clone()),
        };
        let (what, amount, of) = match (random.u8(..10), open) {
            (0, _) => (What::TopUp, random.i64(1..1_000), None),
            (1, _) => (What::Authorization, TOO_MUCH, None),
            (2..=3, Some((of, _))) => (What::Clearing, random.i64(1..600), Some(of)),
            (4..=6, Some((of, _))) => (What::Reversal, random.i64(1..600), Some(of)),
            _ => (What::Authorization, random.i64(1..500), None),
        };
        Asked { what, name: format!("{what:?}-{}", unique()), amount, of }
    }

    /// Sends until it is over, and what was sent until it is answered; or until the server is gone.
    async fn go(mut self, callers: [Caller; 2], progress: Progress) -> Self {
        let mut since = Instant::now();
        while self.in_doubt.is_some() || !progress.over.load(Ordering::SeqCst) {
            let asked = self.in_doubt.take().unwrap_or_else(|| self.choose());
            match answer(asked.request(&self.story, &callers)).await {
                Err(_) => {
                    self.in_doubt = Some(asked);
                    return self;
                }
                Ok((503, body)) => {
                    assert!(since.elapsed() < PATIENCE, "never answered: {asked:?}: {body}");
                    self.in_doubt = Some(asked);
                }
                Ok((status, body)) => {
                    self.learn(Told { asked, status, body });
                    progress.answers.fetch_add(1, Ordering::SeqCst);
                    since = Instant::now();
                }
            }
        }
        self
    }

    /// Takes an answer into the books.
    fn learn(&mut self, told: Told) {
        let Told { asked, status, body } = &told;
        let expected = if asked.what == What::TopUp { 201 } else { 200 };
        assert_eq!(*status, expected, "{asked:?}: {body}");
        let place = asked.of.as_ref().map(|of| self.open.iter().position(|it| it.0 == *of));
        let place = place.map(|place| place.expect("only what is open is referred to"));
        match (asked.what, place) {
            (What::TopUp, _) => {
                (self.available, self.given) =
                    (self.available + asked.amount, self.given + asked.amount);
            }
            (What::Authorization, _) => {
                let approved = body["approvedAmount"].as_i64().expect("an amount");
                let all = if body["approved"] == true { asked.amount } else { 0 };
                assert_eq!(approved, all, "{asked:?}: {body}");
                assert!(all < TOO_MUCH, "{body}");
                (self.held, self.available) = (self.held + all, self.available - all);
                if all > 0 {
                    self.approved += 1;
                    self.open.push((asked.name.clone(), all));
                }
            }
            (What::Clearing, Some(place)) => {
                assert_eq!(body["description"], "APPROVED", "{asked:?}: {body}");
                let (_, held) = self.open.swap_remove(place);
                (self.held, self.available) =
                    (self.held - held, self.available + held - asked.amount);
            }
            (What::Reversal, Some(place)) => {
                assert_eq!(body["description"], "APPROVED", "{asked:?}: {body}");
                let freed = asked.amount.min(self.open[place].1);
                self.open[place].1 -= freed;
                (self.held, self.available) = (self.held - freed, self.available + freed);
                if self.open[place].1 == 0 {
                    self.open.swap_remove(place);
                }
            }
            (What::Clearing | What::Reversal, None) => panic!("of nothing: {asked:?}"),
        }
        self.told.push(told);
    }

    /// Every answer since the last check is in the ledger, and is given again.
    async fn kept(mut self, callers: [Caller; 2]) -> Self {
        for Told { asked, status, body } in self.told.drain(..) {
            let id = body["id"].as_str().expect("an id");
            let found = callers[0].get(&format!("/secure/transactions/{id}"));
            assert_eq!(expect(200, found).await["id"], id, "{asked:?}");
            let again = answer(asked.request(&self.story, &callers)).await.expect("answers");
            assert_eq!(again, (status, body), "{asked:?}");
        }
        self
    }
}

/// How far all callers are.
#[derive(Clone, Default)]
struct Progress {
    answers: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

/// All callers.
pub(crate) struct Load {
    clients: Vec<Client>,
    /// Where the partner sees its deposit.
    deposit: String,
    running: JoinSet<Client>,
    progress: Progress,
}

impl Load {
    /// Cards with money, backed by a deposit, with limits and a budget, and who will pay with them.
    pub(crate) async fn on(sandbox: &Sandbox, random: &mut Rng) -> Self {
        let deposit = deposit(sandbox).await;
        let mut clients = Vec::new();
        for _ in 0..CARDS {
            let story = Story::begin(sandbox, FUNDS).await;
            let limits = json!({
                "limits": [{ "type": "general", "timeUnit": "monthly", "amountMinor": FUNDS }],
                "budget": { "amountMinor": FUNDS, "from": "2020-01-01", "to": "2099-12-31" },
            });
            expect(200, sandbox.partner().put(&limits_path(&story)).json(&limits)).await;
            for _ in 0..CALLERS_OF_EACH {
                clients.push(Client {
                    number: clients.len(),
                    story: story.clone(),
                    random: random.fork(),
                    open: Vec::new(),
                    in_doubt: None,
                    told: Vec::new(),
                    approved: 0,
                    available: 0,
                    held: 0,
                    given: 0,
                });
            }
        }
        Self { clients, deposit, running: JoinSet::new(), progress: Progress::default() }
    }

    /// Lets all callers go on, those of one card at one server after the other.
    pub(crate) fn begin(&mut self, at: &[&Sandbox]) {
        self.progress.over.store(false, Ordering::SeqCst);
        for (client, sandbox) in self.clients.drain(..).zip(at.iter().cycle()) {
            self.running.spawn(client.go(callers(sandbox), self.progress.clone()));
        }
    }

    /// How many answers there were.
    pub(crate) fn answers(&self) -> usize {
        self.progress.answers.load(Ordering::SeqCst)
    }

    /// Waits for so many more answers.
    pub(crate) async fn goes_on(&self, more: usize) {
        let enough = self.answers() + more;
        eventually("the load goes on", PATIENCE, async || self.answers() >= enough).await;
    }

    /// Lets it go on to some moment that nothing tells from any other.
    pub(crate) async fn some_moment(&self, random: &mut Rng) {
        self.goes_on(random.usize(20..120)).await;
        let more = Duration::from_micros(random.u64(..40_000));
        let forever = std::future::pending::<()>();
        assert!(tokio::time::timeout(more, forever).await.is_err());
    }

    /// Waits for the callers, who end when their server is gone.
    pub(crate) async fn stranded(&mut self) {
        self.clients = std::mem::take(&mut self.running).join_all().await;
        self.clients.sort_by_key(|client| client.number);
    }

    /// Has every caller end what it began; whose server is gone can't.
    pub(crate) async fn break_off(&mut self) {
        self.progress.over.store(true, Ordering::SeqCst);
        self.stranded().await;
    }

    /// Has every caller end what it began.
    pub(crate) async fn end(&mut self) {
        self.break_off().await;
        assert!(self.clients.iter().all(|client| client.in_doubt.is_none()), "the server is gone");
    }

    /// What had no answer gets one. Then every answer is in the ledger and is given again, nothing
    /// is held twice, and the ledger holds.
    pub(crate) async fn check(&mut self, sandbox: &Sandbox) {
        self.begin(&[sandbox]);
        self.end().await;
        let checks = self.clients.drain(..).map(|client| client.kept(callers(sandbox)));
        self.clients = checks.collect::<JoinSet<_>>().join_all().await;
        assert!(self.clients.iter().all(|it| it.approved > 0), "most purchases are approved");
        self.clients.sort_by_key(|client| client.number);
        for sharing in self.clients.chunks(CALLERS_OF_EACH) {
            let sum = |of: fn(&Client) -> i64| sharing.iter().map(of).sum::<i64>();
            let expected = (FUNDS + sum(|it| it.available), sum(|it| it.held));
            let story = &sharing[0].story;
            assert_eq!(story.amounts(sandbox).await, expected);
            let limits = expect(200, sandbox.partner().get(&limits_path(story))).await;
            let paid = sum(|it| it.given - it.available);
            assert_eq!(limits["budget"]["usedMinor"], paid, "{limits}");
        }
        let sum = |of: fn(&Client) -> i64| self.clients.iter().map(of).sum::<i64>();
        let deposit = expect(200, sandbox.partner().get(&self.deposit)).await;
        assert_eq!(deposit["amount"], DEPOSIT - sum(|it| it.given - it.available));
        assert_eq!(deposit["blockedAmount"], sum(|it| it.held));
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }
}

/// Has a deposit of the partner's back what its users pay; where the partner sees it.
async fn deposit(sandbox: &Sandbox) -> String {
    let of = ["--code", "sandbox", "--kind", "DEPOSIT", "--currency", "EUR"];
    let made = sandbox.antaca(&[&["partner", "balance"][..], &of].concat()).await;
    let made = made.assert_done().json();
    let amount = DEPOSIT.to_string();
    let more = ["--type", "collateralCredit", "--amount", &amount, "--external-id", "load"];
    sandbox.antaca(&[&["partner", "move"][..], &of, &more].concat()).await.assert_done();
    let set = ["partner", "set", "--code", "sandbox", "--collateral-mode", "DEPOSIT"];
    sandbox.antaca(&set).await.assert_done();
    format!("/secure/partner-balances/{}", made[0]["id"].as_str().expect("an id"))
}

fn callers(sandbox: &Sandbox) -> [Caller; 2] {
    [sandbox.partner().clone(), sandbox.processor().clone()]
}
