//! A template and an answer of any bytes, and what must hold for them.

use std::io::{self, Cursor, Read, Write};

use dossier_template::{
    Content, ContentError, Finding, FindingKind, ImageError, InlineImage, InlineImages, Place,
    ReferenceNames, RenderError, Template, check_source, limits,
};

/// What stands between the template and the answer's JSON.
const BETWEEN: &str = "\n---\n";

/// Bytes of HTML that are kept; what a template writes beyond them finds a full disk.
const HTML_BYTES_MAX: usize = 1 << 20;

/// A text of the answers among the seeds, of which no error may tell.
const SECRET: &str = "Ada Quill";

/// The answer where the input has none.
const ANSWER: &str =
    r#"{"a": "<&>\"'`=", "b": [1, 2.5, null, {"a": "Ada Quill"}], "c": {"d": true, "e": ""}}"#;

/// Names that have to be escaped like any value.
const NAMES: &str = r#"{"prisons": {"*": "<b>&"}, "users": {"*": "'`=\""},
    "locationsByDpsId": {"*": "<i>"}, "locationsByNomisId": {"*": ">"}}"#;

/// Every image is its URL.
struct Urls;

impl InlineImages for Urls {
    fn open(&self, image: &InlineImage) -> Result<Box<dyn Read + '_>, ImageError> {
        Ok(Box::new(Cursor::new(image.url.clone().into_bytes())))
    }
}

/// A disk that is soon full.
#[derive(Default)]
struct Disk(Vec<u8>);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > HTML_BYTES_MAX {
            return Err(io::Error::other("it is full"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Parses, checks and renders what the input has.
pub fn template(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (source, json) = text.split_once(BETWEEN).unwrap_or((text, ANSWER));
    let content = answer(json);
    let findings = check_source(source, content.as_ref());
    for finding in &findings {
        assert_in(source, finding.place);
        // This one names members of the answer, as it should.
        if finding.kind != FindingKind::NeverShown {
            assert_tells_nothing(source, &finding.text);
        }
    }
    let template = match Template::parse(source) {
        Ok(template) => template,
        Err(error) => {
            assert_in(source, error.place);
            let is_told =
                |finding: &Finding| finding.place == error.place && finding.text == error.problem;
            assert!(findings.iter().any(is_told), "an error is a finding");
            assert!(findings.iter().any(is_unusable));
            return;
        }
    };
    assert!(!findings.iter().any(is_unusable));
    let Some(content) = content else {
        return;
    };
    let (html, problem) = rendered(&template, &content, json);
    assert_escaped(source, &html);
    let again = rendered(&template, &content, json);
    assert!(
        (&html, &problem) == (&again.0, &again.1),
        "the same input gives the same bytes"
    );
    match problem {
        None => {
            let text = String::from_utf8(html);
            assert!(text.is_ok(), "a section is UTF-8");
        }
        Some((problem, place)) => {
            assert_tells_nothing(source, &problem);
            place.into_iter().for_each(|place| assert_in(source, place));
        }
    }
    // What it looks up is told without any names, by which it may go another way.
    let _ = template.needs(&content);
}

/// Whether a finding is why the text cannot be parsed.
fn is_unusable(finding: &Finding) -> bool {
    let kind = finding.kind;
    matches!(kind, FindingKind::NotATemplate | FindingKind::UnknownHelper)
}

/// The answer, if it is one. What another parser reads is not refused, unless for a limit.
fn answer(json: &str) -> Option<Content> {
    let read = Content::read_bare(json.as_bytes());
    if serde_json::from_str::<serde_json::Value>(json).is_ok() {
        let allowed = matches!(read, Ok(_) | Err(ContentError::TooLarge { .. }));
        assert!(allowed, "JSON is refused: {read:?}");
    }
    if let Err(error) = &read {
        assert!(!error.to_string().contains(SECRET), "{error}");
    }
    read.ok()
}

type Problem = Option<(String, Option<Place>)>;

/// What is written, and why no more.
fn rendered(template: &Template, content: &Content, json: &str) -> (Vec<u8>, Problem) {
    let names = ReferenceNames::from_json(NAMES.as_bytes()).expect("names for the templates");
    let mut disk = Disk::default();
    let result = template.render(content, &names, &Urls, &mut disk);
    match &result {
        Ok(rendered) => {
            assert_eq!(
                rendered.bytes,
                disk.0.len() as u64,
                "what is written is told"
            );
            // An answer has no more values than bytes.
            assert!(
                rendered.steps <= limits::steps_max(json.len()),
                "steps are limited"
            );
        }
        Err(RenderError::NoSuchPartial { .. } | RenderError::Limit { .. }) => {}
        Err(RenderError::Write(_)) => {}
        Err(error @ RenderError::Image { .. }) => panic!("every image is at hand: {error}"),
    }
    let problem = result.err().map(|error| (error.to_string(), error.place()));
    (disk.0, problem)
}

/// A character that HTML may take for its own is in the section only if the template writes it,
/// in so far as nothing is shown unescaped.
fn assert_escaped(source: &str, html: &[u8]) {
    // `{{{x}}}`, `{{&x}}`, and both with other delimiters or white space control.
    if ["{{{", "{{~{", "{{=", "&"]
        .iter()
        .any(|raw| source.contains(raw))
    {
        return;
    }
    for special in ['<', '>', '"', '\'', '`', '='] {
        let is_written = html.contains(&(special as u8));
        assert!(
            source.contains(special) || !is_written,
            "a value reaches the HTML with {special:?}"
        );
    }
    let entities = [
        "&amp;", "&lt;", "&gt;", "&quot;", "&#x27;", "&#x60;", "&#x3D;",
    ];
    for at in (0..html.len()).filter(|at| html[*at] == b'&') {
        let rest = &html[at..];
        let is_entity = entities
            .iter()
            .any(|entity| rest.starts_with(entity.as_bytes()));
        // A full disk may end it anywhere.
        assert!(
            is_entity || rest.len() < 6,
            "a value reaches the HTML with '&'"
        );
    }
}

/// A place is one of the text, or its end.
fn assert_in(source: &str, place: Place) {
    let line = source.split('\n').nth(place.line as usize - 1);
    let columns = line.map(|line| line.chars().count() + 1);
    assert!(
        columns.is_some_and(|most| (1..=most).contains(&(place.column as usize))),
        "{place}"
    );
}

/// No data is in what is said about a template.
fn assert_tells_nothing(source: &str, text: &str) {
    assert!(
        source.contains(SECRET) || !text.contains(SECRET),
        "an error tells data"
    );
}
