//! Names of many scripts, and what can't be rendered.

use super::*;
use proptest::prelude::*;

#[test]
fn names_are_rendered_in_the_schemes_alphabet() {
    for (name, line) in [
        // spec/40 "Personalisation"
        ("Łukasz Żółć", "LUKASZ ZOLC"),
        ("Zażółć Gęśląjaźń", "ZAZOLC GESLAJAZN"),
        ("John Smith", "JOHN SMITH"),
        ("Jürgen Groß-Bäcker", "JUERGEN GROSS-BAECKER"),
        ("Jörg Müller", "JOERG MUELLER"),
        ("Åse Øvergård", "AASE OEVERGAARD"),
        ("Þórður Ægisson", "THORDUR AEGISSON"),
        ("Jiří Dvořák", "JIRI DVORAK"),
        ("François Lœuvre", "FRANCOIS LOEUVRE"),
        ("İlayda Şimşek Işık", "ILAYDA SIMSEK ISIK"),
        ("José Muñoz", "JOSE MUNOZ"),
        ("Sinéad O’Connor", "SINEAD O'CONNOR"),
        ("Иван Щукин", "IVAN SHCHUKIN"),
        ("Юлия Хрущёва", "IULIIA KHRUSHCHEVA"),
        ("Андрій Зеленський", "ANDRII ZELENSKII"),
        ("Ђорђе Њежић", "DORDE NJEZHIC"),
        ("Γιώργος Παπαδόπουλος", "GIORGOS PAPADOPOULOS"),
        ("Ευάγγελος Μπάμπης", "EVANGELOS BAMPIS"),
        ("Ευθύμιος Αυγή", "EFTHYMIOS AVGI"),
        ("Μάγχη Σφίγξ", "MANCHI SFINX"),
        ("Μαΐου", "MAIOU"),
        ("Παύλος", "PAVLOS"),
        ("  Anna \u{a0} Maria\tNowak ", "ANNA MARIA NOWAK"),
        ("Acme & Sons, Ltd.", "ACME & SONS, LTD."),
        ("R2-D2", "R2-D2"),
        // Composed and decomposed are one.
        ("Z\u{307}o\u{301}ł", "ZOL"),
    ] {
        let rendered = CardholderLine::of(name);
        assert_eq!(rendered.as_ref().map(CardholderLine::as_str), Ok(line), "{name}");
    }
}

#[test]
fn what_cannot_be_rendered_is_refused() {
    for (name, fault) in [
        ("王小明", NameFault::Character),
        ("محمد", NameFault::Character),
        ("Smith/John", NameFault::Character),
        ("A^B", NameFault::Character),
        ("Anna 💳", NameFault::Character),
        ("Anna\nNowak", NameFault::Character),
        ("", NameFault::Empty),
        (" - ", NameFault::Empty),
        ("12", NameFault::Empty),
        ("Ь", NameFault::Empty),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZA", NameFault::TooLong),
        ("ÄÄÄÄÄÄÄÄÄÄÄÄÄÄ", NameFault::TooLong),
    ] {
        assert_eq!(CardholderLine::of(name).map(|_| ()), Err(fault), "{name}");
    }
    assert!(CardholderLine::of("ABCDEFGHIJKLMNOPQRSTUVWXYZ").is_ok(), "26 fit");
}

#[test]
fn a_person_with_a_long_name_keeps_the_family_name() {
    for (given, family, line) in [
        ("Anna Maria", "Nowak", Some("ANNA MARIA NOWAK")),
        ("Anna Maria", "Brzęczyszczykiewicz", Some("ANNA M BRZECZYSZCZYKIEWICZ")),
        ("Grzegorz Jan", "Brzęczyszczykiewicz", Some("G J BRZECZYSZCZYKIEWICZ")),
        ("Jo", "Abcdefghijklmnopqrstuvwx", Some("J ABCDEFGHIJKLMNOPQRSTUVWX")),
        ("Jo", "Abcdefghijklmnopqrstuvwxy", None),
    ] {
        let told = CardholderLine::of_person(given, family);
        assert_eq!(told.as_ref().ok().map(CardholderLine::as_str), line, "{given} {family}");
    }
}

proptest! {
    #[test]
    fn whatever_is_rendered_can_be_embossed(name in "\\PC{0,40}") {
        if let Ok(line) = CardholderLine::of(&name) {
            let line = line.as_str();
            prop_assert!((1..=CHARACTERS_MAX).contains(&line.len()));
            prop_assert!(line.bytes().all(|it| it.is_ascii_uppercase()
                || it.is_ascii_digit() || b" .'-&,".contains(&it)));
            prop_assert!(!line.starts_with(' ') && !line.ends_with(' ') && !line.contains("  "));
            let again = CardholderLine::of(line);
            prop_assert_eq!(again.as_ref().map(CardholderLine::as_str), Ok(line));
        }
    }

    #[test]
    fn any_two_names_are_a_line_or_a_fault(given in "\\PC{0,30}", family in "\\PC{0,30}") {
        if let Ok(line) = CardholderLine::of_person(&given, &family) {
            prop_assert!((3..=CHARACTERS_MAX).contains(&line.as_str().len()));
        }
    }
}
