//! The command line of `antaca corporation`.

use super::With;
use crate::acts::{DecideCorporation, NamedCorporation};
use clap::Subcommand;

/// `antaca corporation`
#[derive(Debug, Subcommand)]
pub(crate) enum CorporationCommand {
    /// Say what came of a corporation's KYB
    ///
    /// Before it is accepted its documents were sent, its board and owners are verified, and
    /// nobody of it is undecided who was found on a list: `corporation show` tells what is
    /// missing. Only an accepted one gets balances and cards; what is paid with the cards of one
    /// that isn't accepted any more is declined.
    #[command(after_help = "Example:\n  antaca corporation decide --partner acme \
        --id 00000000-0000-4000-8000-000000000000 \\\n    --kyb ACCEPTED --reference KYB-2026-117")]
    Decide(With<DecideCorporation>),
    /// Show what a corporation is, what came of its KYB, and what that still needs
    #[command(after_help = "Example:\n  antaca corporation show --partner acme \
        --id 00000000-0000-4000-8000-000000000000")]
    Show(With<NamedCorporation>),
}
