//! Entries of lists as they are kept.

use domain::screening::{Birth, Entry, Kind, List, Name, Strength};
use serde_json::{Value, json};

pub(super) fn entry_json(entry: &Entry) -> Value {
    let name = |it: &Name| json!({ "text": it.text, "strength": it.strength.as_str() });
    let birth = |it: &Birth| match it {
        Birth::Day(day) => json!({ "day": day.to_string() }),
        Birth::Years { from, to, circa } => json!({ "from": from, "to": to, "circa": circa }),
    };
    json!({
        "id": entry.id,
        "kind": entry.kind.as_str(),
        "names": entry.names.iter().map(name).collect::<Vec<_>>(),
        "births": entry.births.iter().map(birth).collect::<Vec<_>>(),
        "countries": entry.countries,
        "programme": entry.programme,
    })
}

pub(super) fn read_entry(list: List, value: &Value) -> Option<Entry> {
    let text = |of: &Value| of.as_str().map(str::to_owned);
    let name = |it: &Value| {
        let strength = Strength::parse(it["strength"].as_str()?)?;
        Some(Name { text: text(&it["text"])?, strength })
    };
    let birth = |it: &Value| match it["day"].as_str() {
        Some(day) => day.parse().ok().map(Birth::Day),
        None => {
            let year = |name: &str| it[name].as_i64().and_then(|year| i16::try_from(year).ok());
            let circa = it["circa"].as_bool()?;
            Some(Birth::Years { from: year("from")?, to: year("to")?, circa })
        }
    };
    Some(Entry {
        list,
        id: text(&value["id"])?,
        kind: Kind::parse(value["kind"].as_str()?)?,
        names: value["names"].as_array()?.iter().map(name).collect::<Option<_>>()?,
        births: value["births"].as_array()?.iter().map(birth).collect::<Option<_>>()?,
        countries: value["countries"].as_array()?.iter().map(text).collect::<Option<_>>()?,
        programme: text(&value["programme"])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_kept() {
        let entry = Entry {
            list: List::Eu,
            id: "EU.1".to_owned(),
            kind: Kind::Person,
            names: vec![
                Name { text: "Иван Иванов".to_owned(), strength: Strength::Strong },
                Name { text: "Vanya".to_owned(), strength: Strength::Weak },
            ],
            births: vec![
                Birth::Day("1970-02-28".parse().expect("a day")),
                Birth::Years { from: 1970, to: 1972, circa: true },
            ],
            countries: vec!["RU".to_owned()],
            programme: "P".to_owned(),
        };
        assert_eq!(read_entry(List::Eu, &entry_json(&entry)), Some(entry));
        assert_eq!(read_entry(List::Eu, &json!({ "id": "EU.1" })), None);
    }
}
