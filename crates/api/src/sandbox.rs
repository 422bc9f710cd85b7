//! `/sandbox/v1`: what a sandbox gives its partners to try things out with. Production has none of
//! these routes.

mod clock;
mod received;
mod settings;

pub(crate) use clock::advance;
pub(crate) use received::received;
pub(crate) use settings::change;

use crate::Api;
use crate::problem::Problem;
use app::page::Page;
use serde_json::Value;
use std::sync::Arc;

/// The chapter of the documents.
const TAG: &str = "Sandbox";

/// What a sandbox has beside the use cases. A trait, since it is made in `server`, which `api`
/// doesn't know.
pub trait Sandbox: Send + Sync {
    /// A page of what the demonstration partner was sent for the partner of a code, oldest first,
    /// after the item of a number: its requests as `GET /sandbox/v1/received` shows them.
    fn received(&self, code: &str, after: Option<i64>, limit: i64) -> Page<Value>;

    /// How the demonstration partner is called for the partner of a code.
    fn demonstration(&self, code: &str) -> Demonstration;

    /// Moves the business time of this process so many seconds ahead of real time; never back.
    fn set_clock_ahead(&self, seconds: i64);
}

/// How the demonstration partner is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demonstration {
    /// Where its paths begin.
    pub base_url: String,
    /// The authority of its server, PEM.
    pub trusted_ca: String,
}

impl Api {
    /// The sandbox's side; these routes are there only where it is.
    fn sandbox(&self) -> Result<&Arc<dyn Sandbox>, Problem> {
        self.sandbox.as_ref().ok_or_else(Problem::internal)
    }
}
