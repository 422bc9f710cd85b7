//! Texts with rules: each is read whole or refused, and is shown as it was.

use crypto::pin::{Format, PinBlock, PinKey};
use domain::Word;
use domain::alert::MailAddress;
use domain::authorization::Ask;
use domain::balance::PartnerBalanceKind;
use domain::card::embossing::{CHARACTERS_MAX, CardholderLine};
use domain::card::lifecycle::LockReason;
use domain::limits::{LimitType, TimeUnit};
use domain::money::{Amount, Currency};
use domain::notification::Event;
use domain::partner::is_partner_code;
use domain::program::{is_bin, is_config_id};
use domain::response_codes::response_codes;
use domain::secret::{Cvv, Pan};
use domain::transaction::{CaptureMode, Category, Description, Flag, Status, TransactionType};
use domain::user::{Country, Email, Kyc, Phone, TransactionalLock, UserState};
use domain::verification::{DocumentType, Pesel, RiskLevel};

/// An input as a text, without the line end of a file.
fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).trim_end_matches('\n').to_owned()
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Card numbers and verification codes: digits alone, and never printed whole. A number without its
/// last digit has one.
pub fn card_number(data: &[u8]) {
    let text = text(data);
    if let Ok(pan) = Pan::parse(&text) {
        assert!((13..=19).contains(&text.len()) && is_digits(&text));
        assert!(text.ends_with(pan.last_four()));
        assert!(!format!("{pan:?}").contains(&text));
        let (rest, _) = text.split_at(text.len() - 1);
        let again = Pan::with_check_digit(rest).expect("it has the digit that it had");
        assert_eq!(again.last_four(), pan.last_four());
    }
    let completed = Pan::with_check_digit(&text);
    assert_eq!(completed.is_ok(), (12..=18).contains(&text.len()) && is_digits(&text));
    let code = Cvv::parse(&text);
    assert_eq!(code.is_ok(), text.len() == 3 && is_digits(&text));
    assert!(code.is_err() || !format!("{code:?}").contains(&text));
}

/// Currencies and amounts: `EUR -1250`, shown with a point, is the same without it.
pub fn money(data: &[u8]) {
    let text = text(data);
    let (code, number) = text.split_once(' ').unwrap_or((&text, ""));
    let currency = Currency::parse(code);
    assert_eq!(currency.is_ok(), Currency::codes().any(|known| known == code));
    let (Ok(currency), Ok(minor)) = (currency, number.parse::<i64>()) else { return };
    assert_eq!(currency.code(), code);
    let shown = currency.decimal(minor);
    let (_, places) = shown.split_once('.').unwrap_or((&shown, ""));
    assert_eq!(places.len(), usize::from(currency.exponent()));
    assert_eq!(shown.replace('.', "").parse(), Ok(minor));

    let amount = Amount::from_minor(minor);
    assert_eq!(amount.is_ok(), minor >= 0);
    let Ok(amount) = amount else { return };
    assert_eq!(amount.minor(), minor);
    let least = Amount::from_minor(1).expect("positive");
    if let Ok(more) = amount.checked_add(least) {
        assert_eq!(more.checked_sub(least), Ok(amount));
        assert_eq!(amount.checked_sub(more).ok(), None);
        assert_eq!(amount.saturating_sub(more), Amount::ZERO);
    }
}

/// What is told of people: e-mail, telephone, country, personal number. An address for alerts is
/// one that the mailer takes.
pub fn people(data: &[u8]) {
    let text = text(data);
    if let Some(email) = Email::parse(&text) {
        assert_eq!(email.as_str(), text);
        assert!(!text.chars().any(|c| c.is_whitespace() || c.is_control()));
        assert!(!email.folded().is_empty());
    }
    if let Some(address) = MailAddress::parse(&text) {
        assert!(Email::parse(&text).is_some() && text.is_ascii());
        assert_eq!(
            address.as_str().rsplit_once('@').map(|(_, domain)| domain),
            Some(address.domain())
        );
        assert!(text.parse::<lettre::Address>().is_ok(), "{text} can't be sent to");
    }
    if let Some(phone) = Phone::parse(&text) {
        assert_eq!(phone.as_str(), text);
        assert!(is_digits(phone.digits()) && (7..=15).contains(&phone.digits().len()));
    }
    let country = Country::parse(&text);
    assert!(country.is_none_or(|country| country.as_str() == text && text.len() == 2));
    let pesel = Pesel::parse(&text);
    assert!(pesel.is_none_or(|pesel| pesel.digits() == text));
}

/// Words of enums, codes and names in digits.
pub fn words(data: &[u8]) {
    fn check<W: Word>(text: &str) {
        let found = W::of_word(text).map(Word::word);
        assert!(found.is_none_or(|word| word == text), "{}", W::NAME);
    }
    let text = text(data);
    let checks = [
        check::<Ask>,
        check::<CaptureMode>,
        check::<Category>,
        check::<Description>,
        check::<DocumentType>,
        check::<Event>,
        check::<Flag>,
        check::<Kyc>,
        check::<LimitType>,
        check::<LockReason>,
        check::<PartnerBalanceKind>,
        check::<RiskLevel>,
        check::<Status>,
        check::<TimeUnit>,
        check::<TransactionType>,
        check::<TransactionalLock>,
        check::<UserState>,
    ];
    checks.iter().for_each(|check| check(&text));
    assert!(response_codes(&text).is_none() || (text.len() == 4 && is_digits(&text)));
    assert!(!is_bin(&text) || (text.len() <= 8 && is_digits(&text)));
    assert!(!is_config_id(&text) || (text.len() == 10 && is_digits(&text)));
    assert!(!is_partner_code(&text) || text.is_ascii());
}

/// Names on cards: what is rendered can be embossed, and rendered again is the same. Two names on
/// two lines are a person's.
pub fn embossing(data: &[u8]) {
    let text = text(data);
    let fits = |line: &str| {
        let plain = |byte: u8| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" .'-&,".contains(&byte)
        };
        (1..=CHARACTERS_MAX).contains(&line.len()) && line.bytes().all(plain)
    };
    if let Ok(line) = CardholderLine::of(&text) {
        assert!(fits(line.as_str()));
        let again = CardholderLine::of(line.as_str()).expect("it was rendered before");
        assert_eq!(again.as_str(), line.as_str());
    }
    if let Some((given, family)) = text.split_once('\n')
        && let Ok(line) = CardholderLine::of_person(given, family)
    {
        assert!(fits(line.as_str()));
    }
}

/// PIN blocks: the first byte says the format, the rest is the encrypted block. Whatever comes out
/// of it is a PIN, or nothing is.
pub fn pin_block(data: &[u8]) {
    let Some((&first, block)) = data.split_first() else { return };
    let Some(format) = Format::of(i64::from(first)) else { return };
    let Some(block) = PinBlock::new(format, block.to_vec()) else { return };
    let pan = Pan::parse("4111111111111111").expect("a number");
    let keys = [PinKey::triple_des(&TRIPLE_DES), PinKey::aes(&[0x42; 16])];
    for key in keys.into_iter().map(|key| key.expect("a key")) {
        if let Ok(pin) = key.decrypt(&block, &pan) {
            assert_eq!(format!("{pin:?}"), "Pin(…)");
        }
    }
}

/// Of odd parity.
const TRIPLE_DES: [u8; 16] = [
    0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10,
];
