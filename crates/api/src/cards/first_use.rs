//! `GET /admin/reports/card-use`: how soon cards are used.

use super::TAG;
use crate::Api;
use crate::answer::Done;
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{date, moment};
use app::cards::{CardUse, USE_DAYS_MAX};
use domain::Date;
use domain::card::first_use::{Share, Use, WITHIN_DAYS};
use serde::Serialize;
use utoipa::ToSchema;

/// How soon the cards were used that were issued in some days.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardUse)]
struct CardUseJson {
    /// The first day, in the partner's `timeZone`.
    #[schema(format = Date)]
    from: String,
    /// The last day.
    #[schema(format = Date)]
    to: String,
    /// Up to when it is known what happened: mostly two minutes ago. Null where nothing is known
    /// yet.
    #[schema(format = DateTime)]
    counted_to: Option<String>,
    /// How many cards were issued.
    issued: i64,
    /// How many of them were used how soon.
    within: Vec<WithinJson>,
    /// The same by program, of those of which cards were issued.
    programs: Vec<ProgramUseJson>,
}

/// How soon the cards of a program were used.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardUseOfProgram)]
struct ProgramUseJson {
    /// The program.
    config_id: String,
    /// How many cards were issued.
    issued: i64,
    /// How many of them were used how soon.
    within: Vec<WithinJson>,
}

/// How many cards were used within some days.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardUseWithin)]
struct WithinJson {
    /// Until the end of how many days after the day on which the card was issued.
    days: i64,
    /// For how many of the cards that time is over.
    of: i64,
    /// How many of these were used in it.
    used: i64,
    /// These in hundredths of a percent: 4,500 are 45 %. Null where the time is over for no card.
    rate: Option<i64>,
}

fn within(told: &Use) -> Vec<WithinJson> {
    let each = WITHIN_DAYS.into_iter().zip(told.within);
    let one = |(days, share): (i64, Share)| WithinJson {
        days,
        of: share.of,
        used: share.used,
        rate: share.rate(),
    };
    each.map(one).collect()
}

impl From<&CardUse> for CardUseJson {
    fn from(told: &CardUse) -> Self {
        let program = |(config_id, of): (&String, &Use)| ProgramUseJson {
            config_id: config_id.clone(),
            issued: of.issued,
            within: within(of),
        };
        Self {
            from: told.days.0.to_string(),
            to: told.days.1.to_string(),
            counted_to: told.counted_to.map(moment),
            issued: told.all.issued,
            within: within(&told.all),
            programs: told.programs.iter().map(program).collect(),
        }
    }
}

/// Tells how soon cards are used.
pub(crate) fn first_use() -> Endpoint {
    Endpoint::of(read, told).about(
        TAG,
        "Show how soon cards are used",
        "Of the cards that were issued from the day `from` to the day `to`, both of them included, \
         at most 92 days in the partner's `timeZone`: how many were first used until the end of \
         the 1st, 2nd, 5th, 15th and 30th day after the day of their issue. A card is used when \
         an authorization is approved, or a clearing comes without one. Cards for which the time \
         isn't over aren't counted. Plastic is issued when it is ordered; a card that was removed \
         stays counted.",
    )
}

fn read(call: &Call) -> Result<(Date, Date), Problem> {
    let mut query = call.query();
    let from = query.required("from", date());
    let to = query.required("to", date());
    if let Some((from, to)) = from.zip(to) {
        if from > to {
            query.wrong("to", "must not be before from");
        } else if i64::from((to - from).get_days()) >= USE_DAYS_MAX {
            query.wrong("to", "must be within 92 days");
        }
    }
    query.only(&["from", "to"]);
    let Some(days) = from.zip(to) else { return Err(query.problem()) };
    query.finish()?;
    Ok(days)
}

async fn told(api: Api, head: Head, days: (Date, Date)) -> Result<Done<CardUseJson>, Problem> {
    let told = api.app.card_use(head.scope()?, days).await?;
    Ok(Done::with(&CardUseJson::from(&told)))
}
