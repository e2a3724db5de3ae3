//! `#if`, `#unless`, `#each`, `#with`, `else` chains and names for values.

use crate::support::all;

#[test]
fn conditions_take_values_and_helpers() {
    let json = r#"{"type": "B", "n": 0, "l": [1]}"#;
    all(&[
        (r#"{{#if (eq type "B")}}b{{else}}c{{/if}}"#, json, "b"),
        (r#"{{#if (eq type 'A')}}b{{else}}c{{/if}}"#, json, "c"),
        (r#"{{#unless (eq type "A")}}b{{/unless}}"#, json, "b"),
        (
            "{{#if (eq (convertCamelCase (optionalValue type)) \"b\")}}x{{/if}}",
            json,
            "x",
        ),
        ("{{#if l}}{{l.[0]}}{{/if}}", json, "1"),
        ("{{# if type }}x{{/ if }}", json, "x"),
    ]);
}

#[test]
fn else_if_is_tried_in_order() {
    let template = "{{#if a}}A{{else if b}}B{{else if c}}C{{else}}D{{/if}}";
    all(&[
        (template, r#"{"a": 1, "b": 1}"#, "A"),
        (template, r#"{"b": 1, "c": 1}"#, "B"),
        (template, r#"{"c": 1}"#, "C"),
        (template, "{}", "D"),
        ("{{#if a}}A{{else unless b}}B{{/if}}", "{}", "B"),
        (
            "{{#if a}}A{{else with b}}{{x}}{{/if}}",
            r#"{"b": {"x": 1}}"#,
            "1",
        ),
        (
            "{{#each a}}A{{else each b}}{{this}}{{/each}}",
            r#"{"a": [], "b": [1, 2]}"#,
            "12",
        ),
        (
            "{{#a}}A{{else b}}{{x}}{{else}}C{{/a}}",
            r#"{"b": {"x": 1}}"#,
            "1",
        ),
        (
            "{{#if a}}A{{ else }}B{{/if}}{{#if a}}A{{~ else ~}}B{{/if}}",
            "{}",
            "BB",
        ),
    ]);
}

#[test]
fn each_goes_over_lists_and_objects() {
    all(&[
        (
            "{{#each l}}{{x}}{{/each}}",
            r#"{"l": [{"x": 1}, {"x": 2}]}"#,
            "12",
        ),
        (
            "{{#each o}}{{@key}}:{{this}} {{/each}}",
            r#"{"o": {"b": 1, "a": 2}}"#,
            "b:1 a:2 ",
        ),
        (
            "{{#each o}}{{@key}}:{{x}} {{/each}}",
            r#"{"o": {"b": {"x": 1}}}"#,
            "b:1 ",
        ),
        ("{{#each l}}a{{else}}none{{/each}}", r#"{"l": []}"#, "none"),
        ("{{#each l}}a{{else}}none{{/each}}", r#"{"l": {}}"#, "none"),
        ("{{#each l}}a{{else}}none{{/each}}", "{}", "none"),
        ("{{#each l}}a{{^}}none{{/each}}", r#"{"l": null}"#, "none"),
        (
            "{{#each a.b.c}}{{.}}{{/each}}",
            r#"{"a": {"b": {"c": [1]}}}"#,
            "1",
        ),
        (
            "{{#each l}}{{#each m}}{{y}}{{x}}{{/each}}{{/each}}",
            r#"{"l": [{"x": 1, "m": [{"y": 2}, {"y": 3}]}]}"#,
            "2131",
        ),
        ("{{#each}}{{.}}{{/each}}", "[1, 2]", "12"),
    ]);
}

#[test]
fn with_enters_what_is_there() {
    all(&[
        ("{{#with o}}{{x}}{{/with}}", r#"{"o": {"x": 1}}"#, "1"),
        (
            "{{#with o.p}}{{x}}{{../y}}{{/with}}",
            r#"{"y": 2, "o": {"p": {"x": 1}}}"#,
            "12",
        ),
        ("{{#with o}}a{{else}}b{{/with}}", r#"{"o": null}"#, "b"),
        (
            "{{#with (lookup o k)}}{{x}}{{/with}}",
            r#"{"k": "p", "o": {"p": {"x": 1}}}"#,
            "1",
        ),
    ]);
}

#[test]
fn values_get_names() {
    let json = r#"{"l": [{"x": 1}, {"x": 2}], "o": {"k": "v"}, "x": "r"}"#;
    all(&[
        (
            "{{#each l as |item i|}}{{i}}{{item.x}} {{/each}}",
            json,
            "01 12 ",
        ),
        (
            "{{#each o as |value key|}}{{key}}={{value}}{{/each}}",
            json,
            "k=v",
        ),
        ("{{#with o as |p|}}{{p.k}}{{k}}{{/with}}", json, "vv"),
        ("{{#l as |item|}}{{item.x}}{{/l}}", json, "12"),
        (
            "{{#each l as |a|}}{{#each ../l as |b|}}{{a.x}}{{b.x}} {{/each}}{{/each}}",
            json,
            "11 12 21 22 ",
        ),
        (
            "{{#each l as | item |}}{{x}}{{this.x}}{{@index}} {{/each}}",
            json,
            "110 221 ",
        ),
        // A name that a helper has too.
        ("{{#each l as |eq|}}{{eq.x}}{{/each}}", json, "12"),
        ("{{#with x as |eq|}}{{eq}}{{/with}}", json, "r"),
    ]);
}

#[test]
fn blocks_stand_in_attributes_too() {
    all(&[(
        "<p{{#if x}} class=\"title\"{{/if}}>{{x}}</p>",
        r#"{"x": 1}"#,
        "<p class=\"title\">1</p>",
    )]);
}
