//! Tests of what a record says.

use super::*;
use crypto::keys::{MasterKey, MasterKeys, PlatformKey};

#[test]
fn a_change_tells_the_fields_that_differ() {
    let before = json!({ "state": "ACTIVE", "lockReason": null, "kept": 1, "gone": 2 });
    let after = json!({ "state": "LOCKED", "lockReason": "CARD_LOST", "kept": 1, "new": 3 });
    let told = Entry::changed("card.lock", 5, &before, &after).detail;
    let expected = json!({
        "before": { "state": "ACTIVE", "lockReason": null, "gone": 2 },
        "after": { "state": "LOCKED", "lockReason": "CARD_LOST", "new": 3 },
    });
    assert_eq!(told, expected);
}

#[test]
fn a_digest_is_of_one_field_of_one_object() {
    let master = MasterKeys::new(MasterKey::generate("sandbox"), None);
    let keyring = Keyring::new(master, PlatformKey::generate("sandbox"));
    let digest = |partner, object: &str, field, value| {
        let (partner, object) = (PartnerId(partner), object.to_owned());
        Digests { keyring: &keyring, partner, object }.of(field, Some(value))
    };
    let one = digest(1, "user/1", "phone", "481234567");
    assert_eq!(digest(1, "user/1", "phone", "481234567"), one);
    for other in [
        digest(2, "user/1", "phone", "481234567"),
        digest(1, "user/2", "phone", "481234567"),
        digest(1, "user/1", "email", "481234567"),
        digest(1, "user/1", "phone", "481234568"),
    ] {
        assert_ne!(other, one);
    }
    assert_eq!(one.as_str().map(str::len), Some("hmac:".len() + 32));
}
