//! Orders of plastic: what is taken for one that is refused.

use app::audit::Operator;
use app::cards::{Carrier, IssueVirtual, OrderPhysical};
use app::personalisation::SetBureau;
use app::{Error, Once, Refusal};
use crypto::jwe::PrivateKey;
use domain::card::order::Delivery;
use domain::ids::OrderId;
use domain::program::{CardType, Plastic, Program};
use domain::secret::Pin;
use domain::user::{Address, Country};
use serde_json::{Value, json};
use std::path::Path;
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
        node.app.create_program(&operator, program).await.expect("creates");
        let plastic = Plastic { bureau: BUREAU.to_owned(), chip_profile: "CHIP".to_owned() };
        let set = node.app.set_program_plastic(&operator, (partner, config_id), &plastic).await;
        set.expect("sets");
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
