//! An answer's JSON: the bytes as they came and a small node for each value.
//!
//! Texts stay where they are and are unescaped when they are used. Of a member name that an object
//! repeats, the last value stands at the first one's place, as in the maps of the original.

mod node;
mod read;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub(crate) use self::node::{Kind, NodeId, Tree, name_hash};
use crate::ContentError;

/// What a service answered, to render templates with.
pub struct Content {
    tree: Tree,
    root: Option<NodeId>,
    has_member: bool,
}

impl std::fmt::Debug for Content {
    /// It is personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Content")
    }
}

impl Content {
    /// Opens an answer's file; see [`Self::read`].
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn open(path: &Path) -> Result<Self, ContentError> {
        Self::read(File::open(path).map_err(ContentError::Read)?)
    }

    /// Reads an answer, whose member `content` is the root context of templates.
    ///
    /// # Errors
    /// [`ContentError::Malformed`] if it is not JSON, [`ContentError::NotAnObject`] if it is JSON
    /// of another kind, [`ContentError::TooLarge`] if it passes one of the
    /// [`limits`](crate::limits).
    pub fn read(reader: impl Read) -> Result<Self, ContentError> {
        let (tree, top) = read::read(reader)?;
        if tree.kind(top) != Kind::Object {
            return Err(ContentError::NotAnObject {
                found: tree.kind(top).name(),
            });
        }
        let member = tree.member(top, "content", name_hash("content"));
        let root = member.filter(|node| tree.kind(*node) != Kind::Null);
        Ok(Self {
            tree,
            root,
            has_member: member.is_some(),
        })
    }

    /// Reads JSON of any kind that is the root context itself.
    ///
    /// # Errors
    /// [`ContentError::Malformed`] if it is not JSON, [`ContentError::TooLarge`] if it passes one
    /// of the [`limits`](crate::limits).
    pub fn read_bare(reader: impl Read) -> Result<Self, ContentError> {
        let (tree, top) = read::read(reader)?;
        let root = Some(top).filter(|top| tree.kind(*top) != Kind::Null);
        Ok(Self {
            tree,
            root,
            has_member: true,
        })
    }

    /// Whether there is a member `content`, be it null. An answer without it holds no data.
    pub fn has_content_member(&self) -> bool {
        self.has_member
    }

    /// Whether `content` is there and not null. An empty list or object counts as data.
    pub fn holds_data(&self) -> bool {
        self.root.is_some()
    }

    pub(crate) fn root(&self) -> Option<NodeId> {
        self.root
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }
}
