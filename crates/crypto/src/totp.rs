//! Codes of an authenticator (TOTP, RFC 6238): six digits of HMAC-SHA-1 and 30 seconds, which every
//! authenticator knows.

use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

/// Bytes of a secret (RFC 4226 recommends 20).
const SECRET_LEN: usize = 20;
/// Steps by which a clock may be off, either way.
const SKEW: u16 = 1;

/// The secret that codes are made of.
pub struct CodeSecret(Zeroizing<Vec<u8>>);

secret_debug!(CodeSecret);

impl CodeSecret {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(Zeroizing::new(crate::random::bytes::<SECRET_LEN>().to_vec()))
    }

    /// One that was kept.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// What to keep of it, sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The step whose code this is, if it is the one of a time in seconds since 1970, or of the
    /// step before or after it.
    #[must_use]
    pub fn step_of(&self, code: &str, seconds: u64) -> Option<i64> {
        let step = self.totp("")?.check(code, seconds)?;
        i64::try_from(step).ok()
    }

    /// What an authenticator reads, to be shown once to whose it is.
    #[must_use]
    pub fn url(&self, account: &str) -> Option<Zeroizing<String>> {
        self.totp(account)?.to_url().ok().map(Zeroizing::new)
    }

    /// The code of a time in seconds since 1970.
    #[must_use]
    pub fn code(&self, seconds: u64) -> Option<String> {
        Some(self.totp("")?.generate(seconds).to_string())
    }

    fn totp(&self, account: &str) -> Option<Totp> {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(SKEW)
            .with_step_duration(30)
            .with_secret(self.0.to_vec())
            .with_issuer(Some("Antaca"))
            .with_account_name(account)
            .build()
            .ok()
    }
}

/// The code that an authenticator with this secret, in base 32 as it reads it, shows at a time in
/// seconds since 1970.
#[must_use]
pub fn code_of(secret: &str, seconds: u64) -> Option<String> {
    let url = format!("otpauth://totp/Antaca?secret={secret}&issuer=Antaca");
    Some(Totp::from_url(url).ok()?.generate(seconds).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B; of its eight digits the last six.
    #[test]
    fn codes_are_as_published() {
        let secret = CodeSecret::of(b"12345678901234567890");
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(secret.code(seconds).as_deref(), Some(code));
            let shown = code_of("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", seconds);
            assert_eq!(shown.as_deref(), Some(code), "the same secret in base 32");
            let step = i64::try_from(seconds / 30).expect("small");
            for (time, found) in [
                (seconds, Some(step)),
                (seconds + 30, Some(step)),
                (seconds - 30, Some(step)),
                (seconds + 60, None),
            ] {
                assert_eq!(secret.step_of(code, time), found, "{code} at {time}");
            }
        }
        for wrong in ["", "28708", "2870822", "28708a", "287 082 1"] {
            assert_eq!(secret.step_of(wrong, 59), None, "{wrong}");
        }
        let url = secret.url("ann@acme.test").expect("a URL");
        assert!(url.starts_with("otpauth://totp/Antaca:ann%40acme.test?secret="), "{}", *url);
        assert_eq!(format!("{secret:?}"), "CodeSecret(…)");
    }
}
