//! The command line of `antaca partner check`.

use super::At;
use crate::acts::CheckArgs;
use clap::Args;
use std::path::PathBuf;

/// `antaca partner check`
#[derive(Args, Debug)]
pub(crate) struct PartnerCheckArgs {
    /// Where the partner's paths begin: https://host[:port][/path]
    #[arg(long, value_name = "URL", requires = "ca", required_unless_present = "partner")]
    pub(crate) url: Option<String>,
    /// The authorities that the partner's server is trusted by, PEM
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(crate) ca: Option<PathBuf>,
    /// Our certificate, if the server asks for one, PEM
    #[arg(long, value_name = "FILE", requires_all = ["url", "key"])]
    pub(crate) certificate: Option<PathBuf>,
    /// The certificate's key, PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// A file with the secret that calls are signed with, whsec_…; without it they aren't signed
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Let the URL lead to this machine or to a private network
    #[arg(long, requires = "url")]
    pub(crate) allow_private: bool,
    /// Take URL, certificate and secret of the partner of this Issuer-Code from the instance
    #[arg(long, value_name = "CODE", conflicts_with = "url")]
    pub(crate) partner: Option<String>,
    #[command(flatten)]
    pub(crate) what: CheckArgs,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) at: At,
}
