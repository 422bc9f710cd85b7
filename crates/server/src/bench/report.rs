//! What is told of a measurement, and what the system says of its processes.

mod delivered;
mod isolation;
mod listed;

pub(super) use delivered::Delivered;
use isolation::Isolation;
pub(super) use listed::Listed;

use app::cards::BinRange;
use app::{App, Error};
use serde_json::{Map, Value, json};
use simulator::load::tally::Figures;
use std::time::Duration;

/// Parts of a second that Linux counts processor time in, on every architecture (`USER_HZ`).
const TICKS: u64 = 100;

/// What was measured while the load stayed the same.
#[derive(Debug, Default)]
pub(super) struct Phase {
    /// The load of each partner and its answers.
    pub(super) figures: Vec<Figures>,
    /// Those of the partners that are told of together.
    pub(super) together: Option<Figures>,
    /// Processor time of the server while it was measured.
    pub(super) cpu: Option<Duration>,
    /// Processor time of the load generator, if it is a process of its own.
    pub(super) generator_cpu: Option<Duration>,
    /// The most memory that the server had in use.
    pub(super) memory: Memory,
}

/// What was measured.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The load of the partner that is measured and its answers; beside a greedy partner those of
    /// the second phase, like what follows.
    pub(super) figures: Figures,
    /// As in [`Phase`].
    pub(super) cpu: Option<Duration>,
    /// As in [`Phase`].
    pub(super) generator_cpu: Option<Duration>,
    /// As in [`Phase`].
    pub(super) memory: Memory,
    /// Transactions that the partner was told of, in all phases.
    pub(super) notified: Option<i64>,
    /// How often the partner was asked, in all phases, if it is, and after how many milliseconds it
    /// answers.
    pub(super) asked: Option<(i64, u32)>,
    /// What is told beside a greedy partner.
    pub(super) fairness: Option<Fairness>,
    /// What is told beside a partner that hangs.
    pub(super) isolation: Option<Isolation>,
    /// What doesn't hold in the ledger.
    pub(super) faults: Vec<String>,
}

/// What another partner that asks for more than its share does to the one that is measured.
#[derive(Debug, Default)]
pub(super) struct Fairness {
    /// How many times its share the greedy partner asked for in the second phase.
    pub(super) times: u32,
    /// Messages a second that this is.
    pub(super) rate: u64,
    /// What came of them.
    pub(super) greedy: Figures,
    /// Transactions that the greedy partner was told of, in both phases.
    pub(super) notified: Option<i64>,
    /// What came of the partner that is measured in the first phase, when both asked for as much.
    pub(super) at_share: Figures,
}

impl Fairness {
    /// What isn't of the partner that is measured in the second phase.
    pub(super) fn each(&self) -> [(&'static str, &Figures); 2] {
        [("at the share", &self.at_share), ("of the greedy partner", &self.greedy)]
    }
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

/// What is told of a load. `throughput` are the authorizations decided a second, reversals not
/// counted.
fn told(figures: &Figures) -> Map<String, Value> {
    let decided = figures.approved + figures.declined;
    let fields = [
        ("throughput", parts(decided.saturating_mul(1_000_000), figures.elapsed.max(1)).into()),
        ("p50_ms", parts(figures.p50, 1_000).into()),
        ("p99_ms", parts(figures.p99, 1_000).into()),
        ("p999_ms", parts(figures.p999, 1_000).into()),
        ("max_ms", parts(figures.longest, 1_000).into()),
        ("approved", figures.approved.into()),
        ("declined", figures.declined.into()),
        ("reversed", figures.reversed.into()),
        ("errors", figures.errors.into()),
        ("refused", figures.refused.into()),
        ("seconds", parts(figures.elapsed, 1_000_000).into()),
    ];
    fields.map(|(name, value): (&str, Value)| (name.to_owned(), value)).into_iter().collect()
}

impl Report {
    /// Of one partner alone.
    pub(super) fn of(phase: Phase) -> Self {
        let Phase { figures, cpu, generator_cpu, memory, .. } = phase;
        let figures = figures.into_iter().next().unwrap_or_default();
        Self { figures, cpu, generator_cpu, memory, ..Self::default() }
    }

    /// Of a partner beside another that asked for its share first, and then for so many times that,
    /// which is this rate.
    pub(super) fn beside_greed(at_share: Phase, mut phase: Phase, times: u32, rate: u64) -> Self {
        let greedy = phase.figures.pop().unwrap_or_default();
        let at_share = at_share.figures.into_iter().next().unwrap_or_default();
        let fairness = Fairness { times, rate, greedy, notified: None, at_share };
        Self { fairness: Some(fairness), ..Self::of(phase) }
    }

    /// Whether nothing was decided.
    pub(super) fn is_empty(&self) -> bool {
        self.figures.approved + self.figures.declined == 0
    }

    /// One object.
    pub(super) fn json(&self) -> Value {
        let mut all = told(&self.figures);
        let mib = |kib: Option<u64>| kib.map(|kib| parts(kib, 1024));
        let mut add = |name: &str, value: Value| all.insert(name.to_owned(), value);
        add("cpu_seconds", seconds(self.cpu).into());
        add("generator_cpu_seconds", seconds(self.generator_cpu).into());
        add("rss_mib", mib(self.memory.resident).into());
        add("rss_anon_mib", mib(self.memory.anonymous).into());
        add("notified", self.notified.into());
        if let Some((asked, after)) = self.asked {
            add("asked", asked.into());
            add("asked_ms", after.into());
        }
        if let Some(fairness) = &self.fairness {
            let mut greedy = told(&fairness.greedy);
            greedy.insert("times".to_owned(), fairness.times.into());
            greedy.insert("rate".to_owned(), fairness.rate.into());
            greedy.insert("notified".to_owned(), fairness.notified.into());
            add("greedy", greedy.into());
            add("at_share", told(&fairness.at_share).into());
            add("p99_ratio", self.p99_ratio().into());
        }
        add("ledger_verified", self.faults.is_empty().into());
        if let Some(isolation) = &self.isolation {
            isolation.add_to(&mut all, self.figures.p99);
        }
        all.into()
    }

    /// What isn't of the partner, or of those, that are measured, and what it is.
    pub(super) fn beside(&self) -> impl Iterator<Item = (&'static str, &Figures)> {
        let greedy = self.fairness.iter().flat_map(Fairness::each);
        greedy.chain(self.isolation.iter().flat_map(Isolation::each))
    }

    /// How many times its p99 beside a partner with its share the p99 beside the greedy one is.
    fn p99_ratio(&self) -> Option<f64> {
        let before = self.fairness.as_ref()?.at_share.p99;
        (before > 0).then(|| parts(self.figures.p99, before))
    }

    /// The same for a person.
    pub(super) fn text(&self) -> String {
        let told = self.json();
        let known = |name: &str| known(&told, name);
        let mut lines = vec![
            format!("authorizations a second  {}", known("throughput")),
            format!("milliseconds             {}", times(&told)),
            format!("messages                 {}", messages(&told)),
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
        if let Some((asked, after)) = self.asked {
            lines.push(format!("partner asked            {asked} times, answers in {after} ms"));
        }
        if let Some(isolation) = &self.isolation {
            lines.extend(isolation.lines(&told));
        }
        if let Some(Fairness { times: n, rate, notified, .. }) = &self.fairness {
            let (greedy, at_share) = (&told["greedy"], &told["at_share"]);
            lines.extend([
                format!("greedy partner           {n} times the share, {rate} messages a second"),
                format!("  decided a second       {}", greedy["throughput"]),
                format!("  milliseconds           {}", times(greedy)),
                format!("  messages               {}", messages(greedy)),
            ]);
            if let Some(notified) = notified {
                lines.push(format!("  told of                {notified}"));
            }
            lines.extend([
                "while that one asked for its share".to_owned(),
                format!("  milliseconds           {}", times(at_share)),
                format!("  messages               {}", messages(at_share)),
                format!("p99, times what it was   {}", known("p99_ratio")),
            ]);
        }
        let holds = if self.faults.is_empty() { "holds" } else { "DOESN'T HOLD" };
        lines.push(format!("ledger                   {holds}"));
        lines.join("\n")
    }
}

/// What was measured of issuing cards.
#[derive(Debug)]
pub(super) struct Issued {
    /// The cards are what is approved.
    pub(super) figures: Figures,
    /// Processor time of the process that issues meanwhile.
    pub(super) cpu: Option<Duration>,
    /// Of the one that calls, if it is another.
    pub(super) generator_cpu: Option<Duration>,
    /// How many numbers of the BIN were taken before and after, in blocks.
    pub(super) range: Option<(BinRange, BinRange)>,
}

impl Issued {
    /// One object.
    pub(super) fn json(&self) -> Value {
        let figures = &self.figures;
        let range = self.range.as_ref().map(|(from, to)| [from.taken, to.taken, to.of]);
        json!({
            "numbers": range.map(|[from, to, of]| json!({ "from": from, "to": to, "of": of })),
            "cards": figures.approved,
            "throughput": parts(figures.approved.saturating_mul(1_000_000), figures.elapsed.max(1)),
            "p50_ms": parts(figures.p50, 1_000),
            "p99_ms": parts(figures.p99, 1_000),
            "p999_ms": parts(figures.p999, 1_000),
            "max_ms": parts(figures.longest, 1_000),
            "errors": figures.errors,
            "seconds": parts(figures.elapsed, 1_000_000),
            "cpu_seconds": seconds(self.cpu),
            "generator_cpu_seconds": seconds(self.generator_cpu),
        })
    }

    /// The same for a person.
    pub(super) fn text(&self) -> String {
        let told = self.json();
        let known = |name: &str| known(&told, name);
        [
            format!("cards a second     {}", known("throughput")),
            format!("milliseconds       {}", times(&told)),
            format!("cards              {} issued, {} errors", known("cards"), known("errors")),
            format!("numbers            {}", self.numbers()),
            format!(
                "processor seconds  {} in {} seconds; callers {}",
                known("cpu_seconds"),
                known("seconds"),
                known("generator_cpu_seconds")
            ),
        ]
        .join("\n")
    }

    /// Of which part of the BIN's range they are.
    fn numbers(&self) -> String {
        let Some((from, to)) = &self.range else { return "unknown".to_owned() };
        format!("from {} to {} of {}", from.taken + 1, to.taken, to.of)
    }
}

/// What an import took: all users at first, and the same body once more.
#[derive(Debug)]
pub(super) struct Imported {
    /// The first time.
    pub(super) first: Pass,
    /// Once more, under the same key.
    pub(super) again: Pass,
}

/// One sending of an import.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// Users that were answered.
    pub(super) users: u64,
    /// Lines that weren't.
    pub(super) errors: u64,
    /// The first of them.
    pub(super) first_error: Option<String>,
    /// How long it took.
    pub(super) elapsed: Duration,
    /// Processor time of the server meanwhile.
    pub(super) cpu: Option<Duration>,
    /// The most memory that the server had in use.
    pub(super) memory: Memory,
}

impl Pass {
    /// A line that wasn't answered as it should be.
    pub(super) fn error(&mut self, why: String) {
        self.errors += 1;
        self.first_error.get_or_insert(why);
    }

    fn throughput(&self) -> f64 {
        let micros = u64::try_from(self.elapsed.as_micros()).unwrap_or(u64::MAX);
        parts(self.users.saturating_mul(1_000_000), micros.max(1))
    }
}

impl Imported {
    /// Lines that weren't answered as they should be, in both.
    pub(super) fn errors(&self) -> u64 {
        self.first.errors + self.again.errors
    }

    /// One object.
    pub(super) fn json(&self) -> Value {
        let Self { first, again } = self;
        json!({
            "users": first.users,
            "throughput": first.throughput(),
            "seconds": seconds(Some(first.elapsed)),
            "cpu_seconds": seconds(first.cpu),
            "rss_anon_mib": first.memory.anonymous.map(|kib| parts(kib, 1_024)),
            "errors": self.errors(),
            "again_throughput": again.throughput(),
            "again_seconds": seconds(Some(again.elapsed)),
        })
    }

    /// The same for a person.
    pub(super) fn text(&self) -> String {
        let told = self.json();
        let known = |name: &str| known(&told, name);
        [
            format!("users a second     {}", known("throughput")),
            format!("users              {}, {} errors", known("users"), known("errors")),
            format!("processor seconds  {} in {} seconds", known("cpu_seconds"), known("seconds")),
            format!("memory             {} MiB", known("rss_anon_mib")),
            format!(
                "sent once more     {} a second, {} seconds",
                known("again_throughput"),
                known("again_seconds")
            ),
        ]
        .join("\n")
    }
}

fn seconds(time: Option<Duration>) -> Option<f64> {
    time.map(|time| parts(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), 1_000_000))
}

fn known(told: &Value, name: &str) -> String {
    let value = Some(&told[name]).filter(|value| !value.is_null());
    value.map_or_else(|| "unknown".to_owned(), Value::to_string)
}

fn times(told: &Value) -> String {
    let [p50, p99, p999, max] =
        ["p50_ms", "p99_ms", "p999_ms", "max_ms"].map(|name| known(told, name));
    format!("p50 {p50}, p99 {p99}, p99.9 {p999}, longest {max}")
}

fn messages(told: &Value) -> String {
    let [approved, declined, reversed, errors, refused] =
        ["approved", "declined", "reversed", "errors", "refused"].map(|name| known(told, name));
    format!(
        "{approved} approved, {declined} declined, {reversed} reversed, {errors} errors, \
         of them {refused} refused"
    )
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

/// What came of looking for all names again.
#[derive(Debug, Default)]
pub(super) struct Screened {
    /// The numbers of users and corporations that were walked through.
    pub(super) names: i64,
    /// Who stands on the list.
    pub(super) entries: u32,
    /// Owners who were found.
    pub(super) hits: u64,
    /// How long it took.
    pub(super) elapsed: Duration,
    /// Processor time of it.
    pub(super) cpu: Option<Duration>,
}

impl Screened {
    /// Whether some are still to be looked for.
    pub(super) async fn is_behind(&self, app: &App) -> Result<bool, Error> {
        Ok(app.screening_progress().await?.iter().any(|of| of.done < of.newest))
    }

    fn throughput(&self) -> f64 {
        let micros = u64::try_from(self.elapsed.as_micros()).unwrap_or(u64::MAX);
        parts(self.names.unsigned_abs().saturating_mul(1_000_000), micros.max(1))
    }

    /// One object.
    pub(super) fn json(&self) -> Value {
        json!({
            "names": self.names,
            "entries": self.entries,
            "hits": self.hits,
            "throughput": self.throughput(),
            "seconds": seconds(Some(self.elapsed)),
            "cpu_seconds": seconds(self.cpu),
        })
    }

    /// The same for a person.
    pub(super) fn text(&self) -> String {
        let told = self.json();
        format!(
            "{} names looked for among {} entries in {} s: {}/s, {} found, {} s of processor.",
            told["names"],
            told["entries"],
            told["seconds"],
            told["throughput"],
            told["hits"],
            told["cpu_seconds"],
        )
    }
}

#[cfg(test)]
mod tests;
