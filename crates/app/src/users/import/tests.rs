//! What becomes of lines, by what came before them.

use super::*;
use domain::user::{Email, Kyc, Phone, Profile, UserState};

fn command(name: &str, phone: &str) -> Register {
    let profile = Profile {
        first_name: "John".to_owned(),
        last_name: "Doe".to_owned(),
        phone: Phone::parse(phone).expect("a phone"),
        email: Email::parse(&format!("{name}@doe.test")).expect("an e-mail"),
        birth_date: domain::Date::constant(2000, 1, 1),
        external_id: None,
        address: None,
    };
    Register { profile, state: UserState::New, kyc: Kyc::None }
}

fn line(number: i64, name: &str, phone: &str) -> Line {
    Line { number, read: Ok(([name.as_bytes()[0]; 32], command(name, phone))), card: None }
}

fn done(line: i64, fingerprint: Option<u8>, became: Result<i64, &str>) -> imports::Line {
    imports::Line {
        line,
        fingerprint: fingerprint.map(|byte| vec![byte; 32]),
        user: became.ok().map(UserId),
        card: None,
        refusal: became.err().map(str::to_owned),
    }
}

/// What each line becomes, the counts, and the places that are kept and replaced.
fn check(
    lines: &[Line],
    before: &[imports::Line],
    taken: &[&str],
) -> (Vec<Became>, Counts, Vec<i64>, Vec<i64>) {
    check_with(lines, &HashMap::new(), before, taken)
}

/// The same of lines with cards; one of the index 1 is known.
fn check_with(
    lines: &[Line],
    ready: &HashMap<i64, Ready>,
    before: &[imports::Line],
    taken: &[&str],
) -> (Vec<Became>, Counts, Vec<i64>, Vec<i64>) {
    let mut ids = 100..;
    let mut next = || Ok(UserId(ids.next().expect("there are many")));
    let known = Known {
        before: before.iter().map(|line| (line.line, line.clone())).collect(),
        taken: (taken.iter().map(|&mail| mail.to_owned()).collect(), HashSet::new()),
        numbers: HashSet::from([vec![1]]),
    };
    let may_not =
        |command: &Register| (command.kyc != Kyc::None).then_some(Refusal::KycNotPermitted);
    let decided = decide((lines, ready), known, &mut next, may_not).expect("decided");
    let kept = decided.keep.iter().map(|line| line.line).collect();
    (decided.became, decided.counts, kept, decided.again)
}

fn counts(lines: i64, created: i64, refused: i64) -> Counts {
    Counts { lines, created, refused }
}

#[test]
fn a_line_is_refused_for_what_those_before_it_registered() {
    let exists = Became::Refused(Refusal::UserAlreadyExists);
    let lines = [
        line(1, "a", "1111111"),
        line(2, "A", "2222222"),
        line(3, "b", "+1111111"),
        line(5, "b", "2222222"),
        line(6, "c", "3333333"),
    ];
    let (became, counted, kept, again) = check(&lines, &[], &["c@doe.test"]);
    let registered = |id| Became::Registered(UserId(id), None);
    // What a refused line names is free for those after it.
    assert_eq!(became, [registered(100), exists, exists, registered(101), exists]);
    assert_eq!((counted, again), (counts(5, 2, 3), vec![]));
    assert_eq!(kept, [1, 2, 3, 5, 6]);
}

#[test]
fn what_was_done_is_told_again_and_nothing_is_done_in_its_place() {
    let lines = [line(1, "a", "1111111"), line(2, "b", "2222222"), line(3, "c", "3333333")];
    let before = [
        done(1, Some(b'a'), Ok(7)),
        done(2, Some(b'x'), Ok(8)),
        done(3, Some(b'c'), Err("USER_ALREADY_EXISTS")),
    ];
    let (became, counted, kept, again) = check(&lines, &before, &["a@doe.test"]);
    let exists = Became::Refused(Refusal::UserAlreadyExists);
    assert_eq!(became, [Became::Registered(UserId(7), None), Became::Reused, exists]);
    assert_eq!((counted, kept, again), (counts(0, 0, 0), vec![], vec![]));
}

#[test]
fn what_could_not_be_read_may_be_sent_otherwise() {
    let bad = |number| Line { number, read: Err("VALIDATION_ERROR"), card: None };
    let (became, counted, kept, again) = check(&[bad(1), bad(2)], &[], &[]);
    assert_eq!(became, [Became::Unreadable; 2]);
    assert_eq!((counted, kept, again), (counts(2, 0, 2), vec![1, 2], vec![]));

    let before = [done(1, None, Err("VALIDATION_ERROR")), done(2, None, Err("VALIDATION_ERROR"))];
    let (became, counted, kept, again) = check(&[bad(1), line(2, "a", "1111111")], &before, &[]);
    assert_eq!(became, [Became::Unreadable, Became::Registered(UserId(100), None)]);
    assert_eq!((counted, kept, again), (counts(0, 1, -1), vec![2], vec![2]));
}

#[test]
fn what_may_not_be_done_now_may_be_later() {
    let mut verified = command("a", "1111111");
    verified.kyc = Kyc::Success;
    let lines = [Line { number: 1, read: Ok(([1; 32], verified)), card: None }];
    let (became, counted, ..) = check(&lines, &[], &[]);
    assert_eq!(became, [Became::Refused(Refusal::KycNotPermitted)]);
    assert_eq!(counted, counts(1, 0, 1));
    let before = [done(1, None, Err("KYC_NOT_PERMITTED"))];
    let (became, counted, kept, again) = check(&lines, &before, &[]);
    assert_eq!(became, [Became::Refused(Refusal::KycNotPermitted)]);
    assert_eq!((counted, kept, again), (counts(0, 0, 0), vec![1], vec![1]));
}

#[test]
fn a_line_with_a_card_is_done_as_a_whole_or_not_at_all() {
    let refused = Became::Refused;
    let new = |index| Ok(New::sample(index));
    let lines = [
        line(1, "a", "1111111"),
        line(2, "b", "2222222"),
        line(3, "c", "3333333"),
        line(4, "d", "4444444"),
        line(5, "e", "5555555"),
        line(6, "e", "6666666"),
        line(7, "f", "7777777"),
    ];
    let ready: HashMap<i64, Ready> = HashMap::from([
        (1, new(1)),
        (2, new(2)),
        (3, new(2)),
        (4, Err(Why::Unfit(Unfit::Expired))),
        (5, Err(Why::Refused(Refusal::KycNotVerified))),
        (6, new(3)),
        (7, new(4)),
    ]);
    let (became, counted, kept, again) = check_with(&lines, &ready, &[], &["f@doe.test"]);
    let known = refused(Refusal::CardAlreadyExists);
    assert_eq!(
        became,
        [
            known,
            Became::Registered(UserId(100), None),
            known,
            Became::Unfit(Unfit::Expired),
            refused(Refusal::KycNotVerified),
            Became::Registered(UserId(101), None),
            refused(Refusal::UserAlreadyExists),
        ]
    );
    assert_eq!((counted, kept.len(), again), (counts(7, 2, 5), 7, vec![]));
}

#[test]
fn what_a_card_became_is_told_again_whatever_is_true_of_it_now() {
    let lines = [line(1, "a", "1111111"), line(2, "b", "2222222")];
    let ready: HashMap<i64, Ready> = HashMap::from([
        (1, Err(Why::Unfit(Unfit::Expired))),
        (2, Err(Why::Refused(Refusal::ProgramNotFound))),
    ]);
    let card = Some((CardId(5), BalanceId(Uuid::from_u128(6))));
    let before = [
        imports::Line { card, ..done(1, Some(b'a'), Ok(7)) },
        done(2, None, Err("PROGRAM_NOT_FOUND")),
    ];
    let (became, ..) = check_with(&lines, &ready, &before, &[]);
    let refused = Became::Refused(Refusal::ProgramNotFound);
    assert_eq!(became, [Became::Registered(UserId(7), card), refused]);
}
