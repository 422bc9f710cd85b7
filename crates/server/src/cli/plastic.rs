//! The command line of `antaca bureau` and `antaca orders`.

use super::{At, With};
use crate::acts::{NamedBureau, OverdueOrders};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `antaca bureau`
#[derive(Debug, Subcommand)]
pub(crate) enum BureauCommand {
    /// Create a bureau, or change the one of this name
    ///
    /// Batches are laid into the folder's `out`, reports are taken from its `in`. On an SFTP server
    /// we log in with a key of our own, which is shown as `sshKey`: give it to the bureau, and then
    /// try `antaca bureau check`.
    #[command(after_help = "Example:\n  antaca bureau set --name acme-cards --folder \
        /srv/bureau \\\n    --public-key acme-cards.pem\n  antaca bureau set --name acme-cards \
        --folder sftp://antaca@sftp.acme-cards.example/cards \\\n    --host-keys acme-cards.host \
        --public-key acme-cards.pem")]
    Set(SetBureauArgs),
    /// Try a bureau's folder: log in if it is on a server, and make what is missing of it
    #[command(after_help = "Example:\n  antaca bureau check --name acme-cards")]
    Check(With<NamedBureau>),
    /// List all bureaus, with the thumbprints of their keys
    #[command(after_help = "Example:\n  antaca bureau list")]
    List(At),
}

/// `antaca bureau set`
#[derive(Args, Debug)]
pub(crate) struct SetBureauArgs {
    /// Its name: 1 to 64 of a-z, 0-9 and the hyphen
    #[arg(long)]
    pub(crate) name: String,
    /// The folder of batches and reports: a whole path, or sftp://USER@HOST[:PORT]/PATH
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: String,
    /// A file with the RSA key that numbers and PINs are encrypted for, a PEM of PUBLIC KEY
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: PathBuf,
    /// A file with the SFTP server's public keys, as `ssh-keyscan` prints them; have the bureau
    /// confirm them
    #[arg(long, value_name = "FILE")]
    pub(crate) host_keys: Option<PathBuf>,
    /// Log in with a new key of ours from now on
    #[arg(long, requires = "host_keys")]
    pub(crate) new_key: bool,
    #[command(flatten)]
    pub(crate) at: At,
}

/// `antaca orders`
#[derive(Debug, Subcommand)]
pub(crate) enum OrdersCommand {
    /// Send all orders that wait to their bureaus now, and take the reports that lie there
    #[command(after_help = "Example:\n  antaca orders run")]
    Run(At),
    /// Take a bureau's report from a file
    #[command(after_help = "Example:\n  antaca orders import --bureau acme-cards report.csv")]
    Import(ImportReportArgs),
    /// List orders that left three days ago or earlier, and of which nothing was heard since
    #[command(after_help = "Example:\n  antaca orders overdue --partner acme")]
    Overdue(With<OverdueOrders>),
}

/// `antaca orders import`
#[derive(Args, Debug)]
pub(crate) struct ImportReportArgs {
    /// The bureau's name
    #[arg(long)]
    pub(crate) bureau: String,
    /// The report: CSV with the columns reference, outcome and trackingNumber
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) at: At,
}
