//! A source that can be used, and how its answers are read.
//!
//! Answers are taken apart a piece at a time and not copied: an item becomes a value only to see its
//! code and its name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use dossier_core::reference::{ReferenceCode, ReferenceKind, ReferenceName, ReferenceSource};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::fetch::SourceError;

/// What stands for the code in a URL.
pub(super) const CODE: &str = "{code}";

/// A source of names that can be used.
#[derive(Clone, Debug)]
pub struct Source {
    pub(crate) name: ReferenceSource,
    pub(crate) of: ReferenceKind,
    pub(super) asking: Asking,
    /// Between two refreshes; on demand, after which time a name is asked for anew.
    pub(crate) every: Duration,
    pub(super) send_token: bool,
    pub(super) answer_max: Duration,
    pub(super) bytes_max: usize,
}

/// How a source is asked.
#[derive(Clone, Debug)]
pub(super) enum Asking {
    /// For everything.
    List {
        url: Url,
        shape: Shape,
        /// Whether it may answer in pages.
        in_pages: bool,
    },
    /// For one code; the answer holds its name.
    Each { template: String, name: String },
    /// For one code; the answer holds the DPS identifier of a location.
    EachByDpsId { template: String },
}

impl Source {
    /// Its name.
    pub fn name(&self) -> &ReferenceSource {
        &self.name
    }

    pub(crate) fn is_on_demand(&self) -> bool {
        !matches!(self.asking, Asking::List { .. })
    }
}

/// An http or https URL that tells nobody's password.
pub(super) fn checked_url(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    is_plain.then_some(url)
}

/// A path below a base URL.
pub(super) fn pages_url(base: &str, path: &[&str]) -> Result<Url, String> {
    let problem = || {
        ".url must be an http or https URL without user, password, query and fragment".to_owned()
    };
    let mut url = checked_url(base)
        .filter(|url| url.query().is_none())
        .ok_or_else(problem)?;
    url.path_segments_mut()
        .map_err(|()| problem())?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}

/// A URL with [`CODE`] in it, such that no code can change whom it leads to.
pub(super) fn checked_template(text: &str) -> Option<String> {
    let text = text.trim();
    let [one, other] = ["a", "b"].map(|code| checked_url(&text.replace(CODE, code)));
    let (one, other) = (one?, other?);
    (one != other && one.origin() == other.origin()).then(|| text.to_owned())
}

/// The URL for a code; its characters that mean something in a URL are escaped.
pub(super) fn url_for(template: &str, code: &ReferenceCode) -> Option<Url> {
    let code = code.reveal();
    // As parts of a path these would lead elsewhere, escaped or not.
    if matches!(code, "." | "..") {
        return None;
    }
    let escaped: String = url::form_urlencoded::byte_serialize(code.as_bytes()).collect();
    checked_url(&template.replace(CODE, &escaped.replace('+', "%20")))
}

/// Where a list is in an answer, and code and name in its items (JSON Pointers, RFC 6901).
#[derive(Clone, Debug)]
pub(super) struct Shape {
    list: String,
    code: String,
    /// The first that is there counts.
    names: Vec<String>,
}

/// What one answer holds of a list.
pub(super) struct Part {
    pub(super) entries: Vec<(ReferenceCode, ReferenceName)>,
    /// Items without a code or a name that can be used.
    pub(super) skipped: usize,
    /// Whether another page follows.
    pub(super) more: bool,
}

/// What a page says of itself, as Spring's `Page` does.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Page {
    last: Option<bool>,
    total_pages: Option<u64>,
    number: Option<u64>,
}

impl Shape {
    pub(super) fn new(list: &str, code: &str, names: &[&str]) -> Self {
        Self {
            list: list.to_owned(),
            code: code.to_owned(),
            names: names.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    /// What a whole answer holds.
    pub(super) fn whole(&self, body: &[u8]) -> Result<Part, SourceError> {
        let answer: &RawValue = serde_json::from_slice(body).map_err(|_| SourceError::NotJson)?;
        let list = at(answer, &self.list).ok_or(SourceError::NoList)?;
        self.items(list)
    }

    /// What the page of that number holds; the answer may also be the whole list.
    pub(super) fn page(&self, body: &[u8], number: u64) -> Result<Part, SourceError> {
        let answer: &RawValue = serde_json::from_slice(body).map_err(|_| SourceError::NotJson)?;
        if answer.get().starts_with('[') {
            return self.items(answer);
        }
        let page: Page = serde_json::from_str(answer.get()).map_err(|_| SourceError::NoList)?;
        if page.number.is_some_and(|given| given != number) {
            return Err(SourceError::OtherPage);
        }
        let content = at(answer, "/content").ok_or(SourceError::NoList)?;
        let mut part = self.items(content)?;
        part.more = match (page.last, page.total_pages) {
            (Some(last), _) => !last,
            (None, Some(total)) => number + 1 < total,
            (None, None) => !part.entries.is_empty(),
        };
        Ok(part)
    }

    fn items(&self, list: &RawValue) -> Result<Part, SourceError> {
        let items: Vec<&RawValue> =
            serde_json::from_str(list.get()).map_err(|_| SourceError::NoList)?;
        let entries: Vec<_> = items.iter().filter_map(|item| self.entry(item)).collect();
        Ok(Part {
            skipped: items.len() - entries.len(),
            entries,
            more: false,
        })
    }

    fn entry(&self, item: &RawValue) -> Option<(ReferenceCode, ReferenceName)> {
        let item: Value = serde_json::from_str(item.get()).ok()?;
        let code = ReferenceCode::parse(&text_at(&item, &self.code)?).ok()?;
        let mut names = self.names.iter();
        let name = names.find_map(|name| ReferenceName::parse(&text_at(&item, name)?).ok())?;
        Some((code, name))
    }
}

/// The name in an answer on demand; none if there is none, or not one that can be used.
pub(super) fn text_in(body: &[u8], pointer: &str) -> Result<Option<String>, SourceError> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| SourceError::NotJson)?;
    Ok(text_at(&answer, pointer).map(Cow::into_owned))
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<Cow<'a, str>> {
    match value.pointer(pointer)? {
        Value::String(text) => Some(text.into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// What a JSON Pointer leads to.
fn at<'a>(value: &'a RawValue, pointer: &str) -> Option<&'a RawValue> {
    let mut value = value;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        value = if value.get().starts_with('{') {
            let members: HashMap<Cow<'a, str>, &'a RawValue> =
                serde_json::from_str(value.get()).ok()?;
            *members.get(token.as_str())?
        } else {
            let items: Vec<&'a RawValue> = serde_json::from_str(value.get()).ok()?;
            *items.get(token.parse::<usize>().ok()?)?
        };
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_cannot_change_where_a_url_leads() {
        let template = checked_template("http://users.example/users/{code}?x=1").unwrap();
        let url = |code: &str| {
            let url = url_for(&template, &ReferenceCode::parse(code).unwrap());
            url.map(|url| url.to_string())
        };
        assert_eq!(
            url("a b/../c?d#e@f").unwrap(),
            "http://users.example/users/a%20b%2F..%2Fc%3Fd%23e%40f?x=1"
        );
        assert_eq!(url(".."), None);
        for bad in [
            "http://{code}.example/users",
            "http://users.example/users",
            "ftp://users.example/{code}",
            "http://u:p@users.example/{code}",
            "http://users.example:{code}/",
        ] {
            assert_eq!(checked_template(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_list_is_where_the_pointer_says() {
        let shape = Shape::new("/data/0/a~1b", "/id", &["/n/short", "/n/long"]);
        let body = r#"{"data": [{"a/b": [
            {"id": 7, "n": {"short": " ", "long": "Seven"}},
            {"id": "8", "n": {"short": "Eight", "long": "no"}},
            {"id": "9", "n": {}}, {"n": {"long": "x"}}, 5
        ]}]}"#;
        let part = shape.whole(body.as_bytes()).ok().unwrap();
        let shown: Vec<_> = part
            .entries
            .iter()
            .map(|(code, name)| (code.reveal(), name.reveal()))
            .collect();
        assert_eq!(shown, [("7", "Seven"), ("8", "Eight")]);
        assert_eq!(part.skipped, 3);
        for bad in ["{}", "[]", r#"{"data": [{"a/b": 5}]}"#, "7"] {
            assert!(shape.whole(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
