//! A foreign implementation, the Python package psec, agrees with ours on what is made of cards and
//! PINs.

use crate::support;
use crypto::cvc::{CardVerificationKey, ServiceCode};
use crypto::pin::{Format, PinBlock, PinKey, PinVerificationKey};
use crypto::tdes::TripleDesKey;
use domain::Date;
use domain::secret::{Pan, Pin};
use serde_json::{Value, json};

const CARDS: usize = 1_000;

/// A card with keys of its own, and the foreigners' question about it.
struct Drawn {
    cvk: CardVerificationKey,
    pvk: PinVerificationKey,
    index: u8,
    zpk: PinKey,
    aes: PinKey,
    pan: Pan,
    expiry: Date,
    pin: Pin,
    asked: Value,
}

fn digits(random: &mut fastrand::Rng, count: usize) -> String {
    (0..count).map(|_| char::from(b'0' + random.u8(0..10))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("a text").as_bytes().chunks_exact(2);
    let pairs = text.map(|pair| std::str::from_utf8(pair).expect("a text"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}

fn draw(random: &mut fastrand::Rng) -> Drawn {
    let count = random.usize(12..=18);
    let number = digits(random, count);
    let pan = Pan::with_check_digit(&number).expect("digits");
    let expiry = Date::new(random.i16(2026..2060), random.i8(1..=12), 1).expect("a day");
    // psec makes values of four digits alone, and so do we.
    let chosen = digits(random, 4);
    let pin = Pin::parse(&chosen).expect("digits");
    let (cvk, pvk) = (TripleDesKey::generate(), TripleDesKey::generate());
    let zone = TripleDesKey::generate();
    let zone_bytes = *zone.expose();
    let long: [u8; 32] = std::array::from_fn(|_| random.u8(..));
    let aes_bytes = if random.bool() { &long[..16] } else { &long[..] };
    let (zpk, aes) = (PinKey::TripleDes(zone), PinKey::aes(aes_bytes).expect("as long"));
    let index = random.u8(1..=6);
    let block =
        |key: &PinKey, format| hex(key.encrypt(format, &pin, &pan).expect("for this key").bytes());
    let asked = json!({
        "cvk": hex(cvk.expose()),
        "pvk": hex(pvk.expose()),
        "index": index.to_string(),
        "pan": shown(&pan),
        "expiry": format!("{:02}{:02}", expiry.year() % 100, expiry.month()),
        "pin": chosen,
        "zpk": hex(&zone_bytes),
        "aes": hex(aes_bytes),
        "block0": block(&zpk, Format::Zero),
        "block1": block(&zpk, Format::One),
        "block4": block(&aes, Format::Four),
    });
    let (cvk, pvk) = (CardVerificationKey(cvk), PinVerificationKey(pvk));
    Drawn { cvk, pvk, index, zpk, aes, pan, expiry, pin, asked }
}

#[expect(clippy::disallowed_methods, reason = "a number that was drawn for a test")]
fn shown(pan: &Pan) -> &str {
    pan.expose()
}

#[expect(clippy::disallowed_methods, reason = "a code that was made of test keys")]
fn code(card: &Drawn, service: &str) -> String {
    let service = ServiceCode::parse(service).expect("three digits");
    card.cvk.code(&card.pan, card.expiry, service).expose().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "a PIN that was drawn for a test")]
fn same(read: &Pin, card: &Drawn) -> bool {
    read.expose() == card.pin.expose()
}

fn agree(card: &Drawn, theirs: &Value) {
    for (service, name) in [("000", "cvc2"), ("999", "icvv"), ("201", "cvv")] {
        assert_eq!(code(card, service), theirs[name], "{name}");
    }
    let pvv = card.pvk.value(&card.pan, card.index, &card.pin);
    assert_eq!(std::str::from_utf8(&pvv.expose()[1..]).expect("digits"), theirs["pvv"]);
    assert_eq!(card.asked["block0"], theirs["block0"]);
    for name in ["pin0", "pin1", "pin4"] {
        assert_eq!(card.asked["pin"], theirs[name], "{name}");
    }
    assert_eq!(shown(&card.pan).split_at(shown(&card.pan).len() - 1).1, theirs["luhn"]);
    assert_eq!(card.zpk.check_value(), theirs["check"]);
    for (format, key, name) in [
        (Format::Zero, &card.zpk, "block0"),
        (Format::One, &card.zpk, "block1"),
        (Format::Four, &card.aes, "block4"),
    ] {
        let block = PinBlock::new(format, unhex(&theirs[name])).expect("as long");
        assert!(same(&key.decrypt(&block, &card.pan).expect("readable"), card), "{name}");
    }
}

#[test]
fn a_foreign_implementation_agrees_on_a_thousand_cards() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let cards: Vec<Drawn> = (0..CARDS).map(|_| draw(&mut random)).collect();
    let asked: Vec<&Value> = cards.iter().map(|card| &card.asked).collect();
    let theirs = support::card_crypto(&json!({ "cards": asked }));
    let theirs = theirs["cards"].as_array().expect("a list");
    assert_eq!(theirs.len(), CARDS);
    for length in 13..=19 {
        let is_so_long = |card: &&Drawn| shown(&card.pan).len() == length;
        assert!(cards.iter().filter(is_so_long).count() > 50, "{length}");
    }
    for (card, theirs) in cards.iter().zip(theirs) {
        agree(card, theirs);
    }
}
