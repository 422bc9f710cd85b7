//! What is told of delivering a backlog.

use super::{Memory, known, parts, seconds};
use serde_json::{Value, json};
use std::time::Duration;

/// What came of it.
#[derive(Debug, Default)]
pub(in super::super) struct Delivered {
    /// Notifications that were delivered.
    pub(in super::super) notifications: u32,
    /// Among how many streams, each of which is told in order.
    pub(in super::super) streams: u32,
    /// How often the partner was called.
    pub(in super::super) told: i64,
    /// From the worker's start to the last result that was written down.
    pub(in super::super) elapsed: Duration,
    /// Processor time of the process that delivers meanwhile.
    pub(in super::super) cpu: Option<Duration>,
    /// Its memory before that, and the most of it.
    pub(in super::super) memory: (Memory, Memory),
}

impl Delivered {
    /// One object.
    pub(in super::super) fn json(&self) -> Value {
        let mib = |kib: Option<u64>| kib.map(|kib| parts(kib, 1_024));
        let (before, peak) = self.memory;
        let micros = u64::try_from(self.elapsed.as_micros()).unwrap_or(u64::MAX);
        let notifications = u64::from(self.notifications);
        json!({
            "notifications": notifications,
            "streams": self.streams,
            "told": self.told,
            "throughput": parts(notifications.saturating_mul(1_000_000), micros.max(1)),
            "seconds": seconds(Some(self.elapsed)),
            "cpu_seconds": seconds(self.cpu),
            "rss_mib_before": mib(before.resident),
            "rss_mib": mib(peak.resident),
            "rss_anon_mib_before": mib(before.anonymous),
            "rss_anon_mib": mib(peak.anonymous),
        })
    }

    /// The same for a person.
    pub(in super::super) fn text(&self) -> String {
        let told = self.json();
        let known = |name: &str| known(&told, name);
        [
            format!("notifications a second  {}", known("throughput")),
            format!(
                "notifications           {} of {} streams, {} calls",
                known("notifications"),
                known("streams"),
                known("told")
            ),
            format!(
                "processor seconds       {} in {} seconds",
                known("cpu_seconds"),
                known("seconds")
            ),
            format!(
                "memory, MiB             {}, before {}; of it anonymous {}, before {}",
                known("rss_mib"),
                known("rss_mib_before"),
                known("rss_anon_mib"),
                known("rss_anon_mib_before")
            ),
        ]
        .join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_is_told_of_in_its_units() {
        let memory = |kib| Memory { resident: Some(kib), anonymous: None };
        let told = Delivered {
            notifications: 5_000,
            streams: 16,
            told: 5_001,
            elapsed: Duration::from_millis(2_500),
            cpu: None,
            memory: (memory(1_024), memory(3_072)),
        };
        let json = told.json();
        assert_eq!((&json["throughput"], &json["seconds"]), (&2_000.0.into(), &2.5.into()));
        assert_eq!((&json["rss_mib_before"], &json["rss_mib"]), (&1.0.into(), &3.0.into()));
        assert!(told.text().contains("5000 of 16 streams, 5001 calls"), "{}", told.text());
    }
}
