//! What opens what, and every way in which a key file is refused.

use super::*;
use serde_json::{Value, json};
use static_assertions::assert_not_impl_any;
use std::sync::OnceLock;

assert_not_impl_any!(MasterKey: Clone, PartialEq, std::fmt::Display);
assert_not_impl_any!(PlatformKey: Clone, PartialEq, std::fmt::Display);
assert_not_impl_any!(PartnerKey: Clone, PartialEq, std::fmt::Display);
assert_not_impl_any!(Passphrase: Clone, PartialEq, std::fmt::Display);

const PURPOSES: [Purpose; 8] = [
    Purpose::Pan,
    Purpose::PanIndex,
    Purpose::Document,
    Purpose::Secret,
    Purpose::Answer,
    Purpose::CardKey,
    Purpose::Fingerprint,
    Purpose::Audit,
];

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery staple")
}

/// A master key and its file, made once: stretching a passphrase is slow on purpose.
fn filed() -> &'static (MasterKey, String) {
    static FILED: OnceLock<(MasterKey, String)> = OnceLock::new();
    FILED.get_or_init(|| {
        let master = MasterKey::generate("sandbox");
        let text = master.to_file(&passphrase());
        (master, text)
    })
}

/// Opens the file after a change; says whether it's the same key, or why it can't be opened.
fn opened(change: impl FnOnce(&mut Value)) -> Result<bool, KeyFileError> {
    let (master, text) = filed();
    let mut file: Value = serde_json::from_str(text).expect("our own file");
    change(&mut file);
    let read = MasterKey::from_file(&file.to_string(), &passphrase())?;
    Ok(read.key == master.key && read.kind == master.kind)
}

#[test]
fn a_master_key_comes_back_from_its_file() {
    let (master, text) = filed();
    let read = MasterKey::from_file(text, &passphrase()).expect("our own file");
    assert_eq!(read.kind(), "sandbox");
    let sealed = master.seal_file("ca-key", b"value");
    let value = read.open_file("ca-key", &sealed).expect("the same key");
    assert_eq!(**value, *b"value");
}

/// A file must stay readable for ever. This one is from an implementation in Python.
#[test]
fn a_file_written_elsewhere_by_the_same_rules_is_opened() {
    let text = include_str!("../../testdata/master-key.json");
    let read = MasterKey::from_file(text, &passphrase()).expect("the passphrase is right");
    assert_eq!((read.kind(), *read.key), ("sandbox", [5; 32]));
}

#[test]
fn the_file_holds_neither_key_nor_passphrase() {
    use base64::Engine as _;
    let (master, text) = filed();
    let key = base64::engine::general_purpose::STANDARD.encode(*master.key);
    assert!(!text.contains(&key) && !text.contains("staple"));
    assert_ne!(*text, master.to_file(&passphrase()));
}

#[test]
fn a_wrong_passphrase_is_told_as_such() {
    let (_, text) = filed();
    for wrong in ["", "Correct horse battery staple", "correct horse battery staple "] {
        let read = MasterKey::from_file(text, &Passphrase::new(wrong));
        assert_eq!(read.err(), Some(KeyFileError::WrongPassphrase), "{wrong}");
    }
}

#[test]
fn the_line_end_after_a_passphrase_does_not_count() {
    let (_, text) = filed();
    for ended in ["correct horse battery staple\n", "correct horse battery staple\r\n"] {
        assert!(MasterKey::from_file(text, &Passphrase::new(ended)).is_ok());
    }
}

#[test]
fn a_file_altered_in_what_it_says_cannot_be_opened() {
    let wrong = Err(KeyFileError::WrongPassphrase);
    assert_eq!(opened(|_| ()), Ok(true));
    assert_eq!(opened(|file| file["kind"] = json!("production")), wrong);
    assert_eq!(opened(|file| file["argon2id"]["passes"] = json!(1)), wrong);
    assert_eq!(opened(|file| file["argon2id"]["memoryKib"] = json!(1024)), wrong);
    assert_eq!(opened(|file| file["salt"] = json!("AAAAAAAAAAAAAAAAAAAAAA==")), wrong);
    assert_eq!(opened(|file| file["nonce"] = json!("AAAAAAAAAAAAAAAA")), wrong);
    assert_eq!(opened(|file| file["key"] = json!("AAAA".repeat(16))), wrong);
}

#[test]
fn a_text_that_is_no_key_file_is_told_as_such() {
    let not = Err(KeyFileError::NotAKeyFile);
    for text in ["", "{}", "[]", "null", "-----BEGIN PRIVATE KEY-----", "{\"version\": 1}"] {
        let read = MasterKey::from_file(text, &passphrase());
        assert_eq!(read.err(), Some(KeyFileError::NotAKeyFile), "{text}");
    }
    assert_eq!(opened(|file| file["version"] = json!("1")), not);
    assert_eq!(opened(|file| file["extra"] = json!(1)), not);
    assert_eq!(opened(|file| file["nonce"] = json!("AAAA")), not);
    assert_eq!(opened(|file| file["salt"] = json!("AAAA")), not);
    assert_eq!(opened(|file| file["salt"] = json!("%%")), not);
    assert_eq!(opened(|file| file["argon2id"]["passes"] = json!(0)), not);
    assert_eq!(opened(|file| file["argon2id"]["lanes"] = json!(0)), not);
    assert_eq!(opened(|file| file["argon2id"]["memoryKib"] = json!(-1)), not);
    assert_eq!(opened(|file| file["kind"] = json!("x".repeat(20_000))), not);
}

#[test]
fn a_newer_file_is_told_as_such_whatever_else_it_holds() {
    let newer = Err(KeyFileError::UnsupportedVersion);
    assert_eq!(opened(|file| *file = json!({"version": 2, "scrypt": {}})), newer);
    assert_eq!(opened(|file| file["version"] = json!(0)), newer);
}

#[test]
fn a_file_cannot_ask_for_absurd_amounts_of_memory_or_time() {
    let costly = Err(KeyFileError::TooCostly);
    assert_eq!(opened(|file| file["argon2id"]["memoryKib"] = json!(1024 * 1024 + 1)), costly);
    assert_eq!(opened(|file| file["argon2id"]["memoryKib"] = json!(u32::MAX)), costly);
    assert_eq!(opened(|file| file["argon2id"]["passes"] = json!(65)), costly);
    assert_eq!(opened(|file| file["argon2id"]["lanes"] = json!(17)), costly);
}

#[test]
fn a_partner_key_is_unwrapped_for_its_partner_alone() {
    let (master, partner) = (MasterKey::generate("sandbox"), PartnerKey::generate());
    let wrapped = master.wrap(PartnerId(1), &partner);
    let read = master.unwrap(PartnerId(1), &wrapped).expect("the same partner");
    assert_eq!(read.0, partner.0);
    assert_eq!(master.unwrap(PartnerId(2), &wrapped).err(), Some(OpenError));
    assert_eq!(
        MasterKey::generate("sandbox").unwrap(PartnerId(1), &wrapped).err(),
        Some(OpenError)
    );
    for place in 0..wrapped.len() {
        let mut altered = wrapped.clone();
        altered[place] ^= 1;
        assert_eq!(master.unwrap(PartnerId(1), &altered).err(), Some(OpenError), "{place}");
    }
}

#[test]
fn the_same_key_in_an_instance_of_another_kind_opens_nothing() {
    let sandbox = MasterKey::generate("sandbox");
    let production = MasterKey { kind: "production".to_owned(), key: sandbox.key.clone() };
    let wrapped = sandbox.wrap(PartnerId(1), &PartnerKey::generate());
    assert_eq!(production.unwrap(PartnerId(1), &wrapped).err(), Some(OpenError));
    let sealed = sandbox.seal_file("ca-key", b"value");
    assert!(production.open_file("ca-key", &sealed).is_err());
    let sealed = sandbox.as_platform().seal("jwe", b"value");
    assert!(production.as_platform().open("jwe", &sealed).is_err());
}

/// What a database holds under a master key that was the platform's key too stays readable; a new
/// platform's key has nothing in common with its master key.
#[test]
fn the_platforms_key_outlives_its_master_key() {
    let (former, next) = (MasterKey::generate("sandbox"), MasterKey::generate("sandbox"));
    let sealed = former.seal_file("jwe", b"value");
    let platform = former.as_platform();
    let digest = platform.mac(Purpose::Fingerprint, 0).sign(&[b"request"]);
    let read = next.unwrap_platform(&next.wrap_platform(&platform)).expect("its own");
    assert_eq!(**read.open("jwe", &sealed).expect("the same key"), *b"value");
    assert_eq!(read.mac(Purpose::Fingerprint, 0).sign(&[b"request"]), digest);
    assert!(former.unwrap_platform(&next.wrap_platform(&platform)).is_err());
    assert!(next.unwrap(PartnerId(1), &next.wrap_platform(&platform)).is_err());
    assert!(PlatformKey::generate("sandbox").open("jwe", &sealed).is_err());
}

/// While one key follows another, what either wraps is opened.
#[test]
fn two_master_keys_open_what_either_has_wrapped() {
    let (former, next) = (MasterKey::generate("sandbox"), MasterKey::generate("sandbox"));
    let partner = PartnerKey::generate();
    let wrapped = [former.wrap(PartnerId(1), &partner), next.wrap(PartnerId(1), &partner)];
    let files = [former.seal_file("ca-key", b"one"), next.seal_file("ca-key", b"two")];
    let opened = |keys: &MasterKeys| {
        let of_partner = |it: &Vec<u8>| keys.unwrap(PartnerId(1), it).is_ok();
        let file = |it: &Vec<u8>| keys.open_file("ca-key", it).is_ok();
        (wrapped.each_ref().map(of_partner), files.each_ref().map(file))
    };
    let platform = next.wrap_platform(&PlatformKey::generate("sandbox"));
    let keys = MasterKeys::new(former, None);
    assert_eq!(opened(&keys), ([true, false], [true, false]));
    assert!(keys.next().is_none() && keys.unwrap_platform(&platform).is_err());
    keys.promote_next();
    keys.follow_with(MasterKey::generate("sandbox"), "another");
    let next = keys.follow_with(next, "file").key;
    assert_eq!(opened(&keys), ([true; 2], [true; 2]));
    let (wraps, _) = keys.unwrap_platform(&platform).expect("opened by the next");
    assert!(std::sync::Arc::ptr_eq(&wraps, &next));
    keys.promote_next();
    assert_eq!(opened(&keys), ([false, true], [false, true]));
    assert!(std::sync::Arc::ptr_eq(&keys.current(), &next) && keys.next().is_none());
    keys.follow_with(MasterKey::generate("sandbox"), "another");
    keys.forget_next();
    assert!(keys.next().is_none());
}

#[test]
fn every_purpose_epoch_use_and_owner_has_a_key_of_its_own() {
    let (platform, partner) = (PlatformKey::generate("sandbox"), PartnerKey::generate());
    let named = |key: &Key, usage, label, epoch| of_platform(key, "sandbox", (usage, label), epoch);
    let mut seen = std::collections::HashSet::new();
    let mut count = 0;
    for purpose in PURPOSES {
        for epoch in [0, 1, u32::MAX] {
            for usage in [&b"seal"[..], b"mac"] {
                seen.insert(*named(&platform.key, usage, purpose.label(), epoch));
                seen.insert(*named(&partner.0, usage, purpose.label(), epoch));
                seen.insert(*partner.derive(usage, purpose, epoch));
                count += 3;
            }
        }
    }
    assert_eq!(seen.len(), count);
}

/// A change of the derivation would lose everything sealed so far.
#[test]
fn a_derived_key_is_the_one_that_hkdf_gives() {
    let partner = PartnerKey(Zeroizing::new([3; 32]));
    let info = [
        &[0, 0, 0, 0, 0, 0, 0, 7][..],
        b"partner",
        &[0, 0, 0, 0, 0, 0, 0, 3],
        b"mac",
        &[0, 0, 0, 0, 0, 0, 0, 9],
        b"pan-index",
        &[0, 0, 0, 0, 0, 0, 0, 4],
        &[0, 0, 0, 2],
    ]
    .concat();
    // HKDF by its definition (RFC 5869), for one block of output.
    let hmac = |key: &[u8], text: &[u8]| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
        aws_lc_rs::hmac::sign(&key, text).as_ref().to_vec()
    };
    let expected = hmac(&hmac(SALT, &[3; 32]), &[&info[..], &[1]].concat());
    assert_eq!(partner.derive(b"mac", Purpose::PanIndex, 2).to_vec(), expected);
}
