//! Limits and controls as JSON in a column.

use crate::StoreError;
use crate::db::{Row, Value};
use crate::read::corrupt;
use domain::limits::{Budget, Control, Controls, Limit, LimitType, Rules, TimeUnit};
use domain::money::{Amount, Currency};
use domain::transaction::CaptureMode;
use domain::user::Country;
use serde_json::{Map, Value as Json, json};

/// Rules as the value of a column; null for none.
pub(crate) fn to_value(rules: &Rules) -> Value {
    if *rules == Rules::default() { Value::Null } else { Value::Json(to_json(rules).to_string()) }
}

/// Reads the rules of a column.
pub(crate) fn read(row: &Row, column: &str) -> Result<Rules, StoreError> {
    match row.get::<Option<Json>>(column)? {
        None => Ok(Rules::default()),
        Some(json) => of_json(&json).ok_or_else(|| corrupt(column)),
    }
}

/// Rules as JSON, as audit records tell them too. They are read with each payment, so what limits
/// nothing is left out.
#[must_use]
pub fn to_json(rules: &Rules) -> Json {
    let limit = |limit: &Limit| {
        let mut json = json!({
            "type": limit.kind.as_str(),
            "timeUnit": limit.unit.as_str(),
            "currency": limit.currency.code(),
            "amountMinor": limit.amount.minor(),
        });
        if let Some(count) = limit.count {
            json["count"] = count.into();
        }
        json
    };
    let mut json = Map::new();
    if !rules.limits.is_empty() {
        json.insert("limits".to_owned(), rules.limits.iter().map(limit).collect());
    }
    let controls = &rules.controls;
    for (name, control) in [
        ("mccs", control_json(controls.mccs.as_ref(), String::as_str)),
        ("countries", control_json(controls.countries.as_ref(), Country::as_str)),
        ("captureModes", control_json(controls.capture_modes.as_ref(), |mode| mode.as_str())),
        ("merchants", control_json(controls.merchants.as_ref(), String::as_str)),
    ] {
        json.extend(control.map(|control| (name.to_owned(), control)));
    }
    if let Some(budget) = rules.budget {
        let budget = json!({
            "currency": budget.currency.code(),
            "amountMinor": budget.amount.minor(),
            "from": budget.from.to_string(),
            "to": budget.to.to_string(),
        });
        json.insert("budget".to_owned(), budget);
    }
    Json::Object(json)
}

fn control_json<T>(control: Option<&Control<T>>, word: impl Fn(&T) -> &str) -> Option<Json> {
    let words = |these: &[T]| these.iter().map(|one| word(one).to_owned()).collect::<Vec<_>>();
    Some(match control? {
        Control::Allowed(these) => json!({ "allowed": words(these) }),
        Control::Blocked(these) => json!({ "blocked": words(these) }),
    })
}

fn of_json(json: &Json) -> Option<Rules> {
    let limits = match json.get("limits") {
        None => &[],
        Some(limits) => limits.as_array()?.as_slice(),
    };
    Some(Rules {
        limits: limits.iter().map(limit_of).collect::<Option<_>>()?,
        controls: Controls {
            mccs: control_of(json.get("mccs"), text)?,
            countries: control_of(json.get("countries"), Country::parse)?,
            capture_modes: control_of(json.get("captureModes"), CaptureMode::parse)?,
            merchants: control_of(json.get("merchants"), text)?,
        },
        budget: match json.get("budget") {
            None => None,
            Some(budget) => Some(budget_of(budget)?),
        },
    })
}

fn limit_of(json: &Json) -> Option<Limit> {
    Some(Limit {
        kind: LimitType::parse(json.get("type")?.as_str()?)?,
        unit: TimeUnit::parse(json.get("timeUnit")?.as_str()?)?,
        currency: Currency::parse(json.get("currency")?.as_str()?).ok()?,
        amount: Amount::from_minor(json.get("amountMinor")?.as_i64()?).ok()?,
        count: match json.get("count") {
            None => None,
            Some(count) => Some(count.as_i64()?),
        },
    })
}

fn budget_of(json: &Json) -> Option<Budget> {
    let day = |name: &str| json.get(name)?.as_str()?.parse().ok();
    Some(Budget {
        currency: Currency::parse(json.get("currency")?.as_str()?).ok()?,
        amount: Amount::from_minor(json.get("amountMinor")?.as_i64()?).ok()?,
        from: day("from")?,
        to: day("to")?,
    })
}

#[expect(clippy::option_option, reason = "unreadable, or none")]
fn control_of<T>(
    json: Option<&Json>,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<Option<Control<T>>> {
    let Some(json) = json else { return Some(None) };
    let these = |list: &Json| -> Option<Vec<T>> {
        list.as_array()?.iter().map(|one| parse(one.as_str()?)).collect()
    };
    match (json.get("allowed"), json.get("blocked")) {
        (Some(list), None) => Some(Some(Control::Allowed(these(list)?))),
        (None, Some(list)) => Some(Some(Control::Blocked(these(list)?))),
        (None, None) | (Some(_), Some(_)) => None,
    }
}

fn text(word: &str) -> Option<String> {
    Some(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_they_were_written() {
        let limit = |unit, count| Limit {
            kind: LimitType::ForeignAmount,
            unit,
            currency: Currency::EUR,
            amount: Amount::ZERO,
            count,
        };
        let rules = Rules {
            limits: vec![limit(TimeUnit::Daily, Some(3)), limit(TimeUnit::Lifetime, None)],
            controls: Controls {
                mccs: Some(Control::Blocked(vec!["7995".to_owned()])),
                countries: Country::parse("PL").map(|land| Control::Allowed(vec![land])),
                capture_modes: Some(Control::Allowed(vec![CaptureMode::Ecom])),
                merchants: Some(Control::Blocked(Vec::new())),
            },
            budget: Some(Budget {
                currency: Currency::PLN,
                amount: Amount::ZERO,
                from: Date::constant(2026, 1, 1),
                to: Date::constant(2026, 12, 31),
            }),
        };
        assert_eq!(of_json(&to_json(&rules)), Some(rules));
        assert_eq!(of_json(&to_json(&Rules::default())), Some(Rules::default()));
        assert_eq!(to_value(&Rules::default()), Value::Null);
        for bad in [
            json!({ "mccs": { "allowed": [1] } }),
            json!({ "mccs": {} }),
            json!({ "limits": {} }),
            json!({ "budget": {} }),
            json!({ "limits": [{ "type": "general" }] }),
        ] {
            assert_eq!(of_json(&bad), None, "{bad}");
        }
    }

    use domain::Date;
}
