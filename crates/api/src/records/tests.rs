//! Bodies cut into records, in pieces of any size.

use super::*;
use crate::problem::Problem;
use serde_json::json;

/// What is cut out of a body that comes in pieces of so many bytes.
fn cut(form: Form, body: &[u8], piece: usize) -> Vec<(i64, Result<String, Flaw>)> {
    let mut splitter = Splitter::new(form);
    let mut records = Vec::new();
    let mut take = |splitter: &mut Splitter| {
        while let Some(Record { number, text }) = splitter.next() {
            let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
            records.push((number, text));
        }
    };
    for piece in body.chunks(piece) {
        splitter.push(piece);
        take(&mut splitter);
        assert!(splitter.buffer.len() - splitter.start <= RECORD_MAX + 1, "it is bounded");
    }
    splitter.end();
    take(&mut splitter);
    records
}

/// The same however it comes.
fn check(form: Form, body: &[u8], expected: &[(i64, Result<&str, Flaw>)]) {
    for piece in [1, 2, 3, 7, 4_096, usize::MAX >> 1] {
        let records = cut(form, body, piece);
        let records = records.iter();
        let records: Vec<_> = records
            .map(|(number, text)| (*number, text.as_deref().map_err(|flaw| *flaw)))
            .collect();
        assert_eq!(records, expected, "{:?}", String::from_utf8_lossy(body));
    }
}

#[test]
fn lines_are_cut_by_their_ends_and_numbered_as_an_editor_does() {
    use Form::Lines;
    check(Lines, b"", &[]);
    check(Lines, b"\n\r\n \n", &[]);
    check(Lines, b"{}", &[(1, Ok("{}"))]);
    check(Lines, b"{}\r\n\n{\"a\":\"\n", &[(1, Ok("{}\r")), (3, Ok("{\"a\":\""))]);
    check(Lines, b"\xEF\xBB\xBF{}\n1", &[(1, Ok("{}")), (2, Ok("1"))]);
    check(Lines, b"\xEF\xBB\xBF", &[]);
    check(Lines, b"1\n\xEF\xBB\xBF", &[(1, Ok("1")), (2, Ok("\u{feff}"))]);
}

#[test]
fn rows_end_where_no_quote_is_open() {
    use Form::Csv;
    check(Csv, b"a,b\r\n1,2\n", &[(1, Ok("a,b\r")), (2, Ok("1,2"))]);
    let row = "\"x\ny\",\"say \"\"no\"\"\"";
    let body = format!("{row}\r\n\r\n2,\n");
    let whole = format!("{row}\r");
    check(Csv, body.as_bytes(), &[(1, Ok(&whole)), (4, Ok("2,"))]);
    check(Csv, b"\"\"\n\"\"", &[(1, Ok("\"\"")), (2, Ok("\"\""))]);
}

#[test]
fn a_flaw_ends_with_its_line_unless_quotes_are_open() {
    use Flaw::{Misplaced, Unclosed};
    use Form::Csv;
    let (bad, open) = (Err(Misplaced), Err(Unclosed));
    check(Csv, b"5\" pipe,b\n2\n", &[(1, bad), (2, Ok("2"))]);
    check(Csv, b"\"a\"b\n2\n", &[(1, bad), (2, Ok("2"))]);
    check(Csv, b"\"a\nb\nc", &[(1, open)]);
    check(Csv, b"\"a\n\"b\n", &[(1, bad), (2, open)]);
    check(Csv, b"x\n\"", &[(1, Ok("x")), (2, open)]);
}

#[test]
fn what_is_too_long_is_left_out() {
    let most = "x".repeat(RECORD_MAX);
    let (body, ends) = (format!("{most}\n{most}x\n1\n{most}"), Ok(most.as_str()));
    let long = Err(Flaw::TooLong);
    let expected = [(1, ends), (2, long), (3, Ok("1")), (4, ends)];
    check(Form::Lines, body.as_bytes(), &expected);
    check(Form::Csv, body.as_bytes(), &expected);
    let body = format!("{most}{most}{most}");
    check(Form::Lines, body.as_bytes(), &[(1, long)]);
    // What stands in quotes is no row, however long it is and whatever it looks like.
    let lines = format!("{}\n", "y".repeat(1_000)).repeat(100);
    let open = Err(Flaw::Unclosed);
    check(Form::Csv, format!("\"\n{lines}").as_bytes(), &[(1, open)]);
    let closed = format!("\"\n{lines}\",b\n1,2\n");
    check(Form::Csv, closed.as_bytes(), &[(1, open), (103, Ok("1,2"))]);
}

/// Whatever the bytes are: numbers go up, pieces don't matter, and it ends.
#[test]
fn any_bytes_are_cut_the_same_however_they_come() {
    let mut random = testkit_random(7);
    for _ in 0..2_000 {
        let length = random() % 40;
        let alphabet = b"\"\",\n\n\r ab\xEF";
        let body: Vec<u8> = (0..length).map(|_| alphabet[(random() % 10) as usize]).collect();
        for form in [Form::Lines, Form::Csv] {
            let whole = cut(form, &body, 1_000);
            assert!(whole.is_sorted_by(|a, b| a.0 < b.0), "{body:?}");
            for piece in 1..5 {
                assert_eq!(cut(form, &body, piece), whole, "{body:?}");
            }
        }
    }
}

/// Numbers that look random, the same each time.
fn testkit_random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 33
    }
}

fn violations(problem: &Problem) -> String {
    problem.violations_text()
}

#[test]
fn a_header_names_known_columns_once() {
    let header = csv::Header::read(b"email,city,\"firstName\"\r").expect("good");
    let row = header.object("a@b.test,\"Warsaw, PL\",J\u{f3}zef".as_bytes()).expect("good");
    let expected = json!({
        "email": "a@b.test", "firstName": "J\u{f3}zef", "address": { "city": "Warsaw, PL" }
    });
    assert_eq!(row, expected);
    assert_eq!(header.object(b",,x").expect("good"), json!({ "firstName": "x" }));
    for (bad, told) in [
        ("email;city", "header isn't a column that is known here"),
        ("email, city", "header isn't a column that is known here"),
        ("email,Email", "Email isn't a column that is known here"),
        ("email,email", "email must be one column"),
        ("email,", "header isn't a column that is known here"),
        ("4111111111111111", "header isn't a column that is known here"),
    ] {
        let problem = csv::Header::read(bad.as_bytes()).expect_err(bad);
        assert_eq!(violations(&problem), told);
    }
    for bad in [&b"a"[..], b"a,b", b"a,b,c,d", b"a,\xFF,c", b"a\rb,c,d"] {
        assert!(header.object(bad).is_err(), "{bad:?}");
    }
}
