//! Every limit of this crate, in one place.

/// Levels of lists and objects in a response. More is refused, not cut.
pub const NESTING_MAX: u64 = 100_000;
/// Bytes of one member name, as written in the response. More is refused, not cut.
pub const MEMBER_NAME_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of one number, as written in the response. More is refused, not cut.
pub const NUMBER_BYTES_MAX: u64 = 64 * 1024;
/// `content` or `attachments` members of one response. More are refused, not dropped.
pub const TOP_LEVEL_REPEATS_MAX: u64 = 1_000;

/// Bytes of a text that are laid out at a time; longer texts are laid out piece by piece.
pub(crate) const TEXT_PIECE_BYTES: usize = 32 * 1024;
/// Bytes of an attachment's member that are kept.
pub(crate) const ATTACHMENT_TEXT_BYTES_MAX: usize = 64 * 1024;
/// Columns of a table that generic rendering makes by itself.
pub(crate) const TABLE_COLUMNS_MAX: usize = 6;
/// Bytes of a table cell that generic rendering makes by itself; a longer text gets a row.
pub(crate) const CELL_BYTES_MAX: usize = 240;
/// Characters of the longest word that a column of a table is made wide enough for.
pub(crate) const UNBROKEN_WORD_CHARS_MAX: usize = 24;
/// Bytes of a list that are looked at to decide whether it is a table.
pub(crate) const TABLE_LOOKAHEAD_BYTES: u64 = 256 * 1024;
/// Levels down to which an object's scalar members come before its nested ones. Deeper, members
/// come in their order, so that hostile nesting cannot make reading quadratic.
pub(crate) const SCALARS_FIRST_LEVELS_MAX: usize = 32;
/// Nested members of one object whose places are remembered.
pub(crate) const NESTED_MEMBERS_MAX: usize = 4_096;
/// Bytes of their names that are remembered with them; members behind those come in their order.
pub(crate) const NESTED_NAMES_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a list's name that are repeated with the number of each of its elements.
pub(crate) const ITEM_NAME_BYTES_MAX: usize = 240;
/// Levels of indentation below the fifth heading level; deeper groups are not indented further.
pub(crate) const INDENT_LEVELS_MAX: usize = 8;
/// Bytes that are kept free in a volume of limited size for what stands at its end, mostly fonts;
/// but never more than a quarter of the limit.
pub(crate) const VOLUME_END_BYTES_MAX: u64 = 2 << 20;
/// Children of one structure element; more are grouped, so that no element grows with the report.
pub(crate) const ELEMENT_KIDS_MAX: usize = 512;
/// Entries of one node of the tree that leads from marked content to structure elements.
pub(crate) const STRUCTURE_NODE_ENTRIES: usize = 32;
/// Shaped words that are kept for use again.
pub(crate) const CACHED_WORDS_MAX: usize = 32 * 1024;
/// Bytes of the longest word that is kept for use again.
pub(crate) const CACHED_WORD_BYTES_MAX: usize = 64;
/// Characters that are shaped at a time.
pub(crate) const SHAPED_CHARS_MAX: usize = 1_024;
/// Lines of the subject's name in a page's header; the cover shows it in full.
pub(crate) const HEADER_NAME_LINES_MAX: usize = 2;
