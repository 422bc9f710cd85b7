//! A statement as PDF, for people: A4, the facts, a table of what moved over as many pages as it
//! needs. The same statement is the same file, byte for byte.

mod font;
mod sheet;
mod table;
#[cfg(test)]
mod tests;

use app::statements::Statement;
use font::{Font, Refs};
use jiff::Zoned;
use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::{Date, Filter, Finish as _, Name, Pdf, Rect, Ref, TextStr};

/// The name of the font on a page.
const FONT: Name<'_> = Name(b"F");
/// How hard is compressed: as gzip does unless told.
const LEVEL: u8 = 6;
/// Objects that there are once; those of the pages follow.
const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const INFO: Ref = Ref::new(3);
const LETTERS: Refs = Refs {
    font: Ref::new(4),
    letters: Ref::new(5),
    descriptor: Ref::new(6),
    file: Ref::new(7),
    characters: Ref::new(8),
    glyphs: Ref::new(9),
};
const FIRST_PAGE: i32 = 10;

/// The whole file. It takes some hundred milliseconds for the longest statement that there is.
pub(super) fn written(made: &Statement) -> Vec<u8> {
    let mut font = Font::new();
    let mut pdf = Pdf::new();
    let sheets = table::sheets(made, &mut font);
    let mut next = FIRST_PAGE;
    let mut taken = || {
        next += 1;
        Ref::new(next - 1)
    };
    let mut pages = Vec::with_capacity(sheets.len());
    for content in &sheets {
        let (page, held) = (taken(), taken());
        pages.push(page);
        pdf.stream(held, content).filter(Filter::FlateDecode);
        write_page(&mut pdf, page, held);
    }
    let count = i32::try_from(pages.len()).unwrap_or(i32::MAX);
    pdf.pages(PAGES).kids(pages).count(count);
    font.write(&mut pdf, &LETTERS);
    let mut catalog = pdf.catalog(CATALOG);
    catalog.pages(PAGES).lang(TextStr("en"));
    catalog.viewer_preferences().display_doc_title(true);
    catalog.finish();
    let title =
        format!("Statement {} {} - {}", made.balance.id.0, made.period.from, made.period.to);
    pdf.document_info(INFO)
        .title(TextStr(&title))
        .author(TextStr(&made.partner))
        .producer(TextStr("Antaca"))
        .creation_date(moment(&made.made_at.to_zoned(made.zone.clone())));
    pdf.finish()
}

fn write_page(pdf: &mut Pdf, page: Ref, content: Ref) {
    let mut page = pdf.page(page);
    page.parent(PAGES).media_box(Rect::new(0.0, 0.0, 595.3, 841.9)).contents(content);
    page.resources().fonts().pair(FONT, LETTERS.font);
}

/// Writes a compressed stream.
fn stream(pdf: &mut Pdf, at: Ref, content: &[u8]) {
    pdf.stream(at, &compress_to_vec_zlib(content, LEVEL)).filter(Filter::FlateDecode);
}

/// A moment as a PDF tells it.
fn moment(at: &Zoned) -> Date {
    let minutes = at.offset().seconds() / 60;
    let hours = i8::try_from(minutes / 60).unwrap_or_default();
    let of = |part: i8| u8::try_from(part).unwrap_or_default();
    Date::new(u16::try_from(at.year()).unwrap_or_default())
        .month(of(at.month()))
        .day(of(at.day()))
        .hour(of(at.hour()))
        .minute(of(at.minute()))
        .second(of(at.second()))
        .utc_offset_hour(hours)
        .utc_offset_minute(u8::try_from(minutes.abs() % 60).unwrap_or_default())
}
