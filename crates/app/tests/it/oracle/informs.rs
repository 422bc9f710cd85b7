//! What the spec says of messages that tell what has happened already.

use super::answer::Answer;
use super::model::{DAY, Named, Oracle};
use app::processor::Told as Message;
use domain::transaction::{Category, Description, Status};

impl Oracle {
    pub(super) fn tell(&mut self, told: Message, name: u8, amount: i64) -> Answer {
        let way = match told {
            // The spec has no word for why somebody else declined.
            Message::DeclineAdvice => {
                return Answer::declined(Description::UnknownError, Status::Authorized);
            }
            Message::ForceCredit => Category::Credit,
            Message::Advice | Message::ForceDebit | Message::Adjustment => Category::Debit,
        };
        if self.is_stopped(name) {
            // Stopped, and accepted all the same: it is never refused. It is on record as reversed.
            self.hold(name, 0, 0);
            let stopped = self.records.last_mut().expect("was just held");
            (stopped.way, stopped.amount, stopped.status) = (way, amount, Status::Reversed);
            return Answer::approved(0, Status::Reversed);
        }
        let named = self.find(name, Some(amount));
        // An advice tells of what was asked, whichever way that was.
        let way = match named {
            Named::One(at) if told == Message::Advice => self.records[at].way,
            Named::One(_) | Named::Nothing | Named::Several => way,
        };
        // What stands of it in the end.
        let mut stands = amount;
        let status = match named {
            Named::Several => {
                return Answer::ambiguous(Status::Authorized);
            }
            Named::One(at) if self.records[at].way == way && self.records[at].is_open() => {
                // What differs from what was approved under its name: what came under others, and
                // what was taken back, stays as it is.
                let last = match self.increment_mut(name) {
                    Some(increment) => &mut increment.told,
                    None => &mut self.records[at].told,
                };
                let more = amount - *last;
                *last = amount;
                match more {
                    0 => {}
                    1.. => self.change(at, way, more),
                    _ => self.change(at, opposite(way), -more),
                }
                if told == Message::ForceCredit {
                    self.credit_deposit(at);
                }
                let record = &self.records[at];
                let taken = self.increment(name).map_or(0, |it| it.reversed);
                stands = (amount - taken).min(record.held + record.moved).max(0);
                record.status
            }
            // What is over stays as it is: the spec says only that there is no second hold. One
            // that has expired isn't held any more: what hasn't moved of it is the difference.
            Named::One(at) if self.records[at].way == way && !self.records[at].expired => {
                stands = amount.min(self.paid(name, at));
                self.records[at].status
            }
            Named::One(at) if self.records[at].way == way && self.records[at].moved > 0 => {
                let rest = amount - self.paid(name, at);
                if rest > 0 {
                    self.hold(name, rest, 7 * DAY);
                    Status::Authorized
                } else {
                    self.records[at].status
                }
            }
            Named::One(_) | Named::Nothing => {
                match way {
                    Category::Debit => self.hold(name, amount, 7 * DAY),
                    Category::Credit => self.credit(name, amount, amount),
                }
                Status::Authorized
            }
        };
        Answer::approved(stands, status)
    }

    /// What has moved of what has a name. An increment comes last: it is paid by what is more than
    /// the rest.
    fn paid(&self, name: u8, at: usize) -> i64 {
        let record = &self.records[at];
        let before = self.increment(name).map_or(0, |it| (record.amount - it.told).max(0));
        (record.moved - before).max(0)
    }

    /// Changes what is open: the same way raises it, the other lowers it.
    fn change(&mut self, at: usize, way: Category, amount: i64) {
        let raises = self.records[at].way == way;
        match (self.records[at].way, raises) {
            (Category::Debit, true) => self.records[at].held += amount,
            (Category::Debit, false) => self.let_go(at, amount),
            (Category::Credit, true) => {
                self.records[at].moved += amount;
                self.user += amount;
            }
            (Category::Credit, false) => self.take_back(at, amount),
        }
        let amount_now = self.records[at].amount + if raises { amount } else { -amount };
        self.records[at].amount = amount_now.max(0);
    }

    /// What is forced, the deposit gets at once.
    fn credit_deposit(&mut self, at: usize) {
        let record = &mut self.records[at];
        let rest = (record.moved - record.moved_of_deposit).max(0);
        record.moved_of_deposit += rest;
        self.move_deposit(Category::Credit, rest);
    }

    pub(super) fn adjust(&mut self, of: Option<u8>, way: Category, amount: i64) -> Answer {
        let status = match of.map_or(Named::Nothing, |of| self.find(of, None)) {
            Named::Several => {
                return Answer::ambiguous(Status::Cleared);
            }
            // What goes beyond what is held or posted is after a clearing, or of nothing: it moves
            // by itself.
            Named::One(at) if self.records[at].is_open() => {
                let record = &self.records[at];
                let part = match record.way {
                    it if it == way => amount,
                    Category::Debit => amount.min(record.held),
                    Category::Credit => amount.min(record.moved - record.settled),
                };
                if part < amount {
                    self.post(way, amount - part);
                }
                if part > 0 {
                    self.change(at, way, part);
                    self.records[at].status
                } else {
                    Status::Cleared
                }
            }
            Named::One(_) | Named::Nothing => self.post(way, amount),
        };
        Answer::approved(amount, status)
    }
}

fn opposite(way: Category) -> Category {
    match way {
        Category::Debit => Category::Credit,
        Category::Credit => Category::Debit,
    }
}
