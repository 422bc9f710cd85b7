//! Tokens that are trusted, and all that aren't.

use super::*;
use crate::encoding::url_safe;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding,
    RsaKeyPair,
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, date_time_ymd,
};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// The moment at which all of this happens.
fn now() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().expect("a moment")
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 12, 31);
    params
}

/// An authority: its certificate as PEM and DER, and what signs with it.
struct Root {
    pem: String,
    der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

fn root(name: &str) -> Root {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let certificate = params.self_signed(&key).expect("signed");
    let (pem, der) = (certificate.pem(), certificate.der().to_vec());
    Root { pem, der, issuer: Issuer::new(params, key) }
}

/// What the tests share: making keys of RSA takes a while.
struct Ground {
    root: Root,
    other: Root,
    key: RsaKeyPair,
    leaf: Vec<u8>,
    of_other: Vec<u8>,
    ended: Vec<u8>,
    for_servers: Vec<u8>,
    elliptic: (EcdsaKeyPair, Vec<u8>),
}

fn ground() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(|| {
        let (root, other) = (root("Trusted"), root("Other"));
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key");
        let signed = |change: fn(&mut CertificateParams), by: &Root| {
            let mut params = params("app.acme.test");
            change(&mut params);
            params.signed_by(&key, &by.issuer).expect("signed").der().to_vec()
        };
        let leaf = signed(|_| {}, &root);
        let of_other = signed(|_| {}, &other);
        let ended = signed(|it| it.not_after = date_time_ymd(2026, 1, 16), &root);
        let for_servers =
            signed(|it| it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth], &root);
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let certificate = params("app.acme.test").signed_by(&pair, &root.issuer).expect("signed");
        let pkcs8 = pair.serialize_der();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8);
        let elliptic = (pair.expect("a key"), certificate.der().to_vec());
        let key = RsaKeyPair::from_pkcs8(&key.serialize_der()).expect("a key");
        Ground { root, other, key, leaf, of_other, ended, for_servers, elliptic }
    })
}

fn claims() -> Value {
    json!({ "userId": 7, "iat": now().as_second(), "jti": "one", "iss": "acme" })
}

fn header(chain: &[&[u8]]) -> Value {
    let chain: Vec<String> = chain.iter().map(|der| STANDARD.encode(der)).collect();
    json!({ "alg": "RS256", "typ": "JWT", "x5c": chain })
}

fn text(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| url_safe(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

fn rsa(signed: &str, encoding: &'static dyn RsaEncoding) -> String {
    let key = &ground().key;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("signs");
    format!("{signed}.{}", url_safe(&signature))
}

fn token(header: &Value, claims: &Value) -> String {
    rsa(&text(header, claims), &RSA_PKCS1_SHA256)
}

/// What is trusted of a token by the authority, at a moment.
fn told(token: &str, pem: &str, at: Timestamp) -> Option<Claims> {
    let authorities = Authorities::from_pem(pem).expect("an authority");
    Token::parse(token).ok()?.verify(&authorities, at).cloned()
}

#[test]
fn a_token_of_the_trusted_is_trusted() {
    let ground = ground();
    let good = token(&header(&[&ground.leaf, &ground.root.der]), &claims());
    let parsed = Token::parse(&good).expect("a token");
    assert_eq!(parsed.common_name(), "app.acme.test");
    let iat = now().as_second();
    let expected = Claims { user: 7, iat, jti: "one".to_owned() };
    assert_eq!(told(&good, &ground.root.pem, now()), Some(expected.clone()));
    let alone = token(&header(&[&ground.leaf]), &claims());
    assert_eq!(told(&alone, &ground.root.pem, now()), Some(expected));
}

#[test]
fn another_chain_is_not_trusted() {
    let ground = ground();
    let late = "2026-01-17T00:00:01Z".parse().expect("a moment");
    for (what, chain, at) in [
        ("of another authority", vec![&ground.of_other[..], &ground.other.der], now()),
        ("ended", vec![&ground.ended], late),
        ("for servers", vec![&ground.for_servers], now()),
        ("the authority itself", vec![&ground.root.der], now()),
    ] {
        let told = told(&token(&header(&chain), &claims()), &ground.root.pem, at);
        assert_eq!(told, None, "{what}");
    }
    let in_time = told(&token(&header(&[&ground.ended]), &claims()), &ground.root.pem, now());
    assert!(in_time.is_some());
}

/// Of each the chain is right, and whoever made it hasn't the key, or has used it otherwise.
#[test]
fn another_signature_is_not_trusted() {
    let ground = ground();
    let chain: &[&[u8]] = &[&ground.leaf];
    let good = header(chain);
    let signed = text(&good, &claims());
    let of = |alg: &str| {
        let mut header = header(chain);
        header["alg"] = alg.into();
        text(&header, &claims())
    };
    let mac = |signed: &str| {
        let leaf = X509Certificate::from_der(&ground.leaf).expect("a certificate").1;
        let key = hmac::Key::new(hmac::HMAC_SHA256, leaf.public_key().raw);
        format!("{signed}.{}", url_safe(hmac::sign(&key, signed.as_bytes()).as_ref()))
    };
    let elliptic = |signed: &str| {
        let signature = ground.elliptic.0.sign(&SystemRandom::new(), signed.as_bytes());
        format!("{signed}.{}", url_safe(signature.expect("signs").as_ref()))
    };
    let of_curve = text(&header(&[&ground.elliptic.1]), &claims());
    let mut critical = good.clone();
    critical["crit"] = json!(["exp"]);
    let mut others = claims();
    others["userId"] = 8.into();
    let (_, signature) = good_token(&good)
        .rsplit_once('.')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .expect("three parts");
    for (what, token) in [
        ("none", format!("{}.", of("none"))),
        ("none, signed", rsa(&of("none"), &RSA_PKCS1_SHA256)),
        ("HS256 with the public key", mac(&of("HS256"))),
        ("HS256 that says RS256", mac(&signed)),
        ("RS512", rsa(&of("RS512"), &RSA_PKCS1_SHA512)),
        ("RS512 that says RS256", rsa(&signed, &RSA_PKCS1_SHA512)),
        ("ES256", elliptic(&of("ES256"))),
        ("of a curve's key", elliptic(&of_curve)),
        ("critical", rsa(&text(&critical, &claims()), &RSA_PKCS1_SHA256)),
        ("of other claims", format!("{}.{signature}", text(&good, &others))),
        ("unsigned", format!("{signed}.")),
        ("without a signature", signed.clone()),
    ] {
        assert_eq!(told(&token, &ground.root.pem, now()), None, "{what}");
    }
}

fn good_token(header: &Value) -> String {
    token(header, &claims())
}

#[test]
fn what_is_no_token_is_refused() {
    let ground = ground();
    let good = header(&[&ground.leaf]);
    let chain = |count: usize| header(&vec![&ground.leaf[..]; count]);
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };
    let mut unnamed = good.clone();
    unnamed["x5c"] = json!(["%%%"]);
    let tokens = [
        String::new(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "x".repeat(TOKEN_LEN_MAX + 1),
        token(&json!({ "alg": "RS256" }), &claims()),
        token(&chain(0), &claims()),
        token(&chain(11), &claims()),
        token(&unnamed, &claims()),
        token(&good, &json!({})),
        token(&good, &with("userId", json!("7"))),
        token(&good, &with("iat", json!("now"))),
        token(&good, &with("jti", json!(""))),
        token(&good, &with("jti", json!("x".repeat(256)))),
        token(&good, &with("jti", Value::Null)),
    ];
    for token in tokens {
        assert!(Token::parse(&token).is_err(), "{}", &token[..token.len().min(80)]);
    }
    assert!(Token::parse(&token(&chain(10), &claims())).is_ok());
}
