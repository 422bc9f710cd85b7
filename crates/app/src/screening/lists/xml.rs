//! XML, an entry of a list at a time.
//!
//! Nothing outside of the file is read, a document type is refused, and of entities there are those
//! that XML defines itself: so a file takes no more memory than it has bytes.

use super::Fault;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion, escape};

/// How deep elements may be nested. The lists need eight.
const DEPTH_MAX: usize = 32;
/// How many elements one entry may have. The largest have some thousands.
const ELEMENTS_MAX: usize = 50_000;

/// An element of an entry, with all that is in it.
#[derive(Default)]
pub(super) struct Element {
    /// Its name, without its namespace.
    name: String,
    attributes: Vec<(String, String)>,
    /// Its own text, without spaces around it.
    text: String,
    children: Vec<Self>,
    /// Where it begins.
    pub(super) line: usize,
}

impl Element {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// Its children of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The children of a name of its children of another: `akaList/aka`.
    pub(super) fn within<'a>(
        &'a self,
        list: &'a str,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Self> {
        self.all(list).flat_map(move |list| list.all(name))
    }

    /// The text of its first child of a name; empty if there is none.
    pub(super) fn text_of(&self, name: &str) -> &str {
        let found = self.children.iter().find(|child| child.name == name);
        found.map_or("", Self::text)
    }

    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    /// The value of an attribute; empty if it has none.
    pub(super) fn attribute<'a>(&'a self, name: &str) -> &'a str {
        let found = self.attributes.iter().find(|(it, _)| it == name);
        found.map_or("", |(_, value)| value.trim())
    }
}

/// The name of a file's root.
pub(super) fn root(text: &str) -> Result<String, Fault> {
    let mut events = Events::new(text);
    loop {
        match events.next()? {
            Part::Begin(element) | Part::Whole(element) => return Ok(element.name),
            Part::Text(_) | Part::Nothing => {}
            Part::End | Part::Over => return Err(Fault::Truncated { line: events.line() }),
        }
    }
}

/// Calls for each element of one of some names, wherever it stands.
pub(super) fn each(
    text: &str,
    names: &[&str],
    mut take: impl FnMut(&Element) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut events = Events::new(text);
    let mut open: Vec<Element> = Vec::new();
    let (mut depth, mut elements) = (0usize, 0usize);
    loop {
        match events.next()? {
            Part::Begin(element) => {
                depth += 1;
                if !open.is_empty() || names.contains(&element.name.as_str()) {
                    elements = if open.is_empty() { 1 } else { elements + 1 };
                    open.push(element);
                }
            }
            Part::Whole(element) => match open.last_mut() {
                Some(parent) => {
                    elements += 1;
                    parent.children.push(element);
                }
                None if names.contains(&element.name.as_str()) => take(&element)?,
                None => {}
            },
            Part::Text(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&text);
                }
            }
            Part::End => {
                depth = depth.saturating_sub(1);
                if let Some(element) = open.pop() {
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => take(&element)?,
                    }
                }
            }
            Part::Nothing => {}
            Part::Over if depth > 0 => return Err(Fault::Truncated { line: events.line() }),
            Part::Over => return Ok(()),
        }
        if depth > DEPTH_MAX || elements > ELEMENTS_MAX {
            return Err(Fault::TooMuch { line: events.line() });
        }
    }
}

/// What a file is a sequence of.
enum Part {
    Begin(Element),
    /// An element with nothing in it.
    Whole(Element),
    Text(String),
    End,
    /// A comment and the like.
    Nothing,
    Over,
}

struct Events<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    /// How many line ends there are before `counted`.
    lines: usize,
    counted: usize,
}

impl<'a> Events<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, reader: Reader::from_str(text), lines: 0, counted: 0 }
    }

    /// The line that was read last.
    fn line(&mut self) -> usize {
        let at = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
        let at = at.min(self.text.len()).max(self.counted);
        let read = &self.text.as_bytes()[self.counted..at];
        self.lines += read.iter().filter(|byte| **byte == b'\n').count();
        self.counted = at;
        self.lines + 1
    }

    fn next(&mut self) -> Result<Part, Fault> {
        let event = self.reader.read_event();
        let line = self.line();
        match event {
            Ok(Event::Start(start)) => Ok(Part::Begin(element(&start, line)?)),
            Ok(Event::Empty(start)) => Ok(Part::Whole(element(&start, line)?)),
            Ok(Event::End(_)) => Ok(Part::End),
            Ok(Event::Text(text)) => Ok(Part::Text(text.xml10_content().into_owned())),
            Ok(Event::CData(text)) => Ok(Part::Text(text.xml10_content().into_owned())),
            Ok(Event::GeneralRef(entity)) => Ok(Part::Text(resolved(&entity, line)?)),
            Ok(Event::DocType(_)) => Err(Fault::DocumentType { line }),
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_)) => Ok(Part::Nothing),
            Ok(Event::Eof) => Ok(Part::Over),
            Err(quick_xml::Error::Syntax(_)) if self.counted == self.text.len() => {
                Err(Fault::Truncated { line })
            }
            Err(_) => Err(Fault::Xml { line }),
        }
    }
}

fn element(start: &BytesStart<'_>, line: usize) -> Result<Element, Fault> {
    let name = start.local_name().as_ref().to_owned();
    let mut element = Element { name, line, ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| Fault::Xml { line })?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        let value = value.map_err(|_| Fault::UnknownEntity { line })?.into_owned();
        element.attributes.push((attribute.key.local_name().as_ref().to_owned(), value));
    }
    Ok(element)
}

/// A character by its number, or one of the five entities of XML.
fn resolved(entity: &BytesRef<'_>, line: usize) -> Result<String, Fault> {
    match entity.resolve_char_ref() {
        Ok(Some(letter)) => Ok(letter.to_string()),
        Ok(None) => {
            let known = escape::resolve_predefined_entity(entity);
            known.map(str::to_owned).ok_or(Fault::UnknownEntity { line })
        }
        Err(_) => Err(Fault::UnknownEntity { line }),
    }
}
