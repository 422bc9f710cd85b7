//! Stops the engine or a worker at a step, so that a test can kill or halt the process there; or
//! has the engine fail at one command.
//! Compiled only with the feature `faults`, which no release build has.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

static FAULT: OnceLock<Fault> = OnceLock::new();
static SEEN: AtomicUsize = AtomicUsize::new(0);

/// Where to stop: the `nth` time that `step` is reached, after writing the file `marker`; until
/// the file is gone. Or what happens to the message of a network id, which is the `marker` then:
/// deciding it `panics`, or what was decided is `unwritable`.
#[derive(Debug)]
pub struct Fault {
    step: String,
    nth: usize,
    marker: PathBuf,
}

impl Fault {
    /// Reads `step:nth:marker`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let step = parts.next()?.to_owned();
        let nth = parts.next()?.parse().ok()?;
        Some(Self { step, nth, marker: PathBuf::from(parts.next()?) })
    }
}

/// Arms the fault of this process.
pub fn arm(fault: Fault) {
    FAULT.set(fault).expect("a process is armed once");
}

/// Stops here if this is the place.
pub(crate) fn reached(step: &str) {
    let Some(fault) = FAULT.get() else { return };
    if fault.step != step || SEEN.fetch_add(1, Ordering::SeqCst) + 1 != fault.nth {
        return;
    }
    std::fs::write(&fault.marker, step).expect("the marker's folder exists");
    while fault.marker.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether this is what is to happen to the message of this network id.
pub(crate) fn happens(fault: &str, network_id: &str) -> bool {
    let matches = |armed: &Fault| armed.step == fault && armed.marker.as_os_str() == network_id;
    FAULT.get().is_some_and(matches)
}
