//! What `template check` says of each element of HTML, and what the report does with it.

use std::collections::HashMap;

use dossier_template::{FindingKind, Template};

use crate::support::written_html;

/// The elements of the HTML standard, and those that it calls obsolete (16.2).
const ELEMENTS: &str = "a abbr acronym address applet area article aside audio b base basefont bdi \
    bdo bgsound big blink blockquote body br button canvas caption center cite code col colgroup \
    data datalist dd del details dfn dialog dir div dl dt em embed fieldset figcaption figure font \
    footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins \
    isindex kbd keygen label legend li link listing main map mark marquee math menu menuitem meta \
    meter multicol nav nextid nobr noembed noframes noscript object ol optgroup option output p \
    param picture plaintext pre progress q rb rbc rp rt rtc ruby s samp script search section \
    select selectedcontent slot small source spacer span strike strong style sub summary sup svg \
    table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr xmp \
    no-element-of-html";

/// Elements that never hold anything (13.1.2, and 13.2.6 of obsolete ones).
const VOID: &str = "area base basefont bgsound br col embed frame hr img input keygen link meta \
    param source track wbr";

/// Of these nothing is said although they look like their text: they only hold others, or say what
/// is no text of the section.
const SILENT: &str = "article aside body col colgroup div footer head header hgroup html main meta \
    nav p search section span style tbody tfoot";

/// The section's page, as the file has it, and its text.
#[derive(Clone, PartialEq)]
struct Page {
    content: Vec<u8>,
    text: String,
}

impl Page {
    fn of(html: &str) -> Self {
        let report = written_html(&format!("<p>first</p>A {html} B<p>last</p>"));
        Self {
            content: report.content_bytes().swap_remove(3),
            text: report.body(),
        }
    }

    fn shows(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}

/// Pages that were made before, by their HTML.
#[derive(Default)]
struct Pages(HashMap<String, Page>);

impl Pages {
    fn of(&mut self, html: &str) -> Page {
        let page = self.0.entry(html.to_owned());
        page.or_insert_with(|| Page::of(html)).clone()
    }
}

/// An element with a text, as `tag`, where an element of this name has its place.
fn placed(name: &str, tag: &str) -> String {
    let inner = match name {
        "ul" | "ol" | "menu" | "dir" => &format!("<li>a<{tag}><li>INNER  two</li></{tag}></li>"),
        "thead" | "tbody" | "tfoot" => "<tr><td>INNER  two</td><td>b</td></tr>",
        "tr" => "<td>INNER  two</td><td>b</td>",
        _ => "INNER  two",
    };
    let element = format!("<{tag}>{inner}</{tag}>");
    match name {
        "tr" => format!("<table>{element}{element}</table>"),
        "caption" | "colgroup" | "thead" | "tbody" | "tfoot" => {
            format!("<table>{element}<tr><td>c</td><td>d</td></tr></table>")
        }
        "td" | "th" => format!("<table><tr>{element}<td>c</td></tr></table>"),
        _ => element,
    }
}

/// What is said of an element itself.
fn said(html: &str) -> Option<(FindingKind, String)> {
    let mut findings = Template::parse(html).unwrap().check(None);
    // What it shows of an answer is no matter here.
    findings.retain(|finding| finding.kind != FindingKind::ShowsNothing);
    assert!(findings.len() <= 1, "{html}: {findings:?}");
    findings
        .into_iter()
        .next()
        .map(|finding| (finding.kind, finding.text))
}

/// What becomes of an element and its text.
#[derive(Debug, PartialEq)]
enum Becomes {
    Nothing,
    Text,
    LaidOut,
}

#[test]
fn what_is_said_of_every_element_is_what_becomes_of_its_text() {
    let [void, silent] = [VOID, SILENT].map(|names| names.split_whitespace().collect::<Vec<_>>());
    let mut pages = Pages::default();
    let mut wrong = Vec::new();
    for name in ELEMENTS
        .split_whitespace()
        .filter(|name| !void.contains(name))
    {
        let html = placed(name, name);
        let page = Page::of(&html);
        let is_text = ["span", "div"]
            .iter()
            .any(|tag| pages.of(&placed(name, tag)) == page);
        let becomes = match (page.shows("INNER"), is_text) {
            (false, _) => Becomes::Nothing,
            (true, true) => Becomes::Text,
            (true, false) => Becomes::LaidOut,
        };
        let said = said(&html);
        let expected = match &said {
            Some((FindingKind::NeverInPdf, _)) => Becomes::Nothing,
            Some(_) => Becomes::Text,
            None if name == "style" => Becomes::Nothing,
            None if silent.contains(&name) => Becomes::Text,
            None => Becomes::LaidOut,
        };
        if becomes != expected {
            wrong.push((name, becomes, expected));
        }
        if let Some((kind, text)) = said {
            let becomes = match kind {
                FindingKind::NeverInPdf => "never reaches the PDF",
                _ => "is laid out as its text only",
            };
            assert_eq!(text, format!("<{name}> {becomes}"));
        }
    }
    assert_eq!(wrong, [], "name, what becomes of it, what is said");
}

#[test]
fn what_is_said_of_every_element_without_content_is_what_is_seen_of_it() {
    let [nothing, paragraphs] = ["", "<div></div>"].map(Page::of);
    for name in VOID.split_whitespace() {
        let html = format!("<{name} alt=ALT value=VALUE>");
        let page = Page::of(&html);
        match said(&html) {
            Some((FindingKind::NeverInPdf, text)) => {
                assert!(page == nothing, "{name} is shown");
                assert_eq!(text, format!("<{name}> never reaches the PDF"));
            }
            Some((FindingKind::TextOnly, text)) => {
                assert!(page == paragraphs, "{name} is more than a paragraph's end");
                assert_eq!(text, format!("<{name}> ends a paragraph; no line is drawn"));
            }
            Some(finding) => panic!("{name}: {finding:?}"),
            None => {
                let is_silent = SILENT.split_whitespace().any(|silent| silent == name);
                assert_eq!(page == nothing, is_silent, "{name}");
            }
        }
    }
}

#[test]
fn what_looks_like_elements_in_text_is_not_taken_for_them() {
    for name in ["textarea", "xmp", "plaintext"] {
        let html = format!("<{name}>a <em onclick='x()'>INNER</em></{name}>");
        assert_eq!(said(&html), None, "{name}");
        assert!(
            Page::of(&html).shows("<em onclick='x()'>INNER</em>"),
            "{name}"
        );
    }
    for name in ["title", "iframe", "noembed", "noframes", "script"] {
        let html = format!("<{name}>a <em>INNER</em></{name}>");
        let (kind, _) = said(&html).unwrap();
        assert_eq!(kind, FindingKind::NeverInPdf, "{name}");
        assert!(!Page::of(&html).shows("INNER"), "{name}");
    }
}
