//! The engine that makes reports' sections, looking at a template for the service test.

use std::path::Path;

use dossier_template::{Content, FindingKind, Place, Template, check_source};

use super::template::{TemplateFinding, TemplateStep};

/// Parses a template, and renders the answer in that file with it where it holds data.
pub fn look(text: &str, answer: &Path) -> Vec<TemplateFinding> {
    let finding = |step, place: Place, text: String| {
        vec![TemplateFinding {
            step,
            line: place.line,
            column: place.column,
            text,
        }]
    };
    let Ok(template) = Template::parse(text) else {
        return unusable(text);
    };
    let content = match Content::open(answer) {
        Ok(content) if content.holds_data() => content,
        Ok(_) => return Vec::new(),
        Err(error) => return finding(TemplateStep::Render, Place::START, error.to_string()),
    };
    // Renders it for nothing: what it looks up elsewhere is not at hand here.
    match template.needs(&content) {
        Ok(_) => Vec::new(),
        Err(error) => {
            let place = error.place().unwrap_or(Place::START);
            finding(TemplateStep::Render, place, error.to_string())
        }
    }
}

/// All for which a text cannot be parsed.
fn unusable(text: &str) -> Vec<TemplateFinding> {
    let found = check_source(text, None).into_iter();
    found
        .filter(|found| {
            matches!(
                found.kind,
                FindingKind::NotATemplate | FindingKind::UnknownHelper
            )
        })
        .map(|found| TemplateFinding {
            step: TemplateStep::Parse,
            line: found.place.line,
            column: found.place.column,
            text: found.text,
        })
        .collect()
}
