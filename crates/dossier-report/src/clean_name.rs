//! Names that come from services, made fit for readers and file names.

use unicode_normalization::UnicodeNormalization;

/// Cleans an attachment's name as the upstream contract says: HTML entities decoded, Unicode
/// NFKC, every Unicode space folded to a space, control characters removed; and with them the
/// characters that turn the direction of writing around (UAX #9, section 2), which could make
/// `exe.txt` of `txt.exe`.
///
/// Entities are decoded by the rules of HTML for attributes, where an `&copy=` without its
/// semicolon is not one (HTML Standard, section 13.2.5.73).
pub fn clean_name(name: &str) -> String {
    htmlize::unescape_attribute(name)
        .nfkc()
        .map(|c| {
            if c.is_whitespace() && !c.is_control() {
                ' '
            } else {
                c
            }
        })
        .filter(|c| !c.is_control() && !turns_direction(*c))
        .collect()
}

/// Embeddings, overrides and isolates. Marks that only have a direction of their own are part of
/// right-to-left names, and stay.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
