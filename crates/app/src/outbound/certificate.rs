//! Our own client certificates: we make key and request, the partner signs, we take what it signed.

use super::Kept;
use crate::audit::Operator;
use crate::refusals::Refusal;
use crate::{App, Error};
use crypto::certificates::{
    GivenError, InvalidCertificate, check_authorities, check_client, client_key_and_csr,
    describe_chain, is_common_name,
};
use domain::Timestamp;
use domain::ids::PartnerId;
use outbound::target::base_url;
use serde_json::{Value, json};
use store::db::Tx;
use store::outbound::Outbound;

/// What a partner gave us.
#[derive(Clone, Debug)]
pub struct Import {
    /// Our certificate, PEM; those of its issuers may follow.
    pub certificate: String,
    /// The authorities of its server, PEM.
    pub trusted_ca: String,
    /// Where its paths begin.
    pub base_url: String,
}

/// What was checked of it, and the sealed key that the certificate is for.
struct Checked {
    certificate: String,
    trusted_ca: String,
    base_url: String,
    key: Vec<u8>,
}

impl App {
    /// Makes a key and a request for our calls to a partner: the request as PEM. A request that
    /// waits for its certificate is replaced; the certificate in use stays in use.
    pub async fn request_certificate(
        &self,
        operator: &Operator,
        partner: PartnerId,
        name: &str,
    ) -> Result<String, Error> {
        if !is_common_name(name) {
            return Err(Refusal::CommonNameInvalid.into());
        }
        let (key, csr) = client_key_and_csr(name);
        let key = self.seal_outbound(partner, Kept::Key, key.as_bytes()).await?;
        let mut tx = self.db.begin().await?;
        let kept = self.keep_request_in(&mut tx, operator, partner, (name, key)).await;
        tx.end(kept).await?;
        self.refresh_settings().await?;
        Ok(csr)
    }

    async fn keep_request_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        partner: PartnerId,
        request: (&str, Vec<u8>),
    ) -> Result<(), Error> {
        let (name, key) = request;
        self.change_outbound_in(tx, partner, |outbound| {
            (outbound.pending_key, outbound.pending_name) = (Some(key), Some(name.to_owned()));
        })
        .await?;
        let act = ("outbound.request", name, &json!({}));
        self.record_act(tx, operator, partner, act).await
    }

    /// Puts in use what a partner gave us, all at once: a certificate for the key of the last
    /// request or for the one in use, its authorities and its base URL. `now` is real time.
    pub async fn import_certificate(
        &self,
        operator: &Operator,
        partner: PartnerId,
        import: Import,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.refresh_settings().await?;
        let settings = self.settings.get();
        let outbound = settings.outbound(partner).ok_or(Refusal::CertificateNotRequested)?;
        let checked = self.checked(outbound, &import, now).await?;
        let mut tx = self.db.begin().await?;
        let imported = self.import_in(&mut tx, operator, partner, checked).await;
        tx.end(imported).await?;
        self.refresh_settings().await
    }

    /// Where a partner's paths may begin, as it is kept.
    pub(crate) fn checked_url(&self, text: &str) -> Result<String, Refusal> {
        base_url(text, self.outbox.reach()).map_err(|_| Refusal::BaseUrlInvalid)
    }

    async fn checked(
        &self,
        outbound: &Outbound,
        import: &Import,
        now: Timestamp,
    ) -> Result<Checked, Error> {
        let base_url = self.checked_url(&import.base_url)?;
        let trusted_ca = checked_ca(&import.trusted_ca, now)?;
        let mut refusal = Refusal::CertificateNotRequested;
        for key in [&outbound.pending_key, &outbound.key].into_iter().flatten() {
            let opened = self.open_outbound(outbound.partner, Kept::Key, key).await?;
            let pem = std::str::from_utf8(&opened);
            let pem = pem.map_err(|_| Error::broken("a key isn't a text"))?;
            match check_client(&import.certificate, pem, now) {
                Ok(certificate) => {
                    return Ok(Checked { certificate, trusted_ca, base_url, key: key.clone() });
                }
                Err(GivenError::KeyMismatch) => refusal = Refusal::CertificateKeyMismatch,
                Err(error) => return Err(refused(error).into()),
            }
        }
        Err(refusal.into())
    }

    async fn import_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        partner: PartnerId,
        checked: Checked,
    ) -> Result<(), Error> {
        let told = describe_chain(&checked.certificate);
        let serial = told.map_err(|_| Error::broken("a certificate was checked"))?.serial_hex;
        let detail = json!({ "serial": serial, "baseUrl": checked.base_url });
        let mut fits = true;
        self.change_outbound_in(tx, partner, |outbound| fits = put(outbound, checked)).await?;
        if !fits {
            // Another request came between the check and this.
            return Err(Refusal::CertificateKeyMismatch.into());
        }
        let act = ("outbound.import", serial.as_str(), &detail);
        self.record_act(tx, operator, partner, act).await
    }
}

/// The authorities that a partner's server may be trusted by, as they are kept; `now` is real time.
pub(crate) fn checked_ca(pem: &str, now: Timestamp) -> Result<String, Refusal> {
    check_authorities(pem, now).map_err(|_| Refusal::TrustedCaRefused)
}

/// Puts a certificate in use, if its key is still there; a request for that key is done with.
fn put(outbound: &mut Outbound, checked: Checked) -> bool {
    let key = Some(checked.key);
    if outbound.pending_key == key {
        (outbound.pending_key, outbound.pending_name) = (None, None);
    } else if outbound.key != key {
        return false;
    }
    outbound.key = key;
    outbound.certificate = Some(checked.certificate);
    outbound.trusted_ca = Some(checked.trusted_ca);
    outbound.base_url = Some(checked.base_url);
    true
}

fn refused(error: GivenError) -> Refusal {
    match error {
        GivenError::NotCertificates => Refusal::CertificateUnreadable,
        GivenError::KeyMismatch => Refusal::CertificateKeyMismatch,
        GivenError::NotInForce => Refusal::CertificateNotInForce,
        GivenError::NotForClients => Refusal::CertificateNotForClients,
    }
}

/// Our certificate for a partner as the command line shows it, if there is one: with it we call,
/// `OUTBOUND`.
pub fn our_certificate_json(
    outbound: &Outbound,
    code: &str,
) -> Result<Option<Value>, InvalidCertificate> {
    let Some(certificate) = &outbound.certificate else { return Ok(None) };
    let told = describe_chain(certificate)?;
    Ok(Some(json!({
        "direction": "OUTBOUND",
        "partner": code,
        "commonName": told.common_name,
        "serial": told.serial_hex,
        "fingerprint": crate::certificates::hex(&told.fingerprint),
        "notBefore": told.not_before.to_string(),
        "notAfter": told.not_after.to_string(),
    })))
}
