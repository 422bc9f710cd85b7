//! Low-balance alerts: when somebody is told that a partner's own balance runs low (spec "Partner
//! balances").

use crate::money::Amount;
use crate::user::Email;
use std::fmt;
use std::time::Duration;

/// Addresses of one alert: those who look after a balance; more are a distribution list.
pub const ADDRESSES_MAX: usize = 10;

/// Characters between two dots of a domain at most (RFC 1035, section 2.3.4).
const LABEL_LEN_MAX: usize = 63;

/// The first pause after a failed try; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// No pause is longer: a mail server that is back is found within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Where an e-mail is sent to: `local@domain` in ASCII, the local part unquoted (RFC 5321, section
/// 4.1.2, `Dot-string`). Nothing in it can end a header, a command or an address list.
#[derive(Clone, PartialEq, Eq)]
pub struct MailAddress(String);

impl MailAddress {
    /// Reads an address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Email::parse(text)?;
        let (local, domain) = text.rsplit_once('@')?;
        let is_atom = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
        };
        let is_label = |part: &str| {
            part.len() <= LABEL_LEN_MAX
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let good = local.split('.').all(is_atom) && domain.split('.').all(is_label);
        good.then(|| Self(text.to_owned()))
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// Prints no more than the domain: an address may be a person's.
impl fmt::Debug for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailAddress(…@{})", self.domain())
    }
}

/// Who is told below which amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    threshold: Amount,
    /// 1 to [`ADDRESSES_MAX`], each once.
    addresses: Vec<MailAddress>,
}

impl Rule {
    /// A rule; none without an address, and none of too many. An address that is given twice is
    /// told once.
    #[must_use]
    pub fn new(threshold: Amount, addresses: Vec<MailAddress>) -> Option<Self> {
        let mut each: Vec<MailAddress> = Vec::new();
        for address in addresses {
            if !each.iter().any(|known| known.0.eq_ignore_ascii_case(&address.0)) {
                each.push(address);
            }
        }
        let good = (1..=ADDRESSES_MAX).contains(&each.len());
        good.then_some(Self { threshold, addresses: each })
    }

    /// The least amount that is enough, in minor units.
    #[must_use]
    pub fn threshold(&self) -> Amount {
        self.threshold
    }

    /// Who is told.
    #[must_use]
    pub fn addresses(&self) -> &[MailAddress] {
        &self.addresses
    }

    /// What a look at the balance changes: `available` is what can be spent of it, `was_low`
    /// whether it was known to be low.
    #[must_use]
    pub fn judge(&self, available: i64, was_low: bool) -> Option<Change> {
        match (available < self.threshold.minor(), was_low) {
            (true, false) => Some(Change::Fell),
            (false, true) => Some(Change::Recovered),
            (true, true) | (false, false) => None,
        }
    }
}

/// What has become of a balance since it was looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is below its threshold now: that is told, once.
    Fell,
    /// It is at its threshold or above: the next fall is told again.
    Recovered,
}

/// How long to wait after a try that failed; `attempts` counts it.
#[must_use]
pub fn pause_after(attempts: i64) -> Duration {
    let doubled = u32::try_from(attempts.saturating_sub(1).clamp(0, 20)).unwrap_or_default();
    (FIRST_PAUSE * 2_u32.pow(doubled)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(minor: i64) -> Rule {
        let address = MailAddress::parse("ops@example.com").expect("an address");
        Rule::new(Amount::from_minor(minor).expect("an amount"), vec![address]).expect("a rule")
    }

    #[test]
    fn a_fall_is_told_once_until_it_has_been_enough_again() {
        for (available, was_low, change) in [
            (100, false, None),
            (99, false, Some(Change::Fell)),
            (99, true, None),
            (-1, true, None),
            (100, true, Some(Change::Recovered)),
            (i64::MAX, true, Some(Change::Recovered)),
            (i64::MIN, false, Some(Change::Fell)),
        ] {
            assert_eq!(rule(100).judge(available, was_low), change, "{available} {was_low}");
        }
        assert_eq!(rule(0).judge(0, false), None);
        assert_eq!(rule(0).judge(-1, false), Some(Change::Fell));
    }

    #[test]
    fn an_address_holds_nothing_that_could_end_a_header_or_a_command() {
        for good in ["ops@example.com", "o.p+s_1@a-b.example.co.uk", "o'brien@example.ie"] {
            assert!(MailAddress::parse(good).is_some(), "{good}");
        }
        for bad in [
            "ops@example.com\r\nBcc: x@example.com",
            "ops@example.com\nx@example.com",
            "ops@example.com>,<x@example.com",
            "a@example.com,b@example.com",
            "a@example.com b@example.com",
            "Ops <ops@example.com>",
            "\"a b\"@example.com",
            "a\0@example.com",
            ".a@example.com",
            "a..b@example.com",
            "ö@example.com",
            "a@exämple.com",
            "a@-x.com",
            "a@[127.0.0.1]",
            "a@localhost",
            "",
        ] {
            assert!(MailAddress::parse(bad).is_none(), "{bad:?}");
        }
    }

    /// No mail server has such a name, and the mailer takes no message with such an address.
    #[test]
    fn an_address_with_a_label_that_no_domain_can_have_is_refused() {
        let of = |length: usize| format!("ops@{}.example", "a".repeat(length));
        assert!(MailAddress::parse(&of(63)).is_some());
        assert!(MailAddress::parse(&of(64)).is_none());
    }

    #[test]
    fn a_rule_names_each_address_once_and_not_too_many() {
        let read = |text: &str| MailAddress::parse(text).expect("an address");
        let made = |all: Vec<MailAddress>| Rule::new(Amount::ZERO, all);
        assert!(made(Vec::new()).is_none());
        let twice = made(vec![read("a@example.com"), read("A@Example.com")]).expect("a rule");
        assert_eq!(twice.addresses().len(), 1);
        let many = |count: usize| (0..count).map(|n| read(&format!("a{n}@example.com"))).collect();
        assert!(made(many(ADDRESSES_MAX)).is_some());
        assert!(made(many(ADDRESSES_MAX + 1)).is_none());
    }

    #[test]
    fn pauses_grow_to_an_hour() {
        let pauses = [1, 2, 3, 10, 11, i64::MAX].map(|tries| pause_after(tries).as_secs());
        assert_eq!(pauses, [5, 10, 20, 2560, 3600, 3600]);
    }
}
