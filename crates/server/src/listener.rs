//! Accepting connections: TLS, limits, HTTP/1.1 and HTTP/2, and an orderly end.

mod activity;
mod gate;
mod worded;

use crate::config::Connections;
use crate::tls;
use activity::{Activity, Busy, Ended, Streaming};
use api::Peer;
use app::tasks::Tasks;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, Version, header};
use axum::response::Response;
use crypto::certificates::fingerprint;
use gate::{Gate, Place};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use worded::{WhatIsWrong, Worded};

/// Bytes of a request's head.
const HEAD_MAX: usize = 16 * 1024;
/// What HTTP/2 counts for a field beside its name and value (RFC 9113, section 6.5.2).
const FIELD_BYTES: usize = 32;
/// Fields of a request's head: HTTP/1.1's default in hyper, which has a fast path for it.
const FIELDS_MAX: usize = 100;
/// What is read at most before it is known what it is: heads beyond [`HEAD_MAX`] and within this
/// are answered by us, larger ones of HTTP/2 by the library, with no body.
const BUFFER_MAX: usize = 64 * 1024;
/// Requests at once on one connection of HTTP/2.
const STREAMS_MAX: u32 = 128;
/// How long, and for how many bytes, a connection that was ended is still listened to: closing it
/// with unread bytes could take the answer from its reader.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// How long to wait after a failing accept, which means that file descriptors are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a listener treats its connections.
#[derive(Clone)]
pub(crate) struct Listener {
    /// TLS, or plain TCP where there is none.
    pub(crate) tls: Option<TlsAcceptor>,
    /// What answers.
    pub(crate) router: Router,
    /// Where connections run; told to stop, they end after the requests in flight.
    pub(crate) tasks: Tasks,
    /// How many there may be, and how long.
    pub(crate) limits: Connections,
}

/// A connection, once it is known whose.
struct Guest {
    peer: Peer,
    protocol: Protocol,
    /// Whether its requests are refused.
    welcome: Welcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Welcome {
    Served,
    /// There are too many connections like it.
    Refused,
}

impl Listener {
    /// Accepts connections until the tasks are to stop.
    pub(crate) async fn run(self, socket: TcpListener) {
        let stopping = self.tasks.stopping();
        let room = Arc::new(Semaphore::new(self.limits.all));
        let gate = Arc::new(Gate::new(self.limits));
        loop {
            let accepted = stopping.run_until_cancelled(async {
                let place = room.clone().acquire_owned().await;
                (socket.accept().await, place)
            });
            let Some((accepted, place)) = accepted.await else { return };
            let Ok((stream, address)) = accepted else {
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            // An IPv4 address is told as one, also where the socket speaks IPv6.
            let accepted = (stream, address.ip().to_canonical());
            let connection = self.clone().connection(accepted, gate.clone(), stopping.clone());
            drop(self.tasks.run(async move {
                connection.await;
                drop(place);
            }));
        }
    }

    async fn connection(
        self,
        (stream, address): (TcpStream, IpAddr),
        gate: Arc<Gate>,
        stopping: CancellationToken,
    ) {
        // Answers are small and must not wait for one another.
        let _ = stream.set_nodelay(true);
        let Some(tls) = self.tls.clone() else {
            let (peer, protocol) = (Peer::default(), Protocol::Http1);
            let guest = Guest { peer, protocol, welcome: Welcome::Served };
            return self.serve(stream, guest, stopping).await;
        };
        let counted = Counted::begin();
        let Some(place) = gate.enter(address) else { return refused("connections per address") };
        let shaking = timeout(self.limits.handshake, tls.accept(stream));
        let stream = match stopping.run_until_cancelled(shaking).await {
            Some(Ok(Ok(stream))) => stream,
            Some(Ok(Err(error))) => {
                handshake_failed(if error.kind() == ErrorKind::InvalidData {
                    "refused"
                } else {
                    "broken"
                });
                return tracing::debug!(%error, "A TLS handshake failed");
            }
            Some(Err(_)) => {
                handshake_failed("time");
                return tracing::debug!("A TLS handshake took too long");
            }
            None => return,
        };
        let (_, session) = stream.get_ref();
        let first = session.peer_certificates().and_then(<[_]>::first);
        let certificate = first.map(|certificate| fingerprint(certificate));
        let protocol = match session.alpn_protocol() {
            Some(tls::H2) => Protocol::Http2,
            Some(_) | None => Protocol::Http1,
        };
        let Some(place) = gate.admit(place, certificate) else {
            return refused("connections per certificate");
        };
        let welcome = match place {
            Place::Address(_) | Place::Certificate(_) => Welcome::Served,
            Place::Spare(_) => Welcome::Refused,
        };
        if welcome == Welcome::Refused {
            refused(match certificate {
                Some(_) => "connections per certificate",
                None => "connections per address",
            });
        }
        let peer = Peer { certificate, address: Some(address) };
        self.serve(stream, Guest { peer, protocol, welcome }, stopping).await;
        drop((place, counted));
    }

    async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        guest: Guest,
        stopping: CancellationToken,
    ) {
        let mut limits = self.limits;
        if guest.welcome == Welcome::Refused {
            // It is told so with its first request, which must come soon.
            limits.idle = limits.idle.min(limits.handshake);
        }
        let activity = Arc::new(Activity::new(limits));
        let (router, busy) = (self.router, activity.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let busy = Busy::begin(&busy);
            answer(router.clone(), request, (guest.peer.clone(), guest.welcome), busy)
        });
        match guest.protocol {
            Protocol::Http1 => {
                let io = TokioIo::new(Worded::new(stream, activity.clone()));
                let mut http = http1::Builder::new();
                // How long a head may take is seen to by the activity, which tells it from a pause.
                http.timer(TokioTimer::new()).header_read_timeout(None);
                http.max_header_size(HEAD_MAX).max_buf_size(BUFFER_MAX);
                let mut connection = http.serve_connection(io, service);
                let ended = activity.drive(Pin::new(&mut connection), &stopping).await;
                let stream = connection.into_parts().io.into_inner().into_inner();
                match ended {
                    Ended::Done => linger(stream, &[]).await,
                    Ended::SlowHead => linger(stream, &worded::late()).await,
                    Ended::Left => {}
                }
            }
            Protocol::Http2 => {
                let io = TokioIo::new(stream);
                let mut http = http2::Builder::new(InTasks(self.tasks));
                http.timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX);
                http.max_header_list_size(u32::try_from(BUFFER_MAX).unwrap_or(u32::MAX));
                let mut connection = http.serve_connection(io, service);
                let _ = activity.drive(Pin::new(&mut connection), &stopping).await;
            }
        }
    }
}

/// Says the last words on a connection, and listens until the other side has heard them.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin, words: &[u8]) {
    let farewell = async {
        stream.write_all(words).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES_MAX), &mut tokio::io::sink()).await
    };
    // Whether it was heard is the other side's affair.
    let _ = timeout(LINGER, farewell).await;
}

fn refused(cause: &'static str) {
    metrics::counter!("antaca_refused_total", "cause" => cause).increment(1);
}

fn handshake_failed(cause: &'static str) {
    metrics::counter!("antaca_handshakes_failed_total", "cause" => cause).increment(1);
}

/// A connection, as long as it is counted.
struct Counted;

impl Counted {
    fn begin() -> Self {
        metrics::gauge!("antaca_connections").increment(1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("antaca_connections").decrement(1);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// Answers a request, having told it whose connection it came by.
async fn answer(
    router: Router,
    request: Request<Incoming>,
    (peer, welcome): (Peer, Welcome),
    busy: Busy,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    if welcome == Welcome::Refused {
        let mut response = worded::response(WhatIsWrong::TooManyConnections);
        if request.version() != Version::HTTP_2 {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        busy.end();
        return Ok(response);
    }
    if is_too_large(&request) {
        return Ok(worded::response(WhatIsWrong::HeadTooLarge));
    }
    request.extensions_mut().insert(peer);
    let answer = router.oneshot(request).await;
    // An answer that isn't all there is in flight until it is.
    answer.map(|answer| match answer.body().size_hint().exact() {
        Some(_) => answer,
        None => answer.map(|body| Body::new(InFlight { body, streaming: Streaming::begin(busy) })),
    })
}

/// The body of an answer that is still being made.
struct InFlight {
    body: Body,
    streaming: Streaming,
}

impl HttpBody for InFlight {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.streaming.taken();
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether the head is beyond its limits. HTTP/1.1 counts by itself.
fn is_too_large(request: &Request) -> bool {
    let fields = request.headers();
    let bytes = fields.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_BYTES);
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    request.version() == Version::HTTP_2
        && (fields.len() > FIELDS_MAX || path + bytes.sum::<usize>() > HEAD_MAX)
}

/// Runs HTTP/2's streams as tasks that are awaited at the end.
#[derive(Clone)]
struct InTasks(Tasks);

impl<F> hyper::rt::Executor<F> for InTasks
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, work: F) {
        drop(self.0.run(work));
    }
}
