//! What is told to the person at the terminal. A reader that has gone away is no failure.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Writes a line to the standard output.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes a line to the standard error.
pub(crate) fn error(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// After this time a person is told how far a command is.
const QUIET: Duration = Duration::from_secs(2);
/// How often it is told anew.
const OFTEN: Duration = Duration::from_millis(200);

/// One line on a terminal that tells how far a command is; nothing where there is no terminal.
pub(crate) struct Progress {
    begun: Instant,
    told: Mutex<Option<Instant>>,
    on_terminal: bool,
}

impl Progress {
    /// Of a command that begins now.
    pub(crate) fn begin() -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        Self { begun: Instant::now(), told: Mutex::new(None), on_terminal }
    }

    /// Tells how far it is, unless that was told a moment ago.
    pub(crate) fn tell(&self, text: impl FnOnce() -> String) {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = told.is_none_or(|told| now - told >= OFTEN);
        if self.on_terminal && now - self.begun >= QUIET && is_due {
            *told = Some(now);
            let _ = write!(std::io::stderr().lock(), "\r\x1b[2K{}", text());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let told = self.told.get_mut().unwrap_or_else(PoisonError::into_inner);
        if told.is_some() {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[2K");
        }
    }
}
