//! Which certificates end soon: somebody has to ask for a new one, or we can't be called, or call.

use super::Certificate;
use crate::App;
use crypto::certificates::describe_chain;
use domain::Timestamp;
use jiff::SignedDuration;

/// How long before its end a certificate is told of.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A certificate that ends soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// `INBOUND` if somebody calls us with it, `OUTBOUND` if we call a partner with it.
    pub direction: &'static str,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// Its end, in real time.
    pub not_after: Timestamp,
}

impl App {
    /// The certificates that end within 30 days of `now` (real time) and have no successor; of ours
    /// those too that have ended.
    #[must_use]
    pub fn certificates_ending(&self, now: Timestamp) -> Vec<Ending> {
        let settings = self.settings.get();
        let held = settings.certificates();
        let inbound = held.iter().filter(|one| ends_soon(one, &held, now)).map(|held| Ending {
            direction: "INBOUND",
            serial: held.serial.clone(),
            not_after: held.not_after,
        });
        let ours = settings.outbounds().into_iter().filter_map(|outbound| {
            let told = describe_chain(outbound.certificate.as_deref()?).ok()?;
            Some(Ending {
                direction: "OUTBOUND",
                serial: told.serial_hex,
                not_after: told.not_after,
            })
        });
        inbound.chain(ours.filter(|ours| is_near(ours.not_after, now))).collect()
    }
}

fn is_near(end: Timestamp, now: Timestamp) -> bool {
    end.duration_since(now) < SOON
}

/// Whether a certificate in force ends soon, and none takes its place: one of the same name, for
/// the same, that lasts longer.
fn ends_soon(one: &Certificate, all: &[&Certificate], now: Timestamp) -> bool {
    let in_force = |held: &Certificate| held.revoked_at.is_none() && now <= held.not_after;
    let alike = |held: &Certificate| {
        held.common_name == one.common_name && held.scopes == one.scopes && in_force(held)
    };
    in_force(one)
        && is_near(one.not_after, now)
        && !all.iter().any(|held| alike(held) && !is_near(held.not_after, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::PartnerId;

    const DAY: i64 = 24 * 60 * 60;

    fn held(name: &str, scopes: &str, days: i64, revoked: bool) -> Certificate {
        Certificate {
            fingerprint: Vec::new(),
            partner: Some(PartnerId(1)),
            processor: None,
            operator: None,
            scopes: scopes.to_owned(),
            common_name: name.to_owned(),
            serial: String::new(),
            not_before: Timestamp::UNIX_EPOCH,
            not_after: Timestamp::constant(days * DAY, 0),
            revoked_at: revoked.then_some(Timestamp::UNIX_EPOCH),
        }
    }

    #[test]
    fn told_is_of_what_is_in_force_ends_within_30_days_and_has_no_successor() {
        let now = Timestamp::constant(100 * DAY, 0);
        let one = held("acme", "secure", 129, false);
        let told = |others: &[Certificate], one: &Certificate| {
            let all: Vec<&Certificate> = others.iter().chain([one]).collect();
            ends_soon(one, &all, now)
        };
        assert!(told(&[], &one));
        assert!(!told(&[], &held("acme", "secure", 130, false)));
        assert!(!told(&[], &held("acme", "secure", 99, false)), "it has ended");
        assert!(!told(&[], &held("acme", "secure", 129, true)), "it is revoked");
        assert!(!told(&[held("acme", "secure", 400, false)], &one), "it has a successor");
        for other in [
            held("acme", "secure", 400, true),
            held("acme", "secure", 128, false),
            held("acme", "partner-balance-create", 400, false),
            held("other", "secure", 400, false),
        ] {
            assert!(told(std::slice::from_ref(&other), &one), "{other:?}");
        }
    }
}
