//! From blocks to pages: columns, rows, page breaks, covers.

mod attached;
mod canvas;
mod composer;
mod front;
mod furniture;
mod levels;
mod list;
mod row;
mod table;

pub(crate) use attached::{Figure, Orientation};
pub(crate) use canvas::{Canvas, Drawing, Paper, paper};
pub(crate) use composer::Composer;
pub(crate) use front::{
    ContentsLine, Counting, Front, continued, write_copy_front, write_front, write_rear,
};
pub(crate) use furniture::Furniture;
