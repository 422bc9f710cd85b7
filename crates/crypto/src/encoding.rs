//! Encodings shared by the modules: unambiguous lists of bytes, PEM, secrets of webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Characters of base64 in one line of a PEM (RFC 7468, section 2).
const PEM_LINE: usize = 64;

/// The length of a part, as it precedes the part.
pub(crate) fn length(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).expect("a length fits into 64 bits").to_be_bytes()
}

/// Joins parts so that no two lists give the same bytes: each part follows its length.
pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| length(part).into_iter().chain(part.iter().copied())).collect()
}

/// A secret as Standard Webhooks writes it: `whsec_` and base64.
#[must_use]
pub fn webhook_secret(secret: &[u8]) -> Zeroizing<String> {
    let text = Zeroizing::new(STANDARD.encode(secret));
    Zeroizing::new(["whsec_", &text].concat())
}

/// The bytes of [`webhook_secret`].
#[must_use]
pub fn from_webhook_secret(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    STANDARD.decode(text.strip_prefix("whsec_")?).ok().map(Zeroizing::new)
}

/// Bytes as base64 for URLs and headers, without padding.
#[must_use]
pub fn url_safe(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of [`url_safe`].
#[must_use]
pub fn from_url_safe(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The bytes of base64 in either alphabet, with or without padding.
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let plain = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    from_url_safe(&plain)
}

/// Writes a PEM, ending with a line end.
pub(crate) fn to_pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let text = Zeroizing::new(STANDARD.encode(der));
    let lines = text.len() / PEM_LINE + 1;
    // Room for everything, so that growing leaves no copy of a secret behind.
    let mut pem = Zeroizing::new(String::with_capacity(text.len() + lines + 2 * label.len() + 40));
    pem.push_str(&format!("-----BEGIN {label}-----\n"));
    for start in (0..text.len()).step_by(PEM_LINE) {
        pem.push_str(&text[start..text.len().min(start + PEM_LINE)]);
        pem.push('\n');
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

/// Reads a PEM that holds one section, of the label wanted. Text around it is passed over.
pub(crate) fn from_pem(label: &str, pem: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    if pem.matches("-----BEGIN ").count() != 1 {
        return None;
    }
    let mut lines = pem.lines().map(str::trim).skip_while(|line| *line != begin).skip(1);
    let mut text = Zeroizing::new(String::with_capacity(pem.len()));
    loop {
        match lines.next()? {
            line if line == end => break,
            line => text.push_str(line),
        }
    }
    STANDARD.decode(text.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_differ_in_their_borders_alone_are_told_apart() {
        assert_ne!(joined(&[b"ab", b"c"]), joined(&[b"a", b"bc"]));
        assert_ne!(joined(&[b"ab"]), joined(&[b"ab", b""]));
        assert_ne!(joined(&[]), joined(&[b""]));
    }

    /// The secret of the examples of the Standard Webhooks specification.
    #[test]
    fn a_webhook_secret_is_base64_with_a_prefix() {
        let bytes = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert_eq!(*webhook_secret(&bytes), text);
        assert_eq!(from_webhook_secret(text).as_deref(), Some(&bytes));
        for wrong in ["", "whsec_%", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(from_webhook_secret(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_pem_is_read_back_whatever_its_length() {
        for length in [0, 1, 47, 48, 49, 96, 1000] {
            let der = vec![7; length];
            let pem = to_pem("THING", &der);
            assert!(pem.lines().all(|line| line.len() <= PEM_LINE));
            assert_eq!(from_pem("THING", &pem).as_deref(), Some(&der), "{length}");
            assert_eq!(from_pem("THING", &pem.replace('\n', "\r\n")).as_deref(), Some(&der));
        }
    }

    #[test]
    fn a_pem_of_another_kind_or_of_two_sections_is_refused() {
        let pem = to_pem("THING", b"content");
        let broken =
            ["", "-----BEGIN THING-----", "-----BEGIN THING-----\n%%\n-----END THING-----"];
        assert!(from_pem("OTHER", &pem).is_none());
        assert!(from_pem("THING", &format!("{}{}", *pem, *pem)).is_none());
        assert!(broken.iter().all(|pem| from_pem("THING", pem).is_none()));
    }
}
