//! Every state × every lock, unlock and removal.

use super::*;
use jiff::SignedDuration;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn card(status: CardStatus) -> Card {
    Card { status, ..crate::fixtures::card() }
}

fn locked(reason: LockReason) -> CardStatus {
    CardStatus::Locked { reason, since: NOW, was: Usable::Inactive, by: Some(Locker::Partner) }
}

#[test]
fn the_codes_and_their_answers_are_the_seeds() {
    use LockReason::*;
    let table = [
        (1, CardLost, "2008", false),
        (2, CardStolen, "2009", false),
        (3, PendingQuery, "1000", true),
        (4, CardConsolidation, "1016", true),
        (5, CardInactive, "1018", false),
        (6, PinTriesExceeded, "1006", true),
        (7, SuspectedFraud, "1002", true),
        (8, CardReplaced, "1011", false),
        (11, OfflinePinAttemptsExceeded, "1006", true),
    ];
    assert_eq!(table.len(), LockReason::ALL.len());
    for (code, reason, action, reversible) in table {
        assert_eq!(LockReason::from_code(code), Some(reason));
        assert_eq!((reason.code(), reason.action_code()), (code, action));
        assert_eq!(reason.is_reversible(), reversible, "{reason}");
    }
    for unknown in [0, 9, 10, 12, -1, i64::MAX] {
        assert_eq!(LockReason::from_code(unknown), None, "{unknown}");
    }
}

#[test]
fn a_usable_card_takes_any_lock_and_goes_back_to_what_it_was() {
    for usable in [Usable::Inactive, Usable::Active] {
        for &reason in LockReason::ALL {
            let mut card = card(CardStatus::Usable(usable));
            assert_eq!(card.lock(reason, Locker::Partner, NOW), Ok(Outcome::Applied));
            assert_eq!(card.lock(reason, Locker::Partner, NOW), Ok(Outcome::AlreadyApplied));
            let back = card.unlock(Unlocks::All);
            if reason.is_reversible() {
                assert_eq!(back, Ok(Outcome::Applied));
                assert_eq!(card.status, CardStatus::Usable(usable));
            } else {
                assert_eq!(back, Err(CardRefusal::LockIrreversible));
                assert_eq!(card.state_on(card.expiry), "LOCKED");
            }
        }
    }
}

#[test]
fn a_second_reason_wins_only_if_it_alone_is_irreversible() {
    for &held in LockReason::ALL {
        for &second in LockReason::ALL.iter().filter(|second| **second != held) {
            let mut card = card(locked(held));
            let before = card.clone();
            let answer = card.lock(second, Locker::Partner, NOW);
            if held.is_reversible() && !second.is_reversible() {
                assert_eq!(answer, Ok(Outcome::Applied), "{held} then {second}");
                assert_eq!(card.status, locked(second));
            } else {
                assert_eq!(answer, Err(CardRefusal::AlreadyLocked), "{held} then {second}");
                assert_eq!(card, before);
            }
        }
    }
}

#[test]
fn a_removed_card_stays_as_it_is() {
    let mut card = card(CardStatus::Removed { at: NOW });
    let before = card.clone();
    assert_eq!(card.lock(LockReason::CardLost, Locker::Partner, NOW), Err(CardRefusal::Removed));
    assert_eq!(card.unlock(Unlocks::All), Err(CardRefusal::Removed));
    assert_eq!(card.remove(NOW + SignedDuration::from_secs(1)), Ok(Outcome::AlreadyApplied));
    assert_eq!(card, before);
}

#[test]
fn a_card_is_removed_from_any_state() {
    let usable = [Usable::Inactive, Usable::Active].map(CardStatus::Usable);
    let locked = LockReason::ALL.iter().map(|&reason| locked(reason));
    for status in usable.into_iter().chain(locked) {
        let mut card = card(status);
        assert_eq!(card.remove(NOW), Ok(Outcome::Applied), "{status:?}");
        assert_eq!(card.status, CardStatus::Removed { at: NOW });
        assert_eq!(card.state_on(Date::constant(2099, 1, 1)), "REMOVED");
    }
}

#[test]
fn unlocking_a_card_that_is_not_locked_changes_nothing() {
    let mut card = card(CardStatus::Usable(Usable::Active));
    assert_eq!(card.unlock(Unlocks::All), Ok(Outcome::AlreadyApplied));
    assert_eq!(card.status, CardStatus::Usable(Usable::Active));
}

#[test]
fn a_card_works_on_its_last_day_and_not_on_the_next() {
    let card = card(CardStatus::Usable(Usable::Active));
    assert_eq!(card.state_on(card.expiry), "ACTIVE");
    assert_eq!(card.state_on(Date::constant(2029, 12, 1)), "EXPIRED");
}

#[test]
fn a_lock_for_wrong_pins_is_taken_off_together_with_them() {
    for &reason in LockReason::ALL.iter().filter(|reason| reason.is_reversible()) {
        let mut card = card(locked(reason));
        card.tries.pins = 3;
        assert_eq!(card.unlock(Unlocks::All), Ok(Outcome::Applied));
        let of_pins = matches!(reason.code(), 6 | 11);
        assert_eq!(card.tries.pins, if of_pins { 0 } else { 3 }, "{reason}");
    }
}

#[test]
fn a_card_that_can_still_be_used_gets_a_new_pin() {
    let (last, next) = (Date::constant(2029, 11, 30), Date::constant(2029, 12, 1));
    let gone = CardStatus::Removed { at: NOW };
    let mut table = vec![
        (CardStatus::Usable(Usable::Inactive), last, Ok(())),
        (CardStatus::Usable(Usable::Active), last, Ok(())),
        (CardStatus::Usable(Usable::Active), next, Err(CardRefusal::Expired)),
        (locked(LockReason::PendingQuery), next, Err(CardRefusal::Expired)),
        (gone, last, Err(CardRefusal::Removed)),
    ];
    table.extend(LockReason::ALL.iter().map(|&reason| {
        let refused = Err(CardRefusal::LockIrreversible);
        (locked(reason), last, if reason.is_reversible() { Ok(()) } else { refused })
    }));
    for (status, today, expected) in table {
        let mut card = card(status);
        card.tries.pins = 2;
        let before = card.clone();
        assert_eq!(card.change_pin(today), expected, "{status:?}");
        match expected {
            Ok(()) => assert_eq!((card.pin_version, card.tries.pins), (1, 0)),
            Err(_) => assert_eq!(card, before),
        }
    }
}

#[test]
fn a_user_who_may_take_off_own_locks_alone_takes_off_no_others() {
    use Locker::{Network, Partner, Platform, User};
    for by in [Some(User), Some(Partner), Some(Network), Some(Platform), None] {
        for &reason in LockReason::ALL {
            let status = CardStatus::Locked { reason, since: NOW, was: Usable::Active, by };
            let expected = match (reason.is_reversible(), by) {
                (false, _) => Err(CardRefusal::LockIrreversible),
                (true, Some(User)) => Ok(Outcome::Applied),
                (true, Some(Partner | Network | Platform) | None) => Err(CardRefusal::LockNotOwn),
            };
            assert_eq!(card(status).unlock(Unlocks::OfUserAlone), expected, "{reason} {by:?}");
        }
    }
    let mut usable = card(CardStatus::Usable(Usable::Active));
    assert_eq!(usable.unlock(Unlocks::OfUserAlone), Ok(Outcome::AlreadyApplied));
}

#[test]
fn a_card_without_plastic_gets_a_new_code_while_it_can_be_used() {
    let (last, next) = (Date::constant(2029, 11, 30), Date::constant(2029, 12, 1));
    let active = CardStatus::Usable(Usable::Active);
    for (status, card_type, today, expected) in [
        (active, CardType::Virtual, last, Ok(())),
        (CardStatus::Usable(Usable::Inactive), CardType::Virtual, last, Ok(())),
        (locked(LockReason::SuspectedFraud), CardType::Virtual, last, Ok(())),
        (active, CardType::Physical, last, Err(CardRefusal::OnPlastic)),
        (active, CardType::Virtual, next, Err(CardRefusal::Expired)),
        (locked(LockReason::CardLost), CardType::Virtual, last, Err(CardRefusal::LockIrreversible)),
        (CardStatus::Removed { at: NOW }, CardType::Virtual, last, Err(CardRefusal::Removed)),
    ] {
        let mut card = Card { card_type, ..card(status) };
        card.tries.codes = vec![NOW; 5];
        let before = card.clone();
        assert_eq!(card.reset_code(3, today), expected, "{status:?} {card_type}");
        match expected {
            Ok(()) => assert!(card.cvc_generation == 3 && card.tries.codes.is_empty()),
            Err(_) => assert_eq!(card, before),
        }
    }
}

#[test]
fn a_card_is_renewed_in_its_last_sixty_days_or_after_them() {
    let new = Date::constant(2032, 11, 30);
    let day = |text: &str| text.parse::<Date>().expect("a day");
    let active = CardStatus::Usable(Usable::Active);
    let active_and_locked = CardStatus::Locked {
        reason: LockReason::SuspectedFraud,
        since: NOW,
        was: Usable::Active,
        by: Some(Locker::Partner),
    };
    for (status, today, expected) in [
        (active, "2029-09-30", Err(CardRefusal::RenewalTooEarly)),
        (active, "2029-10-01", Ok(())),
        (active, "2029-11-30", Ok(())),
        (active, "2030-02-01", Ok(())),
        (CardStatus::Usable(Usable::Inactive), "2029-11-30", Err(CardRefusal::NotActive)),
        (locked(LockReason::SuspectedFraud), "2029-11-30", Err(CardRefusal::NotActive)),
        (active_and_locked, "2029-11-30", Ok(())),
        (locked(LockReason::CardStolen), "2029-11-30", Err(CardRefusal::LockIrreversible)),
        (CardStatus::Removed { at: NOW }, "2029-11-30", Err(CardRefusal::Removed)),
    ] {
        let mut card = card(status);
        let before = card.clone();
        assert_eq!(card.renew(new, day(today)), expected, "{status:?} {today}");
        match expected {
            Ok(()) => {
                assert_eq!((card.expiry, card.cvc_generation), (new, before.cvc_generation + 1));
                assert_eq!(card.status, status);
            }
            Err(_) => assert_eq!(card, before),
        }
    }
    let mut short = card(active);
    let again = short.expiry;
    assert_eq!(short.renew(again, again), Err(CardRefusal::RenewalTooEarly), "no gain");
}

#[test]
fn a_card_is_replaced_once_whatever_it_was_locked_for() {
    let replaced = |was| CardStatus::Locked {
        reason: LockReason::CardReplaced,
        since: NOW,
        was,
        by: Some(Locker::Partner),
    };
    for usable in [Usable::Inactive, Usable::Active] {
        let mut card = card(CardStatus::Usable(usable));
        assert_eq!(card.replace(Locker::Partner, NOW), Ok(()));
        assert_eq!(card.status, replaced(usable));
        assert_eq!(card.replace(Locker::Partner, NOW), Err(CardRefusal::LockIrreversible));
    }
    for &reason in LockReason::ALL {
        let mut card = card(locked(reason));
        let again = reason == LockReason::CardReplaced;
        let expected = if again { Err(CardRefusal::LockIrreversible) } else { Ok(()) };
        assert_eq!(card.replace(Locker::Partner, NOW), expected, "{reason}");
        assert_eq!(card.status, replaced(Usable::Inactive));
    }
    let mut gone = card(CardStatus::Removed { at: NOW });
    assert_eq!(gone.replace(Locker::Partner, NOW), Err(CardRefusal::Removed));
    let plastic = card(CardStatus::Usable(Usable::Active));
    let mut plastic = Card { card_type: CardType::Physical, ..plastic };
    assert_eq!(plastic.replace(Locker::Partner, NOW), Ok(()));
}
