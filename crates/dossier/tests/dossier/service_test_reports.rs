//! The JUnit file of `dossier service test`, and what an engine for templates finds.

use std::collections::HashMap;
use std::path::Path;

use clap::Parser;
use dossier::cli::{Cli, Command, ServiceCommand};
use dossier::config::Config;
use dossier::exit::Failure;
use dossier::output::Output;
use dossier::service_test::{TemplateEngine, TemplateFinding, TemplateStep, check};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde_json::json;

use crate::harness::process::{dossier, words};
use crate::harness::service::{Service, json_body, status};

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

/// Tests a service in this process with an engine for templates; answers the JUnit file.
async fn tested(service: &Service, engine: TemplateEngine) -> (Result<(), Failure>, String) {
    dossier_worker::install_tls_provider();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("junit.xml");
    let line = format!(
        "dossier service test {} --prn A1234AA --junit {}",
        service.url,
        file.display()
    );
    let Command::Service(ServiceCommand::Test(options)) = Cli::parse_from(words(&line)).command
    else {
        panic!("{line}");
    };
    let config = Config::default();
    let ended = dossier::service_test::run(*options, &config, Some(engine), Output::Json).await;
    (ended, std::fs::read_to_string(&file).unwrap())
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
        assert_eq!(output.status.code(), Some(9));
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

fn finds_nothing(template: &str, answer: &Path) -> Vec<TemplateFinding> {
    assert!(template.starts_with("<h1>"));
    assert!(std::fs::read_to_string(answer).unwrap().contains("content"));
    Vec::new()
}

fn hostile(step: TemplateStep) -> Vec<TemplateFinding> {
    let text = "]]> <&\"' \u{0} \u{1b}[31m A1234AA a1234aa \u{fffe}".to_owned();
    vec![TemplateFinding {
        step,
        line: 3,
        column: 7,
        text,
    }]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_the_engine_likes_passes() {
    let (ended, xml) = tested(&Service::perfect().await, finds_nothing).await;
    ended.unwrap();
    let elements = elements(&xml);
    assert!(elements.iter().all(|element| element.name != "failure"));
    let skipped = elements.iter().filter(|element| element.name == "skipped");
    assert_eq!(
        skipped.count(),
        2,
        "the token and the other identifier: {xml}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_engine_finds_is_a_breach_and_cannot_break_the_file() {
    let parse: TemplateEngine = |_, _| hostile(TemplateStep::Parse);
    let render: TemplateEngine = |_, _| hostile(TemplateStep::Render);
    for (engine, id) in [(parse, "template.parses"), (render, "template.renders")] {
        let (ended, xml) = tested(&Service::perfect().await, engine).await;
        assert!(matches!(ended, Err(Failure::ContractBroken(_))));
        assert!(!xml.to_ascii_lowercase().contains("a1234aa"), "{xml}");
        let elements = elements(&xml);
        let failed = elements
            .iter()
            .position(|element| element.name == "failure")
            .unwrap();
        assert_eq!(elements[failed - 1].attributes["name"], id);
        let shown =
            "line 3, column 7: ]]> <&\"' \u{fffd} \u{fffd}[31m [private] [private] \u{fffd}";
        assert!(
            elements[failed].text.contains(shown),
            "{}",
            elements[failed].text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_panics_costs_its_checks_and_not_the_test() {
    let engine: TemplateEngine = |_, _| panic!("on purpose");
    let (ended, xml) = tested(&Service::perfect().await, engine).await;
    assert!(matches!(ended, Err(Failure::ContractBroken(_))));
    assert!(xml.contains("it could not be looked at"), "{xml}");
}
