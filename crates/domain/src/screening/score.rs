//! How alike two names are, from words that are alike.
//!
//! Each word has a weight: more, the rarer it is. A name is its words in any order, so words are
//! paired, the surest first; then
//!
//! - what is paired counts by its weight and by how alike it is;
//! - what only one of the names has (a middle name) lowers the score a little;
//! - what both have besides (another given name) lowers it by more than its weight.
//!
//! The birth date then lifts or lowers it. That it contradicts lowers by 25, with which a name that
//! is merely similar, or that many bear, is no hit any more; but by 10 alone where the name is the
//! same and rare, since lists are often wrong about days, and two people of such a name are rarer
//! than that.

use super::Kind;
use super::birth::BirthMatch;

/// What an initial weighs: it tells little.
pub(super) const WEIGHT_INITIAL: u16 = 4;
/// What a particle weighs.
pub(super) const WEIGHT_PARTICLE: u16 = 1;
/// How alike an initial and a name that begins with it count.
const INITIAL: u32 = 60;
/// What is lost, in percent of its weight, of what one of the names has alone: middle names come
/// and go, words of a company's name seldom do.
const fn absent(kind: Kind) -> u32 {
    match kind {
        Kind::Person => 30,
        Kind::Entity => 50,
    }
}
/// The same of what both have besides what is paired.
const CONFLICT: u32 = 120;
/// The most that a person gets of whom a single word of several is found: with a birth date that
/// agrees it stays below what is shown, since a family and its birthdays are many.
pub(super) const ONE_WORD_MAX: u32 = 75;
/// What a name loses that the list itself doesn't trust.
pub(super) const WEAK: u32 = 5;

/// What a birth date that agrees adds.
pub(super) const AGREES: u32 = 8;
/// What one that contradicts takes away.
const CONTRADICTS: u32 = 25;
/// The same where the name is the same and rare.
const CONTRADICTS_RARE: u32 = 10;
/// From which likeness on two words are one name in two spellings.
const SAME: u8 = 93;

/// Words of a subject that are like words of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// The subject's words, a bit each.
    pub(super) subject: u16,
    /// The name's.
    pub(super) name: u16,
    /// How alike, from 0 to 100.
    pub(super) likeness: u8,
}

/// A word as it counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    /// The more, the rarer.
    pub(super) weight: u16,
    /// Its first letter.
    pub(super) initial: u8,
    /// Whether it is nothing else.
    pub(super) alone: bool,
}

/// What comes of comparing two names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Likeness {
    /// From 0 to 100.
    pub(super) score: u32,
    /// Whether all words of both are paired, and each pair sounds the same.
    pub(super) same: bool,
}

/// How alike a subject and a name are. The pairs are put in order.
pub(super) fn likeness(
    subject: &[Word],
    name: &[Word],
    pairs: &mut [Pair],
    kind: Kind,
) -> Likeness {
    let paired = paired(subject, name, pairs);
    if paired.weight == 0 {
        return Likeness { score: 0, same: false };
    }
    let missing = weigh(subject, !paired.subject);
    let more = weigh(name, !paired.name);
    let lost = lost(missing, more, paired.weight, kind);
    let mut score = paired.quality * 100u32.saturating_sub(lost) / paired.weight / 100;
    if kind == Kind::Person && paired.count < 2 && has_several(subject, name) {
        score = score.min(ONE_WORD_MAX);
    }
    let particles = u32::from(WEIGHT_PARTICLE) * 3;
    Likeness { score, same: paired.same && missing.max(more) <= particles }
}

/// What is lost, in percent, by what isn't paired.
pub(super) fn lost(missing: u32, more: u32, paired: u32, kind: Kind) -> u32 {
    let (conflict, alone) = (missing.min(more), missing.abs_diff(more));
    (conflict * CONFLICT + alone * absent(kind)) / (paired + conflict + alone).max(1)
}

/// What is paired of two names.
struct Paired {
    subject: u16,
    name: u16,
    weight: u32,
    quality: u32,
    /// How many words are paired that aren't particles.
    count: u32,
    same: bool,
}

fn paired(subject: &[Word], name: &[Word], pairs: &mut [Pair]) -> Paired {
    pairs.sort_unstable_by_key(|pair| {
        let words = pair.subject.count_ones() + pair.name.count_ones();
        (u8::MAX - pair.likeness, u32::MAX - words, pair.subject, pair.name)
    });
    let mut all = Paired { subject: 0, name: 0, weight: 0, quality: 0, count: 0, same: true };
    for pair in pairs.iter() {
        if pair.subject & all.subject != 0 || pair.name & all.name != 0 {
            continue;
        }
        all.subject |= pair.subject;
        all.name |= pair.name;
        let weight = (weigh(subject, pair.subject) + weigh(name, pair.name)).div_ceil(2);
        all.weight += weight;
        all.quality += weight * quality(pair.likeness);
        all.same &= pair.likeness >= SAME;
        all.count += several(subject, pair.subject).max(several(name, pair.name));
    }
    pair_initials(subject, name, &mut all);
    all
}

/// Pairs what is left with initials.
fn pair_initials(subject: &[Word], name: &[Word], all: &mut Paired) {
    for (at, one) in subject.iter().enumerate() {
        let free = |(other, word): &(usize, &Word)| {
            let fits = (one.alone || word.alone) && one.initial == word.initial;
            fits && all.name & 1 << other == 0
        };
        let other = name.iter().enumerate().find(free);
        if let Some((other, _)) = other.filter(|_| all.subject & 1 << at == 0) {
            all.subject |= 1 << at;
            all.name |= 1 << other;
            all.weight += u32::from(WEIGHT_INITIAL);
            all.quality += u32::from(WEIGHT_INITIAL) * INITIAL;
            all.count += 1;
            all.same = false;
        }
    }
}

/// The score after what the birth date says.
pub(super) fn with_birth(it: Likeness, birth: BirthMatch, rare: bool) -> u32 {
    match birth {
        BirthMatch::Agrees => (it.score + AGREES).min(100),
        BirthMatch::Unknown => it.score,
        BirthMatch::Contradicts if it.same && rare => it.score.saturating_sub(CONTRADICTS_RARE),
        BirthMatch::Contradicts => it.score.saturating_sub(CONTRADICTS),
    }
}

/// Words that aren't quite alike count for less than they look: two given names differ by a letter
/// or two as often as one name in two spellings does.
fn quality(likeness: u8) -> u32 {
    let lost = 100 - u32::from(likeness);
    100u32.saturating_sub(lost * 3 / 2)
}

fn weigh(words: &[Word], bits: u16) -> u32 {
    let chosen = words.iter().enumerate().filter(|(at, _)| bits & 1 << at != 0);
    chosen.map(|(_, word)| u32::from(word.weight)).sum()
}

/// How many of the chosen words say something.
fn several(words: &[Word], bits: u16) -> u32 {
    let chosen = words.iter().enumerate().filter(|(at, _)| bits & 1 << at != 0);
    chosen.map(|(_, word)| u32::from(word.weight > WEIGHT_PARTICLE)).sum()
}

fn has_several(subject: &[Word], name: &[Word]) -> bool {
    several(subject, u16::MAX) > 1 || several(name, u16::MAX) > 1
}
