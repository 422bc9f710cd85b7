//! The command line: what can be said. What is done about it stands in `commands`.

mod admins;
mod audit;
mod bench;
mod certificates;
mod corporations;
mod partner_check;
mod plastic;
mod screening;
mod simulate;
mod verifications;

pub(crate) use admins::AdminCommand;
pub(crate) use audit::{AuditCommand, VerifyAuditArgs};
pub(crate) use bench::{
    BacklogArgs, BenchArgs, BenchCommand, CardsArgs, DeliveriesArgs, Encrypted, GeneratorArgs,
    ImportBenchArgs, ListsArgs, PreloadArgs, ScreeningBenchArgs, Where,
};
pub(crate) use certificates::{
    CaCommand, CrlArgs, CsrArgs, ImportArgs, RevokeArgs, SignArgs, TrustArgs,
};
pub(crate) use corporations::CorporationCommand;
pub(crate) use partner_check::PartnerCheckArgs;
pub(crate) use plastic::{BureauCommand, ImportReportArgs, OrdersCommand, SetBureauArgs};
pub(crate) use screening::ScreeningCommand;
pub(crate) use simulate::{
    ClearArgs, CodeArgs, MessageArgs, RefundArgs, SimulateCommand, TrafficArgs,
};
pub(crate) use verifications::VerificationCommand;

use crate::acts::{
    CreatePartner, CreateProcessor, CreateProgram, ListBalances, ListNotifications, ListPinKeys,
    ListPrograms, MoveMoney, NamedBalance, NamedPinKey, ResendNotifications, ResumeNotifications,
    RotateJweKey, SendExample, SetAlert, SetPartner, ShowSecret, SumUp,
};
use crate::backup::RestoreArgs;
use crate::config;
use crate::master_key::RotateMasterKey;
use crate::sandbox::SandboxArgs;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Antaca, an open card management system.
#[derive(Debug, Parser)]
#[command(name = "antaca", version, about, after_help = "Example:\n  antaca sandbox")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prepare a sandbox on first use, and serve it until stopped
    #[command(after_help = "Example:\n  antaca sandbox --data ./antaca-data")]
    Sandbox(SandboxArgs),
    /// Serve a production instance until stopped
    #[command(after_help = "Example:\n  antaca serve --config /etc/antaca/antaca.toml")]
    Serve(ConfigFile),
    /// Bring the database to this release's schema
    #[command(after_help = "Example:\n  antaca migrate --database postgres://antaca@db/antaca")]
    Migrate(At),
    /// Look at the configuration
    #[command(subcommand, after_help = "Example:\n  antaca config check")]
    Config(ConfigCommand),
    /// Make and rotate the keys of an instance
    #[command(subcommand, after_help = "Example:\n  antaca keys init")]
    Keys(KeysCommand),
    /// Make the certificate authority; sign, revoke and list certificates
    #[command(subcommand, after_help = "Example:\n  antaca ca sign --csr acme.csr --partner acme")]
    Ca(CaCommand),
    /// Create, change and list partners
    #[command(subcommand, after_help = "Example:\n  antaca partner list")]
    Partner(PartnerCommand),
    /// Create and list programs
    #[command(subcommand, after_help = "Example:\n  antaca program list --partner acme")]
    Program(ProgramCommand),
    /// Make, change, reset and list panel accounts
    #[command(subcommand, after_help = "Example:\n  antaca admin list")]
    Admin(AdminCommand),
    /// Decide and show what is known of corporations
    #[command(
        subcommand,
        after_help = "Example:\n  antaca corporation show --partner acme \
        --id 00000000-0000-4000-8000-000000000000"
    )]
    Corporation(CorporationCommand),
    /// Look for names on lists of sanctions and on one's own
    #[command(subcommand, after_help = "Example:\n  antaca screening load sdn.xml")]
    Screening(ScreeningCommand),
    /// Decide the KYC forms of users
    #[command(
        subcommand,
        after_help = "Example:\n  antaca verification decide --partner acme \
            --id 00000000-0000-4000-8000-000000000000 --accept"
    )]
    Verification(VerificationCommand),
    /// Create, change and list bureaus, which make plastic
    #[command(subcommand, after_help = "Example:\n  antaca bureau list")]
    Bureau(BureauCommand),
    /// Send orders of plastic to their bureaus, and take what these report
    #[command(subcommand, after_help = "Example:\n  antaca orders run")]
    Orders(OrdersCommand),
    /// Create processors
    #[command(subcommand, after_help = "Example:\n  antaca processor create --name acme-processor")]
    Processor(ProcessorCommand),
    /// Prove that the ledger holds
    #[command(subcommand, after_help = "Example:\n  antaca ledger verify")]
    Ledger(LedgerCommand),
    /// Prove that no audit record was altered, inserted or removed
    #[command(subcommand, after_help = "Example:\n  antaca audit verify")]
    Audit(AuditCommand),
    /// Copy the database, or the sealed keys, while serving too, and check the copy
    #[command(after_help = "Example:\n  antaca backup --out /var/backups/antaca/2026-11-21\n  \
        antaca backup --keys --out /mnt/keys/antaca")]
    Backup(BackupArgs),
    /// Put a backup into a data folder that has no database, or no keys
    #[command(
        after_help = "Example:\n  antaca restore --from /var/backups/antaca/2026-11-21 --data ./new"
    )]
    Restore(RestoreArgs),
    /// Write the OpenAPI documents and the reference of error titles
    #[command(after_help = "Example:\n  antaca openapi docs")]
    Openapi(OpenapiArgs),
    /// Play the card network against a running sandbox
    #[command(
        subcommand,
        after_help = "Example:\n  antaca simulate purchase --card 17 --amount 1234"
    )]
    Simulate(SimulateCommand),
    /// Measure this machine
    #[command(subcommand, after_help = "Example:\n  antaca bench authorizations --duration 30")]
    Bench(BenchCommand),
}

/// `antaca openapi`
#[derive(Args, Debug)]
pub(crate) struct OpenapiArgs {
    /// The folder: ERRORS.md in it, and openapi/CHANNEL.json
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// Which configuration.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ConfigFile {
    /// The configuration file [default: /etc/antaca/antaca.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Which instance.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct At {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The data folder [default: as configured; ./antaca-data without a configuration]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The database: postgres://… or sqlite:PATH [default: as configured; SQLite in the folder]
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
}

/// `antaca config`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the configuration and print what is in force, without secrets
    #[command(after_help = config::help())]
    Check(ConfigFile),
}

/// `antaca keys`
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make the master key, sealed by the configured passphrase
    #[command(after_help = "Example:\n  antaca keys init --config /etc/antaca/antaca.toml")]
    Init(At),
    /// Replace the master key: the keys that it wraps are wrapped by a new one, while serving too
    ///
    /// Card data, sessions and retries go on as before. On PostgreSQL first make the new key
    /// known to all nodes: `keys rotate --prepare`, copy master-key-next.json into their data
    /// folders, and then `keys rotate`. Back up the keys afterwards: a backup of the database that
    /// was made before needs the keys of its time.
    #[command(after_help = "Example:\n  antaca keys rotate")]
    Rotate(With<RotateMasterKey>),
    /// Seal the same master key by the passphrase or token that is configured now
    ///
    /// The options tell what has sealed it so far. Without a server on the data folder.
    #[command(after_help = "Example:\n  antaca keys move --from-passphrase-file \
        /etc/antaca/passphrase.old")]
    Move(MoveKeyArgs),
    /// Replace the key that requests are encrypted for; the one before stays accepted for a while
    #[command(after_help = "Example:\n  antaca keys rotate-jwe --previous-days 30")]
    RotateJwe(With<RotateJweKey>),
    /// Take a key that a processor encrypts PIN blocks under, from the components of its custodians
    ///
    /// Each file holds one component as hexadecimal digits; together, combined by exclusive or,
    /// they are the key. Compare the check value that is printed with the processor's.
    #[command(after_help = "Example:\n  antaca keys import-pin --processor acme-processor --id \
        zone-1 --cipher TDES \\\n    --component alice.txt --component bob.txt")]
    ImportPin(ImportPinArgs),
    /// Forget such a key: messages under it are refused from then on
    #[command(after_help = "Example:\n  antaca keys remove-pin --processor acme-processor --id \
        zone-1")]
    RemovePin(With<NamedPinKey>),
    /// List such keys by their check values
    #[command(after_help = "Example:\n  antaca keys list-pin --processor acme-processor")]
    ListPin(With<ListPinKeys>),
}

/// `antaca keys move`
#[derive(Args, Debug)]
pub(crate) struct MoveKeyArgs {
    /// File of the passphrase that opens the key so far, or of the PIN of its token
    #[arg(long, value_name = "FILE")]
    pub(crate) from_passphrase_file: PathBuf,
    /// The PKCS#11 library of the token that wraps the key so far; none if a passphrase seals it
    #[arg(long, value_name = "FILE")]
    pub(crate) from_pkcs11_module: Option<PathBuf>,
    /// The label of that token
    #[arg(long, value_name = "LABEL", default_value = "antaca")]
    pub(crate) from_pkcs11_token: String,
    /// The label of its wrapping key
    #[arg(long, value_name = "LABEL", default_value = "antaca-master")]
    pub(crate) from_pkcs11_key: String,
    #[command(flatten)]
    pub(crate) at: At,
}

/// `antaca keys import-pin`
#[derive(Args, Debug)]
pub(crate) struct ImportPinArgs {
    #[command(flatten)]
    pub(crate) name: NamedPinKey,
    /// What the key is for: TDES for blocks of formats 0 and 1, AES for those of format 4
    #[arg(long, value_parser = ["TDES", "AES"])]
    pub(crate) cipher: String,
    /// A file with a component; two at least
    #[arg(long = "component", value_name = "FILE", required = true)]
    pub(crate) components: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) at: At,
}

/// A command with the instance that it is for.
#[derive(Args, Debug)]
pub(crate) struct With<T: Args> {
    #[command(flatten)]
    pub(crate) what: T,
    #[command(flatten)]
    pub(crate) at: At,
}

/// `antaca partner`
#[derive(Debug, Subcommand)]
pub(crate) enum PartnerCommand {
    /// Create a partner
    #[command(after_help = "Example:\n  antaca partner create --code acme --kyc-mode EXTERNAL")]
    Create(With<CreatePartner>),
    /// Change a partner; what isn't given stays as it is
    #[command(after_help = "Example:\n  antaca partner set --code acme --time-zone Europe/Warsaw")]
    Set(Box<With<SetPartner>>),
    /// Create a balance of a partner's own, or show the one of this kind and currency
    #[command(after_help = "Example:\n  antaca partner balance --code acme --kind DEPOSIT \
        --currency EUR")]
    Balance(With<NamedBalance>),
    /// List a partner's own balances
    #[command(after_help = "Example:\n  antaca partner balances --code acme")]
    Balances(With<ListBalances>),
    /// Sum up what users have and what there is in all, by currency
    #[command(after_help = "Example:\n  antaca partner summary --code acme")]
    Summary(With<SumUp>),
    /// Load a partner's own balance, or draw from it
    #[command(after_help = "Example:\n  antaca partner move --code acme --kind DEPOSIT \
        --currency EUR \\\n    --type collateralCredit --amount 1000000 --external-id 2026-11-21")]
    Move(Box<With<MoveMoney>>),
    /// Have somebody told by e-mail when a partner's own balance runs low, or show who is
    #[command(after_help = "Example:\n  antaca partner alert --code acme --kind DEPOSIT \
        --currency EUR \\\n    --below 100000 --to ops@example.com --to desk@bank.example\n  \
        antaca partner alert --code acme --kind DEPOSIT --currency EUR --off")]
    Alert(Box<With<SetAlert>>),
    /// Let a trusted identity begin sessions of a partner's users, or nobody
    #[command(after_help = "Example:\n  antaca partner trust --code acme \
        --common-name app.acme.example \\\n    --trusted-ca acme-identity-ca.pem\n  \
        antaca partner trust --code acme --nobody")]
    Trust(TrustArgs),
    /// Show the secret that our calls to a partner are signed with
    #[command(after_help = "Example:\n  antaca partner secret --code acme --rotate\n  \
        antaca partner secret --code acme --rotate --at-once   # it has leaked")]
    Secret(With<ShowSecret>),
    /// List what a partner was told, with each try
    #[command(after_help = "Example:\n  antaca partner notifications --code acme --limit 10")]
    Notifications(With<ListNotifications>),
    /// Send to addresses again that were paused, also what was kept back
    #[command(after_help = "Example:\n  antaca partner resume --code acme")]
    Resume(With<ResumeNotifications>),
    /// Play the contract against a partner's server, and tell what is wrong: exit 0 if nothing is
    ///
    /// It makes transactions there, and balances what it has booked: use a user for tests.
    #[command(after_help = "Example:\n  antaca partner check --url https://cards.example.com \
        --ca server-ca.pem \\\n    --certificate antaca.pem --key antaca.key --secret-file secret \
        \\\n    --mode external --user 42\n  antaca partner check --partner acme --user 42")]
    Check(Box<PartnerCheckArgs>),
    /// Send a notification again, or all that were given up since a time
    #[command(after_help = "Example:\n  antaca partner resend --code acme \
        --id 20e87975-dbfb-4c95-b239-169516c0b707\n  \
        antaca partner resend --code acme --since 2026-11-21T06:00:00Z --event cardLocked")]
    Resend(With<ResendNotifications>),
    /// Send a partner an example of a notification, and show what it answers
    #[command(after_help = "Example:\n  antaca partner example --code acme --event cardLocked")]
    Example(With<SendExample>),
    /// List all partners
    #[command(after_help = "Example:\n  antaca partner list")]
    List(At),
}

/// `antaca program`
#[derive(Debug, Subcommand)]
pub(crate) enum ProgramCommand {
    /// Create a program
    #[command(
        after_help = "Example:\n  antaca program create --partner acme --config-id 0000000042 \
        --processor\n    acme-processor --card-type VIRTUAL --currency EUR --bin 53208799"
    )]
    Create(Box<With<CreateProgram>>),
    /// Set what each card of a program may spend at most, who makes its plastic; give it a BIN
    /// more; close and open it
    #[command(after_help = "Example:\n  antaca program set --partner acme --config-id 0000000042 \
        --bureau acme-cards \\\n    --chip-profile MCHIP-EUR\n  antaca program set --partner \
        acme --config-id 0000000042 --add-bin 53208798\n  antaca program set --partner \
        acme --config-id 0000000042 --limits limits.json\n\n  where limits.json has limits and \
        controls as PUT \
        /secure/customers/{customerId}/cards/{cardId}/limits\n  takes them; {} takes all away")]
    Set(ProgramSetArgs),
    /// List a partner's programs
    #[command(after_help = "Example:\n  antaca program list --partner acme")]
    List(With<ListPrograms>),
}

/// `antaca program set`
#[derive(Args, Debug)]
pub(crate) struct ProgramSetArgs {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) partner: String,
    /// The program's configId
    #[arg(long)]
    pub(crate) config_id: String,
    /// A JSON file with limits and controls
    #[arg(long, required_unless_present_any = ["bureau", "add_bin", "state"])]
    pub(crate) limits: Option<PathBuf>,
    /// The name of the bureau that makes its cards of plastic
    #[arg(long, requires = "chip_profile")]
    pub(crate) bureau: Option<String>,
    /// The bureau's name for what it puts on their chips
    #[arg(long, requires = "bureau")]
    pub(crate) chip_profile: Option<String>,
    /// A further BIN, 6 or 8 digits, for numbers of its cards when those before are full
    #[arg(long, value_name = "BIN")]
    pub(crate) add_bin: Option<String>,
    /// Whether its cards work and new ones may be made
    #[arg(long, value_parser = ["LIVE", "CLOSED"])]
    pub(crate) state: Option<String>,
    #[command(flatten)]
    pub(crate) at: At,
}

/// `antaca processor`
#[derive(Debug, Subcommand)]
pub(crate) enum ProcessorCommand {
    /// Create a processor; one of this name and time budget stays as it is
    #[command(after_help = "Example:\n  antaca processor create --name acme-processor")]
    Create(With<CreateProcessor>),
}

/// `antaca ledger`
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Compute every account again and compare: exit 0 if the ledger holds, else 1
    ///
    /// A run that finds partners' books sound keeps a checkpoint of them, ten minutes before now,
    /// for incremental runs.
    #[command(after_help = "Example:\n  antaca ledger verify --data ./antaca-data --json")]
    Verify(VerifyArgs),
}

/// `antaca ledger verify`
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// Read what is newer than the last checkpoint, and what it has changed; trust what is older
    #[arg(long)]
    pub(crate) incremental: bool,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) at: At,
}

/// `antaca backup`
#[derive(Args, Debug)]
pub(crate) struct BackupArgs {
    /// The folder to write to: a new or an empty one
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Copy the sealed keys and certificates, not the database; never the passphrase
    #[arg(long)]
    pub(crate) keys: bool,
    #[command(flatten)]
    pub(crate) at: At,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound_and_every_command_has_an_example() {
        let command = Cli::command();
        command.clone().debug_assert();
        let mut open = vec![command];
        while let Some(mut command) = open.pop() {
            let help = command.render_long_help().to_string();
            assert!(help.contains("Example:\n  antaca "), "{help}");
            let ours = command.get_subcommands().filter(|command| command.get_name() != "help");
            open.extend(ours.cloned());
        }
    }
}
