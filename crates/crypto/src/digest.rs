//! Digests without a key: they tell whether a file is the one that was written, not who wrote it;
//! and whether a text that nobody can guess is the one that was given out.

use aws_lc_rs::digest::{Context, SHA256, digest};

/// SHA-256 over bytes that come piece by piece.
pub struct Sha256(Context);

impl Sha256 {
    /// A digest of nothing so far.
    #[must_use]
    pub fn begin() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes, as 64 hexadecimal digits.
    #[must_use]
    pub fn finish(self) -> String {
        self.0.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// SHA-256 of bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut told = [0; 32];
    told.copy_from_slice(digest(&SHA256, bytes).as_ref());
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_digest_of_the_whole() {
        let mut digest = Sha256::begin();
        digest.update(b"a");
        digest.update(b"");
        digest.update(b"bc");
        // FIPS 180-4, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.finish(), expected);
    }
}
