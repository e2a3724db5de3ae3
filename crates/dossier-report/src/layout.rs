//! From blocks to pages: columns, rows, page breaks, covers.

mod canvas;
mod composer;
mod front;

pub(crate) use canvas::{Canvas, PageSink, paper};
pub(crate) use composer::{Composer, Furniture};
pub(crate) use front::{ContentsLine, contents, external_cover, internal_cover, rear_page};
