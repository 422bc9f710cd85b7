//! Exports: transactions that somebody has asked for as a file, written in the background.

use crate::words::words;

words! {
    /// Where an export stands.
    pub enum ExportState {
        /// It waits for a worker.
        Queued = "QUEUED",
        /// It is being written.
        Running = "RUNNING",
        /// Its file is there.
        Done = "DONE",
        /// It can't be written.
        Failed = "FAILED",
    }
}

/// Rows of a file at most: a spreadsheet takes no more.
pub const ROWS_MAX: i64 = 1_000_000;
/// For how many hours a file is kept.
pub const KEPT_HOURS: i64 = 24;
/// How many exports of a partner that have ended are kept: of more the oldest go, so that nobody
/// fills the disk by asking again and again.
pub const KEPT_MAX: i64 = 20;
/// How long before it was asked for an export ends, in seconds. A transaction is seen once it is
/// committed, with the time at which it came; no request, question to a partner or commit takes
/// as long as this, so none that came before is still on its way.
pub const SETTLED_SECONDS: i64 = 120;
/// How often an export is tried that comes no further: whether its writing fails or its worker
/// dies of it.
pub const TRIES_MAX: i64 = 5;
/// How many exports of a partner may wait or be written at once.
pub const OPEN_MAX: i64 = 5;

/// How many rows may be written next, of a file that has `rows`.
#[must_use]
pub fn room(rows: i64, most: i64) -> i64 {
    (ROWS_MAX - rows).clamp(0, most)
}

/// What becomes of an export with each part of it that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// There is more.
    More,
    /// That was all.
    All,
    /// There is more, and the file is full.
    Full,
}

impl Written {
    /// Where there are `rows` now.
    #[must_use]
    pub fn of(rows: i64, is_last: bool) -> Self {
        match (is_last, rows >= ROWS_MAX) {
            (true, _) => Self::All,
            (false, true) => Self::Full,
            (false, false) => Self::More,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_ends_with_its_last_row_or_when_it_is_full() {
        for (rows, is_last, written, next) in [
            (0, false, Written::More, 1_000),
            (0, true, Written::All, 1_000),
            (999_500, false, Written::More, 500),
            (1_000_000, true, Written::All, 0),
            (1_000_000, false, Written::Full, 0),
        ] {
            assert_eq!(Written::of(rows, is_last), written, "{rows}");
            assert_eq!(room(rows, 1_000), next, "{rows}");
        }
    }
}
