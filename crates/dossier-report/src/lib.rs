//! From data to PDF: JSON to blocks, blocks to pages, pages to a file.
//!
//! The waist is a *block*: a heading, a name and its value, a table's row. What comes before it
//! reads services' answers from disk; what comes after it breaks lines and pages and writes the
//! file. Neither side ever holds a whole report: texts pass in pieces, pages are written as they
//! fill, and memory does not grow with the data. Nothing is left out, whatever its depth, length
//! or script; the same input gives the same bytes; no data is ever in an error or a log.
//!
//! | module | its one job |
//! | --- | --- |
//! | `report` | what a caller says and gets back |
//! | `body` | an upstream's answer: checked, then read from where it lies on disk |
//! | `attachment` | the files that belong to an answer |
//! | `generic` | any JSON to blocks |
//! | `html` | HTML to blocks: what a template makes of an answer, attached web pages |
//! | `block` | the waist |
//! | `text` | fonts, shaping, line breaking, writing direction |
//! | `layout` | columns, rows, page breaks, covers |
//! | `pdf` | objects, page tree, structure tree, fonts, cross-references |
//! | `volume` | one file: its front, its sections, its end |
//! | `series` | the report's file and the subject's copy side by side, volume after volume |
//! | `write` | all of it, for one report |
//! | [`limits`] | every limit |

mod attachment;
mod block;
mod body;
mod clean_name;
mod error;
mod generic;
mod html;
mod layout;
pub mod limits;
mod look;
mod member_label;
mod pdf;
mod report;
mod series;
mod text;
mod volume;
mod write;

pub use attachment::{Attachment, contradicting_type, list_attachments};
pub use body::{
    JsonKind, Oddity, OddityKind, ResponseSummary, ResponseSurvey, inspect_response,
    survey_response,
};
pub use clean_name::clean_name;
pub use dossier_core::schema::{ContentSchema, InvalidSchema};
pub use dossier_core::section::TemplateVersion;
pub use dossier_template::format_date;
pub use error::ReportError;
pub use look::{Colour, Colours, InvalidColour, Logo, Look};
pub use member_label::member_label;
pub use report::{
    AttachmentOutcome, FileKind, Identifier, OfficeConverter, Output, Report, ReportFile,
    ReportSummary, Section, SectionBody, SectionVersion, Shown, VolumeLimits, Wording,
};
pub use text::Fonts;
pub use write::{write_files, write_report};
