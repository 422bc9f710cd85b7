//! Capital letters of other alphabets in those of ASCII, one by one: as machine readable passports
//! have them (ICAO Doc 9303 part 3, section 6), Greek ones by ELOT 743.
//!
//! A letter comes here without its signs; what pairs of letters and signs mean is the reader's.

/// Latin letters that aren't an ASCII letter and a sign.
pub(crate) fn other_latin(letter: char) -> Option<&'static str> {
    Some(match letter {
        'Æ' => "AE",
        'Œ' => "OE",
        'Ø' => "OE",
        'Đ' | 'Ð' => "D",
        'Ħ' => "H",
        'Ł' => "L",
        'Ŋ' => "N",
        'Ŧ' => "T",
        'Þ' => "TH",
        'Ĳ' => "IJ",
        'ẞ' => "SS",
        'Ə' => "E",
        _ => return None,
    })
}

/// Cyrillic letters without their signs: й is и, ї is і, ё is е.
pub(crate) fn cyrillic(letter: char) -> Option<&'static str> {
    Some(match letter {
        'А' => "A",
        'Б' => "B",
        'В' => "V",
        'Г' | 'Ґ' => "G",
        'Д' | 'Ђ' => "D",
        'Е' | 'Э' => "E",
        'Ж' => "ZH",
        'З' => "Z",
        'И' | 'І' | 'Й' => "I",
        'К' => "K",
        'Л' => "L",
        'М' => "M",
        'Н' => "N",
        'О' => "O",
        'П' => "P",
        'Р' => "R",
        'С' => "S",
        'Т' => "T",
        'У' => "U",
        'Ф' => "F",
        'Х' => "KH",
        'Ц' => "TS",
        'Ч' => "CH",
        'Ш' => "SH",
        'Щ' => "SHCH",
        'Ъ' | 'Є' => "IE",
        'Ы' => "Y",
        'Ь' => "",
        'Ю' => "IU",
        'Я' => "IA",
        'Ѕ' | 'Џ' => "DZ",
        'Ј' => "J",
        'Љ' => "LJ",
        'Њ' => "NJ",
        'Ћ' => "C",
        _ => return None,
    })
}

/// Greek letters that stand alone.
pub(crate) fn greek(letter: char) -> Option<&'static str> {
    Some(match letter {
        'Α' => "A",
        'Β' => "V",
        'Γ' => "G",
        'Δ' => "D",
        'Ε' => "E",
        'Ζ' => "Z",
        'Η' | 'Ι' => "I",
        'Θ' => "TH",
        'Κ' => "K",
        'Λ' => "L",
        'Μ' => "M",
        'Ν' => "N",
        'Ξ' => "X",
        'Ο' | 'Ω' => "O",
        'Π' => "P",
        'Ρ' => "R",
        'Σ' => "S",
        'Τ' => "T",
        'Υ' => "Y",
        'Φ' => "F",
        'Χ' => "CH",
        'Ψ' => "PS",
        _ => return None,
    })
}
