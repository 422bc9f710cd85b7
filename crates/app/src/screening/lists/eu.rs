//! The consolidated list of the European Union: `export/sanctionEntity`, of version 1.1.

use super::xml::{self, Element};
use super::{Fault, Loaded, add_birth, add_country, add_name, dates};
use domain::screening::{Birth, Entry, Kind, List, Strength};

pub(super) fn read(text: &str) -> Result<Loaded, Fault> {
    let mut loaded = Loaded::default();
    xml::each(text, &["sanctionEntity"], |entity| {
        let entry = of(entity)?;
        loaded.keep(entity.line, entry)
    })?;
    loaded.finish()
}

fn of(entity: &Element) -> Result<Entry, Fault> {
    let line = entity.line;
    let ids = ["logicalId", "euReferenceNumber"].map(|id| entity.attribute(id));
    let Some(id) = ids.into_iter().find(|id| !id.is_empty()) else {
        return Err(Fault::Missing { line, what: "logicalId" });
    };
    let Some(subject) = entity.all("subjectType").next() else {
        return Err(Fault::Missing { line, what: "subjectType" });
    };
    let kind = match subject.attribute("code").to_ascii_lowercase().as_str() {
        "person" => Kind::Person,
        "enterprise" => Kind::Entity,
        _ => return Err(Fault::Unknown { line: subject.line, what: "subjectType" }),
    };
    let mut names = Vec::new();
    for alias in entity.all("nameAlias") {
        let weak = alias.attribute("strong").eq_ignore_ascii_case("false");
        let strength = if weak { Strength::Weak } else { Strength::Strong };
        let parts = ["firstName", "middleName", "lastName"].map(|part| alias.attribute(part));
        match alias.attribute("wholeName") {
            "" => add_name(&mut names, &parts, strength),
            whole => add_name(&mut names, &[whole], strength),
        }
    }
    let mut births = Vec::new();
    for item in entity.all("birthdate") {
        if let Some(birth) = birth(item)? {
            add_birth(&mut births, birth);
        }
    }
    let mut countries = Vec::new();
    for item in ["citizenship", "address"].into_iter().flat_map(|name| entity.all(name)) {
        // 00 stands for a country that isn't known.
        if item.attribute("countryIso2Code") != "00" {
            add_country(&mut countries, item.attribute("countryIso2Code"));
        }
    }
    let programmes: Vec<&str> =
        entity.all("regulation").map(|it| it.attribute("programme")).collect();
    let (id, programme) = (id.to_owned(), programmes.first().copied().unwrap_or("").to_owned());
    Ok(Entry { list: List::Eu, id, kind, names, births, countries, programme })
}

/// What an element says of a birth; nothing if it names a place alone.
fn birth(item: &Element) -> Result<Option<Birth>, Fault> {
    let unknown = Fault::Unknown { line: item.line, what: "birthdate" };
    let about = item.attribute("circa").eq_ignore_ascii_case("true");
    let texts = ["birthdate", "year"].map(|it| item.attribute(it));
    let range = ["yearRangeFrom", "yearRangeTo"].map(|it| item.attribute(it));
    let birth = match texts.into_iter().find(|it| !it.is_empty()) {
        Some(text) => dates::birth(text),
        None if range == ["", ""] => return Ok(None),
        None => {
            let [from, to] = range.map(dates::year);
            from.or(to).zip(to.or(from)).map(|(from, to)| Birth::years(from, to))
        }
    };
    let birth = birth.ok_or(unknown)?;
    Ok(Some(if about { birth.circa() } else { birth }))
}
