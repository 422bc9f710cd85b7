//! By which keys a word is found that is spelled otherwise.
//!
//! Two words are compared if they share a key: the skeleton of their sound; the sound, or a longer
//! skeleton, with one letter left out, so that a letter that is wrong, missing or too many in
//! either still leaves one in common; a group of given names.

use super::sound::Sound;

/// From how many letters on one of a skeleton may be left out: in shorter ones too many would meet.
const SKELETON_MIN: usize = 4;
/// The offset and the prime of FNV-1a for 32 bits.
const FNV: (u32, u32) = (0x811c_9dc5, 0x0100_0193);

/// What a key is made of, so that equal letters of two kinds don't meet.
#[derive(Clone, Copy)]
enum Of {
    Skeleton = 1,
    Sound = 2,
    Shortened = 3,
    Group = 4,
    Joined = 5,
    Spelling = 6,
}

/// Calls for each key of a word.
pub(super) fn each(sound: &Sound, groups: &[u16], mut take: impl FnMut(u32)) {
    let skeleton = sound.skeleton();
    take(hash(Of::Skeleton, skeleton.bytes(), None));
    take(hash(Of::Sound, sound.bytes(), None));
    for at in 0..sound.bytes().len() {
        take(hash(Of::Sound, sound.bytes(), Some(at)));
    }
    if skeleton.bytes().len() >= SKELETON_MIN {
        take(hash(Of::Shortened, skeleton.bytes(), None));
        for at in 0..skeleton.bytes().len() {
            take(hash(Of::Shortened, skeleton.bytes(), Some(at)));
        }
    }
    for group in groups {
        take(hash(Of::Group, &group.to_le_bytes(), None));
    }
}

/// The key of a word's skeleton alone.
pub(super) fn of_skeleton(sound: &Sound) -> u32 {
    hash(Of::Skeleton, sound.skeleton().bytes(), None)
}

/// The key of words that are spoken as one.
pub(super) fn of_joined(sound: &Sound) -> u32 {
    hash(Of::Joined, sound.skeleton().bytes(), None)
}

/// A digest of how a word is spelled.
pub(super) fn of_spelling(word: &str) -> u32 {
    hash(Of::Spelling, word.as_bytes(), None)
}

/// FNV-1a over the letters, except one.
fn hash(of: Of, letters: &[u8], without: Option<usize>) -> u32 {
    let step = |hash: u32, letter: u8| (hash ^ u32::from(letter)).wrapping_mul(FNV.1);
    let mut hash = step(FNV.0, of as u8);
    for (at, letter) in letters.iter().enumerate() {
        if Some(at) != without {
            hash = step(hash, *letter);
        }
    }
    // The upper bits choose the bucket, and FNV mixes them least.
    hash ^ hash.rotate_left(15).wrapping_mul(0x9e37_79b1)
}

/// Keys and what each stands for, sorted, with a directory by the upper bits of a key.
pub(super) struct Directory {
    pairs: Vec<(u32, u32)>,
    starts: Vec<u32>,
    shift: u32,
}

impl Directory {
    /// Of pairs of a key and a number.
    pub(super) fn new(mut pairs: Vec<(u32, u32)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        pairs.shrink_to_fit();
        // About two pairs a bucket, at least 2⁴ and at most 2²⁰ buckets.
        let bits = (usize::BITS - (pairs.len() / 2).leading_zeros()).clamp(4, 20);
        let shift = 32 - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        for (at, (key, _)) in (0u32..).zip(&pairs) {
            while starts.len() <= (key >> shift) as usize {
                starts.push(at);
            }
        }
        starts.resize((1 << bits) + 1, number(pairs.len()));
        Self { pairs, starts, shift }
    }

    /// The numbers that a key stands for.
    pub(super) fn get(&self, key: u32) -> impl Iterator<Item = u32> {
        let bucket = (key >> self.shift) as usize;
        let range = self.starts[bucket] as usize..self.starts[bucket + 1] as usize;
        self.pairs[range].iter().filter(move |(it, _)| *it == key).map(|(_, number)| *number)
    }
}

/// A number of something of an index.
pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).expect("an index has fewer than 2³² of anything")
}
