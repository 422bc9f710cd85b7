//! The command line of `antaca audit`.

use super::At;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `antaca audit`
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Walk through the chains of audit records: exit 0 if they are whole, else 1
    ///
    /// Whatever was altered, inserted or removed up to a chain's end is named. That nothing was cut
    /// off at the end is proved by heads that were kept elsewhere.
    #[command(after_help = "Example:\n  antaca audit verify --data ./antaca-data --head \
        /mnt/worm/audit-heads")]
    Verify(VerifyAuditArgs),
}

/// `antaca audit verify`
#[derive(Args, Debug)]
pub(crate) struct VerifyAuditArgs {
    /// A file of heads, as audit-heads of the data folder is; may be given again [default: that
    /// one]
    #[arg(long = "head", value_name = "FILE")]
    pub(crate) heads: Vec<PathBuf>,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) at: At,
}
