//! Whether a call comes from the platform and is new: Standard Webhooks, as its receiver checks it.

use aws_lc_rs::hmac;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use zeroize::Zeroizing;

/// How far the signed time may be from ours, in seconds. A call that somebody recorded is worth
/// nothing after that.
const TOLERANCE: i64 = 5 * 60;

/// Whether one of the signatures in the headers is by one of the secrets.
pub(super) fn is_signed(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[Zeroizing<Vec<u8>>],
    now: Timestamp,
) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(timestamp), Some(signatures)) =
        (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"))
    else {
        return false;
    };
    let is_new = timestamp
        .parse()
        .is_ok_and(|signed: i64| now.as_second().abs_diff(signed) <= TOLERANCE.unsigned_abs());
    let content = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    is_new && signatures.split(' ').any(|signature| is_by_one(signature, &content, secrets))
}

/// Whether a signature, `v1,` and base64, is by one of the secrets. The comparison takes the same
/// time wherever they differ.
fn is_by_one(signature: &str, content: &[u8], secrets: &[Zeroizing<Vec<u8>>]) -> bool {
    let encoded = signature.strip_prefix("v1,").unwrap_or_default();
    let Ok(tag) = STANDARD.decode(encoded) else { return false };
    let key = |secret: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, secret);
    secrets.iter().any(|secret| hmac::verify(&key(secret), content, &tag).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const BODY: &[u8] = br#"{"dcCardId":"11"}"#;
    /// From the Python library `standardwebhooks`, with the secret of [`secret`].
    const SIGNATURE: &str = "v1,DpRFeKizcmk81BYRK9t4KDCXsFgteFnBVbHhc90rI+c=";
    const SIGNED_AT: i64 = 1_700_000_000;

    fn secret() -> Zeroizing<Vec<u8>> {
        Zeroizing::new((0..32).collect())
    }

    fn headers(signature: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("webhook-id", "20e87975-dbfb-4c95-b239-169516c0b707"),
            ("webhook-timestamp", "1700000000"),
            ("webhook-signature", signature),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers
    }

    fn check(headers: &HeaderMap, body: &[u8], later: i64) -> bool {
        let now = Timestamp::from_second(SIGNED_AT + later).expect("a time");
        is_signed(headers, body, &[Zeroizing::new(vec![9; 32]), secret()], now)
    }

    #[test]
    fn a_signature_by_any_of_the_secrets_is_accepted_for_five_minutes() {
        for later in [-300, 0, 300] {
            assert!(check(&headers(SIGNATURE), BODY, later), "{later}");
        }
        for later in [-301, 301] {
            assert!(!check(&headers(SIGNATURE), BODY, later), "{later}");
        }
        let two = "v1,AAAA v1,DpRFeKizcmk81BYRK9t4KDCXsFgteFnBVbHhc90rI+c=";
        assert!(check(&headers(two), BODY, 0));
    }

    #[test]
    fn anything_else_is_refused() {
        let good = headers(SIGNATURE);
        assert!(!check(&good, b"{}", 0), "another body");
        for signature in [
            "",
            "v1,",
            "v1a,DpRFeKizcmk81BYRK9t4KDCXsFgteFnBVbHhc90rI+c=",
            "DpRFeKizcmk81BYRK9t4KDCXsFgteFnBVbHhc90rI+c=",
            "v1,EpRFeKizcmk81BYRK9t4KDCXsFgteFnBVbHhc90rI+c=",
            "v1,%%%",
        ] {
            assert!(!check(&headers(signature), BODY, 0), "{signature}");
        }
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut missing = good.clone();
            missing.remove(name);
            assert!(!check(&missing, BODY, 0), "{name}");
        }
        let mut other = good.clone();
        other.insert("webhook-id", HeaderValue::from_static("another"));
        assert!(!check(&other, BODY, 0));
        let now = Timestamp::from_second(SIGNED_AT).expect("a time");
        assert!(!is_signed(&good, BODY, &[], now), "nobody's");
    }
}
