//! What holds, clearings and releases do to a transaction and its balance.

use super::clearing::{self, Finality, clear, clear_alone};
use super::internal::transfer;
use super::matching::{Match, Reference, find};
use super::release::{decline_late, expire, is_open, reverse};
use super::*;
use crate::authorization::{Facts, decide};
use crate::fixtures::{self, NOW, amount, order, transaction_id};
use crate::ids::ProcessorId;
use crate::transaction::{Description, Flag, Order, Processing, Status, TransactionType};
use crate::user::UserState;
use proptest::prelude::*;

/// An authorization of `minor` on a balance of 1000, and the balance after it.
fn authorized(minor: i64) -> (Transaction, Balance) {
    let (card, program, balance) =
        (fixtures::card(), fixtures::program(), fixtures::balance(1_000));
    let facts = Facts {
        card: Some(&card),
        program: Some(&program),
        balance: Some(&balance),
        owner: Some(UserState::Verified),
        reversed_early: false,
        now: NOW,
    };
    let (change, _) = decide(transaction_id(7), "123456", &fixtures::request(minor), &facts);
    (change.transaction, change.balance.expect("approved"))
}

/// `status held cleared | posted held` after a change.
fn told(change: &Change) -> String {
    let (transaction, balance) = (&change.transaction, change.balance.as_ref().expect("touched"));
    format!(
        "{} {:?} {:?} | {} {:?}",
        transaction.status, transaction.held, transaction.cleared, balance.posted, balance.held
    )
}

#[test]
fn a_clearing_moves_what_it_says_and_a_final_one_lets_go_of_the_rest() {
    use Finality::{Final, Partial};
    for (cleared, finality, expected) in [
        (300, Final, "CLEARED 0 300 | 700 0"),
        (200, Final, "CLEARED 0 200 | 800 0"),
        (350, Final, "CLEARED 0 350 | 650 0"),
        (1_200, Final, "CLEARED 0 1200 | -200 0"),
        (100, Partial, "AUTHORIZED 200 100 | 900 200"),
        (300, Partial, "AUTHORIZED 0 300 | 700 0"),
        (400, Partial, "AUTHORIZED 0 400 | 600 0"),
    ] {
        let (original, balance) = authorized(300);
        let change = clear(&original, &balance, amount(cleared), finality, NOW).expect("in range");
        assert_eq!(told(&change), expected, "{cleared} {finality:?}");
        let moved: i64 = change.legs.iter().map(|leg| leg.amount.minor()).sum();
        assert_eq!(moved, cleared);
    }
}

#[test]
fn a_reversal_takes_at_most_what_is_held() {
    for (reversed, expected) in [
        (300, "REVERSED 0 0 | 1000 0"),
        (100, "AUTHORIZED 200 0 | 1000 200"),
        (900, "REVERSED 0 0 | 1000 0"),
    ] {
        let (original, balance) = authorized(300);
        let change = reverse(&original, &balance, amount(reversed), NOW).expect("in range");
        assert_eq!(told(&change), expected, "{reversed}");
        assert!(change.legs.is_empty(), "a reversal moves nothing");
    }
}

#[test]
fn what_has_moved_stays_moved_when_the_rest_is_reversed_or_expires() {
    let (original, balance) = authorized(300);
    let part = clear(&original, &balance, amount(100), Finality::Partial, NOW).expect("in range");
    let (original, balance) = (part.transaction, part.balance.expect("touched"));
    let reversed = reverse(&original, &balance, amount(300), NOW).expect("in range");
    assert_eq!(told(&reversed), "CLEARED 0 100 | 900 0");
    let expired = expire(&original, &balance, NOW).expect("in range");
    assert_eq!(told(&expired), "CLEARED 0 100 | 900 0");
    assert_eq!(expired.transaction.description, Description::Expired);
}

#[test]
fn a_late_approval_becomes_a_decline_that_holds_nothing() {
    let (original, balance) = authorized(300);
    let change = decline_late(&original, &balance, NOW).expect("in range");
    assert_eq!(told(&change), "AUTHORIZED 0 0 | 1000 0");
    assert_eq!(change.transaction.processing, Processing::Declined);
    assert!(!is_open(&change.transaction));
}

#[test]
fn a_difference_by_the_exchange_rate_alone_is_recognised() {
    let (mut original, _) = authorized(300);
    let converted = |order: &mut Order, amount, merchant| {
        order.amount = amount;
        order.original_amount = merchant;
        order.original_currency = Some(crate::money::Currency::PLN);
    };
    converted(&mut original.order, 300, Some(1_290));
    for (amount, merchant, differs) in [
        (300, Some(1_290), false),
        (303, Some(1_290), true),
        (297, Some(1_290), true),
        (330, Some(1_420), false),
        (303, None, false),
    ] {
        let mut clearing = order(0);
        converted(&mut clearing, amount, merchant);
        let told = clearing::has_fx_difference(&original, &clearing);
        assert_eq!(told, differs, "{amount} {merchant:?}");
    }
}

#[test]
fn a_clearing_without_authorization_posts_by_force_and_refuses_only_overflow() {
    let balance = fixtures::balance(100);
    let change = clear_alone(transaction_id(8), order(150), &balance, amount(150), NOW);
    let change = change.expect("in range");
    assert_eq!(told(&change), "CLEARED 0 150 | -50 0");
    assert_eq!(change.transaction.flag, Some(Flag::WithoutAuthorization));
    let bottom = fixtures::balance(i64::MIN);
    assert!(clear_alone(transaction_id(8), order(1), &bottom, amount(1), NOW).is_err());
}

#[test]
fn a_top_up_is_cleared_at_once_or_declined_with_its_reason() {
    let top_up = |minor| Order {
        kind: TransactionType::TopUp,
        category: crate::transaction::Category::Credit,
        ..order(minor)
    };
    let mut pln = top_up(1);
    pln.currency = crate::money::Currency::PLN;
    let mut removed = fixtures::balance(0);
    removed.state = crate::balance::BalanceState::Removed;
    let (empty, full) = (fixtures::balance(0), fixtures::balance(i64::MAX));
    for (order, balance, expected) in [
        (top_up(0), Some(&empty), Description::InvalidAmount),
        (top_up(-5), Some(&empty), Description::InvalidAmount),
        (top_up(5), None, Description::BalanceNotFound),
        (top_up(5), Some(&removed), Description::BalanceNotFound),
        (pln, Some(&empty), Description::CurrencyMismatch),
        (top_up(1), Some(&full), Description::InvalidAmount),
        (top_up(i64::MAX), Some(&empty), Description::Approved),
    ] {
        let change = transfer(transaction_id(9), order, balance, NOW);
        assert_eq!(change.transaction.description, expected);
        assert_eq!(change.balance.is_some(), expected == Description::Approved);
    }
}

#[test]
fn a_reference_is_narrowed_until_one_is_left() {
    let (mut first, _) = authorized(300);
    let (mut second, _) = authorized(300);
    first.id = transaction_id(1);
    second.id = transaction_id(2);
    let reference = |amount| Reference {
        processor: ProcessorId(1),
        id: "177482".to_owned(),
        date: Some(NOW),
        amount,
        retrieval_reference: Some("rrn-2".to_owned()),
    };
    let both = [first.clone(), second.clone()];
    assert_eq!(find(both.iter(), &reference(300)), Match::Several);
    second.order.retrieval_reference = Some("rrn-2".to_owned());
    let both = [first.clone(), second.clone()];
    assert_eq!(find(both.iter(), &reference(300)), Match::One(&second));
    second.order.amount = 299;
    let both = [first.clone(), second.clone()];
    assert_eq!(find(both.iter(), &reference(300)), Match::One(&first));
    second.order.amount = 300;
    second.order.retrieval_reference = None;
    first.status = Status::Reversed;
    let both = [first, second.clone()];
    assert_eq!(find(both.iter(), &reference(300)), Match::One(&second), "the open one");
    let crowd = vec![second.clone(); 32];
    assert_eq!(find(crowd.iter(), &reference(300)), Match::Several, "more than can be told apart");
    second.processing = Processing::Declined;
    assert_eq!(find([second].iter(), &reference(300)), Match::None);
    let mut other = reference(300);
    other.processor = ProcessorId(2);
    assert_eq!(find(both.iter(), &other), Match::None);
}

proptest! {
    /// Whatever comes in whatever order: the balance is what moved, and it holds what the
    /// transaction holds.
    #[test]
    fn a_balance_always_agrees_with_its_transaction(
        steps in prop::collection::vec((0..4u8, 1..400i64), 0..12)
    ) {
        let (mut transaction, mut balance) = authorized(300);
        let mut moved = 0;
        for (step, minor) in steps {
            if !is_open(&transaction) {
                break;
            }
            let change = match step {
                0 => reverse(&transaction, &balance, amount(minor), NOW),
                1 => clear(&transaction, &balance, amount(minor), Finality::Partial, NOW),
                2 => clear(&transaction, &balance, amount(minor), Finality::Final, NOW),
                _ => expire(&transaction, &balance, NOW),
            }.expect("small amounts");
            moved += change.legs.iter().map(|leg| leg.amount.minor()).sum::<i64>();
            transaction = change.transaction;
            balance = change.balance.expect("touched");
            prop_assert_eq!(balance.posted, 1_000 - moved);
            prop_assert_eq!(transaction.cleared.minor(), moved);
            prop_assert_eq!(balance.held, transaction.held);
            prop_assert!(is_open(&transaction) || transaction.held.is_zero());
        }
    }
}
