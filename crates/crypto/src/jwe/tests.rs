//! Tokens of others, and every way in which one is refused.

use super::*;
use crate::encoding::to_pem;
use crate::gcm::Gcm;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::sync::{Arc, OnceLock};

assert_not_impl_any!(PrivateKey: Clone, PartialEq, std::fmt::Display);
assert_impl_all!(PrivateKey: Send, Sync);
assert_impl_all!(PublicKey: Send, Sync);

const RFC_KEY: &str = include_str!("../../testdata/rfc7516-a1-key.pem");
const RFC_TOKEN: &str = include_str!("../../testdata/rfc7516-a1-token.txt");
const JWCRYPTO_TOKEN: &str = include_str!("../../testdata/jwcrypto-rsa-oaep-256.txt");
const SEEDS: &str = include_str!("../../testdata/seeds-jwe-examples.txt");
const HEADER: &str = r#"{"alg":"RSA-OAEP-256","enc":"A256GCM"}"#;

fn private() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| PrivateKey::from_pkcs8_pem(RFC_KEY).expect("the key of RFC 7516"))
}

fn public() -> PublicKey {
    PublicKey::parse(&private().public_header()).expect("our own key")
}

/// A token that is right in everything but its header and the length of its content key.
fn token_of(header: &str, key: &[u8]) -> String {
    let header = URL_SAFE_NO_PAD.encode(header);
    let mut padded = [0; 32];
    padded[..key.len().min(32)].copy_from_slice(&key[..key.len().min(32)]);
    let (nonce, mut text) = Gcm::new(&padded).seal(header.as_bytes(), b"text");
    let tag = text.split_off(4);
    let parts = [&public().wrap(key)[..], &nonce, &text, &tag];
    let [key, nonce, text, tag] = parts.map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}.{key}.{nonce}.{text}.{tag}")
}

fn decrypted(token: &str) -> Result<Vec<u8>, JweError> {
    private().decrypt(token).map(|text| text.to_vec())
}

fn kid_of(token: &str) -> Option<String> {
    Token::parse(token).ok()?.kid().map(str::to_owned)
}

/// The token with one of its five parts replaced.
fn with_part(token: &str, place: usize, part: &str) -> String {
    let mut parts: Vec<_> = token.split('.').collect();
    parts[place] = part;
    parts.join(".")
}

#[test]
fn what_is_encrypted_for_a_key_is_decrypted_by_it() {
    for text in [&b""[..], b"{}", &[7; 1_000_000]] {
        assert_eq!(decrypted(&public().encrypt(None, text)).as_deref(), Ok(text));
    }
}

#[test]
fn a_new_key_works_and_comes_back_from_its_pem() {
    let key = PrivateKey::generate();
    let read = PrivateKey::from_pkcs8_pem(&key.to_pkcs8_pem()).expect("our own key");
    let public = PublicKey::parse(&key.public_header()).expect("our own key");
    let token = public.encrypt(Some(key.kid()), b"text");
    assert_eq!(**read.decrypt(&token).expect("the same key"), *b"text");
    assert_eq!((read.kid(), read.public_pem()), (key.kid(), key.public_pem()));
    assert_eq!(public.thumbprint(), key.kid());
    assert_eq!(private().decrypt(&token).err(), Some(JweError::CantDecrypt));
}

/// RFC 7516, appendix A.1, and a token made by another implementation.
#[test]
fn tokens_of_others_are_decrypted() {
    let text = b"The true sign of intelligence is not knowledge but imagination.";
    assert_eq!(decrypted(RFC_TOKEN.trim()).as_deref(), Ok(&text[..]));
    assert_eq!(decrypted(JWCRYPTO_TOKEN.trim()).as_deref(), Ok(&br#"{"pin":"1234"}"#[..]));
}

/// The thumbprint that jwcrypto computes for the key of RFC 7516.
#[test]
fn a_key_is_named_by_its_thumbprint() {
    assert_eq!(private().kid(), "xtIsOV1FqKH77AI_A3jdTg5QfdabzqI-LNpYTPi0IgI");
    assert_eq!(kid_of(JWCRYPTO_TOKEN.trim()).as_deref(), Some(private().kid()));
}

#[test]
fn a_private_key_is_not_printed() {
    assert_eq!(format!("{:?}", private()), "PrivateKey(…)");
}

#[test]
fn the_header_names_algorithms_and_key_in_a_fixed_order() {
    let header = |kid| {
        let token = public().encrypt(kid, b"text");
        let header = token.split('.').next().map(str::to_owned).expect("a part");
        String::from_utf8(URL_SAFE_NO_PAD.decode(header).expect("base64")).expect("text")
    };
    assert_eq!(header(None), HEADER);
    let named = r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"a \"b\""}"#;
    assert_eq!(header(Some("a \"b\"")), named);
    assert_eq!(kid_of(&public().encrypt(Some("a \"b\""), b"")).as_deref(), Some("a \"b\""));
    assert_eq!(kid_of(&public().encrypt(None, b"")), None);
}

#[test]
fn a_public_key_is_read_in_every_spelling() {
    let pem = private().public_pem();
    let der = crate::encoding::from_pem("PUBLIC KEY", pem).expect("our own");
    let crlf = pem.replace('\n', "\r\n");
    for content in [pem.as_bytes(), crlf.as_bytes(), pem.trim().as_bytes(), &der] {
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            let key = PublicKey::parse(&engine.encode(content)).expect("a good key");
            assert_eq!(key.thumbprint(), private().kid());
        }
    }
}

/// DER of a public key with an odd modulus of that many bits.
fn spki(bits: usize, exponent: &[u8]) -> Vec<u8> {
    spki_of(&vec![0xFF; bits / 8], exponent)
}

fn spki_of(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let modulus = [&[0], modulus].concat();
    let key = der(0x30, &[der(0x02, &modulus), der(0x02, exponent)].concat());
    let rsa = [0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 5, 0];
    let bits = der(0x03, &[&[0], &key[..]].concat());
    der(0x30, &[der(0x30, &rsa), bits].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("short").to_be_bytes();
    let length = match content.len() {
        0..128 => vec![length[1]],
        128..256 => vec![0x81, length[1]],
        _ => vec![0x82, length[0], length[1]],
    };
    [&[tag], &length[..], content].concat()
}

#[test]
fn a_public_key_of_another_size_or_exponent_is_refused() {
    let parse = |bits, exponent: &[u8]| {
        PublicKey::parse(&STANDARD.encode(spki(bits, exponent))).map(|_| ()).err()
    };
    let usual = [1, 0, 1];
    assert_eq!(parse(2048, &usual), None);
    assert_eq!(parse(3072, &usual), None);
    assert_eq!(parse(4096, &usual), None);
    for bits in [512, 1024, 2040, 4104, 8192] {
        assert_eq!(parse(bits, &usual), Some(InvalidPublicKey::WrongSize), "{bits}");
    }
    for exponent in [&[1][..], &[3], &[17], &[1, 0, 3], &[1, 0, 0, 0, 1]] {
        assert_eq!(parse(2048, exponent), Some(InvalidPublicKey::WrongExponent), "{exponent:?}");
    }
}

/// A modulus may be any number: nobody can read such an answer, but nothing breaks.
#[test]
fn a_modulus_that_is_none_is_refused_or_used() {
    let odd_ones = |last: u8| [&[0x80][..], &[0; 254], &[last]].concat();
    let all = |byte: u8| vec![byte; 256];
    for modulus in [all(0xFF), all(0xFE), all(0xAA), odd_ones(0), odd_ones(1), odd_ones(2)] {
        let header = STANDARD.encode(spki_of(&modulus, &[1, 0, 1]));
        match PublicKey::parse(&header) {
            Ok(key) => assert_eq!(key.encrypt(None, b"text").split('.').count(), 5),
            Err(refused) => assert_eq!(refused, InvalidPublicKey::NotAnRsaKey, "{modulus:x?}"),
        }
    }
}

#[test]
fn what_is_no_public_key_is_refused_with_its_reason() {
    let parse = |header: &str| PublicKey::parse(header).map(|_| ()).err();
    let good = private().public_header();
    assert_eq!(parse(&"A".repeat(2049)), Some(InvalidPublicKey::TooLong));
    for bad in ["%", "AAAAA", "-----BEGIN PUBLIC KEY-----", &format!(" {good}"), "AA+A-A"] {
        assert_eq!(parse(bad), Some(InvalidPublicKey::NotBase64), "{bad}");
    }
    let rsa = spki(2048, &[1, 0, 1]);
    let (_, request) = crate::certificates::client_key_and_csr("name");
    let ec_key = crate::certificates::client_key_and_csr("name").0;
    let contents = [
        vec![],
        b"text".to_vec(),
        rsa[..rsa.len() - 1].to_vec(),
        [&rsa[..], &[0]].concat(),
        request.into_bytes(),
        ec_key.as_bytes().to_vec(),
        to_pem("RSA PUBLIC KEY", &rsa).as_bytes().to_vec(),
        [private().public_pem(), private().public_pem()].concat().into_bytes(),
        private().public_pem().replace("-----END", "-----ENDE").into_bytes(),
    ];
    for content in contents {
        assert_eq!(parse(&STANDARD.encode(&content)), Some(InvalidPublicKey::NotAnRsaKey));
    }
}

#[test]
fn what_is_no_private_key_of_ours_is_refused() {
    let ec_key = crate::certificates::client_key_and_csr("name").0;
    for bad in ["", private().public_pem(), &ec_key, &RFC_KEY.replace("MIIE", "MIIF")] {
        assert_eq!(PrivateKey::from_pkcs8_pem(bad).err(), Some(InvalidPrivateKey), "{bad}");
    }
}

#[test]
fn both_flavours_of_oaep_are_accepted_and_none_else() {
    let (rsa_oaep, rsa_oaep_256) = (RFC_TOKEN.trim(), token_of(HEADER, &[1; 32]));
    assert!(decrypted(rsa_oaep).is_ok());
    assert_eq!(decrypted(&rsa_oaep_256).as_deref(), Ok(&b"text"[..]));
    // The key was encrypted with SHA-256, the header says SHA-1.
    let mixed = token_of(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#, &[1; 32]);
    assert_eq!(decrypted(&mixed), Err(JweError::CantDecrypt));
}

#[test]
fn a_header_that_is_not_ours_is_refused_before_any_decryption() {
    let headers = [
        "",
        "null",
        "[]",
        "{}",
        r#""text""#,
        r#"{"alg":"RSA-OAEP-256"}"#,
        r#"{"enc":"A256GCM"}"#,
        r#"{"alg":"RSA1_5","enc":"A256GCM"}"#,
        r#"{"alg":"RSA-OAEP-384","enc":"A256GCM"}"#,
        r#"{"alg":"rsa-oaep-256","enc":"A256GCM"}"#,
        r#"{"alg":"dir","enc":"A256GCM"}"#,
        r#"{"alg":"none","enc":"A256GCM"}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A128GCM"}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256CBC-HS512"}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","zip":"DEF"}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","zip":null}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","crit":["exp"]}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","crit":[]}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","alg":"RSA-OAEP-256"}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A128GCM","enc":"A256GCM"}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","x":1,"x":1}"#,
        r#"{"alg":["RSA-OAEP-256"],"enc":"A256GCM"}"#,
        r#"{"alg":"RSA-OAEP-256","enc":1}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":1}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":null}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","typ":[]}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM"}{}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM""#,
    ];
    for header in headers {
        let token = token_of(header, &[1; 32]);
        assert_eq!(decrypted(&token), Err(JweError::InvalidPayload), "{header}");
        assert_eq!(kid_of(&token), None, "{header}");
    }
    let long = format!(r#"{{"alg":"RSA-OAEP-256","enc":"A256GCM","x":"{}"}}"#, "x".repeat(4000));
    assert_eq!(decrypted(&token_of(&long, &[1; 32])), Err(JweError::InvalidPayload));
}

#[test]
fn other_members_of_a_header_do_no_harm() {
    let header =
        r#"{"typ":"JWE","cty":"json","kid":"k","enc":"A256GCM","iat":1,"alg":"RSA-OAEP-256"}"#;
    let token = token_of(header, &[1; 32]);
    assert_eq!(decrypted(&token).as_deref(), Ok(&b"text"[..]));
    assert_eq!(kid_of(&token).as_deref(), Some("k"));
}

#[test]
fn a_token_of_another_shape_is_refused() {
    let token = public().encrypt(None, b"text");
    let parts: Vec<_> = token.split('.').collect();
    let tag = parts[4];
    let shapes = [
        String::new(),
        ".".to_owned(),
        "....".to_owned(),
        parts[..4].join("."),
        format!("{token}."),
        format!("{token}.AAAA"),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{token}=="),
        token.replacen('.', "\n.", 1),
        with_part(&token, 0, ""),
        with_part(&token, 1, ""),
        with_part(&token, 1, &"A".repeat(4 * 171)),
        with_part(&token, 1, "A"),
        with_part(&token, 1, "AA=="),
        with_part(&token, 1, "+/+/"),
        with_part(&token, 2, ""),
        with_part(&token, 2, "AAAA"),
        with_part(&token, 2, &"A".repeat(20)),
        with_part(&token, 3, "%%%%"),
        // "text" ends with stray bits: another spelling of the same bytes.
        with_part(&token, 3, "dGV4dB"),
        with_part(&token, 4, ""),
        with_part(&token, 4, &tag[..tag.len() - 2]),
        with_part(&token, 4, &format!("{tag}AA")),
        format!("{token}{}", "A".repeat(4 * 1024 * 1024)),
    ];
    for shape in shapes {
        let start: String = shape.chars().take(80).collect();
        assert_eq!(decrypted(&shape), Err(JweError::InvalidPayload), "{start}");
    }
}

#[test]
fn a_wrong_key_a_broken_key_and_a_broken_text_look_the_same() {
    let token = public().encrypt(None, b"text");
    let cant = Err(JweError::CantDecrypt);
    let other = public().encrypt(None, b"text");
    let others: Vec<_> = other.split('.').collect();
    for (place, part) in others.iter().enumerate().skip(1) {
        assert_eq!(decrypted(&with_part(&token, place, part)), cant, "{place}");
    }
    assert_eq!(decrypted(&with_part(&token, 1, "AAAA")), cant);
    assert_eq!(decrypted(&with_part(&token, 1, &"A".repeat(342))), cant);
    assert_eq!(decrypted(&with_part(&token, 1, &format!("{}w", "_".repeat(341)))), cant);
    assert_eq!(decrypted(&with_part(&token, 3, "")), cant);
    let named = r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"k"}"#;
    assert_eq!(decrypted(&with_part(&token, 0, &URL_SAFE_NO_PAD.encode(named))), cant);
    // OAEP succeeds here, but the content key has another length.
    for length in [0, 16, 31, 33] {
        assert_eq!(decrypted(&token_of(HEADER, &vec![1; length])), cant, "{length}");
    }
}

#[test]
fn a_token_is_decrypted_by_whichever_key_it_was_made_for() {
    let keys: Vec<_> = (0..3).map(|_| Arc::new(PrivateKey::generate())).collect();
    let open = |keys: &[Arc<PrivateKey>], token: &str| {
        let token = Token::parse(token).expect("a token");
        decrypt_with(keys, &token).map(|text| text.to_vec())
    };
    for key in &keys {
        let public = PublicKey::parse(&key.public_header()).expect("our own key");
        let token = public.encrypt(None, key.kid().as_bytes());
        assert_eq!(open(&keys, &token).as_deref(), Ok(key.kid().as_bytes()));
        let others: Vec<_> = keys.iter().filter(|it| it.kid() != key.kid()).cloned().collect();
        assert_eq!(open(&others, &token), Err(JweError::CantDecrypt));
        assert_eq!(open(&[], &token), Err(JweError::CantDecrypt));
    }
}

#[test]
fn a_token_is_not_printed() {
    let token = Token::parse(RFC_TOKEN.trim()).expect("a token");
    assert_eq!(format!("{token:?}"), "Token(79 bytes)");
}

/// The examples of the first documents of this API, made for somebody else's key: once as they
/// stand there, with the backslashes of their mark-up, and once without these.
#[test]
fn the_examples_of_the_first_documents_are_not_for_us() {
    for example in SEEDS.lines() {
        assert_eq!(decrypted(example), Err(JweError::InvalidPayload));
        assert_eq!(decrypted(&example.replace('\\', "")), Err(JweError::CantDecrypt));
    }
    assert_eq!(SEEDS.lines().count(), 2);
}

#[test]
fn a_thousand_altered_tokens_get_one_of_two_errors() {
    let token = public().encrypt(Some("key"), b"{\"pin\":\"1234\"}").into_bytes();
    let (mut invalid, mut cant) = (0, 0);
    for n in 0..1000 {
        let random = u64::from_be_bytes(crate::random::bytes());
        let mut altered = token.clone();
        let place = usize::try_from(random % 1_000_000).expect("small") % altered.len();
        match n % 4 {
            0 => altered[place] ^= 1 << (random >> 61),
            1 => altered[place] = b"AZaz09-_."[usize::try_from(random >> 33).expect("small") % 9],
            2 => drop(altered.remove(place)),
            _ => altered.insert(place, altered[place / 2]),
        }
        let altered = String::from_utf8_lossy(&altered).into_owned();
        if altered.as_bytes() == token {
            continue;
        }
        match decrypted(&altered) {
            Err(JweError::InvalidPayload) => invalid += 1,
            Err(JweError::CantDecrypt) => cant += 1,
            Ok(_) => panic!("an altered token was decrypted: {altered}"),
        }
    }
    assert!(invalid > 100 && cant > 100, "{invalid} invalid, {cant} not decrypted");
}
