use super::agree;

#[test]
fn an_inline_partial_is_shown_where_it_is_called() {
    agree(&[
        (
            "{{#*inline \"p\"}}[{{n}}]{{/inline}}{{> p}}{{>p}}{{> \"p\"}}",
            r#"{"n": 1}"#,
            "[1][1][1]",
        ),
        ("{{#*inline \"p\"}}x{{/inline}}", "{}", ""),
        ("{{> p}}{{#*inline \"p\"}}x{{/inline}}", "{}", "x"),
        ("{{#*inline \"p-q_r\"}}x{{/inline}}{{> p-q_r}}", "{}", "x"),
        (
            "{{#*inline \"p\"}}{{n}}{{/inline}}{{#each l}}{{> p}}{{/each}}",
            r#"{"l": [{"n": 1}, {"n": 2}]}"#,
            "12",
        ),
        (
            "{{#*inline \"p\"}}{{this}}{{/inline}}{{#each l}}{{> p}}{{/each}}",
            r#"{"l": ["a", "b"]}"#,
            "ab",
        ),
        (
            "{{#*inline \"p\"}}{{n}}{{/inline}}{{> p o}}{{> p this}}",
            r#"{"n": 1, "o": {"n": 2}}"#,
            "21",
        ),
    ]);
}

#[test]
fn a_partial_takes_named_values() {
    agree(&[
        (
            "{{#*inline \"row\"}}<td>{{label}}</td><td>{{value}}</td>{{/inline}}{{> row label=\"Name\" value=name}}",
            r#"{"name": "A & B"}"#,
            "<td>Name</td><td>A &amp; B</td>",
        ),
        (
            "{{#*inline \"p\"}}{{optionalValue v}}{{/inline}}{{> p v=a}},{{> p v=gone}},{{> p v=(formatDate d)}},{{> p v=\"\"}}",
            r#"{"a": 1, "d": "2024-05-01"}"#,
            "1,No Data Held,01 May 2024,No Data Held",
        ),
        (
            "{{#*inline \"p\"}}{{#each rows}}{{n}}{{label}}{{/each}}{{/inline}}{{> p rows=l label=\"x\"}}",
            r#"{"l": [{"n": 1}, {"n": 2, "label": "own"}]}"#,
            "1x2own",
        ),
        (
            "{{#*inline \"p\"}}{{a}}{{b}}{{/inline}}{{> p a=1}}{{> p b=2}}",
            r#"{"a": "A", "b": "B"}"#,
            "1BA2",
        ),
        (
            "{{#*inline \"p\"}}{{#if on}}y{{else}}n{{/if}}{{/inline}}{{> p on=true}}{{> p on=false}}",
            "{}",
            "yn",
        ),
        (
            "{{#*inline \"p\"}}{{i}}{{/inline}}{{#each l}}{{> p i=(getIndexPlusOne @index)}}{{/each}}",
            r#"{"l": [0, 0]}"#,
            "12",
        ),
        (
            "{{#*inline \"p\"}}{{i}}{{@index}}{{v}}{{/inline}}{{#each l}}{{> p i=@index v=(optionalValue (formatDate this) \"-\")}};{{/each}}",
            r#"{"l": ["2024-05-01", null]}"#,
            "0001 May 2024;11-;",
        ),
        (
            "{{#*inline \"p\"}}{{x.y.[0]}}{{/inline}}{{> p x=o}}",
            r#"{"o": {"y": [5]}}"#,
            "5",
        ),
    ]);
}

#[test]
fn partials_call_each_other_and_stand_in_blocks() {
    agree(&[
        (
            "{{#*inline \"a\"}}({{> b v=v}}){{/inline}}{{#*inline \"b\"}}{{v}}{{/inline}}{{> a v=1}}",
            "{}",
            "(1)",
        ),
        (
            "{{#*inline \"p\"}}{{@index}}{{n}}{{/inline}}{{#each l}}{{#if n}}{{> p}}{{/if}}{{/each}}",
            r#"{"l": [{"n": 1}, {}, {"n": 3}]}"#,
            "0123",
        ),
        (
            "{{#with o}}{{#*inline \"p\"}}{{n}}{{/inline}}{{> p}}{{/with}}",
            r#"{"o": {"n": 1}}"#,
            "1",
        ),
        (
            "{{#*inline \"p\"}}{{#if l}}{{#each l}}{{n}}{{> p}}{{/each}}{{/if}}{{/inline}}{{> p}}",
            r#"{"l": [{"n": 1, "l": [{"n": 2, "l": []}]}, {"n": 3, "l": []}]}"#,
            "123",
        ),
    ]);
}
