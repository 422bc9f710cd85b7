//! Revoke a certificate, and tell which ones are.

use super::{Certificate, concerned, hex};
use crate::admins::Manager;
use crate::audit::{Done, Entry, Operator, Origin};
use crate::once::{Once, Turn};
use crate::partners::platform;
use crate::refusals::Refusal;
use crate::{App, Error};
use crypto::certificates::Authority;
use domain::Timestamp;
use domain::ids::PartnerId;
use serde_json::{Value, json};
use store::db::Tx;
use store::{certificates, counters, instance};

/// What a certificate is named by. Digits are hexadecimal; colons and capitals don't matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// SHA-256 of its DER.
    Fingerprint(String),
    /// Its serial number.
    Serial(String),
    /// Its CN, where it is the only one of this name that isn't revoked.
    CommonName(String),
}

impl Named {
    fn fits(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Fingerprint(digits) => plain(digits) == hex(&certificate.fingerprint),
            Self::Serial(digits) => plain(digits) == certificate.serial,
            Self::CommonName(name) => *name == certificate.common_name,
        }
    }
}

fn plain(digits: &str) -> String {
    digits.replace(':', "").to_ascii_lowercase()
}

impl App {
    /// Revokes a certificate, from `now` (real time) on and for ever: with the next request on this
    /// node, within a second on the others. A second time it succeeds and changes nothing.
    pub async fn revoke_certificate(
        &self,
        operator: &Operator,
        named: &Named,
        now: Timestamp,
    ) -> Result<Certificate, Error> {
        let mut tx = self.db.begin().await?;
        let by = (Manager::COMMAND_LINE, &operator.origin());
        let revoked = self.revoke_in(&mut tx, by, named, now).await;
        let revoked = tx.end(revoked).await?;
        self.refresh_settings().await?;
        Ok(revoked)
    }

    /// The same of a fingerprint, by somebody with a panel account, once for its key.
    pub async fn revoke_certificate_once(
        &self,
        manager: Manager,
        fingerprint: &str,
        now: Timestamp,
        once: Once<Certificate>,
    ) -> Result<Value, Error> {
        let scope = platform();
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let named = Named::Fingerprint(fingerprint.to_owned());
        let mut tx = self.db.begin().await?;
        let revoked = self.revoke_in(&mut tx, (manager, &once.origin), &named, now).await;
        // Its record is its holder's, not the platform's.
        let answer = self.finish(scope, &once, tx, revoked.map(Done::unchanged)).await?;
        self.refresh_settings().await?;
        Ok(answer)
    }

    async fn revoke_in(
        &self,
        tx: &mut Tx,
        (manager, origin): (Manager, &Origin),
        named: &Named,
        now: Timestamp,
    ) -> Result<Certificate, Error> {
        let known = chosen(certificates::list(tx).await?, named)?;
        if known.revoked_at.is_some() {
            return Ok(known);
        }
        instance::raise_settings_version(tx).await?;
        self.need_manager(tx, manager).await?;
        if certificates::revoke(tx, &known.fingerprint, now).await? {
            let detail = json!({ "serial": known.serial, "fingerprint": hex(&known.fingerprint) });
            let entry = Entry::of("certificate.revoke", &known.common_name, detail);
            self.record(tx, concerned(&known), origin, entry).await?;
        }
        chosen(certificates::list(tx).await?, &Named::Fingerprint(hex(&known.fingerprint)))
    }

    /// The list of revoked certificates, PEM, as of `now` in real time. Its number is taken before
    /// the register is read, so a list with a higher number never lacks what a lower one has.
    pub async fn revocation_list(
        &self,
        authority: &Authority,
        now: Timestamp,
    ) -> Result<String, Error> {
        let mut tx = self.db.begin().await?;
        let read = numbered(&mut tx).await;
        let (number, certificates) = tx.end(read).await?;
        let revoked: Vec<(&str, Timestamp)> = certificates
            .iter()
            .filter_map(|held| Some((held.serial.as_str(), held.revoked_at?)))
            .collect();
        authority
            .revocation_list(&revoked, number, now)
            .map_err(|error| Error::Internal("no revocation list can be made", Some(error.into())))
    }
}

async fn numbered(tx: &mut Tx) -> Result<(u64, Vec<Certificate>), Error> {
    let number = counters::take(tx, PartnerId::PLATFORM, "revocation-list", 1).await?;
    let number = u64::try_from(number).map_err(|_| Error::broken("a counter is below zero"))?;
    Ok((number, certificates::list(tx).await?))
}

/// The one certificate that is meant; of several that fit the one that isn't revoked, and where
/// all are, the one that was last.
fn chosen(held: Vec<Certificate>, named: &Named) -> Result<Certificate, Error> {
    let mut fitting: Vec<Certificate> =
        held.into_iter().filter(|certificate| named.fits(certificate)).collect();
    fitting.sort_by_key(|certificate| certificate.revoked_at);
    let in_force = fitting.iter().filter(|held| held.revoked_at.is_none()).count();
    let chosen = match in_force {
        0 => fitting.pop(),
        1 => fitting.into_iter().next(),
        _ => return Err(Refusal::CertificateAmbiguous.into()),
    };
    Ok(chosen.ok_or(Refusal::CertificateNotFound)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(name: &str, serial: &str, revoked: Option<i64>) -> Certificate {
        let second = |second| Timestamp::constant(second, 0);
        Certificate {
            fingerprint: serial.as_bytes().to_vec(),
            partner: Some(PartnerId(1)),
            processor: None,
            operator: None,
            scopes: "secure".to_owned(),
            common_name: name.to_owned(),
            serial: serial.to_owned(),
            not_before: second(0),
            not_after: second(1_000),
            revoked_at: revoked.map(second),
        }
    }

    fn serial(held: &[Certificate], named: &Named) -> Result<String, Error> {
        chosen(held.to_vec(), named).map(|certificate| certificate.serial)
    }

    #[test]
    fn a_name_is_enough_while_one_of_its_certificates_is_in_force() {
        let name = Named::CommonName("acme".to_owned());
        let (old, older) = (held("acme", "0a", Some(5)), held("acme", "0b", Some(4)));
        let (new, newer) = (held("acme", "0c", None), held("acme", "0d", None));
        let other = held("other", "0e", None);
        let known = |certificates: &[&Certificate]| {
            let held: Vec<_> = certificates.iter().copied().cloned().collect();
            serial(&held, &name).map_err(|error| error.to_string())
        };
        assert_eq!(known(&[&old, &new, &older, &other]), Ok("0c".to_owned()));
        assert_eq!(known(&[&old, &older, &other]), Ok("0a".to_owned()));
        assert_eq!(known(&[&new, &newer]), Err("refused: CERTIFICATE_AMBIGUOUS".to_owned()));
        assert_eq!(known(&[&other]), Err("refused: CERTIFICATE_NOT_FOUND".to_owned()));
    }

    #[test]
    fn digits_are_read_as_other_programs_print_them() {
        let held = [held("acme", "4af0", None), held("acme", "51ff", None)];
        for digits in ["4af0", "4AF0", "4A:F0"] {
            let named = Named::Serial(digits.to_owned());
            assert_eq!(serial(&held, &named).expect("it is there"), "4af0", "{digits}");
        }
        let print = Named::Fingerprint(hex(b"51ff").to_ascii_uppercase());
        assert_eq!(serial(&held, &print).expect("it is there"), "51ff");
        for digits in ["", "4a", "4af", "04af0", "4af0 "] {
            assert!(serial(&held, &Named::Serial(digits.to_owned())).is_err(), "{digits:?}");
        }
    }
}
