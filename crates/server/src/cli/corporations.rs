//! The command line of `antaca corporation`.

use super::With;
use crate::acts::{DecideCorporation, NamedCorporation};
use clap::Subcommand;

/// `antaca corporation`
#[derive(Debug, Subcommand)]
pub(crate) enum CorporationCommand {
    /// Say what came of a corporation's KYB, which was checked elsewhere
    ///
    /// Only an accepted one gets balances and cards; what is paid with the cards of one that isn't
    /// accepted any more is declined.
    #[command(after_help = "Example:\n  antaca corporation decide --partner acme \
        --id 00000000-0000-4000-8000-000000000000 \\\n    --kyb ACCEPTED --reference KYB-2026-117")]
    Decide(With<DecideCorporation>),
    /// Show what a corporation is and what came of its KYB
    #[command(after_help = "Example:\n  antaca corporation show --partner acme \
        --id 00000000-0000-4000-8000-000000000000")]
    Show(With<NamedCorporation>),
}
