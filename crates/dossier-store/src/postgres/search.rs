//! Searching by case reference or identifier, with an index either way.
//!
//! With trigrams any part matches, if it is long enough to have one; else the beginning of the case
//! reference or of the identifier, as a range that a b-tree knows (nothing sorts after U+10FFFF by
//! bytes).

use super::sql::folded;
use crate::SearchKind;

/// A search as parameters of a statement.
pub(super) struct Search {
    kind: SearchKind,
    text: String,
}

impl Search {
    pub(super) fn new(kind: SearchKind, text: &str) -> Self {
        let text = folded(&super::sql::storable(text));
        let kind = match kind {
            SearchKind::Anywhere if has_trigram(&text) => SearchKind::Anywhere,
            _ => SearchKind::Beginning,
        };
        Self { kind, text }
    }

    /// The condition on a request of which there is a row in `request_texts`, over the parameters `$4`
    /// and `$5`.
    pub(super) fn of_requests(&self) -> String {
        let found = match self.kind {
            SearchKind::Anywhere => "search_text LIKE $4",
            SearchKind::Beginning => {
                "(search_text >= $4 AND search_text < $5) OR (subject_id >= $4 AND subject_id < $5)"
            }
        };
        format!("requests.id IN (SELECT request_id FROM request_texts WHERE {found})")
    }

    /// The condition on an archived request, over the parameters `$1` and `$2`.
    pub(super) fn of_archived(&self) -> &'static str {
        match self.kind {
            SearchKind::Anywhere => "search_text LIKE $1",
            SearchKind::Beginning => {
                "((search_text >= $1 AND search_text < $2) \
                  OR (lower(subject_id) COLLATE \"C\" >= $1 \
                      AND lower(subject_id) COLLATE \"C\" < $2))"
            }
        }
    }

    /// The first parameter.
    pub(super) fn first(&self) -> String {
        match self.kind {
            SearchKind::Anywhere => {
                let mut pattern = String::with_capacity(self.text.len() + 2);
                pattern.push('%');
                for letter in self.text.chars() {
                    if matches!(letter, '%' | '_' | '\\') {
                        pattern.push('\\');
                    }
                    pattern.push(letter);
                }
                pattern.push('%');
                pattern
            }
            SearchKind::Beginning => self.text.clone(),
        }
    }

    /// The second parameter, where there is one.
    pub(super) fn second(&self) -> Option<String> {
        match self.kind {
            SearchKind::Anywhere => None,
            SearchKind::Beginning => Some(format!("{}\u{10ffff}", self.text)),
        }
    }
}

/// Whether the index by trigrams can look a part of a text up; without that, it reads itself whole.
///
/// A trigram is three letters or digits in a row, or, where the part says that a word begins or ends
/// there, two blanks and its first letter or its last two letters and a blank
/// (<https://www.postgresql.org/docs/current/pgtrgm.html>). Which characters beyond ASCII are letters
/// depends on the database's locale, so only those of ASCII count, and nothing is said of words next to
/// others.
fn has_trigram(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric();
    let is_edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii() && !is_letter(*byte));
    let bytes = text.as_bytes();
    let mut begin = 0;
    while begin < bytes.len() {
        let word = bytes[begin..].iter().take_while(|byte| is_letter(**byte));
        let letters = word.count();
        let end = begin + letters;
        let begins = begin > 0 && is_edge(bytes.get(begin - 1));
        let ends = is_edge(bytes.get(end));
        if letters >= 3 || (letters >= 1 && begins) || (letters >= 2 && ends) {
            return true;
        }
        begin = end + 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::has_trigram;

    #[test]
    fn only_letters_and_digits_that_the_index_knows_make_a_trigram() {
        for text in [
            "abc", "a1b", "ab-", "-a", "a-b", "a b", "éabcé", "%a", "ab%", "a\nb",
        ] {
            assert!(has_trigram(text), "{text}");
        }
        for text in [
            "", "a", "ab", "%", "--", "a-", "é", "été", "ab\u{e9}", "éa-", "%é%", "_\\",
        ] {
            assert!(!has_trigram(text), "{text}");
        }
    }
}
