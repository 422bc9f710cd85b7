//! The program as its users meet it: the real binary, real TLS, both databases.

#[macro_use]
mod support;

mod audit;
mod backup;
mod bad_input;
mod cards;
mod crash;
mod denied;
mod jwe;
mod listener;
mod operation;
mod operations;
mod production;
mod removal;
mod sandbox;
mod story;
mod upgrade;
