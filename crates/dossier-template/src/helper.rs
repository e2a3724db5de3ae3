//! The helpers: their names, how many arguments they take, and what they do.

mod camel_case;
mod date;
mod text;

pub(crate) use self::camel_case::split_camel_case;
pub(crate) use self::date::{DatePart, format_list, joined_date};
pub(crate) use self::text::{NO_DATA_HELD, yes_or_no};

/// A helper that makes a value of its arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Helper {
    OptionalValue,
    OptionalString,
    FormatDate,
    GetIndexPlusOne,
    GetPrisonName,
    GetUserLastName,
    GetLocationNameByDpsId,
    GetLocationNameByNomisId,
    ConvertBoolean,
    BuildDate,
    BuildDateNumber,
    Eq,
    ConvertCamelCase,
    InlineAttachment,
    InlineAttachmentContent,
    Lookup,
}

/// Each helper's name, with the least and the most arguments that make sense.
const HELPERS: [(&str, Helper, usize, usize); 16] = [
    ("optionalValue", Helper::OptionalValue, 1, 2),
    ("optionalString", Helper::OptionalString, 1, 2),
    ("formatDate", Helper::FormatDate, 1, 1),
    ("getIndexPlusOne", Helper::GetIndexPlusOne, 1, 1),
    ("getPrisonName", Helper::GetPrisonName, 1, 1),
    ("getUserLastName", Helper::GetUserLastName, 1, 1),
    (
        "getLocationNameByDpsId",
        Helper::GetLocationNameByDpsId,
        1,
        1,
    ),
    (
        "getLocationNameByNomisId",
        Helper::GetLocationNameByNomisId,
        1,
        1,
    ),
    ("convertBoolean", Helper::ConvertBoolean, 1, 1),
    ("buildDate", Helper::BuildDate, 3, 3),
    ("buildDateNumber", Helper::BuildDateNumber, 3, 3),
    ("eq", Helper::Eq, 2, 2),
    ("convertCamelCase", Helper::ConvertCamelCase, 1, 1),
    ("inlineAttachment", Helper::InlineAttachment, 1, 3),
    (
        "inlineAttachmentContent",
        Helper::InlineAttachmentContent,
        1,
        1,
    ),
    // Built into Handlebars itself.
    ("lookup", Helper::Lookup, 2, 2),
];

// A helper's row is found by its place in the enumeration.
const _: () = {
    let mut row = 0;
    while row < HELPERS.len() {
        assert!(HELPERS[row].1 as usize == row);
        row += 1;
    }
};

impl Helper {
    /// The helper of a name.
    pub fn named(name: &str) -> Option<Self> {
        let found = HELPERS.iter().find(|(known, ..)| *known == name)?;
        Some(found.1)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The least and the most arguments that make sense.
    pub fn arguments(self) -> (usize, usize) {
        (self.row().2, self.row().3)
    }

    /// Whether its value is HTML that must be shown unescaped.
    pub fn is_inline_image(self) -> bool {
        matches!(self, Self::InlineAttachment | Self::InlineAttachmentContent)
    }

    fn row(self) -> &'static (&'static str, Self, usize, usize) {
        &HELPERS[self as usize]
    }

    /// The known name that a wrong one is most like, if it is like any.
    pub fn similar_to(wrong: &str) -> Option<&'static str> {
        let wrong = wrong.to_lowercase();
        let names = HELPERS.iter().map(|(name, ..)| *name);
        names
            .map(|name| (distance(&wrong, &name.to_lowercase()), name))
            .min()
            .filter(|(distance, name)| *distance <= name.len() / 3)
            .map(|(_, name)| name)
    }
}

/// How many characters have to be put in, taken out or changed.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, from) in from.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, to) in to.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
