//! The command line of `antaca screening`.

use super::{At, With};
use crate::acts::{DecideHit, ListHits, LoadList, NamedList};
use clap::Subcommand;

/// `antaca screening`
#[derive(Debug, Subcommand)]
pub(crate) enum ScreeningCommand {
    /// Put a list in force, in the place of the one of its name
    ///
    /// All users and corporations are looked for on it from five seconds later on.
    #[command(after_help = "Example:\n  antaca screening load sdn.xml\n  \
        antaca screening load own.csv --list BLACKLIST --name own \\\n    \
        --columns id=Nr,name=Name,born=Born")]
    Load(With<LoadList>),
    /// List the lists, and how far names were looked for
    #[command(after_help = "Example:\n  antaca screening list")]
    List(At),
    /// Take a list away
    #[command(after_help = "Example:\n  antaca screening remove --name own")]
    Remove(With<NamedList>),
    /// List those who were found and nobody has decided
    #[command(after_help = "Example:\n  antaca screening hits --partner acme")]
    Hits(With<ListHits>),
    /// Decide whether it is the one on the list
    ///
    /// Who is cleared of all may pay again. A decision is kept until a name, a birth date or the
    /// entry changes.
    #[command(after_help = "Example:\n  antaca screening decide --partner acme \
        --id 00000000-0000-4000-8000-000000000000 \\\n    --state CLEARED \
        --comment 'born in another country'")]
    Decide(With<DecideHit>),
}
