//! Which accounts an event moves money between (spec "Accounts and legs").

use super::accounts::Accounts;
use super::{Account, Leg};
use crate::balance::{Balance, PartnerBalanceKind};
use crate::ids::BalanceId;
use crate::money::Amount;
use crate::partner::CollateralMode;
use crate::transaction::{Category, Description, TransactionType};

/// How a transaction is backed by a balance of the partner's: it keeps this for life, whatever the
/// partner's settings become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backing {
    /// The mode as of the transaction's first message.
    pub mode: CollateralMode,
    /// The partner's balance that is held and moved with the owner's; `DEPOSIT` only.
    pub balance: Option<BalanceId>,
    /// What is still held of it.
    pub held: Amount,
    /// What has moved of it so far, the way that the transaction's category says.
    pub moved: Amount,
}

impl Backing {
    /// No partner balance takes part.
    pub const NONE: Self =
        Self { mode: CollateralMode::None, balance: None, held: Amount::ZERO, moved: Amount::ZERO };

    /// The backing of a new transaction of the network; under `DEPOSIT` without such a balance it
    /// is the mode alone.
    #[must_use]
    pub fn of(mode: CollateralMode, accounts: &Accounts) -> Self {
        let deposit = match mode {
            CollateralMode::Deposit => accounts.of_kind(PartnerBalanceKind::Deposit),
            CollateralMode::None | CollateralMode::Credit => None,
        };
        Self { mode, balance: deposit.map(|balance| balance.id), ..Self::NONE }
    }
}

/// What an event of the network moves of the owner's balance: where a deposit pays the scheme, the
/// owner pays the partner's books. Without one, whatever the mode, the scheme is paid directly.
/// A balance that the partner holds is in its books already.
#[must_use]
pub fn of_owner(
    own: &Balance,
    deposit: Option<&Balance>,
    way: Category,
    amount: Amount,
) -> Option<Leg> {
    leg(own, if deposit.is_some() { Account::Books } else { Account::Scheme }, way, amount)
}

/// What an event of the network moves of both at once.
#[must_use]
pub fn of_both(
    own: &Balance,
    deposit: Option<&Balance>,
    way: Category,
    amount: Amount,
) -> Vec<Leg> {
    let legs = [of_owner(own, deposit, way, amount), of_partner(deposit, way, amount)];
    legs.into_iter().flatten().collect()
}

/// What an event of the network moves of a balance of the partner's own, if one takes part: of its
/// deposit, or by a difference of exchange rates of its `COMPANY`.
#[must_use]
pub fn of_partner(balance: Option<&Balance>, way: Category, amount: Amount) -> Option<Leg> {
    leg(balance?, Account::Scheme, way, amount)
}

/// Where the money of an internal transaction comes from or goes to. Of a balance that the partner
/// holds only a fee moves anything here.
pub fn other_side(
    own: &Balance,
    kind: TransactionType,
    mode: CollateralMode,
    accounts: &Accounts,
) -> Result<Account, Description> {
    use TransactionType as T;
    if own.is_external() && kind != T::Fee {
        return Ok(Account::Books);
    }
    Ok(match kind {
        T::TopUp | T::Payment | T::Loan | T::Cashback | T::Funding => match mode {
            CollateralMode::None => Account::Outside,
            CollateralMode::Credit => {
                let credit = accounts.of_kind(PartnerBalanceKind::Credit);
                Account::Balance(credit.ok_or(Description::CollateralBalanceNotFound)?.id)
            }
            CollateralMode::Deposit => Account::Books,
        },
        T::Commission | T::Interest => Account::Books,
        T::Fee => {
            let company = accounts.of_kind(PartnerBalanceKind::Company);
            Account::Balance(company.ok_or(Description::BalanceNotFound)?.id)
        }
        T::InterchangeCredit => Account::Scheme,
        T::CreditIbanTransfer
        | T::Withdrawal
        | T::CollateralCredit
        | T::CollateralDebit
        | T::CompanyCredit
        | T::CompanyDebit
        | T::IbanTechnicalCredit
        | T::IbanTechnicalDebit => Account::Outside,
        T::Pos | T::Atm | T::CashbackAtPos | T::Aft | T::BalanceInquiry | T::Adjustment => {
            return Err(Description::UnknownTransactionType);
        }
    })
}

/// The leg between a balance and another account, the way that the balance's owner sees it; none
/// where nothing moves.
#[must_use]
pub fn leg(own: &Balance, other: Account, way: Category, amount: Amount) -> Option<Leg> {
    let own_account = if own.is_external() { Account::Books } else { Account::Balance(own.id) };
    let (from, to) = match way {
        Category::Debit => (own_account, other),
        Category::Credit => (other, own_account),
    };
    (!amount.is_zero() && from != to).then_some(Leg { from, to, amount, currency: own.currency })
}
