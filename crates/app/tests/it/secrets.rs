//! Code and PIN in the decision: compared, counted, and what becomes of the card.

use app::audit::Operator;
use app::pin_keys::Cipher;
use app::processor::{Authorize, Check, Checked, SentCodes, SentPin};
use app::{Error, Once, Refusal};
use crypto::pin::{Format, PinBlock, PinKey};
use domain::card::Card;
use domain::card::lifecycle::{CardStatus, LockReason};
use domain::ids::CardId;
use domain::notification::Event;
use domain::secret::{Cvv, Pan, Pin};
use domain::transaction::Description;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use testkit::{Behaviour, Funded, Partner, TestApp, on_both};

const ZONE: [u8; 16] = [
    0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10,
];
const AES: [u8; 32] = [7; 32];
const HOUR: i64 = 3_600;

fn operator() -> Operator {
    Operator("os:test".to_owned())
}

async fn import(node: &TestApp, id: &str, cipher: Cipher, key: &[u8]) -> Result<Value, Error> {
    node.app.import_pin_key(&operator(), (node.processor, id), cipher, key).await
}

fn pin(digits: &str) -> Pin {
    Pin::parse(digits).expect("digits")
}

fn once() -> Once<Card> {
    Once {
        endpoint: "test".to_owned(),
        key: None,
        fingerprint: [0; 32],
        origin: testkit::origin(),
        render: |card| json!(card.pin_version),
    }
}

async fn set_pin(node: &TestApp, of: Funded, digits: &str) -> Result<Value, Error> {
    node.app.set_pin(node.scope, (of.user, of.card), pin(digits), once()).await
}

async fn card(node: &TestApp, of: Funded) -> Card {
    let cards = node.app.cards(node.scope, of.user, CardId(0), 1).await.expect("lists");
    cards.items.into_iter().next().expect("a card")
}

async fn numbers(node: &TestApp, of: Funded) -> (Pan, Cvv) {
    let full = node.app.full_card(node.scope, of.user, of.card, &testkit::origin()).await;
    let full = full.expect("shows");
    (full.pan, full.cvv)
}

/// A block that isn't bound to a number, under the zone's key.
fn block(digits: &str) -> PinBlock {
    let key = PinKey::triple_des(&ZONE).expect("a key");
    key.encrypt_unbound(&pin(digits)).expect("for this key")
}

fn sent(key_id: &str, block: PinBlock) -> Option<SentPin> {
    Some(SentPin { key_id: key_id.to_owned(), block })
}

async fn pay(node: &TestApp, of: Funded, digits: &str) -> Description {
    let name = format!("pin-{}", node.unique());
    let asked = Authorize { pin: sent("zone", block(digits)), ..node.ask(of.card, 1, &name) };
    node.app.authorize(asked).await.expect("decided").description
}

async fn pay_by_code(node: &TestApp, of: Funded, code: &Cvv) -> Description {
    let name = format!("code-{}", node.unique());
    let codes = SentCodes { cvv: Some(copy(code)), ..SentCodes::default() };
    let asked = Authorize { codes, ..node.ask(of.card, 1, &name) };
    node.app.authorize(asked).await.expect("decided").description
}

#[expect(clippy::disallowed_methods, reason = "a code of a test's card")]
fn copy(code: &Cvv) -> Cvv {
    Cvv::parse(code.expose()).expect("digits")
}

/// A card with a PIN, and the key of its blocks imported.
async fn with_pin(node: &TestApp, digits: &str) -> Funded {
    let of = node.funded(1_000).await;
    import(node, "zone", Cipher::TripleDes, &ZONE).await.expect("is taken");
    set_pin(node, of, digits).await.expect("is set");
    of
}

on_both! {
    /// Blocks of every format; whatever can't be read is no try.
    async fn a_pin_is_compared_in_every_format(node) {
        let of = with_pin(&node, "8264").await;
        import(&node, "aes", Cipher::Aes, &AES).await.expect("is taken");
        let (pan, _) = numbers(&node, of).await;
        let other = Pan::with_check_digit("532087019999999").expect("digits");
        let (zone, aes) = (PinKey::triple_des(&ZONE), PinKey::aes(&AES));
        let (zone, aes) = (zone.expect("a key"), aes.expect("a key"));
        let foreign = PinKey::aes(&[9; 32]).expect("a key");
        use Description::{Approved, IncorrectPin};
        let longer = pin("82641");
        for (key_id, key, format, typed, of_pan, expected) in [
            ("zone", &zone, Format::Zero, &pin("8264"), &pan, Approved),
            ("zone", &zone, Format::One, &pin("8264"), &pan, Approved),
            ("aes", &aes, Format::Four, &pin("8264"), &pan, Approved),
            ("zone", &zone, Format::Zero, &longer, &pan, IncorrectPin),
            ("aes", &aes, Format::Four, &pin("8264"), &pan, Approved),
            ("aes", &aes, Format::Four, &pin("8265"), &pan, IncorrectPin),
            ("zone", &zone, Format::One, &pin("8264"), &pan, Approved),
            // Made for another number, or under another key.
            ("aes", &aes, Format::Four, &pin("8264"), &other, IncorrectPin),
            ("aes", &foreign, Format::Four, &pin("8264"), &pan, IncorrectPin),
            ("zone", &aes, Format::Four, &pin("8264"), &pan, IncorrectPin),
        ] {
            let name = format!("pin-{}", node.unique());
            let block = key.encrypt(format, typed, of_pan).expect("for this key");
            let asked = Authorize { pin: sent(key_id, block), ..node.ask(of.card, 1, &name) };
            let told = node.app.authorize(asked).await.expect("decided");
            assert_eq!(told.description, expected, "{key_id} {format:?}");
        }
        assert_eq!(card(&node, of).await.tries.pins, 0, "what can't be read is no try");
        let asked = Authorize { pin: sent("none", block("8264")), ..node.ask(of.card, 1, "p9") };
        let refused = node.app.authorize(asked).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::PinKeyNotFound))), "{refused:?}");
        assert_eq!(pay(&node, of, "8264").await, Approved);
    }
}

on_both! {
    /// The third wrong PIN in a row locks the card, and the partner hears of it; a right one, a new
    /// one and an unlocking begin anew. Delivered twice, a wrong one counts once.
    async fn three_wrong_pins_lock_the_card(node) {
        use Description::{Approved, CardLocked, IncorrectPin, PinTriesExceeded};
        let partner = Partner::start(|_, _| Behaviour::Status(204)).await;
        node.deliver_to(&partner, &[Event::CardLocked, Event::CardUnlocked]).await;
        let of = with_pin(&node, "8264").await;
        for (typed, told) in [
            ("1111", IncorrectPin),
            ("2222", IncorrectPin),
            ("8264", Approved),
            ("1111", IncorrectPin),
            ("2222", IncorrectPin),
        ] {
            assert_eq!(pay(&node, of, typed).await, told, "{typed}");
        }
        set_pin(&node, of, "5173").await.expect("is set");
        assert_eq!(pay(&node, of, "8264").await, IncorrectPin, "the old one is wrong now");
        for _ in 0..3 {
            let asked = Authorize { pin: sent("zone", block("1111")), ..node.ask(of.card, 1, "p") };
            let told = node.app.authorize(asked).await.expect("decided");
            assert_eq!(told.description, IncorrectPin);
        }
        assert_eq!(card(&node, of).await.tries.pins, 2);
        assert_eq!(pay(&node, of, "2222").await, PinTriesExceeded);
        assert_eq!(pay(&node, of, "5173").await, CardLocked);
        let held = card(&node, of).await;
        let reason = LockReason::PinTriesExceeded;
        assert!(matches!(held.status, CardStatus::Locked { reason: held, .. } if held == reason));

        node.unlock(of).await;
        for typed in ["1111", "2222"] {
            assert_eq!(pay(&node, of, typed).await, IncorrectPin);
        }
        assert_eq!(pay(&node, of, "5173").await, Approved);
        assert_eq!(node.amounts(of.balance).await, (998, 2));
        node.verify().await;
        testkit::eventually("the partner is told", Duration::from_secs(20), async || {
            partner.received().len() == 2
        })
        .await;
        let told = partner.received();
        let paths: Vec<&str> = told.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, ["/notifications/cardLocked", "/notifications/cardUnlocked"]);
        assert_eq!(told[0].body["reason"], "PIN_TRIES_EXCEEDED");
    }
}

on_both! {
    /// Many wrong ones at once: three are compared, and no more than three ever count.
    async fn of_many_wrong_pins_at_once_three_count(node) {
        let of = with_pin(&node, "8264").await;
        let tried = (0..30).map(|n| pay(&node, of, if n % 2 == 0 { "1111" } else { "2222" }));
        let mut told: BTreeMap<&str, usize> = BTreeMap::new();
        for description in crate::holds::join_all(tried).await {
            *told.entry(description.as_str()).or_default() += 1;
        }
        let expected = [("CARD_LOCKED", 27), ("INCORRECT_PIN", 2), ("PIN_TRIES_EXCEEDED", 1)];
        assert_eq!(told, expected.into());
    }
}

on_both! {
    /// While the PIN is set again and again to what it is, each time anew, the right one is never
    /// counted as wrong.
    async fn a_pin_that_is_set_meanwhile_counts_no_try(node) {
        let of = with_pin(&node, "8264").await;
        let setting = async {
            for _ in 0..40 {
                set_pin(&node, of, "8264").await.expect("is set");
            }
        };
        let paying = async {
            let mut approved = 0;
            for _ in 0..80 {
                let told = pay(&node, of, "8264").await;
                if told == Description::Approved {
                    approved += 1;
                } else {
                    // It was set once more while it was compared again.
                    assert_eq!(told, Description::IncorrectPin);
                }
                assert_eq!(card(&node, of).await.tries.pins, 0);
            }
            approved
        };
        let ((), approved) = tokio::join!(setting, paying);
        assert!(approved >= 40, "{approved} of 80");
        assert_eq!(pay(&node, of, "8264").await, Description::Approved);
    }
}

on_both! {
    /// Five wrong codes within a day: none is taken for a day, not even the right one; the card
    /// isn't locked.
    async fn five_wrong_codes_bar_codes_for_a_day(node) {
        use Description::{Approved, IncorrectCvv};
        let of = node.funded(1_000).await;
        let (_, right) = numbers(&node, of).await;
        let wrong = ["000", "001"].map(|digits| Cvv::parse(digits).expect("digits"));
        let wrong = wrong.iter().find(|it| !crypto::cvc::same(it, &right)).expect("one");
        for _ in 0..4 {
            assert_eq!(pay_by_code(&node, of, wrong).await, IncorrectCvv);
            node.advance(5 * HOUR);
        }
        assert_eq!(pay_by_code(&node, of, &right).await, Approved);
        assert_eq!(pay_by_code(&node, of, wrong).await, IncorrectCvv);
        assert_eq!(pay_by_code(&node, of, &right).await, IncorrectCvv, "barred");
        let plain = node.purchase(of.card, 1, "plain").await.expect("decided");
        assert_eq!(plain.description, Approved, "the card isn't locked");
        node.advance(24 * HOUR);
        assert_eq!(pay_by_code(&node, of, &right).await, Approved);
    }
}

on_both! {
    /// What a processor has checked itself counts as if we had.
    async fn what_the_processor_has_checked_counts(node) {
        use Check::{Match, NoMatch};
        let of = with_pin(&node, "8264").await;
        let (_, right) = numbers(&node, of).await;
        let none = Checked::default();
        for (checked, code, typed, told, pins) in [
            (Checked { pin: Some(NoMatch), ..none }, false, None, Description::IncorrectPin, 1),
            (Checked { pin: Some(NoMatch), ..none }, false, Some("8264"),
                Description::IncorrectPin, 2),
            (Checked { cvv: Some(NoMatch), ..none }, true, None, Description::IncorrectCvv, 2),
            (Checked { chip: Some(NoMatch), ..none }, true, Some("8264"),
                Description::FraudsDetected, 2),
            (Checked { pin: Some(Match), cvv: Some(Match), chip: Some(Match) }, true, None,
                Description::Approved, 0),
            (Checked { pin: Some(Match), ..none }, false, Some("1111"),
                Description::IncorrectPin, 1),
        ] {
            let name = format!("told-{}", node.unique());
            let cvv = code.then(|| copy(&right));
            let codes = SentCodes { cvv, ..SentCodes::default() };
            let pin = typed.and_then(|typed| sent("zone", block(typed)));
            let asked = Authorize { codes, pin, checked, ..node.ask(of.card, 1, &name) };
            let decided = node.app.authorize(asked).await.expect("decided");
            assert_eq!(decided.description, told, "{checked:?}");
            assert_eq!(card(&node, of).await.tries.pins, pins, "{checked:?}");
        }
    }
}

on_both! {
    /// Which PINs are taken, and of which cards.
    async fn a_pin_that_is_easily_guessed_is_refused(node) {
        let of = with_pin(&node, "8264").await;
        let last_four = card(&node, of).await.last_four;
        for weak in ["1234", "4321", "7777", "2000", "0101", &last_four] {
            let refused = set_pin(&node, of, weak).await;
            assert!(matches!(refused, Err(Error::Refused(Refusal::WeakPin))), "{weak}");
        }
        assert_eq!(card(&node, of).await.pin_version, 1);
        assert_eq!(set_pin(&node, of, "5173").await.expect("is set"), json!(2));
        node.lock(of, LockReason::SuspectedFraud).await;
        assert_eq!(set_pin(&node, of, "6294").await.expect("is set"), json!(3));
        node.lock(of, LockReason::CardStolen).await;
        let refused = set_pin(&node, of, "9385").await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::CardLockIrreversible))));
        assert_eq!(card(&node, of).await.pin_version, 3);
    }
}

on_both! {
    /// A key of a name stays what it is; removed, messages under it aren't understood.
    async fn a_pin_key_is_imported_once_and_removed(node) {
        let of = with_pin(&node, "8264").await;
        let known = json!([{ "keyId": "zone", "cipher": "TDES", "checkValue": "08D7B4" }]);
        assert_eq!(json!(node.app.pin_keys(node.processor)), known);
        import(&node, "zone", Cipher::TripleDes, &ZONE).await.expect("is what it is");
        let mut other = ZONE;
        other.rotate_left(8);
        for (id, cipher, key, refusal) in [
            ("zone", Cipher::TripleDes, &other[..], Refusal::PinKeyAlreadyExists),
            ("new", Cipher::TripleDes, &[0; 16][..], Refusal::PinKeyInvalid),
            ("new", Cipher::TripleDes, &ZONE[..15], Refusal::PinKeyInvalid),
            ("new", Cipher::Aes, &[1; 24][..], Refusal::PinKeyInvalid),
            ("a b", Cipher::Aes, &AES[..], Refusal::PinKeyInvalid),
            ("", Cipher::Aes, &AES[..], Refusal::PinKeyInvalid),
        ] {
            let refused = import(&node, id, cipher, key).await;
            assert!(matches!(refused, Err(Error::Refused(it)) if it == refusal), "{refusal:?}");
        }
        assert_eq!(json!(node.app.pin_keys(node.processor)), known);
        let operator = operator();
        let remove = || node.app.remove_pin_key(&operator, node.processor, "zone");
        remove().await.expect("is removed");
        assert!(matches!(remove().await, Err(Error::Refused(Refusal::PinKeyNotFound))));
        let asked = Authorize { pin: sent("zone", block("8264")), ..node.ask(of.card, 1, "p") };
        let refused = node.app.authorize(asked).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::PinKeyNotFound))));
    }
}
