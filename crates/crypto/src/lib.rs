//! Cryptography: bytes in, bytes out. Nothing here waits, reads a file or looks at a clock.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`keys`] | the master key and its file, partner keys, one derived key per purpose and epoch |
//! | [`seal`] | encryption at rest, bound to the place where the value is stored |
//! | [`mac`] | keyed digests: the PAN index, recognised requests, the audit chain |
//! | [`device`] | signatures of users' devices |
//! | [`digest`] | digests without a key |
//! | [`jwe`] | compact JWE, as sensitive requests and responses travel |
//! | [`certificates`] | the platform's certificate authority, client and server certificates |
//! | [`cvc`] | CVV, CVC2 and iCVV by the schemes' algorithm |
//! | [`pin`] | PIN blocks and PIN verification values |
//! | [`tdes`] | triple DES, where the schemes prescribe it |
//! | [`permutation`] | the order in which card numbers are given out |
//! | [`random`] | random bytes |
//!
//! All primitives come from `aws-lc-rs`, Argon2id apart. Secrets are wiped when dropped and have
//! neither `Display` nor `Clone` nor `PartialEq`; their `Debug` prints the name of the type.

/// Gives a secret a `Debug` that prints the name of its type and nothing of its content.
macro_rules! secret_debug {
    ($($name:ident),+) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}

pub mod certificates;
pub mod cvc;
pub mod device;
pub mod digest;
pub mod identity;
pub mod jwe;
pub mod keys;
pub mod mac;
pub mod password;
pub mod permutation;
pub mod pin;
pub mod random;
pub mod seal;
pub mod ssh;
pub mod tdes;
pub mod totp;

pub mod encoding;
mod gcm;
mod rsa;
