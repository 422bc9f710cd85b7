//! What stands where on the pages of a statement.

use super::font::Font;
use super::sheet::{HEIGHT, MARGIN, RIGHT, Sheet, Style};
use app::statements::{Line, Statement};
use domain::balance::Owner;
use domain::transaction::Category;

const BODY: Style = Style { size: 160, is_bold: false, is_grey: false };
const STRONG: Style = Style { is_bold: true, ..BODY };
const SMALL: Style = Style { size: 140, is_bold: false, is_grey: true };
const TITLE: Style = Style { size: 320, is_bold: true, is_grey: false };
/// From one line of a text to the next.
const LEADING: i32 = 200;
/// What is free between two rows, and beside a column.
const GAP: i32 = 100;
/// Where the facts begin, beside their names.
const FACTS: i32 = MARGIN + 1_900;
/// Where rows begin on a page after the first.
const TOP: i32 = MARGIN + 500;
/// Where rows end.
const BOTTOM: i32 = HEIGHT - MARGIN - 400;
/// Where the foot of a page stands.
const FOOT: i32 = HEIGHT - MARGIN;

/// Where the columns are: the left ends of texts, the right ends of amounts.
struct Columns {
    date: i32,
    kind: i32,
    text: i32,
    text_width: i32,
    amount: i32,
    balance: i32,
}

/// A row of the table: what stands in its columns, the text as lines.
struct Row {
    style: Style,
    date: String,
    kind: String,
    text: Vec<String>,
    amount: String,
    balance: String,
}

impl Row {
    fn height(&self) -> i32 {
        let lines = i32::try_from(self.text.len()).unwrap_or(i32::MAX);
        lines.saturating_mul(LEADING).saturating_add(GAP)
    }
}

/// The streams of all pages.
pub(super) fn sheets(made: &Statement, font: &mut Font) -> Vec<Vec<u8>> {
    let facts = facts(made, font);
    let columns = columns(made, font);
    let rows = rows(made, &columns, font);
    let lines = facts.iter().fold(0, |lines, (_, texts)| lines + texts.len());
    let lines = i32::try_from(lines).unwrap_or(i32::MAX);
    let first = MARGIN.saturating_add(1_500).saturating_add(lines.saturating_mul(LEADING));
    let pages = pages(&rows, first);
    let count = pages.len();
    let foot = foot(made, font);
    let mut sheets = Vec::with_capacity(count);
    for (number, rows) in pages.into_iter().enumerate() {
        let mut sheet = Sheet::new(font);
        let mut y = TOP;
        if number == 0 {
            head(&mut sheet, made, &facts);
            y = first;
        }
        names(&mut sheet, &columns, y);
        for row in rows {
            y = y.saturating_add(row.height());
            write(&mut sheet, row, &columns, y);
        }
        sheet.text(MARGIN, FOOT, SMALL, &foot);
        sheet.text_to(RIGHT, FOOT, SMALL, &format!("{} / {count}", number + 1));
        sheets.push(sheet.finish());
    }
    sheets
}

/// The rows of each page, one page at least. A row that is higher than a page has one alone.
fn pages(rows: &[Row], first: i32) -> Vec<&[Row]> {
    let (mut pages, mut begin, mut y) = (Vec::new(), 0, first);
    for (number, row) in rows.iter().enumerate() {
        if y.saturating_add(row.height()) > BOTTOM && number > begin {
            pages.push(&rows[begin..number]);
            (begin, y) = (number, TOP);
        }
        y = y.saturating_add(row.height());
    }
    pages.push(&rows[begin..]);
    pages
}

/// What the statement is of, and what it comes to.
fn facts(made: &Statement, font: &mut Font) -> Vec<(&'static str, Vec<String>)> {
    let currency = made.balance.currency;
    let money = |minor| format!("{} {currency}", currency.decimal(minor));
    let zone = made.zone.iana_name().unwrap_or("Etc/UTC");
    let whose = match made.balance.owner {
        Owner::User(user) => user.0.to_string(),
        Owner::Corporation(_) => made.corporation.map(|id| id.to_string()).unwrap_or_default(),
        Owner::Partner(kind) => kind.as_str().to_owned(),
    };
    let made_at = made.made_at.to_zoned(made.zone.clone());
    let made_at = made_at.strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
    let made_at = if made.is_final { made_at } else { made_at + " (not final)" };
    [
        ("Owner", format!("{} ({whose})", made.name)),
        ("Balance", made.balance.id.0.to_string()),
        ("Currency", currency.code().to_owned()),
        ("Period", format!("{} \u{2013} {} ({zone})", made.period.from, made.period.to)),
        ("Made at", made_at),
        ("Opening balance", money(made.opening)),
        ("Total credits", money(made.credits)),
        ("Total debits", money(made.debits)),
        ("Closing balance", money(made.closing)),
    ]
    .into_iter()
    .map(|(name, fact)| (name, font.lines(&fact, BODY.size, RIGHT - FACTS)))
    .collect()
}

fn head(sheet: &mut Sheet<'_>, made: &Statement, facts: &[(&str, Vec<String>)]) {
    sheet.text(MARGIN, MARGIN + 200, STRONG, &made.partner);
    sheet.text(MARGIN, MARGIN + 700, TITLE, "Statement");
    let mut y = MARGIN + 850;
    for (name, texts) in facts {
        sheet.text(MARGIN, y.saturating_add(LEADING), SMALL, name);
        for text in texts {
            y = y.saturating_add(LEADING);
            sheet.text(FACTS, y, BODY, text);
        }
    }
}

/// What stands at the foot of each page.
fn foot(made: &Statement, font: &mut Font) -> String {
    let period = format!("{} \u{2013} {}", made.period.from, made.period.to);
    let text = format!("{} \u{b7} {period} \u{b7} {}", made.balance.id.0, made.partner);
    font.lines(&text, SMALL.size, RIGHT - MARGIN - 1_500).swap_remove(0)
}

/// Amounts get the room that they need, the text has what remains.
fn columns(made: &Statement, font: &mut Font) -> Columns {
    let currency = made.balance.currency;
    let mut widest = |name: &str, minors: &mut dyn Iterator<Item = i64>| {
        let name = font.width(name, STRONG.size);
        minors.fold(name, |widest, it| widest.max(font.width(&currency.decimal(it), STRONG.size)))
    };
    let amount = widest("Amount", &mut made.lines.iter().map(signed));
    let balances = made.lines.iter().map(|line| line.balance);
    let balance = widest("Balance", &mut balances.chain([made.opening, made.closing]));
    let date = font.width("2026-11-21 23:59:59", BODY.size);
    let kinds = made.lines.iter().map(|line| font.width(line.of.kind.as_str(), BODY.size));
    let kind = kinds.max().unwrap_or_default();
    let beside = 2 * GAP;
    let kind_at = MARGIN + date + beside;
    let text_at = kind_at.saturating_add(kind).saturating_add(beside);
    let amount_at = RIGHT.saturating_sub(balance).saturating_sub(beside);
    let text_end = amount_at.saturating_sub(amount).saturating_sub(beside);
    Columns {
        date: MARGIN,
        kind: kind_at,
        text: text_at,
        text_width: text_end.saturating_sub(text_at).max(0),
        amount: amount_at,
        balance: RIGHT,
    }
}

fn rows(made: &Statement, columns: &Columns, font: &mut Font) -> Vec<Row> {
    let currency = made.balance.currency;
    let edge = |date: String, text: &str, minor| Row {
        style: STRONG,
        date,
        kind: String::new(),
        text: vec![text.to_owned()],
        amount: String::new(),
        balance: currency.decimal(minor),
    };
    let moved = made.lines.iter().map(|line| Row {
        style: BODY,
        date: line.at.to_zoned(made.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        kind: line.of.kind.to_string(),
        text: font.lines(&line.of.text, BODY.size, columns.text_width),
        amount: currency.decimal(signed(line)),
        balance: currency.decimal(line.balance),
    });
    [edge(made.period.from.to_string(), "Opening balance", made.opening)]
        .into_iter()
        .chain(moved)
        .chain([edge(made.period.to.to_string(), "Closing balance", made.closing)])
        .collect()
}

/// What came above zero, what left below.
fn signed(line: &Line) -> i64 {
    match line.way {
        Category::Credit => line.amount.minor(),
        Category::Debit => line.amount.minor().saturating_neg(),
    }
}

/// Writes the columns' names; `y` is where they end.
fn names(sheet: &mut Sheet<'_>, columns: &Columns, y: i32) {
    let line = y.saturating_sub(GAP);
    for (at, name) in
        [(columns.date, "Date"), (columns.kind, "Type"), (columns.text, "Description")]
    {
        sheet.text(at, line, STRONG, name);
    }
    sheet.text_to(columns.amount, line, STRONG, "Amount");
    sheet.text_to(columns.balance, line, STRONG, "Balance");
    sheet.rule(y.saturating_sub(GAP / 3), false);
}

/// Writes a row; `y` is where it ends.
fn write(sheet: &mut Sheet<'_>, row: &Row, columns: &Columns, y: i32) {
    let first = y.saturating_sub(row.height()).saturating_add(LEADING);
    sheet.text(columns.date, first, row.style, &row.date);
    sheet.text(columns.kind, first, row.style, &row.kind);
    let mut line = first;
    for text in &row.text {
        sheet.text(columns.text, line, row.style, text);
        line = line.saturating_add(LEADING);
    }
    sheet.text_to(columns.amount, first, row.style, &row.amount);
    sheet.text_to(columns.balance, first, row.style, &row.balance);
    sheet.rule(y.saturating_sub(GAP / 3), true);
}
