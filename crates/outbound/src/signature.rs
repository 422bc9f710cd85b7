//! The signature of a call, as Standard Webhooks has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::mac::SharedSecret;
use jiff::Timestamp;
use uuid::Uuid;

/// The headers `webhook-timestamp` and `webhook-signature` of a call.
pub(crate) struct Signature {
    /// Seconds since 1970.
    pub(crate) timestamp: String,
    /// One signature per secret, separated by spaces.
    pub(crate) signatures: String,
}

/// Signs id, time and body of a call by each of the secrets.
pub(crate) fn sign(id: Uuid, now: Timestamp, body: &[u8], secrets: &[SharedSecret]) -> Signature {
    let (id, timestamp) = (id.to_string(), now.as_second().to_string());
    let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    let signed = |secret: &SharedSecret| format!("v1,{}", STANDARD.encode(secret.sign(&parts)));
    let signatures: Vec<String> = secrets.iter().map(signed).collect();
    Signature { timestamp, signatures: signatures.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signatures(secrets: &[SharedSecret]) -> String {
        let id = "20e87975-dbfb-4c95-b239-169516c0b707".parse().expect("a UUID");
        let now = Timestamp::constant(1_700_000_000, 5);
        let signature = sign(id, now, br#"{"dcCardId":"11"}"#, secrets);
        assert_eq!(signature.timestamp, "1700000000");
        signature.signatures
    }

    /// The expected value comes from the Python library `standardwebhooks`.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let secret: Vec<u8> = (0..32).collect();
        let expected = "v1,DpRFeKizcmk81BYRK9t4KDCXsFgteFnBVbHhc90rI+c=";
        assert_eq!(signatures(&[SharedSecret::new(&secret)]), expected);
    }

    #[test]
    fn each_secret_signs() {
        let secrets = [SharedSecret::new(&[1; 32]), SharedSecret::new(&[2; 32])];
        let (first, second) = (signatures(&secrets[..1]), signatures(&secrets[1..]));
        assert_ne!(first, second);
        assert_eq!(signatures(&secrets), format!("{first} {second}"));
    }
}
