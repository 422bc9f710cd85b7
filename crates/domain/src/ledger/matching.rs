//! Which transaction a message refers to: network ids aren't unique.

use super::release::is_open;
use crate::ids::ProcessorId;
use crate::transaction::{Description, Processing, Status, Transaction};
use jiff::Timestamp;

/// What a message tells of the transaction that it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Who sent it.
    pub processor: ProcessorId,
    /// The network's id of the original.
    pub id: String,
    /// The network's time of the original, if the message tells it.
    pub date: Option<Timestamp>,
    /// The message's own amount, in minor units, where it tells the original's.
    pub amount: Option<i64>,
    /// The retrieval reference number, if the message tells it.
    pub retrieval_reference: Option<String>,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Match<'a> {
    /// Nothing fits.
    None,
    /// This one.
    One(&'a Transaction),
    /// Several fit, and nothing tells them apart.
    Several,
}

/// As many as are looked at: a card that has more of one network id can't be told apart.
const CANDIDATES_MAX: usize = 32;

/// Finds the original among the transactions of a card that bear the network id: by processor and
/// date, then, while several are left, by amount, by retrieval reference number, by being open.
#[must_use]
pub fn find<'a>(
    candidates: impl Iterator<Item = &'a Transaction>,
    reference: &Reference,
) -> Match<'a> {
    let mut left: Vec<&Transaction> = candidates
        .filter(|found| {
            found.processing == Processing::Success
                && found.order.processor == Some(reference.processor)
                && found.order.network_id == reference.id
                && reference.date.is_none_or(|date| found.order.network_date == date)
                && !is_question(found)
        })
        .collect();
    if left.len() >= CANDIDATES_MAX {
        return Match::Several;
    }
    narrow(&mut left, |found| found.description != Description::Expired);
    narrow(&mut left, |found| reference.amount.is_none_or(|amount| found.order.amount == amount));
    if reference.retrieval_reference.is_some() {
        narrow(&mut left, |found| found.order.retrieval_reference == reference.retrieval_reference);
    }
    narrow(&mut left, is_open);
    match left.as_slice() {
        [] => Match::None,
        [one] => Match::One(one),
        [_, _, ..] => Match::Several,
    }
}

/// Whether it only asked for something and is over: nothing can refer to it.
fn is_question(found: &Transaction) -> bool {
    found.order.amount == 0 && found.status == Status::Cleared && found.cleared.is_zero()
}

/// Keeps those that fit, unless none does.
fn narrow(left: &mut Vec<&Transaction>, fits: impl Fn(&Transaction) -> bool) {
    if left.len() > 1 && left.iter().any(|found| fits(found)) {
        left.retain(|found| fits(found));
    }
}
