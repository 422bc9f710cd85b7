//! `antaca bureau` and `antaca orders`.

use super::show;
use crate::acts::{Act, SetBureau, TakeReport};
use crate::cli::{BureauCommand, ImportReportArgs, OrdersCommand, SetBureauArgs};
use crate::failure::Failure;
use std::path::Path;

pub(super) async fn bureau(command: BureauCommand) -> Result<(), Failure> {
    match command {
        BureauCommand::Set(SetBureauArgs { name, folder, public_key, host_keys, new_key, at }) => {
            let public_key = read(&public_key)?;
            let host_keys = host_keys.as_deref().map(read).transpose()?;
            let set = SetBureau { name, folder, public_key, host_keys, new_key };
            show(&at, Act::SetBureau(set)).await
        }
        BureauCommand::List(at) => show(&at, Act::ListBureaus).await,
        BureauCommand::Check(it) => show(&it.at, Act::CheckBureau(it.what)).await,
    }
}

pub(super) async fn orders(command: OrdersCommand) -> Result<(), Failure> {
    match command {
        OrdersCommand::Run(at) => show(&at, Act::RunOrders).await,
        OrdersCommand::Import(ImportReportArgs { bureau, file, at }) => {
            let text = read(&file)?;
            show(&at, Act::TakeReport(TakeReport { bureau, text })).await
        }
        OrdersCommand::Overdue(it) => show(&it.at, Act::OverdueOrders(it.what)).await,
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("{} can't be read: {error}", file.display())))
}
