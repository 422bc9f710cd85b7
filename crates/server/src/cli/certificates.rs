//! What can be said of certificates.

use super::{At, With};
use crate::acts::{HolderArgs, ListCertificates};
use app::certificates::USUAL_DAYS;
use clap::{ArgGroup, Args, Subcommand};
use std::path::PathBuf;

/// `antaca ca`
#[derive(Debug, Subcommand)]
pub(crate) enum CaCommand {
    /// Make the certificate authority
    #[command(after_help = "Example:\n  antaca ca init --config /etc/antaca/antaca.toml")]
    Init(At),
    /// Sign a certificate request of a partner, a processor or the operator
    #[command(
        after_help = "Example:\n  antaca ca sign --csr acme.csr --partner acme --out acme.pem"
    )]
    Sign(SignArgs),
    /// Revoke a certificate, at once and for ever; a second time changes nothing
    #[command(after_help = "Example:\n  antaca ca revoke --certificate acme.pem")]
    Revoke(RevokeArgs),
    /// Make a key and a request for our calls to a partner, which signs it
    #[command(after_help = "Example:\n  antaca ca csr --partner acme --out antaca.csr")]
    Csr(CsrArgs),
    /// Put in use what a partner gave: our certificate, its authority, its base URL
    #[command(after_help = "Example:\n  antaca ca import --partner acme --certificate antaca.pem \
        --trusted-ca\n    acme-ca.pem --base-url https://cards.acme.example/antaca")]
    Import(ImportArgs),
    /// List certificates, revoked ones and ours for partners too
    #[command(after_help = "Example:\n  antaca ca list --partner acme")]
    List(With<ListCertificates>),
    /// Sign the list of revoked certificates (CRL)
    #[command(after_help = "Example:\n  antaca ca crl --out crl.pem")]
    Crl(CrlArgs),
}

/// `antaca ca sign`
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("whose").required(true).args(["partner", "processor", "operator"]))]
pub(crate) struct SignArgs {
    /// The request: PKCS#10 as PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) csr: PathBuf,
    #[command(flatten)]
    pub(crate) holder: HolderArgs,
    /// What it allows: secure, partner-balance-create; processor for a processor; collateral, iban
    /// for the operator
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// How long it lasts
    #[arg(long, default_value_t = USUAL_DAYS)]
    pub(crate) days: u32,
    /// Where to write the certificate [default: the standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) at: At,
}

/// `antaca ca revoke`
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("which").required(true))]
pub(crate) struct RevokeArgs {
    /// SHA-256 of the certificate's DER, in hexadecimal
    #[arg(long, value_name = "HEX", group = "which")]
    pub(crate) fingerprint: Option<String>,
    /// Its serial number, in hexadecimal
    #[arg(long, value_name = "HEX", group = "which")]
    pub(crate) serial: Option<String>,
    /// Its CN, where one certificate of this name is in force
    #[arg(long, value_name = "CN", group = "which")]
    pub(crate) name: Option<String>,
    /// The certificate itself: a PEM file
    #[arg(long, value_name = "FILE", group = "which")]
    pub(crate) certificate: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) at: At,
}

/// `antaca ca crl`
#[derive(Args, Debug)]
pub(crate) struct CrlArgs {
    /// Where to write the list [default: the standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) at: At,
}

/// `antaca ca csr`
#[derive(Args, Debug)]
pub(crate) struct CsrArgs {
    /// The Issuer-Code of the partner that we are to call
    #[arg(long, value_name = "CODE")]
    pub(crate) partner: String,
    /// The common name that we ask for
    #[arg(long, value_name = "CN", default_value = "antaca")]
    pub(crate) name: String,
    /// Where to write the request [default: the standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) at: At,
}

/// `antaca ca import`
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The partner's Issuer-Code
    #[arg(long, value_name = "CODE")]
    pub(crate) partner: String,
    /// Our certificate as the partner signed it, PEM; those of its issuers may follow
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: PathBuf,
    /// The authorities that the partner's server is trusted by, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) trusted_ca: PathBuf,
    /// Where the partner's paths begin: https://host[:port][/path]
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: String,
    #[command(flatten)]
    pub(crate) at: At,
}

/// `antaca partner trust`
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("who").required(true))]
pub(crate) struct TrustArgs {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) code: String,
    /// The common name of the certificate that tokens are signed with
    #[arg(long, value_name = "CN", group = "who", requires = "trusted_ca")]
    pub(crate) common_name: Option<String>,
    /// The authorities that it leads to, PEM
    #[arg(long, value_name = "FILE", requires = "common_name")]
    pub(crate) trusted_ca: Option<PathBuf>,
    /// Nobody vouches for the partner's users any more
    #[arg(long, group = "who")]
    pub(crate) nobody: bool,
    #[command(flatten)]
    pub(crate) at: At,
}
