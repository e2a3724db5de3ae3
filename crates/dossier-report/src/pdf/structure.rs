//! Logical structure (14.7, 14.8): what each piece of a page is, for readers that do not see it.
//!
//! A tree of elements says what the document consists of. A piece of page content is marked with
//! a number, and belongs to the element that lists the number; the *parent tree* leads back from
//! page and number to the element. An element is written when it is closed and kept only while it
//! is open, and so is a node of the parent tree: memory does not grow with the number of pages.

use std::collections::HashMap;

use pdf_writer::Ref;

use super::{ObjectId, PdfFile, push_integer, push_number, push_text};
use crate::ReportError;
use crate::limits::{ELEMENT_KIDS_MAX, STRUCTURE_NODE_ENTRIES};

/// What an element is: the standard structure types (14.8.4) that reports use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Document,
    Part,
    Section,
    Division,
    Heading(u8),
    Paragraph,
    Table,
    TableHead,
    TableBody,
    Row,
    ColumnHeader,
    RowHeader,
    Cell,
    List,
    NumberedList,
    Item,
    Label,
    ItemBody,
    Contents,
    ContentsItem,
    Reference,
    Link,
    Span,
    Figure,
}

impl Role {
    /// The structure type, also the tag of marked content.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Document => "Document",
            Self::Part => "Part",
            Self::Section => "Sect",
            Self::Division => "Div",
            Self::Heading(0 | 1) => "H1",
            Self::Heading(2) => "H2",
            Self::Heading(3) => "H3",
            Self::Heading(4) => "H4",
            Self::Heading(5) => "H5",
            Self::Heading(_) => "H6",
            Self::Paragraph => "P",
            Self::Table => "Table",
            Self::TableHead => "THead",
            Self::TableBody => "TBody",
            Self::Row => "TR",
            Self::ColumnHeader | Self::RowHeader => "TH",
            Self::Cell => "TD",
            Self::List | Self::NumberedList => "L",
            Self::Item => "LI",
            Self::Label => "Lbl",
            Self::ItemBody => "LBody",
            Self::Contents => "TOC",
            Self::ContentsItem => "TOCI",
            Self::Reference => "Reference",
            Self::Link => "Link",
            Self::Span => "Span",
            Self::Figure => "Figure",
        }
    }

    /// Attributes that every element of the role has (14.8.5): the scope of header cells, and what
    /// a list's labels are.
    fn attributes(self) -> &'static str {
        match self {
            Self::ColumnHeader => "/O/Table/Scope/Column",
            Self::RowHeader => "/O/Table/Scope/Row",
            Self::List => "/O/List/ListNumbering/Disc",
            Self::NumberedList => "/O/List/ListNumbering/Decimal",
            _ => "",
        }
    }
}

/// The elements that are opened first and closed last: the document and its front.
const KEPT_IN_BOTH: usize = 2;

/// An element that is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Element(u32);

/// A link annotation's place in the file and in the parent tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkPlace {
    pub id: ObjectId,
    pub key: i32,
}

impl LinkPlace {
    /// Of a link that is not written.
    pub const NOWHERE: Self = Self {
        id: Ref::new(1),
        key: 0,
    };
}

/// The structure tree of one file.
pub(crate) struct Structure {
    root: ObjectId,
    elements: Vec<Open>,
    free: Vec<u32>,
    parents: ParentTree,
    /// The page that is being filled, and the elements that its marks belong to, by number.
    page: Option<ObjectId>,
    marks: Vec<ObjectId>,
}

struct Open {
    id: ObjectId,
    parent: ObjectId,
    role: Role,
    /// How many columns a cell is wide (14.8.5.7).
    columns: usize,
    /// Entries of the dictionary besides those that every element has.
    entries: Vec<u8>,
    kids: Vec<Kid>,
    /// Takes further marks where there would be too many for one element.
    overflow: Option<Element>,
}

enum Kid {
    Element(ObjectId),
    Mark { page: ObjectId, number: u32 },
    Annotation { page: ObjectId, id: ObjectId },
}

impl Structure {
    /// Starts the tree with the element of the whole document.
    pub fn new(file: &mut PdfFile) -> Result<(Self, Element), ReportError> {
        let root = file.reserve()?;
        let mut structure = Self {
            root,
            elements: Vec::new(),
            free: Vec::new(),
            parents: ParentTree::default(),
            page: None,
            marks: Vec::new(),
        };
        let document = structure.insert(file.reserve()?, root, Role::Document);
        Ok((structure, document))
    }

    /// Opens an element as the next one of its parent.
    pub fn open(
        &mut self,
        file: &mut PdfFile,
        parent: Element,
        role: Role,
    ) -> Result<Element, ReportError> {
        let id = file.reserve()?;
        let parent = &mut self.elements[parent.0 as usize];
        parent.kids.push(Kid::Element(id));
        let parent = parent.id;
        Ok(self.insert(id, parent, role))
    }

    /// Opens an element before all that its parent has so far.
    pub fn open_first(
        &mut self,
        file: &mut PdfFile,
        parent: Element,
        role: Role,
    ) -> Result<Element, ReportError> {
        let id = file.reserve()?;
        let parent = &mut self.elements[parent.0 as usize];
        parent.kids.insert(0, Kid::Element(id));
        let parent = parent.id;
        Ok(self.insert(id, parent, role))
    }

    /// Opens the element of something that is seen and not read: `alternative` says it in words,
    /// and `area` (left, bottom, right, top) where it is.
    pub fn open_figure(
        &mut self,
        file: &mut PdfFile,
        parent: Element,
        alternative: &str,
        area: [f32; 4],
    ) -> Result<Element, ReportError> {
        let element = self.open(file, parent, Role::Figure)?;
        let entries = &mut self.elements[element.0 as usize].entries;
        entries.extend_from_slice(b"/Alt");
        push_text(entries, alternative);
        entries.extend_from_slice(b"/A<</O/Layout/Placement/Block/BBox[");
        for number in area {
            push_number(entries, number);
            entries.push(b' ');
        }
        entries.extend_from_slice(b"]>>");
        Ok(element)
    }

    /// Opens a cell of a table, as wide as `columns` columns.
    pub fn open_cell(
        &mut self,
        file: &mut PdfFile,
        row: Element,
        role: Role,
        columns: usize,
    ) -> Result<Element, ReportError> {
        let cell = self.open(file, row, role)?;
        self.elements[cell.0 as usize].columns = columns;
        Ok(cell)
    }

    fn insert(&mut self, id: ObjectId, parent: ObjectId, role: Role) -> Element {
        match self.free.pop() {
            Some(place) => {
                let open = &mut self.elements[place as usize];
                (open.id, open.parent, open.role) = (id, parent, role);
                open.columns = 1;
                Element(place)
            }
            None => {
                self.elements.push(Open {
                    id,
                    parent,
                    role,
                    columns: 1,
                    entries: Vec::new(),
                    kids: Vec::new(),
                    overflow: None,
                });
                Element(self.elements.len() as u32 - 1)
            }
        }
    }

    /// Ends all open elements here and opens them again in another file, where this file's report
    /// goes on; the document itself and its front stay open in both.
    pub fn continued(
        &mut self,
        file: &mut PdfFile,
        other: &mut PdfFile,
    ) -> Result<Self, ReportError> {
        let root = other.reserve()?;
        let mut copy = Self {
            root,
            elements: Vec::with_capacity(self.elements.len()),
            free: self.free.clone(),
            parents: ParentTree::default(),
            page: None,
            marks: Vec::new(),
        };
        for open in &self.elements {
            copy.elements.push(Open {
                id: open.id,
                parent: open.parent,
                role: open.role,
                columns: open.columns,
                entries: open.entries.clone(),
                kids: Vec::new(),
                overflow: open.overflow,
            });
        }
        let mut open: Vec<usize> = (0..self.elements.len())
            .filter(|place| !self.free.contains(&(*place as u32)))
            .collect();
        // In the order in which they were opened: parents first, and siblings as they stand.
        open.sort_by_key(|place| self.elements[*place].id.get());
        let mut renamed = HashMap::from([(self.root, root)]);
        for place in &open {
            let old = &self.elements[*place];
            let id = other.reserve()?;
            renamed.insert(old.id, id);
            let parent = renamed.get(&old.parent).copied().unwrap_or(root);
            let above = open
                .iter()
                .find(|above| self.elements[**above].id == old.parent);
            if let Some(above) = above {
                copy.elements[*above].kids.push(Kid::Element(id));
            }
            (copy.elements[*place].id, copy.elements[*place].parent) = (id, parent);
        }
        for place in open.iter().skip(KEPT_IN_BOTH).rev() {
            self.elements[*place].overflow = None;
            self.close(file, Element(*place as u32))?;
        }
        Ok(copy)
    }

    /// Begins a page; what is marked until [`end_page`](Self::end_page) is on it.
    pub fn begin_page(&mut self, page: ObjectId) {
        self.page = Some(page);
    }

    /// Notes that the next marked piece of the page belongs to an element; returns its number.
    pub fn mark(&mut self, file: &mut PdfFile, element: Element) -> Result<u32, ReportError> {
        let number = self.marks.len() as u32;
        let Some(page) = self.page else {
            return Ok(number);
        };
        let element = self.roomy(file, element)?;
        let open = &mut self.elements[element.0 as usize];
        open.kids.push(Kid::Mark { page, number });
        self.marks.push(open.id);
        Ok(number)
    }

    /// The element itself or, where it has many pieces already, its last child.
    fn roomy(&mut self, file: &mut PdfFile, element: Element) -> Result<Element, ReportError> {
        let kids = |element: Element| self.elements[element.0 as usize].kids.len();
        match self.elements[element.0 as usize].overflow {
            None if kids(element) < ELEMENT_KIDS_MAX => Ok(element),
            Some(overflow) if kids(overflow) < ELEMENT_KIDS_MAX => Ok(overflow),
            overflow => {
                if let Some(overflow) = overflow {
                    self.close(file, overflow)?;
                }
                let fresh = self.open(file, element, Role::Span)?;
                self.elements[element.0 as usize].overflow = Some(fresh);
                Ok(fresh)
            }
        }
    }

    /// Adds a link annotation on the page that is being filled to an element.
    pub fn link(&mut self, file: &mut PdfFile, element: Element) -> Result<LinkPlace, ReportError> {
        let id = file.reserve()?;
        let open = &mut self.elements[element.0 as usize];
        if let Some(page) = self.page {
            open.kids.push(Kid::Annotation { page, id });
        }
        let parent = open.id;
        let key = self.parents.add(file, |out| push_reference(out, parent))?;
        Ok(LinkPlace { id, key })
    }

    /// Ends the page; returns its key in the parent tree if anything on it was marked.
    pub fn end_page(&mut self, file: &mut PdfFile) -> Result<Option<i32>, ReportError> {
        self.page = None;
        if self.marks.is_empty() {
            return Ok(None);
        }
        let marks = &self.marks;
        let key = self.parents.add(file, |out| {
            out.push(b'[');
            for parent in marks {
                push_reference(out, *parent);
            }
            out.push(b']');
        })?;
        self.marks.clear();
        Ok(Some(key))
    }

    /// Writes an element; nothing can be added to it any more.
    pub fn close(&mut self, file: &mut PdfFile, element: Element) -> Result<(), ReportError> {
        if let Some(overflow) = self.elements[element.0 as usize].overflow.take() {
            self.close(file, overflow)?;
        }
        let open = &mut self.elements[element.0 as usize];
        file.serialized(open.id, |out| write_element(out, open))?;
        open.kids.clear();
        open.entries.clear();
        self.free.push(element.0);
        Ok(())
    }

    /// Writes what is left; returns the root of the tree.
    pub fn finish(
        mut self,
        file: &mut PdfFile,
        document: Element,
    ) -> Result<ObjectId, ReportError> {
        let id = self.elements[document.0 as usize].id;
        self.close(file, document)?;
        let keys = self.parents.next_key;
        let parents = self.parents.finish(file)?;
        file.serialized(self.root, |out| {
            out.extend_from_slice(b"<</Type/StructTreeRoot/K[");
            push_reference(out, id);
            out.extend_from_slice(b"]/ParentTree ");
            push_reference(out, parents);
            out.extend_from_slice(b"/ParentTreeNextKey ");
            push_integer(out, keys.unsigned_abs());
            out.extend_from_slice(b">>");
        })?;
        Ok(self.root)
    }
}

/// An element's dictionary (14.7.2, table 323).
fn write_element(out: &mut Vec<u8>, element: &Open) {
    out.extend_from_slice(b"<</S/");
    out.extend_from_slice(element.role.tag().as_bytes());
    out.extend_from_slice(b"/P ");
    push_reference(out, element.parent);
    write_attributes(out, element);
    out.extend_from_slice(&element.entries);
    let first_page = element.kids.iter().find_map(|kid| match kid {
        Kid::Mark { page, .. } => Some(*page),
        _ => None,
    });
    if let Some(page) = first_page {
        out.extend_from_slice(b"/Pg ");
        push_reference(out, page);
    }
    match &element.kids[..] {
        [] => {}
        [Kid::Mark { number, .. }] => {
            out.extend_from_slice(b"/K ");
            push_integer(out, *number);
        }
        kids => {
            out.extend_from_slice(b"/K[");
            for kid in kids {
                write_kid(out, kid, first_page);
            }
            out.push(b']');
        }
    }
    out.extend_from_slice(b">>");
}

/// What an element has besides its content (14.7.5).
fn write_attributes(out: &mut Vec<u8>, element: &Open) {
    let attributes = element.role.attributes();
    if attributes.is_empty() && element.columns == 1 {
        return;
    }
    out.extend_from_slice(b"/A<<");
    match attributes {
        "" => out.extend_from_slice(b"/O/Table"),
        attributes => out.extend_from_slice(attributes.as_bytes()),
    }
    if element.columns > 1 {
        out.extend_from_slice(format!("/ColSpan {}", element.columns).as_bytes());
    }
    out.extend_from_slice(b">>");
}

fn write_kid(out: &mut Vec<u8>, kid: &Kid, first_page: Option<ObjectId>) {
    match kid {
        Kid::Element(id) => push_reference(out, *id),
        Kid::Mark { page, number } if Some(*page) == first_page => {
            push_integer(out, *number);
            out.push(b' ');
        }
        Kid::Mark { page, number } => {
            out.extend_from_slice(b"<</Type/MCR/Pg ");
            push_reference(out, *page);
            out.extend_from_slice(b"/MCID ");
            push_integer(out, *number);
            out.extend_from_slice(b">>");
        }
        Kid::Annotation { page, id } => {
            out.extend_from_slice(b"<</Type/OBJR/Pg ");
            push_reference(out, *page);
            out.extend_from_slice(b"/Obj ");
            push_reference(out, *id);
            out.extend_from_slice(b">>");
        }
    }
}

fn push_reference(out: &mut Vec<u8>, id: Ref) {
    push_integer(out, id.get().unsigned_abs());
    out.extend_from_slice(b" 0 R ");
}

/// The parent tree (14.7.4.4): a number tree (7.9.7) that is filled in the order of its keys.
#[derive(Default)]
struct ParentTree {
    next_key: i32,
    /// Nodes that are being filled, leaves first.
    open: Vec<Node>,
}

#[derive(Default)]
struct Node {
    entries: usize,
    first_key: i32,
    last_key: i32,
    body: Vec<u8>,
}

impl ParentTree {
    /// Adds a value under the next key.
    fn add(
        &mut self,
        file: &mut PdfFile,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<i32, ReportError> {
        let key = self.next_key;
        self.next_key = key.checked_add(1).ok_or(ReportError::TooLarge)?;
        let leaf = self.node(file, 0)?;
        leaf.reach(key, key);
        push_integer(&mut leaf.body, key.unsigned_abs());
        leaf.body.push(b' ');
        write(&mut leaf.body);
        Ok(key)
    }

    /// The node that is being filled on a level, with room for one more entry.
    fn node(&mut self, file: &mut PdfFile, level: usize) -> Result<&mut Node, ReportError> {
        if self
            .open
            .get(level)
            .is_some_and(|node| node.entries >= STRUCTURE_NODE_ENTRIES)
        {
            self.close(file, level)?;
        }
        if self.open.len() <= level {
            self.open.push(Node::default());
        }
        Ok(&mut self.open[level])
    }

    fn close(&mut self, file: &mut PdfFile, level: usize) -> Result<(), ReportError> {
        let full = std::mem::take(&mut self.open[level]);
        if full.entries == 0 {
            return Ok(());
        }
        let id = file.reserve()?;
        file.serialized(id, |out| full.write(out, level))?;
        let parent = self.node(file, level + 1)?;
        parent.reach(full.first_key, full.last_key);
        push_reference(&mut parent.body, id);
        Ok(())
    }

    fn finish(mut self, file: &mut PdfFile) -> Result<ObjectId, ReportError> {
        let mut level = 0;
        self.node(file, 0)?;
        self.close(file, 0)?;
        while level + 2 < self.open.len() {
            level += 1;
            self.close(file, level)?;
        }
        let root = file.reserve()?;
        let top = self.open.pop().unwrap_or_default();
        file.serialized(root, |out| {
            out.extend_from_slice(b"<</Kids[");
            out.extend_from_slice(&top.body);
            out.extend_from_slice(b"]>>");
        })?;
        Ok(root)
    }
}

impl Node {
    fn reach(&mut self, first_key: i32, last_key: i32) {
        if self.entries == 0 {
            self.first_key = first_key;
        }
        self.last_key = last_key;
        self.entries += 1;
    }

    fn write(&self, out: &mut Vec<u8>, level: usize) {
        out.extend_from_slice(b"<</Limits[");
        push_integer(out, self.first_key.unsigned_abs());
        out.push(b' ');
        push_integer(out, self.last_key.unsigned_abs());
        out.extend_from_slice(if level == 0 { b"]/Nums[" } else { b"]/Kids[" });
        out.extend_from_slice(&self.body);
        out.extend_from_slice(b"]>>");
    }
}
