//! The command line of `antaca verification`.

use super::With;
use crate::acts::DecideVerification;
use clap::Subcommand;

/// `antaca verification`
#[derive(Debug, Subcommand)]
pub(crate) enum VerificationCommand {
    /// Accept or reject a user's KYC form
    ///
    /// Who is accepted gets the balances and cards of a verified user. Where the partner does its
    /// own KYC, the form alone changes.
    #[command(after_help = "Example:\n  antaca verification decide --partner acme \
        --id 00000000-0000-4000-8000-000000000000 \\\n    --reject BLURRED_SELFIE")]
    Decide(With<DecideVerification>),
}
