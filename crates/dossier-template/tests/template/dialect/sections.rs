use super::agree;

#[test]
fn a_section_over_a_list_is_repeated_with_its_data_names() {
    agree(&[
        (
            "{{#l}}{{@index}}:{{n}}{{#unless @last}}, {{/unless}}{{/l}}",
            r#"{"l": [{"n": "a"}, {"n": "b"}, {"n": "c"}]}"#,
            "0:a, 1:b, 2:c",
        ),
        (
            "{{#l}}{{#if @first}}[{{/if}}{{.}}{{#if @last}}]{{/if}}{{/l}}",
            r#"{"l": [1, 2, 3]}"#,
            "[123]",
        ),
        (
            "{{#l}}{{#if @first}}[{{/if}}{{.}}{{#if @last}}]{{/if}}{{/l}}",
            r#"{"l": [1]}"#,
            "[1]",
        ),
        (
            "{{#l}}{{getIndexPlusOne @index}}{{/l}}",
            r#"{"l": [{}, null, []]}"#,
            "123",
        ),
        (
            "{{#l}}({{#.}}{{@index}}{{.}}{{/.}}){{@index}}{{/l}}",
            r#"{"l": [["a", "b"], ["c"], []]}"#,
            "(0a1b)0(0c)1()2",
        ),
        (
            "{{#l}}{{this}},{{/l}}",
            r#"{"l": [null, false, 0, "", "x"]}"#,
            ",false,0,,x,",
        ),
        (
            "{{#a.b.c}}{{.}}{{/a.b.c}}",
            r#"{"a": {"b": {"c": [1, 2]}}}"#,
            "12",
        ),
    ]);
}

#[test]
fn a_section_over_an_object_enters_it() {
    agree(&[
        ("{{#o}}{{n}}{{/o}}", r#"{"o": {"n": 1}}"#, "1"),
        (
            "{{#o}}{{#p}}{{#q}}{{n}}{{m}}{{/q}}{{/p}}{{/o}}",
            r#"{"m": 9, "o": {"p": {"q": {"n": 1}}}}"#,
            "19",
        ),
        (
            "{{#o}}{{n}}/{{../n}}{{/o}}",
            r#"{"n": 2, "o": {"n": 1}}"#,
            "1/2",
        ),
        ("{{#o}}shown{{/o}}{{^o}}not{{/o}}", r#"{"o": {}}"#, "shown"),
        ("{{#o}}{{x}}{{/o}}", r#"{"x": 1, "o": {}}"#, "1"),
    ]);
}

#[test]
fn true_shows_the_body_once_in_the_same_context() {
    agree(&[
        ("{{#t}}{{n}}{{/t}}", r#"{"t": true, "n": 1}"#, "1"),
        (
            "{{#o}}{{#t}}{{../n}}{{n}}{{/t}}{{/o}}",
            r#"{"n": 1, "o": {"t": true, "n": 2}}"#,
            "12",
        ),
        (
            "{{#l}}{{#t}}{{@index}}{{n}}{{@last}}{{/t}}{{/l}}",
            r#"{"l": [{"t": true, "n": "a"}, {"t": false, "n": "b"}]}"#,
            "0a",
        ),
        ("{{#t}}{{this.n}}{{/t}}", r#"{"t": true, "n": 1}"#, "1"),
    ]);
}

#[test]
fn another_truthy_value_shows_the_body_once_and_is_its_context() {
    agree(&[
        ("{{#s}}<{{.}}>{{/s}}", r#"{"s": "x"}"#, "<x>"),
        ("{{#n}}<{{this}}>{{/n}}", r#"{"n": 5}"#, "<5>"),
        ("{{#s}}{{other}}{{/s}}", r#"{"s": "x", "other": "y"}"#, "y"),
        ("{{#s}}{{s}}{{/s}}", r#"{"s": "x"}"#, "x"),
        (
            "{{#s}}{{../other}}{{/s}}",
            r#"{"s": "x", "other": "y"}"#,
            "y",
        ),
        ("{{#s}}y{{/s}}", r#"{"s": " "}"#, "y"),
        ("{{#s}}y{{/s}}", r#"{"s": "false"}"#, "y"),
        ("{{#s}}y{{/s}}", r#"{"s": "0"}"#, "y"),
        ("{{#s}}y{{/s}}", r#"{"s": -1}"#, "y"),
        ("{{#s}}{{#s}}{{.}}{{/s}}{{/s}}", r#"{"s": "x"}"#, "x"),
    ]);
}

#[test]
fn a_falsy_value_shows_nothing_and_its_inverse_once() {
    for value in ["null", "false", "\"\"", "[]", "0", "-0", "0.0"] {
        let json = format!(r#"{{"v": {value}, "n": 1}}"#);
        agree(&[
            ("{{#v}}x{{/v}}|{{^v}}{{n}}{{/v}}", &json, "|1"),
            (
                "{{#if v}}x{{else}}{{n}}{{/if}}|{{#unless v}}{{n}}{{/unless}}",
                &json,
                "1|1",
            ),
            (
                "{{#v}}x{{else}}{{n}}{{/v}}|{{#v}}x{{^}}{{n}}{{/v}}",
                &json,
                "1|1",
            ),
            ("{{^v}}{{n}}{{else}}x{{/v}}", &json, "1"),
            ("{{#with v}}x{{else}}{{n}}{{/with}}", &json, "1"),
        ]);
    }
    agree(&[
        ("{{#gone}}x{{/gone}}|{{^gone}}y{{/gone}}", "{}", "|y"),
        (
            "{{#a.b.c}}x{{/a.b.c}}|{{^a.b.c}}y{{/a.b.c}}",
            r#"{"a": {}}"#,
            "|y",
        ),
    ]);
}

#[test]
fn a_truthy_value_hides_its_inverse() {
    for value in [
        "true",
        "1",
        "\"0\"",
        "\" \"",
        "\"false\"",
        "[0]",
        "[null]",
        "{}",
        "{\"a\": null}",
        "-1",
        "1e-9",
    ] {
        let json = format!(r#"{{"v": {value}}}"#);
        agree(&[
            ("{{^v}}x{{/v}}|{{^v}}x{{else}}y{{/v}}", &json, "|y"),
            (
                "{{#if v}}y{{else}}x{{/if}}|{{#unless v}}x{{else}}y{{/unless}}",
                &json,
                "y|y",
            ),
        ]);
    }
}

#[test]
fn an_inverted_section_keeps_the_context() {
    agree(&[
        (
            "{{#o}}{{^x}}{{n}}{{../n}}{{/x}}{{/o}}",
            r#"{"n": 1, "o": {"n": 2}}"#,
            "21",
        ),
        (
            "{{#l}}{{^n}}{{@index}}none{{/n}}{{#n}}{{.}}{{/n}};{{/l}}",
            r#"{"l": [{"n": 1}, {"n": []}, {"n": [2, 3]}]}"#,
            "1;1none;23;",
        ),
        (
            "{{#o}}{{^o}}x{{else}}{{n}}{{/o}}{{/o}}",
            r#"{"o": {"n": 2}}"#,
            "2",
        ),
    ]);
}

#[test]
fn a_section_on_the_context_itself() {
    agree(&[
        (
            "{{#.}}{{n}};{{/.}}{{^.}}none{{/.}}",
            r#"[{"n": 1}, {"n": 2}]"#,
            "1;2;",
        ),
        ("{{#.}}{{n}};{{/.}}{{^.}}none{{/.}}", "[]", "none"),
        ("{{#.}}{{n}};{{/.}}{{^.}}none{{/.}}", r#"{"n": 1}"#, "1;"),
        ("{{#.}}x{{/.}}{{^.}}none{{/.}}", "{}", "x"),
        ("{{#.}}x{{/.}}{{^.}}none{{/.}}", "null", "none"),
        (
            "{{#this}}{{@index}}{{n}}{{#unless @last}},{{/unless}}{{/this}}",
            r#"[{"n": 1}, {"n": 2}]"#,
            "01,12",
        ),
        (
            "{{#this}}{{n}}{{/this}}{{^this}}none{{/this}}",
            r#"{"n": 1}"#,
            "1",
        ),
        ("{{#this}}{{.}}{{else}}none{{/this}}", "[7]", "7"),
        (
            "{{#l}}{{#.}}{{n}}{{/.}}{{^.}}none{{/.}};{{/l}}",
            r#"{"l": [{"n": 1}, [], [{"n": 2}, {"n": 3}]]}"#,
            "1;none;23;",
        ),
        (
            "{{#l}}{{#this}}{{this}}{{/this}}{{^this}}-{{/this}};{{/l}}",
            r#"{"l": ["a", "", 0, 7, null, false, true]}"#,
            "a;-;-;7;-;-;true;",
        ),
        (
            "{{#each this}}{{n}}{{/each}}",
            r#"[{"n": 1}, {"n": 2}]"#,
            "12",
        ),
        ("{{#each .}}{{n}}{{/each}}", r#"[{"n": 1}, {"n": 2}]"#, "12"),
        ("{{#if this}}some{{else}}none{{/if}}", "[]", "none"),
        ("{{#if .}}some{{else}}none{{/if}}", "[0]", "some"),
        ("{{#this.l}}{{.}}{{/this.l}}", r#"{"l": [1, 2]}"#, "12"),
        (
            "{{#o}}{{#this.l}}{{.}}{{/this.l}}{{^this.l}}-{{/this.l}}{{/o}}",
            r#"{"l": [1, 2], "o": {"a": 1}}"#,
            "-",
        ),
    ]);
}

#[test]
fn a_section_finds_its_name_in_the_enclosing_contexts() {
    agree(&[
        (
            "{{#l}}{{#all}}{{n}}{{/all}}{{/l}}",
            r#"{"all": {"n": 1}, "l": [{}, {}]}"#,
            "11",
        ),
        (
            "{{#l}}{{^all}}none{{/all}}{{/l}}",
            r#"{"all": [], "l": [{}, {"all": 1}]}"#,
            "none",
        ),
        (
            "{{#l}}{{#../all}}{{.}}{{/../all}};{{/l}}",
            r#"{"all": ["x"], "l": [{"all": []}]}"#,
            "x;",
        ),
    ]);
}

#[test]
fn a_section_of_a_list_in_a_list_of_objects() {
    agree(&[
        (
            "{{#a}}{{n}}({{#b}}{{n}}{{#c}}{{n}}{{../n}}{{../../n}}{{/c}}{{/b}}){{/a}}",
            r#"{"a": [{"n": 1, "b": [{"n": 2, "c": {"n": 3}}, {"n": 4}]}, {"n": 5, "b": []}]}"#,
            "1(23214)5()",
        ),
        (
            "{{#each a}}{{#if b}}{{#b}}{{../n}}{{.}}{{/b}}{{/if}}{{/each}}",
            r#"{"a": [{"n": 1, "b": ["x", "y"]}, {"n": 2, "b": []}]}"#,
            "1x1y",
        ),
    ]);
}
