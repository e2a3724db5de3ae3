//! A service's template and its data to HTML; no I/O beyond the readers and writers it is given.
//!
//! A [`Template`] is Handlebars text in the dialect of handlebars.java 4, compiled once and used
//! from any thread. A [`Content`] is what a service answered, held compactly. Rendering one with
//! the other streams HTML, and ends: whatever a template or an answer tries, it is stopped by one
//! of the [`limits`] with an error that says so. Helpers convert what they did not expect to text
//! and go on, so that one odd field does not cost the subject their report. No data is ever in an
//! error or a finding.
//!
//! | module | its one job |
//! | --- | --- |
//! | `template` | what a caller does with a template |
//! | `syntax` | what a template is made of |
//! | `parse` | from text to that |
//! | `content` | an answer's JSON, held compactly |
//! | `java_text` | values as Java prints them |
//! | `value` | what an expression has |
//! | `context` | where a name is looked up |
//! | `render` | running a template |
//! | `helper` | the helpers' names and what they do |
//! | `format_date` | dates by the dialect's shapes |
//! | `reference` | names of prisons, users and locations |
//! | `image` | images that stand in a text |
//! | `needs` | what a rendering would look up |
//! | `check` | what an engineer should know of a template |
//! | [`limits`] | every limit |

mod check;
mod content;
mod context;
mod error;
mod format_date;
mod helper;
mod image;
mod java_text;
pub mod limits;
mod needs;
mod output;
mod parse;
mod place;
mod reference;
mod render;
mod syntax;
mod template;
mod value;

pub use check::{Finding, FindingKind, Severity, check_source, template_text};
pub use content::Content;
pub use error::{ContentError, RenderError, TemplateError};
pub use format_date::format_date;
pub use image::{ImageError, InlineImage, InlineImages, NoInlineImages};
pub use java_text::double_to_text;
pub use needs::Needs;
pub use place::Place;
pub use reference::{NoReferenceData, ReferenceData, ReferenceNames};
pub use render::Rendered;
pub use template::Template;
