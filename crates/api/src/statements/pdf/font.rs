//! The letters of a PDF. A file holds only the glyphs that its texts use, and says which character
//! each of them stands for, so that its texts can be copied and searched.

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Finish as _, Name, Pdf, Rect, Ref, Str};
use read_fonts::tables::cmap::Cmap;
use read_fonts::tables::hmtx::Hmtx;
use read_fonts::{FontRef, TableProvider as _};
use std::collections::HashMap;
use subsetter::GlyphRemapper;

/// DejaVu Sans Condensed with the characters of Latin, Greek and Cyrillic; see its folder.
const FILE: &[u8] = include_bytes!("vendor/DejaVuSansCondensed.ttf");
/// Its name in a file: six letters stand for a part of a font (ISO 32000-1, 9.6.4).
const NAME: Name<'_> = Name(b"ANTACA+DejaVuSansCondensed");
/// Units of the font in the size of its letters, as its file says.
const UNITS: u32 = 2048;
/// What stands for a character that can't be told.
const UNKNOWN: char = '\u{FFFD}';
/// Where the names of glyphs come from: the file itself.
const SYSTEM: SystemInfo<'_> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The objects that tell of a font in a file.
pub(super) struct Refs {
    /// What pages refer to.
    pub(super) font: Ref,
    /// Its glyphs and their widths.
    pub(super) letters: Ref,
    /// Its measures.
    pub(super) descriptor: Ref,
    /// The font's own file.
    pub(super) file: Ref,
    /// The character of each code.
    pub(super) characters: Ref,
    /// The glyph of each code.
    pub(super) glyphs: Ref,
}

/// The characters of one file. Each has a code of its own, whether the font has a glyph for it or
/// not: one that it hasn't is seen as an empty box, but is copied as what it is.
pub(super) struct Font {
    cmap: Cmap<'static>,
    hmtx: Hmtx<'static>,
    codes: HashMap<char, u16>,
    letters: Vec<Letter>,
}

struct Letter {
    of: char,
    glyph: u16,
    width: u16,
}

impl Font {
    pub(super) fn new() -> Self {
        let file = FontRef::new(FILE).expect("our font is sound");
        let cmap = file.cmap().expect("our font has characters");
        let hmtx = file.hmtx().expect("our font has widths");
        let mut font = Self { cmap, hmtx, codes: HashMap::new(), letters: Vec::new() };
        font.code(UNKNOWN);
        font
    }

    /// A character's code; where there are too many to tell them apart, that of an unknown one.
    fn code(&mut self, character: char) -> u16 {
        // A line that a text begins is none of ours.
        let character = if character.is_control() { ' ' } else { character };
        if let Some(code) = self.codes.get(&character) {
            return *code;
        }
        let Ok(code) = u16::try_from(self.letters.len()) else { return 0 };
        let glyph = self.cmap.map_codepoint(character).unwrap_or_default();
        let width = self.hmtx.advance(glyph).unwrap_or_default();
        let glyph = u16::try_from(glyph.to_u32()).unwrap_or_default();
        self.letters.push(Letter { of: character, glyph, width });
        self.codes.insert(character, code);
        code
    }

    /// Whether it has no glyph for a character.
    #[cfg(test)]
    pub(super) fn lacks(&mut self, character: char) -> bool {
        let code = usize::from(self.code(character));
        self.letters.get(code).is_none_or(|letter| letter.glyph == 0)
    }

    /// The codes of a text, two bytes each.
    pub(super) fn codes(&mut self, text: &str) -> Vec<u8> {
        text.chars().flat_map(|character| self.code(character).to_be_bytes()).collect()
    }

    /// How wide a text is in letters of this size, in the unit of the size.
    pub(super) fn width(&mut self, text: &str, size: i32) -> i32 {
        let width: u64 = text.chars().map(|character| self.advance(character)).sum();
        let width = width.saturating_mul(u64::from(size.unsigned_abs()));
        let width = width.div_ceil(u64::from(UNITS));
        i32::try_from(width).unwrap_or(i32::MAX)
    }

    fn advance(&mut self, character: char) -> u64 {
        let code = self.code(character);
        self.letters.get(usize::from(code)).map_or(0, |letter| letter.width.into())
    }

    /// A text as lines that aren't wider than this: broken between words, and within a word only
    /// where it is wider than a line.
    pub(super) fn lines(&mut self, text: &str, size: i32, width: i32) -> Vec<String> {
        let room = u64::from(width.unsigned_abs()) * u64::from(UNITS);
        let room = room / u64::from(size.unsigned_abs()).max(1);
        let (space, mut used) = (self.advance(' '), 0);
        let mut lines = vec![String::new()];
        let words = text.split(|it: char| it.is_whitespace() || it.is_control());
        for word in words.filter(|word| !word.is_empty()) {
            let wide: u64 = word.chars().map(|it| self.advance(it)).sum();
            if used > 0 && used + space + wide <= room {
                push(&mut lines, ' ');
                used += space;
            } else if used > 0 {
                lines.push(String::new());
                used = 0;
            }
            for character in word.chars() {
                let wide = self.advance(character);
                if used > 0 && used + wide > room {
                    lines.push(String::new());
                    used = 0;
                }
                push(&mut lines, character);
                used += wide;
            }
        }
        lines
    }

    /// Writes the font as far as it was used.
    pub(super) fn write(&self, pdf: &mut Pdf, refs: &Refs) {
        let mut kept = GlyphRemapper::new();
        let glyphs: Vec<u8> =
            self.letters.iter().flat_map(|it| kept.remap(it.glyph).to_be_bytes()).collect();
        let file = subsetter::subset(FILE, 0, &kept).expect("our font is sound");
        super::stream(pdf, refs.file, &file);
        super::stream(pdf, refs.glyphs, &glyphs);
        let mut characters = UnicodeCmap::new(Name(b"Characters"), SYSTEM);
        for (letter, code) in self.letters.iter().zip(0_u16..=u16::MAX) {
            characters.pair(code, letter.of);
        }
        super::stream(pdf, refs.characters, &characters.finish());
        pdf.type0_font(refs.font)
            .base_font(NAME)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(refs.letters)
            .to_unicode(refs.characters);
        let mut letters = pdf.cid_font(refs.letters);
        letters
            .subtype(CidFontType::Type2)
            .base_font(NAME)
            .system_info(SYSTEM)
            .font_descriptor(refs.descriptor)
            .cid_to_gid_map_stream(refs.glyphs);
        letters.widths().consecutive(0, self.letters.iter().map(|it| thousandths(it.width)));
        letters.finish();
        // In thousandths of the letters' size: from the font's `hhea` and `head`, and its H.
        pdf.font_descriptor(refs.descriptor)
            .name(NAME)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(-918.0, -463.0, 1614.0, 1232.0))
            .italic_angle(0.0)
            .ascent(928.0)
            .descent(-236.0)
            .cap_height(729.0)
            .stem_v(80.0)
            .font_file2(refs.file);
    }
}

/// Writes a character onto the last line.
fn push(lines: &mut [String], character: char) {
    if let Some(line) = lines.last_mut() {
        line.push(character);
    }
}

fn thousandths(width: u16) -> f32 {
    let width = u32::from(width) * 1000 / UNITS;
    u16::try_from(width).unwrap_or(u16::MAX).into()
}
