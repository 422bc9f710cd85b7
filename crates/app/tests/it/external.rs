//! Balance mode `EXTERNAL`: the partner holds the money and is asked about it; here only the
//! deposit that stands for it is held and moves. Its books and ours agree in the end.

use crate::shared::{
    PATIENCE, asks, booked, calls, credit, increment, is_question, play, played, set, settled,
    told, transaction,
};
use app::Refusal;
use app::partners::Set;
use app::processor::{Authorize, Clear, Told};
use domain::authorization::Ask;
use domain::balance::PartnerBalanceKind;
use domain::ids::BalanceId;
use domain::ledger::clearing::Finality::{Final, Partial};
use domain::money::Currency;
use domain::notification::Event;
use domain::partner::{BalanceMode, CollateralMode, Settings};
use domain::transaction::{
    Category, DecidedBy, Description as D, Processing, Status, TransactionType as T,
};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use testkit::books::Mode;
use testkit::{Behaviour, Bookkeeper, Funded, Received, TestApp, Way, eventually, on_both};

/// What a balance has at the partner when it is linked.
pub(crate) const STARTING: i64 = 10_000;
/// What the deposit has.
pub(crate) const DEPOSIT: i64 = 100_000;

pub(crate) fn external() -> Settings {
    Settings {
        balance_mode: BalanceMode::External,
        collateral_mode: CollateralMode::Deposit,
        ..TestApp::settings()
    }
}

/// The same without a deposit: the range of numbers is the partner's own.
fn with_own_bin() -> Settings {
    Settings { collateral_mode: CollateralMode::None, own_bin: true, ..external() }
}

/// A partner that holds its users' money, and behaves so where it is asked or told of transactions;
/// it links balances and tells their amounts.
pub(crate) async fn holds(
    node: &TestApp,
    choose: impl Fn(&Received, usize) -> Way + Send + Sync + 'static,
) -> Bookkeeper {
    let choose = move |it: &Received, nth: usize| {
        if it.path.starts_with("/users/") { Way::Books } else { choose(it, nth) }
    };
    let partner = Bookkeeper::start(Mode::External { starting: STARTING }, choose).await;
    node.deliver_to(&partner, &[]).await;
    partner
}

/// A card that pays from a balance which the partner holds.
async fn holder(node: &TestApp) -> Funded {
    node.funded(0).await
}

/// What the partner was called with about transactions.
fn about_transactions(partner: &Bookkeeper) -> Vec<Received> {
    partner.received().into_iter().filter(|it| it.path.starts_with("/transactions/")).collect()
}

fn amount_at(partner: &Bookkeeper, balance: BalanceId) -> Option<i64> {
    partner.books(|books| books.amount(&balance.0.to_string()))
}

/// Waits until the partner was called so often about transactions; by which words.
async fn heard(partner: &Bookkeeper, expected: &[&str]) {
    eventually("the partner was called so often", PATIENCE, async || {
        about_transactions(partner).len() >= expected.len()
    })
    .await;
    let word = |it: Received| match it.method.as_str() {
        "PUT" => "PUT".to_owned(),
        _ => it.path.rsplit('/').next().unwrap_or_default().to_owned(),
    };
    let words: Vec<String> = about_transactions(partner).into_iter().map(word).collect();
    assert_eq!(words, expected);
}

fn company(node: &TestApp) -> BalanceId {
    let settings = node.app.settings.get();
    let kind = PartnerBalanceKind::Company;
    settings.partner_balance(node.scope.partner(), kind, Currency::EUR).expect("is made")
}

/// Settles a purchase as the processor told the difference of exchange rates.
async fn clear_with(node: &TestApp, of: Funded, minor: i64, (name, raised): (&str, &str), fx: i64) {
    let cleared = node.app.clear(Clear {
        envelope: node.envelope(of.card, name, name),
        details: node.details(minor, name, Some(raised)),
        reference: Some(node.reference(minor, raised)),
        category: Category::Debit,
        finality: Final,
        sequence: 1,
        fx_difference: Some(fx),
    });
    assert_eq!(cleared.await.expect("decided").processing, Processing::Success);
}

on_both! {
    /// A purchase is asked of who holds the money; the deposit is held with it, moves when it is
    /// settled, and then the partner is told that it is final.
    async fn a_purchase_lives_at_the_partner(node, external()) {
        let partner = holds(&node, |_, _| Way::Books).await;
        let deposit = node.backed_by(CollateralMode::Deposit, DEPOSIT).await;
        let funded = holder(&node).await;
        let name = "p/1 %2F?#ü";
        let message = node.purchase(funded.card, 300, name).await.expect("decided");
        assert_eq!(told(&message), (Processing::Success, D::Approved, "0000", 300));
        let found = transaction(&node, message.transaction).await;
        assert_eq!((found.held.minor(), found.backing.held.minor()), (300, 300));
        assert_eq!((found.decided_by, found.balance_before), (DecidedBy::Partner, None));
        assert_eq!(node.partner_amounts(deposit).await, (DEPOSIT - 300, 300));
        assert_eq!(amount_at(&partner, funded.balance), Some(STARTING - 300));

        node.clear(funded.card, 300, "c1", Some(name), Final).await.expect("decided");
        heard(&partner, &["debit", "PUT"]).await;
        let put = &about_transactions(&partner)[1];
        assert_eq!(put.path, "/transactions/p%2F1%20%252F%3F%23%C3%BC");
        assert_eq!(put.body["transactionId"], name);
        assert_eq!(put.body["id"], json!(message.transaction.0));
        assert_eq!((&put.body["amount"], &put.body["status"]), (&json!(300), &json!("CLEARED")));
        settled(&node, 1).await;
        let found = transaction(&node, message.transaction).await;
        assert_eq!((found.status, found.cleared.minor()), (Status::Cleared, 300));
        assert_eq!(node.partner_amounts(deposit).await, (DEPOSIT - 300, 0));
        assert_eq!(amount_at(&partner, funded.balance), Some(STARTING - 300));
        let status = |books: &mut testkit::books::Books| {
            books.transaction(&message.transaction.0.to_string()).map(|it| it.status.clone())
        };
        assert_eq!(partner.books(status).as_deref(), Some("CLEARED"));
        node.verify().await;
    }
}

on_both! {
    /// Whatever a partner that holds the money does instead of agreeing: the deposit is let go, and
    /// what it may have booked is taken back.
    async fn a_hostile_partner_keeps_no_deposit(node, external()) {
        let (case, choose) = played();
        let partner = holds(&node, choose).await;
        let deposit = node.backed_by(CollateralMode::Deposit, DEPOSIT).await;
        let funded = holder(&node).await;
        let at = (&partner, &case);
        let debits = (funded, Ask::Debit);
        let (held, taken_back) = play(&node, at, debits, async |held: i64, name: &str| {
            assert_eq!(node.partner_amounts(deposit).await, (DEPOSIT - held, held), "{name}");
        })
        .await;
        let has = Some(STARTING - held);
        eventually("what was declined is undone", PATIENCE, async || {
            amount_at(&partner, funded.balance) == has
        })
        .await;
        let sent = partner.count();
        node.advance_real(601);
        eventually("each reversal is sent again", PATIENCE, async || {
            partner.count() >= sent + taken_back
        })
        .await;
        assert_eq!((amount_at(&partner, funded.balance), booked(&partner)), (has, -held));
        assert_eq!(node.partner_amounts(deposit).await, (DEPOSIT - held, held));
        node.verify().await;
    }
}

on_both! {
    /// Our own checks come first, then the deposit; then who holds the money decides, whatever
    /// there is. What it refuses holds nothing.
    async fn the_deposit_is_charged_before_the_partner_is_asked(node, external()) {
        let partner = holds(&node, |_, _| Way::Books).await;
        let deposit = node.backed_by(CollateralMode::Deposit, 20_000).await;
        let funded = holder(&node).await;
        let poor = node.purchase(funded.card, 20_001, "p1").await.expect("decided");
        assert_eq!(poor.description, D::InsufficientFundsOnDepositBalance);
        heard(&partner, &[]).await;
        let poor = node.purchase(funded.card, STARTING + 1, "p2").await.expect("decided");
        assert_eq!(told(&poor), (Processing::Declined, D::InsufficientFunds, "1016", 0));
        let found = transaction(&node, poor.transaction).await;
        assert_eq!(found.decided_by, DecidedBy::Partner);
        assert_eq!(node.partner_amounts(deposit).await, (20_000, 0));
        let all = node.purchase(funded.card, STARTING, "p3").await.expect("decided");
        assert_eq!(all.processing, Processing::Success);
        heard(&partner, &["debit", "debit"]).await;
        assert_eq!(booked(&partner), -STARTING);
        node.verify().await;
    }
}

on_both! {
    /// What happens without a question is told afterwards; each clearing that ends an
    /// authorization by `PUT`, after what it differs by.
    async fn what_has_happened_is_told_and_then_final(node, external()) {
        let partner = holds(&node, |_, _| Way::Books).await;
        let deposit = node.backed_by(CollateralMode::Deposit, DEPOSIT).await;
        let funded = holder(&node).await;
        let card = funded.card;
        node.purchase(card, 1_000, "p1").await.expect("decided");
        node.reverse(card, 400, "part", "p1").await.expect("decided");
        node.reverse(card, 600, "rest", "p1").await.expect("decided");
        // Two clearings; the last is for more than was left.
        node.purchase(card, 1_000, "p2").await.expect("decided");
        node.clear(card, 700, "c1", Some("p2"), Partial).await.expect("decided");
        node.clear(card, 350, "c2", Some("p2"), Final).await.expect("decided");
        // A fuel pump that took less than it held.
        node.purchase(card, 900, "p3").await.expect("decided");
        node.clear(card, 250, "c3", Some("p3"), Final).await.expect("decided");
        node.app.inform(node.told(card, 80, "f1", Told::ForceDebit)).await.expect("decided");
        node.clear(card, 80, "c4", Some("f1"), Final).await.expect("decided");
        // No authorization: it is final as it comes.
        node.clear(card, 90, "c5", None, Final).await.expect("decided");
        let given = credit(&node, funded, 60, "r1").await;
        assert_eq!(given.processing, Processing::Success);
        let more = increment(&node, funded, 5, "i0", "f1").await;
        assert_eq!(more.description, D::ReferencedTransactionNotFound);
        let told = [
            "force-credit", "force-credit", "force-debit", "PUT", "force-credit", "PUT",
            "force-debit", "PUT", "force-debit",
        ];
        let is_told = |it: &&Received| !is_question(it);
        eventually("all is told", PATIENCE, async || {
            about_transactions(&partner).iter().filter(is_told).count() >= told.len()
        })
        .await;
        let received = about_transactions(&partner);
        let at = |it: &&Received| {
            let text = |name: &str| it.body[name].as_str().unwrap_or_default().to_owned();
            let word = it.path.rsplit('/').next().unwrap_or_default().to_owned();
            (word, it.body["amount"].as_i64(), text("status"), text("referenceTransactionId"))
        };
        let entry = |word: &str, amount, status: &str, reference: &str| {
            (word.to_owned(), Some(amount), status.to_owned(), reference.to_owned())
        };
        let found: Vec<_> = received.iter().filter(is_told).map(|it| at(&it)).collect();
        assert_eq!(found, [
            entry("force-credit", 400, "AUTHORIZED", "p1"),
            entry("force-credit", 600, "REVERSED", "p1"),
            entry("force-debit", 50, "CLEARED", "p2"),
            entry("p2", 1_050, "CLEARED", ""),
            entry("force-credit", 650, "CLEARED", "p3"),
            entry("p3", 250, "CLEARED", ""),
            entry("force-debit", 80, "AUTHORIZED", ""),
            entry("f1", 80, "CLEARED", ""),
            entry("force-debit", 90, "CLEARED", ""),
        ]);
        let keys: HashSet<&str> = received.iter().map(Received::key).collect();
        assert_eq!(keys.len(), received.len());
        let spent = 1_050 + 250 + 80 + 90;
        assert_eq!(amount_at(&partner, funded.balance), Some(STARTING - spent + 60));
        // The deposit gets a credit when it is settled.
        assert_eq!(node.partner_amounts(deposit).await, (DEPOSIT - spent, 0));
        node.verify().await;
    }
}

on_both! {
    /// A difference of exchange rates is between the scheme and `COMPANY`: no call tells of it, and
    /// the cardholder pays what was authorized.
    async fn a_difference_of_rates_is_no_call(node, external()) {
        let partner = holds(&node, |_, _| Way::Books).await;
        let deposit = node.backed_by(CollateralMode::Deposit, DEPOSIT).await;
        let funded = holder(&node).await;
        node.purchase(funded.card, 1_000, "p1").await.expect("decided");
        clear_with(&node, funded, 980, ("c1", "p1"), 20).await;
        heard(&partner, &["debit", "PUT"]).await;
        assert_eq!(about_transactions(&partner)[1].body["amount"], 1_000);
        assert_eq!(amount_at(&partner, funded.balance), Some(STARTING - 1_000));
        assert_eq!(node.partner_amounts(deposit).await, (DEPOSIT - 1_000, 0));
        assert_eq!(node.partner_amounts(company(&node)).await, (20, 0));
        // One that the cardholder doesn't bear in full is told of by what it differs by.
        node.purchase(funded.card, 500, "p2").await.expect("decided");
        clear_with(&node, funded, 510, ("c2", "p2"), 5).await;
        heard(&partner, &["debit", "PUT", "debit", "force-debit", "PUT"]).await;
        let received = about_transactions(&partner);
        let amounts = [3, 4].map(|nth: usize| received[nth].body["amount"].clone());
        assert_eq!(amounts, [json!(15), json!(515)]);
        assert_eq!(node.partner_amounts(company(&node)).await, (25, 0));
        node.verify().await;
    }
}

on_both! {
    /// Who owns the range of numbers answers to the scheme itself: without a deposit the partner's
    /// books pay it.
    async fn without_a_deposit_the_books_pay(node, with_own_bin()) {
        let partner = holds(&node, |_, _| Way::Books).await;
        let funded = holder(&node).await;
        let message = node.purchase(funded.card, 300, "p1").await.expect("decided");
        node.clear(funded.card, 320, "c1", Some("p1"), Final).await.expect("decided");
        heard(&partner, &["debit", "force-debit", "PUT"]).await;
        let found = transaction(&node, message.transaction).await;
        assert_eq!((found.cleared.minor(), found.backing.moved.minor()), (320, 0));
        assert_eq!(amount_at(&partner, funded.balance), Some(STARTING - 320));
        node.verify().await;
    }
}

on_both! {
    /// An internal transaction is asked of who holds the money, under the caller's own id; only a
    /// fee moves anything here.
    async fn internal_transactions_are_asked(node, external()) {
        let partner = holds(&node, |_, _| Way::Books).await;
        let deposit = node.backed_by(CollateralMode::Deposit, DEPOSIT).await;
        let funded = holder(&node).await;
        for (kind, name) in [
            (T::TopUp, "topup"),
            (T::Payment, "payment"),
            (T::Loan, "loan"),
            (T::Cashback, "cashback"),
            (T::CreditIbanTransfer, "creditIbanTransfer"),
            (T::Fee, "fee"),
            (T::Commission, "commission"),
            (T::Funding, "funding"),
            (T::Interest, "interest"),
            (T::Withdrawal, "withdrawal"),
        ] {
            let before = amount_at(&partner, funded.balance).expect("linked");
            let moved = node.transfer(funded.balance, kind, 100).await.expect("moves");
            assert_eq!((moved.status, moved.processing), (Status::Cleared, Processing::Success));
            assert_eq!((moved.decided_by, moved.balance_after), (DecidedBy::Partner, None));
            let asked = about_transactions(&partner).pop().expect("is asked");
            let (way, sign) = match moved.order.category {
                Category::Debit => ("/transactions/debit", -1),
                Category::Credit => ("/transactions/credit", 1),
            };
            assert_eq!((asked.path.as_str(), &asked.body["type"]), (way, &json!(name)), "{name}");
            assert_eq!(asked.body["id"], json!(moved.id.0), "{name}");
            assert_eq!(asked.body["transactionId"], json!(moved.order.network_id), "{name}");
            let resource = (&asked.body["resource"], &asked.body["resourceId"]);
            assert_eq!(resource, (&json!("balance"), &json!(funded.balance.0)), "{name}");
            assert_eq!(amount_at(&partner, funded.balance), Some(before + sign * 100), "{name}");
        }
        assert_eq!(node.partner_amounts(company(&node)).await, (100, 0));
        assert_eq!(node.partner_amounts(deposit).await, (DEPOSIT, 0));
        let refused = node.transfer(funded.balance, T::Withdrawal, STARTING + 1).await;
        assert!(is_refused(&refused, Refusal::InsufficientFunds), "{refused:?}");
        assert_eq!(booked(&partner), 0);
        node.verify().await;
    }
}

fn is_refused<T>(result: &Result<T, app::Error>, expected: Refusal) -> bool {
    matches!(result, Err(app::Error::Refused(refusal)) if *refusal == expected)
}

on_both! {
    /// An internal transaction whose answer isn't known is declined, under its key for good, and
    /// taken back at the partner.
    async fn an_internal_transaction_without_an_answer_is_taken_back(node, external()) {
        let partner = holds(&node, asks(Way::BooksBut(Behaviour::Drop))).await;
        let funded = holder(&node).await;
        let refused = node.top_up(funded.balance, 100).await;
        assert!(is_refused(&refused, Refusal::PartnerTimeout), "{refused:?}");
        heard(&partner, &["credit", "reversal"]).await;
        let received = about_transactions(&partner);
        assert_eq!(received[0].body, received[1].body);
        assert_eq!(amount_at(&partner, funded.balance), Some(STARTING));
        node.verify().await;
    }
}

on_both! {
    /// Whoever asked is gone: any node declines it, and has it taken back.
    async fn an_internal_transaction_that_nobody_waits_for_is_declined(node, external()) {
        let partner = holds(&node, asks(Way::BooksBut(Behaviour::Hang))).await;
        let funded = holder(&node).await;
        let asked = app::balances::Transfer {
            balance: funded.balance,
            kind: T::TopUp,
            amount: 100,
            currency: Currency::EUR,
            text: "Top-up".to_owned(),
            external_id: "t1".to_owned(),
            reference_id: None,
            key: Some("k1".to_owned()),
            endpoint: None,
            fingerprint: [0; 32],
            origin: testkit::origin(),
            right: app::balances::Right::Partner,
        };
        let (app, scope, first) = (node.app.clone(), node.scope, asked.clone());
        let gone = node.app.tasks.run(async move { app.transfer(scope, first).await });
        eventually("it is asked", PATIENCE, async || {
            about_transactions(&partner).iter().any(is_question)
        })
        .await;
        gone.abort();
        node.advance_real(10);
        assert_eq!(node.app.give_up_questions().await.expect("looks"), 1);
        let again = node.app.transfer(node.scope, asked).await;
        assert!(is_refused(&again, Refusal::PartnerTimeout), "{:?}", again.err());
        eventually("it is taken back", PATIENCE, async || {
            amount_at(&partner, funded.balance) == Some(STARTING)
                && calls(&partner).iter().any(|it| it == "reversal")
        })
        .await;
        node.verify().await;
    }
}

on_both! {
    /// A partner that doesn't know the transaction is told once that it is final; one whose server
    /// isn't there is told until it is.
    async fn an_unknown_transaction_is_not_told_of_again(node, external()) {
        let unknown = |it: &Received, nth: usize| match it.method.as_str() {
            "PUT" if it.path.ends_with("/p1") => Way::refuses(404, "TRANSACTION_NOT_FOUND"),
            "PUT" if nth.is_multiple_of(2) => Way::Instead(Behaviour::Status(404)),
            _ => Way::Books,
        };
        let tries = Arc::new(AtomicUsize::new(0));
        let counted = move |it: &Received, _: usize| {
            let puts = if it.method == "PUT" { 1 } else { 0 };
            let nth = tries.fetch_add(puts, SeqCst);
            unknown(it, nth + 1)
        };
        let partner = holds(&node, counted).await;
        node.backed_by(CollateralMode::Deposit, DEPOSIT).await;
        let funded = holder(&node).await;
        node.purchase(funded.card, 100, "p1").await.expect("decided");
        node.clear(funded.card, 100, "c1", Some("p1"), Final).await.expect("decided");
        node.purchase(funded.card, 100, "p2").await.expect("decided");
        node.clear(funded.card, 100, "c2", Some("p2"), Final).await.expect("decided");
        eventually("both were told", PATIENCE, async || {
            node.advance_real(5);
            about_transactions(&partner).iter().filter(|it| it.method == "PUT").count() >= 3
        })
        .await;
        let puts = about_transactions(&partner).into_iter().filter(|it| it.method == "PUT");
        let puts: Vec<(String, String)> =
            puts.map(|it| (it.path.clone(), it.key().to_owned())).collect();
        let paths: Vec<&str> = puts.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["/transactions/p1", "/transactions/p2", "/transactions/p2"]);
        assert_eq!(puts[1].1, puts[2].1, "each try has the same key");
        let told = node.app.notifications(node.scope.partner(), 0, 50).await.expect("reads");
        let first = told.iter().find(|it| it.event == Event::Clearing).expect("is kept");
        assert_eq!((first.attempts.len(), first.attempts[0].status), (1, Some(404)));
        assert_eq!(node.app.count_parked_calls().await.expect("counts"), 0);
        let period = app::statements::Period { from: node.app.today(), to: node.app.today() };
        let statement = node.app.statement(node.scope, None, funded.balance, period).await;
        assert!(is_refused(&statement, Refusal::ModeNotSupported), "its books are elsewhere");
        node.verify().await;
    }
}

/// What fails three times, each time otherwise, and is taken then: the questions are answered.
fn failing_thrice() -> impl Fn(&Received, usize) -> Way + Send + Sync + 'static {
    let tries = Mutex::new(HashMap::<String, usize>::new());
    move |it, _| {
        if is_question(it) {
            let lost = it.body["transactionId"] == "lost";
            return if lost { Way::BooksBut(Behaviour::Drop) } else { Way::Books };
        }
        let mut tries = tries.lock().unwrap_or_else(PoisonError::into_inner);
        let tried = tries.entry(it.key().to_owned()).or_default();
        *tried += 1;
        match *tried {
            1 => Way::Instead(Behaviour::Status(503)),
            2 => Way::BooksBut(Behaviour::Drop),
            3 => Way::Instead(Behaviour::Drop),
            _ => Way::Books,
        }
    }
}

on_both! {
    /// What is told of one balance comes in its order though each call needs three tries more; each
    /// try has the same key and the same bytes, and all of them have one effect.
    async fn calls_of_a_balance_come_in_order_across_retries(node, external()) {
        let partner = holds(&node, failing_thrice()).await;
        let deposit = node.backed_by(CollateralMode::Deposit, DEPOSIT).await;
        let funded = holder(&node).await;
        let card = funded.card;
        let lost = node.purchase(card, 1_000, "lost").await.expect("decided");
        assert_eq!(lost.description, D::PartnerTimeout);
        node.app.inform(node.told(card, 500, "f1", Told::ForceDebit)).await.expect("decided");
        node.reverse(card, 200, "r1", "f1").await.expect("decided");
        node.clear(card, 350, "c1", Some("f1"), Final).await.expect("decided");
        let told = ["reversal", "force-debit", "force-credit", "force-debit", "PUT"];
        let expected: Vec<&str> =
            std::iter::once("debit").chain(told.into_iter().flat_map(|it| [it; 4])).collect();
        for tries in 1..=told.len() * 4 {
            eventually("it is tried", PATIENCE, async || {
                about_transactions(&partner).len() > tries
            })
            .await;
            settled(&node, tries).await;
            // Shorter than a claim, longer than the pause after a third try.
            node.advance_real(5);
        }
        heard(&partner, &expected).await;
        let received = about_transactions(&partner);
        for tries in received[1..].chunks(4) {
            for again in tries {
                assert_eq!((again.key(), &again.bytes), (tries[0].key(), &tries[0].bytes));
            }
        }
        let keys: HashSet<&str> = received.iter().map(Received::key).collect();
        assert_eq!(keys.len(), 1 + told.len());
        // 500, of which 200 were given back, and 50 more than was left.
        assert_eq!(amount_at(&partner, funded.balance), Some(STARTING - 350));
        let effects = |books: &mut testkit::books::Books| {
            let all = books.transactions().map(|(_, it)| it.effects.len());
            all.sum::<usize>()
        };
        // The lost debit and its reversal, and one of each other that moves money.
        assert_eq!(partner.books(effects), 2 + 3);
        assert_eq!(node.partner_amounts(deposit).await, (DEPOSIT - 350, 0));
        node.verify().await;
    }
}

on_both! {
    /// What an authorization and its increments hold is given back by one full reversal.
    async fn a_raised_hold_is_given_back_whole(node, external()) {
        let partner = holds(&node, |_, _| Way::Books).await;
        let deposit = node.backed_by(CollateralMode::Deposit, DEPOSIT).await;
        let funded = holder(&node).await;
        let held = node.purchase(funded.card, 300, "p1").await.expect("decided");
        let more = increment(&node, funded, 200, "i1", "p1").await;
        assert_eq!((more.processing, more.transaction), (Processing::Success, held.transaction));
        assert_eq!(node.partner_amounts(deposit).await, (DEPOSIT - 500, 500));
        node.reverse(funded.card, 500, "r1", "p1").await.expect("decided");
        heard(&partner, &["debit", "debit", "force-credit"]).await;
        let given: &Value = &about_transactions(&partner)[2].body;
        assert_eq!((&given["amount"], &given["id"]), (&json!(500), &json!(held.transaction.0)));
        assert_eq!(amount_at(&partner, funded.balance), Some(STARTING));
        assert_eq!(node.partner_amounts(deposit).await, (DEPOSIT, 0));
        node.verify().await;
    }
}

on_both! {
    /// Who asks what there is to spend is told what the partner says; without its answer nothing.
    async fn what_there_is_is_asked_of_the_partner(node, external()) {
        let gone = Arc::new(AtomicBool::new(false));
        let is_gone = gone.clone();
        let choose = move |it: &Received, _: usize| {
            let silent = it.method == "GET" && is_gone.load(SeqCst);
            if silent { Way::Instead(Behaviour::Status(500)) } else { Way::Books }
        };
        let partner = Bookkeeper::start(Mode::External { starting: STARTING }, choose).await;
        node.deliver_to(&partner, &[]).await;
        let funded = holder(&node).await;
        partner.books(|books| books.set_amount(&funded.balance.0.to_string(), 4_321));
        let asks = |name: &str| Authorize {
            ask: Ask::Inquiry,
            kind: T::BalanceInquiry,
            ..node.ask(funded.card, 0, name)
        };
        let message = node.app.authorize(asks("i1")).await.expect("decided");
        assert_eq!((message.processing, message.available), (Processing::Success, Some(4_321)));
        let found = transaction(&node, message.transaction).await;
        assert_eq!(found.balance_after, Some(4_321));
        gone.store(true, SeqCst);
        let again = node.app.authorize(asks("i1")).await.expect("decided");
        assert_eq!((again.transaction, again.available), (message.transaction, Some(4_321)));
        let untold = node.app.authorize(asks("i2")).await.expect("decided");
        assert_eq!(told(&untold), (Processing::Declined, D::PartnerTimeout, "9111", 0));
        heard(&partner, &[]).await;
        node.verify().await;
    }
}

on_both! {
    /// We stand in for who holds the money only where a deposit stands for it.
    async fn nobody_stands_in_without_a_deposit(node, with_own_bin()) {
        let partner = holds(&node, asks(Way::Instead(Behaviour::Drop))).await;
        set(&node, Set { stand_in: Some(Some(1_000)), ..Set::default() }).await;
        let funded = holder(&node).await;
        let refused = node.purchase(funded.card, 10, "p1").await.expect("decided");
        assert_eq!(told(&refused), (Processing::Declined, D::PartnerTimeout, "9111", 0));
        let deposit = node.backed_by(CollateralMode::Deposit, DEPOSIT).await;
        let approved = node.purchase(funded.card, 20, "p2").await.expect("decided");
        let found = transaction(&node, approved.transaction).await;
        assert_eq!((found.decided_by, found.held.minor()), (DecidedBy::StandIn, 20));
        assert_eq!(node.partner_amounts(deposit).await, (DEPOSIT - 20, 20));
        assert!(partner.count() > 0);
        node.verify().await;
    }
}
