//! What is told of a measurement, and what the system says of its processes.

use serde_json::{Value, json};
use simulator::load::tally::Figures;
use std::time::Duration;

/// Parts of a second that Linux counts processor time in, on every architecture (`USER_HZ`).
const TICKS: u64 = 100;

/// What was measured.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The load and its answers.
    pub(super) figures: Figures,
    /// Processor time of the server while it was measured.
    pub(super) cpu: Option<Duration>,
    /// Processor time of the load generator, if it is a process of its own.
    pub(super) generator_cpu: Option<Duration>,
    /// The most memory that the server had in use, in KiB.
    pub(super) memory: Memory,
    /// Transactions that the partner was told of.
    pub(super) notified: Option<i64>,
    /// What doesn't hold in the ledger.
    pub(super) faults: Vec<String>,
}

/// The memory of a process, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    /// All of it that is in memory.
    pub(super) resident: Option<u64>,
    /// What of it isn't of files.
    pub(super) anonymous: Option<u64>,
}

impl Memory {
    /// The greater of each.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            resident: self.resident.max(other.resident),
            anonymous: self.anonymous.max(other.anonymous),
        }
    }
}

impl Report {
    /// Whether nothing was decided.
    pub(super) fn is_empty(&self) -> bool {
        self.figures.approved + self.figures.declined == 0
    }

    /// One object. `throughput` are the authorizations decided a second, reversals not counted.
    pub(super) fn json(&self) -> Value {
        let told = &self.figures;
        let seconds = |time: Option<Duration>| {
            time.map(|time| parts(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), 1_000_000))
        };
        let mib = |kib: Option<u64>| kib.map(|kib| parts(kib, 1024));
        let decided = told.approved + told.declined;
        json!({
            "throughput": parts(decided.saturating_mul(1_000_000), told.elapsed.max(1)),
            "p50_ms": parts(told.p50, 1_000),
            "p99_ms": parts(told.p99, 1_000),
            "p999_ms": parts(told.p999, 1_000),
            "max_ms": parts(told.longest, 1_000),
            "approved": told.approved,
            "declined": told.declined,
            "reversed": told.reversed,
            "errors": told.errors,
            "seconds": parts(told.elapsed, 1_000_000),
            "cpu_seconds": seconds(self.cpu),
            "generator_cpu_seconds": seconds(self.generator_cpu),
            "rss_mib": mib(self.memory.resident),
            "rss_anon_mib": mib(self.memory.anonymous),
            "notified": self.notified,
            "ledger_verified": self.faults.is_empty(),
        })
    }

    /// The same for a person.
    pub(super) fn text(&self) -> String {
        let told = self.json();
        let known = |name: &str| {
            let value = Some(&told[name]).filter(|value| !value.is_null());
            value.map_or_else(|| "unknown".to_owned(), Value::to_string)
        };
        let mut lines = vec![
            format!("authorizations a second  {}", known("throughput")),
            format!(
                "milliseconds             p50 {}, p99 {}, p99.9 {}, longest {}",
                known("p50_ms"),
                known("p99_ms"),
                known("p999_ms"),
                known("max_ms")
            ),
            format!(
                "messages                 {} approved, {} declined, {} reversed, {} errors",
                known("approved"),
                known("declined"),
                known("reversed"),
                known("errors")
            ),
            format!(
                "processor seconds        {} in {} seconds; load generator {}",
                known("cpu_seconds"),
                known("seconds"),
                known("generator_cpu_seconds")
            ),
            format!(
                "memory, MiB              {}, of it anonymous {}",
                known("rss_mib"),
                known("rss_anon_mib")
            ),
        ];
        if self.notified.is_some() {
            lines.push(format!("partner told of          {}", known("notified")));
        }
        let holds = if self.faults.is_empty() { "holds" } else { "DOESN'T HOLD" };
        lines.push(format!("ledger                   {holds}"));
        lines.join("\n")
    }
}

/// A quotient with three digits after the point.
#[expect(clippy::float_arithmetic, reason = "a measure, not money")]
fn parts(of: u64, per: u64) -> f64 {
    let thousandths = u128::from(of) * 1_000 / u128::from(per);
    u32::try_from(thousandths).map_or(f64::MAX, f64::from) / 1_000.0
}

/// The processor time that a process has taken, where the system tells.
pub(super) fn processor_time(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in brackets, may hold anything; the fields after it are numbers (proc_pid_stat(5)).
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1_000 / TICKS))
}

/// The memory that a process has in use, where the system tells.
pub(super) fn memory(process: u32) -> Memory {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    };
    Memory { resident: kib("VmRSS:"), anonymous: kib("RssAnon:") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_in_their_units() {
        let figures = Figures {
            approved: 900,
            declined: 100,
            elapsed: 2_000_000,
            p50: 1_234,
            p99: 20_000,
            ..Figures::default()
        };
        let cpu = Some(Duration::from_millis(1_500));
        let memory = Memory { resident: Some(2_048), anonymous: None };
        let told = Report { figures, cpu, memory, ..Report::default() }.json();
        assert_eq!(told["throughput"], 500.0);
        assert_eq!((&told["p50_ms"], &told["p99_ms"]), (&1.234.into(), &20.0.into()));
        assert_eq!((&told["cpu_seconds"], &told["rss_mib"]), (&1.5.into(), &2.0.into()));
        assert_eq!(told["rss_anon_mib"], Value::Null);
        assert_eq!(told["ledger_verified"], true);
        let faults = vec!["balance 1: …".to_owned()];
        assert_eq!(Report { faults, ..Report::default() }.json()["ledger_verified"], false);
    }

    #[test]
    fn the_system_tells_of_this_process() {
        let process = std::process::id();
        assert!(processor_time(process).is_some());
        assert!(memory(process).anonymous > Some(0));
        assert!(processor_time(u32::MAX).is_none());
    }
}
