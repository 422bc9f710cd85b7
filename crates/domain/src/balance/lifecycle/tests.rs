//! Every state × every lock, unlock and removal.

use super::*;
use crate::card::lifecycle::{LockReason, Usable};
use crate::fixtures::{NOW, amount, balance, card};

type Told = Result<Outcome, BalanceRefusal>;

type Rule = fn(&mut Balance) -> Told;
/// What was, what is told, what is.
type Row = (BalanceState, Told, BalanceState);

const DONE: Told = Ok(Outcome::Applied);
const SO_ALREADY: Told = Ok(Outcome::AlreadyApplied);
const GONE: Told = Err(BalanceRefusal::Removed);

fn in_state(state: BalanceState) -> Balance {
    Balance { state, ..balance(0) }
}

#[test]
fn each_state_allows_what_it_should() {
    use BalanceState::{Active, Linking, Locked, Removed, Unlinking};
    // A balance that is being linked, or unlinked, isn't there.
    let absent = [Linking, Unlinking, Removed].map(|state| (state, GONE, state));
    let with = |one: Row, other: Row| [one, other, absent[0], absent[1], absent[2]];
    let kept = |state: BalanceState| (state, SO_ALREADY, state);
    let table: [(&str, Rule, [Row; 5]); 8] = [
        ("lock", Balance::lock, with((Active, DONE, Locked), kept(Locked))),
        ("unlock", Balance::unlock, with(kept(Active), (Locked, DONE, Active))),
        (
            "remove",
            |balance| balance.remove(&[]),
            [(Active, DONE, Removed), (Locked, DONE, Removed), absent[0], absent[1], kept(Removed)],
        ),
        (
            "remove what the partner holds",
            |balance| {
                balance.mode = BalanceMode::External;
                let told = balance.remove(&[]);
                balance.mode = BalanceMode::Internal;
                told
            },
            [
                (Active, DONE, Unlinking),
                (Locked, DONE, Unlinking),
                absent[0],
                absent[1],
                kept(Removed),
            ],
        ),
        (
            "linked",
            Balance::linked,
            [kept(Active), kept(Locked), (Linking, DONE, Active), absent[1], absent[2]],
        ),
        (
            "undo_link",
            |balance| Ok(balance.undo_link()),
            [
                kept(Active),
                kept(Locked),
                (Linking, DONE, Unlinking),
                kept(Unlinking),
                kept(Removed),
            ],
        ),
        (
            "unlinked",
            |balance| Ok(balance.unlinked()),
            [
                kept(Active),
                kept(Locked),
                (Linking, DONE, Removed),
                (Unlinking, DONE, Removed),
                kept(Removed),
            ],
        ),
        (
            "keep",
            |balance| Ok(balance.keep(Locked)),
            [kept(Active), kept(Locked), kept(Linking), (Unlinking, DONE, Locked), kept(Removed)],
        ),
    ];
    for (name, rule, rows) in table {
        for (from, told, to) in rows {
            let mut balance = in_state(from);
            assert_eq!(rule(&mut balance), told, "{name} when {from}");
            assert_eq!(balance, in_state(to), "{name} when {from}");
        }
    }
}

#[test]
fn only_an_empty_balance_without_cards_is_removed() {
    let with = |status| vec![card_in(removed()), card_in(status)];
    let locked = CardStatus::Locked {
        reason: LockReason::CardStolen,
        since: NOW,
        was: Usable::Active,
        by: None,
    };
    let (not_empty, has_cards) = (Err(BalanceRefusal::NotEmpty), Err(BalanceRefusal::HasCards));
    for (what, posted, held, cards, told) in [
        ("money", 1, 0, vec![], not_empty),
        ("a debt", -1, 0, vec![], not_empty),
        // What can be spent is nothing, but a merchant may still clear it.
        ("money that is all held", 5, 5, vec![], not_empty),
        ("a hold without money", 0, 1, vec![], not_empty),
        ("money and a card", 1, 0, with(CardStatus::Usable(Usable::Active)), not_empty),
        ("a card", 0, 0, with(CardStatus::Usable(Usable::Active)), has_cards),
        ("an inactive card", 0, 0, with(CardStatus::Usable(Usable::Inactive)), has_cards),
        ("a stolen card", 0, 0, with(locked), has_cards),
        ("removed cards", 0, 0, with(removed()), DONE),
    ] {
        for state in [BalanceState::Active, BalanceState::Locked] {
            let before = Balance { posted, held: amount(held), ..in_state(state) };
            let mut after = before.clone();
            assert_eq!(after.remove(&cards), told, "{what}, {state}");
            let state = if told == DONE { BalanceState::Removed } else { state };
            assert_eq!(after, Balance { state, ..before }, "{what}, {state}");
        }
    }
}

#[test]
fn what_came_after_the_removal_stays() {
    let mut balance = Balance { posted: -5, ..in_state(BalanceState::Removed) };
    assert_eq!(balance.remove(&[]), SO_ALREADY);
}

fn removed() -> CardStatus {
    CardStatus::Removed { at: NOW }
}

fn card_in(status: CardStatus) -> Card {
    Card { status, ..card() }
}
