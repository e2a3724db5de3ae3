//! `{{#name}}` and `{{^name}}` on values.

use crate::support::{all, html};

#[test]
fn a_list_is_iterated() {
    all(&[
        (
            "{{#l}}<{{x}}>{{/l}}",
            r#"{"l": [{"x": 1}, {"x": 2}]}"#,
            "<1><2>",
        ),
        (
            "{{#l}}<{{.}}>{{/l}}",
            r#"{"l": [1, "a", true, null]}"#,
            "<1><a><true><>",
        ),
        ("{{#a.l}}{{.}}{{/a.l}}", r#"{"a": {"l": [1, 2]}}"#, "12"),
        (
            "{{#l}}{{#.}}{{.}}{{/.}};{{/l}}",
            r#"{"l": [[1, 2], [3]]}"#,
            "12;3;",
        ),
        ("{{#l.[0]}}{{x}}{{/l.[0]}}", r#"{"l": [{"x": 1}]}"#, "1"),
    ]);
}

#[test]
fn an_object_is_entered_and_an_empty_one_too() {
    all(&[
        ("{{#o}}{{x}}{{/o}}", r#"{"o": {"x": 1}}"#, "1"),
        ("{{#o}}a{{/o}}{{^o}}b{{/o}}", r#"{"o": {}}"#, "a"),
    ]);
}

#[test]
fn true_keeps_the_context_and_other_values_become_it() {
    all(&[
        (
            "{{#t}}{{x}}{{this.x}}{{/t}}",
            r#"{"t": true, "x": 1}"#,
            "11",
        ),
        ("{{#s}}{{.}}{{x}}{{/s}}", r#"{"s": "a", "x": 1}"#, "a1"),
        ("{{#n}}{{.}}{{x}}{{/n}}", r#"{"n": 5, "x": 1}"#, "51"),
    ]);
}

#[test]
fn falsy_values_show_the_inverse_only() {
    for value in ["null", "false", "\"\"", "[]", "0", "0.0", "-0", "0e5"] {
        let json = format!(r#"{{"x": {value}}}"#);
        all(&[
            ("{{#x}}a{{/x}}", &json, ""),
            ("{{^x}}b{{/x}}", &json, "b"),
            ("{{#x}}a{{else}}b{{/x}}", &json, "b"),
            ("{{#x}}a{{^}}b{{/x}}", &json, "b"),
            ("{{#if x}}a{{else}}b{{/if}}", &json, "b"),
            ("{{#unless x}}a{{else}}b{{/unless}}", &json, "a"),
            ("{{#with x}}a{{else}}b{{/with}}", &json, "b"),
        ]);
    }
    all(&[
        ("{{#x}}a{{/x}}{{^x}}b{{/x}}", "{}", "b"),
        ("{{^a.b.c}}d{{/a.b.c}}", "{}", "d"),
    ]);
}

#[test]
fn every_other_value_is_truthy() {
    for value in [
        "true",
        "\" \"",
        "\"false\"",
        "\"0\"",
        "[0]",
        "[null]",
        "{}",
        "1",
        "-1",
        "0.5",
    ] {
        let json = format!(r#"{{"x": {value}}}"#);
        all(&[
            ("{{^x}}b{{/x}}", &json, ""),
            ("{{#if x}}a{{else}}b{{/if}}", &json, "a"),
            ("{{#unless x}}a{{else}}b{{/unless}}", &json, "b"),
        ]);
    }
}

#[test]
fn the_root_may_be_a_list_or_an_object_or_a_text() {
    all(&[
        ("{{#.}}{{x}},{{/.}}", r#"[{"x": 1}, {"x": 2}]"#, "1,2,"),
        (
            "{{#this}}{{x}},{{/this}}",
            r#"[{"x": 1}, {"x": 2}]"#,
            "1,2,",
        ),
        (
            "{{#each this}}{{x}},{{/each}}",
            r#"[{"x": 1}, {"x": 2}]"#,
            "1,2,",
        ),
        (
            "{{#each .}}{{x}},{{/each}}",
            r#"[{"x": 1}, {"x": 2}]"#,
            "1,2,",
        ),
        ("{{#.}}{{x}}{{/.}}", r#"{"x": 1}"#, "1"),
        ("{{#this}}{{.}}{{/this}}", r#""a""#, "a"),
        ("{{#.}}a{{/.}}{{^.}}none{{/.}}", "[]", "none"),
        ("{{^this}}none{{/this}}", "[]", "none"),
        (
            "{{#.}}{{@index}}{{#unless @last}},{{/unless}}{{/.}}",
            "[1, 2]",
            "0,1",
        ),
    ]);
}

#[test]
fn inverted_sections_stay_where_they_are_and_may_have_an_else() {
    all(&[
        (
            "{{#o}}{{^none}}{{x}}{{/none}}{{/o}}",
            r#"{"o": {"x": 1}}"#,
            "1",
        ),
        ("{{^o}}a{{else}}{{x}}b{{/o}}", r#"{"o": {"x": 1}}"#, "b"),
        ("{{^if x}}a{{else}}b{{/if}}", "{}", "a"),
    ]);
}

#[test]
fn a_helper_with_a_hash_sign_shows_its_value_as_in_handlebars_java() {
    all(&[
        ("{{#eq a 1}}body{{/eq}}", r#"{"a": 1}"#, "true"),
        (
            "{{#optionalValue a}}body{{/optionalValue}}",
            r#"{"a": "<"}"#,
            "&lt;",
        ),
    ]);
}

/// As handlebars.java 4.3.1 has it: an inverted section is shown where it stands.
#[test]
fn the_else_of_what_is_entered_has_what_is_falsy_for_its_context() {
    let json = r#"{"s": "root", "n": null, "z": "", "b": false, "e": [], "nought": 0}"#;
    for falsy in ["n", "z", "nought", "missing"] {
        for open in ["#", "#with "] {
            let close = if open == "#" { falsy } else { "with" };
            let shown = "{{this.s}}|{{s}}|{{optionalValue this}}";
            let template = format!("{{{{{open}{falsy}}}}}{{{{else}}}}{shown}{{{{/{close}}}}}");
            let this = if falsy == "nought" {
                "0"
            } else {
                "No Data Held"
            };
            assert_eq!(html(&template, json), format!("|root|{this}"), "{template}");
        }
        let template = format!("{{{{^{falsy}}}}}{{{{this.s}}}}{{{{/{falsy}}}}}");
        assert_eq!(html(&template, json), "root", "{template}");
    }
    all(&[
        ("{{#b}}{{else}}{{this.s}}{{/b}}", json, "root"),
        ("{{#e}}{{else}}{{this.s}}{{/e}}", json, "root"),
        ("{{#each n}}{{else}}{{this.s}}{{/each}}", json, "root"),
        ("{{#if n}}{{else}}{{this.s}}{{/if}}", json, "root"),
    ]);
}
