//! The summary of balances agrees with the ledger, always.

use crate::holds::join_all;
use app::balances::{Summary, Total};
use domain::balance::PartnerBalanceKind;
use domain::ids::{BalanceId, TransactionId};
use domain::ledger::Account;
use domain::ledger::clearing::Finality::Final;
use domain::money::{Amount, Currency};
use domain::partner::CollateralMode;
use domain::transaction::TransactionType;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::collections::BTreeSet;
use store::{balances, books};
use testkit::{Funded, TestApp, on_both};
use uuid::Uuid;

async fn summary(node: &TestApp) -> Summary {
    let partner = node.scope.partner();
    let all = node.app.summary(&[partner]).await.expect("reads");
    *all.iter().find(|it| it.currency == Currency::EUR).expect("there are balances in euro")
}

/// The same, of movements and holds alone.
async fn by_the_books(node: &TestApp) -> (Total, Total) {
    let (scope, least) = (node.scope, Uuid::nil());
    let (mut users, mut wallet) = (Total::default(), Total::default());
    let mut tx = node.app.db.read().await.expect("begins");
    let told = books::list_balances(&mut tx, scope, BalanceId(least), i64::MAX).await;
    let told = told.expect("reads");
    let of_users: BTreeSet<BalanceId> =
        told.iter().filter(|it| !it.is_partners).map(|it| it.id).collect();
    let mut moved = |account: Account, posted: i128, held: i128| {
        let Account::Balance(id) = account else { return };
        for total in [Some(&mut wallet), of_users.contains(&id).then_some(&mut users)] {
            let Some(total) = total else { continue };
            total.amount += posted - held;
            total.blocked += held;
        }
    };
    let (first, last) = (TransactionId(least), TransactionId(Uuid::max()));
    let key = (first, i64::MIN, i64::MIN);
    for leg in books::list_movements(&mut tx, scope, key, last, i64::MAX).await.expect("reads") {
        moved(leg.from, -i128::from(leg.amount), 0);
        moved(leg.to, leg.amount.into(), 0);
    }
    for entry in books::list_entries(&mut tx, scope, first, i64::MAX).await.expect("reads") {
        if let Some(balance) = entry.balance {
            moved(Account::Balance(balance), 0, entry.held.into());
        }
        if let Some(deposit) = entry.collateral {
            moved(Account::Balance(deposit), 0, entry.collateral_held.into());
        }
    }
    tx.rollback().await;
    (users, wallet)
}

/// Does something with money; whether it is allowed doesn't matter here.
async fn act(node: &TestApp, funded: Funded, deposit: BalanceId, what: (u8, i64, u8)) {
    let (kind, minor, which) = what;
    let (new, old) = (format!("n{}", node.unique()), format!("p{which}"));
    let transfer = async |balance, kind| drop(node.transfer(balance, kind, minor).await);
    match kind {
        0 => drop(node.purchase(funded.card, minor, &old).await),
        1 => drop(node.reverse(funded.card, minor, &new, &old).await),
        2 => drop(node.clear(funded.card, minor, &new, Some(&old), Final).await),
        3 => drop(node.clear(funded.card, minor, &new, None, Final).await),
        4 => transfer(deposit, TransactionType::CollateralCredit).await,
        5 => transfer(deposit, TransactionType::CollateralDebit).await,
        6 => transfer(funded.balance, TransactionType::Fee).await,
        7 => transfer(funded.balance, TransactionType::Funding).await,
        _ => transfer(funded.balance, TransactionType::TopUp).await,
    }
}

on_both! {
    /// After each of many commands, to the cent.
    async fn the_summary_agrees_with_the_books(node) {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut runner = proptest::test_runner::TestRunner::new_with_rng(Default::default(), rng);
        let steps = prop::collection::vec((0..9u8, 1..400i64, 0..6u8), 150);
        let steps = steps.new_tree(&mut runner).expect("steps").current();
        let deposit = node.backed_by(CollateralMode::Deposit, 1_000).await;
        let cards = [node.funded(500).await, node.funded(500).await];
        let mut seen = BTreeSet::new();
        for (number, step) in steps.into_iter().enumerate() {
            act(&node, cards[number % 2], deposit, step).await;
            let told = summary(&node).await;
            assert_eq!((told.users, told.wallet), by_the_books(&node).await, "after {number}");
            seen.insert((told.wallet.amount, told.wallet.blocked));
        }
        assert!(seen.len() > 50, "most commands did something: {}", seen.len());
        node.verify().await;
    }
}

on_both! {
    /// A top-up out of the CREDIT balance changes what users have and never what there is in all,
    /// at whatever moment one looks.
    async fn the_summary_is_of_one_moment(node) {
        let credit = node.backed_by(CollateralMode::Credit, 100_000).await;
        let funded = [node.funded(0).await, node.funded(0).await];
        let done = std::sync::atomic::AtomicBool::new(false);
        let moving = async {
            for round in 0..10 {
                let moves = (0..20).map(|number| {
                    let (node, balance) = (&node, funded[(round + number) % 2].balance);
                    async move { node.top_up(balance, 7).await.expect("is loaded") }
                });
                join_all(moves).await;
            }
            done.store(true, std::sync::atomic::Ordering::SeqCst);
        };
        let looking = async {
            let mut users = BTreeSet::new();
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                let told = summary(&node).await;
                assert_eq!((told.wallet.amount, told.wallet.blocked), (100_000, 0));
                users.insert(told.users.amount);
                tokio::task::yield_now().await;
            }
            users.len()
        };
        let ((), looks) = tokio::join!(moving, looking);
        assert!(looks > 1, "it was looked at in between");
        assert_eq!(summary(&node).await.users.amount, 1_400);
        assert_eq!(node.partner_amounts(credit).await, (98_600, 0));
    }
}

on_both! {
    /// Sums beyond 64 bits, above and below zero, are what they are.
    async fn a_sum_may_be_larger_than_any_balance(node) {
        let mut wanted = 0_i128;
        for posted in [i64::MAX, i64::MAX, -1, i64::MIN, i64::MAX, -4_294_967_297, 4_294_967_295] {
            let user = node.user().await;
            let id = node.balance_of(user).await;
            let mut tx = node.app.db.begin().await.expect("begins");
            let found = balances::find(&mut tx, node.scope, id).await.expect("reads");
            let mut balance = found.expect("is there");
            balance.posted = posted;
            balance.held = Amount::from_minor(i64::MAX).expect("an amount");
            let changed = std::iter::once((node.scope.partner(), &balance));
            assert_eq!(balances::update(&mut tx, changed).await.expect("writes"), 1);
            tx.commit().await.expect("commits");
            wanted += i128::from(posted);
        }
        let held = 7 * i128::from(i64::MAX);
        let users = Total { amount: wanted - held, blocked: held };
        assert_eq!(summary(&node).await.users, users);
        let shown = app::balances::summary_json(&summary(&node).await);
        assert_eq!(shown["users"]["blockedAmount"], held.to_string());
        let kind = PartnerBalanceKind::Company;
        assert_eq!(node.partner_amounts(node.partner_balance(kind).await).await, (0, 0));
        assert_eq!(shown["users"], shown["wallet"]);
    }
}
