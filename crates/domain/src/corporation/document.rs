//! What a corporation proves with what it is (spec "Corporations"): which documents, and whether
//! bytes are one and nothing else.

use crate::verification::picture;
use crate::words::words;

pub use crate::verification::picture::Flaw;

words! {
    /// What a document proves.
    pub enum DocumentKind {
        /// The articles of association: what the company is.
        Statute = "statute",
        /// What the register of its country says of it.
        RegisterExtract = "registerExtract",
        /// Who owns it.
        Ownership = "ownership",
    }
}

words! {
    /// What a document is, by its content.
    pub enum DocumentMedia {
        /// PDF (ISO 32000).
        Pdf = "application/pdf",
        /// JPEG.
        Jpeg = "image/jpeg",
        /// PNG.
        Png = "image/png",
    }
}

/// Where a PDF's last lines are looked for, in bytes: ISO 32000-2, annex C, lets readers do so.
const END: usize = 1024;
/// How an archive ends, which may carry another 64 KiB behind that: a PDF can be one as well.
const ARCHIVE_END: &[u8] = b"PK\x05\x06";
const ARCHIVE_END_MAX: usize = 22 + 65_535;

/// Tells what document these bytes are, if they are one whole one and nothing else, and how many of
/// them it is. Of a PDF its beginning and its end are looked at, not what it is made of.
pub fn check(bytes: &[u8]) -> Result<(DocumentMedia, usize), Flaw> {
    if bytes.starts_with(b"%PDF-") {
        return pdf(bytes).map(|length| (DocumentMedia::Pdf, length));
    }
    picture::check(bytes).map(|(media, length)| {
        let media = match media {
            picture::MediaType::Jpeg => DocumentMedia::Jpeg,
            picture::MediaType::Png => DocumentMedia::Png,
        };
        (media, length)
    })
}

/// `startxref`, a number and `%%EOF` at the end; behind it line ends alone.
fn pdf(bytes: &[u8]) -> Result<usize, Flaw> {
    let is_blank = |byte: &&u8| matches!(byte, b'\0' | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ');
    let length = bytes.len() - bytes.iter().rev().take_while(is_blank).count();
    let whole = &bytes[..length];
    let last = &whole[length.saturating_sub(END)..];
    if !whole.ends_with(b"%%EOF") {
        let ends_earlier = holds(last, b"%%EOF");
        return Err(if ends_earlier { Flaw::MoreBehind } else { Flaw::CutOff });
    }
    if !holds(last, b"startxref") {
        return Err(Flaw::Damaged);
    }
    if holds(&whole[length.saturating_sub(ARCHIVE_END_MAX)..], ARCHIVE_END) {
        return Err(Flaw::SomethingElse);
    }
    Ok(length)
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|at| at == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nxref\n0 1\ntrailer\n<<>>\n\
                         startxref\n30\n%%EOF";

    fn with(behind: &[u8]) -> Vec<u8> {
        [PDF, behind].concat()
    }

    #[test]
    fn a_document_is_whole() {
        for behind in [&b""[..], b"\n", b"\r\n \0\0"] {
            assert_eq!(check(&with(behind)), Ok((DocumentMedia::Pdf, PDF.len())), "{behind:?}");
        }
    }

    #[test]
    fn what_is_no_whole_document_is_named() {
        let archive = [&b"PK\x05\x06"[..], &[0; 18]].concat();
        let inside = [&b"%PDF-1.7\n"[..], &archive, b"\nstartxref\n0\n%%EOF"].concat();
        let far = with(&[b'x'; END]);
        for (bytes, flaw) in [
            (PDF[..40].to_vec(), Flaw::CutOff),
            (with(b"\n<html>"), Flaw::MoreBehind),
            (far, Flaw::CutOff),
            (b"%PDF-1.7\nnothing\n%%EOF".to_vec(), Flaw::Damaged),
            (inside, Flaw::SomethingElse),
            ([b"\n", PDF].concat(), Flaw::NoPicture),
            (b"%PDF".to_vec(), Flaw::NoPicture),
            (Vec::new(), Flaw::NoPicture),
            (b"\x89PNG\r\n\x1a\n".to_vec(), Flaw::CutOff),
        ] {
            assert_eq!(check(&bytes), Err(flaw), "{bytes:?}");
        }
    }
}
