//! KYC forms: submit (spec "KYC").

mod submit;

pub(crate) use submit::submit;
