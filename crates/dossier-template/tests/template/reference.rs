//! Names instead of codes.

use dossier_template::{NoInlineImages, NoReferenceData, ReferenceNames};

use crate::support::render_with;

const FILE: &str = r#"{
    "prisons": {"MDI": "Moorland <HMP>", "*": "A prison"},
    "users": {"JSMITH": "Smith"},
    "locationsByDpsId": {"d-1": "Wing A"},
    "locationsByNomisId": {"42": "Gym"}
}"#;

#[track_caller]
fn named(template: &str, value: &str) -> String {
    let names = ReferenceNames::from_json(FILE.as_bytes()).unwrap();
    let json = format!(r#"{{"x": {value}}}"#);
    render_with(template, &json, &names, &NoInlineImages).unwrap()
}

#[test]
fn known_codes_have_names_and_others_stay() {
    for (helper, value, expected) in [
        ("getPrisonName", "\"MDI\"", "Moorland &lt;HMP&gt;"),
        ("getPrisonName", "\"LEI\"", "A prison"),
        ("getPrisonName", "null", "No Data Held"),
        ("getPrisonName", "\"\"", "No Data Held"),
        ("getPrisonName", "\" \"", "A prison"),
        ("getUserLastName", "\"JSMITH\"", "Smith"),
        ("getUserLastName", "\"OTHER\"", "OTHER"),
        ("getUserLastName", "null", "No Data Held"),
        ("getUserLastName", "\" \"", "No Data Held"),
        ("getUserLastName", "7", "7"),
        ("getLocationNameByDpsId", "\"d-1\"", "Wing A"),
        ("getLocationNameByDpsId", "\"d-2\"", "d-2"),
        ("getLocationNameByDpsId", "\"\"", "No Data Held"),
        ("getLocationNameByDpsId", "null", "No Data Held"),
        ("getLocationNameByNomisId", "42", "Gym"),
        ("getLocationNameByNomisId", "\"42\"", "Gym"),
        ("getLocationNameByNomisId", "43", "43"),
        ("getLocationNameByNomisId", "null", "No Data Held"),
    ] {
        assert_eq!(
            named(&format!("{{{{{helper} x}}}}"), value),
            expected,
            "{helper} {value}"
        );
    }
}

#[test]
fn a_star_answers_for_every_code_of_its_kind_that_is_not_listed() {
    let file = r#"{
        "prisons": {"MDI": "Moorland", "*": "A prison"}, "users": {"A": "Smith", "*": "Somebody"},
        "locationsByDpsId": {"d-1": "Wing A", "*": "A place"},
        "locationsByNomisId": {"42": "Gym", "*": "A room"}
    }"#;
    let names = ReferenceNames::from_json(file.as_bytes()).unwrap();
    let template = "{{getPrisonName p}}, {{getUserLastName u}}, {{getLocationNameByDpsId d}}, \
                    {{getLocationNameByNomisId n}}";
    for (json, expected) in [
        (
            r#"{"p": "MDI", "u": "A", "d": "d-1", "n": 42}"#,
            "Moorland, Smith, Wing A, Gym",
        ),
        (
            r#"{"p": "LEI", "u": "B", "d": "d-2", "n": 43}"#,
            "A prison, Somebody, A place, A room",
        ),
        (
            "{}",
            "No Data Held, No Data Held, No Data Held, No Data Held",
        ),
    ] {
        let html = render_with(template, json, &names, &NoInlineImages).unwrap();
        assert_eq!(html, expected, "{json}");
    }
}

#[test]
fn without_reference_data_codes_are_shown() {
    let template = "{{getPrisonName x}}";
    let html = render_with(
        template,
        r#"{"x": "MDI"}"#,
        &NoReferenceData,
        &NoInlineImages,
    );
    assert_eq!(html.unwrap(), "MDI");
}

#[test]
fn a_reference_file_may_lack_kinds_and_has_no_others() {
    assert!(ReferenceNames::from_json(b"{}").is_ok());
    let error = ReferenceNames::from_json(br#"{"prison": {}}"#)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("prison") && error.contains("line 1"),
        "{error}"
    );
}

#[test]
fn a_reference_file_may_have_a_byte_order_mark_and_no_code_twice() {
    let marked = format!("\u{feff}{FILE}");
    assert!(ReferenceNames::from_json(marked.as_bytes()).is_ok());
    for kind in ["prisons", "users", "locationsByDpsId", "locationsByNomisId"] {
        let twice = format!("{{\"{kind}\": {{\"A\": \"Secret\",\n\"B\": \"b\", \"A\": \"c\"}}}}");
        let error = ReferenceNames::from_json(twice.as_bytes());
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("came before") && error.contains("line 2"),
            "{error}"
        );
        assert!(!error.contains("Secret"), "{error}");
    }
}

#[test]
fn last_names_are_not_printed_by_debug() {
    let names = ReferenceNames::from_json(FILE.as_bytes()).unwrap();
    assert!(!format!("{names:?}").contains("Smith"));
}
