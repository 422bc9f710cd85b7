//! What a file must not depend on, and texts that no page was made for. What a reader sees in it is
//! tested by a foreign library, with the server.

use super::font::Font;
use super::*;
use app::statements::{Line, Period, Told};
use domain::Timestamp;
use domain::balance::{Balance, BalanceState, Owner};
use domain::ids::{BalanceId, TransactionId, UserId};
use domain::money::{Amount, Currency};
use domain::transaction::{Category, TransactionType};
use jiff::civil::date;
use jiff::tz::TimeZone;
use uuid::Uuid;

/// A statement with this many movements, all of this text.
fn statement(lines: usize, text: &str) -> Statement {
    let held = Amount::from_minor(0).expect("an amount");
    let owner = UserId(1);
    let id = BalanceId(Uuid::from_u128(7));
    let line = Line {
        of: Told {
            id: TransactionId(Uuid::from_u128(8)),
            number: 1,
            kind: TransactionType::TopUp,
            text: text.to_owned(),
            network_id: "x".to_owned(),
            received_at: Timestamp::UNIX_EPOCH,
        },
        at: Timestamp::UNIX_EPOCH,
        way: Category::Debit,
        amount: Amount::from_minor(1).expect("an amount"),
        balance: i64::MIN,
    };
    Statement {
        corporation: None,
        partner: text.to_owned(),
        balance: Balance {
            id,
            owner: Owner::User(owner),
            currency: Currency::EUR,
            mode: domain::partner::BalanceMode::Internal,
            state: BalanceState::Active,
            posted: 0,
            held,
            version: 1,
            gift: None,
        },
        name: text.to_owned(),
        period: Period { from: date(1900, 1, 1), to: date(9999, 12, 31) },
        zone: TimeZone::get("Asia/Kathmandu").expect("a zone"),
        opening: i64::MAX,
        credits: 0,
        debits: 0,
        closing: i64::MIN,
        lines: vec![line; lines],
        made_at: Timestamp::UNIX_EPOCH,
        is_final: false,
    }
}

/// How many objects a file says are pages.
fn pages(file: &[u8]) -> usize {
    let kind: &[u8] = b"/Type /Page\n";
    file.windows(kind.len()).filter(|it| *it == kind).count()
}

#[test]
fn the_same_statement_is_the_same_file() {
    let made = statement(3, "Łódź, Größe, Αθήνα, Київ");
    assert!(written(&made) == written(&made));
    let later = Statement { closing: 1, ..made.clone() };
    assert!(written(&later) != written(&made));
}

#[test]
fn a_file_has_as_many_pages_as_it_needs_and_one_at_least() {
    assert_eq!(pages(&written(&statement(0, "x"))), 1);
    assert_eq!(pages(&written(&statement(20, "x"))), 1);
    assert_eq!(pages(&written(&statement(100, "x"))), 3);
}

/// 20,000 movements are the most that a statement tells of.
#[test]
fn the_longest_statement_is_some_megabytes() {
    let file = written(&statement(20_000, "A shop with a name of usual length"));
    assert!(pages(&file) > 400);
    assert!(file.len() < 4 << 20, "{}", file.len());
}

#[test]
fn texts_that_the_font_was_not_made_for_are_written() {
    let every: String = (0..=u32::from(char::MAX)).filter_map(char::from_u32).collect();
    for text in ["", " ", "\0\n\t\u{7f}", "株式会社", "👩‍👩‍👧", "مرحبا", "\u{feff}\u{202e}x", &every]
    {
        assert!(!written(&statement(2, text)).is_empty());
    }
    let one = "W".repeat(255);
    assert_eq!(pages(&written(&statement(1, &one))), 1);
}

#[test]
fn a_text_is_broken_between_words_and_within_long_ones() {
    let mut font = Font::new();
    let width = font.width("Hello world", 160);
    assert_eq!(font.lines("Hello  world\nagain", 160, width), ["Hello world", "again"]);
    assert_eq!(font.lines("Hello world", 160, width - 1), ["Hello", "world"]);
    let lines = font.lines(&"W".repeat(100), 160, width);
    assert!(lines.len() > 10 && lines.concat() == "W".repeat(100));
    for line in &lines {
        assert!(font.width(line, 160) <= width, "{line}");
    }
    assert_eq!(font.lines("ab", 160, 0), ["a", "b"]);
    assert_eq!(font.lines("", 160, width), [""]);
}

#[test]
fn the_font_has_the_letters_of_europe() {
    let mut font = Font::new();
    let empty = font.lacks('株');
    assert!(empty, "what it lacks is told apart");
    let europe = "ĄĆĘŁŃÓŚŹŻąćęłńóśźż ÄÖÜäöüßẞ ÀÂÇÉÈÊËÎÏÔŒÙÛŸ ÅÆØåæø ČĎĚŇŘŠŤŮŽ ĂÂÎȘȚ ŐŰ ĢĶĻŅ ĠĦŻ \
                  ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩάέήίόύώς АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ \
                  ҐЄІЇґєії ЉЊЋЏЂ Ўў „“”‘’–—…€£₴₽№";
    for letter in europe.chars() {
        assert!(!font.lacks(letter), "{letter}");
    }
}
