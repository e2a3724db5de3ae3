//! Inline partials.

use dossier_template::RenderError;

use crate::support::{all, failure};

#[test]
fn a_partial_is_shown_where_it_is_called() {
    all(&[
        (
            r#"{{#*inline "p"}}<{{x}}>{{/inline}}{{> p}}{{>p}}{{> "p"}}"#,
            r#"{"x": 1}"#,
            "<1><1><1>",
        ),
        (r#"{{> later}}{{#*inline "later"}}a{{/inline}}"#, "{}", "a"),
        (r#"{{#*inline 'a-b'}}x{{/inline}}{{> a-b }}"#, "{}", "x"),
        (r#"{{#*inline "a/b"}}x{{/inline}}{{> a/b}}"#, "{}", "x"),
        (r#"{{#*inline "a b"}}x{{/inline}}{{>[a b]}}"#, "{}", "x"),
        (r#"{{#*inline [a b]}}x{{/inline}}{{> "a b"}}"#, "{}", "x"),
        (
            r#"{{#*inline "a b"}}<{{> @partial-block}}>{{/inline}}{{#> [a b]}}x{{/[a b]}}"#,
            "{}",
            "<x>",
        ),
    ]);
}

#[test]
fn a_partial_takes_named_values_and_a_context() {
    let partial = r#"{{#*inline "row"}}{{label}}: {{optionalValue value}}{{/inline}}"#;
    let with = |call: &str| format!("{partial}{call}");
    let json = r#"{"label": "L", "o": {"value": 2, "label": "O"}, "n": null}"#;
    all(&[
        (
            &with(r#"{{> row label="Name" value=o.value}}"#),
            json,
            "Name: 2",
        ),
        (
            &with(r#"{{> row label='Name' value=(eq 1 1)}}"#),
            json,
            "Name: true",
        ),
        (&with("{{> row value=1}}"), json, "L: 1"),
        (&with("{{> row o}}"), json, "O: 2"),
        (&with("{{> row o label=\"X\"}}"), json, "X: 2"),
        (
            &with("{{> row label=\"X\" value=n}}"),
            json,
            "X: No Data Held",
        ),
        (&with("{{> row label = \"X\"}}"), json, "X: No Data Held"),
        (&with("{{#with o}}{{> row .}}{{/with}}"), json, "O: 2"),
        (
            &with("{{#with o}}{{> row label=../label}}{{/with}}"),
            json,
            "L: 2",
        ),
    ]);
}

#[test]
fn inside_of_loops_a_partial_sees_the_element_and_the_loop() {
    all(&[
        (
            r#"{{#*inline "p"}}{{@index}}{{this}}{{/inline}}{{#each l}}{{> p}} {{/each}}"#,
            r#"{"l": ["a", "b"]}"#,
            "0a 1b ",
        ),
        (
            r#"{{#*inline "p"}}{{#each m}}{{n}}{{label}} {{/each}}{{/inline}}{{> p label="x"}}"#,
            r#"{"m": [{"n": 1}, {"n": 2}]}"#,
            "1x 2x ",
        ),
    ]);
}

#[test]
fn two_dots_in_a_partial_are_its_callers_context() {
    all(&[(
        r#"{{#*inline "p"}}{{../x}}{{/inline}}{{#each l}}{{> p x="n"}}{{/each}}"#,
        r#"{"l": [{"x": "e"}, {}], "x": "r"}"#,
        "er",
    )]);
}

#[test]
fn partials_are_defined_within_their_block_and_below() {
    let template = r#"{{#*inline "p"}}out{{/inline}}{{#if t}}{{#*inline "p"}}in{{/inline}}{{> p}}{{/if}}{{> p}}"#;
    all(&[
        (template, r#"{"t": 1}"#, "inout"),
        (
            r#"{{#*inline "a"}}{{> b}}{{/inline}}{{#*inline "b"}}B{{/inline}}{{> a}}"#,
            "{}",
            "B",
        ),
        (
            r#"{{#*inline "a"}}{{#*inline "b"}}B{{/inline}}{{> b}}{{/inline}}{{> a}}"#,
            "{}",
            "B",
        ),
        (
            r#"{{#*inline "p"}}1{{/inline}}{{#*inline "p"}}2{{/inline}}{{> p}}"#,
            "{}",
            "2",
        ),
    ]);
    let hidden = r#"{{#if t}}{{#*inline "p"}}in{{/inline}}{{/if}}{{> p}}"#;
    assert!(matches!(
        failure(hidden, r#"{"t": 1}"#),
        RenderError::NoSuchPartial { place } if (place.line, place.column) == (1, 46)
    ));
}

#[test]
fn a_partials_name_can_be_computed() {
    all(&[(
        r#"{{#*inline "a"}}A{{/inline}}{{#*inline "b"}}B{{/inline}}{{#each l}}{{> (lookup . "t")}}{{/each}}"#,
        r#"{"l": [{"t": "b"}, {"t": "a"}]}"#,
        "BA",
    )]);
}

#[test]
fn a_partial_block_goes_into_its_partial_or_stands_for_it() {
    all(&[
        (
            r#"{{#*inline "p"}}<{{> @partial-block}}>{{/inline}}{{#> p}}{{x}}{{/p}}"#,
            r#"{"x": 1}"#,
            "<1>",
        ),
        ("{{#> nowhere}}instead{{/nowhere}}", "{}", "instead"),
        (
            r#"{{#*inline "p"}}{{> q}}{{/inline}}{{#> p}}{{#*inline "q"}}Q{{/inline}}{{/p}}"#,
            "{}",
            "Q",
        ),
        (
            r#"{{#*inline "a"}}[{{> @partial-block}}]{{/inline}}{{#*inline "b"}}({{#> a}}{{> @partial-block}}{{/a}}){{/inline}}{{#> b}}x{{/b}}"#,
            "{}",
            "([x])",
        ),
    ]);
}

#[test]
fn a_partial_can_call_itself_as_deep_as_the_data_goes() {
    all(&[(
        r#"{{#*inline "t"}}{{n}}{{#each c}}({{> t}}){{/each}}{{/inline}}{{> t}}"#,
        r#"{"n": 1, "c": [{"n": 2, "c": [{"n": 3, "c": []}]}, {"n": 4, "c": []}]}"#,
        "1(2(3))(4)",
    )]);
}

#[test]
fn a_partial_that_is_not_defined_fails_where_it_is_called() {
    all(&[("{{#if x}}{{> p}}{{/if}}", "{}", "")]);
    let error = failure("a\n  {{> p}}", "{}");
    assert!(error.to_string().starts_with("2:3: "), "{error}");
}
