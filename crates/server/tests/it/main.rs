//! The program as its users meet it: the real binary, real TLS, both databases.

#[macro_use]
mod support;

mod alerts;
mod audit;
mod backup;
mod bad_input;
mod balances;
mod bench;
mod card_crypto;
mod cards;
mod certificates;
mod clearings;
mod crash;
mod customers;
mod deliveries;
mod denied;
mod history;
mod jwe;
mod kills;
mod ledger;
mod limits;
mod listener;
mod load;
mod logs;
mod measures;
mod nodes;
mod operation;
mod operations;
mod our_certificates;
mod partner_balances;
mod plastic;
mod production;
mod references;
mod refused;
mod removal;
mod renewals;
mod sandbox;
mod spending;
mod statements;
mod states;
mod story;
mod trouble;
mod twins;
mod upgrade;
mod verified;
