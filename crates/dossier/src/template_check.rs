//! `dossier template check`: what engineers ask about their templates.

use std::path::Path;

use dossier_template::{Content, Finding, Severity, check_source, template_text};
use serde::Serialize;

use crate::cli::CheckTemplate;
use crate::exit::Failure;
use crate::output::Output;

/// What a check found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    file: String,
    errors: usize,
    warnings: usize,
    findings: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    severity: Severity,
    #[serde(flatten)]
    finding: Finding,
}

/// Prints what is wrong or odd about a template.
pub fn run(options: &CheckTemplate, output: Output) -> Result<(), Failure> {
    let findings = check_template(&options.file, options.data.as_deref())?;
    let checked = Checked::new(options.file.display().to_string(), findings);
    if !checked.findings.is_empty() || output == Output::Json {
        output.print(&checked, Checked::lines);
    }
    let Checked {
        file,
        errors,
        warnings,
        ..
    } = checked;
    match options.strict {
        _ if errors > 0 => {
            let errors = counted(errors, "error");
            Err(Failure::Other(format!("{file} has {errors}")))
        }
        true if warnings > 0 => {
            let warnings = counted(warnings, "warning");
            let text = format!("{file} has {warnings}, and none are wanted");
            Err(Failure::Other(text))
        }
        _ => Ok(()),
    }
}

/// So many of what there is one of.
fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    }
}

/// What is wrong or odd about a template, by itself and with an answer.
pub fn check_template(file: &Path, data: Option<&Path>) -> Result<Vec<Finding>, Failure> {
    let sample = data.map(read_answer).transpose()?;
    Ok(match read_template(file)? {
        Ok(source) => check_source(&source, sample.as_ref()),
        Err(not_text) => vec![not_text],
    })
}

impl Checked {
    fn new(file: String, findings: Vec<Finding>) -> Self {
        let findings: Vec<Listed> = findings
            .into_iter()
            .map(|finding| Listed {
                severity: finding.severity(),
                finding,
            })
            .collect();
        let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        Self {
            file,
            errors,
            warnings,
            findings,
        }
    }

    fn lines(&self) -> String {
        let lines: Vec<String> = self
            .findings
            .iter()
            .map(|Listed { severity, finding }| {
                let severity = match severity {
                    Severity::Warning => "warning",
                    Severity::Error => "error",
                };
                let Finding { place, text, .. } = finding;
                format!("{}:{place}: {severity}: {text}", self.file)
            })
            .collect();
        lines.join("\n")
    }
}

/// Reads a template's file; what is not text is a finding.
pub fn read_template(file: &Path) -> Result<Result<String, Finding>, Failure> {
    let bytes =
        std::fs::read(file).map_err(Failure::file(format!("reading {}", file.display())))?;
    Ok(template_text(&bytes).map(str::to_owned))
}

/// Reads a whole answer, whose content may be null.
pub fn read_answer(file: &Path) -> Result<Content, Failure> {
    let name = file.display();
    let content =
        Content::open(file).map_err(|error| Failure::Other(format!("{name}: {error}")))?;
    if !content.has_content_member() {
        return Err(Failure::Other(format!(
            "{name} has no member `content`: give a whole answer, {{\"content\": …}}"
        )));
    }
    Ok(content)
}
