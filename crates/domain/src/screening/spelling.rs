//! A name in any of several scripts as words of small letters `a` to `z` and digits.
//!
//! Signs of letters go (`ü` is `u`; that `ue` is the same is seen to by the sound). Other scripts
//! are rendered letter by letter, Arabic ones without the vowels that aren't written. Apostrophes
//! join, everything else that is no letter parts.

use super::Kind;
use super::common::Vocabulary;
use crate::letters::{cyrillic, greek, other_latin};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// How many words of a name are looked at. No list has a name of more that differ in the rest.
pub(super) const WORDS_MAX: usize = 12;
/// How long a name may be, in bytes; what is behind that isn't looked at.
const TEXT_MAX: usize = 512;
/// How `Abd al-` is spelled where it is joined to what follows.
const ABD: [&str; 10] =
    ["abdul", "abdel", "abdal", "abdoul", "abdol", "abdur", "abdor", "abdar", "abder", "abd"];
/// The article between `Abd` and what follows.
const ARTICLES: [&str; 10] = ["al", "el", "ul", "ur", "ar", "er", "as", "us", "ol", "il"];

/// The words of a name. Empty if there is no letter of a script that is read.
pub(super) fn words(text: &str, kind: Kind, vocabulary: &Vocabulary) -> Vec<String> {
    let latin = rendered(beginning(text));
    let words: Vec<&str> = latin.split(' ').filter(|word| !word.is_empty()).collect();
    let mut words = match kind {
        Kind::Person => with_abd(&words),
        Kind::Entity => without_legal_form(with_letters_joined(&words), vocabulary),
    };
    words.truncate(WORDS_MAX);
    words
}

/// As much of a text as is looked at.
fn beginning(text: &str) -> &str {
    let mut end = text.len().min(TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The text in small letters of ASCII, digits and spaces.
fn rendered(text: &str) -> String {
    let mut line = String::with_capacity(text.len() + 8);
    if text.is_ascii() {
        text.chars().for_each(|letter| ascii(letter, &mut line));
        return line;
    }
    let letters: Vec<char> =
        text.to_uppercase().nfd().filter(|letter| !is_combining_mark(*letter)).collect();
    let mut at = 0;
    while let Some(letter) = letters.get(at) {
        let before = at.checked_sub(1).and_then(|at| letters.get(at)).copied();
        let rest = &letters[at + 1..];
        at += 1 + render(*letter, before, rest, &mut line);
    }
    line
}

/// Renders a letter; answers how many of those behind it are rendered with it.
fn render(letter: char, before: Option<char>, rest: &[char], line: &mut String) -> usize {
    if letter.is_ascii() {
        ascii(letter, line);
        return 0;
    }
    if let Some(pair) = rest.first().and_then(|next| greek_pair(letter, *next)) {
        line.push_str(pair);
        return 1;
    }
    let begins = !before.is_some_and(char::is_alphanumeric);
    // The article is written together with its noun.
    if letter == 'ا' && begins && rest.first() == Some(&'ل') && is_long(&rest[1..]) {
        line.push_str("al ");
        return 1;
    }
    let known = match letter {
        // Signs of hardness and softness are heard in no other language.
        'Ъ' | 'Ь' => Some(""),
        '’' | '‘' | 'ʼ' | 'ʿ' | 'ʾ' | '´' | 'ª' | 'º' | '\u{640}' => Some(""),
        other => other_latin(other).or_else(|| cyrillic(other)).or_else(|| greek(other)),
    };
    match known.or_else(|| arabic(letter, begins)) {
        Some(latin) => line.extend(latin.chars().map(|it| it.to_ascii_lowercase())),
        None => line.push(' '),
    }
    0
}

/// Whether at least three letters follow: shorter words that begin so have no article.
fn is_long(rest: &[char]) -> bool {
    rest.iter().take(3).filter(|it| it.is_alphabetic()).count() == 3
}

fn ascii(letter: char, line: &mut String) {
    match letter {
        'a'..='z' | '0'..='9' => line.push(letter),
        'A'..='Z' => line.push(letter.to_ascii_lowercase()),
        '\'' | '`' => {}
        _ => line.push(' '),
    }
}

/// Two Greek letters that are rendered together.
fn greek_pair(first: char, second: char) -> Option<&'static str> {
    Some(match (first, second) {
        ('Ο', 'Υ') => "ou",
        ('Α', 'Υ') => "av",
        ('Ε', 'Υ') => "ev",
        ('Γ', 'Γ') => "ng",
        ('Γ', 'Κ') => "gk",
        ('Μ', 'Π') => "mp",
        _ => return None,
    })
}

/// Letters of Arabic and Persian. Two of them are vowels inside of a word only.
fn arabic(letter: char, begins: bool) -> Option<&'static str> {
    Some(match letter {
        'ا' | 'أ' | 'آ' | 'ى' | 'ة' | 'ه' if !begins => "a",
        'ا' | 'أ' | 'آ' | 'ع' if begins => "a",
        'إ' => "i",
        'ع' | 'ء' | 'ئ' | 'ؤ' => "",
        'ب' => "b",
        'پ' => "p",
        'ت' | 'ط' | 'ث' => "t",
        'ج' | 'ژ' => "j",
        'چ' => "ch",
        'ح' | 'ه' => "h",
        'خ' => "kh",
        'د' | 'ض' => "d",
        'ذ' | 'ز' | 'ظ' => "z",
        'ر' => "r",
        'س' | 'ص' => "s",
        'ش' => "sh",
        'غ' | 'گ' => "g",
        'ف' => "f",
        'ق' | 'ك' | 'ک' => "k",
        'ل' => "l",
        'م' => "m",
        'ن' => "n",
        'و' if begins => "w",
        'و' => "u",
        'ي' | 'ی' if begins => "y",
        'ي' | 'ی' => "i",
        _ => return None,
    })
}

/// The words, with `Abd al-Rahman`, `Abdul Rahman` and `Abdurrahman` all as one word.
fn with_abd(words: &[&str]) -> Vec<String> {
    let mut joined = Vec::with_capacity(words.len());
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        if ABD.contains(word) {
            if words.peek().is_some_and(|next| ARTICLES.contains(next)) {
                words.next();
            }
            joined.push(format!("abd{}", words.next().unwrap_or(&"")));
            continue;
        }
        let stem = ABD.iter().find_map(|abd| word.strip_prefix(abd));
        match stem.filter(|stem| stem.len() > 1) {
            Some(stem) => joined.push(format!("abd{stem}")),
            None => joined.push((*word).to_owned()),
        }
    }
    joined
}

/// The words, with `s a` and `o o o` as one: letters that stood with dots.
fn with_letters_joined(words: &[&str]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    let mut open = false;
    for word in words {
        let single = word.len() == 1;
        match joined.last_mut() {
            Some(last) if single && open => last.push_str(word),
            Some(_) | None => joined.push((*word).to_owned()),
        }
        open = single;
    }
    joined
}

/// The words without those of a legal form, unless there are no others.
fn without_legal_form(words: Vec<String>, vocabulary: &Vocabulary) -> Vec<String> {
    let is_legal_form = |word: &String| vocabulary.get(word).is_some_and(|it| it.legal_form);
    if words.iter().all(is_legal_form) {
        return words;
    }
    words.into_iter().filter(|word| !is_legal_form(word)).collect()
}
