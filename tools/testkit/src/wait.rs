//! Waiting for a condition instead of sleeping, and ports.

use std::fmt::Display;
use std::net::TcpListener;
use std::time::Duration;

/// How long to wait between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until the condition holds, and fails the test when it doesn't within the deadline:
/// `eventually("the webhook arrives", Duration::from_secs(5), async || app.arrived() == 1).await`.
///
/// # Panics
///
/// When the deadline passes, also while the condition itself hangs.
pub async fn eventually(what: &str, deadline: Duration, mut condition: impl AsyncFnMut() -> bool) {
    eventually_is(what, deadline, async || if condition().await { Ok(()) } else { Err("") }).await;
}

/// The same with a condition that says why it doesn't hold yet.
///
/// # Panics
///
/// When the deadline passes, with what was said last.
pub async fn eventually_is<E: Display>(
    what: &str,
    deadline: Duration,
    mut condition: impl AsyncFnMut() -> Result<(), E>,
) {
    let mut why = None;
    let waiting = async {
        while let Err(told) = condition().await {
            why = Some(told);
            tokio::time::sleep(PAUSE).await;
        }
    };
    let held = tokio::time::timeout(deadline, waiting).await.is_ok();
    let why = why.map(|why| why.to_string()).unwrap_or_default();
    assert!(held, "not within {deadline:?}: {what} {why}");
}

/// A TCP port of the loopback interface that was free a moment ago. A server that can listen on
/// port 0 and say which one it got should do that instead.
///
/// # Panics
///
/// When there is no free port.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("a listener has an address").port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_condition_is_looked_at_until_it_holds() {
        let mut looks = 0;
        eventually("the third look", Duration::from_secs(10), async || {
            looks += 1;
            looks == 3
        })
        .await;
        assert_eq!(looks, 3);
    }

    #[tokio::test]
    async fn a_condition_that_never_holds_fails_the_test() {
        let waiting = tokio::task::LocalSet::new();
        let task = waiting.run_until(async {
            let short = Duration::from_millis(60);
            tokio::task::spawn_local(
                async move { eventually("pigs fly", short, async || false).await },
            )
            .await
        });
        assert!(task.await.is_err_and(|error| error.is_panic()));
    }

    #[test]
    fn a_free_port_can_be_listened_on() {
        assert!(TcpListener::bind(("127.0.0.1", free_port())).is_ok());
    }
}
