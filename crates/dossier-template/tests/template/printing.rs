//! Values as Java prints them.

use dossier_template::double_to_text;

use crate::support::{all, html};

#[test]
fn whole_numbers_stay_as_they_are() {
    for number in [
        "0",
        "7",
        "-12",
        "9007199254740993",
        "123456789012345678901234567890",
    ] {
        assert_eq!(html("{{this}}", number), number);
    }
    assert_eq!(html("{{this}}", "-0"), "0");
}

#[test]
fn other_numbers_are_printed_as_javas_double() {
    for (json, text) in [
        ("1.0", "1.0"),
        ("1.10", "1.1"),
        ("100.00", "100.0"),
        ("0.5", "0.5"),
        ("-0.25", "-0.25"),
        ("-0.0", "-0.0"),
        ("0.001", "0.001"),
        ("0.00099", "9.9E-4"),
        ("0.0001", "1.0E-4"),
        ("0.00001", "1.0E-5"),
        ("1e2", "100.0"),
        ("9999999.0", "9999999.0"),
        ("10000000.0", "1.0E7"),
        ("12345678.9", "1.23456789E7"),
        ("1e10", "1.0E10"),
        ("1E+21", "1.0E21"),
        ("51.5073509", "51.5073509"),
        ("-0.1277583", "-0.1277583"),
        ("123456.789", "123456.789"),
        ("0.1", "0.1"),
        ("2e23", "2.0E23"),
        ("4.9e-324", "4.9E-324"),
        ("5e-324", "4.9E-324"),
        ("2.2250738585072014E-308", "2.2250738585072014E-308"),
        ("1.7976931348623157e308", "1.7976931348623157E308"),
        ("1e400", "Infinity"),
        ("-1e400", "-Infinity"),
        ("1e-400", "0.0"),
        ("9.999999e6", "9999999.0"),
        ("1234567.125", "1234567.125"),
    ] {
        assert_eq!(html("{{this}}", json), text, "{json}");
    }
}

#[test]
fn a_printed_double_is_read_as_the_same() {
    for exponent in -320..308 {
        let number: f64 = format!("1.2345678901234567e{exponent}").parse().unwrap();
        let text = double_to_text(number);
        assert_eq!(text.parse(), Ok(number), "{text}");
    }
}

#[test]
fn lists_and_objects_are_printed_as_javas() {
    all(&[
        ("{{this}}", r#"["a", "b"]"#, "[a, b]"),
        ("{{this}}", "[]", "[]"),
        ("{{this}}", "{}", "{}"),
        ("{{{this}}}", r#"{"k": "v", "k2": "v2"}"#, "{k=v, k2=v2}"),
        ("{{this}}", r#"{"k": "v"}"#, "{k&#x3D;v}"),
        (
            "{{{this}}}",
            r#"{"a": [1, 2.0, null, true, {"b": {}}], "c": null}"#,
            "{a=[1, 2.0, null, true, {b={}}], c=null}",
        ),
        ("{{x}}", r#"{"x": ["<", "é\n"]}"#, "[&lt;, é\n]"),
    ]);
}

#[test]
fn booleans_are_words() {
    all(&[("{{a}} {{b}}", r#"{"a": true, "b": false}"#, "true false")]);
}

#[test]
fn texts_are_unescaped() {
    all(&[
        (
            "{{{this}}}",
            r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#,
            "\"\\/\u{8}\u{c}\n\r\té😀",
        ),
        ("{{this}}", r#""\ud83d""#, "\u{fffd}"),
        ("{{this}}", r#""\ud83dx\ude00""#, "\u{fffd}x\u{fffd}"),
        ("{{this}}", r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
        (r"{{[a b]}}", r#"{"a\u0020b": 1}"#, "1"),
    ]);
}

#[test]
fn any_depth_is_printed() {
    let depth = 50_000;
    let json = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(html("{{this}}", &json), json);
}
