//! Tokens, keys, certificates and requests with something wrong: refused, never a panic.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use crypto::certificates::{
    Authority, certificate_der, check_authorities, check_client, client_key_and_csr, describe,
    describe_chain,
};
use crypto::jwe::{PrivateKey, PublicKey, Token};
use jiff::Timestamp;
use proptest::prelude::*;
use std::sync::LazyLock;

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);
const DAYS: u32 = 30;
const RFC_KEY: &str = include_str!("../testdata/rfc7516-a1-key.pem");
const CSRS: [&str; 3] = [
    include_str!("../testdata/rsa-2048.csr"),
    include_str!("../testdata/p384-greedy.csr"),
    include_str!("../testdata/ed25519.csr"),
];

static KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::from_pkcs8_pem(RFC_KEY).expect("the key of RFC 7516"));
static OURS: LazyLock<Authority> = LazyLock::new(|| Authority::create("test authority", NOW));

/// What is done to bytes.
#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Double(prop::sample::Index, prop::sample::Index),
    Remove(prop::sample::Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    let more = prop::collection::vec(any::<u8>(), 1..8);
    prop_oneof![
        6 => (at(), 1..=255u8).prop_map(|(at, bits)| Change::Flip(at, bits)),
        1 => at().prop_map(Change::Cut),
        2 => (at(), more).prop_map(|(at, more)| Change::Insert(at, more)),
        1 => (at(), at()).prop_map(|(from, to)| Change::Double(from, to)),
        2 => (at(), 1..40usize).prop_map(|(at, count)| Change::Remove(at, count)),
    ]
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec(change(), 1..4)
}

fn changed(whole: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for change in changes {
        if bytes.is_empty() {
            bytes.push(0);
        }
        let length = bytes.len();
        match change {
            Change::Flip(at, bits) => bytes[at.index(length)] ^= bits,
            Change::Cut(at) => bytes.truncate(at.index(length)),
            Change::Insert(at, more) => {
                let at = at.index(length);
                bytes.splice(at..at, more.iter().copied());
            }
            Change::Double(from, to) => {
                let (from, to) = (from.index(length), to.index(length));
                bytes.extend_from_within(from.min(to)..from.max(to));
            }
            Change::Remove(at, count) => {
                let at = at.index(length);
                bytes.drain(at..length.min(at + count));
            }
        }
    }
    bytes
}

fn text(whole: &str, changes: &[Change]) -> String {
    String::from_utf8_lossy(&changed(whole.as_bytes(), changes)).into_owned()
}

/// A PEM whose content was changed, not what stands around it.
fn pem(whole: &str, changes: &[Change]) -> String {
    let inside = |line: &&str| !line.starts_with("-----");
    let content: String = whole.lines().filter(inside).collect();
    let content = STANDARD.decode(content).expect("base64");
    let mut frame = whole.lines().filter(|line| !inside(line));
    let (begin, end) = (frame.next().expect("a begin"), frame.next().expect("an end"));
    format!("{begin}\n{}\n{end}\n", STANDARD.encode(changed(&content, changes)))
}

fn read_pem(pem: &str, key: &str) {
    let _ = OURS.sign_client(pem, DAYS, NOW);
    let _ = (certificate_der(pem).map(|der| describe(&der)), describe_chain(pem));
    let _ = (check_authorities(pem, NOW), check_client(pem, key, NOW));
    let _ = (Authority::from_pem(pem, key), PrivateKey::from_pkcs8_pem(pem));
    let _ = PublicKey::parse(pem);
    let _ = PublicKey::parse(&URL_SAFE_NO_PAD.encode(pem));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 3_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_token_that_was_changed_opens_nothing(changes in changes(), part in 0..6usize) {
        let plain = br#"{"amount":1}"#;
        let token = PublicKey::parse(&KEY.public_header()).expect("ours").encrypt(None, plain);
        let mutated = if part == 5 {
            text(&token, &changes)
        } else {
            let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
            let bytes = URL_SAFE_NO_PAD.decode(&parts[part]).expect("base64url");
            parts[part] = URL_SAFE_NO_PAD.encode(changed(&bytes, &changes));
            parts.join(".")
        };
        let _ = Token::parse(&mutated).map(|token| token.kid().map(str::to_owned));
        // Changes may undo one another.
        prop_assert!(mutated == token || KEY.decrypt(&mutated).is_err());
    }

    #[test]
    fn any_text_is_refused_as_a_token_and_as_a_key(
        text in prop_oneof!["\\PC{0,200}", "[A-Za-z0-9_.-]{0,200}"],
    ) {
        prop_assert!(KEY.decrypt(&text).is_err());
        prop_assert!(Token::parse(&text).is_err());
        prop_assert!(PublicKey::parse(&text).is_err());
    }

    #[test]
    fn a_public_key_that_was_changed_is_read_or_refused(changes in changes()) {
        let header = KEY.public_header();
        let _ = PublicKey::parse(&text(&header, &changes));
        let mutated = pem(KEY.public_pem(), &changes);
        if let Ok(key) = PublicKey::parse(&URL_SAFE_NO_PAD.encode(mutated)) {
            // Whatever is read as a key can be used as one.
            prop_assert_eq!(key.encrypt(None, b"{}").split('.').count(), 5);
        }
    }

    #[test]
    fn what_is_no_whole_pem_is_read_or_refused(
        changes in changes(),
        which in 0..6usize,
        inside in any::<bool>(),
    ) {
        let (key, csr) = client_key_and_csr("partner");
        let signed = OURS.sign_client(&csr, DAYS, NOW).expect("signs").pem;
        let whole = match which {
            0..3 => CSRS[which],
            3 => &csr,
            4 => &signed,
            _ => RFC_KEY,
        };
        let mutated = if inside { pem(whole, &changes) } else { text(whole, &changes) };
        read_pem(&mutated, &key);
        read_pem(&signed, &mutated);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = describe(&bytes);
        for label in ["CERTIFICATE", "CERTIFICATE REQUEST", "PUBLIC KEY", "PRIVATE KEY"] {
            let base64 = STANDARD.encode(&bytes);
            let pem = format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n");
            read_pem(&pem, &pem);
        }
    }
}
