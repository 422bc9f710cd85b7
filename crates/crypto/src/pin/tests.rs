//! Published vectors, and what a block and a value depend on.

use super::*;
use proptest::prelude::*;
use static_assertions::assert_not_impl_any;

assert_not_impl_any!(Pvv: Clone, PartialEq, std::fmt::Display);
assert_not_impl_any!(PinKey: Clone, PartialEq, std::fmt::Display);
assert_not_impl_any!(PinVerificationKey: Clone, PartialEq, std::fmt::Display);

const KEY: [u8; 16] = [
    0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10,
];
const AES_KEY: [u8; 16] = [
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF,
];

fn des() -> PinKey {
    PinKey::triple_des(&KEY).expect("odd parity")
}

fn aes() -> PinKey {
    PinKey::aes(&AES_KEY).expect("sixteen bytes")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks_exact(2);
    pairs.map(|pair| std::str::from_utf8(pair).expect("text")).map(byte).collect()
}

fn byte(digits: &str) -> u8 {
    u8::from_str_radix(digits, 16).expect("hexadecimal")
}

/// The block before it is encrypted, as it can be read out of an encrypted one.
fn clear(key: &PinKey, block: &PinBlock) -> String {
    let PinKey::TripleDes(key) = key else { panic!("of triple DES") };
    let mut bytes = block.bytes().try_into().expect("eight bytes");
    key.decrypt(&mut bytes);
    hex(&bytes)
}

/// The worked examples of ISO 9564-1 as textbooks and the Python library psec print them.
#[test]
fn the_published_blocks_are_made() {
    for (pin, pan, block) in [
        ("1234", "5544332211009966", "041277CDDEEFF669"),
        ("1234", "43219876543210987", "0412AC89ABCDEF67"),
        ("92389", "4000001234562", "0592789FFFEDCBA9"),
    ] {
        let made = des().encrypt_filled(Format::Zero, pin, pan, [0; 8]).expect("for this key");
        assert_eq!(clear(&des(), &made), block, "{pin} {pan}");
    }
    let fill = [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF];
    let made = des().encrypt_filled(Format::One, "1234", "", fill).expect("for this key");
    assert_eq!(clear(&des(), &made), "1412346789ABCDEF");
    let filled = [0xFF; 8];
    let made = aes().encrypt_filled(Format::Four, "1234", "1234567890123456789", filled);
    assert_eq!(hex(made.expect("for this key").bytes()), "28B41FDDD29B743E93124BD8E32D921E");
}

#[test]
fn published_blocks_are_read() {
    let block = PinBlock::new(Format::Four, unhex("52DB178C6EDCE52E3A70F7FBC8E9C758"));
    let pin = aes().decrypt_of(&block.expect("sixteen bytes"), "1234567890123456");
    assert_eq!(text(&pin.expect("readable")), "1234");
}

/// The example of the Python library psec; jPOS and psec agree on the algorithm.
#[test]
fn the_published_verification_value_is_made() {
    let key = PinVerificationKey(TripleDesKey::from_bytes(&KEY).expect("odd parity"));
    assert_eq!(key.value_of("1122334455667788", 3, "4524").expose(), b"34021");
}

#[test]
fn check_values_are_the_published() {
    // FIPS 81's key of zeros isn't allowed; these are of other people's calculators.
    assert_eq!(des().check_value(), "08D7B4");
    assert_eq!(PinKey::aes(&[0; 16]).expect("sixteen bytes").check_value(), "763CBC");
}

#[expect(clippy::disallowed_methods, reason = "a PIN of a test")]
fn text(pin: &Pin) -> &str {
    pin.expose()
}

fn keys() -> impl Strategy<Value = (Format, PinKey)> {
    prop_oneof![
        Just(Format::Zero).prop_map(|format| (format, PinKey::TripleDes(TripleDesKey::generate()))),
        Just(Format::One).prop_map(|format| (format, PinKey::TripleDes(TripleDesKey::generate()))),
        any::<[u8; 16]>().prop_map(|key| (Format::Four, PinKey::aes(&key).expect("sixteen bytes"))),
        any::<[u8; 32]>()
            .prop_map(|key| (Format::Four, PinKey::aes(&key).expect("thirty-two bytes"))),
    ]
}

proptest! {
    #[test]
    fn a_pin_is_read_from_its_block(
        (format, key) in keys(), pin in "[0-9]{4,12}", pan in "[0-9]{12,18}"
    ) {
        let pan = Pan::with_check_digit(&pan).expect("digits");
        let pin = Pin::parse(&pin).expect("digits");
        let block = key.encrypt(format, &pin, &pan).expect("for this key");
        let read = key.decrypt(&block, &pan).expect("our own block");
        prop_assert_eq!(text(&read), text(&pin));
    }

    /// A block that was made for another number or under another key is unreadable, or tells of
    /// another PIN; whatever it is, nothing panics.
    #[test]
    fn whatever_comes_is_read_or_not(
        (format, key) in keys(), bytes in any::<[u8; 16]>(), pan in "[0-9]{12,18}"
    ) {
        let pan = Pan::with_check_digit(&pan).expect("digits");
        let block = PinBlock::new(format, bytes[..format.length()].to_vec()).expect("as long");
        let _ = key.decrypt(&block, &pan);
        prop_assert!(PinBlock::new(format, bytes[1..format.length()].to_vec()).is_none());
    }
}

#[test]
fn a_block_of_another_number_or_key_does_not_tell_the_pin() {
    let (one, other) = ("411111111111111", "411111111111112");
    let [one, other] = [one, other].map(|pan| Pan::with_check_digit(pan).expect("digits"));
    let pin = Pin::parse("8264").expect("digits");
    for (format, key) in [(Format::Zero, des()), (Format::Four, aes())] {
        let block = key.encrypt(format, &pin, &one).expect("for this key");
        let read = key.decrypt(&block, &other);
        assert!(read.is_err() || read.is_ok_and(|read| text(&read) != "8264"), "{format:?}");
    }
    // Format 1 is bound to nothing.
    let block = des().encrypt(Format::One, &pin, &one).expect("for this key");
    assert_eq!(text(&des().decrypt(&block, &other).expect("readable")), "8264");
}

#[test]
fn a_format_needs_its_kind_of_key() {
    let pan = Pan::parse("4111111111111111").expect("a number");
    let pin = Pin::parse("8264").expect("digits");
    assert!(des().encrypt(Format::Four, &pin, &pan).is_none());
    for format in [Format::Zero, Format::One] {
        assert!(aes().encrypt(format, &pin, &pan).is_none());
        let block = des().encrypt(format, &pin, &pan).expect("for this key");
        assert!(aes().decrypt(&block, &pan).is_err());
    }
    for (number, format) in [(0, Format::Zero), (1, Format::One), (4, Format::Four)] {
        assert_eq!(Format::of(number), Some(format));
        assert_eq!(i64::from(format.number()), number);
    }
    for unknown in [-1, 2, 3, 5, i64::MAX] {
        assert_eq!(Format::of(unknown), None);
    }
}

#[test]
fn a_value_depends_on_number_index_pin_and_key() {
    let key = PinVerificationKey(TripleDesKey::from_bytes(&KEY).expect("odd parity"));
    let other = PinVerificationKey(TripleDesKey::generate());
    // A value has four digits, so single ones may agree by chance; ten in a row don't.
    let same = |value: &dyn Fn(u32) -> Pvv| {
        (0..10).all(|n| value(n).is(&key.value_of("4111111111111111", 1, &format!("{n:04}"))))
    };
    assert!(same(&|n| key.value_of("4111111111111111", 1, &format!("{n:04}99"))));
    assert!(!same(&|n| key.value_of("4111111111111121", 1, &format!("{n:04}"))));
    assert!(!same(&|n| key.value_of("4111111111111111", 2, &format!("{n:04}"))));
    assert!(!same(&|n| key.value_of("4111111111111111", 1, &format!("{:04}", n + 1))));
    assert!(!same(&|n| other.value_of("4111111111111111", 1, &format!("{n:04}"))));
    assert!(Pvv::from_digits(b"1234").is_none() && Pvv::from_digits(b"112a4").is_none());
    assert_eq!(Pvv::from_digits(b"61234").map(|value| value.index()), Some(6));
}

#[test]
fn keys_of_other_lengths_are_refused() {
    for length in [0, 8, 15, 17, 24, 31, 33] {
        assert_eq!(PinKey::aes(&vec![1; length]).err(), Some(InvalidPinKey), "{length}");
        assert_eq!(PinKey::triple_des(&vec![1; length]).err(), Some(InvalidPinKey), "{length}");
    }
}
