//! Fields of the operator's settings: shown with what they were when the page was made, and read so
//! that only what somebody has changed is changed.

use crate::answer::Failed;
use crate::form::Posted;
use crate::frame::Typed;
use crate::texts::{known, text};
use domain::Word;

/// A field of a form, with what it was when the page was made: only what somebody has changed is
/// changed, whatever somebody else did meanwhile.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: String,
    pub(crate) value: String,
    /// What it was when the page was made.
    pub(crate) was: String,
    /// What may be chosen, with its name for people; nothing where a text is typed.
    pub(crate) words: Vec<(String, String)>,
    pub(crate) hint: Option<&'static str>,
}

impl Field {
    pub(crate) fn typed(name: &'static str, label: String, value: impl ToString) -> Self {
        let value = value.to_string();
        Self { name, label, was: value.clone(), value, words: Vec::new(), hint: None }
    }

    /// With what was typed into it, if the form wasn't done and somebody had changed it.
    pub(crate) fn again(self, typed: Typed<'_>) -> Self {
        let value = typed.sent(self.name);
        let changed = value.filter(|it| *it != typed.get(&format!("was.{}", self.name)));
        match changed {
            Some(value) => Self { value: value.to_owned(), ..self },
            None => self,
        }
    }

    pub(crate) fn hinted(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub(crate) fn number(name: &'static str, label: String, value: Option<i64>) -> Self {
        Self::typed(name, label, value.map_or_else(String::new, |it| it.to_string()))
    }

    /// One of the words of an enum; `group` names the field and what its words are called.
    pub(crate) fn words<W: Word>(group: &'static str, label: String, value: W) -> Self {
        let named = |word: &W| {
            let word = word.word();
            let told = known(&format!("{group}.{word}")).unwrap_or(word);
            (word.to_owned(), told.to_owned())
        };
        let words = W::ALL.iter().map(named).collect();
        let name = group.rsplit('.').next().unwrap_or(group);
        Self { words, ..Self::typed(name, label, value.word()) }
    }

    /// One of some names.
    pub(crate) fn one_of(name: &'static str, label: String, names: Vec<String>) -> Self {
        let words = names.into_iter().map(|it| (it.clone(), it)).collect();
        Self { words, ..Self::typed(name, label, "") }
    }

    /// With this one chosen.
    pub(crate) fn chosen(self, value: &str) -> Self {
        Self { value: value.to_owned(), was: value.to_owned(), ..self }
    }

    pub(crate) fn switch(name: &'static str, label: String, is_on: bool) -> Self {
        let words = [("on", text("setting.on")), ("off", text("setting.off"))];
        let words = words.map(|(word, told)| (word.to_owned(), told)).into();
        Self { words, ..Self::typed(name, label, if is_on { "on" } else { "off" }) }
    }
}

/// A field that is otherwise than it was when the page was made.
pub(crate) fn touched<'a>(posted: &'a Posted, name: &str) -> Option<&'a str> {
    let value = posted.field(name);
    Some(value).filter(|value| *value != posted.field(&format!("was.{name}")))
}

pub(crate) fn word<W: Word>(posted: &Posted, name: &str) -> Result<Option<W>, Failed> {
    touched(posted, name).map(|text| W::of_word(text).ok_or(Failed::Unreadable)).transpose()
}

pub(crate) fn switch(posted: &Posted, name: &str) -> Result<Option<bool>, Failed> {
    let read = |text: &str| match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Failed::Unreadable),
    };
    touched(posted, name).map(read).transpose()
}

pub(crate) fn number(posted: &Posted, name: &str) -> Result<Option<i64>, Failed> {
    touched(posted, name).map(|text| text.parse().map_err(|_| Failed::Unreadable)).transpose()
}

/// A number that may be taken off.
pub(crate) fn number_or_none(posted: &Posted, name: &str) -> Result<Option<Option<i64>>, Failed> {
    match touched(posted, name) {
        Some("") => Ok(Some(None)),
        _ => Ok(number(posted, name)?.map(Some)),
    }
}
