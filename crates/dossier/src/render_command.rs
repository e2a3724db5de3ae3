//! `dossier render`: a service's answer as a section, without a server.

mod files;
mod printed;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use dossier_report::ContentSchema;
use dossier_template::{Content, Place, ReferenceNames, Rendered, Severity, Template};
use serde::Serialize;

use crate::cli::Render;
use crate::config::Config;
use crate::exit::Failure;
use crate::output::Output;
use crate::preview::{self, GivenUp, Preview, Problem};
use crate::template_check::{check_template, read_answer, read_template};
use files::FolderFiles;
use printed::{Printed, Printer};

/// What was made.
#[derive(Serialize)]
struct Made {
    path: PathBuf,
    bytes: u64,
    /// Pages of a PDF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<u32>,
}

impl Made {
    fn text(&self) -> String {
        let path = self.path.display();
        match self.pages {
            Some(pages) => format!("{path} ({pages} pages, {} bytes)", self.bytes),
            None => format!("{path} ({} bytes)", self.bytes),
        }
    }
}

/// Renders an answer; what the output is called decides what is made of it.
pub async fn run(options: Render, config: &Config, output: Output) -> Result<(), Failure> {
    let Some(to) = options.output.clone() else {
        return watch(options, config, output).await;
    };
    let ending = to.extension().and_then(|ending| ending.to_str());
    let made = match ending {
        _ if to == Path::new("-") => {
            Rendering::new(&options)?.html(&mut io::stdout().lock())?;
            return Ok(());
        }
        Some("html") => Rendering::new(&options)?.html_file(&to)?,
        Some("pdf") => {
            let printer = Printer::new(config)?;
            let rendering = Rendering::new(&options)?;
            let printed = blocking(move || printer.print(&rendering)).await?;
            for problem in &printed.problems {
                let _ = writeln!(io::stderr(), "dossier: {problem}");
            }
            printed.keep(&to)?
        }
        _ => {
            return Err(Failure::Usage(format!(
                "{}: what is made must end in .html or .pdf, or be `-` for standard output",
                to.display()
            )));
        }
    };
    output.print(&made, Made::text);
    Ok(())
}

/// Runs what takes a while on a thread where that is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Failure::Other("the section could not be made".to_owned())))
}

/// What `--watch` prints when it is ready.
#[derive(Serialize)]
struct Watching {
    url: String,
}

async fn watch(options: Render, config: &Config, output: Output) -> Result<(), Failure> {
    let printer = Printer::new(config)?;
    let files = [
        options.template.clone(),
        options.schema.clone(),
        Some(options.data.clone()),
        options.reference.clone(),
        options.attachments.clone(),
    ];
    let files = files.into_iter().flatten().collect();
    let listen = options.listen;
    let make = move |given_up: &GivenUp| preview(&options, &printer, given_up);
    preview::serve(listen, files, make, |address| {
        let url = format!("http://{address}/");
        output.print(&Watching { url }, |watching| {
            format!("the preview is at {}; stop with Ctrl-C", watching.url)
        });
    })
    .await
}

/// A section from the files as they are now, or what is wrong with them. Between its steps it looks
/// whether it is still wanted.
fn preview(options: &Render, printer: &Printer, given_up: &GivenUp) -> Preview {
    let mut preview = Preview::default();
    let problem = |severity, place: Option<Place>, text: String| Problem {
        severity,
        line: place.map(|place| place.line),
        column: place.map(|place| place.column),
        text,
    };
    let failed = |failure: Failure| problem(Severity::Error, None, failure.to_string());
    if let Some(template) = &options.template {
        match check_template(template, Some(&options.data)) {
            Ok(findings) => preview.problems.extend(
                findings
                    .into_iter()
                    .map(|found| problem(found.severity(), Some(found.place), found.text)),
            ),
            Err(failure) => preview.problems.push(failed(failure)),
        }
        if preview.has_errors() {
            return preview;
        }
    }
    let made = Rendering::new(options).and_then(|rendering| {
        let rendering = rendering.until(given_up.clone());
        rendering.is_wanted()?;
        if rendering.worded_by().is_some() {
            let mut html = Vec::new();
            rendering.html(&mut html)?;
            preview.html = Some(html);
        }
        printer.print(&rendering)
    });
    match made.and_then(Printed::read) {
        Ok((pdf, printed)) => {
            let warnings = printed.problems.into_iter();
            preview
                .problems
                .extend(warnings.map(|text| problem(Severity::Warning, None, text)));
            preview.pages = Some((printed.first_page, printed.pages));
            preview.pdf = Some(pdf);
        }
        Err(failure) => preview.problems.push(failed(failure)),
    }
    preview
}

/// All that a rendering needs, read.
struct Rendering {
    label: String,
    data: PathBuf,
    template: Option<(String, Template)>,
    labels: Option<ContentSchema>,
    content: Content,
    reference: ReferenceNames,
    files: FolderFiles,
    given_up: GivenUp,
}

impl Rendering {
    fn new(options: &Render) -> Result<Self, Failure> {
        let template = options.template.as_deref().map(|path| {
            let name = path.display().to_string();
            let source = read_template(path)?.map_err(|found| {
                Failure::Other(format!("{name}:{}: {}", found.place, found.text))
            })?;
            let template = Template::parse(&source)
                .map_err(|error| Failure::Other(format!("{name}:{error}")))?;
            Ok::<_, Failure>((name, template))
        });
        let named = options.template.as_ref().unwrap_or(&options.data);
        let stem = named.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self {
            label: options.label.clone().unwrap_or_else(|| stem.into_owned()),
            data: options.data.clone(),
            template: template.transpose()?,
            labels: options.schema.as_deref().map(schema).transpose()?,
            content: read_answer(&options.data)?,
            reference: options
                .reference
                .as_deref()
                .map_or(Ok(ReferenceNames::default()), names)?,
            files: FolderFiles::new(options.attachments.clone()),
            given_up: GivenUp::default(),
        })
    }

    /// The same, which fails as soon as it is seen to be given up.
    fn until(self, given_up: GivenUp) -> Self {
        Self { given_up, ..self }
    }

    fn is_wanted(&self) -> Result<(), Failure> {
        match self.given_up.is_so() {
            true => Err(Failure::Other("the files have changed".to_owned())),
            false => Ok(()),
        }
    }

    /// The template, and what it is called, if there is anything that it has to word. Of an answer
    /// without content a section says `No Data Held`, whatever its template.
    fn worded_by(&self) -> Option<&(String, Template)> {
        self.template.as_ref().filter(|_| self.content.holds_data())
    }

    /// The template's own output and nothing else.
    fn html(&self, out: &mut dyn Write) -> Result<Rendered, Failure> {
        let Some((name, template)) = self.worded_by() else {
            return Err(match self.template {
                Some(_) => Failure::Other(format!(
                    "in {}, `content` is null: no data is held, and the section says so without \
                     its template; make a .pdf",
                    self.data.display()
                )),
                None => Failure::Usage(
                    "without a template there is no HTML; give one with --template, or make a .pdf"
                        .to_owned(),
                ),
            });
        };
        let mut out = self.given_up.guard(out);
        template
            .render(&self.content, &self.reference, &self.files, &mut out)
            .map_err(|error| Failure::Other(format!("{name}:{error}")))
    }

    /// The same in a file, which is there only if it is complete.
    fn html_file(&self, path: &Path) -> Result<Made, Failure> {
        let failed = || Failure::file(format!("writing {}", path.display()));
        let mut file = scratch_beside(path).map_err(failed())?;
        let rendered = self.html(&mut file)?;
        file.persist(path).map_err(|error| failed()(error.error))?;
        Ok(Made {
            path: path.to_owned(),
            bytes: rendered.bytes,
            pages: None,
        })
    }
}

/// A file that can take the name of `path` when it is complete.
fn scratch_beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    tempfile::Builder::new()
        .prefix(".dossier-render-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
}

fn schema(file: &Path) -> Result<ContentSchema, Failure> {
    let name = file.display();
    let text = std::fs::read(file).map_err(Failure::file(format!("reading {name}")))?;
    ContentSchema::parse(&text)
        .map_err(|error| Failure::Other(format!("{name} cannot be used as a schema: {error}")))
}

fn names(file: &Path) -> Result<ReferenceNames, Failure> {
    let name = file.display();
    let text = std::fs::read(file).map_err(Failure::file(format!("reading {name}")))?;
    ReferenceNames::from_json(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let mut text = error.to_string();
        // What the parser says of a value repeats it, and it may be a person's name.
        if text.starts_with("invalid ") {
            text = format!("names by code were expected at line {line} column {column}");
        }
        Failure::Other(format!("{name} is no reference file: {text}"))
    })
}
