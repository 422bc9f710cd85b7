//! The files that authorities publish, and operators' own, as entries.
//!
//! | file | told by | where |
//! | --- | --- | --- |
//! | OFAC's `sdn.xml` | the root `sdnList` | `lists/ofac.rs` |
//! | OFAC's `sdn.csv`, `alt.csv` | twelve columns, the first a number | `lists/ofac_csv.rs` |
//! | the UN's consolidated XML | the root `CONSOLIDATED_LIST` | `lists/un.rs` |
//! | the EU's consolidated XML | the root `export` | `lists/eu.rs` |
//! | CSV of anybody else | a map of its columns is given | `lists/mapped.rs` |
//!
//! A file is taken whole or not at all: a list of which a part is missing would look like one that
//! lets people go. What isn't a person or an organisation is left out and counted.

mod countries;
mod dates;
mod eu;
mod mapped;
mod ofac;
mod ofac_csv;
mod un;
mod xml;

pub use mapped::{ColumnMap, MapFault};

use domain::screening::{Birth, Entry, Name, Strength};
use std::collections::BTreeMap;

/// How large a file may be. The largest of those above has 120 MB.
pub const BYTES_MAX: usize = 256 << 20;
/// How long a name or another text of an entry may be, in bytes.
const TEXT_MAX: usize = 4096;
/// How many names, births or countries an entry may have: the longest has about a hundred aliases.
const PARTS_MAX: usize = 1000;

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The entries, in the file's order.
    pub entries: Vec<Entry>,
    /// How many were left out, and why.
    pub skipped: BTreeMap<Skip, usize>,
}

/// Why an entry is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// It is a ship.
    Vessel,
    /// It is a plane.
    Aircraft,
    /// It has no name.
    Nameless,
}

/// Why a file isn't taken. Lines are counted from one; values of the file are never told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is larger than [`BYTES_MAX`].
    #[error("the file is larger than 256 MiB")]
    TooLarge,
    /// It is no text, or one of another encoding.
    #[error("line {line}: this isn't text in UTF-8")]
    NotText {
        /// Where.
        line: usize,
    },
    /// It is none of the known formats.
    #[error("this is no list of OFAC, the UN or the EU; a CSV file of others needs a column map")]
    UnknownFormat,
    /// It isn't well-formed XML.
    #[error("line {line}: this isn't well-formed XML")]
    Xml {
        /// Where.
        line: usize,
    },
    /// It declares a document type, which can define entities that grow without bounds.
    #[error("line {line}: a document type isn't accepted")]
    DocumentType {
        /// Where.
        line: usize,
    },
    /// It uses an entity that XML itself doesn't define.
    #[error("line {line}: an unknown entity")]
    UnknownEntity {
        /// Where.
        line: usize,
    },
    /// Elements are nested deeper than any list's, or an entry has more of them.
    #[error("line {line}: the elements are nested too deep, or there are too many in one entry")]
    TooMuch {
        /// Where.
        line: usize,
    },
    /// It ends inside of an element.
    #[error("line {line}: the file ends before its elements do")]
    Truncated {
        /// The last.
        line: usize,
    },
    /// An entry lacks something.
    #[error("line {line}: {what} is missing")]
    Missing {
        /// Where the entry begins.
        line: usize,
        /// An element or a column.
        what: &'static str,
    },
    /// Something says what nobody understands.
    #[error("line {line}: {what} isn't understood")]
    Unknown {
        /// Where.
        line: usize,
        /// An element or a column.
        what: &'static str,
    },
    /// A text is longer than any list's.
    #[error("line {line}: a text is too long")]
    TooLong {
        /// Where.
        line: usize,
    },
    /// It isn't CSV.
    #[error("line {line}: this isn't CSV of as many columns as the first line has")]
    Csv {
        /// Where.
        line: usize,
    },
    /// The column map names a column that the header doesn't have.
    #[error("line 1: there is no column for {what}")]
    NoColumn {
        /// For what it is mapped.
        what: &'static str,
    },
    /// There is nobody in it, which no list says.
    #[error("there are no entries in this file")]
    NoEntries,
}

/// Reads a list of OFAC (XML or CSV), the UN or the EU; which one, its content tells.
pub fn read(file: &[u8]) -> Result<Loaded, Fault> {
    let text = text(file)?;
    if !text.trim_start().starts_with('<') {
        return ofac_csv::read(text, None);
    }
    match xml::root(text)?.as_str() {
        "sdnList" => ofac::read(text),
        "CONSOLIDATED_LIST" => un::read(text),
        "export" => eu::read(text),
        _ => Err(Fault::UnknownFormat),
    }
}

/// Reads OFAC's `sdn.csv` together with its aliases, `alt.csv`.
pub fn read_with_aliases(sdn: &[u8], alt: &[u8]) -> Result<Loaded, Fault> {
    ofac_csv::read(text(sdn)?, Some(text(alt)?))
}

/// Reads a CSV file with a header, whose columns a map names, as entries of a list.
pub fn read_mapped(
    list: domain::screening::List,
    map: &ColumnMap,
    file: &[u8],
) -> Result<Loaded, Fault> {
    mapped::read(list, map, text(file)?)
}

/// The text of a file, without a byte order mark.
fn text(file: &[u8]) -> Result<&str, Fault> {
    if file.len() > BYTES_MAX {
        return Err(Fault::TooLarge);
    }
    let line = |until: usize| 1 + file[..until].iter().filter(|byte| **byte == b'\n').count();
    let text = std::str::from_utf8(file)
        .map_err(|error| Fault::NotText { line: line(error.valid_up_to()) })?;
    match text.find('\0') {
        Some(at) => Err(Fault::NotText { line: line(at) }),
        None => Ok(text.trim_start_matches('\u{feff}')),
    }
}

impl Loaded {
    fn skip(&mut self, why: Skip) {
        *self.skipped.entry(why).or_default() += 1;
    }

    /// Keeps an entry, unless it has no name.
    fn keep(&mut self, line: usize, entry: Entry) -> Result<(), Fault> {
        let long = |text: &String| text.len() > TEXT_MAX;
        let names = entry.names.iter().map(|name| &name.text);
        if names.chain(&entry.countries).chain([&entry.id, &entry.programme]).any(long) {
            return Err(Fault::TooLong { line });
        }
        if entry.names.len().max(entry.births.len()).max(entry.countries.len()) > PARTS_MAX {
            return Err(Fault::TooMuch { line });
        }
        if entry.names.is_empty() {
            self.skip(Skip::Nameless);
        } else {
            self.entries.push(entry);
        }
        Ok(())
    }

    fn finish(self) -> Result<Self, Fault> {
        if self.entries.is_empty() { Err(Fault::NoEntries) } else { Ok(self) }
    }
}

/// Adds a name of several parts, unless there is nothing in them or it is there already.
fn add_name(names: &mut Vec<Name>, parts: &[&str], strength: Strength) {
    let words = parts.iter().flat_map(|part| part.split_whitespace());
    let text = words.collect::<Vec<_>>().join(" ");
    if !text.is_empty() && names.iter().all(|name| name.text != text) {
        names.push(Name { text, strength });
    }
}

/// Adds a country, unless it is empty or there already.
fn add_country(countries: &mut Vec<String>, text: &str) {
    let country = countries::code(text.trim());
    if !country.is_empty() && !countries.contains(&country) {
        countries.push(country);
    }
}

/// Adds a birth date, unless it is there already.
fn add_birth(births: &mut Vec<Birth>, birth: Birth) {
    if !births.contains(&birth) {
        births.push(birth);
    }
}

#[cfg(test)]
mod tests;
