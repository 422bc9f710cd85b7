//! `antaca admin`.

use super::show;
use crate::acts::Act;
use crate::cli::AdminCommand;
use crate::failure::Failure;

pub(super) async fn admin(command: AdminCommand) -> Result<(), Failure> {
    match command {
        AdminCommand::Create(it) => show(&it.at, Act::CreateAdmin(it.what)).await,
        AdminCommand::Set(it) => show(&it.at, Act::SetAdmin(it.what)).await,
        AdminCommand::Reset(it) => show(&it.at, Act::ResetAdmin(it.what)).await,
        AdminCommand::List(at) => show(&at, Act::ListAdmins).await,
    }
}
