//! One connection: HTTP/1.1 over TLS with the processor's certificate, kept alive.

use crate::sandbox::Caller;
use crate::target::SimulatorError;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Told by an authorization's answer.
const APPROVED: &[u8] = br#""approved":true"#;
const DECLINED: &[u8] = br#""approved":false"#;
/// Told by a reversal's.
const ACCEPTED: &[u8] = br#""accepted":true"#;

/// Told where there is too much to do, of one caller or of all.
const TOO_MUCH: [StatusCode; 2] = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS];

/// What a message was answered.
pub(super) enum Sent {
    Approved,
    Declined,
    Accepted,
    /// There was too much to do.
    Refused(String),
    Failed(String),
}

/// A connection, and what keeps it going.
pub(super) struct Connection {
    caller: Arc<Caller>,
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

impl Connection {
    pub(super) async fn open(caller: Arc<Caller>) -> Result<Self, SimulatorError> {
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
        match self.exchange(path, key, body).await {
            Ok((StatusCode::OK, body)) if has(&body, APPROVED) => Sent::Approved,
            Ok((StatusCode::OK, body)) if has(&body, DECLINED) => Sent::Declined,
            Ok((StatusCode::OK, body)) if has(&body, ACCEPTED) => Sent::Accepted,
            Ok((status, _)) => {
                let why = format!("answered with status {}", status.as_u16());
                if TOO_MUCH.contains(&status) { Sent::Refused(why) } else { Sent::Failed(why) }
            }
            Err(error) => Sent::Failed(error.to_string()),
        }
    }

    async fn exchange(
        &mut self,
        path: &str,
        key: &str,
        body: String,
    ) -> Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>> {
        self.sender.ready().await?;
        let request = Request::post(path)
            .header(header::HOST, &self.caller.host)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-idempotency-key", key)
            .body(Full::from(body))?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

fn has(body: &[u8], words: &[u8]) -> bool {
    body.windows(words.len()).any(|window| window == words)
}
