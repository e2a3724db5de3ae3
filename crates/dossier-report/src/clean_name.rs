//! Names that come from services, made fit for readers and file names.

use unicode_normalization::UnicodeNormalization;

/// Cleans an attachment's name as the upstream contract says: HTML entities decoded, Unicode
/// NFKC, every Unicode space folded to a space, control characters removed.
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
        .filter(|c| !c.is_control())
        .collect()
}
