//! A code of now, asked for once more where something grave is done: whoever has somebody's
//! session, and nothing else of theirs, can't give one.

use super::Manager;
use crate::audit::Origin;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::AdminId;
use store::admins;
use store::db::Tx;

/// What is sent along with something grave.
#[derive(Clone, Copy)]
pub struct Confirmation<'a> {
    /// The code that the authenticator shows; none if none was sent.
    pub code: Option<&'a str>,
    /// Real time, by which codes are made.
    pub real_now: Timestamp,
}

impl Confirmation<'_> {
    /// Of whoever isn't asked, as on the command line.
    pub const NONE: Self = Self { code: None, real_now: Timestamp::UNIX_EPOCH };
}

impl App {
    /// Tries the code of somebody who is signed in. A failure is counted as at a sign-in, in a
    /// commit of its own; a code that is right is used up, whatever comes of the rest. Of the
    /// command line nothing is asked.
    pub(crate) async fn confirm(
        &self,
        manager: Manager,
        confirmation: Confirmation<'_>,
        origin: &Origin,
    ) -> Result<(), Error> {
        let Some(own) = manager.own() else { return Ok(()) };
        let code = confirmation.code.ok_or(Refusal::ConfirmationRequired)?;
        let account = self.admin_of_id(own).await?;
        let kept = self.admin_of(&account.email).await?.ok_or(Refusal::AdminNotFound)?;
        let secret = self.code_secret(&kept)?;
        let step = secret.step_of(code, super::own::seconds(confirmation.real_now));
        let mut tx = self.db.begin().await?;
        let tried = self.confirm_in(&mut tx, own, (&kept.code_secret, step), origin).await;
        if tx.end(tried).await? { Ok(()) } else { Err(Refusal::ConfirmationRefused.into()) }
    }

    async fn confirm_in(
        &self,
        tx: &mut Tx,
        own: AdminId,
        (sealed, step): (&[u8], Option<i64>),
        origin: &Origin,
    ) -> Result<bool, Error> {
        let Some(account) = admins::find_by_id(tx, own).await? else { return Ok(false) };
        let Some(kept) = admins::find_locked(tx, &account.email).await? else { return Ok(false) };
        if kept.code_secret != sealed {
            // It was changed meanwhile: the code is of one that opens nothing any more.
            return Ok(false);
        }
        let (before, mut account) = (kept.account.clone(), kept.account);
        let is_right = account.confirm_code(step, self.now()).is_ok();
        if is_right {
            admins::update(tx, &account).await?;
        } else {
            self.count_failure(tx, (&before, &account), "admin.confirm_failed", origin).await?;
        }
        Ok(is_right)
    }
}
