//! The server that plays the partners of a sandbox, and how they are called: at that server, until
//! a partner names one of its own.

use super::partner::EXAMPLES;
use crate::clock;
use crate::config::Connections;
use crate::failure::Failure;
use crate::folder::{Folder, Readers};
use crate::listener::Listener;
use crate::secrets;
use crate::tls;
use api::{Demonstration, Sandbox};
use app::App;
use app::audit::Operator;
use app::outbound::{Identity, Kept, SetOutbound};
use app::page::Page;
use crypto::certificates::{Authority, client_key_and_csr};
use crypto::keys::MasterKeys;
use domain::Timestamp;
use domain::notification::Event;
use serde_json::Value;
use simulator::partner::{self, Known, Manner, Partner};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use store::outbound::Outbound;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

/// The authority that signed what we show when we call a partner. A partner that is called at a
/// server of its own trusts this one.
pub(super) const CLIENT_CA: &str = "client-ca.pem";
const CLIENT_CA_KEY: &str = "client-ca-key";
const CLIENT_CA_NAME: &str = "Antaca sandbox client CA";
/// The name in our certificate.
const CLIENT_NAME: &str = "antaca-sandbox";
/// How long certificates last, in days.
const DAYS: u32 = 398;

/// The demonstration partner of a running sandbox.
pub(super) struct Calls {
    partner: Arc<Partner>,
    server: String,
    authority: Authority,
    /// How far business time is ahead, in microseconds.
    ahead: Arc<AtomicI64>,
}

/// We are its only caller, with one certificate.
pub(crate) const LIMITS: Connections = Connections {
    all: 1024,
    per_certificate: 1024,
    per_address: 64,
    handshake: Duration::from_secs(5),
    head: Duration::from_secs(10),
    idle: Duration::from_secs(60),
};

/// What the demonstration partner needs.
pub(super) struct Needs<'a> {
    /// Where its secrets are, and what seals its authority's key.
    pub(super) app: &'a App,
    /// Where its authority is kept.
    pub(super) folder: &'a Folder,
    /// Real time.
    pub(super) real_time: app::Clock,
    /// How far business time is ahead, in microseconds.
    pub(super) ahead: Arc<AtomicI64>,
}

impl Calls {
    /// Starts the server on a port of its own and tells the settings where it is.
    pub(super) async fn start(needs: Needs<'_>, operator: &Operator) -> Result<Self, Failure> {
        let Needs { app, folder, real_time, ahead } = needs;
        let authority = authority(folder, app.keyring.masters(), real_time())?;
        let failed = |what: &dyn std::fmt::Display| {
            Failure::new(format!("The demonstration partner can't be started: {what}."))
        };
        let (certificate, key) = server_of(&authority, real_time())?;
        let tls = tls::server_config_for_known(authority.certificate_pem(), &certificate, &key)?;
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let socket = socket.map_err(|error| failed(&error))?;
        let port = socket.local_addr().map_err(|error| failed(&error))?.port();

        let secrets = secrets_of(app, &real_time);
        let partner = Partner::new(secrets, real_time.clone(), Arc::new(Manner::of_sandbox));
        let listener = Listener {
            tls: Some(TlsAcceptor::from(tls)),
            router: partner::router(partner.clone()),
            tasks: app.tasks.clone(),
            limits: LIMITS,
        };
        drop(app.tasks.run(listener.run(socket)));

        let calls = Self { partner, server: format!("https://localhost:{port}"), authority, ahead };
        for example in EXAMPLES {
            calls.prepare(app, operator, example.code, real_time()).await?;
        }
        Ok(calls)
    }

    /// Sets how a partner is called, as far as it isn't set or has to be anew.
    async fn prepare(
        &self,
        app: &App,
        operator: &Operator,
        code: &str,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let settings = app.settings.get();
        let Some(partner) = settings.partner_of_code(code) else { return Ok(()) };
        let held = settings.outbound(partner.id);
        let url = held.and_then(|held| held.base_url.as_deref());
        let is_ours = url.is_none_or(|url| Partner::is_base_url(url, code));
        let target = is_ours.then(|| self.demonstration(code));
        let shown = held.filter(|held| held.key.is_some());
        let shown = shown.and_then(|held| held.certificate.as_deref());
        let identity = match shown {
            Some(pem) if secrets::lasts(pem, now) => None,
            Some(_) | None => Some(identity(&self.authority, now)?),
        };
        if target.is_none() && identity.is_none() {
            return Ok(());
        }
        let (base_url, trusted_ca) =
            target.map(|target| (target.base_url, target.trusted_ca)).unzip();
        let notifications = held.is_none().then(|| Event::NOTIFICATIONS.to_vec());
        let set = SetOutbound { base_url, trusted_ca, identity, notifications, encrypt: None };
        Ok(app.set_outbound(operator, partner.id, set).await?)
    }
}

/// What we show a partner, signed by our authority for that.
pub(crate) fn identity(authority: &Authority, now: Timestamp) -> Result<Identity, Failure> {
    let (key, csr) = client_key_and_csr(CLIENT_NAME);
    let signed = authority.sign_client(&csr, DAYS, now);
    let signed = signed.map_err(|error| {
        Failure::new(format!("No certificate for calls to partners can be made: {error}."))
    })?;
    Ok(Identity { certificate: signed.pem, key })
}

/// The certificate and key of a server that plays a partner here.
pub(crate) fn server_of(
    authority: &Authority,
    now: Timestamp,
) -> Result<(String, Zeroizing<String>), Failure> {
    let signed = authority.sign_server(&["localhost", "127.0.0.1"], DAYS, now);
    signed.map_err(|error| Failure::new(format!("A partner's server can't be made: {error}.")))
}

impl Sandbox for Calls {
    fn received(&self, code: &str, after: Option<i64>, limit: i64) -> Page<Value> {
        let more = usize::try_from(limit).unwrap_or(0).saturating_add(1);
        let page = Page::of(
            self.partner.received(code, after.unwrap_or(0), more),
            limit,
            |(number, _)| *number,
        );
        let items = page.items.into_iter().map(|(_, request)| request).collect();
        Page { items, next: page.next }
    }

    fn demonstration(&self, code: &str) -> Demonstration {
        Demonstration {
            base_url: Partner::base_url(&self.server, code),
            trusted_ca: self.authority.certificate_pem().to_owned(),
        }
    }

    fn set_clock_ahead(&self, seconds: i64) {
        clock::move_ahead(&self.ahead, seconds);
    }
}

/// Our authority for calls to partners; made on first use.
pub(crate) fn authority(
    folder: &Folder,
    masters: &MasterKeys,
    now: Timestamp,
) -> Result<Authority, Failure> {
    let key = secrets::open(folder, masters, CLIENT_CA_KEY)?;
    if let (Some(certificate), Some(key)) = (folder.read_text(CLIENT_CA)?, key) {
        let opened = std::str::from_utf8(&key).ok();
        let opened = opened.and_then(|key| Authority::from_pem(&certificate, key).ok());
        return opened.ok_or_else(|| {
            let path = folder.path(CLIENT_CA);
            Failure::new(format!("{} isn't an authority that can be used.", path.display()))
        });
    }
    let authority = Authority::create(CLIENT_CA_NAME, now);
    secrets::seal(folder, masters, CLIENT_CA_KEY, authority.key_pem().as_bytes())?;
    folder.write(CLIENT_CA, authority.certificate_pem().as_bytes(), Readers::All)?;
    Ok(authority)
}

/// The secrets as the settings have them at the time of a call.
fn secrets_of(app: &App, real_time: &app::Clock) -> partner::Secrets {
    let (app, real_time) = (app.clone(), real_time.clone());
    Arc::new(move |code| {
        let (app, now) = (app.clone(), real_time());
        Box::pin(async move {
            let settings = app.settings.get();
            let partner = settings.partner_of_code(&code);
            match partner.and_then(|partner| settings.outbound(partner.id)) {
                Some(outbound) => known(&app, outbound, now).await,
                None => Known::new(),
            }
        })
    })
}

async fn known(app: &App, outbound: &Outbound, now: Timestamp) -> Known {
    let mut known = Known::new();
    let is_valid = outbound.previous_until.is_some_and(|until| now < until);
    let previous = outbound.previous_secret.as_ref().filter(|_| is_valid);
    for sealed in std::iter::once(&outbound.secret).chain(previous) {
        match app.open_outbound(outbound.partner, Kept::Secret, sealed).await {
            Ok(secret) => known.push(secret),
            Err(error) => tracing::error!(%error, "A secret of calls can't be opened"),
        }
    }
    known
}

#[cfg(test)]
mod tests;
