//! Look for balances: by what somebody typed, or all of them in the order of their ids.

use crate::owners::OwnerName;
use crate::page::Page;
use crate::{App, Error};
use domain::balance::{Balance, BalanceState, Owner};
use domain::ids::{BalanceId, UserId};
use domain::money::Currency;
use domain::scope::Scope;
use store::db::Tx;
use store::{balances, corporations, users};
use uuid::Uuid;

/// How many balances a page passes at most: the next goes on there.
const PASSED_MAX: usize = 10_000;
/// How many are passed by one statement, where only some of them are asked for.
const STRETCH: i64 = 1_000;

/// Whose balances, or which, a text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    /// A user's, by their id.
    User(UserId),
    /// The balance of this id, or those of the corporation of this `dcCorporationId`.
    Named(Uuid),
    /// None that there could be.
    Nothing,
}

impl Meant {
    /// What a text means.
    #[must_use]
    pub fn by(text: &str) -> Self {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match (text.parse::<i64>(), Uuid::try_parse(text)) {
            (Ok(id), _) if digits => Self::User(UserId(id)),
            (_, Ok(id)) => Self::Named(id),
            _ => Self::Nothing,
        }
    }
}

/// Which balances of users and corporations are asked for: those of which all that is named is
/// true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Which this may mean; all, where it isn't there.
    pub meant: Option<Meant>,
    /// In which currency.
    pub currency: Option<Currency>,
    /// How they stand now.
    pub state: Option<BalanceState>,
}

impl Asked {
    fn wants(&self, balance: &Balance) -> bool {
        balance.owner.id().is_some()
            && balance.state.is_there()
            && self.currency.is_none_or(|currency| balance.currency == currency)
            && self.state.is_none_or(|state| balance.state == state)
    }
}

/// A balance, and whose it is; nobody's who was removed.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The balance.
    pub balance: Balance,
    /// Whose.
    pub owner: Option<OwnerName>,
}

impl App {
    /// A page of balances. It has fewer than asked for, even none, where so few are among the many
    /// that it passed; what comes next tells whether it is the last.
    pub async fn look_for_balances(
        &self,
        scope: Scope,
        asked: Asked,
        after: Option<BalanceId>,
        limit: i64,
    ) -> Result<Page<Listed, Uuid>, Error> {
        let mut tx = self.db.read().await?;
        let page = page(&mut tx, scope, asked, after, limit).await;
        tx.end(page).await
    }

    /// Whose a balance is: how the wire names them, and for people a user's given and family name,
    /// or the corporation's. Nobody where it is the partner's own, no name where they were removed.
    pub async fn owner_of_balance(
        &self,
        scope: Scope,
        owner: Owner,
    ) -> Result<Option<(OwnerName, String)>, Error> {
        let mut tx = self.db.read().await?;
        let found = async {
            let Some(name) = named(&mut tx, scope, owner).await? else { return Ok(None) };
            Ok(Some((name, for_people(&mut tx, scope, owner).await?)))
        };
        let found = found.await;
        tx.end(found).await
    }
}

async fn for_people(tx: &mut Tx, scope: Scope, owner: Owner) -> Result<String, Error> {
    let name = match owner {
        Owner::User(id) => {
            let user = users::find(tx, scope, id).await?;
            user.map(|it| format!("{} {}", it.profile.first_name, it.profile.last_name))
        }
        Owner::Corporation(id) => {
            let found = corporations::find_by_id(tx, scope, id).await?;
            found.map(|it| it.corporation.profile.name)
        }
        Owner::Partner(_) => None,
    };
    Ok(name.unwrap_or_default())
}

async fn page(
    tx: &mut Tx,
    scope: Scope,
    asked: Asked,
    after: Option<BalanceId>,
    limit: i64,
) -> Result<Page<Listed, Uuid>, Error> {
    let after = after.unwrap_or(BalanceId(Uuid::nil()));
    let (found, next) = match asked.meant {
        None => walk(tx, scope, asked, after, limit).await?,
        Some(meant) => {
            let mut found = meant_by(tx, scope, meant).await?;
            found.retain(|balance| asked.wants(balance) && balance.id.0 > after.0);
            found.sort_by_key(|balance| balance.id.0);
            let page = Page::of(found, limit, |balance| balance.id.0);
            (page.items, page.next)
        }
    };
    let mut items = Vec::new();
    for balance in found {
        let owner = named(tx, scope, balance.owner).await?;
        items.push(Listed { balance, owner });
    }
    Ok(Page { items, next })
}

/// Goes on until as many are found as are asked for, or as many were passed as may be.
async fn walk(
    tx: &mut Tx,
    scope: Scope,
    asked: Asked,
    mut place: BalanceId,
    limit: i64,
) -> Result<(Vec<Balance>, Option<Uuid>), Error> {
    let wants_all = asked == Asked::default();
    let length = if wants_all { limit + 1 } else { STRETCH };
    let wanted = usize::try_from(limit).unwrap_or(0);
    let (mut found, mut count) = (Vec::new(), 0);
    loop {
        let passed = balances::walk(tx, scope, place, length).await?;
        let more = i64::try_from(passed.len()).is_ok_and(|read| read >= length);
        count += passed.len();
        for balance in passed {
            let id = balance.id;
            if asked.wants(&balance) {
                if found.len() == wanted {
                    return Ok((found, Some(place.0)));
                }
                found.push(balance);
            }
            place = id;
        }
        if !more || count >= PASSED_MAX {
            return Ok((found, more.then_some(place.0)));
        }
    }
}

async fn meant_by(tx: &mut Tx, scope: Scope, meant: Meant) -> Result<Vec<Balance>, Error> {
    let id = match meant {
        Meant::Nothing => return Ok(Vec::new()),
        Meant::User(id) => return Ok(balances::list(tx, scope, id.into()).await?),
        Meant::Named(id) => id,
    };
    if let Some(found) = balances::find(tx, scope, BalanceId(id)).await? {
        return Ok(vec![found]);
    }
    match corporations::find(tx, scope, id).await? {
        None => Ok(Vec::new()),
        Some(found) => Ok(balances::list(tx, scope, found.corporation.id.into()).await?),
    }
}

/// How the wire names an owner.
async fn named(tx: &mut Tx, scope: Scope, owner: Owner) -> Result<Option<OwnerName>, Error> {
    Ok(match owner {
        Owner::User(id) => Some(OwnerName::User(id)),
        Owner::Corporation(id) => {
            corporations::find_name(tx, scope, id).await?.map(OwnerName::Corporation)
        }
        Owner::Partner(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_means_a_user_or_a_name() {
        let id = "00000000-0000-4000-8000-000000000001";
        for (text, meant) in [
            ("17", Meant::User(UserId(17))),
            ("+17", Meant::Nothing),
            ("-1", Meant::Nothing),
            ("99999999999999999999", Meant::Nothing),
            ("", Meant::Nothing),
            ("savings", Meant::Nothing),
            (id, Meant::Named(Uuid::from_u128(0x4000_8000_0000_0000_0001))),
        ] {
            assert_eq!(Meant::by(text), meant, "{text}");
        }
    }
}
