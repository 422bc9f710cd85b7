//! What the built-in check makes of a form: where nobody else is asked, it decides what is plain,
//! and leaves the rest to a person.

use super::{Decision, Finding, Form, Reason};
use jiff::civil::Date;

/// Points on the shorter side from which a picture can show anything.
const SIDE_MIN: u32 = 200;
/// Below this sharpness nobody reads a text in a picture.
const SHARPNESS_MIN: u32 = 15;
/// From this sharpness on everybody does; in between a person looks.
const SHARPNESS_GOOD: u32 = 60;
/// From this age on a person decides for themselves.
const AGE_MIN: i16 = 18;

/// What is seen in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It can't be opened here, or takes too much to open.
    Nothing,
    /// A picture.
    Picture {
        /// Points on its shorter side.
        side: u32,
        /// The variance of its brightness' second derivative (Laplace, 3 by 3), at 640 points on
        /// the longer side.
        sharpness: u32,
    },
}

/// The pictures of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pictures {
    /// The face.
    pub face: Seen,
    /// The document, front and back.
    pub document: Vec<Seen>,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This is decided.
    Decided(Decision),
    /// A person has to look.
    Referred(Doubt),
}

/// Why a person has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Only that a picture is neither sharp nor blurred.
    Sharpness,
    /// The age, a list, or a picture that can't be opened here.
    Other,
}

/// Whether somebody of the user's name stands on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screening {
    /// Nobody does, or it isn't the user.
    Clear,
    /// Somebody does.
    Hit,
}

/// Judges a form: rejected is what is wrong without doubt, accepted what has nothing doubtful.
#[must_use]
pub fn judge(
    form: &Form,
    findings: &[Finding],
    pictures: &Pictures,
    screening: Screening,
    today: Date,
) -> Verdict {
    if !findings.is_empty() {
        return Verdict::Decided(Decision::Reject(Reason::InvalidCustomerData));
    }
    let document = (Reason::InvalidDocumentPhoto, Reason::BlurredDocumentPhoto);
    let looks = pictures.document.iter().map(|seen| look(*seen, document));
    let face = look(pictures.face, (Reason::InvalidSelfie, Reason::BlurredSelfie));
    let looks: Vec<Look> = looks.chain([face]).collect();
    let bad = looks.iter().find_map(|look| match look {
        Look::Bad(reason) => Some(*reason),
        Look::Nothing | Look::Unsharp | Look::Good => None,
    });
    if let Some(reason) = bad {
        return Verdict::Decided(Decision::Reject(reason));
    }
    let doubtful = looks.contains(&Look::Nothing)
        || age(form.birth_date, today) < AGE_MIN
        || screening == Screening::Hit;
    if doubtful {
        Verdict::Referred(Doubt::Other)
    } else if looks.contains(&Look::Unsharp) {
        Verdict::Referred(Doubt::Sharpness)
    } else {
        Verdict::Decided(Decision::Accept)
    }
}

/// What a picture is good for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Bad(Reason),
    /// Whole it is: a person may know how to open it.
    Nothing,
    Unsharp,
    Good,
}

fn look(seen: Seen, (invalid, blurred): (Reason, Reason)) -> Look {
    match seen {
        Seen::Nothing => Look::Nothing,
        Seen::Picture { side, .. } if side < SIDE_MIN => Look::Bad(invalid),
        Seen::Picture { sharpness, .. } if sharpness < SHARPNESS_MIN => Look::Bad(blurred),
        Seen::Picture { sharpness, .. } if sharpness < SHARPNESS_GOOD => Look::Unsharp,
        Seen::Picture { .. } => Look::Good,
    }
}

/// Full years; who was born on the last day of February has their birthday on the first of March in
/// other years.
fn age(born: Date, today: Date) -> i16 {
    let had = (today.month(), today.day()) >= (born.month(), born.day());
    today.year() - born.year() - i16::from(!had)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Country;
    use crate::verification::DocumentType;

    const TODAY: Date = Date::constant(2026, 11, 29);

    fn form(born: Date) -> Form {
        Form {
            first_name: "John".to_owned(),
            last_name: "Doe".to_owned(),
            address: crate::user::Address {
                street: "Long".to_owned(),
                number: "1".to_owned(),
                apartment: None,
                city: "Lublin".to_owned(),
                post_code: "20-128".to_owned(),
                country: Country::parse("PL").expect("a country"),
            },
            nationality: "PL".to_owned(),
            birth_date: born,
            pesel: None,
            document_type: DocumentType::Passport,
            document_number: "A1".to_owned(),
            document_expires: Date::constant(2030, 1, 1),
            risk_level: None,
        }
    }

    fn sharp(sharpness: u32) -> Seen {
        Seen::Picture { side: 900, sharpness }
    }

    #[test]
    fn what_is_plain_is_decided_and_the_rest_is_left_to_a_person() {
        use Decision::{Accept, Reject};
        use Reason::{
            BlurredDocumentPhoto, BlurredSelfie, InvalidCustomerData, InvalidDocumentPhoto,
            InvalidSelfie,
        };
        use Verdict::{Decided, Referred};
        let (unsharp, other) = (Referred(Doubt::Sharpness), Referred(Doubt::Other));
        let (grown, small) = (Date::constant(2008, 11, 29), Date::constant(2008, 11, 30));
        let good = vec![sharp(60), sharp(900)];
        let tiny = Seen::Picture { side: 199, sharpness: 900 };
        let table = [
            (&[][..], grown, sharp(60), good.clone(), Screening::Clear, Decided(Accept)),
            (&[], small, sharp(60), good.clone(), Screening::Clear, other),
            (&[], grown, sharp(60), good.clone(), Screening::Hit, other),
            (&[], grown, sharp(59), good.clone(), Screening::Clear, unsharp),
            (&[], grown, sharp(60), vec![sharp(15)], Screening::Clear, unsharp),
            (&[], small, sharp(59), good.clone(), Screening::Clear, other),
            (&[], grown, sharp(14), good.clone(), Screening::Hit, Decided(Reject(BlurredSelfie))),
            (&[], grown, tiny, good.clone(), Screening::Clear, Decided(Reject(InvalidSelfie))),
            (
                &[],
                grown,
                sharp(60),
                vec![sharp(60), sharp(14)],
                Screening::Clear,
                Decided(Reject(BlurredDocumentPhoto)),
            ),
            (&[], grown, Seen::Nothing, good.clone(), Screening::Clear, other),
            (
                &[],
                small,
                Seen::Nothing,
                vec![tiny],
                Screening::Hit,
                Decided(Reject(InvalidDocumentPhoto)),
            ),
            (
                &[Finding::DocumentExpired],
                grown,
                Seen::Nothing,
                good,
                Screening::Clear,
                Decided(Reject(InvalidCustomerData)),
            ),
        ];
        for (findings, born, face, document, screening, verdict) in table {
            let pictures = Pictures { face, document };
            let found = judge(&form(born), findings, &pictures, screening, TODAY);
            assert_eq!(found, verdict, "{findings:?} {born} {pictures:?} {screening:?}");
        }
    }
}
