use std::fs;

use dossier_report::{Fonts, ReportError, ResponseSummary, SectionBody, inspect_response};

use crate::support::{report, section, written_content};

fn inspect(body: &[u8]) -> Result<ResponseSummary, ReportError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), body).unwrap();
    inspect_response(file.path())
}

#[test]
fn a_body_says_whether_it_holds_data() {
    for (body, holds_data, attachments) in [
        (r#"{}"#, false, 0),
        (r#"{"content":null}"#, false, 0),
        (r#"{"content":[]}"#, true, 0),
        ("\u{feff}{\"content\":\"\"}", true, 0),
        (
            r#" { "other" : [ 1 , { } ] , "content" : { "a" : 1 } } "#,
            true,
            0,
        ),
        (r#"{"attachments":[{},{"x":[1,2,3]}],"content":1}"#, true, 2),
        (r#"{"content":null,"attachments":[{}]}"#, true, 1),
        (r#"{"content":null,"attachments":[]}"#, false, 0),
        (
            r#"{"attachments":null,"content":{"attachments":[1]}}"#,
            true,
            0,
        ),
    ] {
        let summary = inspect(body.as_bytes()).unwrap();
        assert_eq!(summary.holds_data, holds_data, "{body}");
        assert_eq!(summary.attachments, attachments, "{body}");
    }
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    for (body, place) in [
        (&b""[..], 0),
        (b"{", 1),
        (b"{\"a\":1", 6),
        (b"{\"a\":1,}", 7),
        (b"{\"a\" 1}", 5),
        (b"{a:1}", 1),
        (b"{\"a\":01}", 6),
        (b"{\"a\":1.}", 7),
        (b"{\"a\":-}", 6),
        (b"{\"a\":1e}", 7),
        (b"{\"a\":tru}", 8),
        (b"{\"a\":[1,2}", 9),
        (b"{\"a\":\"secret", 12),
        (b"{\"a\":\"sec\nret\"}", 9),
        (b"{\"a\":\"sec\\xret\"}", 11),
        (b"{\"a\":\"\\u12g4\"}", 10),
        (b"{\"a\":\"se\xffcret\"}", 8),
        (b"{\"a\":\"se\xe2\x82\"}", 8),
        (b"{\"a\":1} {", 8),
        (b"{\"a\":'secret'}", 5),
    ] {
        let shown = String::from_utf8_lossy(body).into_owned();
        match inspect(body) {
            Err(error @ ReportError::Malformed { offset, .. }) => {
                assert_eq!(offset, place, "{shown}: {error}");
                let said = format!("{error} {error:?}");
                assert!(said.contains(&place.to_string()), "{said}");
                assert!(!said.contains("sec"), "{said} quotes the data");
            }
            other => panic!("{shown}: {other:?}"),
        }
    }
}

#[test]
fn json_of_another_kind_is_refused() {
    for body in ["[]", "null", "\"content\"", "12", "[{\"content\":1}]"] {
        let refused = inspect(body.as_bytes());
        assert!(
            matches!(refused, Err(ReportError::NotAnObject { offset: 0 })),
            "{body}"
        );
    }
}

#[test]
fn nesting_and_names_past_the_limits_are_refused() {
    let deep = format!("{{\"content\":{}", "[".repeat(200_000));
    assert!(matches!(
        inspect(deep.as_bytes()),
        Err(ReportError::LimitPassed { .. })
    ));
    let name = format!("{{\"{}\":1}}", "a".repeat(200_000));
    assert!(matches!(
        inspect(name.as_bytes()),
        Err(ReportError::LimitPassed { .. })
    ));
    let number = format!("{{\"a\":{}}}", "1".repeat(200_000));
    assert!(matches!(
        inspect(number.as_bytes()),
        Err(ReportError::LimitPassed { .. })
    ));
}

#[test]
fn a_report_of_a_broken_body_fails_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body.json");
    fs::write(&body, "{\"content\":[1,2").unwrap();
    let out = folder.path().join("report.pdf");
    let report = report(vec![section(
        "Section",
        SectionBody::Response {
            body,
            html: None,
            labels: None,
            attachments: Vec::new(),
        },
    )]);
    let failed = dossier_report::write_report(&report, &Fonts::embedded().unwrap(), &out);
    assert!(
        matches!(failed, Err(ReportError::Malformed { offset: 15, .. })),
        "{failed:?}"
    );
    assert!(!out.exists());
}

#[test]
fn debug_output_holds_no_personal_data() {
    let shown = format!("{:?}", report(vec![]));
    for secret in ["MUSTER", "A1234BC", "SAR-77"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let shown = format!("{:?}", report(vec![]).identifier);
    assert!(!shown.contains("A1234BC"), "{shown}");
}

#[test]
fn a_file_that_is_no_font_is_refused_by_name() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "not a font").unwrap();
    let refused = Fonts::with_fallbacks(&[file.path().to_owned()]).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains(&file.path().display().to_string())
    );
}

/// Seconds that a report of this text takes.
fn seconds_for(text: &str) -> f64 {
    let began = std::time::Instant::now();
    written_content(&serde_json::json!({ "v": text }).to_string());
    began.elapsed().as_secs_f64()
}

#[test]
fn texts_that_fill_no_line_take_time_in_proportion_to_their_length() {
    for (text, what) in [
        ("\u{301}", "marks"),
        ("\u{5b0}", "marks from right to left"),
        (" ", "spaces"),
        ("\u{200b}", "spaces without width"),
        ("\u{200d}", "joiners"),
        ("\u{202e} ", "overrides"),
        ("\u{e2a}", "letters that no font has"),
    ] {
        let few = seconds_for(&format!("a{}", text.repeat(50_000)));
        let many = seconds_for(&format!("a{}", text.repeat(400_000)));
        assert!(
            many < 24.0 * few + 1.0,
            "{what}: {few:.2} s, then {many:.2} s"
        );
        assert!(many < 10.0, "{what}: {few:.2} s, then {many:.2} s");
    }
}
