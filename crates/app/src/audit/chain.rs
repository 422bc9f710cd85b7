//! What authenticates a record at its place in its partner's chain, under a key that the database
//! doesn't hold.
//!
//! A row's mac has two halves. Its **own** is of the partner, the place and the content: whoever
//! alters, inserts or swaps rows can't make it. Its **link** is of the link before and its own: it
//! tells a row from an older one of the same place. So each row that was touched is named by
//! itself, also beside another one. The end of a chain and the place up to which retention has
//! removed it are sealed too, so that a row that is missing at either end is missed.
//!
//! The content is the same however a database spells it: keys of `detail` are sorted, a whole
//! number has one form, and a time is its microseconds.

use crypto::mac::MacKey;
use domain::Timestamp;
use domain::ids::PartnerId;
use serde_json::{Number, Value};
use store::audit::chain::{Chain, Kept, Removed};

/// Bytes of each half of a mac, and of a seal: half of HMAC-SHA256, as much as anybody can try.
pub(super) const HALF: usize = 16;
/// What the first row of a chain is linked to.
pub(super) const NOTHING: Half = [0; HALF];

/// Half of a mac, or a seal.
pub(super) type Half = [u8; HALF];

/// The key with what it signs.
#[derive(Clone, Copy)]
pub(super) struct ChainKey<'a>(pub(super) &'a MacKey);

impl ChainKey<'_> {
    /// What authenticates a record at a place behind a link: its own and its link.
    pub(super) fn mac(self, kept: &Kept, place: i64, before: &[u8]) -> (Half, Half) {
        let own = self.own(kept, place);
        (own, self.link(kept.partner, place, before, &own))
    }

    /// That of a record by itself.
    pub(super) fn own(self, kept: &Kept, place: i64) -> Half {
        let Kept { partner, id, actor, action, object, detail, at, address, request_id, .. } = kept;
        self.sign(&[
            b"record",
            &partner.0.to_be_bytes(),
            &place.to_be_bytes(),
            id.as_bytes(),
            actor.as_bytes(),
            action.as_bytes(),
            object.as_bytes(),
            &canonical(detail),
            &at.to_be_bytes(),
            &optional(address.as_deref()),
            &optional(request_id.as_deref()),
        ])
    }

    /// What the next row is linked to.
    pub(super) fn link(self, partner: PartnerId, place: i64, before: &[u8], own: &[u8]) -> Half {
        let (partner, place) = (partner.0.to_be_bytes(), place.to_be_bytes());
        self.sign(&[b"link", &partner, &place, before, own])
    }

    /// What seals the end of a chain.
    pub(super) fn end(self, partner: PartnerId, place: i64, link: &[u8]) -> Half {
        self.sign(&[b"end", &partner.0.to_be_bytes(), &place.to_be_bytes(), link])
    }

    /// What seals the place up to which a chain was removed.
    pub(super) fn removal(
        self,
        partner: PartnerId,
        place: i64,
        link: &[u8],
        until: Option<Timestamp>,
    ) -> Half {
        let until = until.map(|until| until.as_microsecond().to_string());
        let (partner, place) = (partner.0.to_be_bytes(), place.to_be_bytes());
        self.sign(&[b"removed", &partner, &place, link, &optional(until.as_deref())])
    }

    /// Whether the end of a chain is as it was sealed.
    pub(super) fn knows_end(self, chain: &Chain) -> bool {
        self.end(chain.partner, chain.place, &chain.link).as_slice() == chain.seal
    }

    /// Whether what was removed of a chain is as it was sealed.
    pub(super) fn knows_removal(self, chain: &Chain) -> bool {
        let Removed { place, link, until, seal } = &chain.removed;
        self.removal(chain.partner, *place, link, *until).as_slice() == seal
    }

    /// Of which nothing was removed.
    pub(super) fn unremoved(self, partner: PartnerId) -> Removed {
        let seal = self.removal(partner, 0, &NOTHING, None);
        Removed { place: 0, link: NOTHING.to_vec(), until: None, seal: seal.to_vec() }
    }

    fn sign(self, parts: &[&[u8]]) -> Half {
        let mut half = Half::default();
        half.copy_from_slice(&self.0.sign(parts)[..HALF]);
        half
    }
}

/// The halves of a mac; none if it hasn't its length.
pub(super) fn halves(mac: &[u8]) -> Option<(&[u8], &[u8])> {
    (mac.len() == 2 * HALF).then(|| mac.split_at(HALF))
}

/// Nothing, and an empty text, are told apart.
fn optional(text: Option<&str>) -> Vec<u8> {
    text.map_or_else(Vec::new, |text| [b"=", text.as_bytes()].concat())
}

/// JSON in one spelling; what isn't JSON as it is, told apart from any JSON.
fn canonical(text: &str) -> Vec<u8> {
    match serde_json::from_str(text) {
        Ok(value) => {
            let mut out = "=".to_owned();
            write(&value, &mut out);
            out.into_bytes()
        }
        Err(_) => [b"!", text.as_bytes()].concat(),
    }
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(it) => out.push_str(if *it { "true" } else { "false" }),
        Value::Number(it) => out.push_str(&number(it)),
        Value::String(it) => write_text(it, out),
        Value::Array(all) => {
            out.push('[');
            all.iter().for_each(|it| {
                write(it, out);
                out.push(',');
            });
            out.push(']');
        }
        Value::Object(all) => {
            let mut names: Vec<_> = all.iter().collect();
            names.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, value) in names {
                write_text(name, out);
                out.push(':');
                write(value, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

/// By its length, so that nothing has to be escaped.
fn write_text(text: &str, out: &mut String) {
    out.push_str(&format!("{}\"{text}", text.len()));
}

/// PostgreSQL writes `1e2` as `100`.
fn number(number: &Number) -> String {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(0.0) => "0".to_owned(),
        Some(it) if it.fract() == 0.0 && it.abs() < 1e18 => format!("{it:.0}"),
        Some(_) | None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::keys::{PlatformKey, Purpose};
    use uuid::Uuid;

    fn kept(detail: &str) -> Kept {
        Kept {
            partner: PartnerId(1),
            id: Uuid::from_u128(7),
            actor: "certificate:acme/1".to_owned(),
            action: "card.lock".to_owned(),
            object: "5".to_owned(),
            detail: detail.to_owned(),
            at: 1_790_000_000_000_001,
            address: Some("192.0.2.1".to_owned()),
            request_id: None,
            sealed: None,
        }
    }

    fn key() -> MacKey {
        PlatformKey::generate("sandbox").mac(Purpose::AuditChain, 0)
    }

    #[test]
    fn the_content_is_the_same_however_a_database_spells_it() {
        for (one, other) in [
            (r#"{"b":1,"a":{"d":[1,2],"c":null}}"#, r#"{"a": {"c": null, "d": [1, 2]}, "b": 1}"#),
            (r#"{"a":1e2}"#, r#"{"a": 100}"#),
            (r#"{"a":-0.0}"#, r#"{"a": 0}"#),
            (r#"{"a":1.0}"#, r#"{"a": 1}"#),
            (r#"{"a":"\u00e9\/"}"#, r#"{"a": "é/"}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a": 2}"#),
        ] {
            assert_eq!(canonical(one), canonical(other), "{one}");
        }
    }

    #[test]
    fn contents_that_differ_are_told_apart() {
        let all = [
            r#"{}"#,
            r#"[]"#,
            r#"null"#,
            r#"{"a":null}"#,
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":1.5}"#,
            r#"{"a":[1,2]}"#,
            r#"{"a":[12]}"#,
            r#"{"a":[[1],2]}"#,
            r#"{"a":"b","c":"d"}"#,
            r#"{"a":"b\",1\"c\":1\"d"}"#,
            "no JSON",
            "=null",
        ];
        for (at, one) in all.iter().enumerate() {
            for other in &all[..at] {
                assert_ne!(canonical(one), canonical(other), "{one} {other}");
            }
        }
    }

    /// A change of the format would call every chain that there is broken.
    #[test]
    fn the_canonical_form_does_not_change() {
        let detail =
            r#"{"before": {"state": "ACTIVE"}, "after": {"state": "LOCKED", "n": [1, true]}}"#;
        let expected =
            r#"={5"after:{1"n:[1,true,],5"state:6"LOCKED,},6"before:{5"state:6"ACTIVE,},}"#;
        assert_eq!(String::from_utf8(canonical(detail)).expect("text"), expected);
        assert_eq!(optional(None), b"");
        assert_eq!(optional(Some("")), b"=");
    }

    #[test]
    fn each_column_and_the_place_are_authenticated() {
        let key = key();
        let key = ChainKey(&key);
        let one = key.own(&kept("{}"), 3);
        assert_eq!(key.own(&kept("{ }"), 3), one);
        assert_ne!(key.own(&kept("{}"), 4), one);
        let changes: [fn(&mut Kept); 10] = [
            |it| it.partner = PartnerId(2),
            |it| it.id = Uuid::from_u128(8),
            |it| it.actor = "certificate:acme/2".to_owned(),
            |it| it.action = "card.unlock".to_owned(),
            |it| it.object = "6".to_owned(),
            |it| it.detail = "[]".to_owned(),
            |it| it.at += 1,
            |it| it.address = None,
            |it| it.address = Some(String::new()),
            |it| it.request_id = Some(String::new()),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut altered = kept("{}");
            change(&mut altered);
            assert_ne!(key.own(&altered, 3), one, "{number}");
        }
        let (link, other) = (key.link(PartnerId(1), 3, &NOTHING, &one), [1; HALF]);
        assert_ne!(key.link(PartnerId(1), 3, &other, &one), link);
    }

    #[test]
    fn a_seal_is_of_one_place_of_one_chain() {
        let key = key();
        let key = ChainKey(&key);
        let removed = key.unremoved(PartnerId(1));
        let seal = key.end(PartnerId(1), 5, &NOTHING).to_vec();
        let chain =
            Chain { partner: PartnerId(1), place: 5, link: NOTHING.to_vec(), seal, removed };
        assert!(key.knows_end(&chain) && key.knows_removal(&chain));
        assert!(!key.knows_end(&Chain { place: 4, ..chain.clone() }));
        assert!(!key.knows_end(&Chain { partner: PartnerId(2), ..chain.clone() }));
        let removed = Removed { place: 4, ..chain.removed.clone() };
        assert!(!key.knows_removal(&Chain { removed, ..chain.clone() }));
        let removed = Removed { until: Some(Timestamp::UNIX_EPOCH), ..chain.removed.clone() };
        assert!(!key.knows_removal(&Chain { removed, ..chain }));
    }
}
