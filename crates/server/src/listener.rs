//! Accepting connections: TLS, limits, HTTP/1.1 and HTTP/2, and an orderly end.

mod too_large;

use crate::tls;
use api::Peer;
use app::tasks::Tasks;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Version;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// A handshake is some round trips.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long a connection may have no request in flight, and how long a head may take to arrive.
const IDLE: Duration = Duration::from_secs(60);
/// What a request in flight gets when its connection is to end: more than a request may take.
const LAST_WORDS: Duration = Duration::from_secs(12);
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
/// Connections at once: further ones wait until one ends.
const CONNECTIONS_MAX: usize = 4096;
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
}

impl Listener {
    /// Accepts connections until the tasks are to stop.
    pub(crate) async fn run(self, socket: TcpListener) {
        let stopping = self.tasks.stopping();
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
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
            let address = address.ip().to_canonical();
            let connection = self.clone().connection(stream, address, stopping.clone());
            drop(self.tasks.run(async move {
                connection.await;
                drop(place);
            }));
        }
    }

    async fn connection(self, stream: TcpStream, address: IpAddr, stopping: CancellationToken) {
        // Answers are small and must not wait for one another.
        let _ = stream.set_nodelay(true);
        let Some(tls) = self.tls.clone() else {
            return self.serve(stream, Peer::default(), Protocol::Http1, stopping).await;
        };
        let shaken = stopping.run_until_cancelled(timeout(HANDSHAKE, tls.accept(stream)));
        match shaken.await {
            Some(Ok(Ok(stream))) => {
                let (_, session) = stream.get_ref();
                let first = session.peer_certificates().and_then(<[_]>::first);
                let certificate = first.map(|certificate| Arc::from(certificate.as_ref()));
                let protocol = match session.alpn_protocol() {
                    Some(tls::H2) => Protocol::Http2,
                    Some(_) | None => Protocol::Http1,
                };
                let peer = Peer { certificate, address: Some(address) };
                self.serve(stream, peer, protocol, stopping).await;
            }
            Some(Ok(Err(error))) => tracing::debug!(%error, "A TLS handshake failed"),
            Some(Err(_)) => tracing::debug!("A TLS handshake took too long"),
            None => {}
        }
    }

    async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        protocol: Protocol,
        stopping: CancellationToken,
    ) {
        let activity = Arc::new(Activity::new());
        let (router, busy) = (self.router, activity.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            answer(router.clone(), request, peer.clone(), Busy::begin(&busy))
        });
        match protocol {
            Protocol::Http1 => {
                let io = TokioIo::new(too_large::Worded::new(stream));
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(IDLE);
                http.max_header_size(HEAD_MAX).max_buf_size(BUFFER_MAX);
                drive(http.serve_connection(io, service), &activity, stopping).await;
            }
            Protocol::Http2 => {
                let io = TokioIo::new(stream);
                let mut http = http2::Builder::new(InTasks(self.tasks));
                http.timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX);
                http.max_header_list_size(u32::try_from(BUFFER_MAX).unwrap_or(u32::MAX));
                drive(http.serve_connection(io, service), &activity, stopping).await;
            }
        }
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
    peer: Peer,
    busy: Busy,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    if is_too_large(&request) {
        return Ok(too_large::response());
    }
    request.extensions_mut().insert(peer);
    let answer = router.oneshot(request).await;
    drop(busy);
    answer
}

/// Whether the head is beyond its limits. HTTP/1.1 counts by itself.
fn is_too_large(request: &Request) -> bool {
    let fields = request.headers();
    let bytes = fields.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_BYTES);
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    request.version() == Version::HTTP_2
        && (fields.len() > FIELDS_MAX || path + bytes.sum::<usize>() > HEAD_MAX)
}

/// Runs a connection to its end. Where it has been idle for too long, or the process is to end,
/// the requests in flight are still answered.
async fn drive(
    connection: impl GracefulConnection,
    activity: &Activity,
    stopping: CancellationToken,
) {
    let mut connection = pin!(connection);
    tokio::select! {
        // What goes wrong on a connection is the other side's affair.
        _ = connection.as_mut() => return,
        () = stopping.cancelled() => {}
        () = activity.idle() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(LAST_WORDS, connection).await;
}

/// Whether requests of a connection are in flight, and since when none are.
struct Activity {
    in_flight: AtomicUsize,
    since: Mutex<Instant>,
}

impl Activity {
    fn new() -> Self {
        Self { in_flight: AtomicUsize::new(0), since: Mutex::new(Instant::now()) }
    }

    /// Waits until the connection has been idle for as long as it may.
    async fn idle(&self) {
        loop {
            let busy = self.in_flight.load(Ordering::Acquire) > 0;
            let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
            let left = if busy { IDLE } else { IDLE.saturating_sub(since.elapsed()) };
            if left.is_zero() {
                return;
            }
            sleep(left).await;
        }
    }
}

/// A request in flight.
struct Busy(Arc<Activity>);

impl Busy {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.in_flight.fetch_add(1, Ordering::AcqRel);
        Self(activity.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        *self.0.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
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
