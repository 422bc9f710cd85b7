//! Which RSA public keys are accepted, from callers and in certificate requests.

use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Bits of the shortest and the longest modulus accepted.
const BITS: std::ops::RangeInclusive<u64> = 2048..=4096;
/// The only public exponent accepted.
pub(crate) const EXPONENT: [u8; 3] = [1, 0, 1];

/// Why an RSA key isn't accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    NotRsa,
    Size,
    Exponent,
}

/// The modulus of an acceptable key: 2048 to 4096 bits and exponent 65537, without leading zeros.
pub(crate) fn modulus<'a>(key: &'a SubjectPublicKeyInfo<'_>) -> Result<&'a [u8], Weakness> {
    let Ok(PublicKey::RSA(rsa)) = key.parsed() else {
        return Err(Weakness::NotRsa);
    };
    let modulus = without_leading_zeros(rsa.modulus);
    if !BITS.contains(&bits(modulus)) {
        return Err(Weakness::Size);
    }
    if without_leading_zeros(rsa.exponent) != EXPONENT {
        return Err(Weakness::Exponent);
    }
    Ok(modulus)
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// How many bits a number without leading zeros has.
fn bits(number: &[u8]) -> u64 {
    let Some(first) = number.first() else { return 0 };
    let bytes = u64::try_from(number.len()).expect("a length fits into 64 bits");
    bytes * 8 - u64::from(first.leading_zeros())
}
