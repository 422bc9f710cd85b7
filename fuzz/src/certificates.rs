//! Certificates, authorities and requests for certificates, as partners give them.

use crate::doors::NOW;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::certificates::{
    Authority, certificate_der, check_authorities, check_client, describe, describe_chain,
    fingerprint, is_common_name,
};
use outbound::target::check_trusted_ca;
use std::sync::LazyLock;

/// The P-256 key of RFC 9500, which certificates and requests in `corpus/` are for.
const KEY: &str = include_str!("../../crates/crypto/testdata/rfc9500-p256-key.pem");
/// Days that a certificate is signed for.
const DAYS: u32 = 30;

static OURS: LazyLock<Authority> = LazyLock::new(|| Authority::create("test authority", NOW));

static SIGNER: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    let text: String = KEY.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(text).expect("base64");
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der);
    key.expect("the key of RFC 9500")
});

/// A PEM as it is given, and one of these bytes.
fn pems(label: &str, data: &[u8]) -> [String; 2] {
    let base64 = STANDARD.encode(data);
    [
        String::from_utf8_lossy(data).into_owned(),
        format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n"),
    ]
}

/// Certificates, as PEM or DER: what is kept of them is accepted as it was.
pub fn certificate(data: &[u8]) {
    if let Ok(told) = describe(data) {
        assert_eq!(told.fingerprint, fingerprint(data));
    }
    for pem in pems("CERTIFICATE", data) {
        if let (Ok(der), Ok(told)) = (certificate_der(&pem), describe_chain(&pem)) {
            assert_eq!(describe(&der), Ok(told));
        }
        if let Ok(kept) = check_client(&pem, KEY, NOW) {
            assert_eq!(check_client(&kept, KEY, NOW), Ok(kept.clone()));
            assert!(describe_chain(&kept).is_ok());
        }
        if let Ok(kept) = check_authorities(&pem, NOW) {
            assert_eq!(check_authorities(&kept, NOW), Ok(kept.clone()));
            assert_eq!(check_trusted_ca(&kept), Ok(()));
        }
        let _ = (check_trusted_ca(&pem), Authority::from_pem(&pem, KEY));
    }
}

/// Requests for certificates, as PEM or DER; also what is no request but its content, which is then
/// signed, since what was changed isn't signed any more. What is signed can be described.
pub fn csr(data: &[u8]) {
    let of_content = pems("CERTIFICATE REQUEST", &request(data));
    for pem in pems("CERTIFICATE REQUEST", data).iter().chain(&of_content[1..]) {
        let Ok(signed) = OURS.sign_client(pem, DAYS, NOW) else { continue };
        assert_eq!(certificate_der(&signed.pem).as_ref(), Ok(&signed.der));
        assert_eq!(describe(&signed.der).as_ref(), Ok(&signed.description));
        assert!(is_common_name(&signed.description.common_name));
    }
}

/// The DER of a request of this content (RFC 2986, section 4.2), signed by the key of RFC 9500.
fn request(content: &[u8]) -> Vec<u8> {
    const ECDSA_WITH_SHA256: [u8; 12] =
        [0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
    let signature = SIGNER.sign(&SystemRandom::new(), content).expect("a key of P-256 signs");
    let signature = tagged(0x03, &[&[0], signature.as_ref()].concat());
    tagged(0x30, &[content, &ECDSA_WITH_SHA256, &signature].concat())
}

/// DER of a tag and its content.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let long = 0x80 | u8::try_from(length.len()).expect("eight bytes at most");
    let length = match length {
        [] => vec![0],
        [short @ 0..0x80] => vec![*short],
        _ => [&[long], length].concat(),
    };
    [&[tag], &length[..], content].concat()
}
