/// What the report does with an element, as `docs/section-html.md` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// It is laid out as what it is, or only holds others.
    LaidOut,
    /// It ends a paragraph, and nothing is seen of it.
    ParagraphEnd,
    /// What it holds is laid out as if the element were a `span` or a `div`.
    Text,
    /// Neither it nor what it holds is part of the report.
    Never,
}

/// Elements that are laid out as what they are, or that only hold others. Style sheets are among
/// them: templates have them for other readers, and no text is lost with them.
const LAID_OUT: [&str; 52] = [
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "p",
    "div",
    "span",
    "br",
    "wbr",
    "b",
    "strong",
    "ul",
    "ol",
    "menu",
    "dir",
    "li",
    "dt",
    "summary",
    "legend",
    "img",
    "input",
    "table",
    "caption",
    "colgroup",
    "col",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "td",
    "th",
    "pre",
    "textarea",
    "xmp",
    "listing",
    "plaintext",
    "html",
    "head",
    "body",
    "meta",
    "style",
    "section",
    "article",
    "main",
    "header",
    "footer",
    "nav",
    "aside",
    "hgroup",
    "search",
];

/// Elements whose text is none of the section's, and those that never hold any (HTML, 13.1.2).
const NEVER: [&str; 16] = [
    "script", "title", "iframe", "noembed", "noframes", "link", "base", "basefont", "bgsound",
    "embed", "param", "frame", "area", "source", "track", "keygen",
];

/// Elements whose content is text to a parser, whatever it looks like (HTML, 13.2.5 and 13.2.6).
const RAW: [&str; 8] = [
    "script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes",
];

impl Treatment {
    /// What becomes of the elements of this name, which is in small letters.
    pub fn of(name: &str) -> Self {
        if NEVER.contains(&name) {
            Self::Never
        } else if name == "hr" {
            Self::ParagraphEnd
        } else if LAID_OUT.contains(&name) {
            Self::LaidOut
        } else {
            Self::Text
        }
    }
}

/// Whether no element can lie in it.
pub(super) fn is_raw(name: &str) -> bool {
    RAW.contains(&name)
}
