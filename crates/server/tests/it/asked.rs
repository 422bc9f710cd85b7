//! A partner that is asked about payments, and a server that is killed at random moments: in the
//! end the partner's books and ours agree.

use crate::deliveries::{client_ca, point_as, point_to};
use crate::kills::{asked, random};
use crate::load::VARIABLES;
use crate::story::{Story, expect, unique};
use crate::support::{Caller, Sandbox};
use fastrand::Rng;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use testkit::books::Mode;
use testkit::{Behaviour, Bookkeeper, Received, Way, eventually};
use tokio::task::JoinSet;

/// How often the server is killed, unless `ANTACA_SOAK_PARTNER_KILLS` says otherwise. After each
/// the books of two partners are compared.
const KILLS: usize = 10;
/// What each card has at first: more than all purchases take.
const FUNDS: i64 = 1_000_000_000;
/// Cards, and who pays with each at once.
const CARDS: usize = 2;
const CALLERS_OF_EACH: usize = 3;
/// How long everything may take to be told, retries included, on a machine that builds besides or
/// plays this eight times at once.
const PATIENCE: Duration = Duration::from_secs(240);
/// What hasn't been tried and is due later than that, in seconds, is sent for safety alone: a
/// reversal once more.
const LATER: i64 = 5;

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

/// A message that can be sent again just as it was: endpoint, name, amount, what it refers to.
type Said = (&'static str, String, i64, Option<String>);

/// A purchase, and what becomes of it.
fn purchase(random: &mut Rng) -> Vec<Said> {
    let (name, amount) = (format!("p{}", unique()), random.i64(100..1_000));
    let of =
        |end: &'static str, amount| (end, format!("m{}", unique()), amount, Some(name.clone()));
    let ends = match random.u8(..4) {
        0 => vec![of("reversals", amount)],
        1 => vec![of("reversals", amount / 3), of("clearings", amount - amount / 3)],
        2 => vec![of("clearings", amount + 7)],
        _ => Vec::new(),
    };
    std::iter::once(("authorizations", name.clone(), amount, None)).chain(ends).collect()
}

/// Sends until all is answered for good; what is left if the server is gone.
async fn send(processor: Caller, story: Story, mut said: Vec<Said>) -> (Story, Vec<Said>) {
    let begun = Instant::now();
    said.reverse();
    while let Some((endpoint, name, amount, of)) = said.last() {
        let request = story.message(&processor, endpoint, *amount, name, of.as_deref());
        let Ok(answer) = request.send().await else { break };
        match answer.status().as_u16() {
            200 => drop(said.pop()),
            // It is being asked about, by a node that may be dead.
            409 | 503 => assert!(begun.elapsed() < PATIENCE, "never answered: {name}"),
            status => panic!("{status} to {name}"),
        }
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

/// A partner that is asked about its users' payments, and its cards.
struct Asked {
    code: &'static str,
    mode: Mode,
    books: Bookkeeper,
    stories: Vec<Story>,
}

impl Asked {
    /// Of a sandbox's partner that works so, and breaks off and refuses as it likes.
    async fn begin(sandbox: &Sandbox, code: &'static str, mode: Mode, random: &mut Rng) -> Self {
        let moods = moody(Mutex::new(random.fork()));
        let books = Bookkeeper::start_for(&client_ca(sandbox), mode, moods).await;
        let caller = sandbox.partner_of_code(code);
        point_as(&caller, &books, &[]).await;
        let (config_id, funds) = match mode {
            Mode::Shared { .. } => ("0019167984", FUNDS),
            Mode::External { .. } => ("0019167988", 0),
        };
        let mut stories = Vec::new();
        for _ in 0..CARDS {
            stories.push(Story::begin_of((&caller, code, config_id), funds).await);
        }
        Self { code, mode, books, stories }
    }

    /// Whether all is told that is due, and each card has what the partner's books say: where it
    /// holds the money, what was approved and stands.
    async fn agrees(&self, sandbox: &Sandbox) -> bool {
        let caller = &sandbox.partner_of_code(self.code);
        let open = caller.get("/secure/partner-calls?status=OPEN&limit=200");
        let later = testkit::now().as_second() + LATER;
        let is_later = |it: &Value| {
            let at = it["nextAt"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
            it["attemptCount"] == 0 && at.is_some_and(|at| at.as_second() > later)
        };
        let open = expect(200, open).await;
        let mut agreed = open["items"].as_array().is_some_and(|open| open.iter().all(is_later));
        for story in &self.stories {
            let booked = booked(&self.books, &story.balance);
            agreed &= match self.mode {
                Mode::Shared { .. } => story.amounts_by(caller).await.0 == FUNDS + booked,
                Mode::External { .. } => stands(caller, story).await == booked,
            };
        }
        agreed
    }
}

/// What all transactions of a balance come to; a debit that stands is below 0, in minor units.
async fn stands(caller: &Caller, story: &Story) -> i64 {
    let (mut sum, mut after) = (0, String::new());
    loop {
        let path = format!("/secure/balances/{}/transactions?limit=200{after}", story.balance);
        let page = expect(200, caller.get(&path)).await;
        for it in page["items"].as_array().into_iter().flatten() {
            let of = |name: &str| it[name].as_i64().unwrap_or_default();
            let sign = if it["category"] == "DEBIT" { -1 } else { 1 };
            sum += sign * (of("heldAmount") + of("clearedAmount"));
        }
        match page["next"].as_i64() {
            Some(next) => after = format!("&after={next}"),
            None => return sum,
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

on_both_databases! {
    /// Killed at any moment, with a partner that is asked about the money that we hold, and one
    /// that holds its users' money; both break off and refuse as they like.
    async fn books_agree_however_often_the_server_is_killed(database) {
        let mut random = random();
        let mut sandbox = Sandbox::start_with(database, VARIABLES).await;
        let set = ["partner", "set", "--code", "sandbox", "--authorization-mode", "SHARED"];
        sandbox.antaca(&set).await.assert_done();
        let mut all = Vec::new();
        for (code, mode) in [
            ("sandbox", Mode::Shared { limit: FUNDS }),
            ("external", Mode::External { starting: FUNDS }),
        ] {
            all.push(Asked::begin(&sandbox, code, mode, &mut random).await);
        }
        let count = || all.iter().map(|asked| asked.books.count()).sum::<usize>();
        for round in 1..=asked("ANTACA_SOAK_PARTNER_KILLS").unwrap_or(KILLS) {
            let mut sending = JoinSet::new();
            let stories = all.iter().flat_map(|asked| &asked.stories);
            for story in stories.flat_map(|story| std::iter::repeat_n(story, CALLERS_OF_EACH)) {
                let said = (0..20).flat_map(|_| purchase(&mut random)).collect();
                sending.spawn(send(sandbox.processor().clone(), story.clone(), said));
            }
            let (before, some) = (count(), random.usize(1..80));
            eventually("some calls have come", PATIENCE, async || {
                count() >= before + some || sending.is_empty()
            })
            .await;
            sandbox.kill();
            let left = sending.join_all().await;
            sandbox.restart().await;
            // What was under way is answered for good; of the rest as much as was begun.
            let mut again = JoinSet::new();
            for (story, said) in left {
                let begun = said.into_iter().take(1).collect();
                again.spawn(send(sandbox.processor().clone(), story, begun));
            }
            again.join_all().await;
            for asked in &all {
                eventually("the books agree", PATIENCE, async || asked.agrees(&sandbox).await)
                    .await;
            }
            eprintln!("killed {round} times, {} calls", count());
        }
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
        sandbox.stop().await.assert_done();
    }
}
