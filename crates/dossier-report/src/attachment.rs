//! The files that belong to an upstream's answer: what the answer says of them, what they are, and
//! how each kind is shown.
//!
//! Whatever a file holds, it costs its own page and not the report: it is read within the limits of
//! [`limits`](crate::limits), by readers whose panics are caught, and what cannot be shown says why.

mod document;
mod failure;
mod html;
mod json;
mod kind;
mod list;
mod mail;
mod office;
mod picture;
mod show;
mod spreadsheet;
mod words;
mod xml;

pub(crate) use failure::{Failure, guarded};
pub use kind::contradicting_type;
pub use list::{Attachment, list_attachments};
pub(crate) use list::{Listed, read_attachment};
pub(crate) use picture::{LogoKind, PIXEL, Placed, logo_kind, show_inline, show_logo};
pub(crate) use show::AttachmentWriter;
