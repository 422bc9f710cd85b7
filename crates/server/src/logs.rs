//! Logs, to the standard error. Only our own crates write below warnings: the libraries beneath
//! would log headers and statements.

use tracing_subscriber::EnvFilter;

/// Crates whose events follow the configured level.
const OURS: &[&str] = &["antaca", "api", "app", "server", "simulator", "store"];

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A line of JSON, for a machine.
    Json,
    /// A line of text, for a person.
    Text,
}

impl Format {
    /// Reads `json` or `text`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Json, Self::Text].into_iter().find(|format| format.name() == name)
    }

    /// Its name in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
        }
    }
}

/// Begins to log; `level` is one of `error`, `warn`, `info`, `debug`, `trace`.
pub(crate) fn start(format: Format, level: &str) {
    let rest = if level == "error" { "error" } else { "warn" };
    let ours = OURS.iter().map(|name| format!(",{name}={level}"));
    let filter = EnvFilter::new(format!("{rest}{}", ours.collect::<String>()));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Fails where somebody else logs already, which is as good.
    let _ = match format {
        Format::Json => lines.json().flatten_event(true).with_span_list(false).try_init(),
        Format::Text => lines.with_target(false).try_init(),
    };
}
