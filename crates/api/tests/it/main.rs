//! The doors in front of a running application, without a network between.

mod certificates;
mod documents;
mod doors;
mod hang_up;
mod mutated;
mod no_database;
