//! Pictures for KYC forms.

/// A PNG of 600 by 400 grey points with stripes whose edges are spread over so many points: 1 is
/// sharp, 30 is blurred.
#[must_use]
pub fn stripes(spread: u8) -> Vec<u8> {
    let bright = |x: u32| {
        let into = u8::try_from(30 - (x % 60).abs_diff(30)).expect("at most 30");
        into.saturating_mul(255 / spread)
    };
    let row: Vec<u8> = (0..600).map(bright).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 600, 400);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("a header is written");
    writer.write_image_data(&row.repeat(400)).expect("the points are written");
    writer.finish().expect("the end is written");
    bytes
}

/// What has a JPEG's structure, with so many bytes in the place of its points.
#[must_use]
pub fn jpeg_of(bytes: usize) -> Vec<u8> {
    const FRAME: &[u8] = &[0xFF, 0xC0, 0, 11, 8, 0, 16, 0, 16, 1, 1, 0x11, 0];
    const SCAN: &[u8] = &[0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0];
    [&[0xFF, 0xD8], FRAME, SCAN, &vec![1; bytes], &[0xFF, 0xD9]].concat()
}
