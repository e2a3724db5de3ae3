use crate::format_date;
use crate::value::whole_part;

/// The parts of a date in the order in which they are given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DatePart {
    Year,
    Month,
    Day,
}

impl DatePart {
    fn digits(self) -> usize {
        match self {
            Self::Year => 4,
            Self::Month | Self::Day => 2,
        }
    }
}

/// The parts of a date joined by `-`, padded with zeros, and formatted if that is a date.
pub(crate) fn joined_date(parts: [(DatePart, &str); 3]) -> String {
    let padded = parts.map(|(part, text)| format!("{text:0>width$}", width = part.digits()));
    let joined = padded.join("-");
    format_date(&joined).unwrap_or(joined)
}

/// A list `[year, month, day, hour, minute, second]` as a local date-time; the missing ones are
/// 1, 1, 1, 0, 0, 0, and what follows is not looked at. `None` if it is no date.
pub(crate) fn format_list(numbers: &[String]) -> Option<String> {
    let mut parts = [1, 1, 1, 0, 0, 0];
    for (part, number) in parts.iter_mut().zip(numbers) {
        *part = whole_part(number)?;
    }
    let [year, month, day, hour, minute, second] = parts;
    let year = i16::try_from(year)
        .ok()
        .filter(|year| (0..=9999).contains(year))?;
    let month = i8::try_from(month).ok()?;
    let day = i8::try_from(day).ok()?;
    // A day past its month's end is impossible here, other than in a text.
    jiff::civil::Date::new(year, month, day).ok()?;
    let time = match (hour, minute, second) {
        (0..24, 0..60, 0) => format!("{hour:02}:{minute:02}"),
        (0..24, 0..60, 1..60) => format!("{hour:02}:{minute:02}:{second:02}"),
        _ => return None,
    };
    format_date(&format!("{year:04}-{month:02}-{day:02}T{time}"))
}
