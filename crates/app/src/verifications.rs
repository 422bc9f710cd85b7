//! KYC forms: submit, list, show, decide; check by itself, with an eKYC provider's help; watch the
//! documents of accepted ones.

mod ask;
mod check;
mod decide;
mod list;
mod seal;
mod see;
mod submit;
mod watch;

pub use list::Shown;
/// A picture and what it is.
pub use seal::Picture;
pub(crate) use seal::open_form;
pub use submit::Submit;
