//! Whether bytes are one whole picture and nothing else, by their structure (ISO/IEC 10918-1 and
//! its JFIF and Exif uses; W3C PNG, third edition).
//!
//! What a picture shows is for who decides; here it is made sure that it isn't cut off, and isn't
//! another kind of file as well: whoever opens it later must see a picture and nothing else.

use crate::words::words;

words! {
    /// What a picture is, by its content.
    pub enum MediaType {
        /// JPEG.
        Jpeg = "image/jpeg",
        /// PNG.
        Png = "image/png",
    }
}

/// Why bytes aren't taken for a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// They aren't a JPEG or PNG picture.
    NoPicture,
    /// The picture ends before its end.
    CutOff,
    /// A part of it is damaged.
    Damaged,
    /// Behind it there is something else.
    MoreBehind,
    /// It carries what another kind of file begins or ends with.
    SomethingElse,
    /// It has no points, or more than [`POINTS_MAX`].
    Size,
}

/// The most points of a picture: three times what a good telephone takes, so that whoever opens it
/// has the memory.
pub const POINTS_MAX: u64 = 150_000_000;

/// How other kinds of files begin or end. Where people write texts into pictures, none of these is
/// one; Exif, XMP and colour profiles have none of them.
const OTHERS: &[&[u8]] = &[
    b"%pdf-",
    b"pk\x03\x04",
    b"pk\x05\x06",
    b"rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"\x7felf",
    b"<?php",
    b"<script",
    b"<html",
    b"<svg",
    b"<!doctype",
    b"javascript:",
];

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Tells what picture these bytes are, if they are one whole one and nothing else, and how many of
/// them it is: what a telephone has put behind it is left out.
pub fn check(bytes: &[u8]) -> Result<(MediaType, usize), Flaw> {
    if let Some(rest) = bytes.strip_prefix(PNG) {
        png(rest).map(|()| (MediaType::Png, bytes.len()))
    } else if bytes.starts_with(&[0xFF, SOI, 0xFF]) {
        jpegs(bytes).map(|length| (MediaType::Jpeg, length))
    } else {
        Err(Flaw::NoPicture)
    }
}

/// Whether this is what telephones put behind a JPEG: a film of the moment (an MP4), or notes that
/// end with Samsung's mark.
fn is_of_telephone(behind: &[u8]) -> bool {
    behind.get(4..8) == Some(b"ftyp") || behind.ends_with(b"SEFT")
}

fn sized(width: u64, height: u64) -> Result<(), Flaw> {
    if (1..=POINTS_MAX).contains(&width.saturating_mul(height)) { Ok(()) } else { Err(Flaw::Size) }
}

/// A text or data that a picture carries beside its points.
fn beside(bytes: &[u8]) -> Result<(), Flaw> {
    let holds = |other: &&[u8]| bytes.windows(other.len()).any(|at| at.eq_ignore_ascii_case(other));
    if OTHERS.iter().any(holds) { Err(Flaw::SomethingElse) } else { Ok(()) }
}

/// The chunks of a PNG: each with its length and check sum, the first `IHDR`, the last `IEND`.
fn png(mut rest: &[u8]) -> Result<(), Flaw> {
    let (mut first, mut shown) = (true, false);
    loop {
        let (length, after) = rest.split_first_chunk::<4>().ok_or(Flaw::CutOff)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Flaw::Damaged)?;
        let (named, sum) = after.split_at_checked(length.saturating_add(4)).ok_or(Flaw::CutOff)?;
        let (sum, next) = sum.split_first_chunk::<4>().ok_or(Flaw::CutOff)?;
        if crc32fast::hash(named) != u32::from_be_bytes(*sum) {
            return Err(Flaw::Damaged);
        }
        let (name, data) = named.split_at(4);
        match (name, first) {
            (b"IHDR", true) => {
                let number = |at: usize| {
                    let four = data.get(at..at + 4)?.try_into().ok()?;
                    Some(u64::from(u32::from_be_bytes(four)))
                };
                let size = number(0).zip(number(4)).ok_or(Flaw::Damaged)?;
                sized(size.0, size.1)?;
            }
            (b"IHDR", false) | (_, true) => return Err(Flaw::Damaged),
            (b"IDAT", false) => shown = true,
            (b"IEND", false) => {
                return match (shown, data.is_empty(), next.is_empty()) {
                    (true, true, true) => Ok(()),
                    (true, true, false) => Err(Flaw::MoreBehind),
                    (false, _, _) | (true, false, _) => Err(Flaw::Damaged),
                };
            }
            // Points of a moving picture are no text.
            (b"fdAT", false) => {}
            (_, false) => beside(data)?,
        }
        (rest, first) = (next, false);
    }
}

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;

/// One JPEG, or several behind one another: telephones put a depth map or a brighter copy behind a
/// picture (CIPA DC-007), padded with zeros.
fn jpegs(bytes: &[u8]) -> Result<usize, Flaw> {
    let mut rest = bytes;
    loop {
        rest = jpeg(rest)?;
        let length = bytes.len() - rest.len();
        let padding = rest.iter().take_while(|byte| **byte == 0).count();
        match rest.get(padding..) {
            None | Some([]) => return Ok(length),
            Some(next @ [0xFF, SOI, 0xFF, ..]) => rest = next,
            Some(_) if is_of_telephone(rest) => return Ok(length),
            Some(_) => return Err(Flaw::MoreBehind),
        }
    }
}

/// The segments of one JPEG; answers what lies behind its end.
fn jpeg(bytes: &[u8]) -> Result<&[u8], Flaw> {
    let mut rest = bytes.get(2..).ok_or(Flaw::CutOff)?;
    let (mut sizes, mut shown) = (0, false);
    loop {
        let [0xFF, after @ ..] = rest else {
            return Err(if rest.is_empty() { Flaw::CutOff } else { Flaw::Damaged });
        };
        // Any number of fill bytes may come before a marker's second byte.
        let fill = after.iter().take_while(|byte| **byte == 0xFF).count();
        let (marker, after) =
            after.get(fill..).and_then(<[u8]>::split_first).ok_or(Flaw::CutOff)?;
        match *marker {
            EOI if sizes == 1 && shown => return Ok(after),
            // None of these is in a picture that a camera makes.
            EOI | SOI | 0x00 | 0x02..=0xBF | 0xF0..=0xFD => return Err(Flaw::Damaged),
            0x01 | 0xD0..=0xD7 => rest = after,
            marker => {
                let (data, next) = segment(after)?;
                rest = next;
                match marker {
                    0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                        frame(data)?;
                        sizes += 1;
                    }
                    SOS if sizes == 1 => {
                        shown = true;
                        rest = points(next)?;
                    }
                    SOS => return Err(Flaw::Damaged),
                    _ => beside(data)?,
                }
            }
        }
    }
}

/// A segment's data, and what follows.
fn segment(bytes: &[u8]) -> Result<(&[u8], &[u8]), Flaw> {
    let length = bytes.first_chunk::<2>().ok_or(Flaw::CutOff)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (own, next) = bytes.split_at_checked(length).ok_or(Flaw::CutOff)?;
    Ok((own.get(2..).ok_or(Flaw::Damaged)?, next))
}

/// The header of a frame: precision, height, width. A height of nothing is told behind the first
/// scan; no camera does that.
fn frame(data: &[u8]) -> Result<(), Flaw> {
    let [_, height @ .., _] = data.get(..6).ok_or(Flaw::Damaged)? else {
        return Err(Flaw::Damaged);
    };
    let [high, low, wide, narrow] = *height else { return Err(Flaw::Damaged) };
    let number = |pair| u64::from(u16::from_be_bytes(pair));
    sized(number([wide, narrow]), number([high, low]))
}

/// What follows the coded points: in them each 0xFF is followed by a zero or a restart marker.
fn points(bytes: &[u8]) -> Result<&[u8], Flaw> {
    let mut from = 0;
    loop {
        let at = bytes[from..].iter().position(|byte| *byte == 0xFF).ok_or(Flaw::CutOff)? + from;
        match bytes.get(at + 1) {
            None => return Err(Flaw::CutOff),
            Some(0x00 | 0xD0..=0xD7) => from = at + 2,
            Some(_) => return Ok(&bytes[at..]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let named = [name.as_slice(), data].concat();
        let length = u32::try_from(data.len()).expect("short").to_be_bytes();
        [length.as_slice(), &named, &crc32fast::hash(&named).to_be_bytes()].concat()
    }

    fn header(width: u32, height: u32) -> Vec<u8> {
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        chunk(b"IHDR", &[size.as_slice(), &[8, 0, 0, 0, 0]].concat())
    }

    fn png_of(chunks: &[Vec<u8>]) -> Vec<u8> {
        [PNG, &chunks.concat()].concat()
    }

    /// A whole PNG with a chunk between its header and its points.
    fn png_with(own: Vec<u8>) -> Vec<u8> {
        png_of(&[header(1, 1), own, chunk(b"IDAT", b"points"), chunk(b"IEND", b"")])
    }

    fn part(marker: u8, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len() + 2).expect("short").to_be_bytes();
        [&[0xFF, marker], length.as_slice(), data].concat()
    }

    /// A whole JPEG with a segment before its frame.
    fn jpeg_with(own: &[u8]) -> Vec<u8> {
        let frame = part(0xC0, &[8, 0, 16, 0, 16, 1, 1, 0x11, 0]);
        let points = [0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD3, 0x56];
        let scan = [part(SOS, &[1, 1, 0, 0, 63, 0]).as_slice(), &points].concat();
        [&[0xFF, SOI], own, &frame, &scan, &[0xFF, EOI]].concat()
    }

    #[test]
    fn a_whole_picture_is_known_by_its_content() {
        let exif = part(0xE1, b"Exif\0\0MM\0*");
        let xmp = part(0xE1, b"http://ns.adobe.com/xap/1.0/\0<?xpacket begin=''?><x:xmpmeta/>");
        for (bytes, media) in [
            (png_with(vec![]), MediaType::Png),
            (png_with(chunk(b"tEXt", b"Software\0a camera")), MediaType::Png),
            (jpeg_with(&[]), MediaType::Jpeg),
            (jpeg_with(&[exif, xmp].concat()), MediaType::Jpeg),
            ([jpeg_with(&[]), vec![0; 9], jpeg_with(&[])].concat(), MediaType::Jpeg),
        ] {
            assert_eq!(check(&bytes), Ok((media, bytes.len())));
        }
        let whole = jpeg_with(&[]);
        for behind in [&b"\0\0\0\x18ftypmp42film"[..], b"SEFHnotes\0\0\0\0SEFT"] {
            let bytes = [&whole[..], behind].concat();
            assert_eq!(check(&bytes), Ok((MediaType::Jpeg, whole.len())));
        }
    }

    #[test]
    fn what_ends_anywhere_before_its_end_is_no_picture() {
        for whole in [png_with(chunk(b"tEXt", b"a\0b")), jpeg_with(&part(0xE0, b"JFIF"))] {
            for length in 0..whole.len() {
                assert!(check(&whole[..length]).is_err(), "{length} of {}", whole.len());
            }
        }
    }

    #[test]
    fn something_else_is_refused_for_what_it_is() {
        let behind = |picture: Vec<u8>, more: &[u8]| [picture.as_slice(), more].concat();
        let mut damaged = png_with(vec![]);
        damaged[20] ^= 1;
        let text = |text: &[u8]| part(0xFE, text);
        let huge = part(0xC0, &[8, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 0x11, 0]);
        for (bytes, flaw) in [
            (b"GIF89a".to_vec(), Flaw::NoPicture),
            (b"%PDF-1.7".to_vec(), Flaw::NoPicture),
            (b"<svg xmlns=''/>".to_vec(), Flaw::NoPicture),
            (vec![], Flaw::NoPicture),
            (damaged, Flaw::Damaged),
            (png_of(&[header(1, 1), chunk(b"IEND", b"")]), Flaw::Damaged),
            (png_of(&[chunk(b"IDAT", b""), chunk(b"IEND", b"")]), Flaw::Damaged),
            (png_of(&[header(0, 1)]), Flaw::Size),
            (png_of(&[header(100_000, 100_000)]), Flaw::Size),
            (behind(png_with(vec![]), b"PK\x03\x04"), Flaw::MoreBehind),
            (behind(png_with(vec![]), b"\0"), Flaw::MoreBehind),
            (png_with(chunk(b"tEXt", b"a\0PK\x05\x06")), Flaw::SomethingElse),
            (png_with(chunk(b"zzZz", b"<ScRiPt>1</script>")), Flaw::SomethingElse),
            (behind(jpeg_with(&[]), b"<?php 1;"), Flaw::MoreBehind),
            (jpeg_with(&text(b"/*%PDF-1.4")), Flaw::SomethingElse),
            (jpeg_with(&part(0xE5, b"PK\x03\x04")), Flaw::SomethingElse),
            (jpeg_with(&part(0xF0, b"%PDF-1.7")), Flaw::Damaged),
            (jpeg_with(&part(0xDB, b"<script>")), Flaw::SomethingElse),
            (jpeg_with(&huge), Flaw::Size),
            (vec![0xFF, SOI, 0xFF, EOI], Flaw::Damaged),
            (b"\xFF\xD8\xFFnothing".to_vec(), Flaw::Damaged),
        ] {
            let shown = String::from_utf8_lossy(&bytes).into_owned();
            assert_eq!(check(&bytes), Err(flaw), "{shown:?}");
        }
    }
}
