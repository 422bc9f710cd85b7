//! One page, on which texts and lines are drawn. Places are in twentieths of a point from the
//! page's upper left corner: an A4 page has 11,906 of them by 16,838, all of it whole numbers.

use super::font::Font;
use super::{FONT, LEVEL};
use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Str};

/// How wide a page is.
pub(super) const WIDTH: i32 = 11_906;
/// How high it is.
pub(super) const HEIGHT: i32 = 16_838;
/// What stays empty on each side.
pub(super) const MARGIN: i32 = 1_000;
/// The right end of what is written.
pub(super) const RIGHT: i32 = WIDTH - MARGIN;

/// How a text is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// The size of its letters.
    pub(super) size: i32,
    /// Whether its letters are thick.
    pub(super) is_bold: bool,
    /// Whether it is of less weight: grey.
    pub(super) is_grey: bool,
}

/// A page in the making.
pub(super) struct Sheet<'a> {
    font: &'a mut Font,
    content: Content,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(font: &'a mut Font) -> Self {
        let mut content = Content::new();
        content.transform([0.05, 0.0, 0.0, 0.05, 0.0, 0.0]);
        Self { font, content }
    }

    /// Writes a text, which begins at `x`; `y` is the line that its letters stand on.
    pub(super) fn text(&mut self, x: i32, y: i32, style: Style, text: &str) {
        let grey = if style.is_grey { 0.35 } else { 0.0 };
        self.content.set_fill_gray(grey).begin_text().set_font(FONT, place(style.size));
        if style.is_bold {
            // There is one font; a line around its letters makes them thick.
            self.content
                .set_stroke_gray(grey)
                .set_line_width(place(style.size / 30))
                .set_text_rendering_mode(TextRenderingMode::FillStroke);
        } else {
            self.content.set_text_rendering_mode(TextRenderingMode::Fill);
        }
        let codes = self.font.codes(text);
        self.content.next_line(place(x), place(HEIGHT - y)).show(Str(&codes)).end_text();
    }

    /// Writes a text, which ends at `x`.
    pub(super) fn text_to(&mut self, x: i32, y: i32, style: Style, text: &str) {
        let width = self.font.width(text, style.size);
        self.text(x.saturating_sub(width), y, style, text);
    }

    /// Draws a line from one margin to the other.
    pub(super) fn rule(&mut self, y: i32, is_grey: bool) {
        let (y, grey) = (place(HEIGHT - y), if is_grey { 0.8 } else { 0.0 });
        self.content.set_stroke_gray(grey).set_line_width(8.0);
        self.content.move_to(place(MARGIN), y).line_to(place(RIGHT), y).stroke();
    }

    /// What a page's stream holds, compressed.
    pub(super) fn finish(self) -> Vec<u8> {
        compress_to_vec_zlib(&self.content.finish(), LEVEL)
    }
}

/// A place as a PDF has it; what is far beside the page stays beside it.
fn place(twentieths: i32) -> f32 {
    let least = if twentieths < 0 { i16::MIN } else { i16::MAX };
    i16::try_from(twentieths).unwrap_or(least).into()
}
