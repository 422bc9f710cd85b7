//! One partner's chain, walked through: what was altered, inserted or removed of it.

use super::chain::{ChainKey, NOTHING, halves};
use super::seal::Head;
use domain::Timestamp;
use domain::ids::PartnerId;
use store::audit::chain::{Chain, Kept};
use uuid::Uuid;

/// How many findings of one chain are told; the others are counted.
const TOLD_MAX: usize = 1_000;

/// A record as a finding names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its place.
    pub place: i64,
    /// Its id; none if that can't be read.
    pub id: Option<Uuid>,
    /// What it says was done.
    pub action: String,
    /// When it says so.
    pub at: Option<Timestamp>,
}

/// What is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A record isn't as it was sealed, or not where.
    Altered(Named),
    /// A record was never sealed there.
    Inserted(Named),
    /// Places that nobody's record has any more.
    Removed {
        /// The first of them.
        from: i64,
        /// The last of them.
        to: i64,
        /// The record before; none at the beginning.
        before: Option<Named>,
        /// The record after; none at the end.
        after: Option<Named>,
    },
    /// The row that says where the chain ends isn't as it was sealed.
    EndAltered,
    /// The row that says what retention has removed isn't as it was sealed.
    RemovalAltered,
    /// There are sealed records, and no row that says where the chain ends.
    EndMissing,
    /// The chain has another record at the place of a head than when the head was written.
    HeadDiffers {
        /// The first such head.
        head: Head,
        /// How many there are.
        count: u64,
    },
    /// The chain ends before a head.
    HeadBeyondEnd {
        /// The last such head.
        head: Head,
        /// Where the chain ends.
        end: i64,
        /// How many there are.
        count: u64,
    },
}

/// Something that is wrong, and with whose chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whose chain.
    pub partner: PartnerId,
    /// What.
    pub wrong: Wrong,
}

/// The walk through one chain.
pub(super) struct Walk<'a> {
    key: ChainKey<'a>,
    partner: PartnerId,
    /// The heads of this chain by place, those that were passed left out.
    heads: &'a [Head],
    differing: Option<(Head, u64)>,
    /// The last place that was passed, and the record there.
    place: i64,
    last: Option<Named>,
    link: Vec<u8>,
    /// Whether that link is known to be the right one.
    is_proved: bool,
    /// Whether the end was told to be altered.
    end_is_told: bool,
    removal_is_told: bool,
    pub(super) rows: u64,
    pub(super) heads_seen: u64,
    pub(super) removed_until: Option<(i64, Option<Timestamp>)>,
    pub(super) findings: Vec<Finding>,
    pub(super) more: u64,
}

impl<'a> Walk<'a> {
    /// Begins before the first place; heads are sorted by place.
    pub(super) fn of(key: ChainKey<'a>, partner: PartnerId, heads: &'a [Head]) -> Self {
        Self {
            key,
            partner,
            heads,
            differing: None,
            place: 0,
            last: None,
            link: NOTHING.to_vec(),
            is_proved: true,
            end_is_told: false,
            removal_is_told: false,
            rows: 0,
            heads_seen: 0,
            removed_until: None,
            findings: Vec::new(),
            more: 0,
        }
    }

    /// What the database says of the chain, before the rows that were read with it.
    pub(super) fn chain(&mut self, chain: Option<&Chain>) {
        let Some(chain) = chain else { return };
        if !self.key.knows_end(chain) && !self.end_is_told {
            self.end_is_told = true;
            self.tell(Wrong::EndAltered);
        }
        if !self.key.knows_removal(chain) {
            if !self.removal_is_told {
                self.removal_is_told = true;
                self.tell(Wrong::RemovalAltered);
            }
        } else if chain.removed.place > self.place {
            // Before the walk began, or while it was here.
            (self.place, self.link) = (chain.removed.place, chain.removed.link.clone());
            (self.last, self.is_proved) = (None, true);
            self.removed_until = Some((chain.removed.place, chain.removed.until));
            self.heads = &self.heads[self.heads.partition_point(|it| it.place <= self.place)..];
        }
    }

    /// The next row that there is, read with the row of its chain.
    pub(super) fn row(&mut self, kept: &Kept, chain: Option<&Chain>) {
        let Some((place, mac)) = &kept.sealed else { return };
        let named = Named {
            place: *place,
            id: Some(kept.id),
            action: kept.action.clone(),
            at: Timestamp::from_microsecond(kept.at).ok(),
        };
        let halves = halves(mac);
        let own = self.key.own(kept, *place);
        let is_own = halves.is_some_and(|(it, _)| it == own);
        let end = chain.filter(|chain| self.key.knows_end(chain));
        if end.is_some_and(|end| *place > end.place) {
            if !is_own {
                self.rows += 1;
                self.tell(Wrong::Inserted(named));
                return;
            }
            // It was sealed, so the row of the chain is an older one.
            if !std::mem::replace(&mut self.end_is_told, true) {
                self.tell(Wrong::EndAltered);
            }
        }
        if !self.step(&named) {
            return;
        }
        let expected = self.key.link(self.partner, *place, &self.link, &own);
        let follows = !self.is_proved || halves.is_some_and(|(_, link)| link == expected);
        if !is_own || !follows {
            self.tell(Wrong::Altered(named.clone()));
        }
        self.is_proved = is_own && follows;
        self.link = halves.map_or(NOTHING.to_vec(), |(_, link)| link.to_vec());
        self.compare_heads(*place);
        self.last = Some(named);
    }

    /// The next row that there is, which can't be read.
    pub(super) fn unreadable(&mut self, place: i64) {
        let named = Named { place, id: None, action: String::new(), at: None };
        if !self.step(&named) {
            return;
        }
        self.tell(Wrong::Altered(named.clone()));
        self.is_proved = false;
        self.last = Some(named);
    }

    /// The end of what there is, read with the row of the chain.
    pub(super) fn end(mut self, chain: Option<&Chain>) -> Self {
        if let Some(chain) = chain.filter(|chain| self.key.knows_end(chain)) {
            if chain.place > self.place {
                let (from, before) = (self.place + 1, self.last.take());
                self.tell(Wrong::Removed { from, to: chain.place, before, after: None });
                self.pass_heads(chain.place);
            } else if chain.place == self.place && self.is_proved && chain.link != self.link {
                self.tell(Wrong::EndAltered);
            }
        } else if chain.is_none() && self.rows > 0 {
            self.tell(Wrong::EndMissing);
        }
        if let Some((head, count)) = self.differing.take() {
            self.tell(Wrong::HeadDiffers { head, count });
        }
        let end = self.place.max(chain.map_or(0, |chain| chain.place));
        let beyond = &self.heads[self.heads.partition_point(|head| head.place <= end)..];
        if let Some(head) = beyond.last().cloned() {
            let count = beyond.len() as u64;
            self.heads_seen += count;
            self.tell(Wrong::HeadBeyondEnd { head, end, count });
        }
        self
    }

    /// Goes on to a row; places before it that nobody has are missing. `false` if no row can have
    /// its place: retention has passed it.
    fn step(&mut self, to: &Named) -> bool {
        self.rows += 1;
        if to.place <= self.place {
            self.tell(Wrong::Inserted(to.clone()));
            return false;
        }
        if to.place > self.place + 1 {
            let (from, last) = (self.place + 1, to.place - 1);
            let before = self.last.take();
            self.tell(Wrong::Removed { from, to: last, before, after: Some(to.clone()) });
            self.is_proved = false;
            self.pass_heads(last);
        }
        self.place = to.place;
        true
    }

    /// Heads of places that are missing: these are told already.
    fn pass_heads(&mut self, to: i64) {
        let passed = self.heads.partition_point(|head| head.place <= to);
        self.heads_seen += passed as u64;
        self.heads = &self.heads[passed..];
    }

    fn compare_heads(&mut self, place: i64) {
        let passed = self.heads.partition_point(|head| head.place <= place);
        let (here, rest) = self.heads.split_at(passed);
        self.heads = rest;
        self.heads_seen += here.len() as u64;
        for head in here.iter().filter(|head| head.place == place && head.link != self.link) {
            let (_, count) = self.differing.get_or_insert_with(|| (head.clone(), 0));
            *count += 1;
        }
    }

    fn tell(&mut self, wrong: Wrong) {
        if self.findings.len() < TOLD_MAX {
            self.findings.push(Finding { partner: self.partner, wrong });
        } else {
            self.more += 1;
        }
    }
}
