//! The authority, what it signs, and what it refuses.

use super::*;
use aws_lc_rs::digest;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

assert_not_impl_any!(Authority: Clone, PartialEq, std::fmt::Display);
assert_impl_all!(Authority: Send, Sync);

const GREEDY: &str = include_str!("../../testdata/p384-greedy.csr");
const RSA: &str = include_str!("../../testdata/rsa-2048.csr");
const DAY: u64 = 24 * 60 * 60;

/// The moment at which all of this happens: a while ago, so that nothing depends on the clock.
fn now() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().expect("a moment")
}

fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| Authority::create("Antaca test CA", now()))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn roots(authority: &Authority) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let der = certificate_der(authority.certificate_pem()).expect("our own");
    roots.add(CertificateDer::from(der)).expect("an authority");
    Arc::new(roots)
}

/// The moment so many days after the signing.
fn later(days: u64) -> UnixTime {
    let now = u64::try_from(now().as_second()).expect("after 1970");
    UnixTime::since_unix_epoch(Duration::from_secs(now + days * DAY))
}

fn accepts_client(authority: &Authority, der: &[u8], when: UnixTime) -> bool {
    WebPkiClientVerifier::builder_with_provider(roots(authority), provider())
        .build()
        .expect("roots")
        .verify_client_cert(&CertificateDer::from(der), &[], when)
        .is_ok()
}

fn accepts_server(authority: &Authority, pem: &str, name: &str, when: UnixTime) -> bool {
    let der = CertificateDer::from(certificate_der(pem).expect("our own"));
    let verifier = WebPkiServerVerifier::builder_with_provider(roots(authority), provider());
    let verifier = verifier.build().expect("roots");
    let name = ServerName::try_from(name).expect("a name");
    rustls::client::danger::ServerCertVerifier::verify_server_cert(
        &*verifier,
        &der,
        &[],
        &name,
        &[],
        when,
    )
    .is_ok()
}

fn sign(csr: &str) -> Result<Signed, CsrError> {
    authority().sign_client(csr, 398, now())
}

/// A request with these names, made by another library than ours.
fn request(names: &[(DnType, &str)]) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, name) in names {
        params.distinguished_name.push(kind.clone(), *name);
    }
    let key = KeyPair::generate().expect("a key");
    params.serialize_request(&key).and_then(|request| request.pem()).expect("a request")
}

#[test]
fn a_signed_client_is_accepted_by_those_who_trust_the_authority_until_it_ends() {
    let signed = sign(RSA).expect("a good request");
    assert!(accepts_client(authority(), &signed.der, later(0)));
    assert!(accepts_client(authority(), &signed.der, later(397)));
    assert!(!accepts_client(authority(), &signed.der, later(399)));
    let other = Authority::create("Antaca test CA", now());
    assert!(!accepts_client(&other, &signed.der, later(0)));
}

#[test]
fn a_server_is_accepted_under_its_names_and_addresses_alone() {
    let names = ["antaca.example", "localhost", "127.0.0.1", "::1"];
    let (pem, _) = authority().sign_server(&names, 398, now()).expect("names");
    for name in names {
        assert!(accepts_server(authority(), &pem, name, later(1)), "{name}");
    }
    assert!(!accepts_server(authority(), &pem, "other.example", later(1)));
    assert!(!accepts_server(authority(), &pem, "127.0.0.2", later(1)));
    assert!(!accepts_server(authority(), &pem, "localhost", later(399)));
}

#[test]
fn a_client_cannot_pose_as_a_server_nor_a_server_as_a_client() {
    let csr = request(&[(DnType::CommonName, "localhost")]);
    let client = sign(&csr).expect("a good request");
    assert!(!accepts_server(authority(), &client.pem, "localhost", later(1)));
    let (server, _) = authority().sign_server(&["localhost"], 1, now()).expect("a name");
    let server = certificate_der(&server).expect("our own");
    assert!(!accepts_client(authority(), &server, later(0)));
}

/// Certificates and keys together, as `serve` and a partner use them.
#[test]
fn client_and_server_shake_hands() {
    let (client_key, csr) = client_key_and_csr("demo-partner");
    // A handshake takes the time from the clock, so these certificates begin when the test runs.
    let start = UnixTime::now().as_secs();
    let now = Timestamp::from_second(i64::try_from(start).expect("a time")).expect("a time");
    let authority = Authority::create("Antaca test CA", now);
    let client = authority.sign_client(&csr, 1, now).expect("a good request");
    let (server, server_key) = authority.sign_server(&["localhost"], 1, now).expect("a name");
    let chain = |pem: &str| vec![CertificateDer::from(certificate_der(pem).expect("our own"))];
    let key = |pem: &str| PrivateKeyDer::from_pem_slice(pem.as_bytes()).expect("our own");

    let verifier = WebPkiClientVerifier::builder_with_provider(roots(&authority), provider());
    let server = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier.build().expect("roots"))
        .with_single_cert(chain(&server), key(&server_key))
        .expect("key and certificate belong together");
    let client = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots(&authority))
        .with_client_auth_cert(chain(&client.pem), key(&client_key))
        .expect("key and certificate belong together");
    let mut server = ServerConnection::new(Arc::new(server)).expect("a server");
    let name = ServerName::try_from("localhost").expect("a name");
    let mut client = ClientConnection::new(Arc::new(client), name).expect("a client");

    for _ in 0..10 {
        let mut sent = Vec::new();
        client.write_tls(&mut sent).expect("into memory");
        server.read_tls(&mut &sent[..]).expect("from memory");
        server.process_new_packets().expect("the client is accepted");
        let mut sent = Vec::new();
        server.write_tls(&mut sent).expect("into memory");
        client.read_tls(&mut &sent[..]).expect("from memory");
        client.process_new_packets().expect("the server is accepted");
    }
    let peer = &server.peer_certificates().expect("a client's certificate")[0];
    assert_eq!(describe(peer).expect("our own").common_name, "demo-partner");
}

#[test]
fn of_a_request_only_key_name_and_organisation_are_taken() {
    let signed = sign(GREEDY).expect("a good request");
    let (_, certificate) = X509Certificate::from_der(&signed.der).expect("a certificate");
    assert_eq!(certificate.subject().to_string(), "CN=example-partner, O=Example S.A.");
    assert!(!certificate.is_ca());
    let purpose = certificate.extended_key_usage().expect("readable").expect("there").value;
    assert!(purpose.client_auth && !purpose.server_auth && !purpose.any);
    let usage = certificate.key_usage().expect("readable").expect("there").value;
    assert!(usage.digital_signature() && !usage.key_cert_sign());
    // Both key identifiers, basic constraints, key usage and its purpose: nothing that was asked.
    let mut kinds: Vec<_> =
        certificate.extensions().iter().map(|extension| extension.oid.to_id_string()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["2.5.29.14", "2.5.29.15", "2.5.29.19", "2.5.29.35", "2.5.29.37"]);
    // The request is signed with SHA-256, the key is of P-384 nevertheless.
    assert!(accepts_client(authority(), &signed.der, later(1)));
}

#[test]
fn a_description_says_what_the_certificate_says() {
    let (first, second) = (sign(RSA).expect("good"), sign(RSA).expect("good"));
    let description = describe(&first.der).expect("our own");
    assert_eq!(description, first.description);
    assert_eq!(certificate_der(&first.pem).as_deref(), Ok(&first.der[..]));
    assert_eq!(description.common_name, "rsa-partner");
    assert_eq!(description.not_before.to_string(), "2026-01-15T11:55:00Z");
    assert_eq!(description.not_after.to_string(), "2027-02-17T12:00:00Z");
    assert_eq!(description.serial_hex.len(), 32);
    assert_ne!(description.serial_hex, second.description.serial_hex);
    assert_ne!(description.fingerprint, second.description.fingerprint);
    let sha256 = digest::digest(&digest::SHA256, &first.der);
    assert_eq!(fingerprint(&first.der), sha256.as_ref());
}

#[test]
fn what_is_no_certificate_is_not_described() {
    let good = sign(RSA).expect("good").der;
    let bad = [&[][..], b"text", &good[..good.len() - 1], &[&good[..], &[0]].concat()];
    for bad in bad {
        assert_eq!(describe(bad), Err(InvalidCertificate));
    }
    assert_eq!(certificate_der(RSA), Err(InvalidCertificate));
}

#[test]
fn a_weak_or_unknown_key_is_refused() {
    let requests = [
        include_str!("../../testdata/rsa-1024.csr"),
        include_str!("../../testdata/rsa-6144.csr"),
        include_str!("../../testdata/rsa-exponent-3.csr"),
        include_str!("../../testdata/p521.csr"),
        include_str!("../../testdata/ed25519.csr"),
    ];
    for csr in requests {
        assert_eq!(sign(csr), Err(CsrError::UnsupportedKey), "{csr}");
    }
}

#[test]
fn what_is_no_request_is_refused() {
    let signed = sign(RSA).expect("good").pem;
    let long = format!("{}{RSA}", "\n".repeat(20_000));
    for bad in ["", "text", &signed, &RSA.replace("MII", "MIJ"), &format!("{RSA}{RSA}"), &long] {
        assert_eq!(sign(bad), Err(CsrError::NotARequest));
    }
}

#[test]
fn a_request_as_keytool_writes_it_is_accepted() {
    assert!(sign(&RSA.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")).is_ok());
    assert!(sign(&format!("Certificate Request:\n    Data:\n{RSA}")).is_ok());
}

#[test]
fn a_request_that_its_key_did_not_sign_is_refused() {
    let der = from_pem("CERTIFICATE REQUEST", RSA).expect("a request");
    let name = der.windows(11).position(|part| part == b"rsa-partner").expect("the name");
    for place in [name, der.len() - 1] {
        let mut altered = der.to_vec();
        altered[place] ^= 1;
        let pem = crate::encoding::to_pem("CERTIFICATE REQUEST", &altered);
        assert_eq!(sign(&pem), Err(CsrError::InvalidSignature), "{place}");
    }
}

fn key_of(der: &[u8]) -> Vec<u8> {
    X509Certificate::from_der(der).expect("our own").1.public_key().raw.to_vec()
}

/// Whatever the bytes are, the answer is an error or a certificate for the request's own key.
#[test]
fn a_thousand_altered_requests_and_certificates_are_answered_without_a_panic() {
    let request = from_pem("CERTIFICATE REQUEST", GREEDY).expect("a request");
    let certificate = sign(GREEDY).expect("good").der;
    for _ in 0..1000 {
        let random = u64::from_be_bytes(crate::random::bytes());
        let altered = |der: &[u8]| {
            let mut altered = der.to_vec();
            let place = usize::try_from(random >> 32).expect("64 bits") % altered.len();
            altered[place] ^= u8::try_from(random & 0xFF).expect("a byte").max(1);
            altered
        };
        let pem = crate::encoding::to_pem("CERTIFICATE REQUEST", &altered(&request));
        // The parser is lenient outside of what is signed; name and key are what was signed.
        if let Ok(signed) = sign(&pem) {
            assert_eq!(signed.description.common_name, "example-partner");
            assert_eq!(key_of(&signed.der), key_of(&certificate));
        }
        if let Ok(description) = describe(&altered(&certificate)) {
            assert_ne!(description.fingerprint, fingerprint(&certificate));
        }
    }
}

#[test]
fn a_name_must_be_one_and_readable() {
    let named = |name: &str| sign(&request(&[(DnType::CommonName, name)]));
    for good in ["a", "Zażółć S.A.", &"x".repeat(64), "partner-1.example (test)"] {
        assert_eq!(named(good).expect(good).description.common_name, good);
    }
    let long = "x".repeat(65);
    for bad in ["", " ", " a", "a ", "a\nb", "a\0b", "a\u{202E}b", "a\u{200B}b", &long] {
        assert_eq!(named(bad), Err(CsrError::InvalidCommonName), "{bad:?}");
    }
    let bad =
        [include_str!("../../testdata/two-names.csr"), include_str!("../../testdata/no-name.csr")];
    for csr in bad {
        assert_eq!(sign(csr), Err(CsrError::InvalidCommonName), "{csr}");
    }
    let names = [(DnType::CommonName, "a"), (DnType::OrganizationName, "b\u{7}")];
    assert_eq!(sign(&request(&names)), Err(CsrError::InvalidOrganisation));
}

#[test]
fn a_certificate_holds_for_1_to_825_days_and_not_longer_than_the_authority() {
    let client = |days, now| authority().sign_client(RSA, days, now).map(|_| ());
    let server = |days, now| authority().sign_server(&["localhost"], days, now).map(|_| ());
    for days in [1, 398, 825] {
        assert_eq!(client(days, now()), Ok(()), "{days}");
    }
    for days in [0, 826, u32::MAX] {
        assert_eq!(client(days, now()), Err(PeriodError::Days.into()), "{days}");
        assert_eq!(server(days, now()), Err(PeriodError::Days.into()), "{days}");
    }
    let late = "2035-06-01T00:00:00Z".parse().expect("a moment");
    assert_eq!(client(100, late), Ok(()));
    assert_eq!(client(400, late), Err(PeriodError::OutlivesAuthority.into()));
    assert_eq!(server(400, late), Err(PeriodError::OutlivesAuthority.into()));
}

#[test]
fn a_server_needs_names_that_a_client_can_ask_for() {
    let server = |names: &[&str]| authority().sign_server(names, 1, now()).map(|_| ());
    assert_eq!(server(&[]), Err(ServerCertificateError::NoName));
    for bad in ["", "a b", "*.example", "https://antaca.example", "antaca.example.", "żółw.pl"] {
        let refused = Err(ServerCertificateError::InvalidName);
        assert_eq!(server(&["localhost", bad]), refused, "{bad}");
    }
    let long = ["a".repeat(60), "b".repeat(60), "example".to_owned()].join(".");
    assert_eq!(server(&[&long]), Ok(()));
}

#[test]
fn an_authority_comes_back_from_its_pems_and_signs_on() {
    let read = Authority::from_pem(authority().certificate_pem(), &authority().key_pem());
    let read = read.expect("our own");
    let signed = read.sign_client(RSA, 1, now()).expect("good");
    assert!(accepts_client(authority(), &signed.der, later(0)));
    assert_eq!(read.certificate_pem(), authority().certificate_pem());
    assert_eq!(format!("{read:?}"), "Authority(…)");
}

#[test]
fn an_authority_is_not_made_of_what_does_not_belong_together() {
    let (certificate, key) = (authority().certificate_pem(), authority().key_pem());
    let read = |certificate: &str, key: &str| Authority::from_pem(certificate, key).err();
    let other = Authority::create("other", now()).key_pem();
    let (leaf, leaf_key) = authority().sign_server(&["localhost"], 1, now()).expect("a name");
    assert_eq!(read(certificate, &other), Some(AuthorityError::KeyMismatch));
    assert_eq!(read(&leaf, &leaf_key), Some(AuthorityError::NotAnAuthority));
    assert_eq!(read("", &key), Some(AuthorityError::NotACertificate));
    assert_eq!(read(&key, &key), Some(AuthorityError::NotACertificate));
    assert_eq!(read(certificate, ""), Some(AuthorityError::NotAKey));
    assert_eq!(read(certificate, certificate), Some(AuthorityError::NotAKey));
}
