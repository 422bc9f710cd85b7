//! A statement as CSV (RFC 4180, UTF-8), for spreadsheets: one line of names, one of what there
//! was, one for each movement, one of what there is.

use app::spreadsheet::{harmless, row};
use app::statements::Statement;
use domain::Timestamp;
use domain::transaction::Category;

/// The names of the columns.
const NAMES: [&str; 9] = [
    "date",
    "transactionId",
    "type",
    "description",
    "externalTransactionId",
    "debit",
    "credit",
    "balance",
    "currency",
];

/// The whole file.
pub(super) fn written(made: &Statement) -> Vec<u8> {
    let currency = made.balance.currency;
    let decimal = |minor| currency.decimal(minor);
    let code = || currency.code().to_owned();
    let mut file = String::new();
    let edge = |day: String, kind: &str, debits, credits, minor| {
        let none = String::new;
        let kind = kind.to_owned();
        [day, none(), kind, none(), none(), debits, credits, decimal(minor), code()]
    };
    row(&mut file, &NAMES.map(str::to_owned));
    let none = String::new;
    row(&mut file, &edge(made.period.from.to_string(), "opening", none(), none(), made.opening));
    for line in &made.lines {
        let amount = decimal(line.amount.minor());
        let (debit, credit) = match line.way {
            Category::Debit => (amount, none()),
            Category::Credit => (none(), amount),
        };
        row(
            &mut file,
            &[
                local(made, line.at),
                line.of.id.0.to_string(),
                line.of.kind.to_string(),
                harmless(&line.of.text),
                harmless(&line.of.network_id),
                debit,
                credit,
                decimal(line.balance),
                code(),
            ],
        );
    }
    let (debits, credits) = (decimal(made.debits), decimal(made.credits));
    row(&mut file, &edge(made.period.to.to_string(), "closing", debits, credits, made.closing));
    file.into_bytes()
}

/// A moment in the partner's time zone, with its offset.
fn local(made: &Statement, at: Timestamp) -> String {
    at.to_zoned(made.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}
