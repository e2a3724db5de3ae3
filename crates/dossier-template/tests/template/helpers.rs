//! The helpers, a row of the dialect's table each.

use crate::support::{all, html};

const NDH: &str = "No Data Held";

/// What `{{helper x}}` gives for each JSON value of `x`.
#[track_caller]
fn each(helper: &str, cases: &[(&str, &str)]) {
    for (value, expected) in cases {
        let json = format!(r#"{{"x": {value}}}"#);
        assert_eq!(
            html(&format!("{{{{{{{helper} x}}}}}}"), &json),
            *expected,
            "{helper} {value}"
        );
    }
}

#[test]
fn optional_value() {
    each(
        "optionalValue",
        &[
            ("null", NDH),
            ("\"\"", NDH),
            ("\" \"", " "),
            ("\"a\"", "a"),
            ("false", "false"),
            ("0", "0"),
            ("[]", "[]"),
            ("{}", "{}"),
            ("[1]", "[1]"),
        ],
    );
    all(&[
        ("{{optionalValue nothing}}", "{}", NDH),
        ("{{optionalValue nothing \"None\"}}", "{}", "None"),
        ("{{optionalValue nothing \"\"}}", "{}", ""),
        ("{{optionalValue nothing other}}", r#"{"other": "o"}"#, "o"),
        ("{{optionalValue nothing other}}", "{}", NDH),
        ("{{optionalValue x \"None\"}}", r#"{"x": "<"}"#, "&lt;"),
        (
            "{{#each (optionalValue l)}}{{this}}{{/each}}",
            r#"{"l": [1, 2]}"#,
            "12",
        ),
    ]);
}

#[test]
fn optional_string() {
    each(
        "optionalString",
        &[
            ("null", NDH),
            ("\"\"", NDH),
            ("\" \\n\"", NDH),
            ("\" a\"", " a"),
            ("0", "0"),
            ("false", "false"),
            ("[1, 2]", "[1, 2]"),
        ],
    );
    all(&[("{{optionalString x 'None'}}", r#"{"x": " "}"#, "None")]);
}

#[test]
fn format_date_of_texts_and_of_anything() {
    each(
        "formatDate",
        &[
            ("null", ""),
            ("\"\"", ""),
            ("\"2024-05-01\"", "01 May 2024"),
            ("\"2023-10-21T16:30:41Z\"", "21 October 2023, 5:30:41 pm"),
            ("\"soon\"", "soon"),
            ("12", "12"),
            ("true", "true"),
            ("{\"a\": 1}", "{a=1}"),
        ],
    );
    all(&[
        ("{{formatDate nothing}}", "{}", ""),
        ("{{optionalValue (formatDate nothing)}}", "{}", NDH),
        (
            "{{optionalValue (formatDate x)}}",
            r#"{"x": "2021-02-31"}"#,
            "28 February 2021",
        ),
        (
            "{{formatDate \"2021-06-25T00:00Z\"}}",
            "{}",
            "25 June 2021, 1:00 am",
        ),
    ]);
}

#[test]
fn format_date_of_lists() {
    each(
        "formatDate",
        &[
            ("[2024, 5, 1]", "01 May 2024, 12:00 am"),
            ("[2024, 5, 1, 13, 5]", "01 May 2024, 1:05 pm"),
            ("[2024, 5, 1, 13, 5, 9]", "01 May 2024, 1:05:09 pm"),
            ("[2024, 5, 1, 13, 5, 0]", "01 May 2024, 1:05 pm"),
            (
                "[2024, 5, 1, 13, 5, 9, 123456789]",
                "01 May 2024, 1:05:09 pm",
            ),
            ("[\"2024\", \"05\", \"01\"]", "01 May 2024, 12:00 am"),
            ("[2024]", "01 January 2024, 12:00 am"),
            ("[2024, 2, 29]", "29 February 2024, 12:00 am"),
            ("[2024, 13, 1]", "[2024, 13, 1]"),
            ("[2023, 2, 29]", "[2023, 2, 29]"),
            ("[2024, 5, 1, 24]", "[2024, 5, 1, 24]"),
            ("[\"a\", \"b\"]", "[a, b]"),
            ("[2024, null]", "[2024, null]"),
            (
                "[99999999999999999999, 1, 1]",
                "[99999999999999999999, 1, 1]",
            ),
        ],
    );
}

#[test]
fn get_index_plus_one() {
    each(
        "getIndexPlusOne",
        &[
            ("null", ""),
            ("0", "1"),
            ("-1", "0"),
            ("\"4\"", "5"),
            ("1.5", "2.5"),
            ("\"x\"", "x"),
            ("true", "true"),
            ("9223372036854775807", "9223372036854775807"),
        ],
    );
    all(&[
        (
            "{{#each l}}{{getIndexPlusOne @index}}{{/each}}",
            "{\"l\": [1, 2]}",
            "12",
        ),
        (
            "{{#l}}{{#if (eq (getIndexPlusOne @index) 2)}}{{.}}{{/if}}{{/l}}",
            "{\"l\": [5, 6]}",
            "6",
        ),
    ]);
}

#[test]
fn convert_boolean() {
    each(
        "convertBoolean",
        &[
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
            ("\"\"", ""),
            ("2", "2"),
            ("1.0", "1.0"),
            ("[true]", "[true]"),
        ],
    );
}

#[test]
fn build_date() {
    let json = r#"{"y": "2024", "m": "5", "d": "1", "b": " ", "n": 7, "w": "x"}"#;
    all(&[
        ("{{buildDate y m d}}", json, "01 May 2024"),
        ("{{buildDate '24' m d}}", json, "01 May 0024"),
        ("{{buildDate y m b}}", json, NDH),
        ("{{buildDate y nothing d}}", json, NDH),
        ("{{buildDate y m}}", json, NDH),
        ("{{buildDate y n d}}", json, "01 July 2024"),
        ("{{buildDate y '13' d}}", json, "2024-13-01"),
        ("{{buildDate y w d}}", json, "2024-0x-01"),
        ("{{buildDate y '2' '31'}}", json, "29 February 2024"),
    ]);
}

#[test]
fn build_date_number() {
    let json = r#"{"y": 2024, "m": 5, "d": 1.9, "t": "3", "w": "x", "z": null}"#;
    all(&[
        ("{{buildDateNumber y m d}}", json, "01 May 2024"),
        ("{{buildDateNumber y m z}}", json, NDH),
        ("{{buildDateNumber y t d}}", json, "01 March 2024"),
        ("{{buildDateNumber y w d}}", json, "2024-0x-01"),
        ("{{buildDateNumber y 13 d}}", json, "2024-13-01"),
    ]);
}

#[test]
fn eq_compares_texts() {
    let json = r#"{"a": "1", "n": 1, "d": 1.0, "t": true, "z": null, "e": "", "l": [1, 2]}"#;
    for (arguments, expected) in [
        ("a \"1\"", "true"),
        ("a n", "true"),
        ("n 1", "true"),
        ("n d", "false"),
        ("t \"true\"", "true"),
        ("t true", "true"),
        ("z nothing", "true"),
        ("z e", "false"),
        ("e \"\"", "true"),
        ("a \"2\"", "false"),
        ("l \"[1, 2]\"", "true"),
        ("z null", "true"),
        ("z", "true"),
        ("a", "false"),
        ("\"B\" \"b\"", "false"),
    ] {
        assert_eq!(
            html(&format!("{{{{eq {arguments}}}}}"), json),
            expected,
            "{arguments}"
        );
    }
}

#[test]
fn convert_camel_case() {
    each(
        "convertCamelCase",
        &[
            ("null", NDH),
            ("\"\"", NDH),
            ("\"riskToSelf\"", "risk to self"),
            ("\"RiskToSelf\"", "risk to self"),
            ("\"has space aB\"", "has space aB"),
            ("\"HTMLParser\"", "html parser"),
            ("\"ABC\"", "abc"),
            ("\"line1Text\"", "line 1 text"),
            ("\"ROTL\"", "rotl"),
            ("\"NOT_SET\"", "not _ set"),
            ("\"a-b.c\"", "a - b . c"),
            ("\"foo200Bar\"", "foo 200 bar"),
            ("\"(a)\"", "( a )"),
            ("\"été20ÀB\"", "été 20 àb"),
            ("\"a😀😀b\"", "a 😀😀 b"),
            ("12", "12"),
            ("1.5", "1 . 5"),
            ("true", "true"),
        ],
    );
}

#[test]
fn lookup_takes_a_computed_name() {
    let json = r#"{"o": {"a": 1}, "l": [5, 6], "k": "a"}"#;
    all(&[
        (
            "{{lookup o k}}{{lookup o 'a'}}{{lookup l 1}}{{lookup o 'x'}}",
            json,
            "116",
        ),
        ("{{#each l}}{{lookup ../l @index}}{{/each}}", json, "56"),
    ]);
}

#[test]
fn a_helper_without_arguments_is_about_the_context() {
    all(&[
        (
            "{{#each l}}{{formatDate}}{{/each}}",
            r#"{"l": ["2024-05-01"]}"#,
            "01 May 2024",
        ),
        (
            "{{#each l}}{{optionalValue}},{{/each}}",
            r#"{"l": ["a", null]}"#,
            "a,No Data Held,",
        ),
    ]);
}

#[test]
fn a_member_that_is_named_like_a_helper_is_reached_through_this() {
    all(&[("{{this.eq}}{{./eq}}", r#"{"eq": 1}"#, "11")]);
}

#[test]
fn helpers_nest() {
    let json = r#"{"a": {"startDate": "2024-05-01"}}"#;
    all(&[
        (
            "{{ optionalValue (formatDate a.startDate) }}",
            json,
            "01 May 2024",
        ),
        (
            "{{optionalValue (optionalValue (formatDate (optionalValue x a.startDate)))}}",
            json,
            "01 May 2024",
        ),
        ("{{optionalValue(formatDate x)\"-\"}}", json, "-"),
        ("{{(optionalValue x)}}", json, NDH),
    ]);
}

#[test]
fn no_helper_fails_on_any_kind_of_value() {
    let helpers = [
        "optionalValue",
        "optionalString",
        "formatDate",
        "getIndexPlusOne",
        "getPrisonName",
        "getUserLastName",
        "getLocationNameByDpsId",
        "getLocationNameByNomisId",
        "convertBoolean",
        "buildDate",
        "buildDateNumber",
        "eq",
        "convertCamelCase",
        "inlineAttachment",
        "inlineAttachmentContent",
        "lookup",
    ];
    let values = [
        "null",
        "true",
        "0",
        "-1.5e300",
        "1e999",
        "123456789012345678901234567890",
        "\"\"",
        "\" \"",
        "\"x\"",
        "[]",
        "[null, {}]",
        "{}",
        "{\"url\": 1}",
        "[1e300, 2]",
    ];
    for helper in helpers {
        for value in values {
            let json = format!(r#"{{"x": {value}}}"#);
            for arguments in ["x", "x x", "x x x", "x x x x", ""] {
                html(&format!("{{{{{helper} {arguments}}}}}"), &json);
            }
        }
    }
}
