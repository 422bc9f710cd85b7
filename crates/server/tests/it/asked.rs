//! A partner that is asked about payments, and a server that is killed at random moments: in the
//! end the partner's books and ours agree.

use crate::deliveries::{client_ca, point_as, point_to};
use crate::kills::{asked, random};
use crate::load::VARIABLES;
use crate::story::{Story, expect, unique};
use crate::support::{Caller, Database, Sandbox};
use fastrand::Rng;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use testkit::books::{self, Mode};
use testkit::{Behaviour, Bookkeeper, Received, Way, eventually, eventually_is};
use tokio::task::JoinSet;

/// How often each of two servers is killed, unless `ANTACA_SOAK_PARTNER_KILLS` says otherwise.
/// After each kill the books of two partners are compared.
const KILLS: usize = 10;
/// What each card has at first: more than all purchases take.
const FUNDS: i64 = 1_000_000_000;
/// Cards, and who pays with each at once.
const CARDS: usize = 2;
const CALLERS_OF_EACH: usize = 3;
/// How long everything may take to be told, retries included, on a machine that builds besides or
/// plays this several times at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);
/// What hasn't been tried and is due later than that, in seconds, is sent for safety alone: a
/// reversal once more. When its time has come, many are due one after the other.
const LATER: i64 = 5;
/// Longer than a hold lasts, in seconds.
const HOLDS_END: i64 = 8 * 86_400;
/// After each third kill all holds end, so often at most: cards don't work for ever.
const ENDS_MAX: usize = 10;

/// Some questions are refused, and some calls break off, booked or not.
fn moody(random: Mutex<Rng>) -> impl Fn(&Received, usize) -> Way + Send + Sync + 'static {
    move |it, _| {
        if !it.path.starts_with("/transactions/") {
            return Way::Books;
        }
        let asks = it.path.ends_with("/debit") || it.path.ends_with("/credit");
        // What is tried again holds up what comes after it.
        let moods = if asks { 20 } else { 60 };
        let mood = random.lock().unwrap_or_else(PoisonError::into_inner).u8(..moods);
        match mood {
            0 => Way::BooksBut(Behaviour::Drop),
            1 => Way::BooksBut(Behaviour::Status(500)),
            2 => Way::Instead(Behaviour::Drop),
            3 => Way::Instead(Behaviour::Status(503)),
            4 if asks => Way::refuses(422, "LIMITS_EXCEEDED"),
            5 if asks => Way::refuses(422, "INSUFFICIENT_FUNDS"),
            _ => Way::Books,
        }
    }
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Purchase,
    Increment,
    Refund,
    ForceDebit,
    Reversal,
    Clearing,
    TopUp,
    Withdrawal,
}

/// A message that can be sent again just as it was.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    what: What,
    /// The network's name for it or the partner's; its idempotency key too.
    name: String,
    amount: i64,
    /// The name of what it refers to.
    of: Option<String>,
}

impl Said {
    /// One with a new name.
    pub(crate) fn new(what: What, amount: i64, of: Option<&Self>) -> Self {
        let of = of.map(|of| of.name.clone());
        Self { what, name: format!("{what:?}-{}", unique()), amount, of }
    }

    /// Whether it is such a message.
    pub(crate) fn is(&self, what: What) -> bool {
        self.what == what
    }

    pub(crate) fn request(
        &self,
        story: &Story,
        [processor, partner]: &[Caller; 2],
    ) -> RequestBuilder {
        let (name, amount, of) = (&self.name, self.amount, self.of.as_deref());
        let moved = |kind| story.moved(partner, (kind, amount), name);
        match self.what {
            What::Purchase => story.message(processor, "authorizations", amount, name, of),
            What::Reversal => story.message(processor, "reversals", amount, name, of),
            What::Clearing => story.message(processor, "clearings", amount, name, of),
            What::Increment => story.raised(processor, amount, name, of.unwrap_or_default()),
            What::Refund => story.told(processor, "credit", amount, name),
            What::ForceDebit => story.told(processor, "force-debit", amount, name),
            What::TopUp => moved("topUp"),
            What::Withdrawal => moved("withdrawal"),
        }
    }

    /// Sends it until it is answered for good; nothing if the server is gone.
    pub(crate) async fn answered(
        &self,
        story: &Story,
        callers: &[Caller; 2],
    ) -> Option<(u16, Value)> {
        let begun = Instant::now();
        loop {
            let answer = self.request(story, callers).send().await.ok()?;
            let status = answer.status().as_u16();
            let is_moved = matches!(self.what, What::TopUp | What::Withdrawal);
            match status {
                200 if !is_moved => return Some((status, answer.json().await.ok()?)),
                201 | 422 if is_moved => return Some((status, answer.json().await.ok()?)),
                // It is being asked about, by a node that may be dead.
                409 | 503 => assert!(begun.elapsed() < PATIENCE, "never answered: {self:?}"),
                status => panic!("{status} to {self:?}"),
            }
        }
    }
}

/// A payment or another movement that a partner of this mode is asked about or told of, and what
/// becomes of it.
fn play(random: &mut Rng, mode: Mode) -> Vec<Said> {
    let amount = random.i64(100..1_000);
    let new = |what| Said::new(what, amount, None);
    match (random.u8(..16), mode) {
        (0 | 1, _) => return vec![new(What::Refund)],
        (2, Mode::External { .. }) => return vec![new(What::TopUp)],
        (3, Mode::External { .. }) => return vec![new(What::Withdrawal)],
        _ => {}
    }
    let first = new(if random.u8(..4) == 0 { What::ForceDebit } else { What::Purchase });
    let of = |what, amount| Said::new(what, amount, Some(&first));
    let raised = if first.what == What::Purchase && random.u8(..4) == 0 { 50 } else { 0 };
    let mut said = vec![first.clone()];
    if raised > 0 {
        said.push(of(What::Increment, raised));
    }
    match random.u8(..4) {
        0 => said.push(of(What::Reversal, amount + raised)),
        1 => {
            said.push(of(What::Reversal, amount / 3));
            said.push(of(What::Clearing, amount - amount / 3));
        }
        2 => said.push(of(What::Clearing, amount + 7)),
        // Its hold ends by itself.
        _ => {}
    }
    said
}

/// Sends until all is answered for good; what is left if the server is gone.
async fn send(callers: [Caller; 2], story: Story, mut said: Vec<Said>) -> (Story, Vec<Said>) {
    said.reverse();
    while let Some(next) = said.last() {
        if next.answered(&story, &callers).await.is_none() {
            break;
        }
        said.pop();
    }
    said.reverse();
    (story, said)
}

/// What the partner has booked of a balance, in minor units.
fn booked(partner: &Bookkeeper, balance: &str) -> i64 {
    partner.books(|books| {
        let of_it = books.transactions().filter(|(_, it)| it.balance == balance);
        of_it.map(|(_, it)| it.sum()).sum()
    })
}

/// Where a partner that is asked is found in a sandbox, and how it works.
pub(crate) const SHARED: (&str, Mode) = ("sandbox", Mode::Shared { limit: FUNDS });
/// The same of one that holds its users' money.
pub(crate) const EXTERNAL: (&str, Mode) = ("external", Mode::External { starting: FUNDS });

/// A partner that is asked about its users' payments, and its cards.
pub(crate) struct Asked {
    code: &'static str,
    mode: Mode,
    pub(crate) books: Bookkeeper,
    pub(crate) stories: Vec<Story>,
    /// The calls that were seen long before they were due: those for safety alone.
    spare: Mutex<BTreeSet<String>>,
}

impl Asked {
    /// Of a sandbox's partner that works so, behaves so and has so many cards.
    pub(crate) async fn begin(
        sandbox: &Sandbox,
        (code, mode): (&'static str, Mode),
        cards: usize,
        choose: impl Fn(&Received, usize) -> Way + Send + Sync + 'static,
    ) -> Self {
        let books = Bookkeeper::start_for(&client_ca(sandbox), mode, choose).await;
        let caller = sandbox.partner_of_code(code);
        point_as(&caller, &books, &[]).await;
        let (config_id, funds) = match mode {
            Mode::Shared { .. } => {
                let set = ["partner", "set", "--code", code, "--authorization-mode", "SHARED"];
                sandbox.antaca(&set).await.assert_done();
                ("0019167984", FUNDS)
            }
            Mode::External { .. } => ("0019167988", 0),
        };
        let mut stories = Vec::new();
        for _ in 0..cards {
            stories.push(Story::begin_of((&caller, code, config_id), funds).await);
        }
        Self { code, mode, books, stories, spare: Mutex::default() }
    }

    /// The network and the partner, as callers of a sandbox.
    pub(crate) fn callers(&self, sandbox: &Sandbox) -> [Caller; 2] {
        [sandbox.processor().clone(), sandbox.partner_of_code(self.code)]
    }

    /// Waits until [`Asked::agrees`].
    pub(crate) async fn agreed(&self, sandbox: &Sandbox) {
        let what = format!("the books of {} agree", self.code);
        eventually_is(&what, PATIENCE, async || self.agrees(sandbox).await).await;
    }

    /// Whether all is told that is due, and each card has what the partner's books say: where it
    /// holds the money, what was approved and stands, and which payments are final. Else why not.
    async fn agrees(&self, sandbox: &Sandbox) -> Result<(), String> {
        let caller = &sandbox.partner_of_code(self.code);
        let later = testkit::now().as_second() + LATER;
        let is_later = |it: &Value| {
            let at = it["nextAt"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
            it["attemptCount"] == 0 && at.is_some_and(|at| at.as_second() > later)
        };
        let open = pages(caller, "/secure/partner-calls?status=OPEN").await;
        {
            let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
            let id = |it: &Value| it["callId"].as_str().unwrap_or_default().to_owned();
            spare.extend(open.iter().filter(|it| is_later(it)).map(id));
            if let Some(due) = open.iter().find(|it| !spare.contains(&id(it))) {
                return Err(format!("of {} calls this one is due: {due}", open.len()));
            }
        }
        for story in &self.stories {
            let booked = booked(&self.books, &story.balance);
            let agreed = match self.mode {
                Mode::Shared { .. } => story.amounts_by(caller).await.0 == FUNDS + booked,
                Mode::External { .. } => {
                    let all = transactions(caller, story).await;
                    let mut finals = all.iter().filter(|it| is_final(it));
                    all.iter().map(signed).sum::<i64>() == booked
                        && finals.all(|it| self.status(it) == "CLEARED")
                }
            };
            if !agreed {
                return Err(format!("{} has booked {booked} at the partner", story.balance));
            }
        }
        Ok(())
    }

    /// Where a transaction stands at the partner.
    fn status(&self, it: &Value) -> String {
        let id = it["id"].as_str().unwrap_or_default();
        let status = |it: &books::Transaction| it.status.clone();
        self.books.books(|books| books.transaction(id).map(status)).unwrap_or_default()
    }
}

/// What a transaction comes to; a debit that stands is below 0, in minor units.
fn signed(it: &Value) -> i64 {
    let of = |name: &str| it[name].as_i64().unwrap_or_default();
    let sign = if it["category"] == "DEBIT" { -1 } else { 1 };
    sign * (of("heldAmount") + of("clearedAmount"))
}

/// Whether it is a payment that was cleared, which the partner is told of.
fn is_final(it: &Value) -> bool {
    let is = |name: &str, word| it[name] == word;
    is("status", "CLEARED")
        && is("type", "pos")
        && is("category", "DEBIT")
        && is("processingStatus", "SUCCESS")
}

/// All transactions of a balance.
async fn transactions(caller: &Caller, story: &Story) -> Vec<Value> {
    pages(caller, &format!("/secure/balances/{}/transactions?", story.balance)).await
}

/// All items of a list, page by page.
async fn pages(caller: &Caller, list: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = expect(200, caller.get(&format!("{list}&limit=200{after}"))).await;
        all.extend(page["items"].as_array().into_iter().flatten().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return all,
        }
    }
}

on_both_databases! {
    /// A partner sees what it was told of money apart from its notifications, with what each call
    /// says, and has it sent again.
    async fn calls_are_seen_and_sent_again(database) {
        let mut sandbox = Sandbox::start(database).await;
        let well = Arc::new(AtomicBool::new(false));
        let is_well = well.clone();
        let choose = move |it: &Received, _: usize| {
            let fails = it.path.ends_with("/force-credit") && !is_well.load(SeqCst);
            if fails { Way::Instead(Behaviour::Status(503)) } else { Way::Books }
        };
        let mode = Mode::Shared { limit: FUNDS };
        let partner = Bookkeeper::start_for(&client_ca(&sandbox), mode, choose).await;
        point_to(&sandbox, &partner, &[]).await;
        let set = ["partner", "set", "--code", "sandbox", "--authorization-mode", "SHARED"];
        sandbox.antaca(&set).await.assert_done();
        let story = Story::begin(&sandbox, FUNDS).await;
        for (endpoint, name, of) in
            [("authorizations", "p1", None), ("reversals", "r1", Some("p1"))]
        {
            expect(200, story.message(sandbox.processor(), endpoint, 500, name, of)).await;
        }
        let caller = sandbox.partner();
        let list = "/secure/partner-calls";
        let open = format!("{list}?status=OPEN&call=force-credit&cardId={}", story.card);
        let mut found = json!(null);
        eventually("it was tried", PATIENCE, async || {
            found = expect(200, caller.get(&open)).await["items"][0].clone();
            found["attemptCount"].as_i64() > Some(0)
        })
        .await;
        let fields = ["callId", "number", "call", "cardId", "status", "createdAt", "nextAt",
            "closedAt", "attemptCount"];
        let shown: BTreeSet<&str> =
            found.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(shown, fields.into());
        let id = found["callId"].as_str().expect("an id").to_owned();
        let one = expect(200, caller.get(&format!("{list}/{id}"))).await;
        assert_eq!(one["body"], partner.received().last().expect("it came").body);
        assert_eq!(one["attempts"][0]["status"], 503);
        assert_eq!(partner.received().last().expect("it came").key(), id);

        // Neither is in the other's list, nor found there.
        let told = expect(200, caller.get("/secure/notifications")).await;
        assert_eq!(told["items"], json!([]));
        for (path, title) in [
            (format!("/secure/notifications/{id}"), "NOTIFICATION_NOT_FOUND"),
            (format!("{list}/{}", uuid::Uuid::nil()), "PARTNER_CALL_NOT_FOUND"),
            (format!("{list}/rubbish"), "PARTNER_CALL_NOT_FOUND"),
        ] {
            assert_eq!(expect(404, caller.get(&path)).await["title"], title, "{path}");
        }
        for query in ["call=credit", "call=cardLocked", "status=PARKED", "event=reversal"] {
            let refused = expect(422, caller.get(&format!("{list}?{query}"))).await;
            assert_eq!(refused["title"], "VALIDATION_ERROR", "{query}");
        }
        let none = json!({ "calls": 0, "more": false });
        let since = json!({ "since": "2026-01-01T00:00:00Z" });
        let again = caller.post(&format!("{list}/resend")).json(&since);
        assert_eq!(expect(200, again).await, none);

        well.store(true, SeqCst);
        expect(204, caller.post(&format!("{list}/{id}/resend"))).await;
        eventually("it was taken", PATIENCE, async || {
            expect(200, caller.get(&format!("{list}/{id}"))).await["status"] == "DELIVERED"
        })
        .await;
        // What was taken isn't sent again.
        let before = partner.count();
        expect(204, caller.post(&format!("{list}/{id}/resend"))).await;
        let one = expect(200, caller.get(&format!("{list}/{id}"))).await;
        assert_eq!((&one["status"], partner.count()), (&json!("DELIVERED"), before));
        assert_eq!(booked(&partner, &story.balance), 0);
        sandbox.stop().await.assert_done();
    }
}

/// Has a server killed at random moments, and the books of its two partners compared after each.
async fn killed_often(database: Database, mut random: Rng) {
    let mut sandbox = Sandbox::start_with(database, VARIABLES).await;
    let mut all = Vec::new();
    for of in [SHARED, EXTERNAL] {
        let moods = moody(Mutex::new(random.fork()));
        all.push(Asked::begin(&sandbox, of, CARDS, moods).await);
    }
    let count = || all.iter().map(|asked| asked.books.count()).sum::<usize>();
    for round in 1..=asked("ANTACA_SOAK_PARTNER_KILLS").unwrap_or(KILLS) {
        let mut sending = JoinSet::new();
        for (nth, asked) in all.iter().enumerate() {
            for story in &asked.stories {
                for _ in 0..CALLERS_OF_EACH {
                    let said = (0..20).flat_map(|_| play(&mut random, asked.mode)).collect();
                    let sent = send(asked.callers(&sandbox), story.clone(), said);
                    sending.spawn(async move { (nth, sent.await) });
                }
            }
        }
        let (before, some) = (count(), random.usize(1..80));
        eventually("some calls have come", PATIENCE, async || {
            count() >= before + some || sending.is_empty()
        })
        .await;
        if round % 3 == 0 && round / 3 <= ENDS_MAX {
            let clock = sandbox.partner().post("/sandbox/v1/clock");
            expect(200, clock.json(&json!({ "advanceSeconds": HOLDS_END }))).await;
        }
        sandbox.kill();
        let left = sending.join_all().await;
        sandbox.restart().await;
        // What was under way is answered for good; of the rest as much as was begun.
        let mut again = JoinSet::new();
        for (nth, (story, said)) in left {
            let begun = said.into_iter().take(1).collect();
            again.spawn(send(all[nth].callers(&sandbox), story, begun));
        }
        again.join_all().await;
        for asked in &all {
            asked.agreed(&sandbox).await;
        }
        eprintln!("killed {round} times, {} calls", count());
    }
    sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    sandbox.stop().await.assert_done();
}

on_both_databases! {
    /// Killed at any moment, with a partner that is asked about the money that we hold, and one
    /// that holds its users' money; both break off and refuse as they like. Two servers side by
    /// side, since most of the time is waiting.
    async fn books_agree_however_often_the_server_is_killed(database) {
        let mut random = random();
        let beside = database.another().await;
        let (one, other) = (random.fork(), random.fork());
        tokio::join!(killed_often(database, one), killed_often(beside, other));
    }
}
