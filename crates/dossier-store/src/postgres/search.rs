//! Searching by case reference or identifier, with an index either way.

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

    /// The condition on a table, given the names of two parameters. With trigrams any part matches;
    /// else the beginning of the case reference or of the identifier, as a range that a b-tree
    /// knows (nothing sorts after U+10FFFF by bytes).
    pub(super) fn condition(&self, table: &str, first: &str, second: &str) -> String {
        match self.kind {
            SearchKind::Anywhere => {
                format!("{table}.search_text LIKE {first}")
            }
            SearchKind::Beginning => format!(
                "(({table}.search_text >= {first} AND {table}.search_text < {second}) OR \
                 (lower({table}.subject_id) COLLATE \"C\" >= {first} \
                  AND lower({table}.subject_id) COLLATE \"C\" < {second}))"
            ),
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
