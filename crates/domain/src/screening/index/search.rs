//! One search.

use super::bits::Bits;
use super::{Heard, Index, NameOf, each_joined, weight, word};
use crate::screening::birth::{self, BirthMatch};
use crate::screening::common::Known;
use crate::screening::score::{self, Pair, WEIGHT_PARTICLE, Word};
use crate::screening::sound::{self, Sound};
use crate::screening::spelling::{self, WORDS_MAX};
use crate::screening::{Hit, Kind, Subject, keys};
use jiff::civil::Date;

/// From which likeness on two words may be one.
const LIKENESS_MIN: u8 = 70;
/// The same of words that were written as one.
const JOINED_LIKENESS_MIN: u8 = 80;
/// How many letters a word has at least that may be two: shorter ones are like too many.
const JOINED_LETTERS_MIN: usize = 5;
/// How alike two given names count that are one in two languages.
const GROUP_LIKENESS: u8 = 92;
/// How alike a word without its vowels and one with them count, if the consonants are the same.
const SCRIPT_LIKENESS: u8 = 88;
/// How many letters of two skeletons may differ for the words to be compared at all.
const LETTERS_APART_MAX: u32 = 4;
/// How far a score is estimated too low at most, before its words are paired.
const SLACK: u32 = 15;
/// How many fifths of a subject's weight its rarest words have to make up, one of which a name must
/// have to be looked at. Of three words the family name is enough, as a rule; a name that has none
/// of these shares given names alone.
const PROBED_FIFTHS: u16 = 2;
/// From which weight on a name's rarest word makes it rare: one name in 512 has it.
const RARE: u16 = 13;

/// A subject, heard.
struct Asked {
    kind: Kind,
    born: Option<Date>,
    heard: Vec<Heard>,
    words: Vec<Word>,
    groups: Vec<Vec<u16>>,
}

/// A word of the lists that is like words of the subject.
#[derive(Clone, Copy)]
struct Like {
    word: u32,
    subject: u16,
    likeness: u8,
}

/// Words of a name that together are like one of the subject.
#[derive(Clone, Copy)]
struct LikeJoined {
    name: u32,
    pair: Pair,
}

/// What was found of a subject's words.
struct Found {
    likes: Vec<Like>,
    joined: Vec<LikeJoined>,
    /// For each word of the lists its first place in `likes` and one, or zero.
    places: Vec<u16>,
}

/// A name that is alike enough.
#[derive(Clone, Copy)]
struct Scored {
    entry: u32,
    name: u16,
    score: u8,
    birth: BirthMatch,
}

impl Index {
    /// The entries that a subject may be, with a score of at least `threshold`: the most alike
    /// first, then by their ids.
    #[must_use]
    pub fn search(&self, subject: &Subject<'_>, threshold: u8) -> Vec<Hit<'_>> {
        let asked = self.ask(subject);
        let found = self.find(&asked);
        let mut pairs = Vec::with_capacity(2 * WORDS_MAX);
        let mut scored = Vec::new();
        for name in self.candidates(&asked, &found, threshold).iter() {
            let it = self.score(&asked, &found, name, threshold, &mut pairs);
            scored.extend(it.filter(|it| it.score >= threshold));
        }
        scored.sort_unstable_by_key(|it| (it.entry, u8::MAX - it.score, it.name));
        scored.dedup_by_key(|it| it.entry);
        let mut hits: Vec<Hit<'_>> = scored.into_iter().map(|it| self.hit(it)).collect();
        hits.sort_by(|one, two| {
            let order = two.score.cmp(&one.score).then_with(|| one.entry.id.cmp(&two.entry.id));
            order.then_with(|| one.entry.list.cmp(&two.entry.list))
        });
        hits
    }

    fn hit(&self, it: Scored) -> Hit<'_> {
        let entry = &self.entries[it.entry as usize];
        Hit { entry, name: &entry.names[usize::from(it.name)], score: it.score, birth: it.birth }
    }

    fn ask(&self, subject: &Subject<'_>) -> Asked {
        let (kind, born, spelled) = match subject {
            Subject::Person { given, family, born } => {
                let text = format!("{given} {family}");
                (Kind::Person, *born, spelling::words(&text, Kind::Person, &self.vocabulary))
            }
            Subject::Company { name } => {
                (Kind::Entity, None, spelling::words(name, Kind::Entity, &self.vocabulary))
            }
        };
        let mut asked =
            Asked { kind, born, heard: Vec::new(), words: Vec::new(), groups: Vec::new() };
        let unknown = Known::default();
        for spelled in spelled {
            let known = self.vocabulary.get(&spelled).unwrap_or(&unknown);
            let heard = Heard::of(&spelled, known);
            let mut word = word(&spelled, 0);
            let key = keys::of_skeleton(&heard.sound);
            let frequency = self.frequencies.get(&key).copied().unwrap_or(0);
            word.weight = weight(known, word.alone, frequency, self.names.len());
            asked.heard.push(heard);
            asked.words.push(word);
            asked.groups.push(known.groups.clone());
        }
        asked
    }

    /// The words of the lists that are like the subject's.
    fn find(&self, asked: &Asked) -> Found {
        let mut found =
            Found { likes: Vec::new(), joined: Vec::new(), places: vec![0; self.words.len()] };
        let mut words = Vec::new();
        for (at, heard) in asked.heard.iter().enumerate() {
            if asked.words[at].alone {
                continue;
            }
            words.clear();
            keys::each(&heard.sound, &asked.groups[at], |key| words.extend(self.keys.get(key)));
            self.compare(heard, 1 << at, LIKENESS_MIN, &mut words, &mut found.likes);
            if heard.sound.bytes().len() >= JOINED_LETTERS_MIN {
                self.find_joined(heard, 1 << at, &mut found.joined);
            }
        }
        let sounds: Vec<(Sound, u16)> = asked
            .heard
            .iter()
            .zip(&asked.words)
            .map(|(it, word)| (it.sound, word.weight))
            .collect();
        each_joined(&sounds, |sound, subject| {
            let heard = Heard::of_joined(sound);
            words.clear();
            words.extend(self.keys.get(keys::of_skeleton(&sound)));
            self.compare(&heard, subject, JOINED_LIKENESS_MIN, &mut words, &mut found.likes);
        });
        found.likes.sort_unstable_by_key(|it| (it.word, it.subject));
        for (place, like) in (1u16..).zip(&found.likes) {
            let first = &mut found.places[like.word as usize];
            *first = if *first == 0 { place } else { *first };
        }
        found.joined.sort_unstable_by_key(|it| (it.name, it.pair.subject, it.pair.name));
        found
    }

    /// Keeps the words that are like one of the subject's, or several as one.
    fn compare(
        &self,
        heard: &Heard,
        subject: u16,
        likeness_min: u8,
        words: &mut Vec<u32>,
        likes: &mut Vec<Like>,
    ) {
        words.sort_unstable();
        words.dedup();
        for word in words.iter() {
            let likeness = heard.likeness(&self.words[*word as usize].heard);
            if likeness >= likeness_min && likes.len() < usize::from(u16::MAX) - 1 {
                likes.push(Like { word: *word, subject, likeness });
            }
        }
    }

    /// Finds words of names that together are like one of the subject's.
    fn find_joined(&self, heard: &Heard, subject: u16, all: &mut Vec<LikeJoined>) {
        for id in self.joined_keys.get(keys::of_joined(&heard.sound)) {
            let joined = &self.joined[id as usize];
            let words = self.words_of(&self.names[joined.name as usize]);
            let parts = words.iter().enumerate().filter(|(at, _)| joined.words & 1 << at != 0);
            let sounds = parts.map(|(_, word)| self.words[*word as usize].heard.sound);
            let Some(sound) = sounds.reduce(Sound::joined) else { continue };
            let likeness = heard.likeness(&Heard::of_joined(sound));
            if likeness >= JOINED_LIKENESS_MIN {
                let pair = Pair { subject, name: joined.words, likeness };
                all.push(LikeJoined { name: joined.name, pair });
            }
        }
    }

    /// The names to look at: those that have one of the rarest words and, where a score needs
    /// two, another one; those with words written as one; and those with an initial, which have
    /// no second word to be found by.
    fn candidates(&self, asked: &Asked, found: &Found, threshold: u8) -> Bits {
        let rarest = asked.rarest();
        let bound = self.names.len();
        let mut of_word = Bits::none(bound);
        let (mut once, mut rare) = (Bits::none(bound), Bits::none(bound));
        let mut several = Bits::none(bound);
        for at in 0..asked.words.len() {
            of_word.clear();
            for like in found.likes.iter().filter(|like| like.subject & 1 << at != 0) {
                let word = &self.words[like.word as usize];
                let from = word.names as usize;
                let names = &self.names_of_words[from..from + word.names_count as usize];
                names.iter().for_each(|name| of_word.add(*name));
            }
            several.unite_common(&once, &of_word);
            once.unite(&of_word);
            if rarest & 1 << at != 0 {
                rare.unite(&of_word);
            }
        }
        if asked.needs_two(threshold) {
            rare.keep(&several);
        }
        rare.unite_common(&once, &self.with_initials);
        found.joined.iter().for_each(|it| rare.add(it.name));
        rare.keep(match asked.kind {
            Kind::Person => &self.of_persons,
            Kind::Entity => &self.of_entities,
        });
        rare
    }

    fn score(
        &self,
        asked: &Asked,
        found: &Found,
        id: u32,
        threshold: u8,
        pairs: &mut Vec<Pair>,
    ) -> Option<Scored> {
        let name = &self.names[id as usize];
        let mut words = [Word { weight: 0, initial: 0, alone: false }; WORDS_MAX];
        let words = self.gather(found, id, name, &mut words, pairs);
        if is_hopeless(asked, words, pairs, threshold) {
            return None;
        }
        let mut likeness = score::likeness(&asked.words, words, pairs, asked.kind);
        if name.weak {
            likeness.score = likeness.score.saturating_sub(score::WEAK);
        }
        // Most end here, before the entry is looked at, which is far from everything else.
        if likeness.score + score::AGREES < u32::from(threshold) {
            return None;
        }
        let entry = &self.entries[name.entry as usize];
        let birth = birth::compare(&entry.births, asked.born);
        let rare = words.iter().any(|word| word.weight >= RARE);
        let score = score::with_birth(likeness, birth, rare);
        let score = u8::try_from(score.min(100)).ok()?;
        Some(Scored { entry: name.entry, name: name.name, score, birth })
    }

    /// The words of a name, and which of them are like the subject's.
    fn gather<'w>(
        &self,
        found: &Found,
        id: u32,
        name: &NameOf,
        words: &'w mut [Word; WORDS_MAX],
        pairs: &mut Vec<Pair>,
    ) -> &'w [Word] {
        pairs.clear();
        for (at, word) in self.words_of(name).iter().enumerate() {
            words[at] = self.weights[*word as usize];
            let Some(place) = usize::from(found.places[*word as usize]).checked_sub(1) else {
                continue;
            };
            for like in found.likes[place..].iter().take_while(|it| it.word == *word) {
                let (subject, likeness) = (like.subject, like.likeness);
                pairs.push(Pair { subject, name: 1 << at, likeness });
            }
        }
        let joined = found.joined.partition_point(|it| it.name < id);
        let joined = found.joined[joined..].iter().take_while(|it| it.name == id);
        pairs.extend(joined.map(|it| it.pair));
        &words[..usize::from(name.words_count)]
    }
}

/// Whether a name can't reach the score, whichever of its pairs are taken.
fn is_hopeless(asked: &Asked, name: &[Word], pairs: &[Pair], threshold: u8) -> bool {
    let subject = asked.words.as_slice();
    if subject.iter().chain(name).any(|word| word.alone) {
        return false;
    }
    let (mut left, mut right) = (0u16, 0u16);
    for pair in pairs {
        left |= pair.subject;
        right |= pair.name;
    }
    let weigh = |words: &[Word], bits: u16| -> u32 {
        let chosen = words.iter().enumerate().filter(|(at, _)| bits & 1 << at != 0);
        chosen.map(|(_, word)| u32::from(word.weight)).sum()
    };
    let lost =
        score::lost(weigh(subject, !left), weigh(name, !right), weigh(name, right), asked.kind);
    100 + score::AGREES + SLACK < u32::from(threshold) + lost
}

impl Asked {
    /// The rarest words, a bit each, which together make up enough of the weight.
    fn rarest(&self) -> u16 {
        let mut order: Vec<usize> = (0..self.words.len()).collect();
        order.sort_by_key(|at| u16::MAX - self.words[*at].weight);
        let total: u16 = self.words.iter().map(|word| word.weight).sum();
        let (mut rarest, mut weight) = (0u16, 0u16);
        for at in order {
            if weight * 5 >= total * PROBED_FIFTHS {
                break;
            }
            rarest |= 1 << at;
            weight += self.words[at].weight;
        }
        rarest
    }

    /// Whether a name that shares one word alone can't have the score.
    fn needs_two(&self, threshold: u8) -> bool {
        let several = self.words.iter().filter(|it| it.weight > WEIGHT_PARTICLE).count() > 1;
        let initials = self.words.iter().any(|word| word.alone);
        let reaches = score::ONE_WORD_MAX + score::AGREES >= u32::from(threshold);
        self.kind == Kind::Person && several && !initials && !reaches
    }
}

impl Heard {
    /// How alike two words are, from 0 to 100.
    fn likeness(&self, other: &Self) -> u8 {
        if self.spelling != 0 && self.spelling == other.spelling {
            return 100;
        }
        let both = |group: &Option<u16>| group.is_some() && other.groups.contains(group);
        let group = if self.groups.iter().any(both) { GROUP_LIKENESS } else { 0 };
        if (self.letters ^ other.letters).count_ones() > LETTERS_APART_MAX {
            return group;
        }
        let mut likeness = sound::likeness(&self.sound, &other.sound).min(98);
        if self.sound.is_unvowelled() != other.sound.is_unvowelled()
            && self.sound.skeleton() == other.sound.skeleton()
        {
            likeness = likeness.max(SCRIPT_LIKENESS);
        }
        likeness.max(group)
    }
}
