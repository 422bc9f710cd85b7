//! Random bytes from the operating system's generator, fit for keys.

/// Fills the buffer with random bytes.
pub fn fill(buffer: &mut [u8]) {
    aws_lc_rs::rand::fill(buffer).expect("aws-lc aborts rather than run without randomness");
}

/// Makes `N` random bytes. For a key prefer [`fill`] into a buffer that is wiped.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// Makes a random number of 128 bits, as `domain::ids` takes it.
#[must_use]
pub fn number() -> u128 {
    u128::from_be_bytes(bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_differ() {
        assert_ne!(number(), number());
        assert_ne!(bytes::<32>(), bytes::<32>());
    }
}
