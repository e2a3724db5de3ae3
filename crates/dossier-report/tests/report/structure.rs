//! What readers learn that do not see the pages: the file's structure tree (ISO 32000-1, 14.7) and
//! what PDF/UA-1 (ISO 14289-1) asks of it.

use std::collections::HashMap;

use dossier_report::OfficeConverter;
use proptest::prelude::*;
use serde_json::Value;
use unicode_normalization::char::is_combining_mark;

use crate::attached::{attached, attached_with, fixture};
use crate::support::{Written, folded, written, written_content, written_html};

/// A file as qpdf describes it: objects by `obj:N G R`.
pub struct File(Value);

impl File {
    pub fn of(report: &Written) -> Self {
        Self(report.structure("qpdf"))
    }

    fn object<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value.as_str().filter(|text| text.ends_with(" R")) else {
            return value;
        };
        let object = &self.0["qpdf"][1][format!("obj:{reference}")];
        match object.get("stream") {
            Some(stream) => &stream["dict"],
            None => &object["value"],
        }
    }

    fn get<'a>(&'a self, object: &'a Value, key: &str) -> &'a Value {
        self.object(&self.object(object)[key])
    }

    /// The structure elements of a type.
    pub fn objects(&self, role: &str) -> impl Iterator<Item = &Value> {
        let objects = self.0["qpdf"][1].as_object().unwrap().values();
        let values = objects.map(|object| &object["value"]);
        values.filter(move |value| value["/S"] == role)
    }

    fn catalog(&self) -> &Value {
        let root = &self.0["qpdf"][1]["trailer"]["value"]["/Root"];
        self.object(root)
    }

    /// The values of a number tree, by key.
    fn numbers<'a>(&'a self, node: &'a Value, found: &mut HashMap<i64, &'a Value>) {
        for kid in list(self.get(node, "/Kids")) {
            self.numbers(self.object(kid), found);
        }
        for pair in list(self.get(node, "/Nums")).chunks(2) {
            let key = pair[0].as_i64().unwrap();
            assert!(found.insert(key, &pair[1]).is_none(), "key {key} twice");
        }
    }
}

fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::Null => &[],
        single => std::slice::from_ref(single),
    }
}

/// An element of the structure tree.
#[derive(Debug)]
pub struct Element {
    pub role: String,
    pub scope: Option<String>,
    pub span: Option<i64>,
    pub numbering: Option<String>,
    pub kids: Vec<Element>,
    /// Pieces of page content: page object and number.
    pub marks: Vec<(String, i64)>,
}

impl Element {
    pub fn root(report: &Written) -> Self {
        let file = File::of(report);
        let tree = file.get(file.catalog(), "/StructTreeRoot");
        let mut parents = HashMap::new();
        file.numbers(file.get(tree, "/ParentTree"), &mut parents);
        let kids = list(file.get(tree, "/K"));
        assert_eq!(kids.len(), 1);
        let mut seen = 0;
        let root = Self::read(&file, &kids[0], &parents, &mut seen);
        // Every mark of every page belongs to an element that knows of it.
        let entries: usize = parents
            .values()
            .map(|value| match file.object(value) {
                Value::Array(elements) => elements.len(),
                _ => 0,
            })
            .sum();
        assert_eq!(seen, entries, "marks in the tree and marks of the pages");
        root
    }

    fn read(
        file: &File,
        reference: &Value,
        parents: &HashMap<i64, &Value>,
        seen: &mut usize,
    ) -> Self {
        let object = file.object(reference);
        let mut element = Self {
            role: object["/S"]
                .as_str()
                .unwrap()
                .trim_start_matches('/')
                .to_owned(),
            scope: file.get(object, "/A")["/Scope"].as_str().map(str::to_owned),
            span: file.get(object, "/A")["/ColSpan"].as_i64(),
            numbering: file.get(object, "/A")["/ListNumbering"]
                .as_str()
                .map(str::to_owned),
            kids: Vec::new(),
            marks: Vec::new(),
        };
        for kid in list(file.get(object, "/K")) {
            let (page, number) = match kid {
                Value::Number(number) => (&object["/Pg"], number.as_i64().unwrap()),
                Value::Object(mark) if mark["/Type"] == "/MCR" => {
                    (&mark["/Pg"], mark["/MCID"].as_i64().unwrap())
                }
                Value::Object(reference) if reference["/Type"] == "/OBJR" => {
                    let annotation = file.object(&reference["/Obj"]);
                    let key = annotation["/StructParent"].as_i64().unwrap();
                    assert_eq!(file.object(parents[&key]), object);
                    continue;
                }
                kid => {
                    assert_eq!(file.object(&file.object(kid)["/P"]), object, "{kid}");
                    element.kids.push(Self::read(file, kid, parents, seen));
                    continue;
                }
            };
            let key = file.get(page, "/StructParents").as_i64().unwrap();
            let owner = &list(file.object(parents[&key]))[number as usize];
            assert_eq!(owner, reference, "the parent tree leads back");
            element
                .marks
                .push((page.as_str().unwrap().to_owned(), number));
            *seen += 1;
        }
        element
    }

    pub fn each<'e>(&'e self, visit: &mut impl FnMut(&'e Element)) {
        visit(self);
        for kid in &self.kids {
            kid.each(visit);
        }
    }

    pub fn all(&self, role: &str) -> Vec<&Element> {
        let mut found = Vec::new();
        self.each(&mut |element| {
            if element.role == role {
                found.push(element);
            }
        });
        found
    }

    /// The roles of an element's children.
    pub fn roles(&self) -> Vec<&str> {
        self.kids.iter().map(|kid| &kid.role[..]).collect()
    }
}

/// The elements of the only section.
pub fn section(root: &Element) -> &Element {
    root.kids.iter().find(|kid| kid.role == "Sect").unwrap()
}

#[test]
fn a_section_is_a_title_and_what_its_data_becomes() {
    let report = written_content(
        r#"{"name":"Ada","born":"1815-12-10","tags":["one","two"],
            "visits":[{"day":1,"who":"x"},{"day":2,"who":"y"}]}"#,
    );
    let root = Element::root(&report);
    assert_eq!(root.role, "Document");
    assert_eq!(
        root.roles(),
        ["Part", "Sect", "Sect"],
        "front, section, rear"
    );
    let section = section(&root);
    assert_eq!(section.roles(), ["H1", "Table", "H2", "L", "H2", "Table"]);
    let [pairs, visits] = section.all("Table")[..] else {
        panic!("{section:?}");
    };
    assert_eq!(pairs.roles(), ["TR", "TR"]);
    assert_eq!(pairs.kids[0].roles(), ["TH", "TD"]);
    assert_eq!(pairs.kids[0].kids[0].scope.as_deref(), Some("/Row"));
    assert_eq!(visits.roles(), ["THead", "TBody"]);
    let header = &visits.kids[0].kids[0];
    assert_eq!(header.roles(), ["TH", "TH"]);
    assert!(
        header
            .kids
            .iter()
            .all(|cell| cell.scope.as_deref() == Some("/Column"))
    );
    assert_eq!(visits.kids[1].roles(), ["TR", "TR"]);
    let [list] = section.all("L")[..] else {
        panic!("{section:?}");
    };
    assert_eq!(list.roles(), ["LI", "LI"]);
    assert_eq!(list.kids[0].roles(), ["Lbl", "LBody"]);
}

#[test]
fn headings_have_no_gaps_however_deep_the_data() {
    let depth = 40;
    let content = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let root = Element::root(&written_content(&format!("[{content},{content}]")));
    let mut last = 0;
    let mut headings = 0;
    section(&root).each(&mut |element| {
        if let Some(level) = element
            .role
            .strip_prefix('H')
            .and_then(|n| n.parse::<u8>().ok())
        {
            assert!(level <= last + 1, "H{level} after H{last}");
            assert!(!element.marks.is_empty(), "an empty heading");
            last = level;
            headings += 1;
        }
    });
    assert!(headings > depth);
}

/// The headings of a section below its label, with their levels.
fn headings_of(html: &str) -> Vec<(u8, String)> {
    let report = written_html(html);
    report.assert_accessible();
    let mut headings = report.headings();
    // Covers, contents and the section's label are of the first level.
    headings.retain(|(level, _)| *level > 1);
    headings
}

fn named(headings: &[(u8, &str)]) -> Vec<(u8, String)> {
    let named = headings
        .iter()
        .map(|(level, text)| (*level, (*text).to_owned()));
    named.collect()
}

#[test]
fn headings_of_one_level_stay_of_one_level_below_a_gap() {
    let title = "<p class='title'>T</p>";
    let html = format!("{title}<h4>a</h4>x<h4>b</h4>x<h4>c</h4>x");
    let expected = named(&[(2, "T"), (3, "a"), (3, "b"), (3, "c")]);
    assert_eq!(headings_of(&html), expected);
    let html = format!("{title}<h3>a</h3>x<h5>b</h5>x<h5>c</h5>x<h4>d</h4>x<h2>e</h2>x<h3>f</h3>x");
    let expected = [
        (2, "T"),
        (3, "a"),
        (4, "b"),
        (4, "c"),
        (4, "d"),
        (3, "e"),
        (4, "f"),
    ];
    assert_eq!(headings_of(&html), named(&expected));
    let html = "<h5>a</h5>x<h5>b</h5>x<h1>c</h1>x<h5>d</h5>x<h5>e</h5>x";
    let expected = [(2, "a"), (2, "b"), (2, "c"), (3, "d"), (3, "e")];
    assert_eq!(headings_of(html), named(&expected));
}

#[test]
fn the_rows_of_a_table_with_too_many_columns_are_headings_of_one_level() {
    let row = format!("<tr>{}</tr>", "<td>x</td>".repeat(13));
    let table = format!("<table class='data-table'>{}</table>", row.repeat(4));
    let expected = [(2, "Row 1"), (2, "Row 2"), (2, "Row 3")];
    assert_eq!(headings_of(&table), named(&expected));
    let html = format!("<p class='title'>T</p><h3>a</h3>{table}<h3>b</h3>{table}");
    let rows = [(4, "Row 1"), (4, "Row 2"), (4, "Row 3")];
    let expected = [&[(2, "T"), (3, "a")], &rows[..], &[(3, "b")], &rows[..]].concat();
    assert_eq!(headings_of(&html), named(&expected));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_level_of_any_headings_is_skipped_and_siblings_are_equal(
        levels in prop::collection::vec(1_usize..=5, 1..30),
    ) {
        let html: String = levels.iter().map(|n| format!("<h{n}>h{n}</h{n}>x")).collect();
        let headings = headings_of(&html);
        prop_assert_eq!(headings.len(), levels.len());
        let mut above = 1;
        for (at, (level, _)) in headings.iter().enumerate() {
            prop_assert!(*level <= above + 1, "{:?}", headings);
            above = *level;
            let around = (0..at).rev().find(|before| levels[*before] <= levels[at]);
            if let Some(before) = around.filter(|before| levels[*before] == levels[at]) {
                prop_assert_eq!(*level, headings[before].0, "{:?}", headings);
            }
        }
    }
}

#[test]
fn cells_that_run_over_pages_stay_one_cell() {
    let long = "word ".repeat(3_000);
    let report = written_content(&format!(r#"{{"a":"short","long":"{long}","z":"end"}}"#));
    let root = Element::root(&report);
    let cells = section(&root).all("TD");
    assert_eq!(cells.len(), 3);
    let pages: Vec<_> = cells[1].marks.iter().map(|(page, _)| page).collect();
    assert!(pages.len() >= 3, "{pages:?}");
}

#[test]
fn a_table_over_many_pages_is_one_table_with_one_header() {
    let rows: Vec<String> = (0..1_200)
        .map(|n| format!(r#"{{"n":{n},"v":"x"}}"#))
        .collect();
    let root = Element::root(&written_content(&format!("[{}]", rows.join(","))));
    let tables = section(&root).all("Table");
    assert_eq!(tables.len(), 1);
    assert_eq!(tables[0].all("THead").len(), 1);
    assert_eq!(tables[0].all("TH").len(), 2);
    assert_eq!(tables[0].all("TD").len(), 2_400);
    let largest = tables[0]
        .all("TBody")
        .iter()
        .map(|body| body.kids.len())
        .max();
    assert_eq!(largest, Some(512), "rows are grouped");
}

#[test]
fn no_element_has_more_children_than_the_limit() {
    let texts: Vec<String> = (0..3_000).map(|n| format!("\"text {n}\"")).collect();
    let objects: Vec<String> = (0..1_500)
        .map(|n| format!(r#"{{"n":{n},"o":{{"p":1}}}}"#))
        .collect();
    let long = "x ".repeat(1_000_000);
    let report = written_content(&format!(
        r#"{{"list":[{}],"objects":[{}],"long":"{long}"}}"#,
        texts.join(","),
        objects.join(",")
    ));
    let root = Element::root(&report);
    assert_eq!(section(&root).all("LI").len(), 3_000);
    root.each(&mut |element| {
        let size = element.kids.len() + element.marks.len();
        assert!(size <= 2 * 512, "{} has {size}", element.role);
    });
}

#[test]
fn the_contents_are_links_that_say_where_they_lead() {
    let report = written(&[
        ("First", r#"{"content":1}"#),
        ("Second", r#"{"content":2}"#),
    ]);
    let root = Element::root(&report);
    let entries = root.all("TOCI");
    assert_eq!(entries.len(), 2);
    assert_eq!(root.all("Link").len(), 2);
    let plain = report.plain();
    assert!(plain.contains("/Contents (First, page 4)"), "{plain}");
    let text = report.tagged_text();
    assert!(text.contains("\"First generic 4\""), "{text}");
}

#[test]
fn words_are_apart_where_lines_end() {
    let words: Vec<String> = (0..200).map(|n| format!("word{n}")).collect();
    let text = words.join(" ");
    let report = written_content(&format!(r#"{{"v":"{text}","w":"first\nsecond\n\nthird"}}"#));
    let tagged = report.tagged_text();
    assert!(tagged.contains(&text), "{tagged}");
    let folded: Vec<&str> = tagged.split_whitespace().collect();
    assert!(folded.join(" ").contains("first second third"), "{tagged}");
}

/// Values whose text the structure must have as it is.
fn assert_tagged(texts: &[&str]) {
    let report = written_content(&serde_json::json!({ "texts": texts }).to_string());
    let tagged = report.tagged_body();
    for text in texts {
        assert!(tagged.contains(text), "{text} is not in {tagged}");
    }
    Element::root(&report);
    report.assert_accessible();
}

#[test]
fn right_to_left_text_is_in_the_order_of_reading() {
    let texts = [
        "שלום עולם",
        "בְּרֵאשִׁית",
        "السلام عليكم",
        "لا إله إلا الله على",
        "الأسئلة والإجابات",
        "كَتَبَ",
        "می\u{200c}خواهم بروم",
        "۱۲۳ ١٢٣",
    ];
    assert_tagged(&texts);
    // Those who sort the page by places may put marks in front of their letters.
    let unpointed = texts
        .iter()
        .filter(|text| !text.contains(is_combining_mark));
    for text in unpointed {
        let report = written_content(&serde_json::json!({ "v": text }).to_string());
        let seen = folded(&report.seen_text());
        assert!(seen.contains(&folded(text)), "{text} is not in {seen}");
        report.assert_shows(text);
    }
}

#[test]
fn lines_of_both_directions_are_in_the_order_of_reading() {
    assert_tagged(&[
        "abc שלום 12 def",
        "العنوان 12 High Street في لندن",
        "רחוב הרצל 12, תל אביב (Tel Aviv) 61000",
        "He said \u{201c}السلام عليكم\u{201d} twice",
    ]);
}

#[test]
fn right_to_left_text_over_many_lines_is_in_the_order_of_reading() {
    for words in [["شكرا", "لأجل", "الطلب"], ["בקשה", "למידע", "אישי"]] {
        let text = (words.join(" ") + " ").repeat(200);
        let report = written_content(&serde_json::json!({ "v": text.trim_end() }).to_string());
        let tagged = report.tagged_body();
        assert!(tagged.contains(text.trim_end()), "{tagged}");
    }
}

#[test]
fn bold_parts_of_right_to_left_text_are_in_the_order_of_reading() {
    let report = written_html("<p>של<b>ום</b> עולם, <b>الس</b>لام");
    let tagged = report.tagged_body();
    assert!(tagged.contains("שלום עולם, السلام"), "{tagged}");
    report.assert_accessible();
}

#[test]
fn nothing_is_lost_behind_what_its_glyphs_cannot_say() {
    assert_tagged(&[
        "Nguye\u{302}\u{303}n a\u{328}\u{301}b END1",
        "e\u{301} é 東京 and 京都 END2",
        "ffi office f\u{200d}i END3",
        "A\u{30a} \u{212b} \u{c5} END4",
    ]);
    let long = format!("a{}b END5", "\u{301}".repeat(40));
    for (text, end) in [("a\u{feff}b END6", "b END6"), (&long, "b END5")] {
        let report = written_content(&serde_json::json!({ "v": text, "w": "next" }).to_string());
        let tagged = report.tagged_body();
        assert!(tagged.contains(&format!("{end}Wnext")), "{tagged}");
        assert!(report.plain().contains("/ActualText"), "{text}");
        report.assert_shows(text);
        Element::root(&report);
        report.assert_accessible();
    }
}

#[test]
fn pages_of_plain_latin_text_have_nothing_for_other_scripts() {
    let report = written_content(r#"{"v":"office, façade and -10 °C"}"#);
    let plain = report.plain();
    assert!(!plain.contains("/ActualText"));
    assert!(plain.contains("/CIDToGIDMap /Identity"));
    assert_eq!(
        plain.matches("/CIDToGIDMap").count(),
        plain.matches("/CIDToGIDMap /Identity").count()
    );
}

#[test]
fn everything_on_a_page_is_content_or_artifact() {
    let report = written_content(
        r#"{"a":"שלום world","list":["x","y"],"rows":[{"n":1,"m":2},{"n":3,"m":4}],
            "said":"a\ufeffb \ufeff\u202eשלום\ufeff"}"#,
    );
    let said = report.plain().matches("/ActualText").count();
    assert_eq!(said, 3, "pieces that are said apart");
    for (page, content) in report.content_bytes().iter().enumerate() {
        let content = String::from_utf8_lossy(content);
        let mut depth = 0;
        let operators = ["BDC", "BMC", "EMC", "TJ", "Tj"];
        let apart = operators
            .iter()
            .fold(content.to_string(), |content, operator| {
                content.replace(operator, &format!(" {operator} "))
            });
        for token in apart.split_whitespace() {
            match token {
                "BDC" | "BMC" => depth += 1,
                "EMC" => depth -= 1,
                "TJ" | "Tj" | "Do" | "f" => assert!(depth > 0, "page {page}: {content}"),
                _ => {}
            }
            // Readers that go by the structure may take the end of an inner piece for the outer's.
            assert!(depth <= 1, "page {page}: {content}");
        }
        assert_eq!(depth, 0, "page {page}");
    }
}

#[test]
fn the_file_says_what_it_is() {
    let report = written_content(r#"{"a":1}"#);
    let file = File::of(&report);
    let catalog = file.catalog();
    assert_eq!(catalog["/Lang"], "u:en-GB");
    assert_eq!(file.get(catalog, "/MarkInfo")["/Marked"], true);
    assert_eq!(
        file.get(catalog, "/ViewerPreferences")["/DisplayDocTitle"],
        true
    );
    let intent = file.object(&list(file.get(catalog, "/OutputIntents"))[0]);
    assert_eq!(intent["/S"], "/GTS_PDFA1");
    let bytes = String::from_utf8_lossy(&report.bytes()).into_owned();
    for said in [
        "<pdfaid:part>2</pdfaid:part>",
        "<pdfaid:conformance>A</pdfaid:conformance>",
        "<pdfuaid:part>1</pdfuaid:part>",
        "SUBJECT ACCESS REQUEST REPORT SAR-77",
    ] {
        assert!(bytes.contains(said), "{said}");
    }
}

#[test]
fn a_checker_of_pdf_ua_finds_nothing() {
    let every_block = r#"{"text":"plain","long":"LONG","empty":null,"list":["a","b"],
        "rows":[{"n":1,"m":"x"},{"n":2,"m":"y"}],
        "deep":{"a":{"b":{"c":{"d":{"e":{"f":"g"}}}}}},
        "scripts":["Ελληνικά","Кириллица","العربية مع ١٢٣","עברית","東京","a\u0301\u00ad b"]}"#;
    let every_block = every_block.replace("LONG", &"words and words ".repeat(2_000));
    let report = written(&[
        ("Every block", &format!("{{\"content\":{every_block}}}")),
        ("Nothing", r#"{"content":null}"#),
    ]);
    report.assert_accessible();
}

/// Pages of other documents are taken over as they are, tags or none: a report with PDF files or what
/// office documents become makes no claim. Nothing else is wrong with it.
#[test]
fn a_checker_of_pdf_ua_finds_no_claim_where_pages_are_taken_over() {
    let mail = "From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nPlain words\r\n\
        --b\r\nContent-Type: application/pdf\r\n\
        Content-Disposition: attachment; filename=a.pdf\r\n\r\n";
    let own = attached(&[]).bytes();
    let scripts = written_content(r#"{"v":"שלום a\ufeffb 東京"}"#).bytes();
    let in_mail = [mail.as_bytes(), &own, b"\r\n--b--\r\n"].concat();
    for (name, content_type, bytes) in [
        ("a.pdf", "application/pdf", own),
        ("b.pdf", "application/pdf", scripts),
        ("a.eml", "message/rfc822", in_mail),
    ] {
        attached(&[(name, content_type, bytes)]).assert_accessible_without_claim();
    }
    for name in ["document.docx", "sheet.ods", "slides.pptx"] {
        let files = [(name, "application/octet-stream", fixture(name))];
        attached_with(&files, Some(OfficeConverter::default())).assert_accessible_without_claim();
    }
}

#[test]
fn a_checker_of_pdf_ua_finds_nothing_in_attachments() {
    let mail = "From: a@example.org\r\nX-Way: post\r\n\
        Content-Type: multipart/alternative; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nPlain words\r\n\
        --b\r\nContent-Type: text/html\r\n\r\n<h1>Head</h1><p>Other words\r\n\
        --b\r\nContent-Type: text/csv\r\n\
        Content-Disposition: attachment; filename=a.csv\r\n\r\nh1,h2\r\nv1,v2\r\n--b--\r\n";
    let html = "<title>T</title><h1>Head</h1><p>One <b>two</b><ul><li>first<li>second</ul>\
        <table><tr><th>Name<th>Age<tr><td>Ada<td>36</table>";
    for (name, content_type, bytes) in [
        ("a.jpg", "image/jpeg", fixture("baseline.jpg")),
        ("a.gif", "image/gif", fixture("still.gif")),
        ("a.webp", "image/webp", fixture("lossy.webp")),
        ("a.csv", "text/csv", b"a,b\n1,2\n3,4\n".to_vec()),
        (
            "a.json",
            "application/json",
            br#"{"a":{"b":[1,2]}}"#.to_vec(),
        ),
        ("a.xml", "text/xml", b"<a b='c'><d>e</d></a>".to_vec()),
        ("a.html", "text/html", html.into()),
        ("a.txt", "text/plain", b"Words\n\nand words".to_vec()),
        ("a.eml", "message/rfc822", mail.into()),
        ("a.mp3", "audio/mpeg", b"ID3\x04 music".to_vec()),
    ] {
        attached(&[(name, content_type, bytes)]).assert_accessible();
    }
}

#[test]
fn figures_say_in_words_what_they_show() {
    let report = attached(&[
        ("face.png", "image/png", fixture("rgb.png")),
        ("scan.tif", "image/tiff", fixture("three.tif")),
    ]);
    let root = Element::root(&report);
    let figures = section(&root).all("Figure");
    assert_eq!(figures.len(), 4);
    assert!(figures.iter().all(|figure| figure.marks.len() == 1));
    let file = File::of(&report);
    let alternatives: Vec<&str> = file
        .objects("/Figure")
        .map(|f| f["/Alt"].as_str().unwrap())
        .collect();
    assert!(
        alternatives.contains(&"u:Image: face.png - a file"),
        "{alternatives:?}"
    );
    assert!(alternatives.contains(&"u:Image: scan.tif - a file (page 3)"));
    report.assert_accessible();
}

#[test]
fn no_glyph_is_the_fonts_box_for_missing_characters() {
    let report = written_content(r#"{"v":"東京 and 𒀀"}"#);
    assert_eq!(report.summary.unsupported_characters, 3);
    for content in report.content_bytes() {
        assert!(
            !content.windows(3).any(|shown| shown == b"(\0\0"),
            "glyph 0 is shown"
        );
    }
    report.assert_shows("東京 and 𒀀");
}
