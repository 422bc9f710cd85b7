//! `POST /lifecycle/v1/corporations`.

use super::{KybState, TAG};
use crate::Api;
use crate::answer::{Created, Named, kept};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::users::birth_date;
use crate::wire::{Fields, Reader, address, country, integer, reader, schema, text};
use app::Refusal;
use app::corporations::RegisterCorporation;
use domain::Date;
use domain::corporation::{Beneficiary, Corporation, Person, Persons, Profile, WHOLE};
use domain::ids::UserId;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// People of one kind at most.
const PEOPLE_MAX: usize = 50;

/// Registers a corporation → 201 its id.
pub(crate) fn register() -> Endpoint {
    Endpoint::of(read, registered)
        .about(
            TAG,
            "Register a corporation",
            "Country and registration number are unique in the partner. It has balances and \
             cards once its KYB is accepted; before that each member of its board, and each owner \
             of more than 25 percent, is a verified user of the same name and birth date: their \
             `customerId`. Its people are kept sealed.",
        )
        .example(json!({
            "name": "Acme sp. z o.o.",
            "registrationNumber": "0000123456",
            "taxId": "PL5260001246",
            "country": "PL",
            "address": {
                "street": "Main Street",
                "number": "1",
                "city": "Warsaw",
                "postCode": "00-001",
                "country": "PL",
            },
            "representative": person(),
            "boardMembers": [person()],
            "beneficiaries": [{
                "firstName": "Jan",
                "lastName": "Kowalski",
                "birthDate": "1975-02-01",
                "nationality": "PL",
                "customerId": 1,
                "sharePercent": 62.5,
            }],
        }))
        .refuses(&[Refusal::CorporationAlreadyExists])
}

fn person() -> Value {
    json!({
        "firstName": "Anna",
        "lastName": "Nowak",
        "birthDate": "1980-05-17",
        "nationality": "PL",
    })
}

async fn registered(
    api: Api,
    head: Head,
    command: RegisterCorporation,
) -> Result<Created<RegisteredJson>, Problem> {
    let once = head.once(kept::<_, RegisteredJson>);
    Ok(Created::kept(api.app.register_corporation(head.scope()?, command, once).await?))
}

/// A corporation that was registered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RegisteredCorporation)]
struct RegisteredJson {
    /// Its id.
    dc_corporation_id: Uuid,
    /// What came of KYB: nothing yet.
    kyb: KybState,
}

impl From<&Corporation> for RegisteredJson {
    fn from(corporation: &Corporation) -> Self {
        Self { dc_corporation_id: corporation.resource, kyb: Named(corporation.kyb) }
    }
}

fn read(call: &Call) -> Result<RegisterCorporation, Problem> {
    let today = call.today;
    let mut fields = call.fields()?;
    let name = fields.required("name", text(200));
    let registration_number = fields.required("registrationNumber", text(50));
    let tax_id = fields.optional("taxId", text(50));
    let country = fields.required("country", country());
    let address = address(&mut fields, "address");
    fields.demand("address");
    let (representative, board, beneficiaries) = people(&mut fields, today);
    PEOPLE.iter().for_each(|name| fields.demand(name));
    let (Some(name), Some(registration_number), Some(country), Some(address)) =
        (name, registration_number, country, address)
    else {
        return Err(fields.problem());
    };
    let (Some(representative), Some(board), Some(beneficiaries)) =
        (representative, board, beneficiaries)
    else {
        return Err(fields.problem());
    };
    fields.finish()?;
    Ok(RegisterCorporation {
        profile: Profile { name, registration_number, tax_id, country, address },
        persons: Persons { representative, board, beneficiaries },
    })
}

const PEOPLE: [&str; 3] = ["representative", "boardMembers", "beneficiaries"];

type People = (Option<Person>, Option<Vec<Person>>, Option<Vec<Beneficiary>>);

/// Who speaks for a corporation, its board, and who owns it; each only if it is sent.
pub(super) fn people(fields: &mut Fields<'_>, today: Date) -> People {
    let representative = fields.nested(PEOPLE[0]).and_then(|mut inner| {
        let person = read_person(&mut inner, today);
        fields.absorb(inner);
        person
    });
    let board = fields.list(PEOPLE[1], PEOPLE_MAX, |inner| read_person(inner, today));
    let beneficiaries = fields.list(PEOPLE[2], PEOPLE_MAX, |inner| {
        let person = read_person(inner, today);
        let share = inner.required("sharePercent", share());
        Some(Beneficiary { person: person?, share: share? })
    });
    let shares = beneficiaries.iter().flatten().map(|it| it.share);
    // Each may have been rounded up by less than a hundredth.
    let (count, sum) = shares.fold((0, 0), |(count, sum), share| (count + 1, sum + share));
    if sum >= WHOLE + count.max(1) {
        fields.wrong(PEOPLE[2], "must have no more than 100 percent together");
    }
    (representative, board, beneficiaries)
}

fn read_person(fields: &mut Fields<'_>, today: Date) -> Option<Person> {
    let first_name = fields.required("firstName", text(100));
    let last_name = fields.required("lastName", text(100));
    let birth_date = fields.required("birthDate", birth_date(today));
    let nationality = fields.required("nationality", country());
    let user = fields.optional("customerId", integer()).map(UserId);
    Some(Person {
        first_name: first_name?,
        last_name: last_name?,
        birth_date: birth_date?,
        nationality: nationality?,
        user,
    })
}

/// A share in percent, in hundredths of a percent, to which it is rounded up.
fn share() -> impl Reader<i64> {
    let schema = || schema::number().exclusive_minimum(Some(0)).maximum(Some(100));
    let read = |value: &Value| {
        let percent = value.as_f64().filter(|it| *it > 0.0 && *it <= 100.0);
        percent.and_then(hundredths).ok_or("must be more than 0 and at most 100")
    };
    reader(read, schema)
}

/// `62.5` → 6250, rounded up: who owns more than a quarter is never told as a quarter.
fn hundredths(percent: f64) -> Option<i64> {
    let text = percent.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut digits = fraction.bytes().map(|digit| i64::from(digit - b'0'));
    let (tens, ones) = (digits.next().unwrap_or(0), digits.next().unwrap_or(0));
    let more = i64::from(digits.any(|digit| digit > 0));
    whole.parse::<i64>().ok().map(|whole| whole * 100 + tens * 10 + ones + more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_up_to_the_hundredth() {
        let table = [
            (62.5, 6_250),
            (100.0, 10_000),
            (0.01, 1),
            (1e-9, 1),
            (33.333, 3_334),
            (25.004, 2_501),
            (25.0, 2_500),
            (0.07, 7),
        ];
        for (percent, expected) in table {
            assert_eq!(hundredths(percent), Some(expected), "{percent}");
        }
    }
}
