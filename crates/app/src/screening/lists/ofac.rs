//! OFAC's Specially Designated Nationals as XML: `sdnList/sdnEntry`.

use super::xml::{self, Element};
use super::{Fault, Loaded, Skip, add_birth, add_country, add_name, dates};
use domain::screening::{Entry, Kind, List, Strength};

pub(super) fn read(text: &str) -> Result<Loaded, Fault> {
    let mut loaded = Loaded::default();
    xml::each(text, &["sdnEntry"], |entry| {
        let kind = match entry.text_of("sdnType").to_ascii_lowercase().as_str() {
            "individual" => Kind::Person,
            "entity" => Kind::Entity,
            "vessel" => return skip(&mut loaded, Skip::Vessel),
            "aircraft" => return skip(&mut loaded, Skip::Aircraft),
            _ => return Err(Fault::Unknown { line: entry.line, what: "sdnType" }),
        };
        let entry_read = of(entry, kind)?;
        loaded.keep(entry.line, entry_read)
    })?;
    loaded.finish()
}

fn skip(loaded: &mut Loaded, why: Skip) -> Result<(), Fault> {
    loaded.skip(why);
    Ok(())
}

fn of(element: &Element, kind: Kind) -> Result<Entry, Fault> {
    let id = element.text_of("uid").to_owned();
    if id.is_empty() {
        return Err(Fault::Missing { line: element.line, what: "uid" });
    }
    let programmes: Vec<&str> =
        element.within("programList", "program").map(|it| it.text()).collect();
    let (mut names, mut births, mut countries) = (Vec::new(), Vec::new(), Vec::new());
    let parts =
        |it: &Element| [it.text_of("firstName").to_owned(), it.text_of("lastName").to_owned()];
    let [first, last] = parts(element);
    add_name(&mut names, &[&first, &last], Strength::Strong);
    for aka in element.within("akaList", "aka") {
        let weak = aka.text_of("category").eq_ignore_ascii_case("weak");
        let strength = if weak { Strength::Weak } else { Strength::Strong };
        let [first, last] = parts(aka);
        add_name(&mut names, &[&first, &last], strength);
    }
    for item in element.within("dateOfBirthList", "dateOfBirthItem") {
        let birth = dates::birth(item.text_of("dateOfBirth"));
        let unknown = Fault::Unknown { line: item.line, what: "dateOfBirth" };
        add_birth(&mut births, birth.ok_or(unknown)?);
    }
    let lists = [("nationalityList", "nationality"), ("citizenshipList", "citizenship")];
    for (list, item) in lists.into_iter().chain([("addressList", "address")]) {
        for item in element.within(list, item) {
            add_country(&mut countries, item.text_of("country"));
        }
    }
    let programme = programmes.join(", ");
    Ok(Entry { list: List::OfacSdn, id, kind, names, births, countries, programme })
}
