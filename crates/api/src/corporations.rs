//! Corporations: register, show, change, remove, prove, decide (spec "Corporations"). What they
//! may spend and whether they may act is asked and set as of users.

mod change;
mod documents;
mod find;
mod kyb;
mod register;
mod remove;

pub(crate) use change::change;
pub(crate) use documents::{document, submit as submit_documents};
pub(crate) use find::find;
pub(crate) use kyb::{decide, list, review};
pub(crate) use register::register;
pub(crate) use remove::remove;

use crate::answer::Named;
use crate::users::AddressJson;
use app::corporations::Shown;
use domain::corporation::document::{DocumentKind, DocumentMedia};
use domain::corporation::{Beneficiary, Kyb, Missing, Person};
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "Corporations";

type KybState = Named<Kyb>;
type KindName = Named<DocumentKind>;
type MediaName = Named<DocumentMedia>;

/// A corporation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Corporation)]
struct CorporationJson {
    /// Its id.
    dc_corporation_id: Uuid,
    /// Its registered name.
    name: String,
    /// Its number in the register of its country.
    registration_number: String,
    /// Its tax number.
    tax_id: Option<String>,
    /// Where it is registered: ISO 3166-1 alpha-2.
    country: String,
    /// Its seat.
    address: AddressJson,
    /// Who speaks for it.
    representative: PersonJson,
    /// Its board.
    board_members: Vec<PersonJson>,
    /// Who owns it.
    beneficiaries: Vec<BeneficiaryJson>,
    /// What came of KYB.
    kyb: KybState,
    /// What is needed before it can be accepted.
    missing: Vec<String>,
}

/// Somebody of a corporation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Person)]
struct PersonJson {
    /// Given name.
    first_name: String,
    /// Family name.
    last_name: String,
    /// Day of birth.
    #[schema(format = Date)]
    birth_date: String,
    /// ISO 3166-1 alpha-2.
    nationality: String,
    /// The user whose verification proves who it is.
    customer_id: Option<i64>,
}

/// An owner of a corporation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Beneficiary)]
struct BeneficiaryJson {
    #[serde(flatten)]
    person: PersonJson,
    /// How much of it is theirs, in percent.
    #[schema(value_type = f64)]
    share_percent: Number,
}

impl From<&Person> for PersonJson {
    fn from(person: &Person) -> Self {
        Self {
            first_name: person.first_name.clone(),
            last_name: person.last_name.clone(),
            birth_date: person.birth_date.to_string(),
            nationality: person.nationality.as_str().to_owned(),
            customer_id: person.user.map(|user| user.0),
        }
    }
}

impl From<&Beneficiary> for BeneficiaryJson {
    fn from(beneficiary: &Beneficiary) -> Self {
        let share = beneficiary.share;
        let whole = share % 100 == 0;
        let fraction = || format!("{}.{:02}", share / 100, share % 100).parse::<f64>().ok();
        let number = if whole { None } else { fraction().and_then(Number::from_f64) };
        Self {
            person: PersonJson::from(&beneficiary.person),
            share_percent: number.unwrap_or_else(|| Number::from(share / 100)),
        }
    }
}

impl From<&Shown> for CorporationJson {
    fn from(shown: &Shown) -> Self {
        let Shown { corporation, persons, missing, .. } = shown;
        let profile = &corporation.profile;
        Self {
            dc_corporation_id: corporation.resource,
            name: profile.name.clone(),
            registration_number: profile.registration_number.clone(),
            tax_id: profile.tax_id.clone(),
            country: profile.country.as_str().to_owned(),
            address: AddressJson::from(&profile.address),
            representative: PersonJson::from(&persons.representative),
            board_members: persons.board.iter().map(PersonJson::from).collect(),
            beneficiaries: persons.beneficiaries.iter().map(BeneficiaryJson::from).collect(),
            kyb: Named(corporation.kyb),
            missing: missing.iter().map(Missing::to_string).collect(),
        }
    }
}
