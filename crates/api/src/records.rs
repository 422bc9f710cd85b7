//! The records of a streamed body: lines of NDJSON or rows of CSV, cut out of whatever pieces the
//! body comes in.
//!
//! How it is cut depends on the bytes alone, never on the pieces: a body that is sent again has the
//! same records at the same places. What is wrong with one record harms no other.

pub(crate) mod csv;

/// The longest record, without its end (spec "Limits that protect the service").
pub(crate) const RECORD_MAX: usize = 64 * 1024;
/// What some programs write before a text in UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// How records end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// With their line.
    Lines,
    /// With their line, unless that ends within quotes (RFC 4180).
    Csv,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The number of the line that it begins on, from 1.
    pub(crate) number: i64,
    /// What it says, without its end.
    pub(crate) text: Result<Vec<u8>, Flaw>,
}

/// Why a record can't be cut out. The rest of its line is left out, and the next line begins a
/// record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It is longer than [`RECORD_MAX`].
    TooLong,
    /// A field's quote isn't closed before the body ends or the record is too long.
    Unclosed,
    /// A quote stands where none may.
    Misplaced,
}

/// Where in a row a byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the beginning of a field.
    Beginning,
    /// In a field without quotes.
    Plain,
    /// Within quotes.
    Quoted,
    /// After a quote within quotes: the field's end, or the first half of a quote.
    Closed,
}

/// Cuts a body into its records.
#[derive(Debug)]
pub(crate) struct Splitter {
    form: Form,
    buffer: Vec<u8>,
    /// Where the next record begins.
    start: usize,
    /// Up to where it was looked at.
    seen: usize,
    place: Place,
    /// The number of the line at `start`.
    line: i64,
    /// Whether nothing was cut off yet.
    is_fresh: bool,
    /// Whether the rest of the line is left out.
    skips: bool,
    /// Whether that is a row whose quotes are open.
    swallows: bool,
    /// Whether all of the body is there.
    is_whole: bool,
}

/// What was found of a record.
enum Found {
    /// Its end: where its line does.
    End(usize),
    Flaw(Flaw),
    /// There has to come more.
    Nothing,
}

impl Splitter {
    /// Of a body that is still to come.
    pub(crate) fn new(form: Form) -> Self {
        Self {
            form,
            buffer: Vec::new(),
            start: 0,
            seen: 0,
            place: Place::Beginning,
            line: 1,
            is_fresh: true,
            skips: false,
            swallows: false,
            is_whole: false,
        }
    }

    /// The next piece of the body. What is kept of it is bounded if all records are taken before.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.buffer.drain(..self.start);
        self.seen -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(piece);
    }

    /// That was all.
    pub(crate) fn end(&mut self) {
        self.is_whole = true;
    }

    /// The number of the line that comes next.
    pub(crate) fn line(&self) -> i64 {
        self.line
    }

    /// The next record that is there. Blank lines are none.
    pub(crate) fn next(&mut self) -> Option<Record> {
        if self.is_fresh {
            if !self.is_whole && self.buffer.len() < MARK.len() {
                return None;
            }
            self.is_fresh = false;
            if self.buffer.starts_with(MARK) {
                (self.start, self.seen) = (MARK.len(), MARK.len());
            }
        }
        loop {
            if self.skips && !self.skip() {
                return None;
            }
            let number = self.line;
            let text = match self.find() {
                Found::Nothing => return None,
                Found::Flaw(flaw) => {
                    self.skips = true;
                    // What follows in quotes is no row, though it may look like some.
                    self.swallows = self.place == Place::Quoted;
                    if !self.swallows {
                        (self.seen, self.place) = (self.start, Place::Beginning);
                    }
                    Err(flaw)
                }
                Found::End(end) => Ok(self.cut(end)),
            };
            let is_blank = text.as_ref().is_ok_and(|text| text.trim_ascii().is_empty());
            if !is_blank {
                return Some(Record { number, text });
            }
        }
    }

    /// Leaves out the rest of the line, or of the row whose quotes are open; `false` if its end
    /// isn't there yet.
    fn skip(&mut self) -> bool {
        if self.swallows {
            return self.swallow();
        }
        let rest = &self.buffer[self.start..];
        let end = rest.iter().position(|byte| *byte == b'\n');
        self.start = end.map_or(self.buffer.len(), |end| self.start + end + 1);
        self.seen = self.start;
        if end.is_some() {
            self.line += 1;
            self.skips = false;
        }
        end.is_some()
    }

    fn swallow(&mut self) -> bool {
        let breaks = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
        let mut is_over = false;
        while !is_over && self.seen < self.buffer.len() {
            match step(self.place, self.buffer[self.seen]) {
                None => is_over = true,
                Some(place) => self.place = place.unwrap_or(Place::Plain),
            }
            self.seen += 1;
        }
        let left_out = breaks(&self.buffer[self.start..self.seen]);
        self.line += i64::try_from(left_out).unwrap_or(i64::MAX);
        self.start = self.seen;
        if is_over {
            (self.place, self.skips, self.swallows) = (Place::Beginning, false, false);
        }
        is_over
    }

    fn cut(&mut self, end: usize) -> Vec<u8> {
        let text = self.buffer[self.start..end].to_vec();
        let breaks = text.iter().filter(|byte| **byte == b'\n').count();
        self.line += i64::try_from(breaks).unwrap_or(i64::MAX).saturating_add(1);
        self.start = self.buffer.len().min(end + 1);
        (self.seen, self.place) = (self.start, Place::Beginning);
        text
    }

    fn find(&mut self) -> Found {
        let last = self.buffer.len().min(self.start + RECORD_MAX + 1);
        while self.seen < last {
            let byte = self.buffer[self.seen];
            let next = match self.form {
                Form::Lines => (byte != b'\n').then_some(Ok(Place::Plain)),
                Form::Csv => step(self.place, byte),
            };
            match next {
                None => return Found::End(self.seen),
                Some(Err(flaw)) => return Found::Flaw(flaw),
                Some(Ok(place)) => self.place = place,
            }
            self.seen += 1;
        }
        if last - self.start > RECORD_MAX {
            let several = self.buffer[self.start..last].contains(&b'\n');
            Found::Flaw(if several { Flaw::Unclosed } else { Flaw::TooLong })
        } else if !self.is_whole || last == self.start {
            Found::Nothing
        } else if self.place == Place::Quoted {
            Found::Flaw(Flaw::Unclosed)
        } else {
            Found::End(last)
        }
    }
}

/// Where the byte after this one stands; `None` if this one ends the row.
fn step(place: Place, byte: u8) -> Option<Result<Place, Flaw>> {
    match (place, byte) {
        (Place::Quoted, b'"') => Some(Ok(Place::Closed)),
        (Place::Quoted, _) | (Place::Closed | Place::Beginning, b'"') => Some(Ok(Place::Quoted)),
        (Place::Beginning | Place::Plain | Place::Closed, b'\n') => None,
        (Place::Beginning | Place::Plain | Place::Closed, b',') => Some(Ok(Place::Beginning)),
        (Place::Closed, b'\r') => Some(Ok(Place::Closed)),
        (Place::Closed, _) | (Place::Plain, b'"') => Some(Err(Flaw::Misplaced)),
        (Place::Beginning | Place::Plain, _) => Some(Ok(Place::Plain)),
    }
}

#[cfg(test)]
mod tests;
