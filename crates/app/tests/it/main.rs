//! Use cases and the engine on both databases, without doors.

mod holds;
mod janitor;
mod jwe;
mod nodes;
mod once;
mod oracle;
mod outbound;
mod outbox;
mod programs;
mod verify;
