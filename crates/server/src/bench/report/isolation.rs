//! What is told of partners beside one that hangs.

use super::{Phase, Report, known, messages, parts, times, told};
use serde_json::{Map, Value};
use simulator::load::tally::Figures;

/// What a partner that hangs does to those that are measured.
#[derive(Debug, Default)]
pub(in super::super) struct Isolation {
    /// How many partners there are, the one that hangs included.
    partners: u8,
    /// What came of its load in the second phase, while it hung.
    hanging: Figures,
    /// What came of all others together in the first phase, when none hung.
    answered: Figures,
    /// The greatest p99 of one of the others in the first phase and in the second.
    worst: (u64, u64),
}

impl Report {
    /// Of all partners but the last together, while that one answered, and then while it hung.
    pub(in super::super) fn beside_hanging(answered: Phase, mut phase: Phase, count: u8) -> Self {
        let worst = |figures: &[Figures]| {
            let others = figures.iter().take(usize::from(count).saturating_sub(1));
            others.map(|figures| figures.p99).max().unwrap_or(0)
        };
        let isolation = Isolation {
            partners: count,
            worst: (worst(&answered.figures), worst(&phase.figures)),
            hanging: phase.figures.pop().unwrap_or_default(),
            answered: answered.together.unwrap_or_default(),
        };
        phase.figures = phase.together.take().into_iter().collect();
        Self { isolation: Some(isolation), ..Self::of(phase) }
    }
}

impl Isolation {
    /// What isn't of those that are measured in the second phase.
    pub(in super::super) fn each(&self) -> [(&'static str, &Figures); 2] {
        [("before one hung", &self.answered), ("of the hanging partner", &self.hanging)]
    }

    /// Adds what is told of it beside the others' figures in the second phase.
    pub(super) fn add_to(&self, all: &mut Map<String, Value>, p99: u64) {
        let ratio = |now, before| (before > 0).then(|| parts(now, before));
        let (before, now) = self.worst;
        let milliseconds = |micros| Value::from(parts(micros, 1_000));
        let mut answered = told(&self.answered);
        answered.insert("worst_p99_ms".to_owned(), milliseconds(before));
        for (name, value) in [
            ("partners", self.partners.into()),
            ("hanging", told(&self.hanging).into()),
            ("answered", answered.into()),
            ("worst_p99_ms", milliseconds(now)),
            ("p99_ratio", ratio(p99, self.answered.p99).into()),
            ("worst_p99_ratio", ratio(now, before).into()),
        ] {
            all.insert(name.to_owned(), value);
        }
    }

    /// The same for a person, of what is told.
    pub(super) fn lines(&self, all: &Value) -> Vec<String> {
        let (answered, hanging) = (&all["answered"], &all["hanging"]);
        let worst = |of: &Value| known(of, "worst_p99_ms");
        vec![
            format!("  of one of them at most p99 {}", worst(all)),
            format!("while all {} answered", self.partners),
            format!("  milliseconds           {}", times(answered)),
            format!("  messages               {}", messages(answered)),
            format!("  of one of them at most p99 {}", worst(answered)),
            "the partner that hung".to_owned(),
            format!("  decided a second       {}", hanging["throughput"]),
            format!("  milliseconds           {}", times(hanging)),
            format!("  messages               {}", messages(hanging)),
            format!("p99, times what it was   {}", known(all, "p99_ratio")),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_are_told_of_together_beside_the_one_that_hangs() {
        let of = |p99, declined| Figures { approved: 10, p99, declined, ..Figures::default() };
        let phase = |figures: [Figures; 3], together| Phase {
            figures: figures.into(),
            together: Some(together),
            ..Phase::default()
        };
        let answered = phase([of(40_000, 0), of(50_000, 0), of(90_000, 0)], of(45_000, 0));
        let hung = phase([of(60_000, 0), of(50_000, 0), of(4_700_000, 9)], of(54_000, 0));
        let report = Report::beside_hanging(answered, hung, 3);
        let told = report.json();
        assert_eq!((&told["p99_ms"], &told["answered"]["p99_ms"]), (&54.0.into(), &45.0.into()));
        assert_eq!(told["p99_ratio"], 1.2);
        assert_eq!((&told["worst_p99_ms"], &told["worst_p99_ratio"]), (&60.0.into(), &1.2.into()));
        assert_eq!(told["answered"]["worst_p99_ms"], 50.0);
        let hanging = &told["hanging"];
        assert_eq!((&hanging["p99_ms"], &hanging["declined"]), (&4_700.0.into(), &9.into()));
        assert_eq!((&told["partners"], &told["declined"]), (&3.into(), &0.into()), "not its own");
        assert!(report.text().contains("p99, times what it was   1.2"), "{}", report.text());
        assert_eq!(Report::default().json().get("hanging"), None);
    }
}
