//! KYC forms: submit.

mod submit;

pub use submit::{Image, Submit};
