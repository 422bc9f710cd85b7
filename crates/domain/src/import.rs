//! Imports: many users that a partner sends in one body.

use crate::words::words;

words! {
    /// Where an import stands.
    pub enum ImportState {
        /// Its lines are being done.
        Running = "RUNNING",
        /// All lines of the body were answered.
        Finished = "FINISHED",
        /// It ended before its body did; the same body under the same key goes on with it.
        Broken = "BROKEN",
    }
}
