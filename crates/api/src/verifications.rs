//! KYC forms: submit, list, show, export, decide (spec "KYC").

mod decide;
mod export;
mod list;
mod show;
mod submit;

pub(crate) use decide::{accept, reject};
pub(crate) use export::export;
pub(crate) use list::{list, queue};
pub(crate) use show::{picture, show};
pub(crate) use submit::{FILES_MAX, IMAGES, submit};

use crate::answer::Named;
use crate::wire::moment;
use domain::verification::{Finding, Reason, Verification, VerificationStatus};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "KYC";

type Status = Named<VerificationStatus>;
type Rejection = Named<Reason>;
type Doubt = Named<Finding>;

/// A form and where it stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VerificationForm)]
struct FormJson {
    /// The form's id.
    verification_id: Uuid,
    /// Whose it is.
    user_id: i64,
    /// Where it stands.
    status: Status,
    /// Why it was rejected.
    reason: Option<Rejection>,
    /// What is doubtful about it.
    findings: Vec<Doubt>,
    /// When it came in.
    created_at: String,
    /// When it was decided.
    decided_at: Option<String>,
    /// When the automatic check has left it to a person.
    referred_at: Option<String>,
}

impl FormJson {
    fn of(it: &Verification) -> Self {
        Self {
            verification_id: it.id.0,
            user_id: it.user.0,
            status: Named(it.status),
            reason: it.reason.map(Named),
            findings: it.findings.iter().copied().map(Named).collect(),
            created_at: moment(it.created_at),
            decided_at: it.decided_at.map(moment),
            referred_at: it.referred_at.map(moment),
        }
    }
}
