//! The order of the checks, as a table: the leftmost failing one names the decline.

use super::*;
use crate::card::lifecycle::LockReason;
use crate::fixtures;
use crate::ids::TransactionId;
use uuid::Uuid;

/// All facts of a purchase of 5.00 that passes, before a row spoils some of them.
struct Case {
    request: Request,
    card: Option<Card>,
    program: Program,
    balance: Option<Balance>,
    owner: Option<UserState>,
    reversed_early: bool,
}

impl Case {
    fn good() -> Self {
        Self {
            request: fixtures::request(500),
            card: Some(fixtures::card()),
            program: fixtures::program(),
            balance: Some(fixtures::balance(1_000)),
            owner: Some(UserState::Verified),
            reversed_early: false,
        }
    }

    /// Spoils one fact, as a column and its word say; `ok` leaves it.
    fn spoil(&mut self, column: &str, word: &str) {
        let card = |case: &mut Self, status| case.card.as_mut().expect("not gone").status = status;
        let state = |case: &mut Self, state| case.balance.as_mut().expect("not gone").state = state;
        match (column, word) {
            (_, "ok") => {}
            ("early", "early") => self.reversed_early = true,
            ("amount", "zero") => self.request.order.amount = 0,
            ("amount", "minus") => self.request.order.amount = -1,
            ("card", "none") => self.card = None,
            ("card", "other") => self.program.processor = ProcessorId(99),
            ("card", "inactive") => card(self, CardStatus::Usable(Usable::Inactive)),
            ("card", "removed") => card(self, CardStatus::Removed { at: fixtures::NOW }),
            ("card", "locked") => card(self, locked(LockReason::CardStolen)),
            ("expiry", "past") => {
                if let Some(card) = &mut self.card {
                    card.expiry = Date::constant(2023, 10, 31);
                }
            }
            ("expiry", "said") => self.request.expiry = Some(Expiry { year: 2031, month: 1 }),
            ("cvv", "wrong") => self.request.cvv = Verified::NoMatch,
            ("cvv", "old") => self.request.cvv = Verified::Match { generation: 7 },
            ("cvv", "right") => self.request.cvv = Verified::Match { generation: 0 },
            ("balance", "none") => self.balance = None,
            ("balance", "removed") => state(self, BalanceState::Removed),
            ("balance", "locked") => state(self, BalanceState::Locked),
            ("balance", "currency") => {
                self.request.order.currency = crate::money::Currency::PLN;
            }
            ("owner", "none") => self.owner = None,
            ("owner", "deleted") => self.owner = Some(UserState::Deleted),
            ("owner", "locked") => self.owner = Some(UserState::Locked),
            ("program", "closed") => self.program.state = ProgramState::Closed,
            ("funds", "none") => self.balance.iter_mut().for_each(|balance| balance.posted = 499),
            ("funds", "held") => {
                self.balance.iter_mut().for_each(|balance| balance.held = fixtures::amount(501));
            }
            unknown => panic!("no such column and word: {unknown:?}"),
        }
    }

    fn decide(&self) -> String {
        let facts = Facts {
            card: self.card.as_ref(),
            program: Some(&self.program),
            balance: self.balance.as_ref(),
            owner: self.owner,
            reversed_early: self.reversed_early,
            now: fixtures::NOW,
        };
        let (change, lock) = decide(TransactionId(Uuid::nil()), "123456", &self.request, &facts);
        match change.balance {
            Some(after) => {
                let before = self.balance.as_ref().expect("an approval has a balance");
                assert_eq!(after.available(), before.available() - 500);
                assert_eq!(after.posted, before.posted);
            }
            None => assert!(change.transaction.held.is_zero() && change.legs.is_empty()),
        }
        let code = crate::transaction::action_code(change.transaction.description, lock);
        format!("{} {code}", change.transaction.description)
    }
}

fn locked(reason: LockReason) -> CardStatus {
    CardStatus::Locked { reason, since: fixtures::NOW, was: Usable::Active }
}

#[test]
fn the_first_failing_check_names_the_reason() {
    let table = "
        early amount card     expiry cvv   balance  owner   program funds | answer
        ok    ok     ok       ok     ok    ok       ok      ok      ok    | APPROVED 0000
        ok    ok     ok       ok     right ok       ok      ok      ok    | APPROVED 0000
        early zero   none     past   wrong none     none    closed  none  | UNKNOWN_ERROR 1000
        ok    zero   none     past   wrong none     none    closed  none  | INVALID_AMOUNT 1010
        ok    minus  none     past   wrong none     none    closed  none  | INVALID_AMOUNT 1010
        ok    ok     none     past   wrong none     none    closed  none  | CARD_NOT_FOUND 1011
        ok    ok     other    past   wrong none     none    closed  none  | CARD_NOT_FOUND 1011
        ok    ok     inactive past   wrong none     none    closed  none  | CARD_NOT_ACTIVE 1004
        ok    ok     removed  past   wrong none     none    closed  none  | CARD_NOT_ACTIVE 1004
        ok    ok     locked   past   wrong none     none    closed  none  | CARD_LOCKED 2009
        ok    ok     ok       past   wrong none     none    closed  none  | CARD_EXPIRED 1001
        ok    ok     ok       said   wrong none     none    closed  none  | CARD_EXPIRED 1001
        ok    ok     ok       ok     wrong none     none    closed  none  | INCORRECT_CVV 1022
        ok    ok     ok       ok     old   none     none    closed  none  | INCORRECT_CVV 1022
        ok    ok     ok       ok     ok    none     none    closed  none  | BALANCE_NOT_FOUND 1000
        ok    ok     ok       ok     ok    removed  none    closed  none  | BALANCE_NOT_FOUND 1000
        ok    ok     ok       ok     ok    locked   none    closed  none  | BALANCE_LOCKED 1004
        ok    ok     ok       ok     ok    currency none    closed  none  | CURRENCY_MISMATCH 1000
        ok    ok     ok       ok     ok    ok       none    closed  none  | CUSTOMER_NOT_FOUND 1000
        ok    ok     ok       ok     ok    ok       deleted closed  none  | CUSTOMER_NOT_FOUND 1000
        ok    ok     ok       ok     ok    ok       locked  closed  none  | CUSTOMER_LOCKED 1004
        ok ok ok ok ok ok ok closed none | TRANSACTION_NOT_PERMITTED 1019
        ok    ok     ok       ok     ok    ok       ok      ok      none  | INSUFFICIENT_FUNDS 1016
        ok    ok     ok       ok     ok    ok       ok      ok      held  | INSUFFICIENT_FUNDS 1016
    ";
    let mut lines = table.lines().filter(|line| line.contains('|'));
    let columns = lines.next().expect("a heading").split_whitespace();
    for line in lines {
        let (row, answer) = line.split_once('|').expect("two halves");
        let mut case = Case::good();
        columns.clone().zip(row.split_whitespace()).for_each(|(column, word)| {
            case.spoil(column, word);
        });
        assert_eq!(case.decide(), answer.trim(), "{row}");
    }
}

#[test]
fn every_lock_reason_answers_with_its_own_action_code() {
    for &reason in LockReason::ALL {
        let mut case = Case::good();
        case.card = Some(Card { status: locked(reason), ..fixtures::card() });
        assert_eq!(case.decide(), format!("CARD_LOCKED {}", reason.action_code()));
    }
}
