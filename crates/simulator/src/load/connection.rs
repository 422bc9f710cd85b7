//! One connection: HTTP/1.1 over TLS with a client's certificate, kept alive.

use crate::sandbox::{Caller, SandboxFile};
use crate::target::SimulatorError;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

/// Told by an authorization's answer.
const APPROVED: &[u8] = br#""approved":true"#;
const DECLINED: &[u8] = br#""approved":false"#;
/// Told by a reversal's.
const ACCEPTED: &[u8] = br#""accepted":true"#;

/// Told where there is too much to do, of one caller or of all.
const TOO_MUCH: [u16; 2] = [503, 429];

/// What a message was answered.
pub(super) enum Sent {
    Approved,
    Declined,
    Accepted,
    /// There was too much to do.
    Refused(String),
    Failed(String),
}

/// Why a request got no answer.
pub type Broken = Box<dyn std::error::Error + Send + Sync>;
/// Status and body.
pub type Answer = (u16, Bytes);

/// A certificate and its key, in PEM.
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: Zeroizing<String>,
}

impl Identity {
    /// Who calls the sandbox that serves from this folder with it.
    pub fn caller(&self, dir: &Path) -> Result<Caller, SimulatorError> {
        let file = SandboxFile::read(dir)?;
        Caller::new(dir, &file, self.certificate.as_bytes(), self.key.as_bytes())
    }
}

/// A connection, and what keeps it going.
pub struct Connection {
    caller: Arc<Caller>,
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

impl Connection {
    /// Connects.
    pub async fn open(caller: Arc<Caller>) -> Result<Self, SimulatorError> {
        let broken = |error: &dyn std::fmt::Display| {
            SimulatorError::NoConnection(caller.host.clone(), error.to_string())
        };
        let stream = TcpStream::connect(caller.address).await.map_err(|error| broken(&error))?;
        stream.set_nodelay(true).map_err(|error| broken(&error))?;
        let connector = tokio_rustls::TlsConnector::from(caller.tls.clone());
        let stream = connector.connect(caller.name.clone(), stream).await;
        let stream = stream.map_err(|error| broken(&error))?;
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = opened.map_err(|error| broken(&error))?;
        let mut driver = JoinSet::new();
        // Why it ends is told by the next request.
        driver.spawn(async move { drop(connection.await) });
        Ok(Self { caller, sender, _driver: driver })
    }

    pub(super) fn caller(&self) -> Arc<Caller> {
        self.caller.clone()
    }

    pub(super) fn is_usable(&self) -> bool {
        !self.sender.is_closed()
    }

    pub(super) async fn send(&mut self, path: &str, (key, body): (&str, String)) -> Sent {
        match self.post(path, &[("x-idempotency-key", key)], body).await {
            Ok((200, body)) if has(&body, APPROVED) => Sent::Approved,
            Ok((200, body)) if has(&body, DECLINED) => Sent::Declined,
            Ok((200, body)) if has(&body, ACCEPTED) => Sent::Accepted,
            Ok((status, _)) => {
                let why = format!("answered with status {status}");
                if TOO_MUCH.contains(&status) { Sent::Refused(why) } else { Sent::Failed(why) }
            }
            Err(error) => Sent::Failed(error.to_string()),
        }
    }

    /// Sends a request with a JSON body.
    pub async fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer, Broken> {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.exchange(request, body).await
    }

    /// Sends a request whose answer comes line by line, and hears each as it comes; the status.
    pub async fn post_lines(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
        mut heard: impl FnMut(&[u8]),
    ) -> Result<u16, Broken> {
        self.sender.ready().await?;
        let request = Request::post(path).header(header::HOST, &self.caller.host);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = self.sender.send_request(request.body(Full::from(body))?).await?;
        let status = response.status().as_u16();
        let mut answer = response.into_body();
        let mut rest = Vec::new();
        while let Some(frame) = answer.frame().await {
            rest.extend_from_slice(frame?.data_ref().map_or(&[][..], |piece| piece));
            let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            rest.drain(..whole).as_slice().split(|byte| *byte == b'\n').for_each(|line| {
                if !line.is_empty() {
                    heard(line);
                }
            });
        }
        Ok(status)
    }

    /// Asks for something.
    pub async fn get(&mut self, path: &str) -> Result<Answer, Broken> {
        self.exchange(Request::get(path), String::new()).await
    }

    async fn exchange(
        &mut self,
        request: hyper::http::request::Builder,
        body: String,
    ) -> Result<Answer, Broken> {
        self.sender.ready().await?;
        let request = request.header(header::HOST, &self.caller.host).body(Full::from(body))?;
        let response = self.sender.send_request(request).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

fn has(body: &[u8], words: &[u8]) -> bool {
    body.windows(words.len()).any(|window| window == words)
}
