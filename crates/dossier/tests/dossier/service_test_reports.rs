//! The JUnit file of `dossier service test`.

use std::collections::HashMap;

use dossier::service_test::check;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde_json::json;

use crate::harness::process::{dossier, words};
use crate::harness::service::{Service, body_of, json_body, status};

/// An element of the file: its name, its attributes, and the text in it.
struct Element {
    name: String,
    attributes: HashMap<String, String>,
    text: String,
}

fn element(start: &BytesStart<'_>) -> Element {
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).unwrap();
        (attribute.key.as_ref().to_owned(), value.into_owned())
    });
    Element {
        name: start.name().as_ref().to_owned(),
        attributes: attributes.collect(),
        text: String::new(),
    }
}

/// All elements of a file that must be well-formed.
fn elements(xml: &str) -> Vec<Element> {
    let mut reader = Reader::from_str(xml);
    let mut elements: Vec<Element> = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) | Event::Empty(start) => elements.push(element(&start)),
            Event::Text(text) => {
                elements
                    .iter_mut()
                    .last()
                    .into_iter()
                    .for_each(|e| e.text.push_str(&text));
            }
            Event::GeneralRef(reference) => {
                let text = format!("&{};", &*reference);
                let text = quick_xml::escape::unescape(&text).unwrap();
                elements
                    .iter_mut()
                    .last()
                    .into_iter()
                    .for_each(|e| e.text.push_str(&text));
            }
            Event::Eof => return elements,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_junit_file_has_a_test_case_a_check_and_escapes_what_is_in_it() {
    let mut service = Service::start(|call| {
        call.asks_for_data()
            .then(|| match call.query.contains("Z9999ZZ") {
                true => status(404),
                false => json_body(json!({ "data": 1 }).to_string()),
            })
    })
    .await;
    service.url.push_str("/it's-&-so");
    for (options, failures) in [("", 1), ("--strict", 2)] {
        let folder = tempfile::tempdir().unwrap();
        let line = "service test URL --prn A1234AA --junit junit.xml --json";
        let mut line = words(&format!("{line} {options}"));
        line[2].clone_from(&service.url);
        let output = dossier(folder.path()).args(line).output().unwrap();
        assert_eq!(output.status.code(), Some(11));
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let xml = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
        assert!(!xml.contains("A1234AA"), "{xml}");
        let elements = elements(&xml);
        let all = |name: &str| {
            elements
                .iter()
                .filter(|e| e.name == name)
                .collect::<Vec<_>>()
        };
        let names: Vec<&str> = all("testcase")
            .iter()
            .map(|e| &*e.attributes["name"])
            .collect();
        let ids: Vec<&str> = check::ALL.iter().map(|check| check.id).collect();
        assert_eq!(names, ids);
        let suite = &all("testsuite")[0].attributes;
        assert_eq!(suite["tests"], ids.len().to_string());
        assert_eq!(suite["failures"], failures.to_string());
        assert_eq!(all("failure").len(), failures);
        assert_eq!(suite["skipped"], all("skipped").len().to_string());
        assert_eq!(suite["skipped"], told["counts"]["skipped"].to_string());
        let shown = &all("property")[0].attributes["value"];
        assert_eq!(*shown, service.url);
        let warned = elements
            .iter()
            .filter(|e| e.text.contains("rule: the object has the member"));
        let warned: Vec<&str> = warned.map(|e| &*e.name).collect();
        assert_eq!(
            warned,
            [if failures == 2 {
                "failure"
            } else {
                "system-out"
            }]
        );
    }
}

/// A service that keeps the contract but for this template.
async fn with_template(template: &'static str) -> Service {
    Service::start(move |call| {
        let is_template = call.path.ends_with("/template");
        is_template.then(|| body_of("text/plain", template))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_template_is_a_breach_with_its_place_and_cannot_break_the_file() {
    for (template, id, shown) in [
        (
            "<p>\n  {{]]> <&\"' A1234AA\u{1b}[31m}}",
            "template.parses",
            "line 2, column ",
        ),
        (
            "<p>\n{{shout a1234aa}}</p>",
            "template.parses",
            "line 2, column ",
        ),
        (
            "{{shout a}}\n{{cry b}}",
            "template.parses",
            "line 2, column 3: no helper is named `cry`",
        ),
        (
            "<p>{{> nowhere}}</p>",
            "template.parses",
            "line 1, column 4: ",
        ),
        (
            "{{#*inline \"p\"}}{{> p}}{{/inline}}{{> p}}",
            "template.renders",
            "line 1, column 17: ",
        ),
    ] {
        let service = with_template(template).await;
        let folder = tempfile::tempdir().unwrap();
        let line = format!(
            "service test {} --prn A1234AA --junit junit.xml",
            service.url
        );
        let output = dossier(folder.path()).args(words(&line)).output().unwrap();
        assert_eq!(output.status.code(), Some(11), "{template}");
        let xml = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
        assert!(!xml.to_ascii_lowercase().contains("a1234aa"), "{xml}");
        let elements = elements(&xml);
        let failed = elements
            .iter()
            .position(|element| element.name == "failure")
            .unwrap();
        assert_eq!(elements[failed - 1].attributes["name"], id, "{template}");
        let text = &elements[failed].text;
        assert!(text.contains(shown), "{text}");
    }
}
