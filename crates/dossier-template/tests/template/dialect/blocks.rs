use super::agree;

#[test]
fn if_and_unless_keep_the_context() {
    agree(&[
        (
            "{{#if a}}{{n}}{{this.n}}{{a.n}}{{/if}}",
            r#"{"n": 1, "a": {"n": 2}}"#,
            "112",
        ),
        ("{{#unless a}}{{n}}{{/unless}}", r#"{"n": 1, "a": []}"#, "1"),
        (
            "{{#each l}}{{#if this}}{{this}}{{../n}}{{/if}}{{/each}}",
            r#"{"n": 1, "l": ["x", "", "y"]}"#,
            "x1y1",
        ),
        (
            "{{#each l}}{{#unless (eq this ../skip)}}{{this}}{{/unless}}{{/each}}",
            r#"{"skip": "b", "l": ["a", "b", "c"]}"#,
            "ac",
        ),
        (
            "{{#if a.b.c}}y{{/if}}{{#if a.[b].c}}y{{/if}}",
            r#"{"a": {"b": {"c": 1}}}"#,
            "yy",
        ),
        (
            "{{#if a}}{{#if b}}both{{else}}a{{/if}}{{else}}{{#if b}}b{{else}}neither{{/if}}{{/if}}",
            r#"{"b": 1}"#,
            "b",
        ),
    ]);
}

#[test]
fn else_if_chains_show_the_first_that_holds() {
    let template = "{{#if a}}A{{else if b}}B{{else if (eq c \"x\")}}C{{else}}D{{/if}}";
    agree(&[
        (template, r#"{"a": 1, "b": 1}"#, "A"),
        (template, r#"{"b": 1, "c": "x"}"#, "B"),
        (template, r#"{"c": "x"}"#, "C"),
        (template, r#"{"c": "y"}"#, "D"),
        ("{{#if a}}A{{else if b}}B{{/if}}|", "{}", "|"),
        ("{{#if a}}A{{else unless b}}B{{else}}C{{/if}}", "{}", "B"),
        (
            "{{#if a}}A{{else each l}}{{this}}{{else}}C{{/if}}",
            r#"{"l": [1, 2]}"#,
            "12",
        ),
        (
            "{{#each l}}{{#if (eq this 1)}}one{{else if (eq this 2)}}two{{else}}{{this}}{{/if}} {{/each}}",
            r#"{"l": [1, 2, 3]}"#,
            "one two 3 ",
        ),
        (
            "{{#if a}}A{{else if b}}{{#if c}}BC{{else}}B{{/if}}{{else}}D{{/if}}",
            r#"{"b": 1}"#,
            "B",
        ),
        ("{{#if a}}A{{~else if b~}} B {{~/if}}", r#"{"b": 1}"#, "B"),
    ]);
}

#[test]
fn each_goes_over_lists_and_objects() {
    agree(&[
        (
            "{{#each l}}{{@index}}{{this}}{{else}}none{{/each}}",
            r#"{"l": ["a", "b"]}"#,
            "0a1b",
        ),
        (
            "{{#each l}}x{{else}}none {{n}}{{/each}}",
            r#"{"n": 1, "l": []}"#,
            "none 1",
        ),
        ("{{#each l}}x{{else}}none{{/each}}", "{}", "none"),
        (
            "{{#each l}}x{{else}}none{{/each}}",
            r#"{"l": null}"#,
            "none",
        ),
        (
            "{{#each o}}{{@key}}={{this}};{{/each}}",
            r#"{"o": {"b": 1, "a": "x", "c": null}}"#,
            "b=1;a=x;c=;",
        ),
        ("{{#each o}}x{{else}}none{{/each}}", r#"{"o": {}}"#, "none"),
        (
            "{{#each o}}{{@key}}: {{n}} {{../n}};{{/each}}",
            r#"{"n": 9, "o": {"a": {"n": 1}, "b": {}}}"#,
            "a: 1 9;b: 9 9;",
        ),
        (
            "{{#each this}}{{@key}}{{this}}{{/each}}",
            r#"{"a": 1, "b": 2}"#,
            "a1b2",
        ),
        (
            "{{#each o}}{{#each this}}{{this}}{{else}}-{{/each}};{{/each}}",
            r#"{"o": {"a": [1, 2], "b": [], "c": {"d": 3}}}"#,
            "12;-;3;",
        ),
        (
            "{{#each a.b}}{{c}}{{/each}}",
            r#"{"a": {"b": [{"c": 1}, {"c": 2}]}}"#,
            "12",
        ),
        (
            "{{#each l}}{{#each m}}{{n}}{{else}}none in {{n}}{{/each}};{{/each}}",
            r#"{"l": [{"n": 1, "m": []}, {"n": 2, "m": [{"n": 3}]}]}"#,
            "none in 1;3;",
        ),
        (
            "{{#each l}}{{#if m}}{{#each m}}{{../n}}{{this}}{{/each}}{{else}}-{{/if}}{{/each}}",
            r#"{"l": [{"n": 1, "m": ["a"]}, {"n": 2}]}"#,
            "1a-",
        ),
    ]);
}

#[test]
fn with_enters_what_is_truthy() {
    agree(&[
        (
            "{{#with a}}{{n}}{{../n}}{{/with}}",
            r#"{"n": 1, "a": {"n": 2}}"#,
            "21",
        ),
        ("{{#with a}}x{{else}}{{n}}{{/with}}", r#"{"n": 1}"#, "1"),
        ("{{#with a}}{{this}}{{/with}}", r#"{"a": "s"}"#, "s"),
        (
            "{{#with a.b.[1]}}{{c}}{{/with}}",
            r#"{"a": {"b": [{"c": 1}, {"c": 2}]}}"#,
            "2",
        ),
        (
            "{{#with a}}{{#with b}}{{c}}{{d}}{{../../d}}{{/with}}{{/with}}",
            r#"{"d": 1, "a": {"b": {"c": 2}}}"#,
            "211",
        ),
        (
            "{{#with l}}{{this.[0]}}{{#each this}}({{this}}){{/each}}{{/with}}",
            r#"{"l": [1, 2]}"#,
            "1(1)(2)",
        ),
        ("{{#with a}}{{x}}{{/with}}", r#"{"x": 1, "a": {}}"#, "1"),
    ]);
}

#[test]
fn helpers_are_conditions_and_arguments_of_blocks() {
    agree(&[
        (
            "{{#if (eq type \"B\")}}b{{else}}other{{/if}}",
            r#"{"type": "B"}"#,
            "b",
        ),
        (
            "{{#if (eq type \"B\")}}b{{else}}other{{/if}}",
            r#"{"type": "A"}"#,
            "other",
        ),
        ("{{#unless (eq type \"B\")}}other{{/unless}}", "{}", "other"),
        (
            "{{#if (eq (convertBoolean a) \"Yes\")}}y{{/if}}",
            r#"{"a": true}"#,
            "y",
        ),
        (
            "{{#if (eq (convertBoolean a) (convertBoolean b))}}y{{/if}}",
            r#"{"a": 1, "b": "true"}"#,
            "y",
        ),
        (
            "{{#each (optionalValue l)}}{{@index}}{{n}}{{#unless @last}},{{/unless}}{{/each}}",
            r#"{"l": [{"n": 1}, {"n": 2}]}"#,
            "01,12",
        ),
        (
            "{{#with (optionalValue o)}}{{n}}{{/with}}",
            r#"{"o": {"n": 1}}"#,
            "1",
        ),
        ("{{#if (optionalValue gone)}}y{{/if}}", "{}", "y"),
        (
            "{{#each l}}{{#if (eq (getIndexPlusOne @index) 2)}}second {{this}}{{/if}}{{/each}}",
            r#"{"l": ["a", "b", "c"]}"#,
            "second b",
        ),
        (
            "{{#each l}}{{#unless (eq @key \"id\")}}{{@key}} {{/unless}}{{/each}}",
            r#"{"l": {"a": 1, "id": 2, "b": 3}}"#,
            "a b ",
        ),
        ("{{#if (formatDate d)}}y{{else}}n{{/if}}", "{}", "n"),
    ]);
}

#[test]
fn sub_expressions_nest() {
    agree(&[
        (
            "{{optionalValue (formatDate d)}}",
            r#"{"d": "2024-05-01"}"#,
            "01 May 2024",
        ),
        (
            "{{optionalValue (formatDate d)}}",
            r#"{"d": null}"#,
            "No Data Held",
        ),
        (
            "{{optionalValue (formatDate d) \"none\"}}",
            r#"{"d": ""}"#,
            "none",
        ),
        (
            "{{optionalValue (getUserLastName (optionalString u))}}",
            r#"{"u": "X_GEN"}"#,
            "X_GEN",
        ),
        (
            "{{convertCamelCase (optionalValue (optionalString a (optionalValue b \"c\")))}}",
            r#"{"a": " ", "b": "fooBar"}"#,
            "foo bar",
        ),
        (
            "{{formatDate (optionalValue a b)}}",
            r#"{"b": "2024-05-01"}"#,
            "01 May 2024",
        ),
        (
            "{{ optionalValue ( formatDate ( optionalValue d ) ) }}",
            r#"{"d": "01/05/2024"}"#,
            "01 May 2024",
        ),
        (
            "{{getIndexPlusOne (getIndexPlusOne n)}}",
            r#"{"n": 1}"#,
            "3",
        ),
        ("{{{optionalValue (optionalValue a \"<\")}}}", "{}", "<"),
        ("{{optionalValue (optionalValue a \"<\")}}", "{}", "&lt;"),
    ]);
}

#[test]
fn every_kind_of_block_in_every_other() {
    agree(&[
        (
            "{{#each a}}{{#if b}}{{#with c}}{{#d}}{{^e}}{{#unless f}}{{@index}}{{g}}{{../g}}{{../../g}}{{/unless}}{{/e}}{{/d}}{{/with}}{{/if}}{{/each}}",
            r#"{"a": [{"b": 1, "g": "A", "c": {"g": "C", "d": [{"g": "x"}, {"g": "y", "f": 1}, {"g": "z", "e": 1}]}}]}"#,
            "0xCA",
        ),
        (
            "{{#a}}{{#each b}}{{#if (eq c \"x\")}}{{@index}}{{else}}{{#unless @last}}-{{else}}!{{/unless}}{{/if}}{{/each}}{{/a}}",
            r#"{"a": {"b": [{"c": "x"}, {"c": "y"}, {"c": "z"}]}}"#,
            "0-!",
        ),
        (
            "{{#if a}}{{#each a}}{{#if @first}}<ul>{{/if}}<li>{{this}}</li>{{#if @last}}</ul>{{/if}}{{/each}}{{else}}none{{/if}}",
            r#"{"a": ["x", "y"]}"#,
            "<ul><li>x</li><li>y</li></ul>",
        ),
    ]);
}
