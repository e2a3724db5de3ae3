use super::{agree, support};
use dossier_template::{NoInlineImages, ReferenceNames};

const NDH: &str = "No Data Held";

#[test]
fn optional_value_replaces_null_and_empty_text_only() {
    for (value, printed) in [
        ("null", NDH),
        ("\"\"", NDH),
        ("\" \"", " "),
        ("false", "false"),
        ("0", "0"),
        ("[]", "[]"),
        ("{}", "{}"),
        ("\"x\"", "x"),
        ("[1]", "[1]"),
        ("true", "true"),
        ("1.0", "1.0"),
    ] {
        let json = format!(r#"{{"v": {value}}}"#);
        agree(&[("{{optionalValue v}}", &json, printed)]);
        let printed = if printed == NDH { "-" } else { printed };
        agree(&[("{{optionalValue v \"-\"}}", &json, printed)]);
    }
    agree(&[
        ("{{optionalValue gone other}}", r#"{"other": "o"}"#, "o"),
        ("{{optionalValue gone other}}", r#"{"other": null}"#, NDH),
        ("{{optionalValue a.b.c}}", "{}", NDH),
        ("{{optionalValue l.[1]}}", r#"{"l": [1]}"#, NDH),
    ]);
}

#[test]
fn optional_string_replaces_blank_text_too() {
    for (value, printed) in [
        ("null", NDH),
        ("\"\"", NDH),
        ("\" \"", NDH),
        ("\" \\n\\t \"", NDH),
        ("\" x \"", " x "),
        ("0", "0"),
        ("false", "false"),
        ("[1]", "[1]"),
    ] {
        let json = format!(r#"{{"v": {value}}}"#);
        agree(&[("{{optionalString v}}", &json, printed)]);
        let printed = if printed == NDH { "-" } else { printed };
        agree(&[("{{optionalString v \"-\"}}", &json, printed)]);
    }
}

#[test]
fn get_index_plus_one_counts_from_one() {
    agree(&[
        ("{{getIndexPlusOne n}}", r#"{"n": 0}"#, "1"),
        ("{{getIndexPlusOne n}}", r#"{"n": -1}"#, "0"),
        ("[{{getIndexPlusOne n}}]", r#"{"n": null}"#, "[]"),
        ("{{optionalValue (getIndexPlusOne n)}}", "{}", NDH),
        (
            "{{#each a}}{{#each b}}{{getIndexPlusOne @../index}}.{{getIndexPlusOne @index}} {{/each}}{{/each}}",
            r#"{"a": [{"b": [1, 2]}, {"b": [3]}]}"#,
            "1.1 1.2 2.1 ",
        ),
        (
            "{{#each o}}{{getIndexPlusOne @index}}{{/each}}",
            r#"{"o": {"a": 1, "b": 2}}"#,
            "12",
        ),
    ]);
}

#[track_caller]
fn with_names(cases: &[(&str, &str, &str)]) {
    let reference = r#"{"prisons": {"MDI": "Moorland & Co", "LEI": "Leeds"}, "users": {"A_GEN": "O'Neil"},
        "locationsByDpsId": {"abc-1": "A-1-001"}, "locationsByNomisId": {"12": "Wing <B>", "9007199254740993": "Far"}}"#;
    let names = ReferenceNames::from_json(reference.as_bytes()).unwrap();
    for (template, json, expected) in cases {
        let html = support::render_with(template, json, &names, &NoInlineImages).unwrap();
        assert_eq!(html, *expected, "{template} with {json}");
    }
}

#[test]
fn names_stand_for_codes_where_they_are_known() {
    with_names(&[
        (
            "{{getPrisonName p}}",
            r#"{"p": "MDI"}"#,
            "Moorland &amp; Co",
        ),
        ("{{{getPrisonName p}}}", r#"{"p": "MDI"}"#, "Moorland & Co"),
        ("{{getPrisonName p}}", r#"{"p": "ZZZ"}"#, "ZZZ"),
        ("{{getPrisonName p}}", r#"{"p": "mdi"}"#, "mdi"),
        ("{{getPrisonName p}}", r#"{"p": ""}"#, NDH),
        ("{{getPrisonName p}}", r#"{"p": null}"#, NDH),
        ("{{getPrisonName p}}", r#"{"p": 5}"#, "5"),
        ("{{getPrisonName \"LEI\"}}", "{}", "Leeds"),
        ("{{getUserLastName u}}", r#"{"u": "A_GEN"}"#, "O&#x27;Neil"),
        ("{{getUserLastName u}}", r#"{"u": "B_GEN"}"#, "B_GEN"),
        ("{{getUserLastName u}}", r#"{"u": " "}"#, NDH),
        ("{{getUserLastName u}}", "{}", NDH),
        (
            "{{getLocationNameByDpsId l}}",
            r#"{"l": "abc-1"}"#,
            "A-1-001",
        ),
        ("{{getLocationNameByDpsId l}}", r#"{"l": "abc-2"}"#, "abc-2"),
        ("{{getLocationNameByDpsId l}}", r#"{"l": " "}"#, NDH),
        ("{{getLocationNameByDpsId l}}", "{}", NDH),
        (
            "{{getLocationNameByNomisId l}}",
            r#"{"l": 12}"#,
            "Wing &lt;B&gt;",
        ),
        (
            "{{getLocationNameByNomisId l}}",
            r#"{"l": 9007199254740993}"#,
            "Far",
        ),
        ("{{getLocationNameByNomisId l}}", r#"{"l": 13}"#, "13"),
        (
            "{{getLocationNameByNomisId l}}",
            r#"{"l": "12"}"#,
            "Wing &lt;B&gt;",
        ),
        ("{{getLocationNameByNomisId l}}", r#"{"l": null}"#, NDH),
    ]);
}

#[test]
fn names_are_looked_up_in_loops_and_sub_expressions() {
    with_names(&[
        (
            "{{#each l}}{{getPrisonName this}};{{/each}}",
            r#"{"l": ["MDI", "X", null, "LEI"]}"#,
            "Moorland &amp; Co;X;No Data Held;Leeds;",
        ),
        (
            "{{#each l}}{{getUserLastName ../u}}{{@index}}{{/each}}",
            r#"{"u": "A_GEN", "l": [1, 2]}"#,
            "O&#x27;Neil0O&#x27;Neil1",
        ),
        (
            "{{optionalValue (getPrisonName p) \"-\"}}",
            r#"{"p": null}"#,
            NDH,
        ),
        (
            "{{#if (eq (getPrisonName p) \"Leeds\")}}y{{/if}}",
            r#"{"p": "LEI"}"#,
            "y",
        ),
        (
            "{{#*inline \"r\"}}{{v}}{{/inline}}{{> r v=(getPrisonName p)}}",
            r#"{"p": "LEI"}"#,
            "Leeds",
        ),
    ]);
}

#[test]
fn convert_boolean_knows_these_values_and_no_others() {
    for (value, printed) in [
        ("true", "Yes"),
        ("1", "Yes"),
        ("\"1\"", "Yes"),
        ("\"true\"", "Yes"),
        ("false", "No"),
        ("0", "No"),
        ("\"0\"", "No"),
        ("\"false\"", "No"),
        ("null", NDH),
        ("\"TRUE\"", "TRUE"),
        ("\"False\"", "False"),
        ("\"yes\"", "yes"),
        ("2", "2"),
        ("-1", "-1"),
        ("\"\"", ""),
        ("\" true\"", " true"),
        ("[]", "[]"),
        ("[true]", "[true]"),
        ("{}", "{}"),
        ("10", "10"),
    ] {
        agree(&[(
            "{{convertBoolean v}}",
            &format!(r#"{{"v": {value}}}"#),
            printed,
        )]);
    }
    agree(&[
        ("{{convertBoolean gone}}", "{}", NDH),
        (
            "{{#each l}}{{convertBoolean this}} {{/each}}",
            r#"{"l": [true, false]}"#,
            "Yes No ",
        ),
    ]);
}

#[test]
fn build_date_joins_three_parts() {
    agree(&[
        (
            "{{buildDate y m d}}",
            r#"{"y": "2024", "m": "05", "d": "01"}"#,
            "01 May 2024",
        ),
        (
            "{{buildDate y m d}}",
            r#"{"y": "2024", "m": "5", "d": "1"}"#,
            "01 May 2024",
        ),
        (
            "{{buildDate y m d}}",
            r#"{"y": "2024", "m": " ", "d": "1"}"#,
            NDH,
        ),
        (
            "{{buildDate y m d}}",
            r#"{"y": "2024", "m": "", "d": "1"}"#,
            NDH,
        ),
        (
            "{{buildDate y m d}}",
            r#"{"y": null, "m": "5", "d": "1"}"#,
            NDH,
        ),
        ("{{buildDate y m d}}", r#"{"y": "2024", "m": "5"}"#, NDH),
        (
            "{{buildDate y m d}}",
            r#"{"y": 2024, "m": 5, "d": 1}"#,
            "01 May 2024",
        ),
        (
            "{{buildDate y m d}}",
            r#"{"y": "24", "m": "5", "d": "1"}"#,
            "01 May 0024",
        ),
        (
            "{{buildDate y m d}}",
            r#"{"y": "2024", "m": "13", "d": "1"}"#,
            "2024-13-01",
        ),
        (
            "{{buildDate y m d}}",
            r#"{"y": "2023", "m": "2", "d": "30"}"#,
            "28 February 2023",
        ),
        (
            "{{buildDate y m d}}",
            r#"{"y": "2024", "m": "May", "d": "1"}"#,
            "2024-May-01",
        ),
        (
            "{{buildDate y m d}}",
            r#"{"y": "20245", "m": "5", "d": "1"}"#,
            "20245-05-01",
        ),
        (
            "{{buildDate a.y a.m a.d}} {{buildDate b-c.d-year b-c.d-month b-c.d-day}}",
            r#"{"a": {"y": "2024", "m": "2", "d": "29"}, "b-c": {"d-year": "1999", "d-month": "12", "d-day": "31"}}"#,
            "29 February 2024 31 December 1999",
        ),
    ]);
}

#[test]
fn build_date_number_truncates_its_parts() {
    agree(&[
        (
            "{{buildDateNumber y m d}}",
            r#"{"y": 2024, "m": 5, "d": 1}"#,
            "01 May 2024",
        ),
        (
            "{{buildDateNumber y m d}}",
            r#"{"y": 2024.0, "m": 5.9, "d": 1.99}"#,
            "01 May 2024",
        ),
        (
            "{{buildDateNumber y m d}}",
            r#"{"y": 2024, "m": null, "d": 1}"#,
            NDH,
        ),
        ("{{buildDateNumber y m d}}", r#"{"y": 2024, "m": 5}"#, NDH),
        (
            "{{buildDateNumber y m d}}",
            r#"{"y": 2024, "m": 13, "d": 1}"#,
            "2024-13-01",
        ),
        (
            "{{buildDateNumber y m d}}",
            r#"{"y": "2024", "m": "5", "d": "1"}"#,
            "01 May 2024",
        ),
        (
            "{{buildDateNumber l.[0] l.[1] l.[2]}}",
            r#"{"l": [2023, 2, 29]}"#,
            "28 February 2023",
        ),
        (
            "{{#each l}}{{buildDateNumber this.[0] this.[1] this.[2]}};{{/each}}",
            r#"{"l": [[2023, 1, 2], [2023]]}"#,
            "02 January 2023;No Data Held;",
        ),
    ]);
}

#[test]
fn eq_compares_texts() {
    for (a, b, equal) in [
        ("\"a\"", "\"a\"", true),
        ("\"a\"", "\"A\"", false),
        ("1", "\"1\"", true),
        ("true", "\"true\"", true),
        ("null", "null", true),
        ("null", "\"\"", false),
        ("\"\"", "null", false),
        ("null", "\"null\"", false),
        ("1.0", "1", false),
        ("[1]", "\"[1]\"", true),
        ("0", "false", false),
        ("\"a \"", "\"a\"", false),
    ] {
        agree(&[(
            "{{#if (eq a b)}}y{{else}}n{{/if}}",
            &format!(r#"{{"a": {a}, "b": {b}}}"#),
            if equal { "y" } else { "n" },
        )]);
    }
    agree(&[
        ("{{#if (eq gone missing)}}y{{/if}}", "{}", "y"),
        ("{{eq a 1}} {{eq a 2}}", r#"{"a": 1}"#, "true false"),
    ]);
}

#[test]
fn convert_camel_case_splits_where_the_kind_of_character_changes() {
    for (text, words) in [
        ("fooBar", "foo bar"),
        ("FooBar", "foo bar"),
        ("ABC", "abc"),
        ("ABCDef", "abc def"),
        ("foo200Bar", "foo 200 bar"),
        ("foo_bar", "foo _ bar"),
        ("FOO_BAR", "foo _ bar"),
        ("a1b2", "a 1 b 2"),
        ("Has Space", "Has Space"),
        ("one.two", "one . two"),
        ("a--b", "a -- b"),
        ("", NDH),
        ("x", "x"),
        ("X", "x"),
        ("éÀb", "é àb"),
        ("isURLSet", "is url set"),
        ("riskOfHarm?", "risk of harm ?"),
        (" ", " "),
        ("aB", "a b"),
        ("Ab", "ab"),
        ("ABc", "a bc"),
        ("a-B", "a - b"),
        ("x.-_y", "x . - _ y"),
        ("(a)b", "( a ) b"),
        ("[[x]]", "[[ x ]]"),
        ("£5", "£ 5"),
        ("a😀b", "a 😀 b"),
        ("1a", "1 a"),
        ("aΒγΔ", "a βγ δ"),
    ] {
        agree(&[(
            "{{convertCamelCase v}}",
            &format!(r#"{{"v": "{text}"}}"#),
            words,
        )]);
    }
    agree(&[
        ("{{convertCamelCase v}}", r#"{"v": null}"#, NDH),
        ("{{convertCamelCase v}}", r#"{"v": 12}"#, "12"),
        ("{{convertCamelCase v}}", r#"{"v": true}"#, "true"),
        (
            "{{#each o}}{{convertCamelCase @key}}: {{this}};{{/each}}",
            r#"{"o": {"firstName": "A", "dob": "B"}}"#,
            "first name: A;dob: B;",
        ),
    ]);
}

#[test]
fn helpers_without_arguments_or_with_too_many_go_on() {
    agree(&[
        ("{{optionalValue a \"b\" \"c\"}}", "{}", "b"),
        (
            "{{formatDate d \"x\"}}",
            r#"{"d": "2024-05-01"}"#,
            "01 May 2024",
        ),
        ("{{buildDate \"2024\"}}", "{}", NDH),
        ("{{#if (eq a)}}y{{/if}}", "{}", "y"),
    ]);
}
