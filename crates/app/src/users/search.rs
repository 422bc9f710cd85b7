//! Look for users: newest first, or by what somebody typed (rules, "Search in the panel").

use crate::page::Page;
use crate::refusals::Refusal;
use crate::{App, Error};
use crypto::encoding::{from_url_safe, url_safe};
use domain::ids::UserId;
use domain::scope::Scope;
use domain::search::{LastFour, Meant, NameWay, Names};
use domain::user::{Kyc, UserState};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;
use store::StoreError;
use store::db::Tx;
use store::users::search::{self, Known, Passed};
use store::users::{self, Key};

/// How many users a page passes at most, as a history's does: the next goes on there.
const PASSED_MAX: usize = 10_000;
/// How many are passed by one statement, where only some of them are asked for.
const STRETCH: i64 = 1_000;
/// How many users' names are written by one commit.
const FOLDED_AT_ONCE: i64 = 200;
/// Between two commits others have the writer.
const PAUSE: Duration = Duration::from_millis(50);

/// Which users are asked for: those of whom all that is named is true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Whom this may mean; everybody, newest first, where it isn't there.
    pub meant: Option<Meant>,
    /// Who stands so now.
    pub state: Option<UserState>,
    /// Whose KYC is so now.
    pub kyc: Option<Kyc>,
}

/// A place among those that are found: the user whom a page comes after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// By which name they were found, where they were found by one.
    name: Option<String>,
    /// Their id.
    id: UserId,
}

impl Place {
    /// Reads one as it is written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, name) = match text.split_once('.') {
            None => (text, None),
            Some((id, name)) => (id, Some(String::from_utf8(from_url_safe(name)?).ok()?)),
        };
        let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        // PostgreSQL keeps no text that has one.
        let can_be = is_number && name.as_ref().is_none_or(|name| !name.contains('\0'));
        can_be.then_some(())?;
        Some(Self { name, id: UserId(id.parse().ok()?) })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.0.fmt(f)?;
        match &self.name {
            None => Ok(()),
            Some(name) => write!(f, ".{}", url_safe(name.as_bytes())),
        }
    }
}

impl Search {
    /// Whether a place is one of what is asked for.
    #[must_use]
    pub fn has(&self, place: &Place) -> bool {
        matches!(self.meant, Some(Meant::Name(_))) == place.name.is_some()
    }

    fn wants(&self, passed: &Passed) -> bool {
        self.state.is_none_or(|state| passed.state == state)
            && self.kyc.is_none_or(|kyc| passed.kyc == kyc)
    }
}

impl App {
    /// A page of users. It has fewer than asked for, even none, where so few are among the many
    /// that it passed; what comes next tells whether it is the last.
    pub async fn search_users(
        &self,
        scope: Scope,
        asked: &Search,
        after: Option<Place>,
        limit: i64,
    ) -> Result<Page<Known, Place>, Error> {
        let mut tx = self.db.read().await?;
        let page = page(&mut tx, scope, asked, after, limit).await;
        Ok(tx.end(page).await?)
    }

    /// A user with what is known beside the profile.
    pub async fn known_user(&self, scope: Scope, id: UserId) -> Result<Known, Error> {
        let mut tx = self.db.read().await?;
        let found = search::load(&mut tx, scope, std::iter::once(id)).await;
        Ok(tx.end(found).await?.pop().ok_or(Refusal::CustomerNotFound)?)
    }

    async fn has_unfolded(&self, scope: Scope) -> Result<bool, Error> {
        let mut tx = self.db.read().await?;
        let found = search::is_any_unfolded(&mut tx, scope).await;
        Ok(tx.end(found).await?)
    }

    /// Writes the names, as they are compared, of users whom an earlier release has registered;
    /// how many.
    pub async fn fold_names(&self) -> Result<usize, Error> {
        let settings = self.settings.get();
        let mut count = 0;
        for partner in settings.partners() {
            let scope = Scope::platform(partner.id, "names of an earlier release are folded");
            // Mostly there is nothing: the writer isn't asked for that.
            while self.has_unfolded(scope).await? && !self.tasks.is_stopping() {
                let mut tx = self.db.begin().await?;
                let folded = search::fold(&mut tx, scope, FOLDED_AT_ONCE).await;
                count += tx.end(folded).await?;
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(count)
    }
}

async fn page(
    tx: &mut Tx,
    scope: Scope,
    asked: &Search,
    after: Option<Place>,
    limit: i64,
) -> Result<Page<Known, Place>, StoreError> {
    let (found, next) = match Way::to(tx, scope, asked).await? {
        None => (Vec::new(), None),
        Some(way) => walk(tx, scope, (asked, &way), after, limit).await?,
    };
    let known = search::load(tx, scope, found.iter().copied()).await?;
    let mut known: HashMap<UserId, Known> =
        known.into_iter().map(|known| (known.user.id, known)).collect();
    Ok(Page { items: found.iter().filter_map(|id| known.remove(id)).collect(), next })
}

/// Which way a walk goes.
enum Way<'a> {
    /// From the newest to the oldest.
    Newest,
    /// Along names, by the first of somebody's that leads there.
    Names(&'a [NameWay]),
    /// Past those who were found, and those who have a card of these last digits, by id.
    Ids(BTreeSet<UserId>, Option<LastFour>),
}

/// A part of a walk.
struct Stretch {
    /// Who is passed, in order; nobody where they come elsewhere too, or are gone.
    passed: Vec<(Place, Option<Passed>)>,
    /// Whether there may be more.
    more: bool,
}

impl<'a> Way<'a> {
    /// The way to what is asked for, if that can be found at all.
    async fn to(tx: &mut Tx, scope: Scope, asked: &'a Search) -> Result<Option<Self>, StoreError> {
        Ok(Some(match &asked.meant {
            None => Self::Newest,
            Some(Meant::Nothing) => return Ok(None),
            Some(Meant::Name(ways)) => Self::Names(ways),
            Some(Meant::Email(email)) => {
                let found = users::list_by(tx, scope, &Key::Email(email.clone())).await?;
                Self::Ids(found.iter().map(|user| user.id).collect(), None)
            }
            Some(Meant::Number { id, phone, last_four }) => {
                let mut ids: BTreeSet<UserId> = id.iter().copied().collect();
                if let Some(phone) = phone {
                    let found = users::list_by(tx, scope, &Key::Phone(phone.clone())).await?;
                    ids.extend(found.iter().map(|user| user.id));
                }
                Self::Ids(ids, *last_four)
            }
        }))
    }

    /// Where it begins.
    fn begin(&self) -> Place {
        match self {
            Self::Newest => Place { name: None, id: UserId(i64::MAX) },
            Self::Names(_) => Place { name: Some(String::new()), id: UserId(0) },
            Self::Ids(..) => Place { name: None, id: UserId(0) },
        }
    }

    /// Whether it passes many who aren't meant: those of whose names only one begins so.
    fn passes_others(&self) -> bool {
        match self {
            Self::Newest | Self::Ids(..) => false,
            Self::Names(ways) => ways.iter().any(|way| !way.other.is_empty()),
        }
    }

    /// A stretch of it that begins after a place.
    async fn stretch(
        &self,
        tx: &mut Tx,
        scope: Scope,
        after: &Place,
        length: i64,
    ) -> Result<Stretch, StoreError> {
        match self {
            Self::Newest => {
                let passed = search::walk(tx, scope, after.id, length).await?;
                let more = is_full(passed.len(), length);
                let at = |passed: Passed| (Place { name: None, id: passed.id }, Some(passed));
                Ok(Stretch { passed: passed.into_iter().map(at).collect(), more })
            }
            Self::Names(ways) => along_names(tx, scope, ways, after, length).await,
            Self::Ids(ids, last_four) => {
                past_ids(tx, scope, (ids, *last_four), after.id, length).await
            }
        }
    }
}

/// Goes on until as many are found as are asked for, or as many were passed as may be.
async fn walk(
    tx: &mut Tx,
    scope: Scope,
    (asked, way): (&Search, &Way<'_>),
    after: Option<Place>,
    limit: i64,
) -> Result<(Vec<UserId>, Option<Place>), StoreError> {
    let mut place = after.unwrap_or_else(|| way.begin());
    let wants_all = asked.state.is_none() && asked.kyc.is_none() && !way.passes_others();
    let length = if wants_all { limit + 1 } else { STRETCH };
    let wanted = usize::try_from(limit).unwrap_or(0);
    let (mut found, mut count) = (Vec::new(), 0);
    loop {
        let Stretch { passed, more } = way.stretch(tx, scope, &place, length).await?;
        count += passed.len();
        for (at, passed) in passed {
            if let Some(passed) = passed.filter(|passed| asked.wants(passed)) {
                if found.len() == wanted {
                    return Ok((found, Some(place)));
                }
                found.push(passed.id);
            }
            place = at;
        }
        if !more || count >= PASSED_MAX {
            return Ok((found, more.then_some(place)));
        }
    }
}

/// A stretch of several ways along names as one: no further than each of them was read. Whoever is
/// on several is passed once, where the first of their names leads there.
async fn along_names(
    tx: &mut Tx,
    scope: Scope,
    ways: &[NameWay],
    after: &Place,
    length: i64,
) -> Result<Stretch, StoreError> {
    let name = after.name.as_deref().unwrap_or_default();
    let mut all: BTreeMap<(String, UserId), (Passed, Names)> = BTreeMap::new();
    let mut read_to: Option<(String, UserId)> = None;
    for way in ways {
        let (along, begins) = (way.along, way.begins.as_str());
        let from = (name, after.id);
        let rows = search::walk_names(tx, scope, (along, begins), from, length).await?;
        let is_full = is_full(rows.len(), length);
        let key = |(passed, names): &(Passed, Names)| (way.name(names).to_owned(), passed.id);
        if let Some(last) = rows.last().filter(|_| is_full).map(key) {
            read_to = Some(read_to.map_or(last.clone(), |read| read.min(last)));
        }
        all.extend(rows.into_iter().map(|row| (key(&row), row)));
    }
    let is_near = |at: &(String, UserId)| read_to.as_ref().is_none_or(|end| at <= end);
    let near = all.into_iter().filter(|(at, _)| is_near(at));
    let passed = near.map(|((name, id), (passed, names))| {
        let first = ways.iter().filter_map(|way| way.leads_to(&names)).min();
        let here = first == Some(name.as_str());
        (Place { name: Some(name), id }, here.then_some(passed))
    });
    Ok(Stretch { passed: passed.collect(), more: read_to.is_some() })
}

/// A stretch past users by id: those of some ids, and those who have a card of these last digits.
async fn past_ids(
    tx: &mut Tx,
    scope: Scope,
    (ids, last_four): (&BTreeSet<UserId>, Option<LastFour>),
    after: UserId,
    length: i64,
) -> Result<Stretch, StoreError> {
    let holders = match last_four {
        None => Vec::new(),
        Some(digits) => search::walk_last_four(tx, scope, digits.as_str(), after, length).await?,
    };
    let read_to = holders.last().copied().filter(|_| is_full(holders.len(), length));
    let is_near = |id: &UserId| *id > after && read_to.is_none_or(|end| *id <= end);
    let near = ids.iter().copied().filter(is_near).chain(holders.iter().copied());
    let near: BTreeSet<UserId> = near.collect();
    let known = search::load(tx, scope, near.iter().copied()).await?;
    let known: HashMap<UserId, Known> = known.into_iter().map(|it| (it.user.id, it)).collect();
    let passed = near.into_iter().map(|id| {
        let passed = known.get(&id).map(|Known { user, .. }| Passed {
            id,
            state: user.state,
            kyc: user.kyc,
        });
        (Place { name: None, id }, passed)
    });
    Ok(Stretch { passed: passed.collect(), more: read_to.is_some() })
}

/// Whether as many were read as could be, so that there may be more.
fn is_full(read: usize, length: i64) -> bool {
    i64::try_from(read).is_ok_and(|count| count >= length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        for (name, id) in [(None, 7), (Some("żółć nowak"), 1), (Some(""), i64::MAX)] {
            let place = Place { name: name.map(str::to_owned), id: UserId(id) };
            assert_eq!(Place::parse(&place.to_string()), Some(place));
        }
        for bad in ["", ".", "x", "-1", "+1", "1.%", "1.AA", ".YQ", "99999999999999999999", "1.2.3"]
        {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }
}
