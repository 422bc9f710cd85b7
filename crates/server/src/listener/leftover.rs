//! What is left of a request's body when its answer is known. HTTP/1.1 has to read it or to close
//! the connection, and a connection that is closed while the client still sends may take the
//! answer with it: so a while is waited for the rest, which is thrown away.

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;

/// How long the rest of a body may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of a body that are thrown away at most: more than any call takes.
const DISCARD_MAX: usize = 32 * 1024 * 1024;

/// A body that is lent to whoever answers, and comes back.
pub(super) struct Lent(Arc<Mutex<Held>>);

/// The lender.
pub(super) struct Leftover(Arc<Mutex<Held>>);

struct Held {
    body: Incoming,
    ended: bool,
}

/// Lends a body.
pub(super) fn lend(body: Incoming) -> (Lent, Leftover) {
    let held = Arc::new(Mutex::new(Held { ended: body.is_end_stream(), body }));
    (Lent(held.clone()), Leftover(held))
}

impl Lent {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut held = self.held();
        if held.ended {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut held.body).poll_frame(context);
        held.ended = matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }

    fn is_end_stream(&self) -> bool {
        let held = self.held();
        held.ended || held.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.held().body.size_hint()
    }
}

impl Leftover {
    /// Throws the rest away, in bounds of time and size.
    pub(super) async fn discard(self) {
        let mut rest = Lent(self.0);
        if rest.is_end_stream() {
            return;
        }
        let all = async {
            let mut discarded = 0;
            let mut next = async || {
                let frame = std::future::poll_fn(|context| Pin::new(&mut rest).poll_frame(context));
                let frame = frame.await?.ok()?;
                Some(frame.data_ref().map_or(0, Bytes::len))
            };
            while let Some(bytes) = next().await {
                discarded += bytes;
                if discarded > DISCARD_MAX {
                    return;
                }
            }
        };
        // A client that is slower than that may lose its answer.
        let _ = timeout(PATIENCE, all).await;
    }
}
