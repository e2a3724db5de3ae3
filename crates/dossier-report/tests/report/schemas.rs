//! Answers that are shown with the titles of their service's JSON Schema.

use dossier_report::{Fonts, SectionBody, write_report};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{
    Written, folded, report, scalars, section, written_content, written_html, written_labelled,
};

fn labelled(content: &Value, schema: &Value) -> Written {
    written_labelled(&content.to_string(), &schema.to_string())
}

#[test]
fn members_are_called_what_their_schemas_say_and_others_as_before() {
    let report = labelled(
        &json!({"dob": "1980-02-29", "stillHere": true, "alerts": {"acct": 7}, "plainName": 1}),
        &json!({"properties": {
            "dob": {"title": "Born on"}, "stillHere": {},
            "alerts": {"title": "Warnings", "properties": {"acct": {"title": "Care in custody"}}},
        }}),
    );
    report.assert_shows(
        "Born on 29 February 1980 Still here Yes Plain name 1 Warnings Care in custody 7",
    );
    report.assert_well_formed();
}

#[test]
fn elements_are_numbered_under_their_title() {
    let items = json!({"title": "Visit", "properties": {"notes": {"title": "What was said"}}});
    let list = json!([{"notes": ["a", ["b"]]}, {"notes": {"c": "d"}}]);
    for (content, schema, shown) in [
        (
            list.clone(),
            json!({"type": "array", "items": items}),
            "Visit 1 What was said • a What was said 2 • b Visit 2 What was said C d",
        ),
        (
            json!({"visits": list}),
            json!({"properties": {"visits": {"title": "All visits", "items": items}}}),
            "All visits Visit 1 What was said • a",
        ),
        (
            list.clone(),
            json!({}),
            "Item 1 Notes • a Notes 2 • b Item 2 Notes C d",
        ),
    ] {
        labelled(&content, &schema).assert_shows(shown);
    }
}

#[test]
fn a_code_is_shown_with_its_title_and_never_without_itself() {
    let code = json!({"title": "State", "oneOf": [
        {"const": "A", "title": "Active"}, {"const": "2024-05-01", "title": "Day one"},
        {"const": "Same", "title": "Same"}, {"const": 3, "title": "High"},
        {"const": false, "title": "Refused"}, {"const": null, "title": "Not asked"},
    ]});
    let report = labelled(
        &json!({"list": ["A", "B", "2024-05-01", "Same", 3, 4, false, true, null], "one": "A"}),
        &json!({"properties": {"list": {"items": code}, "one": code}}),
    );
    report.assert_shows("State Active (A) List");
    report.assert_shows(
        "List • Active (A) • B • Day one (01 May 2024) • Same • High (3) • 4 • Refused (No) • Yes \
         • Not asked (No Data Held)",
    );
}

#[test]
fn a_table_has_the_titles_in_its_header_and_cells() {
    let content = json!([{"st": "A", "n": 1}, {"st": "Z", "n": 2}]);
    let schema = json!({"items": {"$ref": "#/definitions/row"}, "definitions": {
        "row": {"title": "Row", "allOf": [{"properties": {"n": {"title": "How many"}}}],
            "properties": {"st": {"$ref": "#/$defs/state"}}}},
        "$defs": {"state": {"title": "State of it",
            "anyOf": [{"const": "A", "title": "Active"}]}}});
    labelled(&content, &schema).assert_shows("State of it How many Active (A) 1 Z 2");
}

#[test]
fn a_schema_that_refers_to_itself_names_every_level() {
    let mut content = json!({"v": "bottom"});
    for _ in 0..50 {
        content = json!({"next": content});
    }
    let schema = json!({"properties": {
        "next": {"title": "Deeper", "$ref": "#"}, "v": {"title": "Found"}}});
    let report = labelled(&content, &schema);
    report.assert_shows("Found bottom");
    assert_eq!(folded(&report.body()).matches("Deeper").count(), 50);
}

#[test]
fn a_schema_that_names_nothing_changes_no_byte() {
    let content = json!({"a": [{"b": 1, "c": "x"}, {"b": 2, "c": "y"}], "d": {"e": [1, [2]]}});
    let plain = written_content(&content.to_string());
    for schema in [
        json!(true),
        json!({"properties": {"other": {"title": "X"}}}),
    ] {
        let named = labelled(&content, &schema);
        assert!(named.bytes() == plain.bytes(), "{schema}");
    }
}

#[test]
fn a_template_s_words_are_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let [body, page] = ["body.json", "section.html"].map(|name| folder.path().join(name));
    std::fs::write(&body, r#"{"content":{"raw":"the answer itself"}}"#).unwrap();
    std::fs::write(&page, "<p>Own words</p>").unwrap();
    let schema = br#"{"properties": {"raw": {"title": "Labelled"}}}"#;
    let body = SectionBody::Response {
        body,
        html: Some(page),
        labels: Some(dossier_report::ContentSchema::parse(schema).unwrap()),
        attachments: Vec::new(),
    };
    let out = folder.path().join("report.pdf");
    let report = report(vec![section("Section", body)]);
    write_report(&report, &Fonts::embedded().unwrap(), &out).unwrap();
    assert!(std::fs::read(&out).unwrap() == written_html("<p>Own words</p>").bytes());
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn name() -> impl Strategy<Value = String> + Clone {
    prop::sample::select(&NAMES[..]).prop_map(str::to_owned)
}

/// Values whose members and codes a random schema is likely to know.
fn content() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4_i64).prop_map(Value::from),
        name().prop_map(|name| Value::from(format!("code-{name}"))),
        "[ -~]{0,30}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Schemas that refer to each other, and to themselves, in any way.
fn schema() -> impl Strategy<Value = Value> {
    let title = "[!-~][ -~]{0,20}";
    let reference = prop::sample::select(vec!["#", "#/$defs/a", "#/$defs/b", "#/definitions/c"]);
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        title.prop_map(|title| json!({"title": title})),
        reference.prop_map(|reference| json!({"$ref": reference})),
        (name(), title).prop_map(|(name, title)| json!({"oneOf": [
            {"const": format!("code-{name}"), "title": title}, {"const": 1, "title": title},
            {"const": null, "title": title}, {"const": true, "title": title}]})),
    ];
    let any = leaf.prop_recursive(4, 30, 4, move |inner| {
        let members = prop::collection::vec((name(), inner.clone()), 0..4);
        let members = members.prop_map(|all| Value::Object(all.into_iter().collect::<Map<_, _>>()));
        let several = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            (title, members.clone()).prop_map(|(t, p)| json!({"title": t, "properties": p})),
            (title, inner.clone()).prop_map(|(t, i)| json!({"title": t, "items": i})),
            (members, inner.clone())
                .prop_map(|(p, other)| json!({"properties": p, "additionalProperties": other})),
            several.clone().prop_map(|all| json!({"allOf": all})),
            several.prop_map(|all| json!({"anyOf": all})),
        ]
    });
    (any.clone(), any.clone(), any.clone(), any).prop_map(|(root, a, b, c)| {
        json!({"allOf": [root], "$defs": {"a": a, "b": b}, "definitions": {"c": c}})
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..Default::default() })]

    #[test]
    fn whatever_the_schema_no_value_is_lost(content in content(), schema in schema()) {
        let report = labelled(&content, &schema);
        let shown = folded(&report.body());
        let mut expected = Vec::new();
        scalars(&content, &mut expected);
        for value in expected {
            prop_assert!(shown.contains(&folded(&value)), "{value:?} is not in {shown}");
        }
        report.assert_well_formed();
    }
}
