//! What the files of each format say, and why others aren't taken.

use super::{BYTES_MAX, ColumnMap, Fault, MapFault, Skip, read, read_mapped, read_with_aliases};
use domain::Date;
use domain::screening::{Birth, Entry, List, Strength};

const SDN: &str = include_str!("samples/sdn.xml");
const SDN_CSV: &str = include_str!("samples/sdn.csv");
const ALT_CSV: &str = include_str!("samples/alt.csv");
const UN: &str = include_str!("samples/un.xml");
const EU: &str = include_str!("samples/eu.xml");
const NATIONAL: &str = include_str!("samples/national.csv");
const NATIONAL_MAP: &str =
    "id=Nr,name=nazwisko,given=Imiona,aliases=Aliasy,born=Data ur.,kind=Rodzaj,country=Kraj";

/// An entry in one line: weak names after `~`, years about right after `c`.
fn line(entry: &Entry) -> String {
    let birth = |birth: &Birth| match birth {
        Birth::Day(day) => day.to_string(),
        Birth::Years { from, to, circa } => {
            let about = if *circa { "c" } else { "" };
            if from == to { format!("{about}{from}") } else { format!("{about}{from}-{to}") }
        }
    };
    let names = entry.names.iter().map(|name| match name.strength {
        Strength::Strong => name.text.clone(),
        Strength::Weak => format!("~{}", name.text),
    });
    let names: Vec<String> = names.collect();
    let births: Vec<String> = entry.births.iter().map(birth).collect();
    let Entry { list, id, kind, countries, programme, .. } = entry;
    let (names, births) = (names.join(" | "), births.join(" "));
    format!("{list} {id} {kind}: {names}; {births}; {}; {programme}", countries.join(" "))
}

#[track_caller]
fn check(loaded: Result<super::Loaded, Fault>, expected: &[&str], skipped: &[(Skip, usize)]) {
    let loaded = loaded.unwrap();
    let lines: Vec<String> = loaded.entries.iter().map(line).collect();
    assert_eq!(lines, expected);
    assert_eq!(loaded.skipped.into_iter().collect::<Vec<_>>(), skipped);
}

#[test]
fn the_xml_of_ofac_gives_its_entries() {
    let expected = [
        "OFAC_SDN 90157 PERSON: Dr. Tarif AL-QASHMIRI | Tareef & Sons AL KASHMIRI | ~ABU HULM; \
         1961-03-04 c1962 1963-1965; SY IQ; SDGT, IRAQ2",
        "OFAC_SDN 90158 ENTITY: NORDLICHT VERMITTLUNG GMBH; ; DE; RUSSIA-EO14024",
    ];
    let skipped = [(Skip::Vessel, 1), (Skip::Aircraft, 1), (Skip::Nameless, 1)];
    check(read(SDN.as_bytes()), &expected, &skipped);
}

#[test]
fn the_csv_of_ofac_gives_its_entries_with_aliases_or_without() {
    let skipped = [(Skip::Vessel, 1), (Skip::Aircraft, 1)];
    let alone = [
        "OFAC_SDN 90157 PERSON: Dr. Tarif AL-QASHMIRI | ~ABU HULM; 1961-03-04 1962; IQ SY; SDGT",
        "OFAC_SDN 90158 ENTITY: NORDLICHT VERMITTLUNG GMBH; ; ; RUSSIA-EO14024",
    ];
    check(read(SDN_CSV.as_bytes()), &alone, &skipped);
    let together = [
        "OFAC_SDN 90157 PERSON: Dr. Tarif AL-QASHMIRI | Tareef AL KASHMIRI | ~ABU HULM; \
         1961-03-04 1962; IQ SY; SDGT",
        "OFAC_SDN 90158 ENTITY: NORDLICHT VERMITTLUNG GMBH | NORDLICHT HANDEL GMBH; ; ; \
         RUSSIA-EO14024",
    ];
    check(read_with_aliases(SDN_CSV.as_bytes(), ALT_CSV.as_bytes()), &together, &skipped);
}

#[test]
fn the_xml_of_the_un_gives_its_entries() {
    let expected = [
        "UN KPi.901 PERSON: RI SONG PYOLNAM | 리성별남 | Ri Song-Pyolnam | Lee Sung Pyolnam | \
         ~Comrade Pyol; 1961-03-04 c1962 1963-1965; KP; DPRK",
        "UN 6900002 PERSON: MUHTAR; ; ; Al-Qaida",
        "UN KPe.902 ENTITY: PYOLNAM STAR TRADING CORPORATION | PSTC; ; CN; DPRK",
    ];
    check(read(UN.as_bytes()), &expected, &[]);
}

#[test]
fn the_xml_of_the_eu_gives_its_entries_with_a_prefix_or_without() {
    let expected = [
        "EU 9001 PERSON: Siarhei Piatrovich Zmagarouski | Сяргей Змагароўскі | ~Zmahar; \
         1961-03-04 c1962 1963-1965; BY; BLR",
        "EU 9002 ENTITY: AO \"Zarnitsa Priboy\"; ; RU; UKR",
    ];
    check(read(EU.as_bytes()), &expected, &[]);
    let mut prefixed =
        EU.replace("<?xml", "<!xml").replace("</", "</fsd:").replace("<!xml", "<?xml");
    for name in
        ["export", "sanctionEntity", "regulation", "subjectType", "nameAlias", "citizenship"]
    {
        prefixed = prefixed.replace(&format!("<{name} "), &format!("<fsd:{name} "));
    }
    for name in ["birthdate", "address", "publicationUrl>http"] {
        prefixed = prefixed.replace(&format!("<{name}"), &format!("<fsd:{name}"));
    }
    check(read(prefixed.as_bytes()), &expected, &[]);
}

#[test]
fn a_file_of_anybody_is_read_by_a_map_of_its_columns() {
    let map = ColumnMap::parse(NATIONAL_MAP).unwrap();
    let expected = [
        "NATIONAL 1 PERSON: Jan Maria Żmigrodowicz | Zmigrod | Jan \"Żbik\" Ż.; 1961-03-04 1962; \
         PL; ",
        "NATIONAL 2 ENTITY: Hurtownia Pod Żurawiem; Sp. z o.o.; ; PL; ",
    ];
    let loaded = read_mapped(List::National, &map, NATIONAL.as_bytes());
    check(loaded, &expected, &[(Skip::Nameless, 1)]);
    let commas = "Who,When\n\"Doe, Jane\",\"1980; c. 1981\"\n";
    let map = ColumnMap::parse("name = who, born = when").unwrap();
    let expected = ["BLACKLIST 2 PERSON: Doe, Jane; 1980 c1981; ; "];
    check(read_mapped(List::Blacklist, &map, commas.as_bytes()), &expected, &[]);
}

#[test]
fn a_map_says_which_column_is_the_name_and_nothing_twice() {
    for (text, fault) in [
        ("", MapFault::Form),
        ("name", MapFault::Form),
        ("name=", MapFault::Form),
        ("surname=a", MapFault::Key),
        ("name=a,name=b", MapFault::Twice),
        ("id=a", MapFault::Nameless),
    ] {
        assert_eq!(ColumnMap::parse(text), Err(fault), "{text}");
    }
}

/// A list of OFAC's with one entry, in which something stands.
fn sdn(inside: &str) -> String {
    let entry = "<uid>1</uid><lastName>A</lastName><sdnType>Entity</sdnType>";
    format!("<sdnList>\n<sdnEntry>\n{entry}\n{inside}\n</sdnEntry>\n</sdnList>")
}

#[test]
fn a_file_that_is_no_list_says_where_and_why() {
    let born = |text: &str| {
        let item = format!("<dateOfBirthItem><dateOfBirth>{text}</dateOfBirth></dateOfBirthItem>");
        sdn(&format!("<dateOfBirthList>{item}</dateOfBirthList>"))
    };
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;\">]>\n";
    let unknown = |line, what| Fault::Unknown { line, what };
    let cases: Vec<(String, Fault)> = vec![
        (String::new(), Fault::NoEntries),
        ("<html><body/></html>".to_owned(), Fault::UnknownFormat),
        ("name,born\nA,1961\n".to_owned(), Fault::UnknownFormat),
        ("<sdnList></sdnList>".to_owned(), Fault::NoEntries),
        ("<CONSOLIDATED_LIST/>".to_owned(), Fault::NoEntries),
        (SDN[..SDN.len() / 2].to_owned(), Fault::Truncated { line: 40 }),
        (SDN.replace("</sdnList>", ""), Fault::Truncated { line: 75 }),
        (SDN.replace("</aka>", "</akb>"), Fault::Xml { line: 28 }),
        (format!("{bomb}{}", sdn("&c;")), Fault::DocumentType { line: 1 }),
        (sdn("<remarks>&c;</remarks>"), Fault::UnknownEntity { line: 4 }),
        (sdn("<remarks a=\"&c;\"/>"), Fault::UnknownEntity { line: 4 }),
        (sdn(&format!("{}\n{}", "<a>".repeat(40), "</a>".repeat(40))), Fault::TooMuch { line: 4 }),
        (sdn(&"<a/>".repeat(60_000)), Fault::TooMuch { line: 4 }),
        (
            sdn(&"\n".repeat(5)).replace(">A<", &format!(">{}<", "A".repeat(5000))),
            Fault::TooLong { line: 2 },
        ),
        (sdn("").replace("Entity", "Robot"), unknown(2, "sdnType")),
        (sdn("").replace("uid>", "gid>"), Fault::Missing { line: 2, what: "uid" }),
        (born("long ago"), unknown(4, "dateOfBirth")),
        (UN.replace("<YEAR>1962", "<YEAR>?"), unknown(21, "INDIVIDUAL_DATE_OF_BIRTH")),
        (EU.replace("code=\"enterprise\"", "code=\"x\""), unknown(18, "subjectType")),
        (EU.replace("year=\"1962\"", "year=\"96\""), unknown(11, "birthdate")),
        (SDN_CSV.replace("DOB 1962", "DOB soon"), unknown(1, "the DOB of Remarks")),
        (SDN_CSV.replace("\"vessel\",", ""), Fault::Csv { line: 3 }),
        (SDN_CSV.replace("90160,", "x,"), unknown(4, "ent_num")),
        ("\0\u{1}\u{2}".to_owned(), Fault::NotText { line: 1 }),
    ];
    for (case, (text, fault)) in cases.into_iter().enumerate() {
        assert_eq!(read(text.as_bytes()), Err(fault), "case {case}");
    }
    assert_eq!(read(b"<a>\n\xff\xfe"), Err(Fault::NotText { line: 2 }));
    assert_eq!(read(&vec![b' '; BYTES_MAX + 1]), Err(Fault::TooLarge));
}

#[test]
fn a_mapped_file_says_where_and_why_it_is_wrong() {
    let map = ColumnMap::parse("name=Name,born=Born,kind=Kind").unwrap();
    for (text, fault) in [
        ("Name,Kind\nA,person\n", Fault::NoColumn { what: "born" }),
        ("Name,Born,Kind\n", Fault::NoEntries),
        ("Name,Born,Kind\nA,1961\n", Fault::Csv { line: 2 }),
        ("Name,Born,Kind\nB,1961,\nA,then,\n", Fault::Unknown { line: 3, what: "born" }),
        ("Name,Born,Kind\nA,1961,robot\n", Fault::Unknown { line: 2, what: "kind" }),
    ] {
        assert_eq!(read_mapped(List::Greylist, &map, text.as_bytes()), Err(fault), "{text}");
    }
}

#[test]
fn births_are_read_as_lists_write_them() {
    let day = Some(Birth::Day(Date::new(1961, 3, 4).unwrap()));
    for (text, expected) in [
        ("1961-03-04", day),
        ("1961-03-04T00:00:00", day),
        ("04.03.1961", day),
        ("4/3/1961", day),
        ("04 Mar 1961", day),
        ("March 4, 1961", day),
        ("1961", Some(Birth::year(1961))),
        ("Mar 1961", Some(Birth::year(1961))),
        ("1961-00-00", Some(Birth::year(1961))),
        ("31 Feb 1961", Some(Birth::year(1961))),
        ("circa 1961", Some(Birth::year(1961).circa())),
        ("circa 04 Mar 1961", Some(Birth::year(1961).circa())),
        ("1965 to 1961", Some(Birth::years(1961, 1965))),
        ("1961-1965", Some(Birth::years(1961, 1965))),
        ("circa 1961-1965", Some(Birth::years(1961, 1965).circa())),
        ("01 Jan 1961 to 31 Dec 1965", Some(Birth::years(1961, 1965))),
        ("Late 1961", Some(Birth::year(1961).circa())),
        ("", None),
        ("unknown", None),
        ("04.03.61", None),
        ("9999", None),
    ] {
        assert_eq!(super::dates::birth(text), expected, "{text}");
    }
}
