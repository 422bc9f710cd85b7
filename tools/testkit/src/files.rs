//! Looking for secrets in files: data folders, backups, logs.

use crate::leaks::contains_secret;
use std::path::{Path, PathBuf};

/// How a card number might be written where it must not be: as it is, in groups of four, as
/// hexadecimal of its text, in base64, and packed two digits a byte.
///
/// # Panics
///
/// When it isn't a text of digits.
#[must_use]
pub fn forms_of_number(number: &str) -> Vec<Vec<u8>> {
    assert!(number.len() >= 13 && number.bytes().all(|byte| byte.is_ascii_digit()), "a number");
    let digits = number.as_bytes();
    let groups = |separator: &[u8]| digits.chunks(4).collect::<Vec<_>>().join(separator);
    let hexadecimal: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    let packed: Vec<u8> =
        digits.chunks_exact(2).map(|pair| (pair[0] - b'0') << 4 | (pair[1] - b'0')).collect();
    // Without the end, which depends on what follows.
    let mut encoded = base64(digits);
    encoded.truncate(digits.len() / 3 * 4);
    vec![digits.to_vec(), groups(b" "), groups(b"-"), hexadecimal.into_bytes(), packed, encoded]
}

/// How a few bytes might be written: as they are, as hexadecimal in either case, in base64 of
/// either alphabet.
#[must_use]
pub fn forms_of_bytes(bytes: &[u8]) -> Vec<Vec<u8>> {
    let small: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    // Without the end, which depends on what follows.
    let mut encoded = base64(bytes);
    encoded.truncate(bytes.len() / 3 * 4);
    let of_urls = encoded.iter().map(|sign| match sign {
        b'+' => b'-',
        b'/' => b'_',
        sign => *sign,
    });
    let of_urls = of_urls.collect();
    vec![bytes.to_vec(), small.to_uppercase().into_bytes(), small.into_bytes(), encoded, of_urls]
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|three| {
            let bits = three.iter().fold(0usize, |bits, byte| bits << 8 | usize::from(*byte));
            let bits = bits << (8 * (3 - three.len()));
            [18, 12, 6, 0].map(|shift| LETTERS[bits >> shift & 63])
        })
        .collect()
}

/// The files below a folder, and in folders of it, that hold one of the needles: each with the
/// needle's index, never its content.
///
/// # Panics
///
/// When a file can't be read, or there is none.
#[must_use]
pub fn files_with(folder: &Path, needles: &[&[u8]]) -> Vec<(PathBuf, usize)> {
    let mut files = Vec::new();
    gather(folder, &mut files);
    assert!(!files.is_empty(), "there are no files in {}", folder.display());
    let found = files.into_iter().filter_map(|path| {
        let content = std::fs::read(&path).expect("the file can be read");
        contains_secret(&content, needles).map(|index| (path, index))
    });
    found.collect()
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            gather(&entry.path(), files);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_in_each_of_its_forms() {
        let folder = crate::folder();
        std::fs::create_dir(folder.path().join("inner")).expect("made");
        let forms = forms_of_number("5320870100000009");
        let needles: Vec<&[u8]> = forms.iter().map(Vec::as_slice).collect();
        let cases: [&[u8]; 6] = [
            b"pan=5320870100000009;",
            b"5320 8701 0000 0009",
            b"5320-8701-0000-0009",
            b"x'35333230383730313030303030303039'",
            b"\x00\x53\x20\x87\x01\x00\x00\x00\x09\x00",
            b"{\"n\":\"NTMyMDg3MDEwMDAwMDAwOQ==\"}",
        ];
        for (index, case) in cases.into_iter().enumerate() {
            let file = folder.path().join("inner/file");
            std::fs::write(&file, case).expect("written");
            assert_eq!(files_with(folder.path(), &needles), [(file, index)]);
        }
    }

    #[test]
    fn bytes_are_found_in_each_of_their_forms() {
        let forms = forms_of_bytes(&[0x04, 0x82, 0x64, 0xFB, 0xFF, 0xFE, 0xAB, 0xCD]);
        let needles: Vec<&[u8]> = forms.iter().map(Vec::as_slice).collect();
        let cases: [&[u8]; 5] = [
            b"\x00\x04\x82\x64\xfb\xff\xfe\xab\xcd\x00",
            b"0x048264FBFFFEABCD",
            b"x'048264fbfffeabcd'",
            b"BIJk+//+q80=",
            b"BIJk-__-q80",
        ];
        for (index, case) in cases.into_iter().enumerate() {
            assert_eq!(contains_secret(case, &needles), Some(index));
        }
    }

    #[test]
    fn a_file_without_them_is_not_named() {
        let folder = crate::folder();
        std::fs::write(folder.path().join("file"), "nothing").expect("written");
        assert_eq!(files_with(folder.path(), &[b"something"]), []);
    }
}
