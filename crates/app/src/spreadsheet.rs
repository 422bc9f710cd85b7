//! CSV (RFC 4180, UTF-8) as spreadsheets take it.

/// A text that no spreadsheet takes for a formula (OWASP, CSV injection). A semicolon would begin
/// another cell where lists are separated by it, in most of Europe.
#[must_use]
pub fn harmless(text: &str) -> String {
    let text = text.replace(';', ",");
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text
    }
}

/// Writes one line; a cell is quoted where it must be.
pub fn row(file: &mut String, cells: &[impl AsRef<str>]) {
    for (number, cell) in cells.iter().map(AsRef::as_ref).enumerate() {
        if number > 0 {
            file.push(',');
        }
        if cell.contains([',', '"', '\r', '\n', ';']) || cell.trim() != cell {
            file.push('"');
            file.push_str(&cell.replace('"', "\"\""));
            file.push('"');
        } else {
            file.push_str(cell);
        }
    }
    file.push_str("\r\n");
}
