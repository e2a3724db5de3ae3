//! Answers as services give them.

use dossier_template::{Content, ContentError, Template};

fn content(json: &str) -> Result<Content, ContentError> {
    Content::read(json.as_bytes())
}

#[track_caller]
fn shown(template: &str, json: &str) -> String {
    let template = Template::parse(template).unwrap();
    template.render_to_string(&content(json).unwrap()).unwrap()
}

#[test]
fn the_member_content_is_the_context() {
    assert_eq!(
        shown(
            "{{x}}",
            r#"{"other": {"x": 2}, "content": {"x": 1}, "x": 3}"#
        ),
        "1"
    );
    assert_eq!(shown("{{x}}", "\u{feff} {\"content\": {\"x\": 1}}\n"), "1");
}

#[test]
fn null_and_absent_content_hold_no_data_and_anything_else_does() {
    for (json, holds, has) in [
        ("{}", false, false),
        (r#"{"content": null}"#, false, true),
        (r#"{"content": []}"#, true, true),
        (r#"{"content": {}}"#, true, true),
        (r#"{"content": ""}"#, true, true),
        (r#"{"content": false}"#, true, true),
    ] {
        let content = content(json).unwrap();
        assert_eq!(
            (content.holds_data(), content.has_content_member()),
            (holds, has),
            "{json}"
        );
    }
    assert_eq!(shown("a{{x}}{{#.}}b{{/.}}", "{}"), "a");
}

#[test]
fn of_a_repeated_member_the_last_value_stands_at_the_first_place() {
    let json = r#"{"content": {"a": 1, "b": {"x": [1]}, "a": {"y": 2}, "c": 3, "b": 4}}"#;
    assert_eq!(shown("{{{this}}}", json), "{a={y=2}, b=4, c=3}");
    assert_eq!(
        shown("{{#each this}}{{@key}}{{#if @last}}.{{/if}}{{/each}}", json),
        "abc."
    );
    assert_eq!(shown("{{a.y}}{{b}}", json), "24");
    assert_eq!(
        shown("{{x}}", r#"{"content": 1, "content": {"x": 2}}"#),
        "2"
    );
    let escaped = r#"{"content": {"a": 1, "\u0061": 2}}"#;
    assert_eq!(shown("{{{this}}}", escaped), "{a=2}");
}

#[test]
fn repeated_members_of_large_objects_are_found_too() {
    let large = |value: &str| {
        let members: Vec<String> = (0..40).map(|n| format!("\"m{n}\": {value}{n}")).collect();
        format!("{{{}}}", members.join(","))
    };
    let json = format!(
        r#"{{"content": {{"o": {}, "o": {}, "p": {}, "p": 5}}}}"#,
        large("1"),
        large("2"),
        large("3")
    );
    assert_eq!(shown("{{o.m0}} {{o.m39}} {{p.m1}}{{p}}", &json), "20 239 5");
    let many: Vec<String> = (0..50).map(|n| format!("\"k{}\": {n}", n % 20)).collect();
    let json = format!(r#"{{"content": {{{}}}}}"#, many.join(","));
    assert_eq!(shown("{{k0}} {{k9}} {{k10}} {{k19}}", &json), "40 49 30 39");
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    for (json, place) in [
        ("", "1:1"),
        ("{\"content\": }", "1:13"),
        ("{\n \"content\": 01}", "2:14"),
        ("{\"content\": [1 2]}", "1:16"),
        ("{\"content\": 1} x", "1:16"),
        ("{\"content\": \"a", "1:15"),
        ("{\"content\": \"\u{1}\"}", "1:14"),
        ("{\"content\": \"\\x\"}", "1:14"),
        ("{\"content\": \"\\u12G4\"}", "1:14"),
        ("{\"content\": tru}", "1:13"),
        ("{\"content\" 1}", "1:12"),
        ("{content: 1}", "1:2"),
        ("{\"content\": [1,]}", "1:16"),
        ("{\"content\": {\"a\": 1,}}", "1:21"),
        ("{\"content\": 1.}", "1:15"),
        ("{\"content\": -}", "1:14"),
        ("{\"content\": 1e}", "1:15"),
        ("{\"content\": [}", "1:14"),
    ] {
        match content(json) {
            Err(ContentError::Malformed { place: found, .. }) => {
                assert_eq!(found.to_string(), place, "{json}");
            }
            other => panic!("{json}: {other:?}"),
        }
    }
    assert!(matches!(
        Content::read(&b"{\"content\": \"\xff\"}"[..]),
        Err(ContentError::Malformed {
            problem: "it is not UTF-8",
            ..
        })
    ));
}

#[test]
fn json_of_another_kind_is_refused_by_name() {
    for (json, kind) in [
        ("[1]", "a list"),
        ("\"a\"", "a text"),
        ("1", "a number"),
        ("null", "null"),
    ] {
        let error = content(json).unwrap_err().to_string();
        assert!(
            error.contains(kind) && error.contains("`content`"),
            "{error}"
        );
    }
}

#[test]
fn no_error_quotes_the_answer() {
    for json in [
        "{\"content\": \"Secret\" x}",
        "\"Secret\"",
        "{\"Secret\": 1,}",
    ] {
        let error = content(json).unwrap_err();
        assert!(!format!("{error}{error:?}").contains("Secret"), "{error}");
    }
    let held = content(r#"{"content": "Secret"}"#).unwrap();
    assert_eq!(format!("{held:?}"), "Content");
}

#[test]
fn a_template_serves_several_threads_and_answers() {
    let template = Template::parse("{{x}}").unwrap();
    std::thread::scope(|scope| {
        for number in 0..4 {
            let template = &template;
            scope.spawn(move || {
                let json = format!(r#"{{"content": {{"x": {number}}}}}"#);
                let content = content(&json).unwrap();
                assert_eq!(
                    template.render_to_string(&content).unwrap(),
                    number.to_string()
                );
            });
        }
    });
}
