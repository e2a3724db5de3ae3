//! `dossier render`: a service's answer with its template, without a server.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use dossier_template::{
    Content, ImageError, InlineImage, InlineImages, ReferenceNames, Rendered, Template,
};
use serde::Serialize;

use crate::cli::Render;
use crate::exit::Failure;
use crate::output::Output;
use crate::template_check::read_answer;

/// What was made.
#[derive(Serialize)]
struct Made {
    path: PathBuf,
    bytes: u64,
}

/// Renders an answer; what the output is called decides what is made of it.
pub fn run(options: &Render, output: Output) -> Result<(), Failure> {
    let rendering = Rendering::new(options)?;
    if options.output == Path::new("-") {
        rendering.html(&mut io::stdout().lock())?;
        return Ok(());
    }
    match options
        .output
        .extension()
        .and_then(|extension| extension.to_str())
    {
        Some("html") => {
            let made = rendering.html_file(&options.output)?;
            output.print(&made, |made| {
                format!("{} ({} bytes)", made.path.display(), made.bytes)
            });
            Ok(())
        }
        _ => Err(Failure::Other(format!(
            "{}: what is made must end in .html, or be `-` for standard output",
            options.output.display()
        ))),
    }
}

/// All that a rendering needs, read.
struct Rendering {
    template_name: String,
    template: Template,
    content: Content,
    reference: ReferenceNames,
    images: FolderImages,
}

impl Rendering {
    fn new(options: &Render) -> Result<Self, Failure> {
        let template_name = options.template.display().to_string();
        let source = std::fs::read_to_string(&options.template)
            .map_err(Failure::file(format!("reading {template_name}")))?;
        let template = Template::parse(&source)
            .map_err(|error| Failure::Other(format!("{template_name}:{error}")))?;
        Ok(Self {
            template_name,
            template,
            content: read_answer(&options.data)?,
            reference: options
                .reference
                .as_deref()
                .map_or(Ok(ReferenceNames::default()), names)?,
            images: FolderImages(options.attachments.clone()),
        })
    }

    /// The template's own output and nothing else.
    fn html(&self, out: &mut dyn Write) -> Result<Rendered, Failure> {
        self.template
            .render(&self.content, &self.reference, &self.images, out)
            .map_err(|error| Failure::Other(format!("{}:{error}", self.template_name)))
    }

    /// The same in a file, which is there only if it is complete.
    fn html_file(&self, path: &Path) -> Result<Made, Failure> {
        let failed = || Failure::file(format!("writing {}", path.display()));
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let mut file = tempfile::Builder::new()
            .prefix(".dossier-render-")
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .map_err(failed())?;
        let rendered = self.html(&mut file)?;
        file.persist(path).map_err(|error| failed()(error.error))?;
        Ok(Made {
            path: path.to_owned(),
            bytes: rendered.bytes,
        })
    }
}

fn names(file: &Path) -> Result<ReferenceNames, Failure> {
    let name = file.display();
    let text = std::fs::read(file).map_err(Failure::file(format!("reading {name}")))?;
    ReferenceNames::from_json(&text)
        .map_err(|error| Failure::Other(format!("{name} is no reference file: {error}")))
}

/// Images in a folder, by the last part of their URLs.
struct FolderImages(Option<PathBuf>);

impl InlineImages for FolderImages {
    fn open(&self, image: &InlineImage) -> Result<Box<dyn Read + '_>, ImageError> {
        let Some(folder) = &self.0 else {
            let text = "no folder of attachments is given; see --attachments";
            return Err(ImageError(text.to_owned()));
        };
        let name = file_name(&image.url)
            .ok_or_else(|| ImageError("its URL does not end in a file's name".to_owned()))?;
        let missing = |error: io::Error| {
            ImageError(format!(
                "no such file can be read in the folder of attachments: {error}"
            ))
        };
        let folder = folder.canonicalize().map_err(missing)?;
        let path = folder.join(name).canonicalize().map_err(missing)?;
        if path.parent() != Some(folder.as_path()) {
            let text = "its file lies outside of the folder of attachments";
            return Err(ImageError(text.to_owned()));
        }
        Ok(Box::new(File::open(path).map_err(missing)?))
    }
}

/// The last part of a URL's path, decoded, if a file can have that name.
fn file_name(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    let decoded = percent_decoded(path.rsplit('/').next()?)?;
    let is_name =
        !matches!(decoded.as_str(), "" | "." | "..") && !decoded.contains(['/', '\\', '\0']);
    is_name.then_some(decoded)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits
            .filter(|digits| *first == b'%' && digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).ok()
}
