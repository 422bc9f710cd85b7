//! Use cases and the engine on both databases, without doors.

mod alerts;
mod audit;
mod collateral;
mod expiring;
mod history;
mod holds;
mod imports;
mod janitor;
mod jwe;
mod limits;
mod messages;
mod nodes;
mod once;
mod operations;
mod oracle;
mod outbound;
mod outbox;
mod overload;
mod partners;
mod programs;
mod secrets;
mod statements;
mod states;
mod summary;
mod verify;
