//! KYC forms: what a user tells of themselves, what is doubtful about it, and what is decided (spec
//! "KYC").

pub mod check;
pub mod picture;
pub mod provider;

use crate::Timestamp;
use crate::ids::{UserId, VerificationId};
use crate::outcome::Outcome;
use crate::user::{Address, Kyc, Profile};
use crate::words::words;
use jiff::civil::Date;

words! {
    /// Where a form stands.
    pub enum VerificationStatus {
        /// Somebody or something looks at it.
        InProgress = "IN_PROGRESS",
        /// Good.
        Accepted = "ACCEPTED",
        /// Not good; a new form may follow.
        Rejected = "REJECTED",
    }
}

words! {
    /// Why a form isn't good (seeds, "External Verification Notifier").
    pub enum Reason {
        /// What it says.
        InvalidCustomerData = "INVALID_CUSTOMER_DATA",
        /// A picture of the document can't be read.
        BlurredDocumentPhoto = "BLURRED_DOCUMENT_PHOTO",
        /// A picture doesn't show the document.
        InvalidDocumentPhoto = "INVALID_DOCUMENT_PHOTO",
        /// The picture of the face can't be made out.
        BlurredSelfie = "BLURRED_SELFIE",
        /// The picture doesn't show the face.
        InvalidSelfie = "INVALID_SELFIE",
    }
}

words! {
    /// What proves who a person is.
    pub enum DocumentType {
        /// A passport.
        Passport = "passport",
        /// An identity card.
        IdentityCard = "identity_card",
        /// A driving licence.
        DrivingLicence = "driving_licence",
        /// A residence permit.
        ResidencePermit = "residence_permit",
    }
}

words! {
    /// How risky the partner thinks the person is.
    pub enum RiskLevel {
        /// Hardly.
        Low = "LOW",
        /// Somewhat.
        Medium = "MEDIUM",
        /// Very.
        High = "HIGH",
    }
}

words! {
    /// What is readable but doubtful about a form. It is no error: who decides is shown it.
    pub enum Finding {
        /// The PESEL's check digit is wrong.
        PeselChecksum = "PESEL_CHECKSUM",
        /// The PESEL tells another birth date.
        PeselBirthDate = "PESEL_BIRTH_DATE",
        /// The document's last day has passed.
        DocumentExpired = "DOCUMENT_EXPIRED",
        /// The user was registered under another name.
        NameDiffersFromUser = "NAME_DIFFERS_FROM_USER",
        /// The user was registered with another birth date.
        BirthDateDiffersFromUser = "BIRTH_DATE_DIFFERS_FROM_USER",
        /// There is no picture of the document's back.
        ImageBackMissing = "IMAGE_BACK_MISSING",
    }
}

/// A form that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Where they live.
    pub address: Address,
    /// Free text (`polish`) or alpha-2.
    pub nationality: String,
    /// Day of birth.
    pub birth_date: Date,
    /// The Polish personal number: eleven digits.
    pub pesel: Option<Pesel>,
    /// What proves it.
    pub document_type: DocumentType,
    /// The document's number.
    pub document_number: String,
    /// The document's last day.
    pub document_expires: Date,
    /// How risky the partner thinks the person is.
    pub risk_level: Option<RiskLevel>,
}

impl Form {
    /// Whether it is of who the user is registered as, as far as names and birth date tell.
    #[must_use]
    pub fn is_of(&self, user: &Profile) -> bool {
        self.birth_date == user.birth_date && !differs(self, user)
    }
}

/// One form and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// The UUID of the wire.
    pub id: VerificationId,
    /// Whose it is.
    pub user: UserId,
    /// Where it stands.
    pub status: VerificationStatus,
    /// Why it was rejected.
    pub reason: Option<Reason>,
    /// What is doubtful.
    pub findings: Vec<Finding>,
    /// When it came in.
    pub created_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// When the automatic check left it to a person.
    pub referred_at: Option<Timestamp>,
}

/// What is said of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is good.
    Accept,
    /// It isn't.
    Reject(Reason),
}

/// Why a form isn't decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerificationRefusal {
    /// It was decided before, otherwise.
    AlreadyDecided,
}

impl Verification {
    /// Decides a form. What was decided before may be said again.
    pub fn decide(
        &mut self,
        decision: Decision,
        now: Timestamp,
    ) -> Result<Outcome, VerificationRefusal> {
        let (status, reason) = match decision {
            Decision::Accept => (VerificationStatus::Accepted, None),
            Decision::Reject(reason) => (VerificationStatus::Rejected, Some(reason)),
        };
        match self.status {
            VerificationStatus::InProgress => {
                (self.status, self.reason, self.decided_at) = (status, reason, Some(now));
                Ok(Outcome::Applied)
            }
            VerificationStatus::Accepted | VerificationStatus::Rejected
                if (self.status, self.reason) == (status, reason) =>
            {
                Ok(Outcome::AlreadyApplied)
            }
            VerificationStatus::Accepted | VerificationStatus::Rejected => {
                Err(VerificationRefusal::AlreadyDecided)
            }
        }
    }
}

/// What a user's KYC is after a form of theirs was decided: a form never lowers one that succeeded,
/// and a rejected one leaves the others open that are being looked at.
#[must_use]
pub fn kyc_after(before: Kyc, decision: Decision, others_open: bool) -> Kyc {
    match (before, decision) {
        (Kyc::Success, _) | (_, Decision::Accept) => Kyc::Success,
        (_, Decision::Reject(_)) if others_open => Kyc::InProgress,
        (_, Decision::Reject(_)) => Kyc::Rejected,
    }
}

/// A Polish personal number in form: eleven digits. Whether it is a real one is a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pesel([u8; 11]);

impl Pesel {
    /// Reads eleven digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 11] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_digit).then(|| Self(bytes.map(|byte| byte - b'0')))
    }

    /// The digits.
    #[must_use]
    pub fn digits(&self) -> String {
        self.0.iter().map(|digit| char::from(digit + b'0')).collect()
    }

    /// Whether its check digit is right: weights 1, 3, 7, 9 in turn.
    fn has_right_checksum(&self) -> bool {
        let weights = [1u32, 3, 7, 9, 1, 3, 7, 9, 1, 3];
        let sum: u32 =
            weights.iter().zip(self.0).map(|(weight, digit)| weight * u32::from(digit)).sum();
        (10 - sum % 10) % 10 == u32::from(self.0[10])
    }

    /// The birth date it tells: the century is coded in the month.
    fn birth_date(&self) -> Option<Date> {
        let pair = |at: usize| i16::from(self.0[at]) * 10 + i16::from(self.0[at + 1]);
        let (century, month) = match pair(2) {
            month @ 1..=12 => (1900, month),
            month @ 21..=32 => (2000, month - 20),
            month @ 41..=52 => (2100, month - 40),
            month @ 61..=72 => (2200, month - 60),
            month @ 81..=92 => (1800, month - 80),
            _ => return None,
        };
        let small = |value: i16| i8::try_from(value).ok();
        Date::new(century + pair(0), small(month)?, small(pair(4))?).ok()
    }
}

/// Whether a form came with a picture of the document's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackImage {
    /// It did.
    Given,
    /// It didn't.
    Missing,
}

/// Finds what is doubtful about a form, in the order of [`Finding`].
#[must_use]
pub fn findings(form: &Form, user: &Profile, back: BackImage, today: Date) -> Vec<Finding> {
    let pesel = form.pesel.as_ref();
    let doubts = [
        (pesel.is_some_and(|number| !number.has_right_checksum()), Finding::PeselChecksum),
        (
            pesel.is_some_and(|number| number.birth_date() != Some(form.birth_date)),
            Finding::PeselBirthDate,
        ),
        (form.document_expires < today, Finding::DocumentExpired),
        (differs(form, user), Finding::NameDiffersFromUser),
        (form.birth_date != user.birth_date, Finding::BirthDateDiffersFromUser),
        (needs_back(form.document_type) && back == BackImage::Missing, Finding::ImageBackMissing),
    ];
    doubts.into_iter().filter_map(|(doubtful, finding)| doubtful.then_some(finding)).collect()
}

/// Whether the form names somebody else than the user, whatever the case of the letters.
fn differs(form: &Form, user: &Profile) -> bool {
    form.first_name.to_lowercase() != user.first_name.to_lowercase()
        || form.last_name.to_lowercase() != user.last_name.to_lowercase()
}

/// A passport shows all on one page; the others have a back.
fn needs_back(document: DocumentType) -> bool {
    match document {
        DocumentType::Passport => false,
        DocumentType::IdentityCard
        | DocumentType::DrivingLicence
        | DocumentType::ResidencePermit => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Country;

    fn john() -> Profile {
        crate::fixtures::user(crate::user::UserState::New).profile
    }

    fn seeds_form() -> Form {
        Form {
            first_name: "Leon".to_owned(),
            last_name: "Bakiewicz".to_owned(),
            address: Address {
                street: "Pieklo".to_owned(),
                number: "17a".to_owned(),
                apartment: Some("2".to_owned()),
                city: "Lublin".to_owned(),
                post_code: "20-128".to_owned(),
                country: Country::parse("PL").expect("a country"),
            },
            nationality: "polish".to_owned(),
            birth_date: Date::constant(1970, 1, 1),
            pesel: Pesel::parse("70010155587"),
            document_type: DocumentType::Passport,
            document_number: "ASD123456".to_owned(),
            document_expires: Date::constant(2025, 1, 30),
            risk_level: Some(RiskLevel::Low),
        }
    }

    #[test]
    fn the_seeds_own_form_has_four_findings() {
        let today = Date::constant(2026, 11, 21);
        assert_eq!(
            findings(&seeds_form(), &john(), BackImage::Given, today),
            [
                Finding::PeselChecksum,
                Finding::DocumentExpired,
                Finding::NameDiffersFromUser,
                Finding::BirthDateDiffersFromUser,
            ]
        );
    }

    #[test]
    fn a_good_form_has_none() {
        let mut form = seeds_form();
        form.first_name = "JOHN".to_owned();
        form.last_name = "doe".to_owned();
        form.birth_date = john().birth_date;
        form.pesel = None;
        form.document_expires = Date::constant(2026, 11, 21);
        assert_eq!(findings(&form, &john(), BackImage::Missing, form.document_expires), []);
        form.document_type = DocumentType::IdentityCard;
        assert_eq!(
            findings(&form, &john(), BackImage::Missing, form.document_expires),
            [Finding::ImageBackMissing]
        );
    }

    #[test]
    fn a_form_is_decided_once() {
        use Reason::{BlurredSelfie, InvalidSelfie};
        let (now, later) = (crate::fixtures::NOW, Timestamp::constant(1_800_000_000, 0));
        let decisions =
            [Decision::Accept, Decision::Reject(BlurredSelfie), Decision::Reject(InvalidSelfie)];
        for first in decisions {
            for second in decisions {
                let mut form = Verification {
                    id: VerificationId(uuid::Uuid::nil()),
                    user: UserId(1),
                    status: VerificationStatus::InProgress,
                    reason: None,
                    findings: vec![],
                    created_at: now,
                    decided_at: None,
                    referred_at: None,
                };
                assert_eq!(form.decide(first, now), Ok(Outcome::Applied));
                let decided = form.clone();
                assert_eq!(decided.decided_at, Some(now));
                let again = match first == second {
                    true => Ok(Outcome::AlreadyApplied),
                    false => Err(VerificationRefusal::AlreadyDecided),
                };
                assert_eq!(form.decide(second, later), again, "{first:?}, {second:?}");
                assert_eq!(form, decided, "{first:?}, {second:?}");
            }
        }
    }

    #[test]
    fn a_form_never_lowers_who_is_verified() {
        let (accept, reject) = (Decision::Accept, Decision::Reject(Reason::InvalidSelfie));
        for (before, decision, others_open, after) in [
            (Kyc::InProgress, accept, false, Kyc::Success),
            (Kyc::Rejected, accept, true, Kyc::Success),
            (Kyc::InProgress, reject, false, Kyc::Rejected),
            (Kyc::InProgress, reject, true, Kyc::InProgress),
            (Kyc::Success, reject, false, Kyc::Success),
            (Kyc::Success, reject, true, Kyc::Success),
        ] {
            assert_eq!(kyc_after(before, decision, others_open), after, "{before}, {decision:?}");
        }
    }

    #[test]
    fn a_pesel_tells_the_century_in_its_month() {
        for (number, date) in [
            ("44051401359", Some("1944-05-14")),
            ("02070803628", Some("1902-07-08")),
            ("02270803624", Some("2002-07-08")),
            ("02130803629", None),
            ("99023000007", None),
        ] {
            let told =
                Pesel::parse(number).expect(number).birth_date().map(|date| date.to_string());
            assert_eq!(told.as_deref(), date, "{number}");
        }
        assert!(Pesel::parse("44051401359").expect("digits").has_right_checksum());
        assert!(!Pesel::parse("44051401358").expect("digits").has_right_checksum());
        assert!(Pesel::parse("4405140135x").is_none() && Pesel::parse("440514013590").is_none());
    }
}
