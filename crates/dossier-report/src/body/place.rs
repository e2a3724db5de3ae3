use std::fmt::Write;

/// Steps of a pointer that are shown at its beginning; behind them only the last one is.
const FIRST_STEPS: usize = 16;
/// Characters of a name that is shown.
const NAME_CHARS_MAX: usize = 64;
/// Digits of a name that is shown: more may be an identifier.
const NAME_DIGITS_MAX: usize = 2;

/// A place in a JSON file while it is walked through.
#[derive(Default)]
pub(super) struct Place(Vec<Step>);

enum Step {
    /// Nowhere in it yet.
    Before,
    Element(u64),
    Member(String),
    /// A member whose name may be data.
    Hidden,
}

impl Place {
    pub fn enter(&mut self) {
        self.0.push(Step::Before);
    }

    pub fn leave(&mut self) {
        self.0.pop();
    }

    /// Goes to the next element of a list.
    pub fn next_element(&mut self) {
        if let Some(step) = self.0.last_mut() {
            *step = match step {
                Step::Element(place) => Step::Element(*place + 1),
                _ => Step::Element(0),
            };
        }
    }

    /// Goes to a member of an object.
    pub fn member(&mut self, name: &str) {
        if let Some(step) = self.0.last_mut() {
            *step = match is_showable(name) {
                true => Step::Member(name.to_owned()),
                false => Step::Hidden,
            };
        }
    }

    /// Whether the outermost step is a member of this name.
    pub fn is_within(&self, name: &str) -> bool {
        matches!(self.0.first(), Some(Step::Member(first)) if first == name)
    }

    /// The place as a JSON Pointer.
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        for (at, step) in self.0.iter().enumerate() {
            if at == FIRST_STEPS && self.0.len() > FIRST_STEPS + 1 {
                pointer.push_str("/…");
            }
            if at >= FIRST_STEPS && at + 1 < self.0.len() {
                continue;
            }
            // Writing to a text cannot fail.
            let _ = match step {
                Step::Before => Ok(()),
                Step::Element(place) => write!(pointer, "/{place}"),
                Step::Member(name) => write!(pointer, "/{name}"),
                Step::Hidden => write!(pointer, "/*"),
            };
        }
        pointer
    }
}

/// Whether a member's name is surely a name, and not data used as one.
fn is_showable(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !name.is_empty()
        && name.len() <= NAME_CHARS_MAX
        && name.bytes().all(plain)
        && name.bytes().filter(u8::is_ascii_digit).count() <= NAME_DIGITS_MAX
}
