//! Templates as services write them, with the HTML that they give.

use dossier_template::{Content, NoInlineImages, ReferenceNames, Template};

/// White space between tags and its runs do not count, as in the report.
fn folded(html: &str) -> String {
    let words = html.split_whitespace().collect::<Vec<_>>().join(" ");
    words
        .replace("> <", "><")
        .replace("> ", ">")
        .replace(" <", "<")
}

#[track_caller]
fn compare(name: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/template/realistic");
    let read = |file: String| std::fs::read_to_string(folder.join(file)).unwrap();
    let template = Template::parse(&read(format!("{name}.mustache"))).unwrap();
    let content = Content::open(&folder.join(format!("{name}.json"))).unwrap();
    let names = ReferenceNames::from_json(read("reference.json".to_owned()).as_bytes()).unwrap();
    let mut html = Vec::new();
    template
        .render(&content, &names, &NoInlineImages, &mut html)
        .unwrap();
    let html = String::from_utf8(html).unwrap();
    assert_eq!(folded(&html), folded(&read(format!("{name}.html"))));
    let errors: Vec<_> = template
        .check(Some(&content))
        .into_iter()
        .filter(|finding| finding.severity() == dossier_template::Severity::Error)
        .collect();
    assert_eq!(errors, []);
}

#[test]
fn a_list_of_records_with_tables_and_fallbacks() {
    compare("visits");
}

#[test]
fn nested_lists_conditions_and_partials() {
    compare("assessments");
}
