use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Splits a text where the kind of character changes, an upper-case letter before lower-case ones
/// belonging to them, and joins the parts in lower case with spaces.
///
/// It is what `StringUtils.splitByCharacterTypeCamelCase` of Apache Commons Lang documents.
pub(crate) fn split_camel_case(text: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut start = 0;
    let mut previous: Option<(usize, GeneralCategory)> = None;
    for (at, character) in text.char_indices() {
        let category = category(character);
        if let Some((before, previous)) = previous.filter(|(_, previous)| *previous != category) {
            let is_capitalised = previous == GeneralCategory::UppercaseLetter
                && category == GeneralCategory::LowercaseLetter;
            let end = if is_capitalised { before } else { at };
            if end != start {
                parts.push(&text[start..end]);
                start = end;
            }
        }
        previous = Some((at, category));
    }
    parts.push(&text[start..]);
    parts.join(" ").to_lowercase()
}

/// Java looks at UTF-16: what is beyond its first plane is of the surrogates' kind.
fn category(character: char) -> GeneralCategory {
    match character.len_utf16() {
        1 => character.general_category(),
        _ => GeneralCategory::Surrogate,
    }
}
