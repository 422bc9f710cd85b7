//! What each event moves and holds where the partner has the owner's money: nothing of the balance,
//! the deposit as elsewhere, and without one the scheme is paid by the partner's books.

use super::*;
use crate::partner::BalanceMode;

/// A balance that the partner holds, and `COMPANY`; with a deposit of 5000, or without.
fn accounts(deposit: CollateralMode) -> Accounts {
    let own = Balance { mode: BalanceMode::External, ..fixtures::balance(0) };
    let company = fixtures::partner_balance(PartnerBalanceKind::Company, 0);
    let deposit = (deposit == CollateralMode::Deposit)
        .then(|| fixtures::partner_balance(PartnerBalanceKind::Deposit, 5_000));
    Accounts::of([own, company].iter().chain(&deposit))
}

/// `legs | deposit posted-held | transaction held cleared`. The balance itself is never touched.
fn told(change: &Change) -> String {
    let own = fixtures::balance(0).id;
    assert!(change.balances.iter().all(|balance| balance.id != own), "{change:?}");
    assert_eq!((change.transaction.balance_before, change.transaction.balance_after), (None, None));
    let name = |account: Account| match account {
        Account::Balance(id) => {
            let of = |kind| fixtures::partner_balance(kind, 0).id;
            let kinds = [PartnerBalanceKind::Company, PartnerBalanceKind::Deposit];
            kinds.into_iter().find(|kind| of(*kind) == id).expect("a partner's").as_str()
        }
        Account::Scheme => "scheme",
        Account::Outside => "outside",
        Account::Books => "books",
    };
    let beside = change.beside.iter().flat_map(|posting| &posting.legs);
    let legs = change.legs.iter().chain(beside);
    let legs = legs.map(|leg| format!("{}>{} {:?}", name(leg.from), name(leg.to), leg.amount));
    let deposit = fixtures::partner_balance(PartnerBalanceKind::Deposit, 0).id;
    let deposit = change.balances.iter().find(|balance| balance.id == deposit);
    let deposit = deposit.map(|it| format!("{}-{:?}", it.posted, it.held));
    let Transaction { held, cleared, .. } = change.transaction;
    let legs: Vec<String> = legs.collect();
    format!("{} | {} | {held:?} {cleared:?}", legs.join(", "), deposit.unwrap_or_default())
}

/// Does an event; of a debit or a credit of 300 if it is about one.
fn does(event: &str, mode: CollateralMode) -> Change {
    let mut books = Books::new(mode);
    books.accounts = accounts(mode);
    let of = |category, minor| Order { category, ..order(minor) };
    let (debit, credit) = (of(Category::Debit, 300), of(Category::Credit, 300));
    let hold = force::hold(&books.forced(&debit, 300), &books.accounts).expect("holds");
    let given = force::credit(
        &books.forced(&credit, 300),
        if event == "credit forced" { DepositGets::AtOnce } else { DepositGets::WhenCleared },
        &books.accounts,
    );
    let given = given.expect("is given");
    let (held, had) = (books.accounts.after(&hold), books.accounts.after(&given));
    let last = |minor| settlement(minor, Finality::Final);
    let fx = Settlement { fx_difference: Some(20), ..last(280) };
    let done = match event {
        "debit" => Ok(hold),
        "reversal" => reverse(&hold.transaction, &held, amount(100), NOW),
        "expiry" => expire(&hold.transaction, &held, NOW),
        "clearing" => clear(&hold.transaction, &order(300), &held, &last(300)),
        "partial" => {
            clear(&hold.transaction, &order(100), &held, &settlement(100, Finality::Partial))
        }
        "tip" => clear(&hold.transaction, &order(310), &held, &last(310)),
        "fx" => clear(&hold.transaction, &order(280), &held, &fx),
        "alone" => clear_alone(debit, &books.accounts, mode, &last(300)),
        "credit" | "credit forced" => Ok(given),
        "credit cleared" => clear(&given.transaction, &credit, &had, &last(300)),
        "credit reversed" => reverse(&given.transaction, &had, amount(300), NOW),
        other => panic!("{other}"),
    };
    done.expect("in range")
}

#[test]
fn each_event_moves_what_the_table_says() {
    let table = "
event           | DEPOSIT                       |           |         | NONE             |
debit           |                               | 5000-300  | 300 0   |                  | 300 0
reversal        |                               | 5000-200  | 200 0   |                  | 200 0
expiry          |                               | 5000-0    | 0 0     |                  | 0 0
clearing        | DEPOSIT>scheme 300            | 4700-0    | 0 300   | books>scheme 300 | 0 300
partial         | DEPOSIT>scheme 100            | 4900-200  | 200 100 | books>scheme 100 | 200 100
tip             | DEPOSIT>scheme 310            | 4690-0    | 0 310   | books>scheme 310 | 0 310
alone           | DEPOSIT>scheme 300            | 4700-0    | 0 300   | books>scheme 300 | 0 300
fx              | DEPOSIT>scheme 300, scheme>COMPANY 20 | 4700-0 | 0 300 \
                | books>scheme 300, scheme>COMPANY 20   | 0 300
credit          |                               |           | 0 300   | scheme>books 300 | 0 300
credit forced   | scheme>DEPOSIT 300            | 5300-0    | 0 300   | scheme>books 300 | 0 300
credit cleared  | scheme>DEPOSIT 300            | 5300-0    | 0 300   |                  | 0 300
credit reversed |                               |           | 0 0     | books>scheme 300 | 0 0
    ";
    for line in table.lines().filter(|line| line.matches('|').count() == 5).skip(1) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [event, legs, deposit, stands, alone, alone_stands] = cells[..] else { panic!("six") };
        let with = told(&does(event, CollateralMode::Deposit));
        assert_eq!(with, format!("{legs} | {deposit} | {stands}"), "{event} DEPOSIT");
        let without = told(&does(event, CollateralMode::None));
        assert_eq!(without, format!("{alone} |  | {alone_stands}"), "{event} NONE");
    }
}

#[test]
fn of_internal_transactions_only_a_fee_moves_anything_here() {
    for kind in TransactionType::ALL {
        let own = fixtures::balance(0).owner;
        let Some(category) = kind.internal_way().filter(|_| kind.is_for(own)) else { continue };
        for mode in [CollateralMode::None, CollateralMode::Deposit] {
            let accounts = accounts(mode);
            let facts = internal::Facts { accounts: &accounts, mode, under_lock: false, now: NOW };
            let order = Order { kind: *kind, category, ..order(40) };
            let change = transfer(transaction_id(9), order, &facts);
            assert_eq!(change.transaction.description, Description::Approved, "{kind}");
            let moved = if *kind == TransactionType::Fee { "books>COMPANY 40" } else { "" };
            assert_eq!(told(&change), format!("{moved} |  | 0 40"), "{kind} {mode}");
        }
    }
}
