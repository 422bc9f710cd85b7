//! Import users: many in one body, each line a registration of its own.
//!
//! Lines are done in batches, each one transaction with its users, their audit records and what
//! became of each line. So the same body under the same key goes on where it was, whatever has
//! ended it: what was done before is answered from what is kept, and nobody is registered twice.
//! Whoever does an import holds a lease on it, renewed with each batch; without it nothing of a
//! batch is written.

mod cards;

pub use cards::ForeignCard;

use super::Register;
use crate::audit::{Entry, Origin};
use crate::refusals::Refusal;
use crate::screening::Looked;
use crate::{App, Error, ids};
use cards::{New, Ready, Why};
use domain::Timestamp;
use domain::card::Card;
use domain::card::foreign::Unfit;
use domain::ids::{BalanceId, CardId, UserId};
use domain::import::ImportState;
use domain::scope::Scope;
use domain::user::{Kyc, User};
use jiff::SignedDuration;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::Duration;
use store::cards::Number;
use store::db::Tx;
use store::imports::{self, Counts};
use store::operations::Lease;
use store::users;
use uuid::Uuid;

/// How long after its last sign of life an import may be gone on with by another request: how long
/// a partner waits after its server has died, against how long a commit may take.
const LEASE: SignedDuration = SignedDuration::from_secs(10);
/// From when on a lease is renewed, also where there is nothing else to write.
const RENEWED_AFTER: SignedDuration = SignedDuration::from_secs(3);
/// How often a batch is tried where the database is in trouble, or others register the same users
/// meanwhile; and how much longer is waited before each.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);
/// Ids that are taken at once: what is lost at an import's end, against a transaction for a batch.
const IDS: i64 = 1_024;

/// The title of a line whose card can't be as it was told.
const UNFIT: &str = "VALIDATION_ERROR";

/// An import that is being done, by whoever has this.
#[derive(Debug)]
pub struct Import {
    scope: Scope,
    origin: Origin,
    id: Uuid,
    lease: Lease,
    /// Ids that are taken and not given yet.
    spare: Range<i64>,
    /// What this request has done.
    counts: Counts,
}

/// A line of an import.
#[derive(Debug)]
pub struct Line {
    /// Where it begins in the body, from 1.
    pub number: i64,
    /// The keyed digest of what it says and the user to be, or the title of what is wrong with it.
    pub read: Result<([u8; 32], Register), &'static str>,
    /// The card that they have, made by its processor, if they have one.
    pub card: Option<ForeignCard>,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// A user, now or when it was sent before; with a card, and what that pays from.
    Registered(UserId, Option<(CardId, BalanceId)>),
    /// Nothing, by a rule.
    Refused(Refusal),
    /// Nothing: what it tells of its card can't be.
    Unfit(Unfit),
    /// Nothing: another line was done in its place before.
    Reused,
    /// Nothing: it couldn't be read.
    Unreadable,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The import.
    pub id: Uuid,
    /// Where it stands.
    pub state: ImportState,
    /// Lines that were answered, by all requests of its key together.
    pub lines: i64,
    /// Of them, those that registered a user.
    pub created: i64,
    /// Of them, those that were refused.
    pub refused: i64,
    /// When its key was sent first.
    pub started_at: Timestamp,
    /// When something of it was done last.
    pub updated_at: Timestamp,
}

/// What is known before a batch is decided.
struct Known {
    /// What became of these places before.
    before: HashMap<i64, imports::Line>,
    /// E-mails and phones that are somebody's, in the forms in which they are compared.
    taken: (HashSet<String>, HashSet<String>),
    /// Indexes of card numbers that are known.
    numbers: HashSet<Vec<u8>>,
}

/// What was found.
struct Hits {
    /// With which lists.
    version: i64,
    /// Of lines with somebody who was found.
    of: HashMap<i64, Looked>,
}

/// What a batch does.
#[derive(Default)]
struct Decided {
    /// What each line became.
    became: Vec<Became>,
    new: Vec<User>,
    /// The places, among the lines, of those who have a card.
    cards: Vec<(usize, UserId)>,
    /// The cards themselves, once they are written.
    made: Vec<Card>,
    keep: Vec<imports::Line>,
    /// Places whose earlier outcome is replaced.
    again: Vec<i64>,
    counts: Counts,
}

impl App {
    /// Begins an import, or goes on with that of the key. One that somebody does is refused.
    pub async fn begin_import(
        &self,
        scope: Scope,
        key: &str,
        origin: Origin,
    ) -> Result<Import, Error> {
        let (now, lease) = (self.now(), self.lease(ids::random_id()));
        let mut tx = self.db.begin().await?;
        let claimed = async {
            imports::insert(&mut tx, scope, (self.ordered_id(), key), now).await?;
            imports::claim(&mut tx, scope, key, lease, now).await
        };
        let claimed = claimed.await;
        let id = tx.end(claimed).await?.ok_or(Refusal::RequestInProgress)?;
        let counts = Counts::default();
        Ok(Import { scope, origin, id, lease, spare: 0..0, counts })
    }

    /// Does lines that follow one another: what became of each. On an error none of them is done.
    pub async fn import_users(
        &self,
        import: &mut Import,
        lines: &[Line],
    ) -> Result<Vec<Became>, Error> {
        let hits = self.hits_of(import.scope, lines).await?;
        let ready = self.ready(import.scope, lines).await?;
        for again in 1..TRIES {
            match self.try_lines(import, lines, (&hits, &ready)).await {
                Ok(Some(became)) => return Ok(became),
                Ok(None) | Err(Error::Unavailable(..)) => tokio::time::sleep(PAUSE * again).await,
                Err(error @ (Error::Refused(_) | Error::KeyReused | Error::Internal(..))) => {
                    return Err(error);
                }
            }
        }
        let became = self.try_lines(import, lines, (&hits, &ready)).await?;
        became.ok_or(Error::Unavailable("the database", None))
    }

    /// Who of the lists those may be who are to be registered, by line: looked for before a
    /// transaction begins, since it takes longer than writing them.
    async fn hits_of(&self, scope: Scope, lines: &[Line]) -> Result<Hits, Error> {
        let version = self.lists_version();
        if !self.screens() {
            return Ok(Hits { version, of: HashMap::new() });
        }
        let read = lines.iter().filter_map(|line| Some((line.number, line.read.as_ref().ok()?)));
        let named: Vec<_> = read.map(|(number, (_, it))| (number, it.profile.clone())).collect();
        let app = self.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let hits = named.iter().map(|(line, it)| (*line, app.look_for_user(scope, it)));
            hits.filter(|(_, looked)| !looked.cases.is_empty()).collect()
        });
        let of = looked.await.map_err(|_| Error::broken("a name can't be looked for"))?;
        Ok(Hits { version, of })
    }

    /// Keeps an import that waits for its caller, and so does nothing.
    pub async fn hold_import(&self, import: &mut Import) -> Result<(), Error> {
        self.import_users(import, &[]).await.map(|_| ())
    }

    /// Ends an import, so that another request can go on with it at once.
    pub async fn end_import(&self, import: Import, state: ImportState) -> Result<(), Error> {
        let Import { scope, id, lease, counts, .. } = import;
        let Counts { lines, created, refused } = counts;
        let import = id.to_string();
        tracing::info!(import, state = state.as_str(), lines, created, refused, "import ended");
        let mut tx = self.db.begin().await?;
        let ended = imports::end(&mut tx, scope, (id, lease.holder), state, self.now()).await;
        Ok(tx.end(ended).await?)
    }

    /// How far the import of a key is.
    pub async fn import_progress(&self, scope: Scope, key: &str) -> Result<Progress, Error> {
        let mut tx = self.db.read().await?;
        let found = imports::find(&mut tx, scope, key).await;
        let found = tx.end(found).await?.ok_or(Refusal::ImportNotFound)?;
        let is_over = |until| until <= self.outbox.now();
        let state = match (found.state, found.claimed_until) {
            // Whoever did it is gone and couldn't say so.
            (ImportState::Running, until) if until.is_none_or(is_over) => ImportState::Broken,
            (state, _) => state,
        };
        let Counts { lines, created, refused } = found.counts;
        let (started_at, updated_at) = (found.started_at, found.updated_at);
        Ok(Progress { id: found.id, state, lines, created, refused, started_at, updated_at })
    }

    /// A lease from now on, by the clock that all nodes have.
    fn lease(&self, holder: Uuid) -> Lease {
        let from = self.outbox.now();
        Lease { holder, from, until: from.checked_add(LEASE).unwrap_or(Timestamp::MAX) }
    }

    /// One try: nothing if others registered the same users meanwhile.
    async fn try_lines(
        &self,
        import: &mut Import,
        lines: &[Line],
        (hits, ready): (&Hits, &HashMap<i64, Ready>),
    ) -> Result<Option<Vec<Became>>, Error> {
        let needed = i64::try_from(lines.len()).unwrap_or(i64::MAX);
        if import.spare.end - import.spare.start < needed {
            import.spare = self.new_user_ids(IDS.max(needed)).await?;
        }
        let lease = self.lease(import.lease.holder);
        let mut tx = self.db.begin().await?;
        match self.lines_in(&mut tx, import, lease, (lines, hits, ready)).await {
            Ok(Some(decided)) => {
                tx.commit().await?;
                self.outbox.bell().ring();
                import.lease = lease;
                import.counts.lines += decided.counts.lines;
                import.counts.created += decided.counts.created;
                import.counts.refused += decided.counts.refused;
                Ok(Some(decided.became))
            }
            Ok(None) => {
                tx.rollback().await;
                Ok(None)
            }
            Err(error) => {
                tx.rollback().await;
                Err(error)
            }
        }
    }

    async fn lines_in(
        &self,
        tx: &mut Tx,
        import: &mut Import,
        lease: Lease,
        (lines, hits, ready): (&[Line], &Hits, &HashMap<i64, Ready>),
    ) -> Result<Option<Decided>, Error> {
        let (scope, id, now) = (import.scope, import.id, self.now());
        // First, since it locks: what is read after that stays so.
        let is_old = lease.from.duration_since(import.lease.from) > RENEWED_AFTER;
        let is_counted = !lines.is_empty();
        if (is_old || is_counted)
            && !imports::advance(tx, scope, id, lease, (Counts::default(), now)).await?
        {
            return Err(Refusal::RequestInProgress.into());
        }
        let known = known(tx, (scope, id), (lines, ready)).await?;
        // An id that may have been given isn't given again, whatever comes of the commit.
        let spare = &mut import.spare;
        let mut next_id = || spare.next().map(UserId).ok_or(Error::broken("ids have run out"));
        let mut decided = decide((lines, ready), known, &mut next_id, |command| {
            self.may_set_kyc(scope, command.kyc).err()
        })?;
        // Others may insert the same: all do so in one order.
        decided.new.sort_by_cached_key(|user| user.profile.email.folded());
        let new = users::insert_all(tx, scope, decided.new.iter(), now).await?;
        if new != decided.new.len() as u64 {
            return Ok(None);
        }
        let entry = |user| self.registered(scope, user);
        let entries: Vec<Entry> = decided.new.iter().map(entry).collect();
        self.record_all(tx, scope.partner(), &import.origin, entries).await?;
        if !self.take_over(tx, import, (lines, ready), &mut decided).await? {
            return Ok(None);
        }
        imports::keep(tx, scope, id, (&decided.keep, &decided.again), now).await?;
        if is_counted {
            imports::advance(tx, scope, id, lease, (decided.counts, now)).await?;
        }
        self.follow(tx, import, &decided, hits).await?;
        Ok(Some(decided))
    }
}

impl App {
    /// What follows from users being there, last: who is found on a list is told of, and numbers of
    /// what partners are told are those of their purchases too.
    async fn follow(
        &self,
        tx: &mut Tx,
        import: &Import,
        decided: &Decided,
        hits: &Hits,
    ) -> Result<(), Error> {
        let scope = import.scope;
        let Some(first) = decided.new.iter().map(|user| user.id).min() else { return Ok(()) };
        let mut entries = Vec::new();
        for user in &decided.new {
            entries.extend(self.balance_of_verified(tx, scope, user, Kyc::None).await?);
        }
        self.note_version(tx, scope, (first.into(), hits.version)).await?;
        self.tell_of_passed_cards(tx, scope, &decided.made).await?;
        for line in &decided.keep {
            if let (Some(user), Some(looked)) = (line.user, hits.of.get(&line.line)) {
                let found = (user.into(), user.into(), looked);
                let request_id = &import.origin.request_id;
                entries.extend(self.keep_new_hits(tx, scope, found, request_id).await?);
            }
        }
        self.record_all(tx, scope.partner(), &import.origin, entries).await
    }
}

/// What there is to know of lines before they are decided.
async fn known(
    tx: &mut Tx,
    (scope, id): (Scope, Uuid),
    (lines, ready): (&[Line], &HashMap<i64, Ready>),
) -> Result<Known, Error> {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return Ok(Known {
            before: HashMap::new(),
            taken: Default::default(),
            numbers: HashSet::new(),
        });
    };
    let before = imports::lines(tx, scope, id, first.number..=last.number).await?;
    let before: HashMap<i64, _> = before.into_iter().map(|line| (line.line, line)).collect();
    let is_done = |number| {
        let before: Option<&imports::Line> = before.get(&number);
        before.is_some_and(|before| before.fingerprint.is_some())
    };
    let open = lines.iter().filter(|line| !is_done(line.number));
    let open = open.filter_map(|line| line.read.as_ref().ok());
    let named = |(_, command): &([u8; 32], Register)| {
        let profile = &command.profile;
        (profile.email.folded(), profile.phone.digits().to_owned())
    };
    let (emails, phones): (Vec<String>, Vec<String>) = open.map(named).unzip();
    let taken = users::taken(tx, scope, (&emails, &phones)).await?;
    let made = ready.values().filter_map(|ready| ready.as_ref().ok());
    let numbers: Vec<Number> = made.map(|new| (scope.partner(), new.pan.index.clone())).collect();
    let numbers = store::cards::routes(tx, numbers.iter()).await?;
    let numbers = numbers.into_iter().map(|((_, index), _)| index).collect();
    Ok(Known { before, taken, numbers })
}

/// What becomes of lines: each is refused for what those before it have registered too.
fn decide(
    (lines, ready): (&[Line], &HashMap<i64, Ready>),
    known: Known,
    next_id: &mut impl FnMut() -> Result<UserId, Error>,
    refused: impl Fn(&Register) -> Option<Refusal>,
) -> Result<Decided, Error> {
    let Known { before, taken: (mut emails, mut phones), mut numbers } = known;
    let mut decided = Decided::default();
    for (place, line) in lines.iter().enumerate() {
        let before = before.get(&line.number);
        let (fingerprint, command) = match &line.read {
            Ok(read) => read,
            Err(title) => {
                decided.became.push(Became::Unreadable);
                if before.is_none() {
                    decided.refuse(line.number, None, title);
                }
                continue;
            }
        };
        if let Some((done, before)) = before.and_then(|it| Some((it.fingerprint.as_ref()?, it))) {
            let same = done.as_slice() == fingerprint;
            decided.became.push(if same { told_before(before)? } else { Became::Reused });
            continue;
        }
        let profile = &command.profile;
        let (email, phone) = (profile.email.folded(), profile.phone.digits());
        let card = ready.get(&line.number).map(Result::as_ref).transpose();
        let is_taken = emails.contains(&email) || phones.contains(phone);
        let is_known = |new: Option<&New>| new.is_some_and(|it| numbers.contains(&it.pan.index));
        let wrong = match (refused(command), card) {
            (Some(refusal), _) => Some(Why::Refused(refusal)),
            (None, Err(why)) => Some(*why),
            (None, Ok(_)) if is_taken => Some(Why::Refused(Refusal::UserAlreadyExists)),
            (None, Ok(new)) => is_known(new).then_some(Why::Refused(Refusal::CardAlreadyExists)),
        };
        if before.is_some() {
            decided.again.push(line.number);
            decided.counts.lines -= 1;
            decided.counts.refused -= 1;
        }
        if let Some(why) = wrong {
            decided.refuse_for(why, line.number, fingerprint);
            continue;
        }
        emails.insert(email);
        phones.insert(phone.to_owned());
        let user = command.clone().into_user(next_id()?);
        if let Ok(Some(new)) = card {
            numbers.insert(new.pan.index.clone());
            decided.cards.push((place, user.id));
        }
        decided.register(line.number, fingerprint, user);
    }
    Ok(decided)
}

/// What a line that was done became then.
fn told_before(before: &imports::Line) -> Result<Became, Error> {
    let unreadable = || Error::broken("what became of a line can't be read");
    match (before.user, &before.refusal) {
        (Some(user), _) => Ok(Became::Registered(user, before.card)),
        (None, Some(title)) => Refusal::of_title(title).map(Became::Refused).ok_or_else(unreadable),
        (None, None) => Err(unreadable()),
    }
}

impl Decided {
    /// A line that can't be done. What is wrong with a card may be corrected, and what it needs may
    /// be there later.
    fn refuse_for(&mut self, why: Why, line: i64, fingerprint: &[u8; 32]) {
        match why {
            Why::Refused(refusal) => {
                self.became.push(Became::Refused(refusal));
                let may_change = [Refusal::KycNotVerified, Refusal::ProgramNotFound];
                let is_kept = refusal.is_kept() && !may_change.contains(&refusal);
                let kept = is_kept.then_some(fingerprint);
                self.refuse(line, kept, refusal.title());
            }
            Why::Unfit(unfit) => {
                self.became.push(Became::Unfit(unfit));
                self.refuse(line, None, UNFIT);
            }
        }
    }

    /// Tells of a line which card it has become, and what that pays from.
    fn with_card(&mut self, place: usize, line: i64, card: (CardId, BalanceId)) {
        if let Some(Became::Registered(_, of)) = self.became.get_mut(place) {
            *of = Some(card);
        }
        if let Some(kept) = self.keep.iter_mut().find(|kept| kept.line == line) {
            kept.card = Some(card);
        }
    }

    fn refuse(&mut self, line: i64, fingerprint: Option<&[u8; 32]>, title: &str) {
        let fingerprint = fingerprint.map(|digest| digest.to_vec());
        let refusal = Some(title.to_owned());
        self.keep.push(imports::Line { line, fingerprint, user: None, card: None, refusal });
        self.counts.lines += 1;
        self.counts.refused += 1;
    }

    fn register(&mut self, line: i64, fingerprint: &[u8; 32], user: User) {
        let (fingerprint, id) = (Some(fingerprint.to_vec()), user.id);
        let (user_id, card, refusal) = (Some(id), None, None);
        self.keep.push(imports::Line { line, fingerprint, user: user_id, card, refusal });
        self.new.push(user);
        self.became.push(Became::Registered(id, None));
        self.counts.lines += 1;
        self.counts.created += 1;
    }
}

#[cfg(test)]
mod tests;
