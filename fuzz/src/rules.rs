//! What is read into rules: limits, counters, the URL of a partner.

use api::spending::program_rules;
use domain::Date;
use domain::limits::{Limit, LimitType, Rules, TimeUnit};
use domain::money::{Amount, Currency};
use domain::spending::Spending;
use outbound::target::{Reach, base_url};
use serde_json::{Map, Value};

/// The day of the counters' targets.
const TODAY: Date = Date::constant(2026, 11, 21);

/// Limits and controls as JSON: what is wrong with them is told without saying what it was.
pub fn limits(data: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Map<String, Value>>(data) else { return };
    match program_rules(&json, Currency::EUR) {
        Ok(rules) => {
            assert!(rules.budget.is_none() && rules.above(&rules).next().is_none());
            for (at, limit) in rules.limits.iter().enumerate() {
                assert_eq!(limit.currency, Currency::EUR);
                assert!(!rules.limits[..at].iter().any(|other| other.is_like(limit)));
            }
        }
        Err(wrong) => assert!(!wrong.is_empty() && !wrong.contains(crate::SECRET), "{wrong}"),
    }
}

/// Packed counters: what is read is written so that it is read again, and can be asked.
pub fn counters(data: &[u8]) {
    let read = |bytes: &[u8]| Spending::of(Rules::default(), bytes);
    let Some(spending) = read(data) else { return };
    let written = spending.counters();
    let again = read(&written).expect("what was written can be read");
    assert_eq!(again, spending);
    assert_eq!(again.counters(), written);
    for kind in LimitType::ALL {
        for unit in TimeUnit::ALL {
            let (kind, unit, currency) = (*kind, *unit, Currency::EUR);
            let limit = Limit { kind, unit, currency, amount: Amount::ZERO, count: None };
            assert_eq!(spending.used(&limit, TODAY), again.used(&limit, TODAY));
        }
    }
}

/// Where a partner is called: what is kept is accepted as it was.
pub fn url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let text = text.trim_end();
    for reach in [Reach::Public, Reach::Anywhere] {
        let Ok(kept) = base_url(text, reach) else { continue };
        assert!(kept.starts_with("https://") && !kept.ends_with('/'), "{kept}");
        assert!(base_url(text, Reach::Anywhere).is_ok(), "what is public is somewhere");
        assert_eq!(base_url(&kept, reach).as_ref(), Ok(&kept));
    }
}
