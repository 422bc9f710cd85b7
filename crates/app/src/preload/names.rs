//! Made-up users with names that differ, and a made-up list, for measuring how names are looked
//! for.

use super::BenchPartner;
use crate::{App, Error};
use domain::Date;
use domain::ids::UserId;
use domain::user::{Email, Kyc, Phone, Profile, User, UserState};
use store::{screening, users};

/// Users of one commit.
const ROWS: i64 = 1_000;
/// What names are made of: as many given names and endings as people have, more or less.
const SYLLABLES: &[&str] = &[
    "al", "an", "ar", "be", "bo", "da", "de", "do", "el", "fa", "ga", "ha", "ib", "ja", "ka", "ko",
    "la", "li", "lo", "ma", "mi", "mo", "na", "ni", "no", "ol", "pa", "pe", "ra", "ri", "ro", "sa",
    "se", "so", "ta", "ti", "to", "va", "ve", "wi", "ya", "za",
];
const ENDINGS: &[&str] =
    &["ski", "wicz", "ova", "enko", "idis", "sen", "ez", "ani", "ov", "man", "poulos", "ic"];

/// Numbers that look drawn, the same for the same seed (Steele, Lea and Flood: `SplitMix64`).
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut drawn = self.0;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((drawn ^ (drawn >> 31)) >> 32).unwrap_or(0) % limit
    }

    fn word(&mut self, syllables: usize, ending: &str) -> String {
        let mut word: String = (0..syllables).map(|_| self.one_of(SYLLABLES)).collect();
        word += ending;
        let first = word.remove(0).to_ascii_uppercase();
        format!("{first}{word}")
    }

    fn one_of(&mut self, of: &'static [&'static str]) -> &'static str {
        of[self.below(of.len())]
    }

    /// One of some 74,000 given names, of which a few are frequent.
    fn given(&mut self) -> String {
        let syllables = if self.below(3) == 0 { 2 } else { 3 };
        self.word(syllables, "")
    }

    fn family(&mut self) -> String {
        let ending = self.one_of(ENDINGS);
        self.word(2, ending)
    }

    fn born(&mut self) -> Date {
        let small = |number: usize| i8::try_from(number).unwrap_or(1);
        let year = i16::try_from(1940 + self.below(65)).unwrap_or(1980);
        let (month, day) = (small(1 + self.below(12)), small(1 + self.below(28)));
        Date::new(year, month, day).unwrap_or(Date::constant(1980, 1, 1))
    }
}

impl App {
    /// Makes users of the partner for measuring whose names differ, until there are so many; how
    /// many were made. `told` hears how many there are.
    pub async fn make_names_for_measuring(
        &self,
        count: i64,
        told: impl Fn(i64),
    ) -> Result<i64, Error> {
        let bench = self.bench(BenchPartner::Measured)?;
        let mut tx = self.db.read().await?;
        let newest = screening::newest_owner(&mut tx, bench.partner()).await;
        let before = tx.end(newest).await?;
        let mut made = 0;
        while before + made < count {
            let ids = self.new_user_ids(ROWS).await?;
            let named: Vec<User> = ids.map(named).collect::<Result<_, _>>()?;
            let mut tx = self.db.begin().await?;
            let inserted = users::insert_all(&mut tx, bench.scope, named.iter(), self.now()).await;
            tx.end(inserted).await?;
            made += ROWS;
            told(before + made);
            bench.breathe().await?;
        }
        Ok(made)
    }
}

fn named(id: i64) -> Result<User, Error> {
    let mut draws = Draws(id.unsigned_abs());
    let email = Email::parse(&format!("named-{id}@bench.example"));
    let phone = Phone::parse(&format!("+888{id:011}"));
    let (Some(email), Some(phone)) = (email, phone) else {
        return Err(Error::broken("a made-up user has no address"));
    };
    let profile = Profile {
        first_name: draws.given(),
        last_name: draws.family(),
        phone,
        email,
        birth_date: draws.born(),
        external_id: None,
        address: None,
    };
    let (state, kyc) = (UserState::New, Kyc::None);
    Ok(User { id: UserId(id), profile, state, before_lock: None, kyc, version: 0 })
}

/// A list of so many made-up people, with an alias or two each, as CSV with the columns `id`,
/// `name`, `aliases` and `born`.
#[must_use]
pub fn list_for_measuring(entries: u32) -> String {
    let mut draws = Draws(0x11_57);
    let mut text = "id,name,aliases,born\n".to_owned();
    for id in 1..=entries {
        let (given, middle, family) = (draws.given(), draws.given(), draws.family());
        let (nick, maiden, born) = (draws.given(), draws.family(), draws.born());
        let second = if draws.below(4) == 0 { format!("|{given} {maiden}") } else { String::new() };
        text += &format!("{id},{given} {middle} {family},{nick} {family}{second},{born}\n");
    }
    text
}
