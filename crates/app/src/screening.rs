//! Screening: people and companies looked for on lists of sanctions (spec "Sanctions and watch
//! lists"). What a list is and who is on it is decided by `domain::screening`.

pub mod lists;
