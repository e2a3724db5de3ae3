//! What an engineer should know of a template: what is wrong, and what is not as it seems.
//!
//! The template's text is looked at by itself ([`purpose`], [`html`], [`tree`], [`partials`]); with a
//! sample answer it is rendered into nothing while every value that it looks up and shows is noted
//! ([`usage`]).

mod classes;
mod element;
mod html;
mod partials;
mod purpose;
mod tree;
mod usage;

use std::io::{self, Read};

use serde::Serialize;

pub(crate) use self::usage::Usage;
use crate::limits::FINDINGS_MAX;
use crate::parse::{self, Reading};
use crate::{Content, ImageError, InlineImage, InlineImages, Place, Template};

/// Whether a finding stops a template from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// It works, but perhaps not as it was meant to.
    Warning,
    /// The template cannot be used.
    Error,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FindingKind {
    /// The text is no template.
    NotATemplate,
    /// There is no text, or only white space.
    Empty,
    /// Whatever an answer holds, what is shown is the same.
    ShowsNothing,
    /// A helper is called that is not known.
    UnknownHelper,
    /// A partial is called where it is not defined.
    NoSuchPartial,
    /// A value is shown unescaped that is no inline image.
    Unescaped,
    /// A class that the report's style sheet does not know.
    UnknownClass,
    /// An element of which no more than its text is laid out.
    TextOnly,
    /// Scripts, event handlers, links and sources elsewhere, elements that are no part of a section's
    /// text: they never reach the PDF.
    NeverInPdf,
    /// A helper or a block has fewer or more arguments than make sense, or named ones.
    Arguments,
    /// An `{{else}}` that does not do what it seems to.
    Else,
    /// A helper's name opens a block, whose body is never shown.
    HelperAsBlock,
    /// The sample answer lacks what a path names.
    NotInSample,
    /// The sample answer holds what no path of the template ever shows.
    NeverShown,
    /// A member is null in the sample answer, and what shows is an outer one of the same name.
    TakenFromAround,
    /// The sample answer has an inline attachment that is no image, which cannot be shown.
    NotAnImage,
    /// The template cannot be rendered with the sample answer.
    CannotRender,
}

impl FindingKind {
    /// Whether such a finding stops a template from being used.
    pub fn severity(self) -> Severity {
        match self {
            Self::NotATemplate
            | Self::Empty
            | Self::UnknownHelper
            | Self::NoSuchPartial
            | Self::CannotRender => Severity::Error,
            _ => Severity::Warning,
        }
    }
}

/// Something about a template that its author should know. It may name members of a sample answer,
/// and never quotes a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where in the template; its beginning for what concerns all of it.
    #[serde(flatten)]
    pub place: Place,
    /// What it is about.
    pub kind: FindingKind,
    /// What there is to know, and what to do.
    pub text: String,
}

impl Finding {
    /// Whether it stops the template from being used.
    pub fn severity(&self) -> Severity {
        self.kind.severity()
    }
}

/// Checks a text that may be no template at all, as [`Template::check`] does.
///
/// What makes it no template hides all that stands behind it, and all but the unknown helpers before
/// it. Unknown helpers hide nothing: they count as helpers that give what they are given first.
pub fn check_source(source: &str, sample: Option<&Content>) -> Vec<Finding> {
    let mut findings = Findings::of(source);
    let Reading {
        parsed,
        unknown_helpers,
    } = parse::parse(source);
    let template = match parsed {
        Ok(parsed) => Some(Template::of(source, parsed)),
        Err(problem) => {
            findings.add(problem.at, FindingKind::NotATemplate, problem.text);
            None
        }
    };
    for unknown in unknown_helpers {
        findings.add(unknown.at, FindingKind::UnknownHelper, unknown.text);
    }
    if let Some(template) = template {
        check(&template, sample, &mut findings);
    }
    findings.in_order()
}

/// A template's bytes as text.
///
/// # Errors
/// A finding with the place of the first byte that is not UTF-8.
pub fn template_text(bytes: &[u8]) -> Result<&str, Finding> {
    std::str::from_utf8(bytes).map_err(|error| Finding {
        place: Place::of(bytes, error.valid_up_to()),
        kind: FindingKind::NotATemplate,
        text: "this is not UTF-8".to_owned(),
    })
}

/// Findings as they are made.
pub(crate) struct Findings<'t> {
    source: &'t str,
    found: Vec<Finding>,
}

impl<'t> Findings<'t> {
    /// None so far, in a template of this text.
    pub fn of(source: &'t str) -> Self {
        Self {
            source,
            found: Vec::new(),
        }
    }

    /// Adds a finding at an offset in the template.
    fn add(&mut self, at: usize, kind: FindingKind, text: impl Into<String>) {
        if self.found.len() < FINDINGS_MAX {
            self.add_at(Place::of(self.source.as_bytes(), at), kind, text);
        }
    }

    fn add_at(&mut self, place: Place, kind: FindingKind, text: impl Into<String>) {
        if self.found.len() < FINDINGS_MAX {
            let text = text.into();
            self.found.push(Finding { place, kind, text });
        }
    }

    pub fn in_order(mut self) -> Vec<Finding> {
        self.found.sort_by_key(|finding| finding.place);
        self.found.dedup();
        self.found
    }
}

/// Adds what there is to know of what was read.
pub(crate) fn check(template: &Template, sample: Option<&Content>, findings: &mut Findings<'_>) {
    if purpose::is_empty(template) {
        let text = "the template is empty: it makes nothing of any answer";
        return findings.add(0, FindingKind::Empty, text);
    }
    purpose::check(template, findings);
    tree::check(template, findings);
    partials::check(template, findings);
    html::check(template, findings);
    if let Some(sample) = sample {
        check_with(template, sample, findings);
    }
}

fn check_with(template: &Template, sample: &Content, findings: &mut Findings<'_>) {
    if !sample.holds_data() {
        let text = "the sample answer holds no data: its `content` is absent or null, and a \
                    section says so without its template";
        findings.add(0, FindingKind::NotInSample, text);
        return;
    }
    let mut usage = Usage::new(sample);
    if let Err(error) = template.observe(sample, &NoBytes, &mut usage) {
        let text = format!("with the sample answer: {}", error.problem());
        let place = error.place().unwrap_or(Place::START);
        findings.add_at(place, FindingKind::CannotRender, text);
        return;
    }
    usage.report(template, sample, findings);
}

/// Images of no bytes: what they show is not looked at.
struct NoBytes;

impl InlineImages for NoBytes {
    fn open(&self, _: &InlineImage) -> Result<Box<dyn Read + '_>, ImageError> {
        Ok(Box::new(io::empty()))
    }
}
