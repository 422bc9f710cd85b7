//! The tables of types, channels, amounts and rates.

use super::*;
use crate::fixtures::{NOW, order};
use crate::ids::TransactionId;
use crate::money::{Amount, Currency};
use crate::transaction::Description;
use uuid::Uuid;

fn currency(code: &str) -> Currency {
    Currency::parse(code).expect("a currency")
}

#[test]
fn each_type_of_transaction_is_of_a_type_of_records() {
    use TransactionType as T;
    for (kind, category, reason, record) in [
        (T::Pos, Debit, None, "PURCHASE"),
        (T::CashbackAtPos, Debit, None, "PURCHASE"),
        (T::Aft, Debit, None, "PURCHASE"),
        (T::Atm, Debit, None, "WITHDRAWAL"),
        (T::Pos, Credit, None, "REFUND"),
        (T::Atm, Credit, None, "REFUND"),
        (T::Adjustment, Credit, None, "REFUND"),
        (T::Adjustment, Credit, Some("Refund"), "REFUND"),
        (T::Adjustment, Credit, Some("MONEY_SEND"), "PAYMENT"),
        (T::Pos, Credit, Some("PAYOUT"), "PAYMENT"),
        (T::Aft, Credit, None, "PAYMENT"),
        (T::Adjustment, Debit, None, "ADJUSTMENT"),
        (T::BalanceInquiry, Debit, None, "BALANCE_INQUIRY"),
        (T::TopUp, Credit, None, "PAYMENT"),
        (T::Payment, Credit, None, "PAYMENT"),
        (T::Loan, Credit, None, "PAYMENT"),
        (T::Cashback, Credit, None, "PAYMENT"),
        (T::CreditIbanTransfer, Credit, None, "PAYMENT"),
        (T::InterchangeCredit, Credit, None, "PAYMENT"),
        (T::CollateralCredit, Credit, None, "PAYMENT"),
        (T::CompanyCredit, Credit, None, "PAYMENT"),
        (T::IbanTechnicalCredit, Credit, None, "PAYMENT"),
        (T::Withdrawal, Debit, None, "WITHDRAWAL"),
        (T::CollateralDebit, Debit, None, "WITHDRAWAL"),
        (T::CompanyDebit, Debit, None, "WITHDRAWAL"),
        (T::IbanTechnicalDebit, Debit, None, "WITHDRAWAL"),
        (T::Funding, Debit, None, "FUNDING"),
        (T::Commission, Debit, None, "COMMISSION"),
        (T::Interest, Debit, None, "INTEREST"),
        (T::Fee, Debit, None, "FEE"),
    ] {
        assert_eq!(RecordType::of(kind, category, reason).as_str(), record, "{kind} {category}");
    }
}

#[test]
fn a_channel_is_how_the_card_was_read() {
    use CaptureMode as M;
    use TransactionType as T;
    for (kind, mode, channel) in [
        (T::Pos, None, Some("POS")),
        (T::Pos, Some(M::Emv), Some("POS")),
        (T::Pos, Some(M::Magstripe), Some("POS")),
        (T::Pos, Some(M::Nfc), Some("CONTACTLESS")),
        (T::Pos, Some(M::Ecom), Some("ECOMMERCE")),
        (T::CashbackAtPos, Some(M::Nfc), Some("CONTACTLESS")),
        (T::Atm, Some(M::Emv), Some("ATM")),
        (T::Adjustment, Some(M::Adj), None),
        (T::TopUp, None, None),
    ] {
        assert_eq!(Channel::of(kind, mode).map(Channel::as_str), channel, "{kind} {mode:?}");
    }
}

#[test]
fn an_amount_is_what_the_transaction_stands_at() {
    use Processing::{Declined, Invalid, Success};
    use Status::{Authorized, Cleared, Reversed};
    for (processing, status, held, cleared, kind, shown) in [
        (Success, Authorized, 2233, 0, RecordType::Purchase, ("AUTHORIZED", 2233)),
        (Success, Authorized, 1000, 500, RecordType::Purchase, ("AUTHORIZED", 1500)),
        (Success, Cleared, 0, 2500, RecordType::Purchase, ("CLEARED", 2500)),
        (Success, Reversed, 0, 0, RecordType::Purchase, ("REVERSED", 0)),
        (Success, Authorized, 0, 2233, RecordType::Refund, ("AUTHORIZED", -2233)),
        (Success, Reversed, 0, 0, RecordType::Refund, ("REVERSED", 0)),
        (Success, Cleared, 0, 900, RecordType::Payment, ("CLEARED", -900)),
        (Declined, Authorized, 0, 0, RecordType::Purchase, ("DECLINED", 2233)),
        (Declined, Authorized, 0, 0, RecordType::Refund, ("DECLINED", -2233)),
        (Invalid, Reversed, 0, 0, RecordType::Refund, ("DECLINED", -2233)),
    ] {
        let of = |minor| Amount::from_minor(minor).expect("an amount");
        let found = Transaction {
            held: of(held),
            cleared: of(cleared),
            ..Transaction::turned_away(
                TransactionId(Uuid::nil()),
                order(2233),
                status,
                processing,
                Description::Approved,
                NOW,
            )
        };
        let found = (RecordStatus::of(&found).as_str(), amount(&found, kind));
        assert_eq!(found, shown, "{processing} {status} {kind}");
    }
    assert_eq!(RecordType::Refund.signed(i64::MIN), i64::MAX);
}

#[test]
fn a_rate_is_the_networks_or_what_was_paid_over_what_was_billed() {
    // Merchant's currency and amount, billed, the network's rate.
    for (code, original, billed, sent, rate) in [
        (None, None, 2233, None, None),
        (None, None, 2233, Some("34.05"), None),
        (Some("EUR"), Some(2233), 2233, Some("1"), None),
        (Some("THB"), Some(76_000), 2233, Some("34.053252272342"), Some("34.053252272342")),
        (Some("THB"), None, 2233, Some("034.0500"), Some("34.05")),
        (Some("THB"), None, 2233, Some("00"), Some("0")),
        (Some("THB"), Some(76_000), 2233, None, Some("34.034930586655")),
        (Some("PLN"), Some(430), 100, None, Some("4.3")),
        (Some("PLN"), Some(400), 100, None, Some("4")),
        // Yen have no minor unit, dinars have three digits of it.
        (Some("JPY"), Some(160), 100, None, Some("160")),
        (Some("KWD"), Some(1_000), 300, None, Some("0.333333333333")),
        (Some("USD"), Some(2), 3, None, Some("0.666666666667")),
        (Some("USD"), Some(i64::MAX), 1, None, Some("9223372036854775807")),
        (Some("UYW"), Some(1), i64::MAX, None, None),
        (Some("THB"), None, 2233, None, None),
        (Some("THB"), Some(76_000), 0, None, None),
        (Some("THB"), Some(-1), 2233, None, None),
    ] {
        let order = Order {
            original_currency: code.map(currency),
            original_amount: original,
            conversion_rate: sent.map(str::to_owned),
            ..order(billed)
        };
        assert_eq!(
            exchange_rate(&order).as_deref(),
            rate,
            "{code:?} {original:?} {billed} {sent:?}"
        );
    }
}
