//! `antaca keys import-pin`: a key is put together from its components here, so that no file and no
//! argument ever holds it whole.

use super::show;
use crate::acts::{Act, Digits, ImportPinKey, bytes};
use crate::cli::ImportPinArgs;
use crate::failure::Failure;
use std::path::Path;
use zeroize::Zeroizing;

/// Components of a key: fewer would be the key itself, more custodians than that nobody has.
const COMPONENTS: std::ops::RangeInclusive<usize> = 2..=9;

pub(super) async fn import(arguments: ImportPinArgs) -> Result<(), Failure> {
    let ImportPinArgs { name, cipher, components, at } = arguments;
    let files: Vec<&Path> = components.iter().map(AsRef::as_ref).collect();
    let key = Digits::of(&combined(&files)?);
    let import = ImportPinKey { processor: name.processor, id: name.id, cipher, key };
    show(&at, Act::ImportPinKey(import)).await
}

/// The exclusive or of all components.
fn combined(files: &[&Path]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if !COMPONENTS.contains(&files.len()) {
        return Err(Failure::new("A key has two to nine components: one --component for each."));
    }
    let mut whole: Option<Zeroizing<Vec<u8>>> = None;
    for file in files {
        let one = component(file)?;
        match &mut whole {
            None => whole = Some(one),
            Some(whole) if whole.len() == one.len() => {
                whole.iter_mut().zip(one.iter()).for_each(|(byte, other)| *byte ^= other);
            }
            Some(_) => return Err(Failure::new("The components aren't equally long.")),
        }
    }
    Ok(whole.unwrap_or_default())
}

fn component(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let told = |what: &str| Failure::new(format!("{} {what}", file.display()));
    let text = std::fs::read_to_string(file).map(Zeroizing::new);
    let text = text.map_err(|error| told(&format!("can't be read: {error}")))?;
    // Custodians write digits in groups.
    let digits: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|it| !it.is_whitespace()).collect());
    let long = matches!(digits.len(), 32 | 64);
    let component = bytes(&digits).filter(|_| long);
    component.ok_or_else(|| told("must hold 32 or 64 hexadecimal digits and nothing else."))
}
