//! The engine that makes reports' sections, looking at a template for the service test.

use std::path::Path;

use dossier_template::{Content, Finding, FindingKind, Place, Severity, Template, check_source};

use super::template::{TemplateFinding, TemplateStep};

/// Checks a template as its registration does, and if it can be used renders the answer in that file
/// with it where it holds data.
pub fn look(text: &str, answer: &Path) -> Vec<TemplateFinding> {
    let checked = check_source(text, None);
    let is_error = |found: &&Finding| found.severity() == Severity::Error;
    let errors: Vec<_> = checked
        .iter()
        .filter(is_error)
        .map(|found| finding(TemplateStep::Parse, found.place, found.text.clone()))
        .collect();
    if !errors.is_empty() {
        return errors;
    }
    let shows_nothing = |found: &&Finding| found.kind == FindingKind::ShowsNothing;
    let showing = checked.iter().filter(shows_nothing);
    let mut found: Vec<_> = showing
        .map(|found| finding(TemplateStep::Show, found.place, found.text.clone()))
        .collect();
    found.extend(rendered(text, answer).err());
    found
}

fn rendered(text: &str, answer: &Path) -> Result<(), TemplateFinding> {
    let failed = |place: Place, text: String| finding(TemplateStep::Render, place, text);
    let template = Template::parse(text).map_err(|error| failed(error.place, error.problem))?;
    let content = Content::open(answer).map_err(|error| failed(Place::START, error.to_string()))?;
    if !content.holds_data() {
        return Ok(());
    }
    // Renders it for nothing: what it looks up elsewhere is not at hand here.
    let needs = template.needs(&content);
    needs.map(|_| ()).map_err(|error| {
        let place = error.place().unwrap_or(Place::START);
        failed(place, error.problem())
    })
}

fn finding(step: TemplateStep, place: Place, text: String) -> TemplateFinding {
    TemplateFinding {
        step,
        line: place.line,
        column: place.column,
        text,
    }
}
