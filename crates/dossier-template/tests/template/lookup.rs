//! Paths and the contexts in which they are looked up.

use crate::support::{all, html};

#[test]
fn paths_lead_through_objects_and_lists() {
    let json = r#"{"a": {"b": {"c": 1}}, "l": [10, {"x": 20}], "m n": {"o.p": 3}}"#;
    all(&[
        ("{{a.b.c}}", json, "1"),
        ("{{a/b/c}}", json, "1"),
        ("{{l.[0]}}", json, "10"),
        ("{{l.[1].x}}", json, "20"),
        ("{{l.1.x}}", json, "20"),
        ("{{l.[2]}}|{{l.[x]}}|{{l.[-1]}}", json, "||"),
        ("{{[m n].[o.p]}}", json, "3"),
        ("{{this.[m n].[o.p]}}", json, "3"),
        (
            "{{#with l}}{{[0]}} {{this.[1].x}} {{./[1]/x}}{{/with}}",
            json,
            "10 20 20",
        ),
        ("{{l.length}} {{l.size}}", json, "2 2"),
    ]);
}

#[test]
fn a_missing_value_is_empty_text() {
    for template in [
        "{{x}}",
        "{{x.y}}",
        "{{a.x.y.z}}",
        "{{a.[0]}}",
        "{{../x}}",
        "{{../../x}}",
    ] {
        assert_eq!(html(template, r#"{"a": {"b": 1}}"#), "", "{template}");
    }
}

#[test]
fn null_is_empty_text() {
    all(&[
        ("{{x}}{{this.x}}", r#"{"x": null}"#, ""),
        ("{{this}}{{x}}", "null", ""),
    ]);
}

#[test]
fn this_and_a_dot_are_the_context() {
    all(&[
        ("{{this}}{{.}}", r#""a""#, "aa"),
        (
            "{{#each l}}{{this}}{{.}}{{/each}}",
            r#"{"l": [1, 2]}"#,
            "1122",
        ),
        ("{{this.x}}{{./x}}{{this/x}}", r#"{"x": 1}"#, "111"),
    ]);
}

#[test]
fn a_name_that_a_context_lacks_is_looked_up_around_it() {
    let json = r#"{"x": "outer", "o": {"y": 1, "o2": {"z": 2}}, "l": [{"x": "inner"}, {}]}"#;
    all(&[
        ("{{#o}}{{x}}{{/o}}", json, "outer"),
        (
            "{{#with o}}{{#with o2}}{{x}} {{y}} {{z}}{{/with}}{{/with}}",
            json,
            "outer 1 2",
        ),
        ("{{#each l}}{{x}},{{/each}}", json, "inner,outer,"),
    ]);
}

#[test]
fn null_in_a_context_counts_as_not_there_as_in_handlebars_java() {
    all(&[
        (
            "{{#each l}}{{x}},{{/each}}",
            r#"{"x": 1, "l": [{"x": null}, {"x": 2}]}"#,
            "1,2,",
        ),
        (
            "{{#each l}}{{this.x}},{{/each}}",
            r#"{"x": 1, "l": [{"x": null}, {"x": 2}]}"#,
            ",2,",
        ),
    ]);
}

#[test]
fn once_a_path_begins_somewhere_there_is_no_climbing() {
    let json = r#"{"a": {"b": "outer"}, "o": {"a": {"c": 1}}}"#;
    all(&[
        ("{{#with o}}{{a.b}}|{{a.c}}{{/with}}", json, "|1"),
        ("{{#with o}}{{a.b.d}}{{/with}}", json, ""),
    ]);
}

#[test]
fn this_and_dots_do_not_climb() {
    let json = r#"{"x": 1, "o": {"y": 2}}"#;
    all(&[(
        "{{#with o}}{{this.x}}{{./x}}|{{this.y}}{{./y}}{{/with}}",
        json,
        "|22",
    )]);
}

#[test]
fn two_dots_are_the_context_around() {
    let json = r#"{"x": "root", "l": [{"x": "a", "m": [{"x": "b"}]}]}"#;
    all(&[
        (
            "{{#each l}}{{../x}}{{#each m}}{{../x}}{{../../x}}{{/each}}{{/each}}",
            json,
            "rootaroot",
        ),
        (
            "{{#each l}}{{#with ..}}{{x}}{{/with}}{{/each}}",
            json,
            "root",
        ),
        (
            "{{#each l}}{{#each ../l}}{{x}}{{/each}}{{/each}}",
            json,
            "a",
        ),
        ("{{#each l}}{{../this.x}}{{/each}}", json, "root"),
        (
            "{{#each l}}{{#each m}}{{@root.x}}{{/each}}{{/each}}",
            json,
            "root",
        ),
        (
            "{{#each l}}{{#each m}}{{../nothing}}{{/each}}{{/each}}",
            json,
            "",
        ),
        // A condition is no context.
        ("{{#each l}}{{#if x}}{{../x}}{{/if}}{{/each}}", json, "root"),
    ]);
}

/// As handlebars.java 4.3.1 has it.
#[test]
fn what_two_dots_lead_to_is_looked_for_further_out() {
    let json = r#"{"x": 9, "s": "root", "l": [5],
        "o": {"x": 1, "i": {"y": {"z": 5}}}}"#;
    all(&[
        (
            "{{#o}}{{#i}}{{../x}}|{{../s}}|{{../../s}}|{{../../x}}{{/i}}{{/o}}",
            json,
            "1|root|root|9",
        ),
        (
            "{{#o}}{{#i}}{{#if ../s}}y{{/if}}{{optionalValue ../s}}{{#each ../l}}{{this}}{{/each}}{{/i}}{{/o}}",
            json,
            "yroot5",
        ),
        (
            "{{#o}}{{#i}}{{../this.s}}|{{.././s}}|{{../[s]}}|{{../../this.s}}{{/i}}{{/o}}",
            json,
            "||root|root",
        ),
        // Once the first name is found, the rest is looked for there only.
        (
            "{{#o}}{{#i}}{{../i.y.z}}|{{../o.x}}|{{../../i.y.z}}{{/i}}{{/o}}",
            json,
            "5|1|",
        ),
        ("{{../x}}|{{#o}}{{../../s}}{{/o}}", json, "|"),
    ]);
}

/// As handlebars.java 4.3.1 has it.
#[test]
fn a_section_of_the_context_itself_is_one_further_in() {
    let json = r#"{"x": 9, "o": {"x": 1}, "l": [[5]]}"#;
    all(&[
        ("{{#this}}{{../x}}{{/this}}", json, "9"),
        (
            "{{#.}}{{#.}}{{../x}}|{{../../x}}|{{../../../x}}{{/.}}{{/.}}",
            json,
            "9|9|",
        ),
        (
            "{{#o}}{{#this}}{{../x}}|{{../../x}}{{/this}}{{/o}}",
            json,
            "1|9",
        ),
        ("{{#with this}}{{../x}}{{/with}}", json, ""),
        (
            "{{#o}}{{#with this}}{{../x}}|{{../../x}}{{/with}}{{/o}}",
            json,
            "9|",
        ),
    ]);
}

#[test]
fn loops_tell_where_they_are() {
    let json = r#"{"l": ["a", "b", "c"], "o": {"k": 1, "k2": 2}, "n": [["x", "y"], ["z"]]}"#;
    all(&[
        ("{{#each l}}{{@index}}{{this}} {{/each}}", json, "0a 1b 2c "),
        ("{{#l}}{{@index}}{{.}} {{/l}}", json, "0a 1b 2c "),
        (
            "{{#each l}}{{#if @first}}<{{/if}}{{this}}{{#if @last}}>{{/if}}{{/each}}",
            json,
            "<abc>",
        ),
        (
            "{{#l}}{{this}}{{^@last}}, {{/@last}}{{/l}}",
            json,
            "a, b, c",
        ),
        (
            "{{#each l}}{{this}}{{#unless @last}}, {{/unless}}{{/each}}",
            json,
            "a, b, c",
        ),
        (
            "{{#each o}}{{@key}}={{this}}{{#unless @last}};{{/unless}}{{/each}}",
            json,
            "k=1;k2=2",
        ),
        ("{{#each o}}{{@index}}{{/each}}", json, "01"),
        (
            "{{#each n}}{{#each this}}{{@../index}}{{@index}} {{/each}}{{/each}}",
            json,
            "00 01 10 ",
        ),
        (
            "{{#each n}}{{#each .}}{{../@index}}{{@index}} {{/each}}{{/each}}",
            json,
            "00 01 10 ",
        ),
        (
            "{{#each l}}{{#with ../o}}{{@index}}{{/with}}{{/each}}",
            json,
            "012",
        ),
        (
            "{{#each l}}{{getIndexPlusOne @index}}{{/each}}",
            json,
            "123",
        ),
        (
            "{{#each l}}{{@index_1}}{{#if @even}}e{{/if}}{{#if @odd}}o{{/if}}{{/each}}",
            json,
            "1e2o3e",
        ),
        ("{{@index}}{{@first}}{{@nothing}}", json, ""),
    ]);
}

#[test]
fn members_of_any_number_are_found() {
    let members: Vec<String> = (0..1_000).map(|n| format!("\"m{n}\": {n}")).collect();
    let json = format!("{{{}}}", members.join(","));
    all(&[("{{m0}} {{m500}} {{m999}} {{m1000}}", &json, "0 500 999 ")]);
}
