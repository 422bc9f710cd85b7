//! The command line of `antaca admin`.

use super::{At, With};
use crate::acts::{CreateAdmin, ResetAdmin, SetAdmin};
use clap::Subcommand;

/// `antaca admin`
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Make a panel account
    ///
    /// Its password and what its authenticator reads are shown this once; whose it is sets others
    /// at the first sign-in.
    #[command(
        after_help = "Example:\n  antaca admin create --email ann@acme.example --role ADMIN \
        --partner acme\n  antaca admin create --email olga@operator.example --role OPERATOR \
        --keep-secrets"
    )]
    Create(With<CreateAdmin>),
    /// Change what may be done with a panel account, shut it, open it; its sessions end
    #[command(
        after_help = "Example:\n  antaca admin set --email ann@acme.example --state DISABLED"
    )]
    Set(With<SetAdmin>),
    /// Give a panel account another password and another authenticator; its sessions end
    #[command(after_help = "Example:\n  antaca admin reset --email ann@acme.example")]
    Reset(With<ResetAdmin>),
    /// List all panel accounts
    #[command(after_help = "Example:\n  antaca admin list")]
    List(At),
}
