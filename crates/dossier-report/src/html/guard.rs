//! What stands before the tokenizer: tags with thousands of attributes.
//!
//! The tokenizer looks for each attribute among all that its tag has so far, which takes quadratic
//! time. No tag that means something has so many: the rest of one that has is left out here.

use crate::limits::HTML_ATTRIBUTES_MAX;

/// Where the text is, as far as it matters here. What is no tag but looks like one (in a script or a
/// comment) is let pass all the same unless it looks like a tag with very many attributes; a comment
/// keeps its end even then.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    /// After `<`.
    Opening,
    /// In a tag, behind a name or a value, or between them.
    Tag {
        between: bool,
    },
    Quoted(char),
    /// In what is left out of a tag, with how many hyphens it has ended so far.
    LeftOut {
        hyphens: usize,
    },
}

/// Lets a text pass, without the attributes that a tag has too many of.
pub(super) struct AttributeGuard {
    place: Place,
    attributes: usize,
}

impl AttributeGuard {
    pub fn new() -> Self {
        Self {
            place: Place::Text,
            attributes: 0,
        }
    }

    /// The next piece, as it may pass.
    pub fn pass<'t>(&mut self, piece: &'t str) -> std::borrow::Cow<'t, str> {
        let begins_out = matches!(self.place, Place::LeftOut { .. });
        let mut passed: Option<String> = begins_out.then(String::new);
        for (at, c) in piece.char_indices() {
            let was_out = matches!(self.place, Place::LeftOut { .. });
            let hyphens = match self.place {
                Place::LeftOut { hyphens } => hyphens,
                _ => 0,
            };
            self.step(c);
            let is_out = matches!(self.place, Place::LeftOut { .. });
            if is_out && passed.is_none() {
                passed = Some(piece[..at].to_owned());
            }
            if let Some(passed) = &mut passed
                && !is_out
            {
                if was_out && c == '>' {
                    // Should it be a comment after all, it ends here.
                    passed.push_str(&"--"[..hyphens.min(2)]);
                }
                passed.push(c);
            }
        }
        match passed {
            Some(passed) => passed.into(),
            None => piece.into(),
        }
    }

    fn step(&mut self, c: char) {
        self.place = match (self.place, c) {
            (Place::Text, '<') => Place::Opening,
            (Place::Text, _) => Place::Text,
            (Place::Opening, c) if c.is_ascii_alphabetic() => {
                self.attributes = 0;
                Place::Tag { between: false }
            }
            (Place::Opening, '<') => Place::Opening,
            (Place::Opening, _) => Place::Text,
            (Place::Tag { .. } | Place::LeftOut { .. }, '>') => Place::Text,
            (Place::LeftOut { .. }, '<') => Place::Opening,
            (Place::LeftOut { hyphens }, '-') => Place::LeftOut {
                hyphens: hyphens + 1,
            },
            (Place::LeftOut { .. }, _) => Place::LeftOut { hyphens: 0 },
            (Place::Tag { .. }, '"' | '\'') => Place::Quoted(c),
            (Place::Tag { .. }, c) if c.is_ascii_whitespace() || c == '/' => {
                Place::Tag { between: true }
            }
            (Place::Tag { between: true }, '=') => Place::Tag { between: false },
            (Place::Tag { between: true }, _) => self.attribute(),
            (Place::Tag { .. }, _) => Place::Tag { between: false },
            // A quote's end parts attributes even without white space.
            (Place::Quoted(quote), c) if c == quote => Place::Tag { between: true },
            (quoted @ Place::Quoted(_), _) => quoted,
        };
    }

    fn attribute(&mut self) -> Place {
        self.attributes += 1;
        match self.attributes > HTML_ATTRIBUTES_MAX {
            true => Place::LeftOut { hyphens: 0 },
            false => Place::Tag { between: false },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(text: &str) -> String {
        let mut guard = AttributeGuard::new();
        let mut whole = String::new();
        // In pieces of any length.
        for piece in text.as_bytes().chunks(7) {
            whole.push_str(&guard.pass(std::str::from_utf8(piece).unwrap()));
        }
        whole
    }

    fn attributes(count: usize) -> String {
        (0..count).map(|n| format!(" a{n}='x'")).collect()
    }

    #[test]
    fn a_text_without_such_tags_passes_as_it_is() {
        let many = attributes(HTML_ATTRIBUTES_MAX);
        for text in [
            "plain <b>bold</b> a < b > c",
            "<p title=\"a > b < c\" class=x>y</p>",
            "<!-- a comment with <p many words in it --> after",
            &format!("<p{many}>as many as may be</p>"),
            &format!("<p>{}</p>", "word ".repeat(5_000)),
            &format!("<img src=\"data:{}\" alt='x y z'>", "A ".repeat(5_000)),
        ] {
            assert_eq!(passed(text), text);
        }
    }

    #[test]
    fn the_attributes_beyond_are_left_out_and_the_rest_stays() {
        let text = format!("<p{}>shown</p><i>too</i>", attributes(5_000));
        let passed = passed(&text);
        assert!(passed.len() < 12 * HTML_ATTRIBUTES_MAX, "{}", passed.len());
        assert!(passed.ends_with(">shown</p><i>too</i>"), "{passed}");
    }

    #[test]
    fn scripts_and_comments_end_where_they_do() {
        let words = "word ".repeat(2 * HTML_ATTRIBUTES_MAX);
        let script = passed(&format!("<script>if (a<b {words}</script><p>shown</p>"));
        assert!(script.ends_with("</script><p>shown</p>"), "{script}");
        let comment = passed(&format!("<!-- <p {words} --><p>shown</p>"));
        assert!(comment.ends_with("--><p>shown</p>"), "{comment}");
    }
}
