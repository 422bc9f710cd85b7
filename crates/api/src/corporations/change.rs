//! `PUT /lifecycle/v1/corporations/{dcCorporationId}`: changes the fields that are sent.

use super::register::people;
use super::{CorporationJson, TAG};
use crate::Api;
use crate::answer::{Done, kept};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{address, country, text};
use app::Refusal;
use app::corporations::Changes;
use serde_json::json;

/// Changes a corporation → 200 the corporation.
pub(crate) fn change() -> Endpoint {
    Endpoint::of(read, changed)
        .about(
            TAG,
            "Change a corporation",
            "What isn't sent stays; an address, the board and the beneficiaries are replaced as a \
             whole. Name, registration number and country of an accepted corporation stand, and \
             who comes to its board, or to own more than 25 percent, is a verified user first.",
        )
        .example(json!({ "taxId": "PL5260001246" }))
        .refuses(&[
            Refusal::CorporationAlreadyExists,
            Refusal::CorporationAccepted,
            Refusal::KybIncomplete,
        ])
}

fn read(call: &Call) -> Result<Changes, Problem> {
    let mut fields = call.fields()?;
    let name = fields.optional("name", text(200));
    let registration_number = fields.optional("registrationNumber", text(50));
    let tax_id = fields.optional("taxId", text(50));
    let country = fields.optional("country", country());
    let address = address(&mut fields, "address");
    let (representative, board, beneficiaries) = people(&mut fields, call.today);
    fields.finish()?;
    Ok(Changes {
        name,
        registration_number,
        tax_id,
        country,
        address,
        representative,
        board,
        beneficiaries,
    })
}

async fn changed(api: Api, head: Head, changes: Changes) -> Result<Done<CorporationJson>, Problem> {
    let (scope, once) = (head.scope()?, head.once(kept::<_, CorporationJson>));
    let change = (head.corporation()?, changes);
    Ok(Done::kept(api.app.change_corporation(scope, change, once).await?))
}
