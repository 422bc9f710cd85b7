//! What a server does about certificates by itself: it keeps the list of revoked ones in its folder
//! current, and tells daily which certificates end soon.

use crate::acts::Desk;
use crate::failure::Failure;
use crate::folder::{Folder, Readers};
use domain::Timestamp;
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// The list of revoked certificates.
pub(crate) const CRL: &str = "crl.pem";
/// A revocation is on the list within this time, on every node.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the list is made anew without a reason, and the ends of certificates are looked at.
const DAILY: SignedDuration = SignedDuration::from_hours(24);

/// What was done last.
#[derive(Debug, Default)]
struct Done {
    /// Who was on the list, and when it was made.
    listed: Option<(Vec<Vec<u8>>, Timestamp)>,
    looked: Option<Timestamp>,
}

/// Starts to watch, until the server stops.
pub(crate) fn start(desk: &Desk, folder: &Arc<Folder>) {
    let (desk, folder) = (desk.clone(), folder.clone());
    let tasks = desk.app.tasks.clone();
    let stopping = tasks.stopping();
    drop(tasks.run(async move {
        let mut done = Done::default();
        loop {
            if let Err(failure) = step(&desk, &folder, &mut done).await {
                tracing::warn!(worker = "certificates", error = %failure, "A worker's step failed");
            }
            if stopping.run_until_cancelled(sleep(PAUSE)).await.is_none() {
                return;
            }
        }
    }));
}

async fn step(desk: &Desk, folder: &Folder, done: &mut Done) -> Result<(), Failure> {
    let now = (desk.real_time)();
    let due = |last: Option<Timestamp>| last.is_none_or(|last| now.duration_since(last) >= DAILY);
    let settings = desk.app.settings.get();
    let held = settings.certificates();
    if due(done.looked) {
        done.looked = Some(now);
        for ending in desk.app.certificates_ending(now) {
            tracing::warn!(
                direction = ending.direction,
                serial = ending.serial,
                not_after = %ending.not_after,
                "A certificate ends soon"
            );
        }
    }
    let revoked = held.iter().filter(|held| held.revoked_at.is_some());
    let revoked: Vec<Vec<u8>> = revoked.map(|held| held.fingerprint.clone()).collect();
    let last = done.listed.as_ref();
    if due(last.map(|(_, at)| *at)) || last.is_none_or(|(listed, _)| *listed != revoked) {
        if let Some(authority) = &desk.authority {
            let list = desk.app.revocation_list(authority, now).await?;
            folder.write(CRL, list.as_bytes(), Readers::All)?;
        }
        done.listed = Some((revoked, now));
    }
    Ok(())
}
