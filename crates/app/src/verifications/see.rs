//! What is seen in a picture without understanding it: how large and how sharp it is.

use super::seal::Picture;
use domain::verification::check::Seen;
use domain::verification::picture::MediaType;
use png::Transformations;
use std::io::Cursor;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// The most bytes that opening a picture may take: enough for 64 million points of three colours.
const BYTES_MAX: usize = 384 << 20;
/// Points on the longer side at which sharpness is measured.
const SIDE: usize = 640;

pub(super) fn see(picture: &Picture) -> Seen {
    let brightness = match picture.media_type {
        MediaType::Jpeg => of_jpeg(&picture.bytes),
        MediaType::Png => of_png(&picture.bytes),
    };
    brightness.map_or(Seen::Nothing, |brightness| Seen::Picture {
        side: u32::try_from(brightness.width.min(brightness.height())).unwrap_or(u32::MAX),
        sharpness: brightness.shrunk().sharpness(),
    })
}

/// How bright each point is, row by row.
struct Brightness {
    width: usize,
    points: Vec<u8>,
}

fn of_jpeg(bytes: &[u8]) -> Option<Brightness> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().ok()?;
    // Of a progressive one all coefficients are kept, of two bytes each.
    let (width, height) = decoder.dimensions()?;
    let samples = decoder.input_colorspace()?.num_components();
    let bytes = width.checked_mul(height)?.checked_mul(samples)?.checked_mul(2)?;
    if bytes > BYTES_MAX {
        return None;
    }
    let points = decoder.decode().ok()?;
    Some(Brightness { width, points })
}

fn of_png(bytes: &[u8]) -> Option<Brightness> {
    let limits = png::Limits { bytes: BYTES_MAX };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().ok()?;
    let mut frame = vec![0; reader.output_buffer_size().filter(|bytes| *bytes <= BYTES_MAX)?];
    let info = reader.next_frame(&mut frame).ok()?;
    frame.truncate(info.buffer_size());
    // Grey, or red, green and blue; and how much of it is seen.
    let samples = info.color_type.samples();
    let points = match samples {
        1 => frame,
        2 => frame.chunks_exact(2).map(|point| point[0]).collect(),
        _ => {
            frame.chunks_exact(samples).map(|point| bright(point[0], point[1], point[2])).collect()
        }
    };
    Some(Brightness { width: usize::try_from(info.width).ok()?, points })
}

/// ITU-R BT.601, in 256ths.
fn bright(red: u8, green: u8, blue: u8) -> u8 {
    let sum = 77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue);
    u8::try_from(sum / 256).unwrap_or(u8::MAX)
}

impl Brightness {
    fn height(&self) -> usize {
        self.points.len().checked_div(self.width).unwrap_or(0)
    }

    /// At [`SIDE`] points on the longer side, or a bit less: each the mean of a square.
    fn shrunk(&self) -> Self {
        let square = self.width.max(self.height()).div_ceil(SIDE).max(1);
        let (width, height) = (self.width / square, self.height() / square);
        let area = u32::try_from(square * square).unwrap_or(u32::MAX);
        let mean = |x: usize, y: usize| {
            let row = |y: usize| &self.points[y * self.width + x * square..][..square];
            let rows = (y * square..(y + 1) * square).map(row);
            let sum: u32 = rows.flatten().map(|point| u32::from(*point)).sum();
            u8::try_from(sum / area).unwrap_or(u8::MAX)
        };
        let points = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self { width, points: points.map(|(x, y)| mean(x, y)).collect() }
    }

    /// The variance of the second derivative: an edge that is spread over many points has little
    /// of it.
    fn sharpness(&self) -> u32 {
        let at = |x: usize, y: usize| i64::from(self.points[y * self.width + x]);
        let (mut count, mut sum, mut squares) = (0i64, 0i64, 0i64);
        for y in 1..self.height().saturating_sub(1) {
            for x in 1..self.width.saturating_sub(1) {
                let around = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1);
                let derivative = around - 4 * at(x, y);
                (count, sum, squares) = (count + 1, sum + derivative, squares + derivative.pow(2));
            }
        }
        let mean = |of: i64| of.checked_div(count).unwrap_or(0);
        u32::try_from(mean(squares) - mean(sum).pow(2)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::{jpeg_of, stripes};

    fn png(bytes: Vec<u8>) -> Picture {
        Picture { kind: "imageFace".to_owned(), media_type: MediaType::Png, bytes }
    }

    #[test]
    fn a_blurred_picture_has_less_sharpness() {
        let of = |spread| {
            let seen = see(&png(stripes(spread)));
            let Seen::Picture { side: 400, sharpness } = seen else { panic!("{seen:?}") };
            sharpness
        };
        let (sharp, blurred) = (of(1), of(30));
        assert!(sharp > 60 && blurred < 15, "{sharp}, {blurred}");
    }

    #[test]
    fn large_pictures_are_measured_as_small_ones() {
        let rows = |scale: usize| {
            let row = (0..600 * scale)
                .map(|x| if (x / (30 * scale)).is_multiple_of(2) { 200 } else { 20 });
            let row: Vec<u8> = row.collect();
            Brightness { width: row.len(), points: row.repeat(400 * scale) }
        };
        let of = |scale| rows(scale).shrunk().sharpness();
        assert_eq!((rows(4).shrunk().width, rows(4).shrunk().height()), (600, 400));
        assert_eq!(of(4), of(1));
        assert_eq!(Brightness { width: 9, points: vec![7; 81] }.sharpness(), 0);
    }

    #[test]
    fn what_cannot_be_opened_shows_nothing() {
        let mut picture = png(stripes(1));
        let middle = picture.bytes.len() / 2;
        picture.bytes[middle..].fill(0);
        assert_eq!(see(&picture), Seen::Nothing);
        for bytes in [stripes(1), jpeg_of(99)] {
            let picture = Picture { media_type: MediaType::Jpeg, ..png(bytes) };
            assert_eq!(see(&picture), Seen::Nothing);
        }
    }
}
