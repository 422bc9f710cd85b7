//! Each message of a network × each state of a card, its owner and its balance: who asks is told
//! no, with the reason; what informs is posted.

use app::Once;
use app::processor::{Authorize, Clear, Inform, Message, Told};
use app::users::{Changes, LockChange};
use domain::authorization::Ask;
use domain::card::lifecycle::LockReason;
use domain::ids::CardId;
use domain::ledger::clearing::Finality::Final;
use domain::transaction::{Category, Processing, TransactionType};
use domain::user::UserState;
use serde_json::Value;
use testkit::{Funded, TestApp, on_both};

/// What can be said of a card, its owner or its balance, and what an authorization is told of it.
const STATES: [(&str, &str); 10] = [
    ("all is well", "APPROVED 0000"),
    ("card locked", "CARD_LOCKED 1002"),
    ("card lost", "CARD_LOCKED 2008"),
    ("card stolen", "CARD_LOCKED 2009"),
    ("card expired", "CARD_EXPIRED 1001"),
    ("card removed", "CARD_NOT_ACTIVE 1004"),
    ("owner locked", "CUSTOMER_LOCKED 1004"),
    ("owner under a transactional lock", "AML_EXCEPTION 1002"),
    ("balance locked", "BALANCE_LOCKED 1004"),
    ("card removed and owner locked", "CARD_NOT_ACTIVE 1004"),
];

/// What asks, and how it changes what can be spent and what is held where it is approved.
const ASKING: [(&str, (i64, i64)); 5] = [
    ("authorization", (-10, 10)),
    ("incremental", (-10, 10)),
    ("credit", (10, 0)),
    ("account verification", (0, 0)),
    ("balance inquiry", (0, 0)),
];

/// What informs, and how it changes both. Each that refers means an authorization of 100.
const INFORMING: [(&str, (i64, i64)); 12] = [
    ("advice of an approved one", (0, 0)),
    ("advice of an approved one, of more", (-10, 10)),
    ("advice", (-10, 10)),
    ("force debit", (-10, 10)),
    ("force debit beyond the balance", (-5_000, 5_000)),
    ("force credit", (10, 0)),
    ("adjustment up", (-10, 10)),
    ("adjustment down", (10, -10)),
    ("clearing", (90, -100)),
    ("clearing of nothing", (-10, 0)),
    ("clearing of a refund", (10, 0)),
    ("reversal", (100, -100)),
];

/// Credits aren't debits: they are posted to a locked balance, and under a transactional lock.
const CREDITED: [&str; 2] = ["balance locked", "owner under a transactional lock"];
/// Questions take no money from a locked balance.
const QUESTIONS: [&str; 2] = ["account verification", "balance inquiry"];

fn once<T>(render: fn(&T) -> Value) -> Once<T> {
    let (endpoint, origin) = ("test".to_owned(), testkit::origin());
    Once { endpoint, key: None, fingerprint: [0; 32], origin, render }
}

async fn lock_owner(node: &TestApp, of: Funded) {
    let changes = Changes { state: Some(UserState::Locked), ..Changes::default() };
    let changed = node.app.change_user(node.scope, of.user, changes, once(|_| Value::Null));
    changed.await.expect("locks");
}

async fn remove_card(node: &TestApp, of: Funded) {
    let removed = node.app.remove_card(node.scope, of.user, of.card, once(|()| Value::Null));
    removed.await.expect("removes");
}

/// A card with 900 that can be spent and 100 that are held as `name`, brought into a state since.
async fn story_in(node: &TestApp, state: &str, name: &str) -> Funded {
    let of = node.funded(1_000).await;
    if state == "card expired" {
        // What is held on its last day is held for days to come.
        let cards = node.app.cards(node.scope, of.user, CardId(0), 1).await.expect("lists");
        node.advance_to(&format!("{}T23:00:00Z", cards.items[0].expiry));
    }
    let held = node.purchase(of.card, 100, name).await.expect("decided");
    assert_eq!(held.processing, Processing::Success);
    match state {
        "all is well" => {}
        "card locked" => node.lock(of, LockReason::SuspectedFraud).await,
        "card lost" => node.lock(of, LockReason::CardLost).await,
        "card stolen" => node.lock(of, LockReason::CardStolen).await,
        "card expired" => node.advance(2 * 3_600),
        "card removed" => remove_card(node, of).await,
        "owner locked" => lock_owner(node, of).await,
        "owner under a transactional lock" => {
            let (user, once) = (of.user, once(|()| Value::Null));
            let set = LockChange::Set;
            let locks = node.app.change_transactional_lock(
                node.scope,
                user.into(),
                "POLICE_LOCK",
                set,
                once,
            );
            locks.await.expect("locks");
        }
        "balance locked" => {
            let locked = node.app.lock_balance(node.scope, of.balance, once(|()| Value::Null));
            locked.await.expect("locks");
        }
        "card removed and owner locked" => {
            remove_card(node, of).await;
            lock_owner(node, of).await;
        }
        other => panic!("{other}"),
    }
    of
}

/// Sends a message of the name `name`; what refers means `held`.
async fn send(node: &TestApp, card: CardId, what: &str, (name, held): (&str, &str)) -> Message {
    let ask = |ask, minor| Authorize { ask, ..node.ask(card, minor, name) };
    let tell = |told, minor| node.told(card, minor, name, told);
    let adjust = |category| Inform {
        reference: Some(node.reference(10, held)),
        details: node.details(10, name, Some(held)),
        kind: TransactionType::Adjustment,
        category,
        ..tell(Told::Adjustment, 10)
    };
    // Of an authorization that is known by its network's id.
    let advice = |minor| Inform {
        envelope: node.envelope(card, name, name),
        ..node.told(card, minor, held, Told::Advice)
    };
    let app = &node.app;
    let decided = match what {
        "authorization" => app.authorize(ask(Ask::Debit, 10)).await,
        "incremental" => {
            let reference = Some(node.reference(10, held));
            app.authorize(Authorize { reference, ..ask(Ask::Increment, 10) }).await
        }
        "credit" => app.authorize(ask(Ask::Credit, 10)).await,
        "account verification" => app.authorize(ask(Ask::Verification, 0)).await,
        "balance inquiry" => {
            let kind = TransactionType::BalanceInquiry;
            app.authorize(Authorize { kind, ..ask(Ask::Inquiry, 0) }).await
        }
        "advice of an approved one" => app.inform(advice(100)).await,
        "advice of an approved one, of more" => app.inform(advice(110)).await,
        "advice" => app.inform(tell(Told::Advice, 10)).await,
        "force debit" => app.inform(tell(Told::ForceDebit, 10)).await,
        "force debit beyond the balance" => app.inform(tell(Told::ForceDebit, 5_000)).await,
        "force credit" => app.inform(tell(Told::ForceCredit, 10)).await,
        "adjustment up" => app.inform(adjust(Category::Debit)).await,
        "adjustment down" => app.inform(adjust(Category::Credit)).await,
        "clearing" => node.clear(card, 10, name, Some(held), Final).await,
        "clearing of nothing" => node.clear(card, 10, name, None, Final).await,
        "clearing of a refund" => {
            let clear = Clear {
                envelope: node.envelope(card, name, name),
                details: node.details(10, name, None),
                reference: None,
                category: Category::Credit,
                finality: Final,
                sequence: 1,
                fx_difference: None,
            };
            app.clear(clear).await
        }
        "reversal" => node.reverse(card, 100, name, held).await,
        other => panic!("{other}"),
    };
    decided.expect("decided")
}

/// Brings a card into a state and sends a message: what is told, and how the money changed.
async fn sent(node: &TestApp, state: &str, what: &str) -> (String, (i64, i64)) {
    let (name, held) = (format!("m{}", node.unique()), format!("held-{}", node.unique()));
    let of = story_in(node, state, &held).await;
    let message = send(node, of.card, what, (&name, &held)).await;
    let (available, still_held) = node.amounts(of.balance).await;
    let told = format!("{} {}", message.description.as_str(), message.action_code);
    (told, (available - 900, still_held - 100))
}

on_both! {
    /// It is declined for its reason, and no money moves.
    async fn what_asks_is_declined_for_its_reason(node) {
        for (state, told) in STATES {
            for (what, change) in ASKING {
                let is_free = state == "balance locked" && QUESTIONS.contains(&what)
                    || what == "credit" && CREDITED.contains(&state);
                let told = if is_free { "APPROVED 0000" } else { told };
                let change = if told == "APPROVED 0000" { change } else { (0, 0) };
                assert_eq!(sent(&node, state, what).await, (told.to_owned(), change),
                    "{what}: {state}");
            }
        }
        node.verify().await;
    }
}

on_both! {
    /// What has happened already is never refused, whatever became of the card since.
    async fn what_informs_is_posted(node) {
        for (state, _) in STATES {
            for (what, change) in INFORMING {
                let (told, changed) = sent(&node, state, what).await;
                assert_eq!((told.as_str(), changed), ("APPROVED 0000", change), "{what}: {state}");
            }
        }
        node.verify().await;
    }
}
