//! A keyed permutation of 0..size: the order in which card numbers are given out.
//!
//! A counter that goes through it gives every number of the range once, in an order that nobody
//! can foresee without the key; issuing costs the same at 1 % and at 99 % of the range.
//!
//! It is a Feistel network over two digits, `left` of base a and `right` of base b, with a·b just
//! above the size: each round adds to one digit a keyed function of the other (as FF1 of NIST
//! SP 800-38G does for digits of unlike size). A result beyond the size is put through again,
//! which is rare, since a·b exceeds the size by less than a.

use aws_lc_rs::cipher::{AES_256, EncryptingKey, UnboundCipherKey};

/// FF1 has 10 rounds; two more cost little.
const ROUNDS: u8 = 12;

/// A keyed permutation of the numbers below a size.
pub struct Permutation {
    cipher: EncryptingKey,
    size: u64,
    /// The base of the left digit: the root of the size, rounded up. At most 2³².
    left_base: u64,
    /// The base of the right digit: as small as it can be. At most 2³².
    right_base: u64,
}

secret_debug!(Permutation);

impl Permutation {
    /// The permutation of 0..size under this key. Another size under the same key gives an
    /// unrelated permutation.
    ///
    /// Panics where the size is 0: there is nothing to permute.
    #[must_use]
    pub fn new(key: &[u8; 32], size: u64) -> Self {
        assert!(size > 0, "a permutation needs a number at least");
        let root = size.isqrt();
        let left_base = if root * root == size { root } else { root + 1 };
        let cipher = UnboundCipherKey::new(&AES_256, key).and_then(EncryptingKey::ecb);
        let cipher = cipher.expect("a key of AES-256 is 32 bytes long");
        Self { cipher, size, left_base, right_base: size.div_ceil(left_base) }
    }

    /// The number at this place of the order. Panics where `n` isn't below the size.
    #[must_use]
    pub fn apply(&self, n: u64) -> u64 {
        self.walk(n, Self::forward)
    }

    /// The place of this number in the order. Panics where `n` isn't below the size.
    #[must_use]
    pub fn invert(&self, n: u64) -> u64 {
        self.walk(n, Self::backward)
    }

    /// Steps until the number is below the size. It ends: a permutation that starts inside a range
    /// comes back into it, at the latest at its start.
    fn walk(&self, n: u64, step: fn(&Self, u128) -> u128) -> u64 {
        assert!(n < self.size, "the number is beyond the permutation's size");
        let mut number = u128::from(n);
        loop {
            number = step(self, number);
            if let Ok(number) = u64::try_from(number)
                && number < self.size
            {
                return number;
            }
        }
    }

    fn forward(&self, number: u128) -> u128 {
        let (mut left, mut right) = self.split(number);
        for round in 0..ROUNDS {
            if round % 2 == 0 {
                left = (left + self.function(round, right, self.left_base)) % self.left_base;
            } else {
                right = (right + self.function(round, left, self.right_base)) % self.right_base;
            }
        }
        self.join(left, right)
    }

    fn backward(&self, number: u128) -> u128 {
        let (mut left, mut right) = self.split(number);
        for round in (0..ROUNDS).rev() {
            if round % 2 == 0 {
                let added = self.function(round, right, self.left_base);
                left = (left + self.left_base - added) % self.left_base;
            } else {
                let added = self.function(round, left, self.right_base);
                right = (right + self.right_base - added) % self.right_base;
            }
        }
        self.join(left, right)
    }

    fn split(&self, number: u128) -> (u64, u64) {
        let base = u128::from(self.left_base);
        let digit = |number: u128| u64::try_from(number).expect("a digit is below its base");
        (digit(number % base), digit(number / base))
    }

    fn join(&self, left: u64, right: u64) -> u128 {
        u128::from(right) * u128::from(self.left_base) + u128::from(left)
    }

    /// A number below the base that can't be told from a random one without the key. The bias of
    /// the remainder is below 2⁻⁹⁶.
    fn function(&self, round: u8, digit: u64, base: u64) -> u64 {
        let digit = u32::try_from(digit).expect("a digit is below 2³²");
        let mut block = [0; 16];
        block[0] = round;
        block[1..9].copy_from_slice(&self.size.to_be_bytes());
        block[9..13].copy_from_slice(&digit.to_be_bytes());
        self.cipher.encrypt(&mut block).expect("a block of AES is 16 bytes long");
        let number = u128::from_be_bytes(block) % u128::from(base);
        u64::try_from(number).expect("a remainder is below its base")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    use std::collections::HashSet;

    assert_not_impl_any!(Permutation: Clone, PartialEq, std::fmt::Display);
    assert_impl_all!(Permutation: Send, Sync);

    const KEY: [u8; 32] = [5; 32];

    #[test]
    fn every_number_comes_once_and_its_place_is_found() {
        for size in (1..=200).chain([1000, 1023, 1024, 1025, 10_007]) {
            let permutation = Permutation::new(&KEY, size);
            let numbers: HashSet<_> = (0..size).map(|n| permutation.apply(n)).collect();
            assert_eq!(u64::try_from(numbers.len()), Ok(size), "{size}");
            assert!(numbers.iter().all(|number| *number < size), "{size}");
            assert!((0..size).all(|n| permutation.invert(permutation.apply(n)) == n), "{size}");
        }
    }

    #[test]
    fn the_place_of_a_number_is_found_in_large_ranges() {
        for size in [10_000_000, 1_000_000_000, 99_999_999_999, u64::MAX - 1, u64::MAX] {
            let permutation = Permutation::new(&KEY, size);
            for n in (0..size).step_by(usize::try_from(size / 997).expect("a step")) {
                let number = permutation.apply(n);
                assert!(number < size);
                assert_eq!(permutation.invert(number), n, "{n} of {size}");
                assert_eq!(permutation.apply(permutation.invert(n)), n, "{n} of {size}");
            }
            assert_eq!(permutation.invert(permutation.apply(size - 1)), size - 1);
        }
    }

    #[test]
    fn a_million_numbers_of_ten_millions_are_all_different() {
        let permutation = Permutation::new(&KEY, 10_000_000);
        let mut seen = vec![false; 10_000_000];
        for n in 0..1_000_000 {
            let number = usize::try_from(permutation.apply(n)).expect("a small number");
            assert!(!std::mem::replace(&mut seen[number], true), "{n}");
        }
    }

    /// Wald and Wolfowitz: above or below the median, random numbers change sides as often as
    /// tosses of a coin. Three standard deviations are allowed.
    #[test]
    fn the_order_passes_a_runs_test() {
        const COUNT: usize = 10_000;
        for key in [[0; 32], KEY, [255; 32]] {
            let permutation = Permutation::new(&key, 10_000_000);
            let numbers: Vec<_> = (0..10_000).map(|n| permutation.apply(n)).collect();
            let median = {
                let mut sorted = numbers.clone();
                sorted.sort_unstable();
                sorted[COUNT / 2]
            };
            let above: Vec<_> = numbers.iter().map(|number| *number >= median).collect();
            let runs = 1 + above.windows(2).filter(|pair| pair[0] != pair[1]).count();
            // The mean is n/2 + 1; the variance n(n-2) / 4(n-1), here 2499.7, thus 50 at the root.
            assert!(runs.abs_diff(COUNT / 2 + 1) <= 150, "{runs} runs");
            let climbs = numbers.windows(2).filter(|pair| pair[0] < pair[1]).count();
            // The mean is (n-1)/2; the variance (n+1)/12, thus 29 at the root.
            assert!(climbs.abs_diff((COUNT - 1) / 2) <= 87, "{climbs} climbs");
        }
    }

    #[test]
    fn neighbours_come_far_apart() {
        let permutation = Permutation::new(&KEY, 1_000_000_000);
        let close = (0..10_000)
            .filter(|n| permutation.apply(*n).abs_diff(permutation.apply(n + 1)) < 1_000)
            .count();
        assert!(close <= 2, "{close} pairs, where chance gives 0.02");
    }

    #[test]
    fn another_key_or_size_gives_another_order() {
        let numbers = |key, size| {
            let permutation = Permutation::new(key, size);
            (0..100).map(|n| permutation.apply(n)).collect::<Vec<_>>()
        };
        let order = numbers(&KEY, 10_000);
        let equal = |other: Vec<u64>| order.iter().zip(other).filter(|(a, b)| **a == *b).count();
        assert!(equal(numbers(&[6; 32], 10_000)) < 5);
        assert!(equal(numbers(&KEY, 9_999)) < 5);
        assert_eq!(equal(numbers(&KEY, 10_000)), 100);
    }

    /// A change of the function would give out numbers that are given out already. These are from
    /// an implementation in Python.
    #[test]
    fn the_order_of_a_known_key_does_not_change() {
        let permutation = Permutation::new(&[1; 32], 10_000_000);
        let order: Vec<_> = (0..5).map(|n| permutation.apply(n)).collect();
        assert_eq!(order, [1_599_194, 6_441_297, 5_448_508, 2_831_236, 1_474_094]);
    }
}
