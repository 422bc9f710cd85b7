//! How many connections each certificate, and each address without one, may have at once.
//!
//! A connection counts for its address until its handshake has told its certificate. What is beyond
//! a limit gets one of a few spare places, in which each request is answered 429 and the connection
//! ends; beyond these it is closed without a word.

use crate::config::Connections;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Connections beyond the limits that are told so at once.
const SPARE_MAX: usize = 256;

/// Who may connect.
pub(super) struct Gate {
    limits: Connections,
    addresses: Arc<Counts<IpAddr>>,
    certificates: Arc<Counts<[u8; 32]>>,
    spare: Arc<Counts<()>>,
}

/// A connection's place, which it gives back when it is dropped.
pub(super) enum Place {
    /// Of its address: it has no certificate, or none yet.
    Address(#[expect(dead_code, reason = "held")] Taken<IpAddr>),
    /// Of its certificate.
    Certificate(#[expect(dead_code, reason = "held")] Taken<[u8; 32]>),
    /// Beyond the limits: its requests are refused.
    Spare(#[expect(dead_code, reason = "held")] Taken<()>),
}

impl Gate {
    pub(super) fn new(limits: Connections) -> Self {
        Self {
            limits,
            addresses: Arc::default(),
            certificates: Arc::default(),
            spare: Arc::default(),
        }
    }

    /// A place before the handshake; `None` if not even a spare one is free.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let address = counted(address);
        let own = Counts::take(&self.addresses, address, self.limits.per_address);
        own.map(Place::Address).or_else(|| self.spare())
    }

    /// The place after the handshake has told the certificate, if there is one.
    pub(super) fn admit(&self, place: Place, certificate: Option<[u8; 32]>) -> Option<Place> {
        let Some(fingerprint) = certificate else { return Some(place) };
        let own = Counts::take(&self.certificates, fingerprint, self.limits.per_certificate);
        match (own, place) {
            (Some(own), _) => Some(Place::Certificate(own)),
            (None, spare @ Place::Spare(_)) => Some(spare),
            (None, Place::Address(_) | Place::Certificate(_)) => self.spare(),
        }
    }

    fn spare(&self) -> Option<Place> {
        Counts::take(&self.spare, (), SPARE_MAX).map(Place::Spare)
    }
}

/// One network of IPv6 counts as one address: each of its users has as many as it likes.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// How many each key has.
struct Counts<K>(Mutex<HashMap<K, usize>>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// One of them, until it is dropped.
pub(super) struct Taken<K: Eq + Hash> {
    counts: Arc<Counts<K>>,
    key: K,
}

impl<K: Eq + Hash + Clone> Counts<K> {
    fn take(this: &Arc<Self>, key: K, max: usize) -> Option<Taken<K>> {
        let mut counts = this.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key.clone()).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Taken { counts: this.clone(), key })
    }
}

impl<K: Eq + Hash> Drop for Taken<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn gate() -> Gate {
        let second = Duration::from_secs(1);
        let (handshake, head, idle) = (second, second, second);
        Gate::new(Connections { all: 9, per_certificate: 2, per_address: 1, handshake, head, idle })
    }

    fn is_spare(place: Option<&Place>) -> bool {
        matches!(place, Some(Place::Spare(_)))
    }

    #[test]
    fn a_certificate_counts_for_itself_and_frees_its_address() {
        let (gate, here) = (gate(), "10.0.0.1".parse().expect("an address"));
        let enter = || gate.enter(here).expect("a place");
        let held: Vec<_> = (0..2).map(|_| gate.admit(enter(), Some([1; 32]))).collect();
        assert!(held.iter().all(|place| matches!(place, Some(Place::Certificate(_)))));
        assert!(is_spare(gate.admit(enter(), Some([1; 32])).as_ref()), "it has two");
        let other = gate.admit(enter(), Some([2; 32]));
        assert!(matches!(other, Some(Place::Certificate(_))));
        drop(held);
        assert!(matches!(gate.admit(enter(), Some([1; 32])), Some(Place::Certificate(_))));
    }

    #[test]
    fn an_address_that_is_full_keeps_no_certificate_out() {
        let (gate, here) = (gate(), "10.0.0.1".parse().expect("an address"));
        let nobody = gate.admit(gate.enter(here).expect("a place"), None);
        assert!(matches!(nobody, Some(Place::Address(_))));
        let second = gate.admit(gate.enter(here).expect("a spare place"), None);
        assert!(is_spare(second.as_ref()));
        let partner = gate.admit(gate.enter(here).expect("a spare place"), Some([1; 32]));
        assert!(matches!(partner, Some(Place::Certificate(_))));
        let spare: Vec<_> = (1..SPARE_MAX).map(|_| gate.enter(here)).collect();
        assert!(spare.iter().all(|place| is_spare(place.as_ref())));
        assert!(gate.enter(here).is_none());
        let elsewhere = gate.enter("10.0.0.2".parse().expect("an address"));
        assert!(matches!(elsewhere, Some(Place::Address(_))));
    }
}
