//! Lists made ready to be searched.
//!
//! Every word of a list is kept once, with the names that have it. A search finds the words that
//! are like the subject's by their keys, then looks at the names that have the rarer half of them:
//! a name that has none of those can't reach a score that is shown.

mod bits;
mod search;

use self::bits::Bits;
use super::common::{Known, Vocabulary};
use super::keys::{self, Directory, number};
use super::score::{WEIGHT_INITIAL, WEIGHT_PARTICLE, Word};
use super::sound::Sound;
use super::spelling::{self, WORDS_MAX};
use super::{Entry, Kind, Name, Strength};
use std::collections::HashMap;

/// What a word weighs that companies are full of.
const WEIGHT_OF_COMPANIES: u16 = 5;
/// What a word weighs that stands in every name; each halving of that adds one.
const WEIGHT_MIN: u16 = 4;
/// Of how many names rareness is reckoned at least, so that a short list of the operator's doesn't
/// take a word for common because it is there twice.
const NAMES_MIN: u32 = 1 << 14;
/// One name in how many has a word that many people bear, whatever the list says.
const COMMON: u32 = 1 << 6;

/// Entries of lists, ready to be searched. It doesn't change: another list is another index.
pub struct Index {
    entries: Vec<Entry>,
    vocabulary: Vocabulary,
    words: Vec<Listed>,
    /// How each word counts: apart, since a search looks at these most.
    weights: Vec<Word>,
    names: Vec<NameOf>,
    of_persons: Bits,
    of_entities: Bits,
    /// Names with a word of one letter.
    with_initials: Bits,
    /// The words of each name, one name after the other.
    words_of_names: Vec<u32>,
    /// The names of each word, one word after the other.
    names_of_words: Vec<u32>,
    /// In how many names a skeleton stands.
    frequencies: HashMap<u32, u32>,
    /// From the keys of words to words.
    keys: Directory,
    /// From what several words of a name sound like together to those.
    joined_keys: Directory,
    joined: Vec<Joined>,
}

/// A word of the lists.
struct Listed {
    /// Where its names begin in `names_of_words`.
    names: u32,
    /// How many those are.
    names_count: u32,
    heard: Heard,
}

/// A word and what is compared of it.
#[derive(Clone, Copy)]
struct Heard {
    sound: Sound,
    /// The letters of its skeleton.
    letters: u32,
    /// A digest of its spelling.
    spelling: u32,
    /// Its first group of given names, and its second.
    groups: [Option<u16>; 2],
}

/// Where a name stands.
#[derive(Clone, Copy)]
struct NameOf {
    entry: u32,
    /// Which of the entry's names.
    name: u16,
    /// Where its words begin in `words_of_names`.
    words: u32,
    words_count: u8,
    /// Whether the list itself doesn't trust it.
    weak: bool,
}

/// Words of a name that may have been written as one.
#[derive(Clone, Copy)]
struct Joined {
    name: u32,
    /// Which of its words, a bit each.
    words: u16,
}

impl Index {
    /// Makes entries ready to be searched.
    #[must_use]
    pub fn new(entries: Vec<Entry>) -> Self {
        let mut building = Building::new();
        for (entry, it) in (0u32..).zip(&entries) {
            for (name, text) in (0u16..).zip(&it.names) {
                building.add(entry, name, text, it.kind);
            }
        }
        building.finish(entries)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn words_of(&self, name: &NameOf) -> &[u32] {
        let from = name.words as usize;
        &self.words_of_names[from..from + usize::from(name.words_count)]
    }
}

/// An index that isn't finished.
struct Building {
    vocabulary: Vocabulary,
    by_spelling: HashMap<String, u32>,
    words: Vec<Listed>,
    weights: Vec<Word>,
    known: Vec<Known>,
    names: Vec<NameOf>,
    words_of_names: Vec<u32>,
}

impl Building {
    fn new() -> Self {
        Self {
            vocabulary: Vocabulary::new(),
            by_spelling: HashMap::new(),
            words: Vec::new(),
            weights: Vec::new(),
            known: Vec::new(),
            names: Vec::new(),
            words_of_names: Vec::new(),
        }
    }

    fn add(&mut self, entry: u32, name: u16, it: &Name, kind: Kind) {
        let words = spelling::words(&it.text, kind, &self.vocabulary);
        if words.is_empty() {
            return;
        }
        let from = number(self.words_of_names.len());
        let weak = it.strength == Strength::Weak;
        let words_count = u8::try_from(words.len()).expect("a name has at most twelve words");
        for spelled in words {
            let word = self.word(spelled);
            self.words_of_names.push(word);
        }
        self.names.push(NameOf { entry, name, words: from, words_count, weak });
    }

    fn word(&mut self, spelled: String) -> u32 {
        if let Some(word) = self.by_spelling.get(&spelled) {
            return *word;
        }
        let known = self.vocabulary.get(&spelled).cloned().unwrap_or_default();
        let heard = Heard::of(&spelled, &known);
        self.weights.push(word(&spelled, 0));
        self.known.push(known);
        self.words.push(Listed { names: 0, names_count: 0, heard });
        let id = number(self.words.len() - 1);
        self.by_spelling.insert(spelled, id);
        id
    }

    fn finish(mut self, entries: Vec<Entry>) -> Index {
        let names_of_words = self.names_of_words();
        let mut frequencies: HashMap<u32, u32> = HashMap::new();
        for word in &self.words {
            let key = keys::of_skeleton(&word.heard.sound);
            *frequencies.entry(key).or_default() += word.names_count;
        }
        let mut pairs = Vec::new();
        for (id, (listed, known)) in (0u32..).zip(self.words.iter().zip(&self.known)) {
            let frequency = frequencies[&keys::of_skeleton(&listed.heard.sound)];
            let word = &mut self.weights[id as usize];
            word.weight = weight(known, word.alone, frequency, self.names.len());
            keys::each(&listed.heard.sound, &known.groups, |key| pairs.push((key, id)));
        }
        let (joined, joined_keys) = self.joined();
        let of = |kind| self.names_that(|name, _| entries[name.entry as usize].kind == kind);
        let (of_persons, of_entities) = (of(Kind::Person), of(Kind::Entity));
        let with_initials = self.names_that(|_, words| words.iter().any(|word| word.alone));
        self.words.shrink_to_fit();
        self.words_of_names.shrink_to_fit();
        self.names.shrink_to_fit();
        Index {
            entries,
            vocabulary: self.vocabulary,
            words: self.words,
            weights: self.weights,
            names: self.names,
            of_persons,
            of_entities,
            with_initials,
            words_of_names: self.words_of_names,
            names_of_words,
            frequencies,
            keys: Directory::new(pairs),
            joined_keys: Directory::new(joined_keys),
            joined,
        }
    }

    /// The names of each word, without repetitions, and where each word's begin.
    fn names_of_words(&mut self) -> Vec<u32> {
        let mut pairs = Vec::with_capacity(self.words_of_names.len());
        for (id, name) in (0u32..).zip(&self.names) {
            let from = name.words as usize;
            let words = &self.words_of_names[from..from + usize::from(name.words_count)];
            pairs.extend(words.iter().map(|word| (*word, id)));
        }
        pairs.sort_unstable();
        pairs.dedup();
        for (at, (word, _)) in (0u32..).zip(&pairs) {
            let word = &mut self.words[*word as usize];
            if word.names_count == 0 {
                word.names = at;
            }
            word.names_count += 1;
        }
        pairs.into_iter().map(|(_, name)| name).collect()
    }

    /// The names of which something is so.
    fn names_that(&self, is_so: impl Fn(&NameOf, &[Word]) -> bool) -> Bits {
        let mut bits = Bits::none(self.names.len());
        for (id, name) in (0u32..).zip(&self.names) {
            let from = name.words as usize;
            let words = &self.words_of_names[from..from + usize::from(name.words_count)];
            let words: Vec<Word> = words.iter().map(|word| self.weights[*word as usize]).collect();
            if is_so(name, &words) {
                bits.add(id);
            }
        }
        bits
    }

    /// Neighbouring words as one, and the key of each such.
    fn joined(&self) -> (Vec<Joined>, Vec<(u32, u32)>) {
        let (mut all, mut keys) = (Vec::new(), Vec::new());
        for (id, name) in (0u32..).zip(&self.names) {
            let from = name.words as usize;
            let words = &self.words_of_names[from..from + usize::from(name.words_count)];
            let heard = |word: &u32| {
                let at = *word as usize;
                (self.words[at].heard.sound, self.weights[at].weight)
            };
            let sounds: Vec<(Sound, u16)> = words.iter().map(heard).collect();
            each_joined(&sounds, |sound, words| {
                keys.push((keys::of_joined(&sound), number(all.len())));
                all.push(Joined { name: id, words });
            });
        }
        (all, keys)
    }
}

impl Heard {
    fn of(spelled: &str, known: &Known) -> Self {
        let sound = Sound::of(spelled);
        let groups = [known.groups.first().copied(), known.groups.get(1).copied()];
        let letters = sound.letters_of_skeleton();
        Self { sound, letters, spelling: keys::of_spelling(spelled), groups }
    }

    fn of_joined(sound: Sound) -> Self {
        let letters = sound.letters_of_skeleton();
        Self { sound, letters, spelling: 0, groups: [None; 2] }
    }
}

/// Calls for each two neighbouring words, and each three around a particle, as one.
fn each_joined(words: &[(Sound, u16)], mut take: impl FnMut(Sound, u16)) {
    for (at, pair) in words.windows(2).enumerate() {
        take(pair[0].0.joined(pair[1].0), 0b11 << at);
    }
    for (at, three) in words.windows(3).enumerate() {
        if three[1].1 == WEIGHT_PARTICLE {
            take(three[0].0.joined(three[1].0).joined(three[2].0), 0b111 << at);
        }
    }
}

/// A word as it counts.
fn word(spelled: &str, weight: u16) -> Word {
    let initial = spelled.bytes().next().unwrap_or_default();
    Word { weight, initial, alone: spelled.len() == 1 && initial.is_ascii_alphabetic() }
}

/// What a word weighs that stands in some of an index's names.
fn weight(known: &Known, alone: bool, frequency: u32, names: usize) -> u16 {
    if known.particle {
        return WEIGHT_PARTICLE;
    }
    if alone {
        return WEIGHT_INITIAL;
    }
    if known.of_companies {
        return WEIGHT_OF_COMPANIES;
    }
    let names = number(names).max(NAMES_MIN);
    let frequency = if known.common_name { frequency.max(names / COMMON) } else { frequency };
    let halvings = (names / frequency.max(1)).max(1).ilog2();
    WEIGHT_MIN + u16::try_from(halvings).unwrap_or(0)
}

const _: () = assert!(WORDS_MAX <= 16, "words of a name are bits of 16");
