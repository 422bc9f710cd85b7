//! KYC forms: submit, list, show, export, decide; check by itself, with an eKYC provider's help;
//! watch the documents of accepted ones.

mod ask;
mod check;
mod decide;
mod export;
mod list;
mod seal;
mod see;
mod submit;
mod watch;

pub use export::FormFile;
pub use list::Shown;
/// A picture and what it is.
pub use seal::Picture;
pub(crate) use seal::open_form;
pub use submit::Submit;
