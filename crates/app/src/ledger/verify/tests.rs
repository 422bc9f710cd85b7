//! Each thing that must hold, broken one at a time.

use super::check::Check;
use domain::Timestamp;
use domain::ids::{BalanceId, CardId, MessageId, TransactionId};
use domain::ledger::Account;
use domain::money::Currency;
use domain::transaction::{Category, Flag, Processing, Status};
use store::books::{Done, Entry, Heard, Movement, Told};
use uuid::Uuid;

const BALANCE: BalanceId = BalanceId(Uuid::from_u128(1));
const OTHER: BalanceId = BalanceId(Uuid::from_u128(2));
const DEPOSIT: BalanceId = BalanceId(Uuid::from_u128(3));
const TOP_UP: TransactionId = TransactionId(Uuid::from_u128(11));
const PURCHASE: TransactionId = TransactionId(Uuid::from_u128(12));
const NOBODY: Uuid = Uuid::from_u128(99);

#[derive(Clone)]
struct Books {
    balances: Vec<Told>,
    cards: Vec<(CardId, BalanceId)>,
    entries: Vec<Entry>,
    movements: Vec<Movement>,
    messages: Vec<Heard>,
    flag: Option<Flag>,
}

fn told(id: BalanceId, posted: i64, held: i64) -> Told {
    Told {
        id,
        is_partners: id == DEPOSIT,
        is_external: false,
        currency: Currency::EUR,
        posted,
        held,
    }
}

fn entry(id: TransactionId, status: Status, held: i64, cleared: i64) -> Entry {
    Entry {
        id,
        balance: Some(BALANCE),
        category: if id == TOP_UP { Category::Credit } else { Category::Debit },
        currency: Currency::EUR,
        status,
        processing: Processing::Success,
        held,
        cleared,
        collateral: None,
        collateral_held: 0,
        collateral_moved: 0,
        expires: held > 0,
    }
}

fn movement(transaction: TransactionId, from: Account, to: Account, amount: i64) -> Movement {
    let (currency, posted_at) = (Currency::EUR, Timestamp::UNIX_EPOCH);
    Movement { transaction, part: 1, leg: 1, from, to, amount, currency, posted_at }
}

fn message(id: u128, kind: &str, transaction: TransactionId) -> Heard {
    let id = MessageId(Uuid::from_u128(id));
    Heard { id, kind: kind.to_owned(), transaction, processing: Processing::Success }
}

/// 100 came in; of a purchase of 50, 30 were collected and 20 are held, and the same of a deposit.
/// The purchase's message came twice, under two keys.
fn sound() -> Books {
    let own = Account::Balance(BALANCE);
    Books {
        balances: vec![told(BALANCE, 70, 20), told(OTHER, 0, 0), told(DEPOSIT, -30, 20)],
        cards: vec![(CardId(1), BALANCE)],
        entries: vec![
            entry(TOP_UP, Status::Cleared, 0, 100),
            Entry {
                collateral: Some(DEPOSIT),
                collateral_held: 20,
                collateral_moved: 30,
                ..entry(PURCHASE, Status::Authorized, 20, 30)
            },
        ],
        movements: vec![
            movement(TOP_UP, Account::Outside, own, 100),
            movement(PURCHASE, own, Account::Books, 30),
            movement(PURCHASE, Account::Balance(DEPOSIT), Account::Scheme, 30),
        ],
        messages: vec![
            message(21, "internal", TOP_UP),
            message(22, "authorization", PURCHASE),
            message(23, "authorization", PURCHASE),
            message(24, "clearing", PURCHASE),
        ],
        flag: None,
    }
}

fn faults(books: Books) -> Vec<String> {
    let mut check = Check::default();
    books.balances.into_iter().for_each(|told| check.balance(told));
    books.cards.iter().for_each(|(card, balance)| check.card(*card, *balance));
    let done: Vec<_> = books.entries.iter().map(|it| (it.id, it.processing)).collect();
    let mut part = check.part(books.entries);
    books.movements.iter().for_each(|movement| part.movement(movement));
    part.finish();
    for message in &books.messages {
        let done = done.iter().find(|(id, _)| *id == message.transaction);
        let flag = books.flag;
        let done = done.map(|(_, processing)| Done {
            processing: *processing,
            flag,
            never_approved: false,
        });
        check.message(message, done);
    }
    check.finish()
}

#[test]
fn sound_books_have_no_fault() {
    assert_eq!(faults(sound()), Vec::<String>::new());
}

/// An authorization that was declined because it was late, whose increment stays.
#[test]
fn a_declined_beginning_of_what_was_raised_is_sound() {
    let mut books = sound();
    books.messages[1].processing = Processing::Declined;
    assert_eq!(faults(books.clone()).len(), 1);
    books.flag = Some(Flag::WithoutAuthorization);
    assert_eq!(faults(books), Vec::<String>::new());
}

#[test]
fn sums_beyond_64_bits_are_exact() {
    let mut books = sound();
    let (own, other) = (Account::Balance(BALANCE), Account::Balance(OTHER));
    let max = i64::MAX;
    books.balances = vec![told(BALANCE, max, 0), told(OTHER, max, 0)];
    let credit = entry(PURCHASE, Status::Cleared, 0, max);
    let second = Entry { balance: Some(OTHER), category: Category::Credit, ..credit };
    books.entries = vec![entry(TOP_UP, Status::Cleared, 0, max), second];
    books.movements = vec![
        movement(TOP_UP, Account::Outside, own, max),
        movement(PURCHASE, Account::Outside, other, max),
    ];
    assert_eq!(faults(books.clone()), Vec::<String>::new());
    // Wrapped around, the sum would be what the row says.
    books.balances[0].posted = -2;
    books.entries[1].balance = Some(BALANCE);
    books.movements[1].to = own;
    books.balances[1].posted = 0;
    let found = faults(books);
    assert!(found[0].contains("its movements sum to 18446744073709551614"), "{found:?}");
}

#[test]
fn each_fault_is_found_and_names_its_row() {
    type Spoil = fn(&mut Books);
    let spoilt: &[(Spoil, &str, &str)] = &[
        (|it| it.balances[0].posted = 71, "balance", "posted is 71, its movements sum to 70"),
        (|it| it.balances[0].held = 0, "balance", "held is 0, its transactions hold 20"),
        (|it| it.entries[1].held = 19, "balance", "its transactions hold 19"),
        (
            |it| it.movements[1].amount = 29,
            "transaction",
            "cleared isn't what has moved (it says 30, its movements 29",
        ),
        (|it| it.movements[1].amount = -30, "transaction", "isn't above zero"),
        (|it| it.movements.truncate(1), "transaction", "it says 30, its movements 0"),
        (|it| it.movements[2].amount = 31, "balance", "posted is -30, its movements sum to -31"),
        (|it| it.movements[2].amount = 31, "transaction", "what backs it isn't what has moved"),
        (|it| it.entries[1].collateral_held = 0, "balance", "held is 20, its transactions hold 0"),
        (|it| it.entries[1].collateral = None, "transaction", "it is backed by no balance"),
        (|it| it.entries[1].collateral = Some(OTHER), "transaction", "of the partner's own"),
        (|it| it.entries.truncate(1), "transaction", "it has movements but no row"),
        (|it| it.entries.truncate(1), "transaction", "it has a message but no row"),
        (|it| it.entries[0].held = 1, "transaction", "it holds money but isn't authorized"),
        (|it| it.entries[1].processing = Processing::Declined, "transaction", "isn't authorized"),
        (|it| it.entries[1].balance = None, "transaction", "it holds money of no balance"),
        (|it| it.entries[0].balance = None, "transaction", "its balance has no row"),
        (|it| it.entries[1].expires = false, "transaction", "its hold never ends"),
        (|it| it.entries[0].currency = Currency::PLN, "transaction", "isn't its balance's"),
        (|it| it.movements[0].currency = Currency::PLN, "transaction", "in another currency"),
        (
            |it| it.movements[0].to = Account::Balance(OTHER),
            "transaction",
            "a movement of it is another balance's",
        ),
        (
            |it| it.movements[0].to = Account::Balance(BalanceId(NOBODY)),
            "balance",
            "it has movements but no row",
        ),
        (|it| it.cards[0].1 = BalanceId(NOBODY), "card 1", "its balance has no row"),
        (
            |it| it.messages[2].processing = Processing::Declined,
            "transaction",
            "the message says DECLINED, its row SUCCESS",
        ),
        (
            |it| {
                it.entries[1].held = 0;
                it.entries[1].collateral_held = 0;
                it.balances[2].held = 0;
                it.entries[1].processing = Processing::Declined;
                it.balances[0].held = 0;
            },
            "transaction",
            "the message says SUCCESS, its row DECLINED",
        ),
    ];
    for (spoil, row, word) in spoilt {
        let mut books = sound();
        spoil(&mut books);
        let found = faults(books);
        let named = |fault: &&String| fault.starts_with(row) && fault.contains(word);
        assert!(found.iter().any(|fault| named(&fault)), "{row}, {word}: {found:?}");
    }
}

#[test]
fn a_clearing_that_failed_may_name_an_authorization_that_succeeded() {
    let mut books = sound();
    books.messages[3].processing = Processing::Invalid;
    assert_eq!(faults(books), Vec::<String>::new());
}

#[test]
fn of_many_faults_of_a_kind_some_are_told_and_the_rest_counted() {
    let mut books = sound();
    books.cards = (0..50).map(|card| (CardId(card), BalanceId(NOBODY))).collect();
    books.balances[0].posted = 71;
    let found = faults(books);
    assert_eq!(found.len(), 22, "{found:?}");
    assert!(found.iter().any(|fault| fault.contains("posted is 71")), "{found:?}");
    assert_eq!(found[21], "and 30 more like this: its balance has no row");
}
