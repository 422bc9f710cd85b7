//! The secrets that a message carries: code, PIN, and what the processor has checked itself.

use crate::wire::{Fields, Reader, parsed, reader, schema, text, word};
use app::processor::{Check, Checked, SentPin};
use crypto::pin::{Format, PinBlock};
use domain::Word;
use domain::secret::Cvv;
use serde_json::Value;

/// `{"format": 0, "keyId", "block"}`: the PIN that was typed, encrypted.
pub(super) fn pin_block(fields: &mut Fields<'_>) -> Option<SentPin> {
    let mut inner = fields.nested("pinBlock")?;
    let of = |number: &Value| Format::of(number.as_i64()?);
    let schema = || schema::integer().enum_values(Some([0, 1, 4]));
    let read = move |number: &Value| of(number).ok_or("must be 0, 1 or 4");
    let format = inner.required("format", reader(read, schema));
    let key_id = inner.required("keyId", text(64));
    let bytes = inner.required("block", hexadecimal());
    let block = format.zip(bytes).and_then(|(format, bytes)| {
        let block = PinBlock::new(format, bytes);
        if block.is_none() {
            inner.wrong("block", "must be 8 bytes for formats 0 and 1, 16 for format 4");
        }
        block
    });
    fields.absorb(inner);
    Some(SentPin { key_id: key_id?, block: block? })
}

/// What the processor has checked itself; what it found of the address is for its own use.
pub(super) fn checked(fields: &mut Fields<'_>) -> Option<Checked> {
    let mut inner = fields.nested("verifications")?;
    let mut of = |name| {
        let message = "must be MATCH, NO_MATCH or NOT_CHECKED";
        inner.optional(name, word(Found::ALL, message)).and_then(Found::check)
    };
    let checked = Checked { cvv: of("cvv"), pin: of("pin"), chip: of("cryptogram") };
    of("avs");
    fields.absorb(inner);
    Some(checked)
}

/// What a processor tells of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Match,
    NoMatch,
    NotChecked,
}

impl Found {
    fn check(self) -> Option<Check> {
        match self {
            Self::Match => Some(Check::Match),
            Self::NoMatch => Some(Check::NoMatch),
            Self::NotChecked => None,
        }
    }
}

impl Word for Found {
    const NAME: &'static str = "Verification";
    const ALL: &'static [Self] = &[Self::Match, Self::NoMatch, Self::NotChecked];

    fn word(self) -> &'static str {
        match self {
            Self::Match => "MATCH",
            Self::NoMatch => "NO_MATCH",
            Self::NotChecked => "NOT_CHECKED",
        }
    }
}

/// Bytes as hexadecimal digits.
fn hexadecimal() -> impl Reader<Vec<u8>> {
    let parse = |text: &str| {
        let pairs = text.as_bytes().chunks(2).map(|pair| {
            let digits = std::str::from_utf8(pair).ok().filter(|it| it.len() == 2)?;
            // A sign would be read as a part of a number.
            let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            plain.then(|| u8::from_str_radix(digits, 16).ok())?
        });
        pairs.collect()
    };
    parsed(
        parse,
        || schema::pattern("^([0-9A-Fa-f]{2}){8}(([0-9A-Fa-f]{2}){8})?$"),
        "must be hexadecimal",
    )
}

/// The code on the card's back.
pub(super) fn cvv() -> impl Reader<Cvv> {
    let parse = |text: &str| Cvv::parse(text).ok();
    parsed(parse, || schema::pattern("^[0-9]{3}$"), "must be three digits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(sent: &Value) -> Result<Option<SentPin>, String> {
        let object = json!({ "pinBlock": sent });
        let mut fields = Fields::of(object.as_object().expect("an object"), None);
        let read = pin_block(&mut fields);
        fields.finish().map_err(|problem| problem.violations_text())?;
        Ok(read)
    }

    #[test]
    fn a_block_is_as_long_as_its_format_asks() {
        for (format, digits) in [(0, 16), (1, 16), (4, 32)] {
            let block = "aF".repeat(digits / 2);
            let sent = json!({ "format": format, "keyId": "zone", "block": block });
            let pin = read(&sent).expect("well-formed").expect("a block");
            assert_eq!((pin.key_id.as_str(), pin.block.bytes().len()), ("zone", digits / 2));
        }
        assert!(read(&Value::Null).is_ok_and(|read| read.is_none()));
        let long = "must be 8 bytes for formats 0 and 1, 16 for format 4";
        for (sent, wrong) in [
            (json!("x"), "pinBlock must be an object"),
            (
                json!({}),
                "pinBlock.format is required; pinBlock.keyId is required; \
                         pinBlock.block is required",
            ),
            (
                json!({ "format": 2, "keyId": "z", "block": "00" }),
                "pinBlock.format must be 0, 1 or 4",
            ),
            (
                json!({ "format": "0", "keyId": "z", "block": "00" }),
                "pinBlock.format must be 0, 1 or 4",
            ),
            (
                json!({ "format": 0, "keyId": "z", "block": "00" }),
                &format!("pinBlock.block {long}"),
            ),
            (
                json!({ "format": 4, "keyId": "z", "block": "0".repeat(16) }),
                &format!("pinBlock.block {long}"),
            ),
            (
                json!({ "format": 0, "keyId": "z", "block": "+1".repeat(8) }),
                "pinBlock.block must be hexadecimal",
            ),
            (
                json!({ "format": 0, "keyId": "z", "block": "0".repeat(15) }),
                "pinBlock.block must be hexadecimal",
            ),
            (
                json!({ "format": 0, "keyId": "z", "block": "é".repeat(8) }),
                "pinBlock.block must be hexadecimal",
            ),
        ] {
            assert_eq!(read(&sent).expect_err("refused"), wrong, "{sent}");
        }
    }

    #[test]
    fn what_was_not_checked_tells_nothing() {
        let object = json!({ "verifications": { "cvv": "MATCH", "pin": "NO_MATCH",
            "cryptogram": "NOT_CHECKED", "avs": "NO_MATCH" } });
        let mut fields = Fields::of(object.as_object().expect("an object"), None);
        let told = checked(&mut fields).expect("told");
        assert!(fields.finish().is_ok());
        let expected = Checked { cvv: Some(Check::Match), pin: Some(Check::NoMatch), chip: None };
        assert_eq!(told, expected);
    }
}
