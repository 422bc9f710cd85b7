//! CSV of states and operators, whose columns a map names: `id=Nr,name=Nazwa,born=Data ur.`.
//!
//! The file has a header; its delimiter is a comma or a semicolon, whichever the header has more
//! of. Several aliases, dates or countries in one field are parted by `|`, or by `;` in a file
//! whose delimiter is a comma.

use super::{Fault, Loaded, Skip, add_birth, add_country, add_name, dates};
use csv::StringRecord;
use domain::screening::{Entry, Kind, List, Strength};

/// What may be mapped, in the order of [`ColumnMap`].
const KEYS: [&str; 8] = ["id", "name", "given", "aliases", "born", "kind", "country", "programme"];
/// Words for a person and for an organisation in a column of kinds, in small letters.
const PERSONS: &[&str] =
    &["person", "individual", "p", "osoba", "osoba fizyczna", "natural person"];
const ENTITIES: &[&str] = &[
    "entity",
    "e",
    "company",
    "enterprise",
    "organisation",
    "organization",
    "legal person",
    "firma",
    "podmiot",
    "osoba prawna",
];

/// Which column of a file says what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnMap {
    /// The header of each of [`KEYS`]' columns. `name` is always there.
    headers: [Option<String>; KEYS.len()],
}

/// Why a text is no column map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapFault {
    /// A part isn't `key=header`.
    #[error("a column map is written key=header,key=header")]
    Form,
    /// A key that isn't known.
    #[error(
        "the keys of a column map are id, name, given, aliases, born, kind, country, programme"
    )]
    Key,
    /// A key stands twice.
    #[error("a key of the column map stands twice")]
    Twice,
    /// There is no name.
    #[error("the column map doesn't say which column is the name")]
    Nameless,
}

impl ColumnMap {
    /// Reads a map: `id`, `name`, `given` (before the name, where it is the family name),
    /// `aliases`, `born`, `kind`, `country` and `programme`, of which `name` has to be there. An id
    /// that isn't mapped is the number of the line; a kind that isn't is a person.
    pub fn parse(text: &str) -> Result<Self, MapFault> {
        let mut headers = [const { None }; KEYS.len()];
        for part in text.split(',') {
            let (key, header) = part.split_once('=').ok_or(MapFault::Form)?;
            let (key, header) = (key.trim(), header.trim());
            let at = KEYS.iter().position(|it| *it == key).ok_or(MapFault::Key)?;
            if header.is_empty() {
                return Err(MapFault::Form);
            }
            if headers[at].replace(header.to_owned()).is_some() {
                return Err(MapFault::Twice);
            }
        }
        if headers[1].is_none() { Err(MapFault::Nameless) } else { Ok(Self { headers }) }
    }

    /// At which place of a header each column is.
    fn columns(&self, header: &StringRecord) -> Result<[Option<usize>; KEYS.len()], Fault> {
        let mut columns = [None; KEYS.len()];
        for ((column, name), what) in columns.iter_mut().zip(&self.headers).zip(KEYS) {
            if let Some(name) = name {
                let place = header.iter().position(|it| it.to_lowercase() == name.to_lowercase());
                *column = Some(place.ok_or(Fault::NoColumn { what })?);
            }
        }
        Ok(columns)
    }
}

pub(super) fn read(list: List, map: &ColumnMap, text: &str) -> Result<Loaded, Fault> {
    // Lines that end with two characters are counted one too few.
    let text = text.replace("\r\n", "\n");
    let header = text.lines().next().unwrap_or("");
    let count = |delimiter: char| header.matches(delimiter).count();
    let (delimiter, others) = if count(';') > count(',') { (b';', '|') } else { (b',', ';') };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let columns = map.columns(reader.headers().map_err(|_| Fault::Csv { line: 1 })?)?;
    let mut loaded = Loaded::default();
    let mut record = StringRecord::new();
    loop {
        let line = usize::try_from(reader.position().line()).unwrap_or(usize::MAX);
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return loaded.finish(),
            Err(_) => return Err(Fault::Csv { line }),
        }
        let fields = columns.map(|column| column.and_then(|at| record.get(at)).unwrap_or(""));
        if fields[1].is_empty() {
            loaded.skip(Skip::Nameless);
        } else {
            let entry = of(list, fields, line, others)?;
            loaded.keep(line, entry)?;
        }
    }
}

fn of(list: List, fields: [&str; KEYS.len()], line: usize, others: char) -> Result<Entry, Fault> {
    let [id, name, given, aliases, born, kind, country, programme] = fields;
    let each = |text| str::split(text, ['|', others]).map(str::trim).filter(|it| !it.is_empty());
    let word = kind.to_lowercase();
    let kind = if kind.is_empty() || PERSONS.contains(&word.as_str()) {
        Kind::Person
    } else if ENTITIES.contains(&word.as_str()) {
        Kind::Entity
    } else {
        return Err(Fault::Unknown { line, what: "kind" });
    };
    let (mut names, mut births, mut countries) = (Vec::new(), Vec::new(), Vec::new());
    add_name(&mut names, &[given, name], Strength::Strong);
    each(aliases).for_each(|alias| add_name(&mut names, &[alias], Strength::Strong));
    for date in each(born) {
        let birth = dates::birth(date).ok_or(Fault::Unknown { line, what: "born" })?;
        add_birth(&mut births, birth);
    }
    each(country).for_each(|it| add_country(&mut countries, it));
    let id = if id.is_empty() { line.to_string() } else { id.to_owned() };
    Ok(Entry { list, id, kind, names, births, countries, programme: programme.to_owned() })
}
