//! Each step of a flow that asks a partner, done twice: again by whoever doesn't know what came of
//! it, at another node, or beside the worker that ends what nobody waits for. Each call has one
//! effect, and in the end the partner's books and ours agree.

use crate::audit::count;
use crate::external::{DEPOSIT, external, holds};
use crate::links::{holder, owner, set_amount, state, states, with_automatic};
use crate::shared::{PATIENCE, asked, set};
use app::Once;
use app::ids::random_id;
use app::ledger::command::{Command, Event as Act, Names, Outcome, Question, Stage};
use app::partners::Set;
use app::processor::{Message, Told};
use app::transactions::History;
use domain::authorization::{Ask, Chip, PartialApproval, Request, Says, Verified};
use domain::balance::{BalanceState, Payers};
use domain::ids::{MessageId, TransactionId};
use domain::ledger::clearing::Finality::Final;
use domain::notification::{Event, Outcome as Ending, Standing};
use domain::partner::{AuthorizationMode, CollateralMode};
use domain::program::PreAuthorization;
use domain::transaction::{
    Category, Description as D, Order, Processing, Transaction, TransactionType as T,
};
use jiff::SignedDuration;
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::time::Instant;
use store::ledger::Name;
use store::outbox::{self, Entry, Lease, Next, Settled};
use testkit::{Bookkeeper, Funded, Received, TestApp, Way, books, eventually, on_both};

/// What each balance has at first.
const FUNDS: i64 = 10_000;
/// What is asked about.
const AMOUNT: i64 = 300;
/// How long the partner may think.
const ASKED: SignedDuration = SignedDuration::from_secs(2);
/// So long after it was asked nobody waits any more, in seconds.
const OVER: i64 = 4;

/// What a partner is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Purchase,
    Refund,
    Increment,
    TopUp,
    Withdrawal,
}

use What::{Increment, Purchase, Refund, TopUp, Withdrawal};

impl What {
    fn way(self) -> Category {
        match self {
            Purchase | Increment | Withdrawal => Category::Debit,
            Refund | TopUp => Category::Credit,
        }
    }

    fn kind(self) -> T {
        match self {
            Purchase | Increment | Refund => T::Pos,
            TopUp => T::TopUp,
            Withdrawal => T::Withdrawal,
        }
    }

    /// What a merchant asks; none of an internal transaction.
    fn ask(self) -> Option<Ask> {
        match self {
            Purchase => Some(Ask::Debit),
            Increment => Some(Ask::Increment),
            Refund => Some(Ask::Credit),
            TopUp | Withdrawal => None,
        }
    }
}

/// What happens between the two halves of a command, and twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    /// The partner agrees.
    Agrees,
    /// It refuses.
    Refuses,
    /// It has booked it, and nobody knows.
    Unclear,
    /// One half is told that it agrees, the other that nobody knows.
    Torn,
    /// The worker ends the question, and then the partner's answer is told.
    EndedFirst,
    /// The partner's answer is told, and then the worker looks.
    ToldFirst,
    /// Both at once.
    AtOnce,
}

const CASES: [Case; 7] = [
    Case::Agrees,
    Case::Refuses,
    Case::Unclear,
    Case::Torn,
    Case::EndedFirst,
    Case::ToldFirst,
    Case::AtOnce,
];

/// A question that is asked by hand, at two nodes.
struct Asking<'a> {
    nodes: [&'a TestApp; 2],
    partner: &'a Bookkeeper,
    of: Funded,
    what: What,
    command: Command,
    question: Question,
}

/// The first half of a command.
fn first_half(node: &TestApp, of: Funded, what: What, name: &str) -> Command {
    let raised = (what == Increment).then(|| format!("{name}-raised"));
    let said = node.details(AMOUNT, name, raised.as_deref());
    let order = Order {
        balance: Some(of.balance),
        card: what.ask().map(|_| of.card),
        processor: what.ask().map(|_| node.processor),
        network_id: said.network_id,
        network_date: said.network_date,
        reference_id: said.reference_id,
        reference_date: said.reference_date,
        kind: what.kind(),
        category: what.way(),
        amount: said.amount,
        currency: said.currency,
        original_amount: None,
        original_currency: None,
        conversion_rate: None,
        text: said.text,
        data: None,
        mcc: said.mcc,
        retrieval_reference: None,
        place: said.place,
    };
    let ask_until = node.real_now().checked_add(ASKED).expect("within the calendar");
    let stage = Stage::New { ask_until };
    let event = match what.ask() {
        None => {
            let origin = Box::new(testkit::origin());
            Act::Transfer { order: Box::new(order), origin, stage }
        }
        Some(ask) => Act::Authorize {
            request: Box::new(Request {
                order,
                processor: node.processor,
                ask,
                expiry: None,
                cvv: Verified::NotSent,
                read_code: Verified::NotSent,
                pin: Verified::NotSent,
                chip: Chip::NotDoubted,
                pre_authorization: PreAuthorization::No,
                partial_approval: PartialApproval::Refused,
                there_is: None,
            }),
            reference: raised.map(|raised| node.reference(AMOUNT, &raised)),
            code: "123456".to_owned(),
            compared_again: false,
            stage,
        },
    };
    Command {
        scope: node.scope,
        payers: Payers { user: Some(of.user), corporation: None },
        message: MessageId(random_id()),
        transaction: TransactionId(random_id()),
        names: Names {
            scope: "twice".to_owned(),
            key: Some(name.to_owned()),
            name: Some(Name {
                of: what.ask().map(|_| (of.card, name.to_owned())),
                key: format!("twice|{name}"),
            }),
        },
        fingerprint: name.as_bytes().to_vec(),
        request_id: name.to_owned(),
        now: node.app.now(),
        event,
    }
}

async fn submit(node: &TestApp, command: &Command) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    node.app.engines.submit(command.clone(), deadline).await.expect("is taken")
}

impl<'a> Asking<'a> {
    /// The first half, at both nodes at once and once more: it is one question.
    async fn begin(nodes: [&'a TestApp; 2], partner: &'a Bookkeeper, what: What) -> Self {
        let [one, other] = nodes;
        let of = one.funded(FUNDS).await;
        let name = format!("{what:?}-{}", one.unique());
        if what == Increment {
            let raised = one.purchase(of.card, AMOUNT, &format!("{name}-raised")).await;
            assert_eq!(raised.expect("decided").processing, Processing::Success);
        }
        let command = first_half(one, of, what, &name);
        let both = tokio::join!(submit(one, &command), submit(other, &command));
        let again = submit(one, &command).await;
        let questions = [both.0, both.1, again].map(|outcome| match outcome {
            Outcome::Ask(question) => *question,
            Outcome::Decided(_)
            | Outcome::KeyReused
            | Outcome::Outdated
            | Outcome::InProgress
            | Outcome::Nothing => panic!("{what:?}: {outcome:?}"),
        });
        assert!(questions.iter().all(|it| *it == questions[0]), "{questions:?}");
        let [question, ..] = questions;
        // Another delivery of the same message hears nothing of it.
        let twin = Command { message: MessageId(random_id()), ..command.clone() };
        assert!(matches!(submit(other, &twin).await, Outcome::InProgress), "{what:?}");
        Self { nodes, partner, of, what, command, question }
    }

    /// Has the partner book it, as the question asks.
    fn book(&self) -> u16 {
        let word = if self.what.way() == Category::Debit { "debit" } else { "credit" };
        let (path, key) = (format!("/transactions/{word}"), self.question.key.to_string());
        let body = self.question.body.to_string();
        let call =
            books::Request { method: "POST", path: &path, key: Some(&key), body: body.as_bytes() };
        self.partner.books(|books| books.answer(&call, testkit::now())).status
    }

    /// The second half.
    fn told(&self, says: Says) -> Command {
        let mut told = self.command.clone();
        if let Act::Authorize { stage, .. } | Act::Transfer { stage, .. } = &mut told.event {
            *stage = Stage::Told(says);
        }
        told
    }

    /// Tells the two nodes at once.
    async fn tell(&self, here: Says, there: Says) {
        let [one, other] = self.nodes;
        let (here, there) = (self.told(here), self.told(there));
        tokio::join!(submit(one, &here), submit(other, &there));
    }

    /// Has the workers of both nodes look at once; how many questions they have ended.
    async fn sweep(&self) -> usize {
        let [one, other] = self.nodes;
        let both = tokio::join!(one.app.give_up_questions(), other.app.give_up_questions());
        both.0.expect("looks") + both.1.expect("looks")
    }

    async fn play(&self, case: Case) {
        let [one, other] = self.nodes;
        if case != Case::Refuses {
            assert_eq!([self.book(), self.book()], [204, 204], "{:?}", self.what);
        }
        match case {
            Case::Agrees => self.tell(Says::Agrees, Says::Agrees).await,
            Case::Refuses => {
                let no = Says::Refuses(D::InsufficientFunds);
                self.tell(no, no).await;
            }
            Case::Unclear => self.tell(Says::Unclear, Says::Unclear).await,
            Case::Torn => self.tell(Says::Agrees, Says::Unclear).await,
            Case::EndedFirst => {
                one.advance_real(OVER);
                assert_eq!(self.sweep().await, 1, "{:?}", self.what);
                self.tell(Says::Agrees, Says::Agrees).await;
            }
            Case::ToldFirst => {
                submit(one, &self.told(Says::Agrees)).await;
                one.advance_real(OVER);
                assert_eq!(self.sweep().await, 0, "{:?}", self.what);
                submit(other, &self.told(Says::Agrees)).await;
            }
            Case::AtOnce => {
                one.advance_real(OVER);
                tokio::join!(self.tell(Says::Agrees, Says::Agrees), self.sweep());
            }
        }
    }

    /// What came of it: the same to whoever asks, by the message's own name or as another delivery.
    async fn answer(&self) -> Message {
        let twin = Command { message: MessageId(random_id()), ..self.command.clone() };
        let mut answers = Vec::new();
        for node in self.nodes {
            for command in [&self.command, &twin, &self.told(Says::Agrees)] {
                let outcome = submit(node, command).await;
                let Outcome::Decided(message) = outcome else { panic!("{outcome:?}") };
                answers.push(*message);
            }
        }
        let of = |it: &Message| (it.processing, it.description, it.transaction, it.approved_amount);
        assert!(answers.iter().all(|it| of(it) == of(&answers[0])), "{answers:?}");
        answers.remove(0)
    }

    /// Under which id the partner knows it.
    fn id(&self) -> &str {
        self.question.body["id"].as_str().expect("an id")
    }

    /// What the partner was told of it to take it back.
    fn taken_back(&self) -> Vec<Received> {
        let is_it =
            |it: &Received| it.path == "/transactions/reversal" && it.body["id"] == self.id();
        self.partner.received().into_iter().filter(is_it).collect()
    }

    /// Whether it stands, and how often it is taken back at once. Each call had one effect.
    async fn ended(&self, case: Case) -> usize {
        let about = format!("{:?} {case:?}", self.what);
        let answer = self.answer().await;
        let (processing, why) = (answer.processing, answer.description);
        let stands = processing == Processing::Success;
        match case {
            Case::Agrees | Case::ToldFirst => assert!(stands, "{about}: {why:?}"),
            Case::Refuses => assert_eq!(why, D::InsufficientFunds, "{about}"),
            Case::Unclear | Case::EndedFirst => assert_eq!(why, D::PartnerTimeout, "{about}"),
            Case::Torn | Case::AtOnce => {
                assert!(stands || why == D::PartnerTimeout, "{about}: {why:?}");
            }
        }
        let taken_back = usize::from(!stands && case != Case::Refuses);
        eventually(&about, PATIENCE, async || self.taken_back().len() >= taken_back).await;
        let found = self
            .partner
            .books(|books| books.transaction(self.id()).map(|it| (it.effects.len(), it.sum())));
        let signed = if self.what.way() == Category::Debit { -AMOUNT } else { AMOUNT };
        let expected = match (stands, taken_back) {
            (true, _) => Some((1, signed)),
            (false, 0) => None,
            (false, _) => Some((2, 0)),
        };
        assert_eq!(found, expected, "{about}");
        taken_back
    }

    /// What all transactions of the balance come to here; a debit is below 0.
    async fn ours(&self, is_external: bool) -> i64 {
        let node = self.nodes[0];
        if !is_external {
            return node.amounts(self.of.balance).await.0 - FUNDS;
        }
        let of = History { balance: Some(self.of.balance), ..History::default() };
        let page = node.app.history(node.scope, of, None, 50).await.expect("reads");
        let signed = |it: &Transaction| {
            let sign = if it.order.category == Category::Debit { -1 } else { 1 };
            sign * (it.held.minor() + it.cleared.minor())
        };
        page.items.iter().map(|record| signed(&record.transaction)).sum()
    }

    /// What they come to at the partner.
    fn theirs(&self) -> i64 {
        let balance = self.of.balance.0.to_string();
        self.partner.books(|books| {
            let of_it = books.transactions().filter(|(_, it)| it.balance == balance);
            of_it.map(|(_, it)| it.sum()).sum()
        })
    }
}

/// Plays every case with all that is asked about.
async fn play_all(nodes: [&TestApp; 2], partner: &Bookkeeper, all: &[What], is_external: bool) {
    let mut played = Vec::new();
    for case in CASES {
        for what in all {
            let asking = Asking::begin(nodes, partner, *what).await;
            asking.play(case).await;
            let taken_back = asking.ended(case).await;
            played.push((asking, case, taken_back));
        }
    }
    // A reversal may have overtaken its debit: each is sent once more, and nothing else is.
    nodes[0].advance_real(601);
    for (asking, case, taken_back) in &played {
        let about = format!("{:?} {case:?}", asking.what);
        let sent = || asking.taken_back().len();
        eventually(&about, PATIENCE, async || sent() >= 2 * taken_back).await;
        let all = asking.taken_back();
        let keys: HashSet<&str> = all.iter().map(Received::key).collect();
        assert_eq!((all.len(), keys.len()), (2 * taken_back, 2 * taken_back), "{about}");
        assert_eq!(asking.ours(is_external).await, asking.theirs(), "{about}");
    }
    nodes[0].verify().await;
}

on_both! {
    async fn each_half_of_a_shared_authorization_acts_once(node) {
        let partner = asked(&node, |_, _| Way::Books).await;
        let other = node.sibling().await;
        play_all([&node, &other], &partner, &[Purchase, Refund, Increment], false).await;
    }
}

on_both! {
    async fn each_half_of_what_an_external_partner_is_asked_acts_once(node, external()) {
        let partner = holds(&node, |_, _| Way::Books).await;
        node.backed_by(CollateralMode::Deposit, DEPOSIT).await;
        let other = node.sibling().await;
        let all = [Purchase, Refund, Increment, TopUp, Withdrawal];
        play_all([&node, &other], &partner, &all, true).await;
    }
}

on_both! {
    /// Two workers make the same call, since the claim of the first has ended: the partner books it
    /// once, and both results leave one end of it.
    async fn a_call_that_two_workers_make_has_one_effect(node, external()) {
        let partner = holds(&node, |it, _| {
            if it.path.ends_with("/force-debit") { Way::AnswersWhenLetGo } else { Way::Books }
        })
        .await;
        node.backed_by(CollateralMode::Deposit, DEPOSIT).await;
        let funded = node.funded(0).await;
        let forced = node.told(funded.card, 500, "f1", Told::ForceDebit);
        node.app.inform(forced).await.expect("decided");
        node.clear(funded.card, 500, "c1", Some("f1"), Final).await.expect("decided");
        let of = |method: &str| {
            let received = partner.received().into_iter();
            let about = received.filter(|it| it.path.starts_with("/transactions/"));
            about.filter(|it| it.method == method).map(|it| it.key().to_owned()).collect::<Vec<_>>()
        };
        eventually("it is called", PATIENCE, async || of("POST").len() == 1).await;
        let other = node.sibling().await;
        // On SQLite a worker that begins frees what was claimed; elsewhere the claim ends.
        other.deliver();
        if node.is_postgres() {
            node.advance_real(31);
        }
        eventually("it is called again", PATIENCE, async || of("POST").len() == 2).await;
        partner.let_go();
        let told = async || node.app.notifications(node.scope.partner(), 0, 50).await;
        eventually("both are over", PATIENCE, async || {
            let told = told().await.expect("reads");
            told.iter().all(|it| it.standing() == Standing::Delivered)
        })
        .await;
        assert!(node.app.tasks.finish(PATIENCE).await && other.app.tasks.finish(PATIENCE).await);
        // Both may have had what comes after it in hand too, under its own one key.
        let keys = |method: &str| of(method).into_iter().collect::<BTreeSet<_>>().len();
        assert_eq!((of("POST").len(), keys("POST"), keys("PUT")), (2, 1, 1));
        let tries: Vec<usize> =
            told().await.expect("reads").iter().map(|it| it.attempts.len()).collect();
        assert_eq!(tries, [1, 1]);
        let id = funded.balance.0.to_string();
        let (amount, effects) = partner.books(|books| {
            let effects: usize = books.transactions().map(|(_, it)| it.effects.len()).sum();
            (books.amount(&id), effects)
        });
        assert_eq!((amount, effects), (Some(crate::external::STARTING - 500), 1));
    }
}

/// Claims the first row that is due, as a worker does.
async fn claim(node: &TestApp) -> Option<(Lease, Entry)> {
    let (partner, now) = (node.scope.partner(), node.real_now());
    let until = now.checked_add(SignedDuration::from_secs(30)).expect("within the calendar");
    let lease = Lease { by: random_id(), until };
    let mut tx = node.app.db.begin().await.expect("begins");
    let due = outbox::list_due(&mut tx, partner, now).await.expect("reads");
    let first = due.into_iter().min_by_key(|entry| entry.number);
    if let Some(entry) = &first {
        outbox::claim(&mut tx, partner, &[entry.number], lease).await.expect("is claimed");
    }
    tx.commit().await.expect("commits");
    first.map(|entry| (lease, entry))
}

/// Writes what came of a claim.
async fn settle(node: &TestApp, (lease, entry): &(Lease, Entry), next: Next) {
    let settled = Settled {
        partner: entry.partner,
        number: entry.number,
        stream: entry.stream.clone(),
        event: entry.event,
        attempts: entry.attempts + 1,
        attempt: None,
        next,
        by: lease.by,
    };
    let mut tx = node.app.db.begin().await.expect("begins");
    outbox::settle(&mut tx, &[settled], node.real_now()).await.expect("is written");
    tx.commit().await.expect("commits");
}

on_both! {
    /// What came of a claim counts while that is the last one, and once: whatever is written of it
    /// later, or of an earlier one, changes nothing.
    async fn a_result_counts_for_its_claim_alone(node) {
        let mode = Some(AuthorizationMode::Shared);
        set(&node, Set { authorization_mode: mode, ..Set::default() }).await;
        let funded = node.funded(1_000).await;
        let forced = node.told(funded.card, 500, "f1", Told::ForceDebit);
        node.app.inform(forced).await.expect("decided");
        node.reverse(funded.card, 200, "r1", "f1").await.expect("decided");
        let standings = async || {
            let told = node.app.notifications(node.scope.partner(), 0, 50).await.expect("reads");
            told.iter().map(|it| (it.event, it.standing(), it.tried)).collect::<Vec<_>>()
        };
        let expected = |standing, tried| {
            [(Event::ForceDebit, standing, tried), (Event::ForceCredit, Standing::Open, 0)]
        };
        let (taken, later) = (Next::Closed(Ending::Delivered), SignedDuration::from_secs(60));
        let again = || Next::Again(node.real_now().checked_add(later).expect("within"));

        let first = claim(&node).await.expect("is due");
        node.advance_real(31);
        let second = claim(&node).await.expect("is due again");
        assert_eq!((second.1.id, second.1.number), (first.1.id, first.1.number));
        // The first claim has ended: its results are nobody's.
        settle(&node, &first, taken).await;
        settle(&node, &first, again()).await;
        assert_eq!(standings().await, expected(Standing::Open, 0));
        settle(&node, &second, again()).await;
        // Given back it is nobody's either.
        settle(&node, &second, taken).await;
        assert_eq!(standings().await, expected(Standing::Open, 1));

        node.advance_real(61);
        let third = claim(&node).await.expect("is due");
        assert_eq!(third.1.id, first.1.id);
        settle(&node, &third, taken).await;
        for next in [taken, again(), Next::Closed(Ending::Failed)] {
            settle(&node, &third, next).await;
            settle(&node, &second, next).await;
        }
        assert_eq!(standings().await, expected(Standing::Delivered, 2));
        // Only what waited behind it is left.
        let (_, behind) = claim(&node).await.expect("is due");
        assert_eq!(behind.event, Event::ForceCredit);
        assert!(claim(&node).await.is_none());
    }
}

/// Has two workers make the same calls about links, and settle what came of them.
async fn followed_twice(node: &TestApp, partner: &Bookkeeper, method: &str) {
    let calls = || partner.received().iter().filter(|it| it.method == method).count();
    let (one, other) = (node.sibling().await, node.sibling().await);
    assert_eq!(one.app.follow_links().await.expect("works"), 1);
    eventually("it is called", PATIENCE, async || calls() == 1).await;
    node.advance_real(20);
    assert_eq!(other.app.follow_links().await.expect("works"), 1);
    eventually("it is called again", PATIENCE, async || calls() == 2).await;
    partner.let_go();
    eventually("both are done", PATIENCE, async || {
        one.app.tasks.is_idle() && other.app.tasks.is_idle()
    })
    .await;
    let received = partner.received();
    let keys: HashSet<&str> =
        received.iter().filter(|it| it.method == method).map(Received::key).collect();
    assert_eq!((calls(), keys.len()), (2, 1));
}

on_both! {
    /// A link is made by two workers: it is one at the partner, and told of once.
    async fn a_link_that_two_workers_make_is_one(node, with_automatic()) {
        let (partner, moods) = holder(&node, 40).await;
        moods.set("POST", Way::AnswersWhenLetGo);
        let user = node.user().await;
        let [(id, BalanceState::Linking)] = states(&node, user).await[..] else { panic!() };
        followed_twice(&node, &partner, "POST").await;
        assert_eq!(state(&node, id).await, BalanceState::Active);
        assert_eq!(owner(&partner, id), Some(user.0.to_string()));
        assert_eq!(count(&node, "balance.link").await, 1);
        node.advance_real(3_600);
        assert_eq!(node.app.follow_links().await.expect("works"), 0);
    }
}

on_both! {
    /// A link is undone by two workers: the balance is gone on both sides, and that is told once.
    async fn a_link_that_two_workers_undo_is_undone_once(node, with_automatic()) {
        let (partner, moods) = holder(&node, 40).await;
        let user = node.user().await;
        let [(id, _)] = states(&node, user).await[..] else { panic!() };
        eventually("it is linked", PATIENCE, async || {
            node.app.follow_links().await.expect("works");
            state(&node, id).await == BalanceState::Active
        })
        .await;
        set_amount(&partner, id, 0);
        moods.set("DELETE", Way::AnswersWhenLetGo);
        let once = Once {
            endpoint: "test".to_owned(),
            key: None,
            fingerprint: [0; 32],
            origin: testkit::origin(),
            render: |()| Value::Null,
        };
        node.app.remove_user(node.scope, user, once).await.expect("goes");
        assert_eq!(state(&node, id).await, BalanceState::Unlinking);
        followed_twice(&node, &partner, "DELETE").await;
        assert_eq!((state(&node, id).await, owner(&partner, id)), (BalanceState::Removed, None));
        assert_eq!(count(&node, "balance.link").await, 2);
    }
}
