//! The cases as JUnit XML, which CI systems read.

use std::io::{self, Write};
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::case::{Case, Counts, Verdict};

/// What a run's file says besides its cases.
pub struct Run<'a> {
    /// The service's URL.
    pub service: &'a str,
    /// Whom was asked for, without the identifiers.
    pub asked: &'a str,
    /// Whether a warning counts as a failure.
    pub strict: bool,
    /// How long it took.
    pub time: Duration,
}

/// Writes the file's content.
///
/// A failed check is a `failure`, a skipped one `skipped`; a warning is a `failure` if the run is
/// strict, and else stands in the case's `system-out`.
///
/// # Errors
/// Those of `to`.
pub fn write(to: impl Write, run: &Run<'_>, cases: &[Case], counts: Counts) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(to, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let failed = counts.failed + if run.strict { counts.warnings } else { 0 };
    let totals = [
        ("tests", cases.len().to_string()),
        ("failures", failed.to_string()),
        ("errors", "0".to_owned()),
        ("skipped", counts.skipped.to_string()),
        ("time", format!("{:.3}", run.time.as_secs_f64())),
    ];
    let totals = || totals.iter().map(|(name, value)| (*name, value.as_str()));
    xml.create_element("testsuites")
        .with_attribute(("name", "dossier service test"))
        .with_attributes(totals())
        .write_inner_content(|xml| {
            xml.create_element("testsuite")
                .with_attribute(("name", "dossier service test"))
                .with_attributes(totals())
                .write_inner_content(|xml| {
                    properties(xml, run)?;
                    cases.iter().try_for_each(|c| write_case(xml, run, c))
                })?;
            Ok(())
        })?;
    writeln!(xml.get_mut())
}

fn properties<W: Write>(xml: &mut Writer<W>, run: &Run<'_>) -> io::Result<()> {
    xml.create_element("properties")
        .write_inner_content(|xml| {
            for (name, value) in [("service", run.service), ("asked", run.asked)] {
                xml.create_element("property")
                    .with_attributes([("name", name), ("value", allowed(value).as_str())])
                    .write_empty()?;
            }
            Ok(())
        })?;
    Ok(())
}

fn write_case<W: Write>(xml: &mut Writer<W>, run: &Run<'_>, case: &Case) -> io::Result<()> {
    let endpoint = case.id.split('.').next().unwrap_or_default();
    let element = xml
        .create_element("testcase")
        .with_attributes([("classname", endpoint), ("name", case.id)]);
    let seen = allowed(&case.seen);
    match case.verdict {
        Verdict::Passed => {
            element.write_empty()?;
        }
        Verdict::Skipped => {
            element.write_inner_content(|xml| {
                let skipped = xml.create_element("skipped");
                skipped
                    .with_attribute(("message", seen.as_str()))
                    .write_empty()?;
                Ok(())
            })?;
        }
        Verdict::Warning if !run.strict => {
            element.write_inner_content(|xml| {
                let text = allowed(&format!("warning: {}", explained(case)));
                xml.create_element("system-out")
                    .write_text_content(BytesText::new(&text))?;
                Ok(())
            })?;
        }
        Verdict::Warning | Verdict::Failed => {
            element.write_inner_content(|xml| {
                let kind = match case.verdict {
                    Verdict::Warning => "warning",
                    _ => "breach",
                };
                xml.create_element("failure")
                    .with_attributes([("message", seen.as_str()), ("type", kind)])
                    .write_text_content(BytesText::new(&allowed(&explained(case))))?;
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// All that there is to say of a case, line by line.
fn explained(case: &Case) -> String {
    let mut lines = vec![case.seen.clone()];
    lines.extend(case.places.iter().map(|place| format!("at: {place}")));
    if case.places_beyond > 0 {
        lines.push(format!("at: {} more", case.places_beyond));
    }
    lines.push(format!("rule: {}", case.contract));
    lines.extend(case.advice.iter().map(|advice| format!("do: {advice}")));
    lines.join("\n")
}

/// A text without the characters that XML 1.0 (section 2.2) cannot have, even escaped.
fn allowed(text: &str) -> String {
    let fits = |c: char| matches!(c, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars()
        .map(|c| if fits(c) { c } else { '\u{fffd}' })
        .collect()
}
