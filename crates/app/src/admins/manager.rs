//! Who manages accounts, and what else is a manager's alone: their own account is looked at where
//! something is written.

use super::AdminSession;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::admin::{Account, AccountState, Role};
use domain::ids::{AdminId, PartnerId};
use std::collections::BTreeSet;
use store::admins;
use store::db::Tx;

/// Who manages accounts, and whose.
#[derive(Clone, Copy, Debug)]
pub struct Manager {
    /// The account that they are signed in with, and what it was when they were let in.
    account: Option<(AdminId, Role)>,
    /// The partner whose accounts they are; none for all.
    partner: Option<PartnerId>,
    /// Whether what opens an account that they make or reset stays: it is theirs, or nobody's.
    keeps_secrets: bool,
}

impl Manager {
    /// The operator, on the command line: all accounts.
    pub const COMMAND_LINE: Self = Self { account: None, partner: None, keeps_secrets: false };

    /// Whose session it is: of a partner's own accounts, or of the operator all.
    #[must_use]
    pub fn of(session: &AdminSession) -> Self {
        let account = Some((session.account, session.role));
        Self { account, partner: session.partner, keeps_secrets: false }
    }

    /// The same, where whoever is shown what opens an account is whose it is: it needn't be changed
    /// before anything else opens.
    #[must_use]
    pub fn keeping_secrets(self) -> Self {
        Self { keeps_secrets: true, ..self }
    }

    /// The same, of this partner's accounts alone.
    #[must_use]
    pub fn within(self, partner: PartnerId) -> Self {
        Self { partner: Some(partner), ..self }
    }

    /// Whether it is the account that they are signed in with.
    #[must_use]
    pub fn is(self, account: AdminId) -> bool {
        self.own() == Some(account)
    }

    /// That account; none on the command line.
    pub(super) fn own(self) -> Option<AdminId> {
        self.account.map(|(own, _)| own)
    }

    /// The partner whose accounts they are; none for all.
    pub(super) fn partner(self) -> Option<PartnerId> {
        self.partner
    }

    /// Whether an account that they make or reset opens with what they are shown.
    pub(super) fn keeps_secrets(self) -> bool {
        self.keeps_secrets
    }

    pub(super) fn reaches(self, partner: Option<PartnerId>) -> bool {
        self.partner.is_none_or(|own| partner == Some(own))
    }
}

impl App {
    /// Locks the manager's own account and another one, by address; the other. Whoever was shut,
    /// reset or given another role since they were let in manages nothing any more: what did that
    /// is committed, or waits for this.
    pub(super) async fn locked(
        &self,
        tx: &mut Tx,
        manager: Manager,
        other: Option<AdminId>,
    ) -> Result<Option<Account>, Error> {
        let mut addresses = BTreeSet::new();
        for id in manager.own().into_iter().chain(other) {
            addresses.extend(admins::find_by_id(tx, id).await?.map(|account| account.email));
        }
        let mut locked = Vec::new();
        for address in &addresses {
            locked.extend(admins::find_locked(tx, address).await?.map(|kept| kept.account));
        }
        let is_still = |(id, role): (AdminId, Role)| {
            let own = locked.iter().find(|account| account.id == id);
            own.is_some_and(|it| {
                let may = it.role == role && !it.secrets_shown;
                may && it.state(self.now()) == AccountState::Active
            })
        };
        if !manager.account.is_none_or(is_still) {
            return Err(Refusal::AdminChanged.into());
        }
        Ok(locked.into_iter().find(|account| Some(account.id) == other))
    }

    /// Locks the manager's own account alone, where something else than accounts is written.
    pub(crate) async fn need_manager(&self, tx: &mut Tx, manager: Manager) -> Result<(), Error> {
        self.locked(tx, manager, None).await.map(|_| ())
    }
}
