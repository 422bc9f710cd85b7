//! What a word sounds like, so that `Mohammed` and `Muhamad`, `Kowaltschuk` and `Kovalchuk` meet.
//!
//! A sound is written with these letters: three vowels `a i u`; `j` for every y-like and j-like
//! beginning; `x` for sh, `c` for ch; the other consonants as they are, none twice. A skeleton has
//! the consonants alone, those that languages exchange as one (`k` and `g`, `t` and `d`, …).

/// How many letters of a sound are kept.
pub(super) const LETTERS_MAX: usize = 24;
/// What exchanging, losing or adding a letter that makes another name costs.
const COST: u8 = 10;
/// How many letters are told apart: 26 of the alphabet and ten digits.
const ALPHABET: usize = 36;

/// A short text of the letters of sounds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Sound {
    letters: [u8; LETTERS_MAX],
    length: u8,
}

impl Sound {
    const EMPTY: Self = Self { letters: [0; LETTERS_MAX], length: 0 };

    /// The sound of a word of small letters and digits.
    pub(super) fn of(word: &str) -> Self {
        let mut sound = Self::EMPTY;
        let mut rest = word.as_bytes();
        while !rest.is_empty() {
            let read = sound.hear(rest);
            rest = &rest[read..];
        }
        // An h at the end is written or not: Abdullah.
        if sound.length > 2 && sound.bytes().ends_with(b"h") {
            sound.length -= 1;
        }
        sound
    }

    /// Two words spoken as one.
    pub(super) fn joined(self, other: Self) -> Self {
        let mut sound = self;
        other.bytes().iter().for_each(|letter| sound.push(*letter));
        sound
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.letters[..usize::from(self.length)]
    }

    /// The consonants, alike ones as one; a vowel or `j` at the beginning is `a`.
    pub(super) fn skeleton(&self) -> Self {
        let mut skeleton = Self::EMPTY;
        for (at, letter) in self.bytes().iter().enumerate() {
            match letter {
                b'a' | b'i' | b'u' | b'j' if at == 0 => skeleton.push(b'a'),
                b'a' | b'i' | b'u' | b'j' => {}
                b'h' if at > 0 => {}
                b'g' => skeleton.push(b'k'),
                b'd' => skeleton.push(b't'),
                b'z' | b'x' => skeleton.push(b's'),
                b'v' => skeleton.push(b'f'),
                b'b' => skeleton.push(b'p'),
                other => skeleton.push(*other),
            }
        }
        skeleton
    }

    /// Which letters of its skeleton it has, as bits.
    pub(super) fn letters_of_skeleton(&self) -> u32 {
        let bit = |letter: &u8| if letter.is_ascii_lowercase() { 1 << (letter - b'a') } else { 0 };
        self.skeleton().bytes().iter().map(bit).fold(0, |all, bit| all | bit)
    }

    /// Whether it has no vowel behind its first letter, though it is long enough to have one: it
    /// comes from a script that doesn't write them.
    pub(super) fn is_unvowelled(&self) -> bool {
        self.length > 2 && !self.bytes()[1..].iter().any(|letter| is_vowel(*letter))
    }

    fn last(&self) -> Option<u8> {
        self.bytes().last().copied()
    }

    /// Adds a letter, unless it was the last one already; digits are counted.
    fn push(&mut self, letter: u8) {
        let twice = self.last() == Some(letter) && !letter.is_ascii_digit();
        if usize::from(self.length) < LETTERS_MAX && !twice {
            self.letters[usize::from(self.length)] = letter;
            self.length += 1;
        }
    }

    fn push_all(&mut self, letters: &[u8]) {
        letters.iter().for_each(|letter| self.push(*letter));
    }

    /// Hears the beginning of a text; answers how many letters of it those were.
    fn hear(&mut self, text: &[u8]) -> usize {
        for (spelled, heard) in GROUPS {
            if text.starts_with(spelled) {
                self.push_all(heard);
                return spelled.len();
            }
        }
        let next = text.get(1).copied();
        let after_vowel = self.last().is_some_and(is_vowel);
        match text[0] {
            b'a' if next == Some(b'e') => {
                self.push(b'a');
                return 2;
            }
            // An umlaut as two letters; not at the beginning, where it is two vowels.
            b'o' | b'u' if next == Some(b'e') && self.length > 0 && !after_vowel => {
                self.push(b'u');
                return 2;
            }
            b'e' | b'i' | b'y' | b'j' => self.hear_i(text[0], next, after_vowel),
            b'o' | b'u' => self.push(b'u'),
            b'c' if next.is_some_and(|it| matches!(it, b'e' | b'i' | b'y')) => self.push(b's'),
            b'c' | b'q' => self.push(b'k'),
            b'w' => self.push(b'v'),
            b'x' if self.length == 0 => self.push(b's'),
            b'x' => self.push_all(b"ks"),
            other => self.push(other),
        }
        1
    }

    /// Hears `e`, `i`, `y` or `j`, which are a vowel or a glide by where they stand.
    fn hear_i(&mut self, letter: u8, next: Option<u8>, after_vowel: bool) {
        let before_vowel = next.is_some_and(|it| matches!(it, b'a' | b'e' | b'i' | b'o' | b'u'));
        match letter {
            b'i' | b'y' | b'j' if self.length == 0 && before_vowel => self.push(b'j'),
            b'j' if before_vowel && self.last() != Some(b'i') => self.push(b'j'),
            b'y' if before_vowel && after_vowel && self.last() != Some(b'i') => self.push(b'j'),
            _ => self.push(b'i'),
        }
    }
}

/// Letters that are heard together, longer ones first.
const GROUPS: [(&[u8], &[u8]); 27] = [
    (b"dsch", b"j"),
    (b"tsch", b"c"),
    (b"dzh", b"j"),
    (b"sch", b"x"),
    (b"tch", b"c"),
    (b"dj", b"j"),
    (b"dz", b"z"),
    (b"sh", b"x"),
    (b"sz", b"x"),
    (b"cz", b"c"),
    (b"ch", b"c"),
    (b"ck", b"k"),
    (b"kh", b"h"),
    (b"gh", b"g"),
    (b"dh", b"d"),
    (b"th", b"t"),
    (b"ph", b"f"),
    (b"bh", b"b"),
    (b"zh", b"z"),
    (b"hs", b"s"),
    (b"tz", b"z"),
    (b"ts", b"s"),
    (b"que", b"ki"),
    (b"qui", b"ki"),
    (b"gue", b"gi"),
    (b"gui", b"gi"),
    (b"rh", b"r"),
];

const fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'i' | b'u')
}

/// The place of a letter in the tables of costs.
const fn place(letter: u8) -> usize {
    match letter {
        b'a'..=b'z' => (letter - b'a') as usize,
        b'0'..=b'9' => (letter - b'0') as usize + 26,
        _ => 25,
    }
}

/// Letters that languages and typists exchange, and what that costs.
const NEAR: [(u8, u8, u8); 26] = [
    (b'k', b'g', 3),
    (b't', b'd', 3),
    (b's', b'z', 2),
    (b'f', b'v', 2),
    (b'b', b'p', 5),
    (b'b', b'v', 4),
    (b'c', b'k', 4),
    (b'c', b'h', 3),
    (b'c', b's', 4),
    (b'c', b'x', 4),
    (b'c', b'z', 5),
    (b's', b'x', 3),
    (b'z', b'x', 4),
    (b'z', b'j', 4),
    (b'g', b'j', 4),
    (b'c', b'j', 5),
    (b'd', b'j', 5),
    (b'h', b'k', 4),
    (b'h', b'g', 4),
    (b'i', b'j', 2),
    (b'u', b'v', 3),
    (b'd', b'z', 5),
    (b'm', b'n', 6),
    (b'a', b'i', 4),
    (b'a', b'u', 4),
    (b'i', b'u', 5),
];

const EXCHANGE: [[u8; ALPHABET]; ALPHABET] = {
    let mut table = [[COST; ALPHABET]; ALPHABET];
    let mut at = 0;
    while at < ALPHABET {
        // Another number is another thing: Plant 12 isn't plant 13.
        let mut digit = 26;
        while digit < ALPHABET {
            table[at][digit] = 4 * COST;
            table[digit][at] = 4 * COST;
            digit += 1;
        }
        table[at][at] = 0;
        at += 1;
    }
    let mut at = 0;
    while at < NEAR.len() {
        let (one, two, cost) = NEAR[at];
        table[place(one)][place(two)] = cost;
        table[place(two)][place(one)] = cost;
        at += 1;
    }
    table
};

/// What a letter costs that one of two words doesn't have.
const LOSS: [u8; ALPHABET] = {
    let mut table = [COST - 1; ALPHABET];
    table[place(b'a')] = 4;
    table[place(b'i')] = 4;
    table[place(b'u')] = 4;
    table[place(b'h')] = 3;
    table[place(b'j')] = 3;
    let mut digit = 26;
    while digit < ALPHABET {
        table[digit] = 4 * COST;
        digit += 1;
    }
    table
};

/// How alike two sounds are, from 0 to 100: 100 less what it costs to make one of the other, for
/// each letter of the longer one. An `a` at the end that one of them lacks costs as a consonant
/// does, since it often tells a woman's name from a man's.
pub(super) fn likeness(one: &Sound, two: &Sound) -> u8 {
    let (one, two) = (one.bytes(), two.bytes());
    let longer = one.len().max(two.len());
    if longer == 0 || longer - one.len().min(two.len()) > 4 {
        return 0;
    }
    let gender =
        u16::from(one.last() != two.last() && (one.ends_with(b"a") || two.ends_with(b"a")));
    let cost = usize::from(distance(one, two) + 4 * gender);
    let lost = cost * 100 / (usize::from(COST) * longer);
    u8::try_from(100usize.saturating_sub(lost)).unwrap_or(0)
}

/// The cost of making one word of another: of letters exchanged, lost, and swapped with the next.
fn distance(one: &[u8], two: &[u8]) -> u16 {
    let mut rows = [[0u16; LETTERS_MAX + 1]; 3];
    for (at, letter) in two.iter().enumerate() {
        rows[1][at + 1] = rows[1][at] + u16::from(LOSS[place(*letter)]);
    }
    for (row, letter) in one.iter().enumerate() {
        let [before, last, next] = &mut rows;
        next[0] = last[0] + u16::from(LOSS[place(*letter)]);
        for (column, other) in two.iter().enumerate() {
            let exchanged = last[column] + u16::from(EXCHANGE[place(*letter)][place(*other)]);
            let lost = last[column + 1] + u16::from(LOSS[place(*letter)]);
            let added = next[column] + u16::from(LOSS[place(*other)]);
            let mut least = exchanged.min(lost).min(added);
            let swapped = row > 0 && column > 0 && *letter == two[column - 1];
            if swapped && one[row - 1] == *other {
                // `before` is the row of two letters ago.
                least = least.min(before[column - 1] + u16::from(COST) * 7 / 10);
            }
            next[column + 1] = least;
        }
        rows.rotate_left(1);
    }
    rows[1][two.len()]
}
