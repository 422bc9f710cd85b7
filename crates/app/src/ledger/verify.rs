//! The proof that the ledger holds: every account is computed again from movements and holds and
//! compared with what its row says.

use crate::Error;
use domain::ids::PartnerId;
use domain::scope::Scope;
use std::collections::BTreeMap;
use store::books::{Books, books};
use store::db::Db;
use uuid::Uuid;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many balances were computed again.
    pub balances: usize,
    /// What doesn't hold, in words that name the account or transaction.
    pub faults: Vec<String>,
}

impl Report {
    /// Whether the ledger holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Verifies the books of these partners, each in one snapshot.
pub async fn verify(db: &Db, partners: &[PartnerId]) -> Result<Report, Error> {
    let mut report = Report::default();
    for &partner in partners {
        let mut tx = db.read().await?;
        let read = books(&mut tx, Scope::platform(partner, "ledger verify")).await;
        let read = tx.end(read).await?;
        report.balances += read.balances.len();
        report.faults.extend(faults(&read).into_iter().map(|fault| format!("{partner}: {fault}")));
    }
    Ok(report)
}

/// What doesn't hold in these books.
fn faults(books: &Books) -> Vec<String> {
    let mut faults: Vec<String> =
        books.broken.iter().map(|(what, id)| format!("transaction {id}: {what}")).collect();

    // (account, balance, currency) → what moved in less what moved out.
    let mut moved: BTreeMap<(&str, Option<Uuid>, &str), i128> = BTreeMap::new();
    for (sums, sign) in [(&books.moved_in, 1), (&books.moved_out, -1)] {
        for sum in sums {
            let account = (sum.account.as_str(), sum.balance, sum.currency.as_str());
            *moved.entry(account).or_default() += sign * i128::from(sum.sum);
        }
    }
    let mut zero: BTreeMap<&str, i128> = BTreeMap::new();
    for ((_, _, currency), sum) in &moved {
        *zero.entry(currency).or_default() += sum;
    }
    for (currency, sum) in zero.into_iter().filter(|(_, sum)| *sum != 0) {
        faults.push(format!("{currency}: all accounts sum to {sum} instead of zero"));
    }

    let mut held: BTreeMap<Uuid, i128> = BTreeMap::new();
    for (balance, sum) in &books.held {
        match balance {
            Some(id) => *held.entry(*id).or_default() += i128::from(*sum),
            None => faults.push(format!("{sum} is held of no balance")),
        }
    }
    for told in &books.balances {
        let posted = moved.remove(&("balance", Some(told.id), told.currency.as_str()));
        let posted = posted.unwrap_or_default();
        if posted != i128::from(told.posted) {
            let (id, says) = (told.id, told.posted);
            faults.push(format!("balance {id}: posted is {says}, its movements sum to {posted}"));
        }
        let holds = held.remove(&told.id).unwrap_or_default();
        if holds != i128::from(told.held) {
            let (id, says) = (told.id, told.held);
            faults.push(format!("balance {id}: held is {says}, its transactions hold {holds}"));
        }
    }
    for ((account, balance, currency), _) in moved {
        if account == "balance" {
            let id = balance.unwrap_or_default();
            faults.push(format!("balance {id}: it has movements in {currency} but no such row"));
        }
    }
    for (id, _) in held {
        faults.push(format!("balance {id}: it is held of but has no row"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::books::{Moved, Told};

    fn moved(account: &str, balance: Option<Uuid>, sum: i64) -> Moved {
        Moved { account: account.to_owned(), balance, currency: "EUR".to_owned(), sum }
    }

    fn sound() -> Books {
        let id = Uuid::from_u128(1);
        Books {
            balances: vec![Told { id, currency: "EUR".to_owned(), posted: 70, held: 20 }],
            held: vec![(Some(id), 20)],
            moved_out: vec![moved("outside", None, 100), moved("balance", Some(id), 30)],
            moved_in: vec![moved("balance", Some(id), 100), moved("scheme", None, 30)],
            broken: Vec::new(),
        }
    }

    #[test]
    fn sound_books_have_no_fault() {
        assert_eq!(faults(&sound()), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_found_and_names_its_account() {
        let id = Uuid::from_u128(1);
        type Spoil = fn(&mut Books);
        let spoilt: [(Spoil, &str); 7] = [
            (|books| books.balances[0].posted = 71, "posted is 71"),
            (|books| books.balances[0].held = 0, "held is 0"),
            (|books| books.held.clear(), "its transactions hold 0"),
            (|books| books.held.push((None, 1)), "held of no balance"),
            (|books| books.moved_in[1].sum = 29, "sum to -1 instead of zero"),
            (|books| books.balances.clear(), "no such row"),
            (|books| books.broken.push(("it is broken", Uuid::nil())), "it is broken"),
        ];
        for (spoil, word) in spoilt {
            let mut books = sound();
            spoil(&mut books);
            let found = faults(&books);
            assert!(found.iter().any(|fault| fault.contains(word)), "{word}: {found:?}");
        }
        assert!(
            faults(&Books { balances: Vec::new(), ..sound() })
                .iter()
                .any(|fault| fault.contains(&id.to_string()))
        );
    }
}
