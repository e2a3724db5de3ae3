//! PDF files: their pages become drawings of the report, as vectors.
//!
//! What is not needed to see a page never reaches the report: it is copied by following what a page
//! draws, not by copying the file and taking things out.

mod annotations;
mod bombs;
mod content;
mod drawings;
mod images;
mod import;

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use hayro_syntax::object::Dict;
use hayro_syntax::page::Page;
use hayro_syntax::xref::XRef;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use self::import::Importer;
use super::failure::{DAMAGED, Failure, guarded, unreadable};
use super::show::{Seen, paragraph};
use crate::ReportError;
use crate::layout::{Composer, Figure};
use crate::limits::{PDF_BYTES_MAX, PDF_END_BYTES, PDF_PAGES_MAX};
use crate::report::Shown;

/// Shows every page of a PDF file.
pub(super) fn show_document(
    composer: &mut Composer<'_, '_>,
    path: &Path,
    title: &str,
) -> Result<Seen, Failure> {
    let pdf = load(path)?;
    let all = guarded(|| Ok(pdf.pages().len()))?;
    if all == 0 {
        return Err(unreadable("the document has no pages"));
    }
    let pages = all.min(PDF_PAGES_MAX);
    paragraph(
        composer,
        &format!("Attachment PDF content follows on subsequent {pages} page(s)"),
    )?;
    let mut importers = Importers::new(pdf.xref());
    let mut notes = document_notes(&pdf);
    if is_cut_off(path)? {
        notes.push(
            "The file is damaged: its end is missing. What could be read of it is shown."
                .to_owned(),
        );
    }
    for (nth, page) in pdf.pages().iter().take(pages).enumerate() {
        let number = nth + 1;
        let alt = format!("{title}: page {number} of {all}");
        match importers.import(composer, page, &alt) {
            Ok(figure) => {
                composer.show_sheet(figure)?;
                if let Some(links) = importers.links() {
                    let links = links.join("\n");
                    paragraph(
                        composer,
                        &format!("Links of page {number} lead to:\n{links}"),
                    )?;
                }
            }
            Err(Failure::Report(error)) => return Err(Failure::Report(error)),
            Err(Failure::Unreadable(why)) => {
                composer.fresh_page()?;
                let missing = format!("Page {number} could not be shown because {why}.");
                paragraph(composer, &missing)?;
                importers.whole = false;
            }
        }
    }
    if all > pages {
        notes.push(format!(
            "The document has {all} pages; only the first {pages} are shown."
        ));
    }
    if importers.unseen_notes() {
        notes.push(
            "The document has notes or form fields whose texts are not part of its pages; they \
             are not shown."
                .to_owned(),
        );
    }
    for note in &notes {
        paragraph(composer, note)?;
    }
    let whole = importers.whole() && notes.is_empty();
    Ok(Seen {
        shown: if whole { Shown::Whole } else { Shown::Part },
        fonts_embedded: importers.fonts_embedded(),
        imported: true,
    })
}

/// What copies pages into each of the files that the report's pages go to.
struct Importers<'p> {
    document: &'p XRef,
    /// The volume whose files these are.
    volume: usize,
    current: Vec<Importer<'p>>,
    whole: bool,
    fonts_embedded: bool,
    unseen_notes: bool,
}

impl<'p> Importers<'p> {
    fn new(document: &'p XRef) -> Self {
        Self {
            document,
            volume: 0,
            current: Vec::new(),
            whole: true,
            fonts_embedded: true,
            unseen_notes: false,
        }
    }

    /// Copies a page with all that it draws into every file.
    fn import(
        &mut self,
        composer: &mut Composer<'_, '_>,
        page: &Page<'p>,
        alt: &str,
    ) -> Result<Figure, Failure> {
        composer.fresh_page()?;
        let files = composer.files()?.len();
        if composer.volume() != self.volume || self.current.len() != files {
            self.retire();
            self.volume = composer.volume();
            let fresh = (0..files).map(|_| Importer::new(self.document));
            self.current = fresh.collect();
        }
        let mut figure: Option<Figure> = None;
        for (file, importer) in composer.files()?.into_iter().zip(&mut self.current) {
            let next = importer.import(file, page, alt.to_owned())?;
            match &mut figure {
                Some(figure) => figure.objects.extend(next.objects),
                None => figure = Some(next),
            }
        }
        figure.ok_or_else(|| unreadable("there is no file to copy it to"))
    }

    /// Keeps what is known of pages in another volume.
    fn retire(&mut self) {
        self.whole = self.whole();
        self.fonts_embedded = self.fonts_embedded();
        self.unseen_notes = self.unseen_notes();
    }

    fn whole(&self) -> bool {
        self.whole && self.current.iter().all(|importer| importer.whole)
    }

    fn fonts_embedded(&self) -> bool {
        self.fonts_embedded && self.current.iter().all(|importer| importer.fonts_embedded)
    }

    /// Where the links of the last page lead, if it has any.
    fn links(&self) -> Option<&[String]> {
        let links = &self.current.first()?.links;
        (!links.is_empty()).then_some(links)
    }

    fn unseen_notes(&self) -> bool {
        self.unseen_notes || self.current.iter().any(|importer| importer.unseen_notes)
    }
}

fn load(path: &Path) -> Result<Pdf, Failure> {
    let read = |error| Failure::Report(ReportError::Read(error));
    let bytes = fs::metadata(path).map_err(read)?.len();
    if bytes > PDF_BYTES_MAX {
        return Err(unreadable(format!(
            "the document has {} MB; at most {} MB are read",
            bytes / 1_000_000,
            PDF_BYTES_MAX / 1_000_000
        )));
    }
    let data = fs::read(path).map_err(read)?;
    bombs::check(&data)?;
    guarded(|| {
        Pdf::new(Arc::new(data)).map_err(|error| match error {
            LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
                unreadable("the document can only be opened with a password")
            }
            LoadPdfError::Decryption(_) => {
                unreadable("the document is encrypted in a way that is not supported")
            }
            LoadPdfError::Invalid => unreadable(DAMAGED),
        })
    })
}

/// Whether the end of the file does not say where its objects are (ISO 32000-1, 7.5.5): readers then
/// guess, and may find pages without what is on them.
fn is_cut_off(path: &Path) -> Result<bool, Failure> {
    let read = |error| Failure::Report(ReportError::Read(error));
    let mut file = fs::File::open(path).map_err(read)?;
    let bytes = file.metadata().map_err(read)?.len();
    file.seek(SeekFrom::Start(bytes.saturating_sub(PDF_END_BYTES)))
        .map_err(read)?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).map_err(read)?;
    let mark = b"startxref";
    Ok(!end.windows(mark.len()).any(|window| window == mark))
}

/// What a document holds beside its pages.
fn document_notes(pdf: &Pdf) -> Vec<String> {
    let found = guarded(|| {
        let root = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id());
        let root = root.unwrap_or_default();
        let names = root.get::<Dict<'_>>("Names").unwrap_or_default();
        let form = root.get::<Dict<'_>>("AcroForm").unwrap_or_default();
        let files = names.contains_key("EmbeddedFiles") || root.contains_key("Collection");
        Ok((files, form.contains_key("XFA")))
    });
    let (files, form) = found.unwrap_or((false, false));
    let mut notes = Vec::new();
    if files {
        notes.push("The document has files inside it, which are not shown.".to_owned());
    }
    if form {
        notes.push("The document has a dynamic form, which is not shown.".to_owned());
    }
    notes
}
