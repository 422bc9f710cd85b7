//! What is told of looking at lists.

use super::parts;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long each list took.
#[derive(Debug, Default)]
pub(in super::super) struct Listed {
    times: BTreeMap<&'static str, Vec<Duration>>,
    /// Calls that weren't answered with a list.
    pub(in super::super) errors: u64,
    /// The first of them.
    pub(in super::super) first_error: Option<String>,
}

impl Listed {
    /// Notes one call, and what was wrong with it.
    pub(in super::super) fn note(
        &mut self,
        name: &'static str,
        took: Duration,
        error: Option<String>,
    ) {
        self.times.entry(name).or_default().push(took);
        if let Some(error) = error {
            self.errors += 1;
            self.first_error.get_or_insert(format!("{name}: {error}"));
        }
    }

    /// One object.
    pub(in super::super) fn json(&self) -> Value {
        let each: Map<String, Value> = self.each().collect();
        let worst = each.values().filter_map(|it| it["p95_ms"].as_f64()).fold(0.0, f64::max);
        json!({ "p95_ms": worst, "errors": self.errors, "lists": each })
    }

    /// The same for a person.
    pub(in super::super) fn text(&self) -> String {
        let lines = self.each().map(|(name, of)| {
            format!(
                "{name:22} p50 {:>9} p95 {:>9} longest {:>9}",
                of["p50_ms"], of["p95_ms"], of["max_ms"]
            )
        });
        let told = self.json();
        let last =
            format!("slowest p95            {} ms, {} errors", told["p95_ms"], told["errors"]);
        lines.chain([last]).collect::<Vec<_>>().join("\n")
    }

    fn each(&self) -> impl Iterator<Item = (String, Value)> {
        self.times.iter().map(|(name, times)| {
            let mut times = times.clone();
            times.sort_unstable();
            let at = |hundredths: usize| {
                let place = (times.len() * hundredths).div_ceil(100).saturating_sub(1);
                let took = times.get(place).copied().unwrap_or_default();
                parts(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), 1_000)
            };
            let of = json!({ "p50_ms": at(50), "p95_ms": at(95), "max_ms": at(100) });
            ((*name).to_owned(), of)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nineteen_of_twenty_are_within_the_p95() {
        let mut listed = Listed::default();
        for number in 1..=20 {
            listed.note("one", Duration::from_millis(number), None);
        }
        listed.note("other", Duration::from_millis(7), Some("refused".to_owned()));
        let told = listed.json();
        assert_eq!(told["lists"]["one"], json!({ "p50_ms": 10.0, "p95_ms": 19.0, "max_ms": 20.0 }));
        assert_eq!((&told["p95_ms"], &told["errors"]), (&json!(19.0), &json!(1)));
        assert_eq!(listed.first_error.as_deref(), Some("other: refused"));
    }
}
