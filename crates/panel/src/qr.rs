//! QR codes, drawn as a part of the page: no picture of a secret has an address of its own.

use fast_qr::QRBuilder;
use fast_qr::qr::QRCodeError;
use std::fmt::Write as _;

/// The light border that readers ask for, in modules.
const QUIET: usize = 4;

/// A QR code, to be drawn as an SVG.
pub(crate) struct Drawn {
    /// The width and height of the drawing, in modules, its border too.
    pub(crate) side: usize,
    /// What is dark: the data of an SVG path.
    pub(crate) path: String,
}

/// Draws a text. It fails where the text is longer than a code can be.
pub(crate) fn draw(text: &str) -> Result<Drawn, QRCodeError> {
    let code = QRBuilder::new(text.as_bytes()).build()?;
    let mut path = String::new();
    for row in 0..code.size {
        for column in (0..code.size).filter(|column| code[row][*column].value()) {
            let (x, y) = (column + QUIET, row + QUIET);
            write!(path, "M{x} {y}h1v1h-1z").expect("a text can be written to");
        }
    }
    Ok(Drawn { side: code.size + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rqrr::PreparedImage;
    use std::collections::HashSet;

    /// Pixels of a module in the picture that is read.
    const SCALE: usize = 4;

    #[test]
    fn a_reader_reads_what_was_drawn() {
        let text = "otpauth://totp/Antaca:ann%40acme.example?secret=JBSWY3DPEHPK3PXP&issuer=Antaca";
        let drawn = draw(text).expect("it is short");
        let dark: HashSet<(usize, usize)> = drawn
            .path
            .split('M')
            .filter_map(|part| part.strip_suffix("h1v1h-1z")?.split_once(' '))
            .map(|(x, y)| (x.parse().expect("a number"), y.parse().expect("a number")))
            .collect();
        let side = drawn.side * SCALE;
        let shade = |x: usize, y: usize| {
            if dark.contains(&(x / SCALE, y / SCALE)) { 0 } else { 255 }
        };
        let mut picture = PreparedImage::prepare_from_greyscale(side, side, shade);
        let found = picture.detect_grids();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].decode().expect("it can be read").1, text);
    }

    #[test]
    fn what_is_too_long_is_not_drawn() {
        assert!(draw(&"a".repeat(3_000)).is_err());
    }
}
