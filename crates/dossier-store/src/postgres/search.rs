//! Searching by case reference or identifier, with an index either way.
//!
//! With trigrams any part matches; else the beginning of the case reference or of the identifier, as a
//! range that a b-tree knows (nothing sorts after U+10FFFF by bytes).

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
