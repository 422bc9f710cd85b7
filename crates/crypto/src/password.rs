//! People's passwords: what is kept of one is a hash that costs whoever guesses (Argon2id, as a PHC
//! string, so that its cost may grow).

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;
use zxcvbn::{Score, zxcvbn};

/// What a hash costs: 19 MiB, 2 passes, 1 lane (OWASP's first choice for passwords).
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// Bytes of salt.
const SALT_LEN: usize = 16;
/// Random bytes of a password that we make: 24 characters.
const MADE_LEN: usize = 18;

/// A password as it is typed.
pub struct Password(Zeroizing<String>);

secret_debug!(Password);

impl Password {
    /// Takes it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Makes one that nobody guesses.
    #[must_use]
    pub fn generate() -> Self {
        let bytes = Zeroizing::new(crate::random::bytes::<MADE_LEN>());
        Self::new(URL_SAFE_NO_PAD.encode(*bytes))
    }

    /// The text, to be shown once to whose it is.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What to keep of it. Takes some hundredths of a second, and 19 MiB.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "our own cost and salt are valid")]
    pub fn hash(&self) -> String {
        let salt = crate::random::bytes::<SALT_LEN>();
        let hash = argon2().hash_password_with_salt(self.0.as_bytes(), &salt);
        hash.expect("our own cost and salt are valid").to_string()
    }

    /// Whether somebody who guesses has it soon: it is a leaked one, or made of such, of words,
    /// names, dates and rows of keys, or of what is known of whose it is. Takes some milliseconds.
    #[must_use]
    pub fn is_guessable(&self, known: &[&str]) -> bool {
        zxcvbn(&self.0, known).score() < Score::Three
    }

    /// Whether a hash is of this password. Takes as long whether it is or not.
    #[must_use]
    pub fn is(&self, hash: &str) -> bool {
        PasswordHash::new(hash)
            .is_ok_and(|hash| argon2().verify_password(self.0.as_bytes(), &hash).is_ok())
    }
}

fn argon2() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).expect("our own cost is a valid one");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All are long enough for a rule that counts characters.
    #[test]
    fn what_everybody_uses_is_guessable() {
        let known = ["ann@acme.test", "ann", "acme.test"];
        let is_guessable = |text: &str| Password::new(text.to_owned()).is_guessable(&known);
        for leaked in [
            "password1234",
            "P@ssw0rd2026",
            "qwertyuiop123",
            "iloveyou1234",
            "aaaaaaaaaaaaaaaa",
            "abcdefghijklmnop",
            "ann@acme.test1",
            "passwordpassword",
        ] {
            assert!(is_guessable(leaked), "{leaked}");
        }
        for good in ["correct horse battery", "Żółw-na-plaży-47", "kX3vq9Lm2Rt7"] {
            assert!(!is_guessable(good), "{good}");
        }
        assert!(!Password::generate().is_guessable(&known));
    }

    #[test]
    fn a_hash_is_of_its_password_alone() {
        let password = Password::new("correct horse battery".to_owned());
        let hash = password.hash();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(password.is(&hash));
        assert_ne!(password.hash(), hash, "each has a salt of its own");
        assert!(!Password::new("correct horse batterY".to_owned()).is(&hash));
        for wrong in ["", "$argon2id$v=19$m=19456,t=2,p=1$", "correct horse battery"] {
            assert!(!password.is(wrong), "{wrong}");
        }
        assert_eq!(Password::generate().expose().len(), 24);
        assert_eq!(format!("{password:?}"), "Password(…)");
    }
}
