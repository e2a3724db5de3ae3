//! Every limit of this crate, in one place.

/// Levels of lists and objects in a response. More is refused, not cut.
pub const NESTING_MAX: u64 = 100_000;
/// Bytes of one member name, as written in the response. More is refused, not cut.
pub const MEMBER_NAME_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of one number, as written in the response. More is refused, not cut.
pub const NUMBER_BYTES_MAX: u64 = 64 * 1024;
/// `content` or `attachments` members of one response. More are refused, not dropped.
pub const TOP_LEVEL_REPEATS_MAX: u64 = 1_000;
/// Attachments of one response. More are refused, not dropped.
pub const ATTACHMENTS_MAX: u64 = 10_000;
/// Headers of one attachment. More are refused, not dropped.
pub const ATTACHMENT_HEADERS_MAX: u64 = 100;
/// Bytes of an attachment's URL, and of a name or a value of its headers. More is refused, not cut.
pub const ATTACHMENT_URL_BYTES_MAX: u64 = 16 * 1024;
/// Oddities of one response that are listed; further ones are counted.
pub const SURVEY_ODDITIES_MAX: usize = 1_000;
/// Member names of the objects that are open at a time among which repeated ones are found.
pub const SURVEY_NAMES_MAX: usize = 1_000_000;
/// Bytes of a text that a survey looks at.
pub(crate) const SURVEYED_TEXT_BYTES_MAX: usize = 64 * 1024;

/// Pixels of one image, also of one on a page of a PDF file. An image or a page with more is not
/// shown; the report says so.
pub const IMAGE_PIXELS_MAX: u64 = 200_000_000;
/// Pixels of an image's width or height. An image with more is not shown; its page says so.
pub const IMAGE_SIDE_MAX: u32 = 65_500;
/// Bytes of memory for an image that can only be read as a whole: GIF, WebP, an interlaced PNG, a
/// TIFF in one strip, a damaged JPEG. Other images take memory for a few rows; a progressive JPEG
/// takes half of this at most.
pub const IMAGE_HELD_BYTES_MAX: u64 = 192_000_000;
/// Pixels of all pages of one TIFF file. The pages beyond are not shown; the report says so.
pub const IMAGE_FILE_PIXELS_MAX: u64 = 4_000_000_000;
/// Pages of a TIFF file. The pages beyond are not shown; the report says so.
pub const TIFF_PAGES_MAX: u32 = 2_000;
/// Bytes at the end of an attached PDF file in which its last words are looked for.
pub(crate) const PDF_END_BYTES: u64 = 4_096;
/// Bytes of a PDF file. A larger one is not shown; its page says so. It is held in memory.
pub const PDF_BYTES_MAX: u64 = 256_000_000;
/// Pages of a PDF file. The pages beyond are not shown; the report says so.
pub const PDF_PAGES_MAX: usize = 20_000;
/// Bytes that are copied of one PDF file, packed as they are there. The pages beyond are not shown;
/// the report says so.
pub const PDF_COPIED_BYTES_MAX: u64 = 1_000_000_000;
/// Bytes of one page's content, unpacked. A page with more is not shown; the report says so.
pub const PDF_PAGE_CONTENT_BYTES_MAX: u64 = 64_000_000;
/// Bytes that the structure of a PDF file unpacks to. A file with more is not shown; its page says
/// so.
pub const PDF_STRUCTURE_BYTES_MAX: u64 = 256_000_000;
/// Bytes that one stream of a PDF file's structure unpacks to. A file with more is not shown.
pub const PDF_STRUCTURE_STREAM_BYTES_MAX: u64 = 32_000_000;
/// Bytes in which the ends of a PDF file's streams are looked for, over all of them, where their
/// lengths are wrong. A file with more is not shown.
pub(crate) const PDF_SEARCHED_BYTES_MAX: u64 = 4_000_000_000;
/// Objects that are copied of one PDF file; what is drawn with more of them is missing.
pub(crate) const PDF_OBJECTS_MAX: usize = 2_000_000;
/// Forms that showing one page draws, each as often as it is drawn. A page with more is not shown.
pub(crate) const PDF_PAGE_DRAWINGS_MAX: u64 = 10_000;
/// Forms within forms of one page. A page with more is not shown.
pub(crate) const PDF_PAGE_DRAWINGS_NESTING_MAX: usize = 32;
/// Fields, stamps and marks of one page that are looked at.
pub(crate) const PDF_PAGE_ANNOTATIONS_MAX: usize = 5_000;
/// Bytes of the address of a link on a page of a PDF file; a longer one is not named.
pub(crate) const PDF_LINK_BYTES_MAX: usize = 4_096;
/// Levels of lists and dictionaries in one object that are copied.
pub(crate) const PDF_DIRECT_NESTING_MAX: usize = 64;
/// Bytes of a text, CSV, XML or HTML file. A larger one is not shown; its page says so.
pub const TEXT_BYTES_MAX: u64 = 64_000_000;
/// Bytes of an e-mail with its attachments. A larger one is not shown; its page says so.
pub const MAIL_BYTES_MAX: u64 = 64_000_000;
/// Attachments of an e-mail. The ones beyond are not shown; the report says so.
pub const MAIL_ATTACHMENTS_MAX: usize = 500;
/// E-mails within e-mails whose attachments are shown; deeper ones are named.
pub const MAIL_DEPTH_MAX: usize = 3;
/// Columns of a file of separated values that is shown as a table.
pub(crate) const CSV_COLUMNS_MAX: usize = 8;
/// Rows that are looked at to decide whether a file of separated values is shown as a table.
pub(crate) const CSV_LOOKAHEAD_ROWS: u64 = 1_000;
/// Attributes of one XML element that are shown.
pub(crate) const XML_ATTRIBUTES_MAX: usize = 1_000;
/// Bytes of what an image file says beside its pixels that are read.
pub(crate) const IMAGE_METADATA_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes at the beginning of a file that tell what it is.
pub(crate) const SNIFFED_BYTES: u64 = 64 * 1024;
/// Elements of an HTML text that may lie in one another; deeper ones are left out, their texts are
/// not.
pub const HTML_DEPTH_MAX: usize = 256;
/// Attributes of one tag of HTML; those behind them are left out.
pub(crate) const HTML_ATTRIBUTES_MAX: usize = 512;
/// Bytes of an attribute that says how something looks; a longer one says nothing.
pub(crate) const HTML_ATTRIBUTE_BYTES_MAX: usize = 4_096;
/// Nodes of an HTML text that are held before they are turned into blocks: the parser may still
/// rearrange them.
pub(crate) const HTML_WALKED_NODES: usize = 4_096;
/// Bytes of an HTML text that are held before they are turned into blocks.
pub(crate) const HTML_WALKED_BYTES: usize = 256 * 1024;
/// Nodes of an HTML text at which elements that the parser might come back to are given up.
pub(crate) const HTML_FORCED_NODES: usize = 65_536;
/// Bytes of an HTML text at which elements that the parser might come back to are given up; the
/// largest image in a text is smaller.
pub(crate) const HTML_FORCED_BYTES: usize = 32 * 1024 * 1024;
/// Rows of an HTML table that are looked at to decide what it is and how wide its columns are.
pub(crate) const HTML_TABLE_ROWS_SEEN: usize = 200;
/// Bytes of these rows.
pub(crate) const HTML_TABLE_BYTES_SEEN: usize = 256 * 1024;
/// Header rows of an HTML table; further ones are rows like any other.
pub(crate) const HTML_HEADER_ROWS_MAX: usize = 8;
/// Columns of an HTML table; a table with more has a name and a value for each cell.
pub const HTML_COLUMNS_MAX: usize = 12;
/// Bytes of a cell of an HTML table; a longer one goes on below its row.
pub(crate) const HTML_CELL_BYTES_MAX: usize = 256 * 1024;
/// Images of one row of an HTML table that are shown below it; further ones end the row.
pub(crate) const HTML_ROW_IMAGES_MAX: usize = 64;
/// Bytes of a text that are laid out at a time; longer texts are laid out piece by piece.
pub(crate) const TEXT_PIECE_BYTES: usize = 32 * 1024;
/// Bytes of text in one line. What takes no width, such as marks and spaces, is broken there too, so
/// that no line grows with the text.
pub(crate) const LINE_BYTES_MAX: usize = 4 * 1024;
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
/// Codes of one font by which its glyphs say other texts than they said first; then `ActualText`
/// does.
pub(crate) const FURTHER_CODES_MAX: usize = 16 * 1024;
/// Characters of a text that a glyph is said to stand for; for a longer one `ActualText` speaks.
pub(crate) const GLYPH_TEXT_CHARS_MAX: usize = 8;
/// Combining marks that are drawn on one letter; one replacement character stands for the further
/// ones, which stay in the text. The Stream-Safe Text Format allows 30 of them (UAX #15, 13), more
/// than a line has room for; no written language is known to need 8.
pub(crate) const MARKS_ON_BASE_MAX: usize = 8;
/// Marks among them that stand above the letter, or below it, one on another: so many keep clear of
/// the next line's letters.
pub(crate) const MARKS_STACKED_MAX: usize = 3;
/// Lines of a section's title where the section goes on in another volume; it is in full where the
/// section begins.
pub(crate) const CONTINUED_TITLE_LINES_MAX: usize = 4;
/// Lines of the subject's name in a page's header; the cover shows it in full.
pub(crate) const HEADER_NAME_LINES_MAX: usize = 2;
