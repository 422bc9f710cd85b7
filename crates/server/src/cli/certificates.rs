//! What can be said of certificates.

use super::At;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `antaca ca`
#[derive(Debug, Subcommand)]
pub(crate) enum CaCommand {
    /// Make the certificate authority
    #[command(after_help = "Example:\n  antaca ca init --config /etc/antaca/antaca.toml")]
    Init(At),
    /// Sign a certificate request of a partner or a processor
    #[command(
        after_help = "Example:\n  antaca ca sign --csr acme.csr --partner acme --out acme.pem"
    )]
    Sign(SignArgs),
}

/// `antaca ca sign`
#[derive(Args, Debug)]
pub(crate) struct SignArgs {
    /// The request: PKCS#10 as PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) csr: PathBuf,
    /// The Issuer-Code of the partner that it is for
    #[arg(long, value_name = "CODE", required_unless_present = "processor")]
    pub(crate) partner: Option<String>,
    /// The name of the processor that it is for
    #[arg(long, value_name = "NAME", conflicts_with = "partner")]
    pub(crate) processor: Option<String>,
    /// What it allows: secure, partner-balance-create; processor for a processor
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// How long it lasts
    #[arg(long, default_value_t = 398)]
    pub(crate) days: u32,
    /// Where to write the certificate [default: the standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) at: At,
}
