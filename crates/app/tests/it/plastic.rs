//! Orders of plastic: what is taken for one that is refused, and what leaves in a batch.

use app::admins::Manager;
use app::audit::Operator;
use app::cards::{Carrier, IssueVirtual, OrderPhysical};
use app::personalisation::SetBureau;
use app::programs::Change;
use app::{Error, Once, Refusal};
use crypto::jwe::PrivateKey;
use domain::card::Card;
use domain::card::lifecycle::LockReason::CardLost;
use domain::card::order::{CardOrder, Delivery, OrderFailure, OrderStatus};
use domain::ids::{CardId, OrderId};
use domain::program::{CardType, Plastic, Program};
use domain::secret::Pin;
use domain::user::{Address, Country};
use serde_json::{Value, json};
use std::path::Path;
use store::db::Sql;
use testkit::{Funded, TestApp, on_both};

const PLASTIC: &str = "0000000085";
const PRINTED: &str = "0000000086";
const BUREAU: &str = "bureau";

/// Programs of plastic and of virtual cards that are printed, whose bureau has this folder.
async fn with_plastic(node: &TestApp, folder: &Path) {
    let (operator, partner) = (Operator("os:test".to_owned()), node.scope.partner());
    let set = SetBureau {
        name: BUREAU.to_owned(),
        folder: folder.to_str().expect("a path of text").to_owned(),
        public_key: PrivateKey::generate().public_pem().to_owned(),
        host_keys: None,
        new_key: false,
    };
    node.app.set_bureau(&operator, set).await.expect("sets");
    for (config_id, card_type, bin) in
        [(PLASTIC, CardType::Physical, "53208785"), (PRINTED, CardType::Virtual, "53208786")]
    {
        let settings = node.app.settings.get();
        let known = settings.program(partner, "0019167984").expect("is there").clone();
        let program = Program {
            config_id: config_id.to_owned(),
            card_type,
            digital_first: card_type == CardType::Virtual,
            bins: vec![bin.to_owned()],
            ..known
        };
        let made = Once::unkept(testkit::origin(), |_| Value::Null);
        node.app.create_program(Manager::COMMAND_LINE, program, made).await.expect("creates");
        let plastic = Plastic { bureau: BUREAU.to_owned(), chip_profile: "CHIP".to_owned() };
        let change = Change { plastic: Some(plastic), ..Change::default() };
        let set = Once::unkept(testkit::origin(), |_| Value::Null);
        node.app
            .change_program(Manager::COMMAND_LINE, (partner, config_id), change, set)
            .await
            .expect("sets");
    }
}

fn once<T>(render: fn(&T) -> Value) -> Once<T> {
    let endpoint = "POST /cards".to_owned();
    Once { endpoint, key: None, fingerprint: [1; 32], origin: testkit::origin(), render }
}

fn card_of(of: Funded, config_id: &str) -> IssueVirtual {
    IssueVirtual {
        holder: of.user,
        corporation: None,
        balance: of.balance,
        config_id: config_id.to_owned(),
        label: None,
    }
}

fn carrier() -> Carrier {
    let address = Address {
        street: "Main Street".to_owned(),
        number: "1".to_owned(),
        apartment: None,
        city: "Warsaw".to_owned(),
        post_code: "00-001".to_owned(),
        country: Country::parse("PL").expect("a country"),
    };
    Carrier { address, delivery: Delivery::Post }
}

fn id_of(made: &Value) -> OrderId {
    OrderId(made.as_str().and_then(|id| id.parse().ok()).expect("an id"))
}

async fn order(node: &TestApp, of: Funded, pin: Option<&str>) -> Result<OrderId, Error> {
    let pin = pin.map(|digits| Pin::parse(digits).expect("digits"));
    let command = OrderPhysical { card: card_of(of, PLASTIC), carrier: carrier(), line: None, pin };
    let once = once(|order: &OrderId| json!(order.0.to_string()));
    Ok(id_of(&node.app.order_physical_card(node.scope, command, once).await?))
}

/// Makes a virtual card and orders its plastic.
async fn print(node: &TestApp, of: Funded) -> (Funded, OrderId) {
    let made = once(|card: &Card| json!(card.id.0));
    let made = node.app.issue_virtual_card(node.scope, card_of(of, PRINTED), made).await;
    let card = CardId(made.expect("issues").as_i64().expect("an id"));
    let printed = once(|order: &OrderId| json!(order.0.to_string()));
    let printed = node.app.print_card(node.scope, (of.user, card), carrier(), printed).await;
    (Funded { card, ..of }, id_of(&printed.expect("orders")))
}

async fn found(node: &TestApp, of: Funded, id: OrderId) -> CardOrder {
    node.app.card_order(node.scope, of.user, id).await.expect("is there")
}

async fn run(node: &TestApp, sql: Sql, id: OrderId) {
    let mut tx = node.app.db.begin().await.expect("begins");
    let ran = tx.run(&sql, &[&node.scope.partner(), &id]).await;
    assert_eq!(tx.end(ran).await.expect("runs"), 1);
}

/// Has all that waits leave now.
async fn send(node: &TestApp) -> u64 {
    node.advance(1);
    node.app.send_orders(node.app.now()).await.expect("sends")
}

/// The lines of each batch that was laid, heads first.
fn laid(folder: &Path) -> Vec<Vec<Value>> {
    let out = std::fs::read_dir(folder.join("out")).into_iter().flatten();
    let texts = out.map(|it| std::fs::read_to_string(it.expect("an entry").path()).expect("text"));
    let line = |it: &str| serde_json::from_str(it).expect("JSON");
    texts.map(|text| text.lines().map(line).collect()).collect()
}

on_both! {
    /// A refusal takes none of the numbers that there are once.
    async fn a_weak_pin_takes_no_number(node) {
        let folder = testkit::folder();
        with_plastic(&node, folder.path()).await;
        let of = node.funded(0).await;
        let taken = async || {
            let settings = node.app.settings.get();
            let program = settings.program(node.scope.partner(), PLASTIC).expect("is there");
            node.app.bin_ranges(program).await.expect("reads")[0].taken
        };
        for pin in ["1234", "0101", "2000"] {
            let refused = order(&node, of, Some(pin)).await;
            assert!(matches!(refused, Err(Error::Refused(Refusal::WeakPin))), "{refused:?}");
        }
        assert_eq!(taken().await, 0);
        order(&node, of, Some("8264")).await.expect("orders");
        assert_eq!(taken().await, 64, "the block of the first");
    }
}

on_both! {
    /// What can't be made of one order keeps no other's waiting: it has failed, and its card is
    /// nobody's.
    async fn an_order_that_cannot_be_made_is_left_out_of_its_batch(node) {
        let folder = testkit::folder();
        with_plastic(&node, folder.path()).await;
        let of = node.funded(0).await;
        let [first, broken, last] = [
            order(&node, of, None).await.expect("orders"),
            order(&node, of, Some("8264")).await.expect("orders"),
            order(&node, of, None).await.expect("orders"),
        ];
        let spoil = match node.is_postgres() {
            true => Sql("update card_order set pin = '\\x00' where partner_id = $1 and id = $2"),
            false => Sql("update card_order set pin = x'00' where partner_id = $1 and id = $2"),
        };
        run(&node, spoil, broken).await;
        assert_eq!(send(&node).await, 2);
        let batches = laid(folder.path());
        assert_eq!((batches.len(), batches[0].len(), &batches[0][0]["records"]), (1, 3, &2.into()));
        for id in [first, last] {
            assert_eq!(found(&node, of, id).await.status, OrderStatus::SentToBureau);
        }
        let failed = found(&node, of, broken).await;
        let why = (failed.status, failed.failure);
        assert_eq!(why, (OrderStatus::Failed, Some(OrderFailure::NotPersonalised)));
        let shown = node.app.full_card(node.scope, of.user, failed.card, &testkit::origin()).await;
        assert!(matches!(shown, Err(Error::Refused(Refusal::CardNotFound))), "{shown:?}");
        assert_eq!(send(&node).await, 0);
        assert_eq!(laid(folder.path()).len(), 1);
    }
}

on_both! {
    /// Neither leaves an order whose card was locked for good after a run had put it into a batch
    /// that it didn't lay.
    async fn an_order_in_a_batch_is_given_up_until_that_is_laid(node) {
        let folder = testkit::folder();
        with_plastic(&node, folder.path()).await;
        let of = node.funded(0).await;
        let [(_, kept), (card, lost)] = [print(&node, of).await, print(&node, of).await];
        // A folder that can't be written.
        let out = folder.path().join("out");
        std::fs::remove_dir_all(&out).expect("removes");
        std::fs::write(&out, "").expect("writes");
        assert_eq!(send(&node).await, 0);
        assert_eq!(found(&node, of, lost).await.status, OrderStatus::Ordered);
        node.lock(card, CardLost).await;
        std::fs::remove_file(&out).expect("removes");
        std::fs::create_dir(&out).expect("makes it");

        assert_eq!(send(&node).await, 1);
        let given_up = found(&node, of, lost).await;
        let why = (given_up.status, given_up.failure);
        assert_eq!(why, (OrderStatus::Failed, Some(OrderFailure::CardLocked)));
        assert_eq!(found(&node, of, kept).await.status, OrderStatus::SentToBureau);
        let batches = laid(folder.path());
        assert_eq!((batches.len(), batches[0].len(), &batches[0][0]["records"]), (1, 2, &1.into()));
    }
}

on_both! {
    /// What was ordered before the day's time leaves then, by the business clock; what is ordered
    /// at that time or later, a day after.
    async fn orders_leave_that_were_made_before_a_moment(node) {
        let folder = testkit::folder();
        with_plastic(&node, folder.path()).await;
        let of = node.funded(0).await;
        let first = order(&node, of, None).await.expect("orders");
        node.advance(3_600);
        let time = node.app.now();
        let second = order(&node, of, None).await.expect("orders");
        node.advance(3_600);
        let statuses = async || {
            [found(&node, of, first).await.status, found(&node, of, second).await.status]
        };
        let day_before = time.saturating_sub(jiff::SignedDuration::from_hours(24));
        let day_before = day_before.expect("within the calendar");
        assert_eq!(node.app.send_orders(day_before).await.expect("sends"), 0);
        assert_eq!(statuses().await, [OrderStatus::Ordered, OrderStatus::Ordered]);
        for sent in [1, 0] {
            assert_eq!(node.app.send_orders(time).await.expect("sends"), sent);
            assert_eq!(statuses().await, [OrderStatus::SentToBureau, OrderStatus::Ordered]);
        }
        assert_eq!(send(&node).await, 1);
        assert_eq!(statuses().await, [OrderStatus::SentToBureau, OrderStatus::SentToBureau]);
    }
}
