//! Answers of real services, where a folder of them is at hand: every value in them is in its
//! section of the report, as often as the service sent it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::harness::upstream::Answer;
use crate::harness::{Dossier, pdf};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

/// What stands where nothing is held.
const NOTHING: &str = "No Data Held";

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

/// Where answers of real services are, one JSON file each.
fn responses() -> PathBuf {
    let beside = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/data/responses"
    );
    std::env::var_os("DOSSIER_SAMPLE_RESPONSES").map_or(beside.into(), PathBuf::from)
}

/// The answers in the folder, by the names of their files.
fn answers(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let answers: BTreeMap<_, _> = files
        .filter(|file| file.extension().is_some_and(|end| end == "json"))
        .map(|file| {
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(file).unwrap())
        })
        .collect();
    assert!(
        !answers.is_empty(),
        "{} is there and holds no answers",
        folder.display()
    );
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn every_value_of_every_sample_answer_is_in_its_section_as_often_as_it_was_sent() {
    let folder = responses();
    if !folder.exists() {
        // Not by a macro, whose output is hidden when a test succeeds.
        let line = format!(
            "NOT TESTED: there is no folder {}; DOSSIER_SAMPLE_RESPONSES can name another\n",
            folder.display()
        );
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    }
    every_value_is_in_its_section(&answers(&folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_value_of_made_up_answers_is_in_its_section_as_often_as_it_was_sent() {
    let one = json!({"content": [
        {"id": 1, "note": "seen", "at": "2024-07-01T23:30:00Z", "open": true, "left": null},
        {"id": 12, "note": "seen", "at": "2024-01-01T09:05:00Z", "open": false, "left": "1"},
        {"id": 1, "note": "seen again", "at": "05/11/2023", "open": true, "left": {}},
    ]});
    let other = json!({
        "content": {"notes": ["seen", "seen"], "deep": {"deeper": {"id": 1, "empty": []}}},
        "attachments": [{"attachmentNumber": 1, "name": "A &amp; B", "filename": "ab.txt"}],
    });
    let answers = [("one", one), ("other", other)];
    let bytes = |(name, answer): (&str, Value)| (name.to_owned(), answer.to_string().into_bytes());
    every_value_is_in_its_section(&answers.map(bytes).into()).await;
}

async fn every_value_is_in_its_section(answers: &BTreeMap<String, Vec<u8>>) {
    let dossier = Dossier::start().await;
    for (name, body) in answers {
        let body = with_files(&dossier, body);
        dossier.service(name, [Answer::Body(body)]).await;
    }
    let names: Vec<&str> = answers.keys().map(String::as_str).collect();
    let id = dossier.request(&names).await;
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    let report = dossier.folder.path().join("report.pdf");
    let download = dossier.client.download(id, &report, |_, _| {}).await;
    download.unwrap();
    pdf::check(&report);

    let sections = pdf::outline(&report);
    let (mut values, mut missing) = (0, Vec::new());
    for (name, body) in answers {
        let title = format!("The {name}");
        let place = sections.iter().position(|(label, _)| *label == title);
        let place = place.unwrap_or_else(|| panic!("there is no section {title}"));
        let last = match sections.get(place + 1) {
            Some((_, next)) => next - 1,
            // The rear page follows the last section.
            None => pdf::pages(&report) - 1,
        };
        let text = pdf::body_text(&report, sections[place].1, last);
        let expected = expected(&serde_json::from_slice(body).unwrap());
        values += expected.len();
        let not_shown = not_shown(&expected, &text);
        missing.extend(
            not_shown
                .into_iter()
                .map(|value| format!("{name}: {value}")),
        );
    }
    assert!(
        missing.is_empty(),
        "{} of {values} missing: {missing:#?}",
        missing.len()
    );
    println!(
        "{values} values of {} services in {} pages",
        answers.len(),
        request.pages.unwrap()
    );
}

/// An answer whose attachments are where this test serves them.
fn with_files(dossier: &Dossier, body: &[u8]) -> Vec<u8> {
    let mut answer: Value = serde_json::from_slice(body).unwrap();
    let Some(attachments) = answer["attachments"].as_array_mut() else {
        return body.to_vec();
    };
    for attachment in attachments {
        let bytes = attachment["filesize"].as_u64().unwrap_or(3);
        attachment["url"] = Value::from(dossier.upstream.file_url("sample-files", bytes));
    }
    answer.to_string().into_bytes()
}

/// Everything that a section must show, each as often as it was sent.
fn expected(answer: &Value) -> Vec<String> {
    let mut expected = Vec::new();
    each_value(&answer["content"], &mut |value| {
        expected.push(as_shown(value))
    });
    for attachment in answer["attachments"].as_array().into_iter().flatten() {
        for member in ["name", "filename"] {
            let name = attachment[member].as_str().unwrap();
            expected.push(name.replace("&amp;", "&"));
        }
    }
    expected
}

/// Visits all that has no parts: scalars, and what is empty.
fn each_value(value: &Value, visit: &mut impl FnMut(&Value)) {
    match value {
        Value::Object(members) if !members.is_empty() => members
            .values()
            .for_each(|member| each_value(member, visit)),
        Value::Array(items) if !items.is_empty() => {
            items.iter().for_each(|item| each_value(item, visit));
        }
        single => visit(single),
    }
}

/// What the report prints for a value.
fn as_shown(value: &Value) -> String {
    match value {
        Value::Bool(true) => "Yes".to_owned(),
        Value::Bool(false) => "No".to_owned(),
        Value::String(text) if text.trim().is_empty() => NOTHING.to_owned(),
        Value::String(text) => date_as_shown(text).unwrap_or_else(|| text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => NOTHING.to_owned(),
        Value::Number(number) => number.to_string(),
    }
}

/// Dates as the United Kingdom writes them, by a rule of this test's own.
fn date_as_shown(text: &str) -> Option<String> {
    if let Some((day, time)) = split_at_day(text) {
        return match time {
            None => Some(day_in_words(day)),
            Some(time) => {
                let time = format!("{day}T{time}").parse::<DateTime>().ok()?;
                Some(time_in_words(time, text.matches(':').count() > 1))
            }
        };
    }
    let utc: Timestamp = text.parse().ok()?;
    let utc = jiff::tz::TimeZone::UTC.to_datetime(utc);
    let shift = if is_summer(utc) { 1.hour() } else { 0.hours() };
    Some(time_in_words(utc + shift, true))
}

/// `2024-05-01` and `01/05/2024` with what follows, if that names no offset.
fn split_at_day(text: &str) -> Option<(Date, Option<&str>)> {
    let (day, rest) = text.split_at_checked(10)?;
    let day: Date = match day.as_bytes()[2] {
        b'/' => format!("{}-{}-{}", &day[6..], &day[3..5], &day[..2]).parse(),
        _ => day.parse(),
    }
    .ok()?;
    if rest.is_empty() {
        return Some((day, None));
    }
    let time = rest.strip_prefix(['T', ' '])?;
    let is_local = time
        .bytes()
        .all(|b| b.is_ascii_digit() || b == b':' || b == b'.');
    is_local.then_some((day, Some(time)))
}

/// British summer time goes from the last Sunday of March to that of October, at 1:00 UTC.
fn is_summer(utc: DateTime) -> bool {
    let change = |month| {
        let end = Date::new(utc.year(), month, 31).unwrap();
        let sunday = end.nth_weekday(-1, Weekday::Sunday).unwrap();
        let sunday = if end.weekday() == Weekday::Sunday {
            end
        } else {
            sunday
        };
        sunday.at(1, 0, 0, 0)
    };
    (change(3)..change(10)).contains(&utc)
}

fn day_in_words(day: Date) -> String {
    let month = MONTHS[usize::try_from(day.month()).unwrap() - 1];
    format!("{:02} {month} {}", day.day(), day.year())
}

fn time_in_words(time: DateTime, seconds: bool) -> String {
    let (hour, half) = match time.hour() {
        0 => (12, "am"),
        hour @ 1..=11 => (hour, "am"),
        12 => (12, "pm"),
        hour => (hour - 12, "pm"),
    };
    let seconds = match seconds {
        true => format!(":{:02}", time.second()),
        false => String::new(),
    };
    let (day, minute) = (day_in_words(time.date()), time.minute());
    format!("{day}, {hour}:{minute:02}{seconds} {half}")
}

/// Which of the values the text does not show, or not often enough. Every part of the text stands
/// for one value only: the longest are looked for first, so that a short one is not found in them.
fn not_shown(values: &[String], text: &str) -> Vec<String> {
    let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
    for value in values {
        *wanted.entry(value).or_default() += 1;
    }
    let mut wanted: Vec<(Words, &str, usize)> = wanted
        .into_iter()
        .map(|(value, count)| (Words::of(value), value, count))
        .collect();
    wanted.sort_by_key(|(words, ..)| std::cmp::Reverse(words.dense.len()));
    let mut text = Words::of(text);
    // A word that is broken because no line has room for it is looked for when all else is found.
    for broken in [false, true] {
        for (words, _, count) in &mut wanted {
            *count -= text.take(words, *count, broken);
        }
    }
    wanted.retain(|(_, _, count)| *count > 0);
    let missing = wanted.iter();
    missing
        .map(|(_, value, count)| format!("{count} of {value:?}"))
        .collect()
}

/// A text without its spaces, and where they were.
struct Words {
    dense: String,
    /// For each byte, and for the end, whether a word starts there.
    starts: Vec<bool>,
    taken: Vec<bool>,
}

impl Words {
    fn of(text: &str) -> Self {
        let (mut dense, mut starts) = (String::new(), Vec::new());
        for word in text.split_whitespace() {
            dense.push_str(word);
            starts.push(true);
            starts.resize(dense.len(), false);
        }
        starts.push(true);
        let taken = vec![false; dense.len()];
        Self {
            dense,
            starts,
            taken,
        }
    }

    /// Takes up to `most` places where these words stand alone; answers how many there were.
    fn take(&mut self, words: &Words, most: usize, broken: bool) -> usize {
        let mut found = 0;
        let mut from = 0;
        while found < most
            && let Some(at) = self.dense[from..].find(&words.dense)
        {
            let place = from + at..from + at + words.dense.len();
            let alone = self.starts[place.start] && self.starts[place.end];
            let whole = self.starts[place.clone()] == words.starts[..place.len()];
            let free = !self.taken[place.clone()].contains(&true);
            from = place.end;
            if alone && free && (whole || broken) {
                self.taken[place].fill(true);
                found += 1;
            } else {
                let first = words.dense.chars().next().map_or(1, char::len_utf8);
                from = from - words.dense.len() + first;
            }
        }
        found
    }
}

#[test]
fn the_comparison_notices_what_is_missing() {
    let values = ["No", "No", "12", "a note"].map(str::to_owned);
    assert!(not_shown(&values, "Notes No 12 a no No a no\nte").is_empty());
    for short in [
        "No 12 a note",
        "Notes No Nothing 12 a note",
        "No No 1 2x a note",
    ] {
        assert_eq!(not_shown(&values, short).len(), 1, "{short}");
    }
}

#[test]
fn dates_are_written_out_by_the_rule() {
    for (text, shown) in [
        ("2024-05-01", "01 May 2024"),
        ("19/11/2024 17:26:59", "19 November 2024, 5:26:59 pm"),
        (
            "2024-02-27T11:57:18.083934",
            "27 February 2024, 11:57:18 am",
        ),
        ("2022-08-26T08:01:17+01:00", "26 August 2022, 8:01:17 am"),
        ("2021-03-28T00:59:59Z", "28 March 2021, 12:59:59 am"),
        ("2021-03-28T01:00:00Z", "28 March 2021, 2:00:00 am"),
    ] {
        assert_eq!(date_as_shown(text).as_deref(), Some(shown));
    }
    assert_eq!(date_as_shown("1982/2696655U"), None);
}
