//! OFAC's `sdn.csv`: twelve columns without a header, `-0-` where there is nothing, and much of a
//! person in the remarks: `DOB 04 Mar 1961; alt. DOB 1962; nationality Iraq; a.k.a. 'ABU LAYTH'.`
//! Its aliases of good quality are in `alt.csv`; those of the remarks are the weak ones.

use super::{Fault, Loaded, Skip, add_birth, add_country, add_name, dates};
use csv::StringRecord;
use domain::screening::{Entry, Kind, List, Name, Strength};
use std::collections::HashMap;

const COLUMNS: usize = 12;
const ALT_COLUMNS: usize = 5;
/// The control character with which OFAC's files end.
const END: char = '\u{1a}';

pub(super) fn read(sdn: &str, alt: Option<&str>) -> Result<Loaded, Fault> {
    let aliases = alt.map(aliases).transpose()?.unwrap_or_default();
    let mut loaded = Loaded::default();
    each(sdn, |line, record| {
        if record.len() != COLUMNS {
            return Err(Fault::Csv { line });
        }
        let kind = match field(record, 2).to_ascii_lowercase().as_str() {
            "individual" => Kind::Person,
            "" | "entity" => Kind::Entity,
            "vessel" => return skip(&mut loaded, Skip::Vessel),
            "aircraft" => return skip(&mut loaded, Skip::Aircraft),
            _ => return Err(Fault::Unknown { line, what: "SDN_Type" }),
        };
        let entry = of(record, kind, line, &aliases)?;
        loaded.keep(line, entry)
    })?;
    loaded.finish()
}

fn skip(loaded: &mut Loaded, why: Skip) -> Result<(), Fault> {
    loaded.skip(why);
    Ok(())
}

/// The names of `alt.csv`, by the number of whom they belong to.
fn aliases(alt: &str) -> Result<HashMap<String, Vec<String>>, Fault> {
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    each(alt, |line, record| {
        if record.len() != ALT_COLUMNS {
            return Err(Fault::Csv { line });
        }
        let names = all.entry(field(record, 0).to_owned()).or_default();
        names.push(field(record, 3).to_owned());
        Ok(())
    })?;
    Ok(all)
}

/// Calls for each record of a file without a header whose records begin with a number.
fn each(
    text: &str,
    mut take: impl FnMut(usize, &StringRecord) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let text = text.trim_end_matches(|letter: char| letter == END || letter.is_whitespace());
    // Lines that end with two characters are counted one too few.
    let text = text.replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let mut first = true;
    loop {
        let line = usize::try_from(reader.position().line()).unwrap_or(usize::MAX);
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(_) => return Err(Fault::Csv { line }),
        }
        if record.get(0).is_none_or(|id| id.parse::<u64>().is_err()) {
            // Other files than OFAC's are known by their first line already.
            let unknown = Fault::Unknown { line, what: "ent_num" };
            return Err(if first { Fault::UnknownFormat } else { unknown });
        }
        first = false;
        take(line, &record)?;
    }
}

/// A column's text; empty where there is nothing.
fn field(record: &StringRecord, column: usize) -> &str {
    record.get(column).map(str::trim).filter(|text| *text != "-0-").unwrap_or("")
}

fn of(
    record: &StringRecord,
    kind: Kind,
    line: usize,
    aliases: &HashMap<String, Vec<String>>,
) -> Result<Entry, Fault> {
    let id = field(record, 0).to_owned();
    let (mut names, mut births, mut countries) = (Vec::new(), Vec::new(), Vec::new());
    add(&mut names, field(record, 1), kind, Strength::Strong);
    for alias in aliases.get(&id).into_iter().flatten() {
        add(&mut names, alias, kind, Strength::Strong);
    }
    for remark in field(record, 11).trim_end_matches('.').split(';') {
        let remark = remark.trim();
        let remark = remark.strip_prefix("alt. ").unwrap_or(remark);
        if let Some(date) = remark.strip_prefix("DOB ") {
            let unknown = Fault::Unknown { line, what: "the DOB of Remarks" };
            add_birth(&mut births, dates::birth(date).ok_or(unknown)?);
        } else if let Some(name) = remark.strip_prefix("a.k.a. ") {
            let name = name.trim_matches(['\'', '"']);
            add(&mut names, name, kind, Strength::Weak);
        } else if let Some(country) =
            remark.strip_prefix("nationality ").or_else(|| remark.strip_prefix("citizen "))
        {
            add_country(&mut countries, country);
        }
    }
    let programme = field(record, 3).to_owned();
    Ok(Entry { list: List::OfacSdn, id, kind, names, births, countries, programme })
}

/// Adds a name; a person's family name stands before a comma.
fn add(names: &mut Vec<Name>, name: &str, kind: Kind, strength: Strength) {
    match name.split_once(", ").filter(|_| kind == Kind::Person) {
        Some((family, given)) => add_name(names, &[given, family], strength),
        None => add_name(names, &[name], strength),
    }
}
