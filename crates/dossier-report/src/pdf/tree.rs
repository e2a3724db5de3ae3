use pdf_writer::{Name, Rect};

use super::{ObjectId, PdfFile};
use crate::ReportError;

/// Kids of one node; more make the tree deeper, so that no node grows with the report.
const KIDS_MAX: usize = 32;

/// The page tree (7.7.3), of which only one open node a level is kept.
#[derive(Default)]
pub(crate) struct PageTree {
    open: Vec<Node>,
    pages: u32,
}

struct Node {
    id: ObjectId,
    kids: Vec<ObjectId>,
    pages: u32,
}

/// What all pages inherit from the root (7.7.3.4).
pub(crate) struct Inherited {
    pub resources: ObjectId,
    pub media: Rect,
}

impl PageTree {
    /// Adds the next page in reading order; returns its number in the file and its parent node.
    pub fn add(&mut self, file: &mut PdfFile) -> Result<(ObjectId, ObjectId), ReportError> {
        let page = file.reserve()?;
        self.pages += 1;
        let parent = self.add_kid(file, 0, page, 1)?;
        Ok((page, parent))
    }

    /// Pages added so far.
    pub fn len(&self) -> u32 {
        self.pages
    }

    /// Writes the open nodes; returns the root.
    pub fn finish(
        mut self,
        file: &mut PdfFile,
        resources: ObjectId,
        media: Rect,
    ) -> Result<ObjectId, ReportError> {
        let mut level = 0;
        while level + 1 < self.open.len() {
            self.close(file, level)?;
            level += 1;
        }
        match self.open.pop() {
            Some(root) => {
                let inherited = Inherited { resources, media };
                write_node(file, &root, None, Some(&inherited))?;
                Ok(root.id)
            }
            None => file.reserve(),
        }
    }

    fn add_kid(
        &mut self,
        file: &mut PdfFile,
        level: usize,
        kid: ObjectId,
        pages: u32,
    ) -> Result<ObjectId, ReportError> {
        if self
            .open
            .get(level)
            .is_some_and(|n| n.kids.len() >= KIDS_MAX)
        {
            self.close(file, level)?;
        }
        if self.open.len() <= level {
            let id = file.reserve()?;
            self.open.push(Node::new(id));
        }
        let node = &mut self.open[level];
        node.kids.push(kid);
        node.pages += pages;
        Ok(node.id)
    }

    /// Writes a node and opens its sibling.
    fn close(&mut self, file: &mut PdfFile, level: usize) -> Result<(), ReportError> {
        let fresh = Node::new(file.reserve()?);
        let full = std::mem::replace(&mut self.open[level], fresh);
        if full.kids.is_empty() {
            return Ok(());
        }
        let parent = self.add_kid(file, level + 1, full.id, full.pages)?;
        write_node(file, &full, Some(parent), None)
    }
}

impl Node {
    fn new(id: ObjectId) -> Self {
        Self {
            id,
            kids: Vec::with_capacity(KIDS_MAX),
            pages: 0,
        }
    }
}

fn write_node(
    file: &mut PdfFile,
    node: &Node,
    parent: Option<ObjectId>,
    inherited: Option<&Inherited>,
) -> Result<(), ReportError> {
    file.object(node.id, |object| {
        let mut dict = object.dict();
        dict.pair(Name(b"Type"), Name(b"Pages"));
        if let Some(parent) = parent {
            dict.pair(Name(b"Parent"), parent);
        }
        dict.insert(Name(b"Kids"))
            .array()
            .items(node.kids.iter().copied());
        dict.pair(Name(b"Count"), node.pages as i32);
        if let Some(inherited) = inherited {
            dict.pair(Name(b"Resources"), inherited.resources);
            dict.pair(Name(b"MediaBox"), inherited.media);
        }
    })
}
