//! Random numbers that tell messages apart. Nothing secret depends on them.

use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};

/// 64 bits that no other call is likely to get: the standard library seeds each `RandomState`.
fn bits() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Twelve digits, as long as a network's transaction ids and retrieval reference numbers are.
pub(crate) fn twelve_digits() -> String {
    format!("{:012}", bits() % 1_000_000_000_000)
}

/// A random UUID, version 4.
pub(crate) fn uuid() -> String {
    uuid_of(bits(), bits())
}

/// The UUID, version 4, of these random bits.
pub(crate) fn uuid_of(high: u64, low: u64) -> String {
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff,
    )
}

/// Eight digits that are always the same for the same name: a merchant keeps its number.
pub(crate) fn merchant_identifier(name: &str) -> String {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    format!("{:08}", hasher.finish() % 100_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_one_of_version_4() {
        let uuid = uuid();
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{uuid}");
        assert_eq!(uuid.as_bytes()[14], b'4', "{uuid}");
        assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{uuid}");
    }

    #[test]
    fn two_draws_differ() {
        assert_ne!(uuid(), uuid());
        assert_ne!(twelve_digits(), twelve_digits());
    }

    #[test]
    fn a_merchant_keeps_its_number() {
        assert_eq!(merchant_identifier("Book store"), merchant_identifier("Book store"));
        assert_eq!(merchant_identifier("Book store").len(), 8);
    }
}
