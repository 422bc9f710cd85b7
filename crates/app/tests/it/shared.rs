//! Authorization mode `SHARED`: the partner is asked between two halves of a decision, and told of
//! what happens without a question. Its books and ours agree in the end.

use app::outbound::SetOutbound;
use app::partners::Set;
use app::processor::{Authorize, Message, Told};
use app::transactions::History;
use app::{Error, Refusal};
use domain::authorization::Ask;
use domain::card::lifecycle::LockReason;
use domain::ids::TransactionId;
use domain::ledger::clearing::Finality::{Final, Partial};
use domain::notification::Event;
use domain::notification::Standing::{Delivered, Failed, Open};
use domain::partner::AuthorizationMode;
use domain::transaction::{DecidedBy, Description as D, Processing, Status, TransactionType};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::books::Mode;
use testkit::{Behaviour, Bookkeeper, Funded, Received, TestApp, Way, eventually, on_both};

/// How long a delivery may take on a machine that builds at the same time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// What one transaction may be at the partner.
const LIMIT: i64 = 500_000;

/// A partner with books that is asked, and behaves so.
pub(crate) async fn asked(
    node: &TestApp,
    choose: impl Fn(&Received, usize) -> Way + Send + Sync + 'static,
) -> Bookkeeper {
    let partner = Bookkeeper::start(Mode::Shared { limit: LIMIT }, choose).await;
    node.deliver_to(&partner, &[]).await;
    set(node, Set { authorization_mode: Some(AuthorizationMode::Shared), ..Set::default() }).await;
    partner
}

pub(crate) async fn set(node: &TestApp, set: Set) {
    let operator = app::audit::Operator("os:test".to_owned());
    node.app.set_partner(&operator, "sandbox", set).await.expect("is set");
}

/// What the partner was called with: the last segments of the paths, in order.
pub(crate) fn calls(partner: &Bookkeeper) -> Vec<String> {
    let name = |it: Received| it.path.rsplit('/').next().unwrap_or_default().to_owned();
    partner.received().into_iter().map(name).collect()
}

pub(crate) async fn called(partner: &Bookkeeper, expected: &[&str]) {
    eventually("the partner was called so often", PATIENCE, async || {
        partner.count() >= expected.len()
    })
    .await;
    assert_eq!(calls(partner), expected);
}

pub(crate) fn is_question(it: &Received) -> bool {
    it.path.ends_with("/debit") || it.path.ends_with("/credit")
}

/// Questions behave so; all else is booked.
pub(crate) fn asks(way: Way) -> impl Fn(&Received, usize) -> Way + Send + Sync + 'static {
    move |it, _| if is_question(it) { way.clone() } else { Way::Books }
}

pub(crate) async fn transaction(
    node: &TestApp,
    id: TransactionId,
) -> domain::transaction::Transaction {
    node.app.transaction(node.scope, None, id).await.expect("is there").transaction
}

async fn history(node: &TestApp, of: Funded) -> Vec<domain::transaction::Transaction> {
    let asked = History { balance: Some(of.balance), ..History::default() };
    let page = node.app.history(node.scope, asked, None, 50);
    let page = page.await.expect("reads");
    page.items.into_iter().map(|record| record.transaction).collect()
}

/// Waits until so many tries are written down.
pub(crate) async fn settled(node: &TestApp, tries: usize) {
    eventually("so many tries are written down", PATIENCE, async || {
        let told = node.app.notifications(node.scope.partner(), 0, 500).await.expect("reads");
        told.iter().map(|entry| entry.attempts.len()).sum::<usize>() >= tries
    })
    .await;
}

/// What all the partner has booked adds up to, in minor units.
pub(crate) fn booked(partner: &Bookkeeper) -> i64 {
    partner.books(|books| books.transactions().map(|(_, it)| it.sum()).sum())
}

pub(crate) fn told(message: &Message) -> (Processing, D, &str, i64) {
    let Message { processing, description, action_code, approved_amount, .. } = message;
    (*processing, *description, action_code, approved_amount.minor())
}

pub(crate) async fn increment(
    node: &TestApp,
    of: Funded,
    minor: i64,
    name: &str,
    raised: &str,
) -> Message {
    let asked = Authorize {
        ask: Ask::Increment,
        details: node.details(minor, name, Some(raised)),
        reference: Some(node.reference(minor, raised)),
        ..node.ask(of.card, minor, name)
    };
    node.app.authorize(asked).await.expect("decided")
}

pub(crate) async fn credit(node: &TestApp, of: Funded, minor: i64, name: &str) -> Message {
    let asked = Authorize { ask: Ask::Credit, ..node.ask(of.card, minor, name) };
    node.app.authorize(asked).await.expect("decided")
}

on_both! {
    /// A purchase is asked about before it is approved, and the record tells who said so.
    async fn what_the_partner_agrees_to_is_approved(node) {
        let partner = asked(&node, |_, _| Way::Books).await;
        let funded = node.funded(1_000).await;
        let message = node.purchase(funded.card, 300, "p1").await.expect("decided");
        assert_eq!(told(&message), (Processing::Success, D::Approved, "0000", 300));
        assert!(message.authorization_code.is_some());
        let found = transaction(&node, message.transaction).await;
        assert_eq!((found.held.minor(), found.status), (300, Status::Authorized));
        assert_eq!((found.decided_by, found.asking), (DecidedBy::Partner, None));
        assert_eq!(node.amounts(funded.balance).await, (700, 300));
        called(&partner, &["debit"]).await;
        let asked = &partner.received()[0];
        assert_eq!(asked.path, "/transactions/debit");
        assert_eq!(asked.body["id"], json!(message.transaction.0));
        assert_eq!(asked.body["balanceId"], json!(funded.balance.0));
        assert_eq!(asked.body["transactionId"], "p1");
        assert_eq!(asked.body["transactionData"]["cardId"], funded.card.0.to_string());
        assert_eq!(asked.body["amount"], 300);
        assert_eq!(asked.headers["webhook-id"], asked.key());
        assert!(asked.headers["webhook-signature"].starts_with("v1,"));

        // The same message again is answered as before, and nobody is asked again.
        let again = node.purchase(funded.card, 300, "p1").await.expect("decided");
        assert_eq!((again.transaction, told(&again)), (message.transaction, told(&message)));
        // What our own checks decline is nobody's question.
        let poor = node.purchase(funded.card, 701, "p2").await.expect("decided");
        assert_eq!(poor.description, D::InsufficientFunds);
        assert_eq!(calls(&partner), ["debit"]);
        assert_eq!(booked(&partner), -300);
        node.verify().await;
    }
}

/// What a partner does, what the network is told, and whether the partner takes it back.
pub(crate) fn answers() -> Vec<(&'static str, Way, D, &'static str, bool)> {
    let raw = |text: &str| Behaviour::Bytes(text.as_bytes().to_vec());
    let rubbish = || raw("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nrubbish");
    let cut = "HTTP/1.1 204 No Content\r\nx-cut: ";
    let short = "HTTP/1.1 422 Unprocessable\r\ncontent-length: 900\r\n\r\n{\"title\":";
    let moved = "HTTP/1.1 301 Moved\r\nlocation: https://localhost:1/\r\ncontent-length: 0\r\n\r\n";
    let agreed = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let (late, instead) = (D::PartnerTimeout, Way::Instead);
    vec![
        ("no money", Way::refuses(422, "INSUFFICIENT_FUNDS"), D::InsufficientFunds, "1016", false),
        ("a limit", Way::refuses(422, "LIMITS_EXCEEDED"), D::LimitsExceeded, "1021", false),
        ("a fraud", Way::refuses(422, "FRAUDS_DETECTED"), D::FraudsDetected, "1002", false),
        ("no balance", Way::refuses(404, "BALANCE_NOT_FOUND"), D::BalanceNotFound, "1000", false),
        ("a reason", Way::refuses(409, "CLIENT_ERROR"), D::ClientError, "1000", false),
        ("500", instead(Behaviour::Status(500)), late, "9111", true),
        ("404 of another", instead(Behaviour::Status(404)), late, "9111", true),
        ("301", instead(raw(moved)), late, "9111", true),
        ("422 and rubbish", instead(Behaviour::Status(422)), late, "9111", true),
        ("closes", instead(Behaviour::Drop), late, "9111", true),
        ("books and closes", Way::BooksBut(Behaviour::Drop), late, "9111", true),
        ("books and 500", Way::BooksBut(Behaviour::Status(500)), late, "9111", true),
        ("cut", Way::BooksBut(raw(cut)), late, "9111", true),
        ("a body cut short", Way::BooksBut(raw(short)), late, "9111", true),
        ("a gigabyte", Way::BooksBut(gigabyte()), late, "9111", true),
        ("hangs", instead(Behaviour::Hang), late, "9111", true),
        ("drips", Way::BooksBut(Behaviour::Drip(agreed.to_vec())), late, "9111", true),
        ("books and hangs", Way::BooksBut(Behaviour::Hang), late, "9111", true),
        ("answers late", Way::AnswersLate(LATE), late, "9111", true),
        ("books late", Way::BooksLate(LATE), late, "9111", true),
        ("200 and rubbish", instead(rubbish()), late, "9111", true),
        ("books and rubbish", Way::BooksBut(rubbish()), late, "9111", true),
        ("books and 202", Way::BooksBut(Behaviour::Status(202)), late, "9111", true),
        ("agrees", Way::Books, D::Approved, "0000", false),
    ]
}

/// It says that a gigabyte comes, and more than we read does.
fn gigabyte() -> Behaviour {
    let mut bytes = b"HTTP/1.1 204 No\r\ncontent-length: 0\r\n\r\n".to_vec();
    bytes.splice(.., b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".iter().copied());
    bytes.extend(std::iter::repeat_n(b' ', 256 * 1024));
    Behaviour::Bytes(bytes)
}

/// What a partner may take here for its answer, and longer.
const WITHIN_MS: i64 = 500;
const LATE: Duration = Duration::from_millis(800);

/// Which of the [`answers`] is played.
type Case = Arc<Mutex<usize>>;

/// Questions are answered as the case has it; all else is booked.
pub(crate) fn played() -> (Case, impl Fn(&Received, usize) -> Way + Send + Sync + 'static) {
    let ways: Vec<Way> = answers().into_iter().map(|(_, way, ..)| way).collect();
    let case = Case::default();
    let now = case.clone();
    let choose = move |it: &Received, _: usize| {
        let now = *now.lock().expect("one at a time");
        if is_question(it) { ways[now].clone() } else { Way::Books }
    };
    (case, choose)
}

/// Plays each answer to such a question of 1,000. `stands` looks at what is held, or was given,
/// after so much was approved. Answers how much was, and how many reversals were sent.
pub(crate) async fn play(
    node: &TestApp,
    (partner, case): (&Bookkeeper, &Case),
    (of, ask): (Funded, Ask),
    stands: impl AsyncFn(i64, &str),
) -> (i64, usize) {
    set(node, Set { ask_within_ms: Some(Some(WITHIN_MS)), ..Set::default() }).await;
    let (mut approved, mut sent, mut taken_back) = (0, partner.count(), 0);
    for (nth, (name, _, description, code, takes_back)) in answers().iter().enumerate() {
        *case.lock().expect("one at a time") = nth;
        let name = &format!("{} {name}", ask.as_str());
        let command = || Authorize { ask, ..node.ask(of.card, 1_000, name) };
        let message = node.app.authorize(command()).await.expect("decided");
        let is_approved = *description == D::Approved;
        let (done, amount) =
            if is_approved { (Processing::Success, 1_000) } else { (Processing::Declined, 0) };
        assert_eq!(told(&message), (done, *description, *code, amount), "{name}");
        approved += amount;
        stands(approved, name).await;
        sent += 1 + usize::from(*takes_back);
        eventually(name, PATIENCE, async || partner.count() >= sent).await;
        let last = partner.received().pop().expect("it was called");
        assert_eq!(last.path.ends_with("/reversal"), *takes_back, "{name}");
        if *takes_back {
            taken_back += 1;
            // The object that was sent, unchanged.
            let asked = &partner.received()[sent - 2];
            assert_eq!((&last.body, last.key() == asked.key()), (&asked.body, false), "{name}");
        }
        // Nothing is retried beyond that, and the same message gets the same answer.
        let again = node.app.authorize(command()).await.expect("decided");
        assert_eq!(told(&again), told(&message), "{name}");
        assert_eq!(partner.count(), sent, "{name}");
    }
    (approved, taken_back)
}

on_both! {
    /// Whatever a partner does: what the network is told, what is held or given, what is taken
    /// back. In the end the partner has booked what we have approved.
    async fn a_hostile_partner_costs_nobody_money(node) {
        let (case, choose) = played();
        let partner = asked(&node, choose).await;
        let funded = node.funded(1_000_000).await;
        let at = (&partner, &case);
        let (held, debits) = play(&node, at, (funded, Ask::Debit), async |held: i64, name: &str| {
            assert_eq!(node.amounts(funded.balance).await, (1_000_000 - held, held), "{name}");
        })
        .await;
        eventually("debits are booked", PATIENCE, async || booked(&partner) == -held).await;
        let asked = (funded, Ask::Credit);
        let (given, credits) = play(&node, at, asked, async |given: i64, name: &str| {
            let stands = (1_000_000 - held + given, held);
            assert_eq!(node.amounts(funded.balance).await, stands, "{name}");
        })
        .await;
        eventually("credits are booked", PATIENCE, async || booked(&partner) == given - held).await;
        // Ten minutes later each reversal is sent once more: it may have overtaken its debit.
        let (sent, again) = (partner.count(), debits + credits);
        node.advance_real(601);
        eventually("each is sent again", PATIENCE, async || partner.count() >= sent + again).await;
        let keys: std::collections::HashSet<String> =
            partner.received().iter().map(|it| it.key().to_owned()).collect();
        assert_eq!(keys.len(), sent + again);
        assert_eq!(booked(&partner), given - held);
        node.verify().await;
    }
}

on_both! {
    /// A partner that books only after it has heard, and forgotten, that it never was: the reversal
    /// that comes ten minutes later mends its books.
    async fn what_is_booked_after_its_reversal_is_undone_by_the_next(node) {
        let late = Arc::new(AtomicBool::new(false));
        let is_late = late.clone();
        let choose = move |it: &Received, _: usize| match is_question(it) {
            true => Way::BooksWhenLetGo,
            // It knows nothing to undo, and doesn't remember that it was to.
            false if !is_late.load(SeqCst) => Way::Instead(Behaviour::Status(204)),
            false => Way::Books,
        };
        let partner = asked(&node, choose).await;
        set(&node, Set { ask_within_ms: Some(Some(WITHIN_MS)), ..Set::default() }).await;
        let funded = node.funded(10_000).await;
        let debit = node.purchase(funded.card, 1_000, "p1").await.expect("decided");
        let given = credit(&node, funded, 300, "r1").await;
        for message in [debit, given] {
            assert_eq!(told(&message), (Processing::Declined, D::PartnerTimeout, "9111", 0));
        }
        assert_eq!(node.amounts(funded.balance).await, (10_000, 0));
        let reversals = || calls(&partner).iter().filter(|it| *it == "reversal").count();
        eventually("both are taken back", PATIENCE, async || reversals() == 2).await;
        settled(&node, 2).await;
        late.store(true, SeqCst);
        partner.let_go();
        eventually("both are booked all the same", PATIENCE, async || booked(&partner) == -700)
            .await;
        node.advance_real(601);
        eventually("both are undone", PATIENCE, async || booked(&partner) == 0).await;
        assert_eq!(reversals(), 4);
        assert_eq!(node.amounts(funded.balance).await, (10_000, 0));
        node.verify().await;
    }
}

on_both! {
    /// As many questions to a partner are open at once as are set, and no more; who comes later
    /// waits for a turn.
    async fn no_more_questions_are_open_than_are_set(node) {
        let choose = |it: &Received, nth: usize| {
            if is_question(it) && nth < 3 { Way::AnswersWhenLetGo } else { Way::Books }
        };
        let partner = asked(&node, choose).await;
        set(&node, Set { asks_at_once: Some(3), ..Set::default() }).await;
        let funded = node.funded(10_000).await;
        let purchase = |name: String| {
            let (app, command) = (node.app.clone(), node.ask(funded.card, 100, &name));
            node.app.tasks.run(async move { app.authorize(command).await })
        };
        let asked: Vec<_> = (0..12).map(|nth| purchase(format!("p{nth}"))).collect();
        // All are decided as far as they are ours to decide, three of them are asked about.
        eventually("all are to be asked about", PATIENCE, async || {
            partner.count() >= 3 && node.amounts(funded.balance).await == (8_800, 1_200)
        })
        .await;
        assert_eq!(partner.count(), 3);
        partner.let_go();
        for one in asked {
            let message = one.await.expect("runs").expect("decided");
            assert_eq!(told(&message), (Processing::Success, D::Approved, "0000", 100));
        }
        assert_eq!((partner.count(), partner.most_open()), (12, 3));
        node.verify().await;
    }
}

on_both! {
    /// A partner that can't be reached has booked nothing, so nothing is taken back.
    async fn who_is_not_reached_is_not_asked(node) {
        let partner = asked(&node, |_, _| Way::Books).await;
        let funded = node.funded(1_000).await;
        drop(partner);
        let message = node.purchase(funded.card, 300, "p1").await.expect("decided");
        assert_eq!(told(&message), (Processing::Declined, D::PartnerTimeout, "9111", 0));
        assert_eq!(node.amounts(funded.balance).await, (1_000, 0));
        let told = node.app.notifications(node.scope.partner(), 0, 10).await.expect("reads");
        assert_eq!(told.iter().filter(|it| it.event == Event::Reversal).count(), 0);
        node.verify().await;
    }
}

on_both! {
    /// Somebody else answers where the partner should, with a certificate of another authority: it
    /// hears nothing, the payment is declined, and what may have been booked is taken back when the
    /// partner is there again.
    async fn a_server_of_another_authority_hears_nothing(node) {
        let partner = asked(&node, |_, _| Way::Books).await;
        let other = Bookkeeper::start(Mode::Shared { limit: LIMIT }, |_, _| Way::Books).await;
        let operator = app::audit::Operator("os:test".to_owned());
        let at = |url: String| SetOutbound { base_url: Some(url), ..SetOutbound::default() };
        let (scope, url) = (node.scope.partner(), other.base_url());
        node.app.set_outbound(&operator, scope, at(url)).await.expect("is set");
        let funded = node.funded(1_000).await;
        let message = node.purchase(funded.card, 300, "p1").await.expect("decided");
        assert_eq!(told(&message), (Processing::Declined, D::PartnerTimeout, "9111", 0));
        assert_eq!(node.amounts(funded.balance).await, (1_000, 0));
        settled(&node, 1).await;
        assert_eq!((partner.count(), other.count()), (0, 0));
        node.app.set_outbound(&operator, scope, at(partner.base_url())).await.expect("is set");
        node.advance_real(10);
        called(&partner, &["reversal"]).await;
        assert_eq!((booked(&partner), other.count()), (0, 0));
        node.verify().await;
    }
}

on_both! {
    /// Nobody hears of a payment while the partner thinks: neither history nor notification; and
    /// what it would spend is spent.
    async fn a_question_is_nobodys_to_see(node) {
        let partner = asked(&node, asks(Way::AnswersWhenLetGo)).await;
        node.deliver_to(&partner, &[Event::Transaction]).await;
        let funded = node.funded(1_000).await;
        let before = partner.count();
        let (app, command) = (node.app.clone(), node.ask(funded.card, 600, "p1"));
        let first = node.app.tasks.run(async move { app.authorize(command).await });
        eventually("it is asked", PATIENCE, async || {
            partner.received().iter().any(is_question)
        })
        .await;
        assert_eq!(node.amounts(funded.balance).await, (400, 600));
        let seen = history(&node, funded).await;
        assert!(seen.iter().all(|it| it.order.network_id != "p1"), "{seen:?}");
        // It would spend more than is left: declined, and not asked.
        let poor = node.purchase(funded.card, 500, "p2").await.expect("decided");
        assert_eq!(poor.description, D::InsufficientFunds);
        // The same message again waits for the same answer.
        let (app, command) = (node.app.clone(), node.ask(funded.card, 600, "p1"));
        let second = node.app.tasks.run(async move { app.authorize(command).await });
        partner.let_go();
        let first = first.await.expect("runs").expect("decided");
        let second = second.await.expect("runs").expect("decided");
        assert_eq!(told(&first), (Processing::Success, D::Approved, "0000", 600));
        assert_eq!((told(&second), second.transaction), (told(&first), first.transaction));
        assert_eq!(partner.received().iter().filter(|it| is_question(it)).count(), 1);
        // It comes last in the history, after what was decided while the partner thought.
        let seen = history(&node, funded).await;
        let names: Vec<&str> = seen.iter().map(|it| it.order.network_id.as_str()).collect();
        assert_eq!(names[..2], ["p1", "p2"]);
        assert!(before <= partner.count());
        node.verify().await;
    }
}

on_both! {
    /// While the partner thinks the network takes the payment back, confirms it, settles it, or the
    /// card is locked: the question comes to nothing and is taken back, and what has happened is
    /// booked once.
    async fn what_happens_meanwhile_is_booked_once(node) {
        let partner = asked(&node, asks(Way::AnswersWhenLetGo)).await;
        let funded = node.funded(10_000).await;
        let locked = node.card_on(funded.user, funded.balance).await;
        let asked = |card, name: &str| {
            let (app, command) = (node.app.clone(), node.ask(card, 1_000, name));
            node.app.tasks.run(async move { app.authorize(command).await })
        };
        let waiting = [
            asked(funded.card, "reversed"),
            asked(funded.card, "advised"),
            asked(funded.card, "settled"),
            asked(locked, "locked"),
        ];
        eventually("all are asked", PATIENCE, async || partner.count() >= 4).await;
        let reversal = node.reverse(funded.card, 1_000, "r1", "reversed").await.expect("decided");
        assert_eq!(told(&reversal).0, Processing::Success);
        let found = transaction(&node, reversal.transaction).await;
        assert_eq!((found.status, found.held.minor()), (Status::Reversed, 0));
        let advice = node.told(funded.card, 1_000, "advised", Told::Advice);
        let advice = node.app.inform(advice).await.expect("decided");
        assert_eq!(told(&advice).0, Processing::Success);
        let cleared = node.clear(funded.card, 1_000, "c1", Some("settled"), Final).await;
        assert_eq!(told(&cleared.expect("decided")).0, Processing::Success);
        node.lock(Funded { card: locked, ..funded }, LockReason::SuspectedFraud).await;
        partner.let_go();
        let expected = [D::UnknownError, D::UnknownError, D::UnknownError, D::CardLocked];
        for (one, why) in waiting.into_iter().zip(expected) {
            let message = one.await.expect("runs").expect("decided");
            assert_eq!((message.processing, message.description), (Processing::Declined, why));
        }
        // What is waited for still is taken back when the connection has ended for sure.
        node.advance_real(5);
        let count = |name: &str| calls(&partner).iter().filter(|it| *it == name).count();
        eventually("all is told", PATIENCE, async || {
            count("reversal") == 4 && count("force-debit") == 2
        })
        .await;
        assert_eq!(node.amounts(funded.balance).await, (8_000, 1_000));
        assert_eq!(booked(&partner), -2_000);
        node.verify().await;
    }
}

on_both! {
    /// Whoever asked is gone, and nobody tells what came of it: any node declines it a second after
    /// the partner's time, and has it taken back. Until then it stays.
    async fn what_nobody_waits_for_is_declined(node) {
        let partner = asked(&node, asks(Way::BooksBut(Behaviour::Hang))).await;
        node.deliver_to(&partner, &[Event::Transaction]).await;
        let funded = node.funded(1_000).await;
        for ask in [Ask::Debit, Ask::Credit] {
            let name = ask.as_str();
            let command = Authorize { ask, ..node.ask(funded.card, 300, name) };
            let (app, before) = (node.app.clone(), partner.received().len());
            // Its task dies with the question open.
            let gone = node.app.tasks.run(async move { app.authorize(command).await });
            eventually("it is asked", PATIENCE, async || {
                partner.received()[before..].iter().any(is_question)
            })
            .await;
            gone.abort();
            assert_eq!(node.app.give_up_questions().await.expect("looks"), 0);
            // The key is in work for whoever comes meanwhile.
            let again = Authorize { ask, ..node.ask(funded.card, 300, name) };
            let refused = node.app.authorize(again).await.expect_err("is in work");
            let in_work = matches!(refused, Error::Refused(Refusal::RequestInProgress));
            assert!(in_work, "{refused:?}");
            node.advance_real(3);
            assert_eq!(node.app.give_up_questions().await.expect("looks"), 1);
            assert_eq!(node.app.give_up_questions().await.expect("looks"), 0);
            let again = Authorize { ask, ..node.ask(funded.card, 300, name) };
            let message = node.app.authorize(again).await.expect("decided");
            assert_eq!(told(&message), (Processing::Declined, D::PartnerTimeout, "9111", 0));
            assert_eq!(node.amounts(funded.balance).await, (1_000, 0));
        }
        eventually("both are taken back", PATIENCE, async || {
            let sent = calls(&partner).iter().filter(|it| *it == "reversal").count();
            sent == 2 && booked(&partner) == 0
        })
        .await;
        // A partner of the seeds' codes alone knows no better one.
        let is_told = |it: &Received| {
            (&it.body["status"], &it.body["description"])
                == (&json!("DECLINED"), &json!("UNKNOWN_ERROR"))
        };
        eventually("both are told", PATIENCE, async || {
            partner.received().iter().filter(|it| is_told(it)).count() == 2
        })
        .await;
        node.verify().await;
    }
}

on_both! {
    /// An increment is a question of its own, under an id of its own; a credit is posted when the
    /// partner agrees.
    async fn increments_and_credits_are_questions_too(node) {
        let partner = asked(&node, |_, _| Way::Books).await;
        let funded = node.funded(1_000).await;
        let held = node.purchase(funded.card, 300, "p1").await.expect("decided");
        let more = increment(&node, funded, 200, "i1", "p1").await;
        assert_eq!(told(&more), (Processing::Success, D::Approved, "0000", 200));
        assert_eq!(more.transaction, held.transaction);
        assert_eq!(node.amounts(funded.balance).await, (500, 500));
        let given = credit(&node, funded, 50, "r1").await;
        assert_eq!(told(&given), (Processing::Success, D::Approved, "0000", 50));
        let found = transaction(&node, given.transaction).await;
        assert_eq!((found.decided_by, found.cleared.minor()), (DecidedBy::Partner, 50));
        let beyond = increment(&node, funded, 999_999, "i2", "p1").await;
        assert_eq!(beyond.description, D::InsufficientFunds);
        called(&partner, &["debit", "debit", "credit"]).await;
        let asked = partner.received();
        assert_eq!(asked[1].body["referenceTransactionId"], "p1");
        assert_ne!(asked[1].body["id"], asked[0].body["id"]);
        assert_eq!(asked[2].body["type"], "adjustment");
        assert_eq!(booked(&partner), -450);
        let again = increment(&node, funded, 200, "i1", "p1").await;
        assert_eq!(told(&again), told(&more));
        assert_eq!(history(&node, funded).await.len(), 4);
        node.verify().await;
    }
}

on_both! {
    /// What happens without a question is told afterwards, each as the contract has it, in order.
    async fn what_has_happened_is_told(node) {
        let partner = asked(&node, |_, _| Way::Books).await;
        let funded = node.funded(10_000).await;
        let card = funded.card;
        node.purchase(card, 1_000, "p1").await.expect("decided");
        node.reverse(card, 400, "part", "p1").await.expect("decided");
        node.reverse(card, 600, "rest", "p1").await.expect("decided");
        let second = node.purchase(card, 1_000, "p2").await.expect("decided");
        node.clear(card, 700, "c1", Some("p2"), Partial).await.expect("decided");
        node.clear(card, 350, "c2", Some("p2"), Final).await.expect("decided");
        node.app.inform(node.told(card, 80, "f1", Told::ForceDebit)).await.expect("decided");
        node.app.inform(node.told(card, 30, "f2", Told::ForceCredit)).await.expect("decided");
        node.clear(card, 90, "c3", None, Final).await.expect("decided");
        let third = node.purchase(card, 500, "p3").await.expect("decided");
        node.advance(8 * 86_400);
        node.app.expire_holds().await.expect("looks");

        let at = |body: &Value| {
            let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            let reference = text("referenceTransactionId");
            (body["amount"].as_i64(), text("status"), text("type"), reference)
        };
        let is_told = |it: &&Received| !is_question(it);
        // The hold of the force debit ends too.
        eventually("all is told", PATIENCE, async || {
            partner.received().iter().filter(is_told).count() >= 8
        })
        .await;
        let received = partner.received();
        let received: Vec<&Received> = received.iter().filter(is_told).collect();
        let told: Vec<_> = received.iter().map(|it| (it.path.as_str(), at(&it.body))).collect();
        let entry = |path, amount, status: &str, kind: &str, reference: &str| {
            (path, (Some(amount), status.to_owned(), kind.to_owned(), reference.to_owned()))
        };
        let (debit, credit) = ("/transactions/force-debit", "/transactions/force-credit");
        let fixed = [
            entry(credit, 400, "AUTHORIZED", "adjustment", "p1"),
            entry(credit, 600, "REVERSED", "adjustment", "p1"),
            // Of both clearings only the last changes what the cardholder pays.
            entry(debit, 50, "CLEARED", "adjustment", "p2"),
            entry(debit, 80, "AUTHORIZED", "pos", ""),
            entry(credit, 30, "AUTHORIZED", "adjustment", ""),
            entry(debit, 90, "CLEARED", "pos", ""),
        ];
        assert_eq!(told[..6], fixed);
        let mut expired = told[6..].to_vec();
        expired.sort();
        assert_eq!(expired, [
            entry(credit, 80, "REVERSED", "adjustment", "f1"),
            entry(credit, 500, "REVERSED", "adjustment", "p3"),
        ]);
        let ids: Vec<&Value> = received.iter().map(|it| &it.body["id"]).collect();
        assert_ne!(ids[2], &json!(second.transaction.0));
        assert!(ids[6..].contains(&&json!(third.transaction.0)));
        let keys: std::collections::HashSet<&str> = received.iter().map(|it| it.key()).collect();
        assert_eq!(keys.len(), received.len());
        // 1,050 of the second, 90 and less 30: what was taken back is nothing.
        assert_eq!(booked(&partner), -(1_050 + 90 - 30));
        node.verify().await;
    }
}

on_both! {
    /// What is told of one balance comes in its order, though the first needs three tries; each try
    /// has the same key and the same bytes.
    async fn calls_of_a_balance_come_in_order_across_retries(node) {
        let failing = |it: &Received, nth: usize| {
            if it.path.ends_with("/force-debit") && nth < 3 {
                Way::Instead(Behaviour::Status(503))
            } else {
                Way::Books
            }
        };
        let partner = asked(&node, failing).await;
        let funded = node.funded(10_000).await;
        let forced = node.told(funded.card, 500, "f1", Told::ForceDebit);
        node.app.inform(forced).await.expect("decided");
        node.reverse(funded.card, 200, "r1", "f1").await.expect("decided");
        node.clear(funded.card, 350, "c1", Some("f1"), Final).await.expect("decided");
        for tries in 1..=3 {
            eventually("it is tried", PATIENCE, async || partner.count() >= tries).await;
            settled(&node, tries).await;
            node.advance_real(10);
        }
        called(&partner, &[
            "force-debit", "force-debit", "force-debit", "force-debit", "force-credit",
            "force-debit",
        ])
        .await;
        let received = partner.received();
        for again in &received[1..4] {
            assert_eq!((again.key(), &again.bytes), (received[0].key(), &received[0].bytes));
        }
        assert_eq!(booked(&partner), -350);
        node.verify().await;
    }
}

on_both! {
    /// A call that three days weren't enough for is parked, and with it what refers to it; the rest
    /// of the balance goes on. Sent again it takes along what waited behind it, in order.
    async fn a_parked_call_keeps_back_what_refers_to_it(node) {
        let well = Arc::new(AtomicBool::new(false));
        let is_well = well.clone();
        let choose = move |it: &Received, _: usize| {
            let is_well = is_well.load(SeqCst);
            let fails = it.body["transactionId"] == "f1" && !is_well;
            if fails { Way::Instead(Behaviour::Status(503)) } else { Way::Books }
        };
        let partner = asked(&node, choose).await;
        let funded = node.funded(10_000).await;
        let (card, scope) = (funded.card, node.scope);
        node.app.inform(node.told(card, 500, "f1", Told::ForceDebit)).await.expect("decided");
        node.reverse(card, 200, "r1", "f1").await.expect("decided");
        node.app.inform(node.told(card, 80, "f2", Told::ForceDebit)).await.expect("decided");
        node.clear(card, 320, "c1", Some("f1"), Final).await.expect("decided");
        let standings = async || {
            let told = node.app.notifications(scope.partner(), 0, 50).await.expect("reads");
            told.iter().map(|it| (it.standing(), it.tried > 0)).collect::<Vec<_>>()
        };
        assert_eq!(standings().await.len(), 4);
        eventually("the first is given up", PATIENCE * 4, async || {
            node.advance_real(4_000);
            standings().await.iter().all(|(standing, _)| *standing != Open)
        })
        .await;
        let expected = [(Failed, true), (Failed, false), (Delivered, true), (Failed, false)];
        assert_eq!(standings().await, expected);
        assert_eq!(node.app.count_parked_calls().await.expect("counts"), 3);
        assert_eq!(booked(&partner), -80);

        well.store(true, SeqCst);
        // Sent again by what it is: what is parked behind it goes along.
        let operator = app::audit::Operator("os:test".to_owned());
        let again = app::outbox::ResendFailed {
            of: Some(app::outbox::Of::Calls),
            since: domain::Timestamp::MIN,
            event: Some(Event::ForceCredit),
        };
        let behind = node.app.resend_failed_as(&operator, scope.partner(), again).await;
        assert_eq!(behind.expect("opens").count, 2);
        eventually("it waits again", PATIENCE, async || {
            standings().await == expected
        })
        .await;
        let again = app::outbox::ResendFailed { event: Some(Event::ForceDebit), ..again };
        let all = node.app.resend_failed_as(&operator, scope.partner(), again).await;
        assert_eq!(all.expect("opens").count, 3);
        eventually("all is told", PATIENCE, async || {
            standings().await.iter().all(|(standing, _)| *standing == Delivered)
        })
        .await;
        let order: Vec<String> = calls(&partner).into_iter().rev().take(3).collect();
        assert_eq!(order, ["force-debit", "force-credit", "force-debit"]);
        assert_eq!(node.app.count_parked_calls().await.expect("counts"), 0);
        assert_eq!(booked(&partner), -400);
        node.verify().await;
    }
}

on_both! {
    /// What the partner doesn't know of isn't told, though it is asked now; what it knows of is
    /// told to the end, though it isn't asked any more.
    async fn the_record_tells_what_the_partner_knows(node) {
        let partner = asked(&node, |_, _| Way::Books).await;
        let mode = |mode| Set { authorization_mode: Some(mode), ..Set::default() };
        set(&node, mode(AuthorizationMode::Own)).await;
        let funded = node.funded(10_000).await;
        node.purchase(funded.card, 1_000, "before").await.expect("decided");
        set(&node, mode(AuthorizationMode::Shared)).await;
        let raised = increment(&node, funded, 100, "i1", "before").await;
        assert_eq!(raised.processing, Processing::Success);
        node.reverse(funded.card, 1_100, "r1", "before").await.expect("decided");
        assert_eq!(partner.count(), 0);

        node.purchase(funded.card, 700, "asked").await.expect("decided");
        node.app.inform(node.told(funded.card, 80, "f1", Told::ForceDebit)).await.expect("decided");
        set(&node, mode(AuthorizationMode::Own)).await;
        node.purchase(funded.card, 500, "after").await.expect("decided");
        node.reverse(funded.card, 80, "r2", "f1").await.expect("decided");
        node.reverse(funded.card, 700, "r3", "asked").await.expect("decided");
        called(&partner, &["debit", "force-debit", "force-credit", "force-credit"]).await;
        assert_eq!(booked(&partner), 0);
        assert_eq!(node.amounts(funded.balance).await, (9_500, 500));
        node.verify().await;
    }
}

on_both! {
    /// A hold that was cleared in part and expires gives the rest back under an id of its own: the
    /// debit isn't reversed.
    async fn the_rest_of_a_hold_that_expires_is_told(node) {
        let partner = asked(&node, |_, _| Way::Books).await;
        let funded = node.funded(10_000).await;
        let held = node.purchase(funded.card, 1_000, "p1").await.expect("decided");
        node.clear(funded.card, 300, "c1", Some("p1"), Partial).await.expect("decided");
        node.advance(8 * 86_400);
        node.app.expire_holds().await.expect("looks");
        called(&partner, &["debit", "force-credit"]).await;
        let rest = &partner.received()[1].body;
        assert_eq!((&rest["amount"], &rest["status"]), (&json!(700), &json!("AUTHORIZED")));
        assert_ne!(rest["id"], json!(held.transaction.0));
        assert_eq!(booked(&partner), -300);
        node.verify().await;
    }
}

on_both! {
    /// Account verifications and balance inquiries are nobody's question, and internal transactions
    /// are the partner's own.
    async fn what_moves_nothing_is_not_asked(node) {
        let partner = asked(&node, |_, _| Way::Books).await;
        let funded = node.funded(1_000).await;
        for (ask, kind) in [
            (Ask::Verification, TransactionType::Pos),
            (Ask::Inquiry, TransactionType::BalanceInquiry),
        ] {
            let asked = Authorize { ask, kind, ..node.ask(funded.card, 0, ask.as_str()) };
            let message = node.app.authorize(asked).await.expect("decided");
            assert_eq!(message.processing, Processing::Success);
        }
        node.top_up(funded.balance, 100).await.expect("moves");
        assert_eq!(partner.count(), 0);
    }
}

on_both! {
    /// A partner that gives no answer, and has us stand in: so much of a card a day is approved
    /// without it. It is asked again under the same key until it answers; where it refuses, it is
    /// told that it has happened.
    async fn where_the_partner_does_not_answer_we_stand_in(node) {
        let (down, refuses) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let (is_down, does_refuse) = (down.clone(), refuses.clone());
        let choose = move |it: &Received, _: usize| {
            if is_down.load(SeqCst) {
                return Way::Instead(Behaviour::Drop);
            }
            let refused = is_question(it) && does_refuse.load(SeqCst);
            if refused { Way::refuses(422, "INSUFFICIENT_FUNDS") } else { Way::Books }
        };
        let partner = asked(&node, choose).await;
        set(&node, Set { stand_in: Some(Some(1_000)), ..Set::default() }).await;
        let funded = node.funded(10_000).await;
        let first = node.purchase(funded.card, 600, "p1").await.expect("decided");
        assert_eq!(told(&first), (Processing::Success, D::Approved, "0000", 600));
        let found = transaction(&node, first.transaction).await;
        assert_eq!((found.decided_by, found.held.minor()), (DecidedBy::StandIn, 600));
        // Beyond what a card may pay so a day, and for what isn't a purchase, nobody stands in.
        let more = node.purchase(funded.card, 401, "p2").await.expect("decided");
        assert_eq!(told(&more), (Processing::Declined, D::PartnerTimeout, "9111", 0));
        let given = credit(&node, funded, 10, "r1").await;
        assert_eq!(given.description, D::PartnerTimeout);
        let raised = increment(&node, funded, 10, "i1", "p1").await;
        assert_eq!(raised.description, D::PartnerTimeout);
        let rest = node.purchase(funded.card, 400, "p3").await.expect("decided");
        assert_eq!(rest.processing, Processing::Success);
        let none = node.purchase(funded.card, 1, "p4").await.expect("decided");
        assert_eq!(none.description, D::PartnerTimeout);
        // Another card, another day: anew.
        let other = node.card_on(funded.user, funded.balance).await;
        let other = node.purchase(other, 1_000, "p5").await.expect("decided");
        assert_eq!(other.processing, Processing::Success);
        node.advance(86_400);
        let next_day = node.purchase(funded.card, 1_000, "p6").await.expect("decided");
        assert_eq!(next_day.processing, Processing::Success);
        assert_eq!(node.amounts(funded.balance).await, (7_000, 3_000));
        // What happens to it meanwhile waits behind the question.
        node.reverse(funded.card, 400, "r3", "p3").await.expect("decided");
        assert_eq!(booked(&partner), 0);

        let asked_of = |name: &str| {
            let of = |it: &Received| is_question(it) && it.body["transactionId"] == name;
            let keys: Vec<String> =
                partner.received().iter().filter(|it| of(it)).map(|it| it.key().into()).collect();
            keys
        };
        down.store(false, SeqCst);
        eventually("all is booked", PATIENCE, async || {
            node.advance_real(5);
            booked(&partner) == -2_600
        })
        .await;
        for name in ["p1", "p3", "p5", "p6"] {
            let keys = asked_of(name);
            assert!(keys.len() > 1 && keys.iter().all(|key| *key == keys[0]), "{name} {keys:?}");
        }
        let more = more.transaction.0.to_string();
        assert!(partner.books(|books| books.transaction(&more).is_none()));

        // It refuses in the end what was approved without it.
        down.store(true, SeqCst);
        node.advance(86_400);
        let refused = node.purchase(funded.card, 50, "p7").await.expect("decided");
        assert_eq!(refused.processing, Processing::Success);
        refuses.store(true, SeqCst);
        down.store(false, SeqCst);
        eventually("it is told that it has happened", PATIENCE, async || {
            node.advance_real(5);
            booked(&partner) == -2_650
        })
        .await;
        let of = |it: &&Received| {
            it.body["transactionId"] == "p7" && it.path.ends_with("/force-debit")
        };
        let received = partner.received();
        let forced: Vec<&Received> = received.iter().filter(of).collect();
        assert_eq!(forced.len(), 1);
        assert_eq!(forced[0].body["id"], json!(refused.transaction.0));
        assert!(!asked_of("p7").contains(&forced[0].key().to_owned()));
        // Only what was declined is taken back.
        let taken_back = received.iter().filter(|it| it.path.ends_with("/reversal"));
        let taken_back: BTreeSet<&str> =
            taken_back.filter_map(|it| it.body["transactionId"].as_str()).collect();
        assert_eq!(taken_back, ["i1", "p2", "p4", "r1"].into());
        node.verify().await;
    }
}
