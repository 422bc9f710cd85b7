//! The consolidated list of the Security Council: `INDIVIDUALS/INDIVIDUAL` and `ENTITIES/ENTITY`.

use super::xml::{self, Element};
use super::{Fault, Loaded, add_birth, add_country, add_name, dates};
use domain::screening::{Birth, Entry, Kind, List, Name, Strength};

pub(super) fn read(text: &str) -> Result<Loaded, Fault> {
    let mut loaded = Loaded::default();
    xml::each(text, &["INDIVIDUAL", "ENTITY"], |element| {
        let kind = if element.is("ENTITY") { Kind::Entity } else { Kind::Person };
        loaded.keep(element.line, of(element, kind)?)
    })?;
    loaded.finish()
}

fn of(element: &Element, kind: Kind) -> Result<Entry, Fault> {
    let ids = ["REFERENCE_NUMBER", "DATAID"].map(|id| element.text_of(id));
    let Some(id) = ids.into_iter().find(|id| !id.is_empty()) else {
        return Err(Fault::Missing { line: element.line, what: "REFERENCE_NUMBER" });
    };
    let mut births = Vec::new();
    for item in element.all("INDIVIDUAL_DATE_OF_BIRTH") {
        if let Some(birth) = birth(item)? {
            add_birth(&mut births, birth);
        }
    }
    let mut countries = Vec::new();
    for value in element.within("NATIONALITY", "VALUE") {
        add_country(&mut countries, value.text());
    }
    for address in ["INDIVIDUAL_ADDRESS", "ENTITY_ADDRESS"] {
        for country in element.within(address, "COUNTRY") {
            add_country(&mut countries, country.text());
        }
    }
    let (id, programme) = (id.to_owned(), element.text_of("UN_LIST_TYPE").to_owned());
    Ok(Entry { list: List::Un, id, kind, names: names(element), births, countries, programme })
}

fn names(element: &Element) -> Vec<Name> {
    let mut names = Vec::new();
    let parts = ["FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME"];
    add_name(&mut names, &parts.map(|part| element.text_of(part)), Strength::Strong);
    add_name(&mut names, &[element.text_of("NAME_ORIGINAL_SCRIPT")], Strength::Strong);
    for list in ["INDIVIDUAL_ALIAS", "ENTITY_ALIAS"] {
        for alias in element.all(list) {
            let low = alias.text_of("QUALITY").eq_ignore_ascii_case("low");
            let strength = if low { Strength::Weak } else { Strength::Strong };
            // Some aliases are several, parted by semicolons.
            for name in alias.text_of("ALIAS_NAME").split(';') {
                add_name(&mut names, &[name], strength);
            }
        }
    }
    names
}

/// What an element says of a birth; nothing if it is empty, as it is where nothing is known.
fn birth(item: &Element) -> Result<Option<Birth>, Fault> {
    let unknown = Fault::Unknown { line: item.line, what: "INDIVIDUAL_DATE_OF_BIRTH" };
    let about = item.text_of("TYPE_OF_DATE").eq_ignore_ascii_case("approximately");
    let [from, to] = ["FROM_YEAR", "TO_YEAR"].map(|it| item.text_of(it));
    let single = ["DATE", "YEAR"].map(|it| item.text_of(it)).into_iter().find(|it| !it.is_empty());
    let birth = match (single, from.is_empty() && to.is_empty()) {
        (Some(text), _) => dates::birth(text),
        (None, true) => return Ok(None),
        (None, false) => {
            let [from, to] = [from, to].map(dates::year);
            from.or(to).zip(to.or(from)).map(|(from, to)| Birth::years(from, to))
        }
    };
    let birth = birth.ok_or(unknown)?;
    Ok(Some(if about { birth.circa() } else { birth }))
}
