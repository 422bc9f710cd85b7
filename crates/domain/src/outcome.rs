//! What came of a command about a state.

/// Whether a command changed anything. A repetition succeeds and changes nothing, so a retry is
/// safe, and nobody is told twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did.
    Applied,
    /// It was so already.
    AlreadyApplied,
}
