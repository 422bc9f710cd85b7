//! A set of names, a bit each: all of an index's are a few kilobytes, which stay near the
//! processor.

/// A set of numbers below a bound.
#[derive(Clone)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// The empty set of numbers below a bound.
    pub(super) fn none(bound: usize) -> Self {
        Self(vec![0; bound.div_ceil(64)])
    }

    pub(super) fn add(&mut self, number: u32) {
        self.0[number as usize / 64] |= 1 << (number % 64);
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }

    /// Adds all of another set.
    pub(super) fn unite(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(one, two)| *one |= two);
    }

    /// Adds what is in both of two other sets.
    pub(super) fn unite_common(&mut self, one: &Self, two: &Self) {
        let common = one.0.iter().zip(&two.0).map(|(one, two)| one & two);
        self.0.iter_mut().zip(common).for_each(|(it, common)| *it |= common);
    }

    /// Keeps what is in another set too.
    pub(super) fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(one, two)| *one &= two);
    }

    /// The numbers, rising.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let words = (0u32..).step_by(64).zip(&self.0).filter(|(_, word)| **word != 0);
        words.flat_map(|(from, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(from + bit)
            })
        })
    }
}
