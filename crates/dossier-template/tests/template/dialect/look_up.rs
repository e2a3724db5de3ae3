use super::agree;

#[test]
fn a_name_is_looked_up_innermost_first() {
    agree(&[
        (
            "{{#a}}{{#b}}{{x}}{{y}}{{z}}{{/b}}{{/a}}",
            r#"{"x": 1, "y": 2, "z": 3, "a": {"x": 4, "y": 5, "b": {"x": 6}}}"#,
            "653",
        ),
        (
            "{{#each a}}{{x}}{{y}};{{/each}}",
            r#"{"y": "Y", "x": "X", "a": [{"x": 1}, {}, {"y": 2}]}"#,
            "1Y;XY;X2;",
        ),
        (
            "{{#with a}}{{#each b}}{{#if c}}{{x}}{{/if}}{{/each}}{{/with}}",
            r#"{"x": 1, "a": {"b": [{"c": 1}, {"c": 0}]}}"#,
            "1",
        ),
        (
            "{{#each l}}{{x}}{{/each}}",
            r#"{"x": 1, "l": ["text", 5, null, [], true]}"#,
            "11111",
        ),
        (
            "{{#each l}}{{l.[0]}}{{/each}}",
            r#"{"l": ["a", "b"]}"#,
            "aa",
        ),
    ]);
}

#[test]
fn only_the_head_of_a_path_is_looked_up() {
    agree(&[
        (
            "{{#a}}{{b.c}}{{/a}}",
            r#"{"b": {"c": 1}, "a": {"b": {}}}"#,
            "",
        ),
        (
            "{{#a}}{{b.c}}{{/a}}",
            r#"{"b": {"c": 1}, "a": {"b": {"d": 2}}}"#,
            "",
        ),
        (
            "{{#a}}{{b.c}}{{/a}}",
            r#"{"b": {"c": 1}, "a": {"b": "text"}}"#,
            "",
        ),
        ("{{#a}}{{b.c}}{{/a}}", r#"{"b": {"c": 1}, "a": {}}"#, "1"),
        (
            "{{#a}}{{b.c.d}}{{/a}}",
            r#"{"b": {"c": {"d": 1}}, "a": {"c": 2}}"#,
            "1",
        ),
        (
            "{{#a}}{{#b.c}}x{{/b.c}}{{^b.c}}y{{/b.c}}{{/a}}",
            r#"{"b": {"c": 1}, "a": {"b": {}}}"#,
            "y",
        ),
        (
            "{{#a}}{{#if b.c}}x{{else}}y{{/if}}{{/a}}",
            r#"{"b": {"c": 1}, "a": {"b": {}}}"#,
            "y",
        ),
        (
            "{{#a}}{{optionalValue b.c}}{{/a}}",
            r#"{"b": {"c": 1}, "a": {"b": {}}}"#,
            "No Data Held",
        ),
        ("{{#a}}{{b.[0]}}{{/a}}", r#"{"b": [1], "a": {"b": []}}"#, ""),
    ]);
}

#[test]
fn this_does_not_climb() {
    agree(&[
        (
            "{{#a}}{{this.x}}{{./x}}|{{x}}{{/a}}",
            r#"{"x": 1, "a": {}}"#,
            "|1",
        ),
        (
            "{{#a}}{{this.x}}{{./x}}{{/a}}",
            r#"{"x": 1, "a": {"x": 2}}"#,
            "22",
        ),
        (
            "{{#each l}}{{this.x}},{{/each}}",
            r#"{"x": 1, "l": [{"x": 2}, {}, "s"]}"#,
            "2,,,",
        ),
        (
            "{{#each l}}{{optionalValue this.x}},{{/each}}",
            r#"{"x": 1, "l": [{"x": 2}, {}]}"#,
            "2,No Data Held,",
        ),
        (
            "{{#each l}}{{#if this.x}}y{{else}}n{{/if}}{{/each}}",
            r#"{"x": 1, "l": [{"x": 2}, {}]}"#,
            "yn",
        ),
    ]);
}

#[test]
fn a_missing_value_is_empty_text() {
    agree(&[
        (
            "[{{gone}}][{{gone.a}}][{{gone.a.b.[0]}}][{{{gone}}}][{{&gone}}]",
            "{}",
            "[][][][][]",
        ),
        (
            "[{{s.a}}][{{n.a}}][{{b.a}}][{{l.a}}][{{z.a}}]",
            r#"{"s": "t", "n": 1, "b": true, "l": [1], "z": null}"#,
            "[][][][][]",
        ),
        (
            "[{{../x}}][{{../../x}}][{{../this}}]",
            r#"{"x": 1}"#,
            "[][][]",
        ),
        (
            "[{{@index}}][{{@key}}][{{@first}}][{{@last}}]",
            "{}",
            "[][][][]",
        ),
        (
            "{{#each gone}}x{{/each}}{{#with gone}}x{{/with}}{{#if gone}}x{{/if}}{{#gone}}x{{/gone}}",
            "{}",
            "",
        ),
        ("[{{x}}]", "null", "[]"),
        ("[{{x}}]", "[1]", "[]"),
        ("[{{x}}]", "\"text\"", "[]"),
    ]);
}

#[test]
fn dots_lead_to_the_enclosing_context() {
    agree(&[
        (
            "{{#each a}}{{#each b}}{{x}}{{../x}}{{../../x}};{{/each}}{{/each}}",
            r#"{"x": 1, "a": [{"x": 2, "b": [{"x": 3}, {"x": 4}]}, {"x": 5, "b": [{"x": 6}]}]}"#,
            "321;421;651;",
        ),
        (
            "{{#with a}}{{#each b}}{{#if c}}{{../x}}{{../../x}}{{/if}}{{/each}}{{/with}}",
            r#"{"x": 1, "a": {"x": 2, "b": [{"c": true, "x": 3}]}}"#,
            "21",
        ),
        (
            "{{#with a}}{{#each b}}{{#unless c}}{{#if x}}{{../x}}{{else}}-{{../../x}}{{/if}}{{/unless}}{{/each}}{{/with}}",
            r#"{"x": 1, "a": {"x": 2, "b": [{"x": 3}, {"x": 0}, {"c": 1, "x": 4}]}}"#,
            "2-1",
        ),
        (
            "{{#each a}}{{#if (eq ../x this)}}y{{else}}n{{/if}}{{/each}}",
            r#"{"x": 1, "a": [0, 1]}"#,
            "ny",
        ),
        (
            "{{#each a}}{{#each ../b}}{{this}}{{..}}{{/each}};{{/each}}",
            r#"{"a": [1, 2], "b": ["x", "y"]}"#,
            "x1y1;x2y2;",
        ),
        (
            "{{#each a}}{{../o.p.[0]}}{{/each}}",
            r#"{"a": [1, 2], "o": {"p": ["q"]}}"#,
            "qq",
        ),
        (
            "{{#each a}}{{optionalValue ../x \"-\"}}{{optionalValue ../y \"-\"}}{{/each}}",
            r#"{"a": [1], "x": 1}"#,
            "1-",
        ),
        (
            "{{#each a}}{{#with ../o}}{{p}}{{../this}}{{/with}}{{/each}}",
            r#"{"a": [1, 2], "o": {"p": "q"}}"#,
            "q1q2",
        ),
    ]);
}

#[test]
fn data_names_belong_to_their_loop() {
    agree(&[
        (
            "{{#each a}}{{@index}}({{#each this}}{{@index}}{{#if @first}}f{{/if}}{{#if @last}}l{{/if}}{{/each}}){{@index}}{{#if @last}}L{{/if}}{{/each}}",
            r#"{"a": [["x", "y"], ["z"]]}"#,
            "0(0f1l)01(0fl)1L",
        ),
        (
            "{{#each a}}{{#if x}}{{#with x}}{{@index}}{{/with}}{{/if}}{{/each}}",
            r#"{"a": [{"x": {"y": 1}}, {"x": {"y": 1}}]}"#,
            "01",
        ),
        (
            "{{#each a}}{{#x}}{{@index}}{{/x}}{{/each}}",
            r#"{"a": [{"x": {"y": 1}}, {"x": true}, {"x": "s"}]}"#,
            "012",
        ),
        (
            "{{#each o}}{{@key}}:{{#each this}}{{@key}}={{this}}{{#unless @last}},{{/unless}}{{/each}}{{#unless @last}};{{/unless}}{{/each}}",
            r#"{"o": {"a": {"x": 1, "y": 2}, "b": {"z": 3}}}"#,
            "a:x=1,y=2;b:z=3",
        ),
        (
            "{{#each o}}{{@index}}{{@key}}{{#if @first}}f{{/if}}{{#if @last}}l{{/if}}{{/each}}",
            r#"{"o": {"a": 1, "b": 2, "c": 3}}"#,
            "0af1b2cl",
        ),
        (
            "{{#each o}}{{#each this}}{{@../key}}{{@index}}{{this}} {{/each}}{{/each}}",
            r#"{"o": {"a": [1, 2], "b": [3]}}"#,
            "a01 a12 b03 ",
        ),
        (
            "{{#each o}}{{@key}}{{/each}}",
            r#"{"o": {"z & y": 1, "<": 2, "ключ": 3}}"#,
            "z &amp; y&lt;ключ",
        ),
        (
            "{{#each a}}{{#unless @first}}, {{/unless}}{{this}}{{/each}}",
            r#"{"a": ["x", "y", "z"]}"#,
            "x, y, z",
        ),
    ]);
}

#[test]
fn members_may_be_called_like_the_words_of_the_dialect() {
    agree(&[
        (
            "{{o.this}} {{o.if}} {{o.each}} {{o.else}} {{o.length}}",
            r#"{"o": {"this": 1, "if": 2, "each": 3, "else": 4, "length": 5}}"#,
            "1 2 3 4 5",
        ),
        (
            "{{length}} {{size}} {{type}} {{first}} {{index}} {{key}} {{value}}",
            r#"{"length": 1, "size": 2, "type": 3, "first": 4, "index": 5, "key": 6, "value": 7}"#,
            "1 2 3 4 5 6 7",
        ),
        (
            "{{o.eq}} {{this.eq}} {{o.formatDate}}",
            r#"{"eq": 1, "o": {"eq": 2, "formatDate": 3}}"#,
            "2 1 3",
        ),
        (
            "{{o.true}} {{o.null}} {{o.class}} {{o.empty}}",
            r#"{"o": {"true": 1, "null": 2, "class": 3, "empty": 4}}"#,
            "1 2 3 4",
        ),
        (
            "{{trueness}} {{nullable}} {{elsewhere}} {{eachOne}} {{ifs}} {{asset}} {{thisOne}}",
            r#"{"trueness": 1, "nullable": 2, "elsewhere": 3, "eachOne": 4, "ifs": 5, "asset": 6, "thisOne": 7}"#,
            "1 2 3 4 5 6 7",
        ),
        (
            "{{#elsewhere}}{{.}}{{/elsewhere}}{{^else-if}}n{{/else-if}}",
            r#"{"elsewhere": [1, 2]}"#,
            "12n",
        ),
        (
            "{{#if a}}{{elsewhere}}{{else}}{{ifs}}{{/if}}",
            r#"{"a": 1, "elsewhere": 3}"#,
            "3",
        ),
        (
            "{{as}} {{#each l}}{{as}}{{/each}}",
            r#"{"as": 1, "l": [{"as": 2}]}"#,
            "1 2",
        ),
        (
            "{{o.with}} {{o.unless}} {{o.lookup}} {{o.inline}} {{o.log}}",
            r#"{"o": {"with": 1, "unless": 2, "lookup": 3, "inline": 4, "log": 5}}"#,
            "1 2 3 4 5",
        ),
    ]);
}

#[test]
fn this_is_any_kind_of_value() {
    agree(&[
        (
            "{{#each l}}[{{this}}]{{/each}}",
            r#"{"l": ["a", 1, 1.5, true, false, null, "", [], {}, [1], {"a": 1}]}"#,
            "[a][1][1.5][true][false][][][[]][{}][[1]][{a&#x3D;1}]",
        ),
        (
            "{{#each l}}{{optionalValue this}},{{/each}}",
            r#"{"l": ["a", null, "", 0, false]}"#,
            "a,No Data Held,No Data Held,0,false,",
        ),
        (
            "{{#each l}}{{formatDate this}},{{/each}}",
            r#"{"l": ["2024-05-01", null, [2024, 5, 1]]}"#,
            "01 May 2024,,01 May 2024, 12:00 am,",
        ),
        (
            "{{#each l}}{{#if this}}{{.}}{{else}}-{{/if}}{{/each}}",
            r#"{"l": ["a", null, 0, "b"]}"#,
            "a--b",
        ),
        ("{{this}}", "\"<\"", "&lt;"),
        ("{{this}}", "12", "12"),
        ("{{.}}", "[1, \"a\"]", "[1, a]"),
        ("{{this}}", "null", ""),
    ]);
}
