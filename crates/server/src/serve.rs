//! A running server, from its sockets to its orderly end. What differs between a sandbox and a
//! production instance is decided before.

use crate::acts::Desk;
use crate::audit_heads::Sealing;
use crate::clock::{self, Clocks};
use crate::config::{Config, Connections, Jwe, Limits, Smtp};
use crate::database::Kind;
use crate::failure::Failure;
use crate::folder::Folder;
use crate::instance::{self, PATIENCE};
use crate::listener::Listener;
use crate::measures::{Measures, UPKEEP};
use crate::operations::Watched;
use crate::secrets::{self, Provider, ServerCertificate};
use crate::workers::{Orders, Pulse};
use crate::{control, jwe_keys, master_key, operations, tls, watch, workers};
use app::janitor::Retention;
use app::tasks::Tasks;
use outbound::ekyc::Provider as EkycProvider;
use outbound::mail::Mailer;
use outbound::target::Reach;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How long the listener for monitoring may take to end, last of all.
const OPERATIONS_PATIENCE: Duration = Duration::from_secs(1);

/// Connections of monitoring at once.
const OPERATIONS_CONNECTIONS: usize = 64;

/// The sockets of a server. They are bound before anything else is done, so that a taken port is
/// told at once.
pub(crate) struct Sockets {
    listen: TcpListener,
    operations: TcpListener,
    control: UnixListener,
    interrupt: Signal,
    terminate: Signal,
    /// Whether the end of the standard input ends the server too.
    pub(crate) stop_with_input: bool,
}

impl Sockets {
    /// Binds all sockets.
    pub(crate) async fn bind(
        listen: SocketAddr,
        operations: SocketAddr,
        folder: &Folder,
    ) -> Result<Self, Failure> {
        let signals =
            |error: std::io::Error| Failure::new(format!("Signals can't be waited for ({error})."));
        Ok(Self {
            listen: bind(listen, "--listen").await?,
            operations: bind(operations, "--operations").await?,
            control: control::listen(folder)?,
            interrupt: signal(SignalKind::interrupt()).map_err(signals)?,
            terminate: signal(SignalKind::terminate()).map_err(signals)?,
            stop_with_input: false,
        })
    }

    /// Where the server really listens: HTTPS, and monitoring.
    pub(crate) fn addresses(&self) -> Result<(SocketAddr, SocketAddr), Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("A socket is gone ({error})."));
        Ok((
            self.listen.local_addr().map_err(failed)?,
            self.operations.local_addr().map_err(failed)?,
        ))
    }
}

async fn bind(address: SocketAddr, option: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let what = if error.kind() == std::io::ErrorKind::AddrInUse {
            "the port is taken by another process".to_owned()
        } else {
            error.to_string()
        };
        Failure::new(format!(
            "It isn't possible to listen on {address}: {what}. Stop that process, or choose \
             another address with {option}."
        ))
    })
}

/// What a server serves.
pub(crate) struct Served {
    /// The use cases, and where commands are done.
    pub(crate) desk: Desk,
    /// Settings of JWE.
    pub(crate) jwe: Jwe,
    /// The authority's certificate, PEM.
    pub(crate) ca: String,
    /// The server's own.
    pub(crate) certificate: ServerCertificate,
    /// Its folder.
    pub(crate) folder: Arc<Folder>,
    /// How long things are kept.
    pub(crate) retention: Retention,
    /// When orders of plastic leave.
    pub(crate) orders: Orders,
    /// What sends e-mail, if a mail server is configured.
    pub(crate) mailer: Option<Mailer>,
    /// Who is asked about KYC forms, if an eKYC provider is configured.
    pub(crate) ekyc: Option<EkycProvider>,
    /// What protects it.
    pub(crate) limits: Limits,
    /// A file in it that is there only while the server serves.
    pub(crate) sign: Option<&'static str>,
    /// The sandbox's side; none in production.
    pub(crate) sandbox: Option<Arc<dyn api::Sandbox>>,
}

/// The panel's pages, as the HTTPS listener mounts them.
fn panel(desk: &Desk) -> api::Pages {
    let (app, real) = (desk.app.clone(), desk.real_time.clone());
    let panel::Pages { strangers, others } = panel::pages(app, real, desk.authority.clone());
    api::Pages { strangers, others, worded: |response| Box::pin(panel::worded(response)) }
}

/// Serves until SIGTERM or Ctrl-C; `ready` is called as soon as requests are answered.
pub(crate) async fn run(
    served: Served,
    mut sockets: Sockets,
    ready: impl FnOnce(&Served) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let app = served.desk.app.clone();
    let tls =
        tls::server_config(&served.ca, &served.certificate.certificate, &served.certificate.key)?;
    let real = served.desk.real_time.clone();
    let options = api::Options {
        private_operations: served.jwe.private_operations,
        real_time: real.clone(),
        sandbox: served.sandbox.clone(),
        limits: served.limits.requests.clone(),
        pages: panel(&served.desk),
        authority: served.desk.authority.clone(),
    };
    let https = Listener {
        tls: Some(TlsAcceptor::from(tls)),
        router: api::router(app.clone(), options),
        tasks: app.tasks.clone(),
        limits: served.limits.connections,
    };
    let (measures, pulse) = (Measures::begin(), Pulse::default());
    let watched = Watched { app: app.clone(), measures: measures.clone(), pulse: pulse.clone() };
    // It tells until the very end that the server is stopping, so it has tasks of its own.
    let watching = Tasks::default();
    let http = Listener {
        tls: None,
        router: operations::router(watched),
        tasks: watching.clone(),
        limits: Connections { all: OPERATIONS_CONNECTIONS, ..served.limits.connections },
    };

    let sealing = Sealing::new(served.folder.clone());
    workers::start(&served, &sealing, &pulse, &real);
    drop(watching.run(keep_up(measures, watching.stopping())));
    watch::start(&served.desk, &served.folder);
    master_key::start(&served.desk);
    control::start(&served.desk, sockets.control, &served.folder)?;
    drop(app.tasks.run(https.run(sockets.listen)));
    drop(watching.run(http.run(sockets.operations)));
    let begun = ready(&served);

    if begun.is_ok() {
        tokio::select! {
            _ = sockets.interrupt.recv() => {}
            _ = sockets.terminate.recv() => {}
            () = input_ends(), if sockets.stop_with_input => {}
        }
        tracing::info!("Stopping");
    }
    let Served { desk, folder, sign, .. } = served;
    if let Some(Err(failure)) = sign.map(|sign| folder.remove(sign)) {
        tracing::warn!(%failure, "A file stays that should be gone");
    }
    drop(desk);
    if !app.tasks.finish(PATIENCE).await {
        tracing::warn!("Some work didn't end in time and is given up");
    }
    sealing.finish(&app).await;
    watching.finish(OPERATIONS_PATIENCE).await;
    control::remove(&folder);
    if let Err(failure) = instance::close(app).await {
        tracing::warn!(%failure, "The database wasn't closed in order");
    }
    tracing::info!("Stopped");
    begun
}

/// Waits for the end of the standard input: whoever started this process has let go of it.
pub(crate) async fn input_ends() {
    let (mut input, mut ignored) = (tokio::io::stdin(), [0; 64]);
    while let Ok(1..) = input.read(&mut ignored).await {}
}

/// Gathers what was recorded, again and again.
async fn keep_up(measures: Measures, stopping: CancellationToken) {
    while stopping.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
        measures.keep_up();
    }
}

/// `antaca serve`: a production instance, as it is configured.
pub(crate) async fn serve(config: &Config) -> Result<(), Failure> {
    let folder = Arc::new(Folder::open(config.data())?);
    let mailer = config.smtp.as_ref().map(Smtp::mailer).transpose()?;
    let ekyc = config.ekyc.as_ref().map(|it| it.provider(Reach::Public)).transpose()?;
    let sockets = Sockets::bind(config.listen, config.operations, &folder).await?;
    let place = config.database_in(config.data());
    let db = instance::open_database(&place, Kind::Production, config.connections).await?;

    let provider = Provider::of(config, &folder)?;
    let masters = secrets::need_master_keys(&folder, &provider)?;
    Kind::Production.expect(masters.current().kind(), "data folder")?;
    let real = clock::real();
    let keyring = instance::open_keyring(&db, masters, real()).await?;
    if let Provider::Passphrase(_) = provider {
        tracing::warn!(
            "The master key is in a file: good for a sandbox and for tests. Production wants a \
             hardware security module"
        );
    }
    let authority = secrets::open_authority(&folder, keyring.masters(), Kind::Production)?;
    let authority = authority.ok_or_else(|| {
        Failure::new("There is no certificate authority yet: run `antaca ca init` first.")
    })?;
    let names = &config.names;
    let certificate =
        secrets::server_certificate(&folder, keyring.masters(), &authority, names, real())?;

    let clocks = Clocks { business: real.clone(), real: real.clone() };
    let app = instance::start(db, keyring, Kind::Production, clocks, config.engines).await?;
    let ca = authority.certificate_pem().to_owned();
    jwe_keys::prepare(&app, &folder, real()).await?;
    app.make_company_balances().await?;
    let desk = Desk {
        app,
        authority: Some(authority),
        real_time: real,
        folder: folder.clone(),
        provider: Arc::new(provider),
        jwe_previous_days: config.jwe.previous_days,
        sends_mail: mailer.is_some(),
    };
    desk.settle_master_key().await?;
    let (listen, operations) = sockets.addresses()?;
    let (jwe, retention, limits) = (config.jwe, config.retention, config.limits.clone());
    let (sign, sandbox) = (None, None);
    let orders = Orders::Daily(config.orders_at);
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
    run(served, sockets, |_| {
        tracing::info!(%listen, %operations, "Serving");
        Ok(())
    })
    .await
}
