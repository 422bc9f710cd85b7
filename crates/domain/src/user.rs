//! Users: who they are and whether they may act (spec "People").

use crate::ids::UserId;
use crate::words::words;
use jiff::civil::Date;

words! {
    /// Where a user stands.
    pub enum UserState {
        /// Registered.
        New = "NEW",
        /// Known to be who they say.
        Verified = "VERIFIED",
        /// May not act.
        Locked = "LOCKED",
        /// Gone; answers 404.
        Deleted = "DELETED",
    }
}

words! {
    /// What came of knowing the customer.
    pub enum Kyc {
        /// Nothing yet.
        None = "NONE",
        /// A form is being looked at.
        InProgress = "IN_PROGRESS",
        /// Verified: balances and cards are allowed.
        Success = "SUCCESS",
        /// Refused.
        Rejected = "REJECTED",
    }
}

/// An end user, the cardholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The integer of the wire.
    pub id: UserId,
    /// What they are.
    pub profile: Profile,
    /// Where they stand.
    pub state: UserState,
    /// Where they stood before they were locked, while they are.
    pub before_lock: Option<UserState>,
    /// What came of KYC.
    pub kyc: Kyc,
    /// Raised by one at each change.
    pub version: i64,
}

impl User {
    /// Puts the user where they are to stand from now on.
    pub fn stand(&mut self, state: UserState) {
        match state {
            UserState::Locked => self.lock(),
            UserState::New | UserState::Verified | UserState::Deleted => {
                (self.state, self.before_lock) = (state, None);
            }
        }
    }

    /// Locks the user; again it changes nothing.
    pub fn lock(&mut self) {
        if self.state != UserState::Locked {
            (self.before_lock, self.state) = (Some(self.state), UserState::Locked);
        }
    }

    /// Takes what came of KYC; who is known to be who they say stands so from now on, or once they
    /// are unlocked.
    pub fn take_kyc(&mut self, kyc: Kyc) {
        self.kyc = kyc;
        let stood = match self.state {
            UserState::Locked => self.before_lock.get_or_insert(UserState::New),
            UserState::New | UserState::Verified | UserState::Deleted => &mut self.state,
        };
        if kyc == Kyc::Success && *stood == UserState::New {
            *stood = UserState::Verified;
        }
    }

    /// Puts a locked user back where they stood; of one whom a former release has locked, that is
    /// told by their KYC.
    pub fn unlock(&mut self) {
        if self.state != UserState::Locked {
            return;
        }
        let known = match self.kyc {
            Kyc::Success => UserState::Verified,
            Kyc::None | Kyc::InProgress | Kyc::Rejected => UserState::New,
        };
        self.state = self.before_lock.take().unwrap_or(known);
    }
}

/// What a partner tells of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Digits with an optional `+`; unique in the partner.
    pub phone: Phone,
    /// Unique in the partner, whatever its case.
    pub email: Email,
    /// Day of birth.
    pub birth_date: Date,
    /// The partner's own name for the user.
    pub external_id: Option<String>,
    /// Where they live.
    pub address: Option<Address>,
}

/// A postal address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Street.
    pub street: String,
    /// House.
    pub number: String,
    /// Flat.
    pub apartment: Option<String>,
    /// City.
    pub city: String,
    /// Postal code.
    pub post_code: String,
    /// ISO 3166-1 alpha-2.
    pub country: Country,
}

/// An ISO 3166-1 alpha-2 code in form: two upper-case letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Country(String);

impl Country {
    /// Reads two upper-case letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plausible = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        plausible.then(|| Self(text.to_owned()))
    }

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address, kept as written and compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Reads `local@domain`, at most 254 characters (RFC 5321), no spaces or control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.rsplit_once('@')?;
        let plausible = text.len() <= 254
            && (1..=64).contains(&local.len())
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !domain.contains("..")
            && !local.contains('@')
            && text.chars().all(|c| !c.is_whitespace() && !c.is_control());
        plausible.then(|| Self(text.to_owned()))
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As compared.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

words! {
    /// Why no money may leave a user's balances (spec "Transactional locks", spelled as in the
    /// seeds).
    pub enum TransactionalLock {
        /// An identity document is past its last day.
        DocumentExpired = "DOCUMENT_EXPIRED",
        /// Fraud is suspected.
        FraudSuspected = "FRAUD_SUSPECTED",
        /// The name was found on a list.
        ScreeningDetected = "SCREENING_DETECTED",
        /// For a while.
        TemporaryLocked = "TEMPORARY_LOCKED",
        /// By Bank Pekao.
        PekaoLock = "PEKAO_LOCK",
        /// By ZEN.
        ZenLock = "ZEN_LOCK",
        /// By a prosecutor.
        ProsecutorLock = "PROSECUTOR_LOCK",
        /// By Fenige.
        FenigeLock = "FENIGE_LOCK",
        /// By the police.
        PoliceLock = "POLICE_LOCK",
        /// For having too many cards.
        ManyCardsLock = "MANY_CARDS_LOCK",
        /// A verification failed.
        NegativeVerification = "NAGATIVE_VERIFICATION",
        /// A document is checked against PRADO.
        PradoVerification = "PRADO_VERIFICATION",
    }
}

/// A telephone number: 7 to 15 digits with an optional `+` (ITU-T E.164).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone(String);

impl Phone {
    /// Reads the digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let plausible =
            (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        plausible.then(|| Self(text.to_owned()))
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As compared: digits alone.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.0.strip_prefix('+').unwrap_or(&self.0)
    }
}

/// How old a user can be, in years (spec "Users").
const AGE_MAX: i16 = 120;

/// Whether a day can be somebody's birth date: in the past, at most 120 years ago.
#[must_use]
pub fn is_birth_date(date: Date, today: Date) -> bool {
    date < today && date >= today.saturating_sub(jiff::Span::new().years(AGE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_verified_stands_so_once_they_are_unlocked() {
        use UserState::{Locked, New, Verified};
        for (state, before_lock, kyc, after) in [
            (New, None, Kyc::Success, (Verified, None)),
            (New, None, Kyc::Rejected, (New, None)),
            (Verified, None, Kyc::Rejected, (Verified, None)),
            (Locked, Some(New), Kyc::Success, (Locked, Some(Verified))),
            (Locked, Some(New), Kyc::Rejected, (Locked, Some(New))),
            (Locked, None, Kyc::Success, (Locked, Some(Verified))),
        ] {
            let mut user = crate::fixtures::user(state);
            user.before_lock = before_lock;
            user.take_kyc(kyc);
            assert_eq!((user.state, user.before_lock), after, "{state}, {kyc}");
            assert_eq!(user.kyc, kyc);
        }
    }

    #[test]
    fn an_email_has_a_local_part_and_a_domain() {
        for good in ["john.doe@verestro.com", "a+b@c.de", "ż@ó.pl"] {
            assert!(Email::parse(good).is_some(), "{good}");
        }
        for bad in
            ["", "a", "@b.c", "a@", "a@b", "a b@c.de", "a@b@c.de", "a@.de", "a@d..e", "a\n@b.de"]
        {
            assert!(Email::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(Email::parse("John@Doe.DE").expect("good").folded(), "john@doe.de");
    }

    #[test]
    fn a_phone_has_7_to_15_digits() {
        for good in ["481234567899", "+48123456789", "1234567"] {
            assert!(Phone::parse(good).is_some(), "{good}");
        }
        for bad in ["", "+", "123456", "1234567890123456", "48 123 456 789", "+48+12345678"] {
            assert!(Phone::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_birth_date_is_in_the_past_and_not_too_far() {
        let today: Date = "2026-11-21".parse().expect("a date");
        for (date, good) in [
            ("2000-01-01", true),
            ("2026-11-20", true),
            ("2026-11-21", false),
            ("1906-11-21", true),
            ("1906-11-20", false),
        ] {
            assert_eq!(is_birth_date(date.parse().expect("a date"), today), good, "{date}");
        }
    }
}
