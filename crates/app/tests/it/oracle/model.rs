//! What the spec says ("Transactions and the ledger", "From the network"), in a few lines: sums
//! and a list, and no code of the ledger's.

use super::answer::{Answer, Heard, Told};
use super::message::{Key, Sent, With};
use super::record::{Increment, Record};
use domain::partner::CollateralMode;
use domain::transaction::{Category, Description, Status, TransactionType};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const HOUR: i64 = 3_600;
pub(super) const DAY: i64 = 24 * HOUR;
/// How long a reversal waits for what it reverses.
const EARLY: i64 = 24 * HOUR;

/// What a message refers to.
pub(super) enum Named {
    Nothing,
    /// By its place in the list.
    One(usize),
    Several,
}

/// What the partner's own balances come to.
#[derive(Clone, Copy)]
pub(super) struct Own {
    pub(super) deposit: i64,
    pub(super) credit: i64,
    pub(super) company: i64,
}

/// One user's balance, the partner's own, and what the network has told.
pub(super) struct Oracle {
    mode: CollateralMode,
    pub(super) user: i64,
    own: Own,
    now: i64,
    pub(super) records: Vec<Record>,
    increments: Vec<Increment>,
    /// Until when a reversal waits.
    early: BTreeMap<u8, i64>,
    /// What was said under a key, and answered.
    keys: BTreeMap<(&'static str, String, Key), (Sent, Answer)>,
    /// The same under the network's name, which goes with an amount.
    names: BTreeMap<(&'static str, String), (i64, Answer)>,
}

impl Oracle {
    pub(super) fn new(mode: CollateralMode, user: i64, own: Own) -> Self {
        Self {
            mode,
            user,
            own,
            now: 0,
            records: Vec::new(),
            increments: Vec::new(),
            early: BTreeMap::new(),
            keys: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }

    pub(super) fn amounts(&self) -> Told {
        let of_deposit = if self.has_deposit() { self.held() } else { 0 };
        Told {
            user: (self.user - self.held(), self.held()),
            deposit: (self.own.deposit - of_deposit, of_deposit),
            credit: (self.own.credit, 0),
            company: (self.own.company, 0),
        }
    }

    fn held(&self) -> i64 {
        self.records.iter().map(|it| it.held).sum()
    }

    fn has_deposit(&self) -> bool {
        self.mode == CollateralMode::Deposit
    }

    /// Time goes by: how many holds end.
    pub(super) fn wait(&mut self, seconds: i64) -> usize {
        self.now += seconds;
        let ended =
            |it: &&mut Record| it.is_open() && it.way == Category::Debit && it.ends <= self.now;
        let ended = self.records.iter_mut().filter(ended).map(|it| {
            (it.held, it.expired) = (0, true);
            it.end();
        });
        ended.count()
    }

    /// What comes again gets the first answer; what comes under the name of something else is
    /// refused.
    pub(super) fn hear(&mut self, place: usize, message: &Sent, key: Key) -> Heard {
        let (kind, name) = message.identity(place);
        if let Some((said, answer)) = self.keys.get(&(kind, name.clone(), key)) {
            return if said == message { Heard::Decided(*answer) } else { Heard::KeyReused };
        }
        let network = if message.declines() { "declined" } else { kind };
        let answer = match self.names.get(&(network, name.clone())) {
            Some((amount, _)) if *amount != message.amount() => return Heard::KeyReused,
            Some((_, answer)) => *answer,
            None => self.decide(message),
        };
        self.keys.insert((kind, name.clone(), key), (*message, answer));
        self.names.insert((network, name), (message.amount(), answer));
        Heard::Decided(answer)
    }

    fn decide(&mut self, message: &Sent) -> Answer {
        match *message {
            Sent::Collateral { kind, amount } => self.load_collateral(kind, amount),
            Sent::Give { amount, .. } => self.give(amount),
            Sent::Charge { kind, amount } => self.charge(kind, amount),
            Sent::Purchase { name, amount, with } if self.was_told(name, Category::Debit) => {
                self.answer_as_told(name, Category::Debit, (amount, with))
            }
            Sent::Purchase { name, amount, with } => self.purchase(name, amount, with),
            Sent::Raise { name, .. } if self.is_stopped(name) => {
                Answer::declined(Description::UnknownError, Status::Authorized)
            }
            // One that bears the name of what it raises was told by nobody: that is the original's.
            Sent::Raise { name, of, amount }
                if name != of && self.was_told(name, Category::Debit) =>
            {
                self.answer_as_told(name, Category::Debit, (amount, With::Nothing))
            }
            Sent::Raise { name, of, amount } => self.raise(name, of, amount),
            Sent::Credit { name, .. } if self.is_stopped(name) => {
                Answer::declined(Description::UnknownError, Status::Authorized)
            }
            Sent::Credit { name, amount } if self.was_told(name, Category::Credit) => {
                self.answer_as_told(name, Category::Credit, (amount, With::Nothing))
            }
            Sent::Credit { name, amount } => {
                self.credit(name, amount, 0);
                Answer::approved(amount, Status::Authorized)
            }
            Sent::Tell { told, name, amount } => self.tell(told, name, amount),
            Sent::Adjust { of, way, amount } => self.adjust(of, way, amount),
            Sent::Clear { of, way, amount, last, gain } => {
                self.clear(of, (way, amount), last, gain)
            }
            Sent::Reverse { of, amount } => self.reverse(of, amount),
        }
    }

    /// The operator loads what limits the users, or draws from it what is there.
    fn load_collateral(&mut self, kind: TransactionType, amount: i64) -> Answer {
        let limits = match self.mode {
            CollateralMode::None | CollateralMode::Deposit => &mut self.own.deposit,
            CollateralMode::Credit => &mut self.own.credit,
        };
        if kind == TransactionType::CollateralCredit {
            *limits += amount;
        } else if *limits < amount {
            return Answer::declined(Description::InsufficientFunds, Status::Cleared);
        } else {
            *limits -= amount;
        }
        Answer::done(Status::Cleared)
    }

    /// "Under `CREDIT`, a top-up charges the credit balance and pays the user in one step."
    fn give(&mut self, amount: i64) -> Answer {
        if self.mode == CollateralMode::Credit {
            if self.own.credit < amount {
                let why = Description::InsufficientFundsOnCollateralBalance;
                return Answer::declined(why, Status::Cleared);
            }
            self.own.credit -= amount;
        }
        self.user += amount;
        Answer::done(Status::Cleared)
    }

    /// A fee is the company's, under `CREDIT` funding gives back what was given; all else leaves.
    fn charge(&mut self, kind: TransactionType, amount: i64) -> Answer {
        if self.user - self.held() < amount {
            return Answer::declined(Description::InsufficientFunds, Status::Cleared);
        }
        self.user -= amount;
        if kind == TransactionType::Fee {
            self.own.company += amount;
        }
        if kind == TransactionType::Funding && self.mode == CollateralMode::Credit {
            self.own.credit += amount;
        }
        Answer::done(Status::Cleared)
    }

    pub(super) fn is_stopped(&self, name: u8) -> bool {
        self.early.get(&name).is_some_and(|until| self.now < *until)
    }

    /// What was used as a name so far.
    pub(super) fn names_so_far(&self) -> Vec<u8> {
        let raised = self.increments.iter().map(|it| it.name);
        let used: BTreeSet<u8> = self.records.iter().map(|it| it.name).chain(raised).collect();
        used.into_iter().collect()
    }

    /// By name, then by amount where the message tells the original's. Before that those that have
    /// expired are left aside, and after it those that are over: the spec doesn't say so, nor does
    /// it say otherwise.
    pub(super) fn find(&self, name: u8, amount: Option<i64>) -> Named {
        let mut left: Vec<usize> = (0..self.records.len()).collect();
        left.retain(|at| self.records[*at].name == name);
        let fits: [&dyn Fn(&Record) -> bool; 3] = [
            &|it| !it.expired,
            &|it| amount.is_none_or(|amount| it.amount == amount),
            &Record::is_open,
        ];
        for fits in fits {
            if left.len() > 1 && left.iter().any(|at| fits(&self.records[*at])) {
                left.retain(|at| fits(&self.records[*at]));
            }
        }
        match left.as_slice() {
            // An increment has no transaction of its own: its name means what it raised.
            [] => self.increment(name).map_or(Named::Nothing, |it| Named::One(it.of)),
            [one] => Named::One(*one),
            [_, _, ..] => Named::Several,
        }
    }

    /// The increment of a name, unless a transaction has that name.
    pub(super) fn increment(&self, name: u8) -> Option<&Increment> {
        let own = self.records.iter().any(|it| it.name == name);
        self.increments.iter().find(|it| it.name == name && !own)
    }

    pub(super) fn increment_mut(&mut self, name: u8) -> Option<&mut Increment> {
        let own = self.records.iter().any(|it| it.name == name);
        self.increments.iter_mut().find(|it| it.name == name && !own)
    }

    /// Why a debit can't be held: the deposit is asked first.
    fn lacks(&self, amount: i64) -> Option<Description> {
        let told = self.amounts();
        if self.has_deposit() && told.deposit.0 < amount {
            return Some(Description::InsufficientFundsOnDepositBalance);
        }
        (told.user.0 < amount).then_some(Description::InsufficientFunds)
    }

    /// Whether what is asked now has happened already, and its hold hasn't come to its end: only
    /// what tells of that can have made a transaction of this name before.
    fn was_told(&self, name: u8, way: Category) -> bool {
        !self.is_stopped(name) && self.as_told(name, way).is_some()
    }

    fn as_told(&self, name: u8, way: Category) -> Option<&Record> {
        self.records.iter().find(|it| it.name == name && it.way == way && !it.expired)
    }

    /// The answer is what stands of it; what was taken back isn't approved, nor is less than the
    /// amount where that won't do.
    fn answer_as_told(&self, name: u8, way: Category, (amount, with): (i64, With)) -> Answer {
        match self.as_told(name, way) {
            Some(told)
                if told.status != Status::Reversed
                    && (told.amount >= amount || with == With::Partial) =>
            {
                Answer::approved(amount.min(told.amount), told.status)
            }
            Some(_) | None => Answer::declined(Description::UnknownError, Status::Authorized),
        }
    }

    fn purchase(&mut self, name: u8, amount: i64, with: With) -> Answer {
        if self.is_stopped(name) {
            return Answer::declined(Description::UnknownError, Status::Authorized);
        }
        let told = self.amounts();
        // The spec speaks of less than the amount, not of whose money is too little: it is the
        // deposit's or the user's.
        let there_is =
            if self.has_deposit() { told.user.0.min(told.deposit.0) } else { told.user.0 };
        let part = if with == With::Partial { amount.min(there_is).max(1) } else { amount };
        if let Some(why) = self.lacks(part) {
            return Answer::declined(why, Status::Authorized);
        }
        self.hold(name, part, if with == With::Estimate { 30 * DAY } else { 7 * DAY });
        Answer::approved(part, Status::Authorized)
    }

    pub(super) fn hold(&mut self, name: u8, amount: i64, lasts: i64) {
        let ends = self.now + lasts;
        let new = Record::new(name, Category::Debit, amount);
        self.records.push(Record { held: amount, ends, lasts, ..new });
    }

    fn raise(&mut self, name: u8, of: u8, amount: i64) -> Answer {
        let at = match self.find(of, None) {
            Named::One(at) if self.records[at].is_open() && self.is_debit(at) => at,
            Named::One(_) | Named::Nothing => {
                return Answer::of_nothing(Status::Authorized);
            }
            Named::Several => {
                return Answer::ambiguous(Status::Authorized);
            }
        };
        if let Some(why) = self.lacks(amount) {
            return Answer::declined(why, Status::Authorized);
        }
        let (now, raised) = (self.now, &mut self.records[at]);
        raised.amount += amount;
        raised.held += amount;
        // Counted from the last increment.
        raised.ends = now + raised.lasts;
        self.increments.push(Increment { name, of: at, told: amount, reversed: 0 });
        Answer::approved(amount, Status::Authorized)
    }

    fn is_debit(&self, at: usize) -> bool {
        self.records[at].way == Category::Debit
    }

    pub(super) fn credit(&mut self, name: u8, amount: i64, of_deposit: i64) {
        self.user += amount;
        self.move_deposit(Category::Credit, of_deposit);
        let new = Record::new(name, Category::Credit, amount);
        self.records.push(Record { moved: amount, moved_of_deposit: of_deposit, ..new });
    }

    pub(super) fn move_deposit(&mut self, way: Category, amount: i64) {
        match (self.has_deposit(), way) {
            (false, _) => {}
            (true, Category::Debit) => self.own.deposit -= amount,
            (true, Category::Credit) => self.own.deposit += amount,
        }
    }

    /// A movement by force; one of its own is cleared at once.
    pub(super) fn post(&mut self, way: Category, amount: i64) -> Status {
        match way {
            Category::Debit => self.user -= amount,
            Category::Credit => self.user += amount,
        }
        self.move_deposit(way, amount);
        Status::Cleared
    }

    pub(super) fn let_go(&mut self, at: usize, amount: i64) {
        let record = &mut self.records[at];
        record.held -= amount.min(record.held);
        if record.held == 0 {
            record.end();
        }
    }

    /// Takes back what a credit has posted and the network hasn't settled, by force: of the deposit
    /// what it had got of that.
    pub(super) fn take_back(&mut self, at: usize, amount: i64) {
        let record = &mut self.records[at];
        let part = amount.min(record.moved - record.settled);
        let of_deposit = part.min((record.moved_of_deposit - record.settled).max(0));
        record.moved -= part;
        record.moved_of_deposit -= of_deposit;
        if record.moved == record.settled {
            record.end();
        }
        self.user -= part;
        self.move_deposit(Category::Debit, of_deposit);
    }

    fn reverse(&mut self, of: u8, amount: i64) -> Answer {
        match self.find(of, Some(amount)) {
            Named::Several => Answer::ambiguous(Status::Reversed),
            Named::One(at) if self.records[at].is_open() => {
                let mut amount = amount;
                let held = self.records[at].held;
                if let Some(increment) = self.increment_mut(of) {
                    amount = amount.min(increment.told - increment.reversed);
                    if amount <= 0 {
                        return Answer::of_nothing(Status::Reversed);
                    }
                    increment.reversed += amount.min(held);
                }
                match self.records[at].way {
                    Category::Debit => self.let_go(at, amount),
                    Category::Credit => self.take_back(at, amount),
                }
                Answer::done(self.records[at].status)
            }
            Named::One(_) => Answer::of_nothing(Status::Reversed),
            Named::Nothing => {
                self.early.insert(of, self.now + EARLY);
                Answer::of_nothing(Status::Reversed)
            }
        }
    }

    /// The cardholder and the deposit pay the difference of exchange rates, `COMPANY` gets it.
    fn clear(
        &mut self,
        of: Option<u8>,
        (way, amount): (Category, i64),
        last: bool,
        gain: i64,
    ) -> Answer {
        let billed = match way {
            Category::Debit => amount + gain,
            Category::Credit => amount - gain,
        };
        let status = match of.map_or(Named::Nothing, |of| self.find(of, Some(amount))) {
            Named::Several => {
                return Answer::ambiguous(Status::Cleared);
            }
            Named::One(at) if self.records[at].is_open() && self.records[at].way == way => {
                match way {
                    Category::Debit => self.clear_debit(at, billed, last),
                    Category::Credit => self.clear_credit(at, billed, last),
                }
                self.records[at].status
            }
            Named::One(_) | Named::Nothing => self.post(way, billed),
        };
        self.own.company += gain;
        Answer::done(status)
    }

    fn clear_debit(&mut self, at: usize, billed: i64, last: bool) {
        self.post(Category::Debit, billed);
        let record = &mut self.records[at];
        record.moved += billed;
        record.held = if last { 0 } else { (record.held - billed).max(0) };
        if last {
            record.status = Status::Cleared;
        }
    }

    /// The user has it since the authorization, so its clearings move what differs in the end; the
    /// deposit gets it now, unless it was forced. Nothing is taken back before the last part.
    fn clear_credit(&mut self, at: usize, billed: i64, last: bool) {
        let record = &mut self.records[at];
        record.settled += billed;
        let so_far = (record.moved, record.moved_of_deposit);
        let least = |moved: i64| if last { 0 } else { moved };
        record.moved = record.settled.max(least(so_far.0));
        record.moved_of_deposit = record.settled.max(least(so_far.1));
        if last {
            record.status = Status::Cleared;
        }
        let (to_user, to_deposit) = (record.moved - so_far.0, record.moved_of_deposit - so_far.1);
        self.user += to_user;
        self.move_deposit(Category::Credit, to_deposit);
    }
}
