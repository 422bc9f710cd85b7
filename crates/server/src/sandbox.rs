//! The sandbox: everything that is needed to try Antaca out, prepared on first use and kept.
//!
//! What makes an instance a sandbox is decided here and nowhere else: its kind, its folder, its
//! clock, its partner and programs. Each step of the preparation looks whether it was done before,
//! so a start that was killed halfway is completed by the next one.

pub(crate) mod admins;
pub(crate) mod calls;
mod file;
pub(crate) mod partner;
mod portfolio;
mod quickstart;

use crate::acts::Desk;
use crate::clock::{self, Clocks};
use crate::config::{Config, Smtp};
use crate::control;
use crate::database::{self, Kind, Place};
use crate::failure::Failure;
use crate::folder::{Folder, Readers};
use crate::instance::{self, Use};
use crate::jwe_keys;
use crate::output;
use crate::secrets::{self, MASTER_KEY, PASSPHRASE, Provider, ServerCertificate};
use crate::serve::{self, Served, Sockets};
use crate::workers::Orders;
use api::Sandbox;
use app::audit::Operator;
use calls::{Calls, Needs};
use clap::Args;
use crypto::keys::MasterKeys;
use outbound::target::Reach;
use serde_json::Value;
use simulator::bureau::Bureau;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use store::db::Db;

/// The folder of a sandbox, unless `--data` says otherwise.
pub(crate) const DATA: &str = "./antaca-data";
/// The URL of a sandbox's PostgreSQL, so that commands and later starts find it.
pub(crate) const DATABASE: &str = "database-url";
const NAMES: &[&str] = &["localhost", "127.0.0.1"];

/// How to run a sandbox.
#[derive(Args, Clone, Debug)]
pub(crate) struct SandboxArgs {
    /// The data folder; made on first use
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
    /// Address and port of the HTTPS listener; port 0 takes any that is free
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Address and port of health checks
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9443")]
    operations: SocketAddr,
    /// The URL of a PostgreSQL database; SQLite in the data folder if it isn't given
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Fill a new sandbox with 200 users, 300 cards and 30 days of payments, to look at
    #[arg(long)]
    demo: bool,
    /// End when the standard input does: for a process that starts a sandbox for itself
    #[arg(long, hide = true)]
    stop_with_input: bool,
}

/// Runs a sandbox until SIGTERM or Ctrl-C. Of the configuration it heeds what has no option.
pub(crate) async fn run(arguments: SandboxArgs, config: &Config) -> Result<(), Failure> {
    let place = arguments.database.as_deref().map(Place::parse).transpose()?;
    let folder = Arc::new(Folder::create(&arguments.data)?);
    // A file that a killed sandbox left would send its users to a server that isn't there.
    folder.remove(file::NAME)?;
    let mut sockets = Sockets::bind(arguments.listen, arguments.operations, &folder).await?;
    sockets.stop_with_input = arguments.stop_with_input;
    let (listen, operations) = sockets.addresses()?;

    let mailer = config.smtp.as_ref().map(Smtp::mailer).transpose()?;
    // As partners do, a provider runs on the same machine.
    let ekyc = config.ekyc.as_ref().map(|it| it.provider(Reach::Anywhere)).transpose()?;
    let ahead = clock::begin()?;
    let makes_portfolio = arguments.demo && portfolio::begin(&folder, &ahead)?;
    let prepared = prepare(&folder, place, config.jwe.previous_days, &ahead).await?;
    let Prepared { mut desk, operator, ca, certificate } = prepared;
    let answers = Duration::from_secs(config.bureau_seconds);
    let bureau = Bureau::of_sandbox(folder.dir());
    let orders = Orders::AtOnce { bureau, answers };
    let real_time = desk.real_time.clone();
    let needs = Needs { app: &desk.app, folder: &folder, real_time, ahead: ahead.clone() };
    let calls = Calls::start(needs, &operator).await?;
    quickstart::prepare(&folder)?;

    let sandbox: Option<Arc<dyn Sandbox>> = Some(Arc::new(calls));
    let (jwe, retention, limits) = (config.jwe, config.retention, config.limits.clone());
    let sign = Some(file::NAME);
    desk.sends_mail = mailer.is_some();
    let served = Served {
        desk,
        jwe,
        ca,
        certificate,
        folder,
        retention,
        orders,
        mailer,
        ekyc,
        limits,
        sign,
        sandbox,
    };
    let path = arguments.data;
    let ran = serve::run(served, sockets, |served| {
        let description = file::describe(served, listen, operations)?;
        served.folder.write(file::NAME, description.as_bytes(), Readers::Owner)?;
        output::line(&quickstart::text(&path, listen, operations));
        if makes_portfolio {
            let Desk { app, real_time, .. } = &served.desk;
            portfolio::start(app, &served.folder, real_time, &ahead);
        }
        Ok(())
    });
    ran.await
}

/// A sandbox that can be served, or worked on.
pub(crate) struct Prepared {
    /// Where commands are done.
    pub(crate) desk: Desk,
    /// Who does them.
    pub(crate) operator: Operator,
    ca: String,
    certificate: ServerCertificate,
}

/// Makes what isn't there yet: keys, database, authority, partners and a processor. Business time
/// is so many microseconds ahead, and moved on to where it was.
pub(crate) async fn prepare(
    folder: &Arc<Folder>,
    place: Option<Place>,
    jwe_previous_days: u32,
    ahead: &Arc<AtomicI64>,
) -> Result<Prepared, Failure> {
    let real = clock::real();
    let db = open_database(folder, place).await?;
    // The key first: a database without it would be nobody's.
    let (provider, masters) = master_keys(folder)?;
    database::prepare(&db, Kind::Sandbox, real()).await?;
    let keyring = instance::open_keyring(&db, masters, real()).await?;
    let masters = keyring.masters();
    let authority = match secrets::open_authority(folder, masters, Kind::Sandbox)? {
        Some(authority) => authority,
        None => secrets::create_authority(folder, masters, Kind::Sandbox, real())?,
    };
    let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    let certificate = secrets::server_certificate(folder, masters, &authority, &names, real())?;

    let clocks = Clocks { business: clock::business(ahead.clone()), real: real.clone() };
    let app = instance::start(db, keyring, Kind::Sandbox, clocks, Use::SANDBOX.engines).await?;
    let ca = authority.certificate_pem().to_owned();
    jwe_keys::prepare(&app, folder, real()).await?;
    app.make_company_balances().await?;
    let desk = Desk {
        app,
        authority: Some(authority),
        real_time: real,
        folder: folder.clone(),
        provider: Arc::new(provider),
        jwe_previous_days,
        sends_mail: false,
    };
    desk.settle_master_key().await?;
    let operator = control::operator_here()?;
    clock::move_ahead(ahead, desk.app.clock_ahead().await?);
    partner::prepare(&desk, folder, &operator).await?;
    admins::prepare(&desk, folder, &operator).await?;
    Ok(Prepared { desk, operator, ca, certificate })
}

/// The database that a data folder says is its own: the URL that its sandbox keeps, or SQLite.
pub(crate) fn kept_place(folder: &Folder) -> Result<Place, Failure> {
    match folder.read_text(DATABASE)? {
        Some(url) => Place::parse(&url),
        None => Ok(Place::sqlite_in(folder.dir())),
    }
}

/// Opens the database as it is, and refuses another instance's.
async fn open_database(folder: &Folder, given: Option<Place>) -> Result<Db, Failure> {
    let place = match given {
        Some(place) => place,
        None => kept_place(folder)?,
    };
    let db = place.open(Use::SANDBOX.connections)?;
    if let Some(kind) = database::look(&db).await?.kind {
        Kind::Sandbox.expect(&kind, "database")?;
        if !folder.path(MASTER_KEY).exists() {
            return Err(Failure::new(
                "The database belongs to a sandbox with another data folder: take that folder \
                 with --data, or another database.",
            ));
        }
    }
    if place != kept_place(folder)? {
        folder.write(DATABASE, place.url().as_bytes(), Readers::Owner)?;
    }
    Ok(db)
}

/// Opens the master key, or makes it where the folder is new.
fn master_keys(folder: &Folder) -> Result<(Provider, MasterKeys), Failure> {
    refuse_served(folder)?;
    let provider = secrets::provider_of_sandbox(folder)?;
    let masters = match secrets::open_master_keys(folder, &provider)? {
        Some(masters) => masters,
        None => {
            let made = secrets::create_master_key(folder, Kind::Sandbox, &provider)?;
            MasterKeys::new(made, None)
        }
    };
    Kind::Sandbox.expect(masters.current().kind(), "data folder")?;
    Ok((provider, masters))
}

/// A folder with a key but without its passphrase is a production instance's, or a sandbox's that
/// was restored: then no passphrase is made, since it would open nothing.
fn refuse_served(folder: &Folder) -> Result<(), Failure> {
    if folder.path(PASSPHRASE).exists() {
        return Ok(());
    }
    let Some(key) = folder.read_text(MASTER_KEY)? else { return Ok(()) };
    // Only for what is said: without the passphrase nothing tells whether the kind is true.
    let key = serde_json::from_str::<Value>(&key).unwrap_or_default();
    if key.get("kind").and_then(Value::as_str) != Some(Kind::Sandbox.name()) {
        return Kind::Sandbox.expect(Kind::Production.name(), "data folder");
    }
    Err(Failure::new(format!(
        "The passphrase of the sandbox is missing: put it into {}.",
        folder.path(PASSPHRASE).display()
    )))
}
