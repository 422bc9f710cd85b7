//! The administration panel: pages and forms for the people of a partner and of the operator
//! (spec "The administration panel").
//!
//! A page is made on the server by a template; it works without a script, which only shows what
//! happens meanwhile. Each handler calls use cases of `app` and nothing else: the same as an
//! endpoint of `/admin`, with a form instead of JSON. What is typed by anybody is escaped by the
//! templates, and the pages' policy allows no script but the panel's own file.

mod account;
mod accounts;
mod answer;
mod assets;
mod audit;
mod balances;
mod cards;
mod certificates;
mod corporations;
mod exports;
mod fields;
mod filters;
mod form;
mod frame;
mod limits;
mod notifications;
mod offered;
mod overview;
mod own;
mod partners;
mod programs;
mod qr;
mod query;
mod reports;
mod router;
mod screening;
mod session;
mod sign_in;
mod texts;
mod transactions;
mod users;
mod verifications;

pub use answer::worded;
pub use router::{Pages, pages};

use app::certificates::Authority;
use app::{App, Clock};
use std::sync::Arc;

/// What every page works with.
#[derive(Clone)]
pub(crate) struct Panel(Arc<Parts>);

impl std::ops::Deref for Panel {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The parts of a [`Panel`].
pub(crate) struct Parts {
    pub(crate) app: App,
    /// Real time: authenticators don't follow the business clock.
    pub(crate) real_time: Clock,
    /// Who signs certificates, if there is an authority.
    pub(crate) authority: Option<Arc<Authority>>,
}
