//! Tags, comments, delimiters, escapes, white space control.

use crate::support::all;

#[test]
fn values_are_escaped_and_raw_ones_are_not() {
    let json = r#"{"x": "&<>\"'`=/"}"#;
    let escaped = "&amp;&lt;&gt;&quot;&#x27;&#x60;&#x3D;/";
    all(&[
        ("{{x}}", json, escaped),
        ("{{ x }}", json, escaped),
        ("{{\n x\t}}", json, escaped),
        ("{{{x}}}", json, "&<>\"'`=/"),
        ("{{{ x }}}", json, "&<>\"'`=/"),
        ("{{&x}}", json, "&<>\"'`=/"),
        ("{{& x }}", json, "&<>\"'`=/"),
    ]);
}

#[test]
fn what_is_already_an_entity_is_escaped_again() {
    all(&[("{{x}}", r#"{"x": "&amp;"}"#, "&amp;amp;")]);
}

#[test]
fn comments_are_dropped_whatever_they_hold() {
    all(&[
        ("a{{! x }}b", "{}", "ab"),
        ("a{{!x}}b", "{}", "ab"),
        ("a{{!-- {{x}} }} --}}b", r#"{"x": 1}"#, "ab"),
        ("a{{!--x--}}b", "{}", "ab"),
        ("a{{!-- two\nlines --}}b", "{}", "ab"),
        ("a {{~! x ~}} b", "{}", "ab"),
        ("a {{~!-- x --~}} b", "{}", "ab"),
        ("a{{!}}b", "{}", "ab"),
    ]);
}

#[test]
fn html_comments_are_not_special() {
    all(&[("<!-- {{x}} -->", r#"{"x": 1}"#, "<!-- 1 -->")]);
}

#[test]
fn a_backslash_makes_a_tag_text() {
    all(&[
        (r"\{{x}}", r#"{"x": 1}"#, "{{x}}"),
        (r"a \{{x}} {{x}}", r#"{"x": 1}"#, "a {{x}} 1"),
        (r"\\{{x}}", r#"{"x": 1}"#, r"\1"),
        (r"C:\dir {{x}}", r#"{"x": 1}"#, r"C:\dir 1"),
        (r"\{{x", "{}", "{{x"),
    ]);
}

#[test]
fn delimiters_can_be_set_and_set_back() {
    all(&[
        (
            "{{=<% %>=}}<% x %> {{x}}<%={{ }}=%> {{x}}",
            r#"{"x": 1}"#,
            "1 {{x}} 1",
        ),
        ("{{=| |=}}|x||#y|a|/y|", r#"{"x": 1, "y": true}"#, "1a"),
        ("{{= << >> =}}<<&x>><<{x}>>", r#"{"x": "<"}"#, "<<"),
    ]);
}

#[test]
fn a_tilde_drops_white_space_on_its_side() {
    all(&[
        ("a  {{~x}}  b", r#"{"x": 1}"#, "a1  b"),
        ("a  {{x~}}  \n b", r#"{"x": 1}"#, "a  1b"),
        (
            "a \n {{~#if x~}} y {{~else~}} z {{~/if~}} b",
            r#"{"x": 1}"#,
            "ayb",
        ),
        (
            "a \n {{~#if x~}} y {{~else~}} z {{~/if~}} b",
            r#"{"x": 0}"#,
            "azb",
        ),
        ("a {{~^x~}} y {{~/x~}} b", "{}", "ayb"),
        ("a {{~{x}~}} b", r#"{"x": "<"}"#, "a<b"),
        ("a {{~> p ~}} b{{#*inline \"p\"}}c{{/inline}}", "{}", "acb"),
    ]);
}

#[test]
fn white_space_is_kept_otherwise() {
    all(&[(
        "a\n  {{#if x}}\n  b\n  {{/if}}\nc",
        r#"{"x": 1}"#,
        "a\n  \n  b\n  \nc",
    )]);
}

#[test]
fn single_braces_and_stray_ends_are_text() {
    all(&[
        ("a { b } c }} d {", "{}", "a { b } c }} d {"),
        (
            "<style>p { color: red }</style>",
            "{}",
            "<style>p { color: red }</style>",
        ),
        ("", "{}", ""),
    ]);
}

#[test]
fn raw_blocks_show_their_text_as_it_is() {
    all(&[
        (
            "{{{{x}}}}{{y}}{{{{/x}}}}",
            r#"{"x": true, "y": 1}"#,
            "{{y}}",
        ),
        ("{{{{x}}}}{{y}}{{{{/x}}}}", r#"{"y": 1}"#, ""),
    ]);
}

#[test]
fn literals_are_arguments() {
    all(&[
        (r#"{{optionalValue x "it's"}}"#, "{}", "it&#x27;s"),
        (
            r#"{{optionalValue x 'say "x"'}}"#,
            "{}",
            "say &quot;x&quot;",
        ),
        (
            r#"{{optionalValue x "a \"b\" c"}}"#,
            "{}",
            "a &quot;b&quot; c",
        ),
        ("{{optionalValue x 12}}", "{}", "12"),
        ("{{optionalValue x -12}}", "{}", "-12"),
        ("{{optionalValue x 1.50}}", "{}", "1.5"),
        ("{{optionalValue x true}}", "{}", "true"),
        ("{{optionalValue x false}}", "{}", "false"),
        ("{{optionalValue null \"-\"}}", "{}", "-"),
        ("{{optionalValue undefined \"-\"}}", "{}", "-"),
        (
            "{{#if true}}a{{/if}}{{#if false}}b{{/if}}{{#if 0}}c{{/if}}",
            "{}",
            "a",
        ),
        (r#"{{optionalValue x "}}"}}"#, "{}", "}}"),
    ]);
}

#[test]
fn names_may_have_hyphens_digits_and_letters_of_any_script() {
    all(&[
        (
            "{{bail-hearing-date.hearingDate-day}}",
            r#"{"bail-hearing-date": {"hearingDate-day": "4"}}"#,
            "4",
        ),
        (
            "{{line1}}{{_x}}{{$y}}{{a:b}}",
            r#"{"line1": 1, "_x": 2, "$y": 3, "a:b": 4}"#,
            "1234",
        ),
        ("{{größe}}", r#"{"größe": "L"}"#, "L"),
        (
            "{{elsewhere}}{{thisOne}}{{asIs}}",
            r#"{"elsewhere": 1, "thisOne": 2, "asIs": 3}"#,
            "123",
        ),
        ("{{iffy}}{{eachOne}}", r#"{"iffy": 1, "eachOne": 2}"#, "12"),
    ]);
}
