//! Which classes an attribute may come to have, whichever way its blocks go.

use std::collections::{BTreeSet, btree_set};

use super::html::{CLOSE, ELSE, OPEN, VALUE};

/// Ways to one word that are told apart; beyond these, what it is counts as not known.
const WAYS_MAX: usize = 16;
/// Bytes of a class that are kept; the rest of it is an ellipsis.
const CLASS_BYTES_MAX: usize = 100;

/// Where a word begins, and what it is so far.
type Word = (usize, String);

/// The classes, without those that have a value in them, and where each begins.
pub(super) fn possible(value: impl Iterator<Item = (usize, char)>) -> btree_set::IntoIter<Word> {
    let mut words = Words {
        whole: BTreeSet::new(),
        begun: BTreeSet::from([Word::default()]),
        open: Vec::new(),
    };
    for (at, character) in value {
        words.take(at, character);
    }
    words.end().into_iter()
}

struct Words {
    whole: BTreeSet<Word>,
    /// The last word, in every way that it may have begun.
    begun: BTreeSet<Word>,
    open: Vec<Branches>,
}

/// A block whose end is not reached yet.
struct Branches {
    /// What was begun before it.
    before: BTreeSet<Word>,
    /// What was begun when its first body ended.
    first: BTreeSet<Word>,
}

impl Words {
    fn take(&mut self, at: usize, character: char) {
        match character {
            OPEN => self.open.push(Branches {
                before: self.begun.clone(),
                first: BTreeSet::new(),
            }),
            ELSE => {
                if let Some(block) = self.open.last_mut() {
                    let before = std::mem::take(&mut block.before);
                    block.first = std::mem::replace(&mut self.begun, before);
                }
            }
            CLOSE => {
                if let Some(block) = self.open.pop() {
                    self.begun.extend(block.first);
                }
                if self.begun.len() > WAYS_MAX {
                    self.begun = BTreeSet::from([not_known()]);
                }
            }
            _ if character.is_whitespace() => {
                let ended = std::mem::replace(&mut self.begun, BTreeSet::from([Word::default()]));
                self.whole.extend(ended);
            }
            _ => {
                let begun = std::mem::take(&mut self.begun).into_iter();
                self.begun = begun.map(|word| longer(word, at, character)).collect();
            }
        }
    }

    fn end(mut self) -> BTreeSet<Word> {
        self.whole.extend(self.begun);
        // An attribute that ends within a block.
        for block in self.open {
            self.whole.extend(block.first);
        }
        self.whole
            .retain(|(_, text)| !text.is_empty() && !text.contains(VALUE));
        self.whole
    }
}

/// A word of which a part is a value.
fn not_known() -> Word {
    (0, VALUE.to_string())
}

fn longer((start, mut text): Word, at: usize, character: char) -> Word {
    if character == VALUE || text.contains(VALUE) {
        return not_known();
    }
    let start = if text.is_empty() { at } else { start };
    match text.len() {
        0..CLASS_BYTES_MAX => text.push(character),
        _ if !text.ends_with('…') => text.push('…'),
        _ => {}
    }
    (start, text)
}
