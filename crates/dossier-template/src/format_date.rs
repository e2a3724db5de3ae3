//! Dates as readers in the United Kingdom know them, by the shapes of the template dialect.

use std::sync::LazyLock;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// Looked up once.
static LONDON: LazyLock<Option<TimeZone>> = LazyLock::new(|| TimeZone::get("Europe/London").ok());

/// Bytes of the longest date with its time: `30 September 2024, 12:34:56 pm`.
const SHOWN_BYTES_MAX: usize = 30;

/// The months in full, in English.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// How far from UTC an offset may be, in seconds: 18 hours, as in `java.time.ZoneOffset`.
const OFFSET_SECONDS_MAX: i64 = 18 * 3_600;

/// Formats a text that has the shape of a date or a time, or returns `None`.
///
/// The shapes are those of `template-dialect.md`, "formatDate's shapes". A time with an offset is
/// shifted to Europe/London. A day past its month's end, up to 31, is the month's last day.
pub fn format_date(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    // Every shape has 10 to 35 characters and starts with a digit.
    if !(10..=35).contains(&bytes.len()) || !bytes[0].is_ascii_digit() || !text.is_ascii() {
        return None;
    }
    let mut rest = Rest(bytes);
    if bytes[2] == b'/' {
        slashed(&mut rest)
    } else {
        dashed(&mut rest)
    }
}

/// `01/05/2024`, `01/05/2024 12:34`, `01/05/2024 12:34:56`.
fn slashed(rest: &mut Rest<'_>) -> Option<String> {
    let day = rest.number(2)?;
    rest.take(b'/')?;
    let month = rest.number(2)?;
    rest.take(b'/')?;
    let date = date(rest.number(4)?, month, day)?;
    if rest.is_empty() {
        return Some(show_date(date));
    }
    rest.take(b' ')?;
    let clock = rest.clock()?;
    rest.is_empty().then(|| clock.show(date))
}

/// `2024-05-01` alone, or with a time after `T` or a space.
fn dashed(rest: &mut Rest<'_>) -> Option<String> {
    let year = rest.number(4)?;
    rest.take(b'-')?;
    let month = rest.number(2)?;
    rest.take(b'-')?;
    let date = date(year, month, rest.number(2)?)?;
    if rest.is_empty() {
        return Some(show_date(date));
    }
    if rest.take(b' ').is_some() {
        return spaced(rest, date);
    }
    rest.take(b'T')?;
    let clock = rest.clock()?;
    if clock.second.is_some() {
        rest.fraction(9)?;
    }
    if rest.is_empty() {
        return Some(clock.show(date));
    }
    let offset = rest.offset_seconds()?;
    if !rest.is_empty() {
        return None;
    }
    clock.show_in_london(date, offset)
}

/// `2024-05-01 12:34:56.1`, with 1 to 6 digits after the point and possibly `+00`.
fn spaced(rest: &mut Rest<'_>, date: Date) -> Option<String> {
    let clock = rest.clock()?;
    clock.second?;
    if rest.fraction(6)? == 0 {
        return None;
    }
    if !rest.is_empty() {
        rest.take(b'+')?;
        rest.take(b'0')?;
        rest.take(b'0')?;
    }
    rest.is_empty().then(|| clock.show(date))
}

/// Hours and minutes, with seconds if they were given.
struct Clock {
    hour: i8,
    minute: i8,
    second: Option<i8>,
}

impl Clock {
    fn show(&self, date: Date) -> String {
        let half = if self.hour < 12 { "am" } else { "pm" };
        let hour = match self.hour % 12 {
            0 => 12,
            hour => hour,
        };
        let mut text = show_date(date);
        text.push_str(", ");
        if hour >= 10 {
            text.push('1');
        }
        text.push(digit(hour));
        push_two_digits(&mut text, ':', self.minute);
        if let Some(second) = self.second {
            push_two_digits(&mut text, ':', second);
        }
        text.push(' ');
        text.push_str(half);
        text
    }

    fn show_in_london(&self, date: Date, offset_seconds: i64) -> Option<String> {
        let time = Time::new(self.hour, self.minute, self.second.unwrap_or(0), 0).ok()?;
        let local = DateTime::from_parts(date, time);
        let offset = SignedDuration::from_secs(offset_seconds);
        let utc = local.checked_sub(offset).ok()?;
        let shifted = match TimeZone::UTC.to_timestamp(utc) {
            Ok(timestamp) => LONDON.as_ref()?.to_datetime(timestamp),
            // A timestamp ends before the year 9999 does, in a winter: London is on GMT then.
            Err(_) => utc,
        };
        if shifted.year() < 0 {
            return None;
        }
        let clock = Self {
            hour: shifted.hour(),
            minute: shifted.minute(),
            second: self.second.map(|_| shifted.second()),
        };
        Some(clock.show(shifted.date()))
    }
}

/// What of the text is not read yet.
struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    fn number(&mut self, digits: usize) -> Option<i16> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.iter().try_fold(0, |sum: i16, digit| {
            let digit = digit.is_ascii_digit().then(|| i16::from(digit - b'0'))?;
            Some(sum * 10 + digit)
        })
    }

    fn clock(&mut self) -> Option<Clock> {
        let hour = self.number(2).filter(|hour| *hour < 24)?;
        self.take(b':')?;
        let minute = self.number(2).filter(|minute| *minute < 60)?;
        let second = match self.take(b':') {
            Some(()) => Some(self.number(2).filter(|second| *second < 60)?),
            None => None,
        };
        Some(Clock {
            hour: hour as i8,
            minute: minute as i8,
            second: second.map(|second| second as i8),
        })
    }

    /// Skips a point and up to `max` digits; returns how many digits there were.
    fn fraction(&mut self, max: usize) -> Option<usize> {
        if self.take(b'.').is_none() {
            return Some(0);
        }
        let digits = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        self.0 = &self.0[digits..];
        (1..=max).contains(&digits).then_some(digits)
    }

    fn offset_seconds(&mut self) -> Option<i64> {
        if self.take(b'Z').is_some() {
            return Some(0);
        }
        let sign = match (self.take(b'+'), self.take(b'-')) {
            (Some(()), None) => 1,
            (None, Some(())) => -1,
            _ => return None,
        };
        let hours = self.number(2)?;
        // A colon between hours and minutes may be absent.
        let _ = self.take(b':');
        let minutes = self.number(2).filter(|minutes| *minutes < 60)?;
        let seconds = i64::from(hours) * 3_600 + i64::from(minutes) * 60;
        (seconds <= OFFSET_SECONDS_MAX).then_some(sign * seconds)
    }
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    let first = Date::new(year, i8::try_from(month).ok()?, 1).ok()?;
    if !(1..=31).contains(&day) {
        return None;
    }
    let day = day.min(i16::from(first.days_in_month()));
    Date::new(year, first.month(), i8::try_from(day).ok()?).ok()
}

fn show_date(date: Date) -> String {
    let mut text = String::with_capacity(SHOWN_BYTES_MAX);
    text.push(digit(date.day() / 10));
    text.push(digit(date.day()));
    text.push(' ');
    // A month is one of 1 to 12.
    text.push_str(MONTHS[date.month() as usize - 1]);
    let year = date.year();
    // A year is one of 0 to 9999: the shapes have no other, and no shift leads to one.
    let (century, year) = ((year / 100) as i8, (year % 100) as i8);
    push_two_digits(&mut text, ' ', century);
    text.push(digit(year / 10));
    text.push(digit(year));
    text
}

fn push_two_digits(text: &mut String, before: char, number: i8) {
    text.push(before);
    text.push(digit(number / 10));
    text.push(digit(number));
}

/// The last digit of a number that is not negative.
fn digit(number: i8) -> char {
    char::from(b'0' + number.unsigned_abs() % 10)
}
