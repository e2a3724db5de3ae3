//! What is checked: every check's identifier, which stays as it is, and what the contract asks.

/// One thing that is checked.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// The endpoint, a dot, and what of it.
    pub id: &'static str,
    /// What the contract asks.
    pub contract: &'static str,
}

impl Check {
    /// Which of the three endpoints: `data`, `template` or `health`.
    pub fn endpoint(&self) -> &'static str {
        self.id.split('.').next().unwrap_or_default()
    }
}

macro_rules! checks {
    ($($name:ident $id:literal $contract:literal)*) => {
        $(#[doc = $contract] pub const $name: Check = Check { id: $id, contract: $contract };)*

        /// All of them, in the order in which they are reported.
        pub const ALL: &[Check] = &[$($name),*];
    };
}

checks! {
    REACHABLE "data.reachable"
        "the service answers GET {url}/subject-access-request within the worker's limits"
    STATUS "data.status"
        "a subject that is known gets 200, 204 or 209"
    TIME "data.time"
        "an answer comes soon; a report takes as long as its slowest service"
    WHOLE "data.whole"
        "the body comes whole, uncompressed, and within the worker's limits for size and time"
    CONTENT_TYPE "data.content-type"
        "the body is declared as JSON: application/json"
    JSON "data.json"
        "the body is one JSON object in well-formed UTF-8"
    CONTENT "data.content"
        "the object has the member content; null means that no data is held"
    REPEATED_NAMES "data.repeated-names"
        "no object has two members of one name (RFC 8259, section 4)"
    INLINE "data.inline"
        "an inline attachment {contentType, url, filesize} in content is an image"
    ATTACHMENTS "data.attachments"
        "attachments is a list of objects with attachmentNumber, name, contentType, url, filename, \
         filesize (or null) and headers (or null), each of its type"
    ATTACHMENT_NAMES "data.attachment-names"
        "names are plain text, without HTML entities, control characters and special spaces"
    ATTACHMENT_TYPES "data.attachment-types"
        "contentType has the form of one, such as application/pdf"
    ATTACHMENT_ORIGINS "data.attachment-origins"
        "attachments are at the service's own origin, or at a host that is allowed, and list only \
         headers that can be sent there"
    ATTACHMENT_FILES "data.attachment-files"
        "GET url, with the listed headers, answers 200 with as many bytes as Content-Length, or \
         else filesize, says"
    ATTACHMENT_BYTES "data.attachment-bytes"
        "an attachment's first bytes fit its contentType"
    AGAIN "data.again"
        "the same question gets the same kind of answer"
    UNKNOWN "data.unknown-subject"
        "a subject that is not known gets 204, or 200 with content null; a 4xx fails the section"
    OTHER_IDENTIFIER "data.other-identifier"
        "the other kind of identifier gets 200, 204, or 209 if it is not supported"
    DATES "data.dates"
        "fromDate and toDate limit the data, and a range without any gets 200, 204 or 209"
    TOKEN "data.token"
        "without a token the service refuses with 401 or 403"
    TEMPLATE_STATUS "template.status"
        "GET {url}/subject-access-request/template answers 200, or 404 if there is none"
    TEMPLATE_TEXT "template.text"
        "the template is UTF-8 text of at most 2 MiB"
    TEMPLATE_AGAIN "template.again"
        "the template is the same, byte for byte, whenever it is asked for: its SHA-256 is registered"
    TEMPLATE_PARSES "template.parses"
        "the template is not empty, parses, and names only helpers and partials that there are"
    TEMPLATE_SHOWS "template.shows"
        "the template shows something of an answer"
    TEMPLATE_RENDERS "template.renders"
        "the template renders the service's own data"
    HEALTH_UP "health.up"
        "GET {url}/health/ping, or else {url}/health, answers 200"
}
