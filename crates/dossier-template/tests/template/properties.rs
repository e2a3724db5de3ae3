//! What holds for any template and any data.

use dossier_template::{
    Content, Finding, FindingKind, NoInlineImages, NoReferenceData, Template, check_source,
};
use proptest::prelude::*;

/// Pieces of templates, put together without sense.
fn template() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{{"),
        Just("}}"),
        Just("{{{"),
        Just("}}}"),
        Just("{{#if x}}"),
        Just("{{/if}}"),
        Just("{{#each l}}"),
        Just("{{/each}}"),
        Just("{{else}}"),
        Just("{{else if y}}"),
        Just("{{x}}"),
        Just("{{../x}}"),
        Just("{{#*inline \"p\"}}"),
        Just("{{/inline}}"),
        Just("{{> p}}"),
        Just("{{^x}}"),
        Just("{{/x}}"),
        Just("{{~x~}}"),
        Just(" "),
        Just("\n"),
        Just("é"),
        Just("\\"),
        Just("("),
        Just(")"),
        Just("\""),
        Just("'"),
        Just("["),
        Just("]"),
        Just("|"),
        Just("="),
        Just("~"),
        Just("."),
        Just("/"),
        Just("@index"),
        Just("eq"),
        Just("{{foo x}}"),
        Just("(foo x)"),
        Just("as |a b|"),
        Just("<p class=\""),
        Just("{{!--"),
        Just("--}}"),
        Just("{{=<% %>=}}"),
        Just("<%"),
        Just("%>"),
        Just("{{{{"),
        Just("}}}}"),
        Just("1"),
        Just("-"),
        Just("x"),
        Just("{{#> p}}"),
        Just("{{/p}}"),
        Just("{{> @partial-block}}"),
        Just("#"),
        Just("*"),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("[a-d\"\\\\é]{0,2}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A value as Java prints it, said once more.
fn java(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(boolean) => boolean.to_string(),
        Value::Number(number) if number.is_f64() => {
            dossier_template::double_to_text(number.as_f64().unwrap())
        }
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(elements) => {
            format!(
                "[{}]",
                elements.iter().map(java).collect::<Vec<_>>().join(", ")
            )
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{name}={}", java(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_text_parses_or_has_a_problem_inside_of_it(source in template()) {
        let json = br#"{"x": {"y": 1, "l": [[1], 2]}, "l": [{"x": "a"}, null, "b"]}"#;
        let content = Content::read_bare(&json[..]).unwrap();
        let found = check_source(&source, Some(&content));
        for place in found.iter().map(|finding| finding.place) {
            let line = source.split('\n').nth(place.line as usize - 1);
            let columns = line.map(|line| line.chars().count() + 1);
            prop_assert!(columns.is_some_and(|most| place.column as usize <= most));
        }
        let is_unusable =
            |found: &Finding| matches!(found.kind, FindingKind::NotATemplate | FindingKind::UnknownHelper);
        match Template::parse(&source) {
            Ok(template) => {
                let mut html = Vec::new();
                let _ = template.render(&content, &NoReferenceData, &NoInlineImages, &mut html);
                prop_assert_eq!(&template.check(Some(&content)), &found);
                prop_assert!(!found.iter().any(is_unusable));
            }
            Err(error) => {
                let told = |found: &Finding| {
                    is_unusable(found) && found.place == error.place && found.text == error.problem
                };
                prop_assert!(found.iter().any(told), "{:?} for {}", found, error);
            }
        }
    }

    #[test]
    fn any_characters_parse_or_have_a_problem(source in "[{}#/^>!=~&a\"'(). \\\\\\[\\]|@é\n-]{0,40}") {
        let _ = Template::parse(&source);
    }

    #[test]
    fn any_json_is_printed_as_java_prints_it(value in json()) {
        let content = Content::read_bare(value.to_string().as_bytes()).unwrap();
        let template = Template::parse("{{{this}}}").unwrap();
        let expected = if value.is_null() { String::new() } else { java(&value) };
        prop_assert_eq!(template.render_to_string(&content).unwrap(), expected);
    }

    #[test]
    fn any_json_can_be_gone_through(value in json()) {
        let content = Content::read_bare(value.to_string().as_bytes()).unwrap();
        let template = Template::parse(
            "{{#each this}}{{@key}}{{#.}}{{a}}{{../b}}{{#each .}}{{.}}{{formatDate .}}{{/each}}{{/.}}{{/each}}",
        )
        .unwrap();
        template.render_to_string(&content).unwrap();
        template.check(Some(&content));
    }

    #[test]
    fn escaping_leaves_nothing_that_html_takes_for_its_own(text in ".{0,40}") {
        let json = serde_json::Value::from(text.clone()).to_string();
        let content = Content::read_bare(json.as_bytes()).unwrap();
        let html = Template::parse("{{this}}").unwrap().render_to_string(&content).unwrap();
        prop_assert!(!html.contains(['<', '>', '"', '\'', '`', '=']));
        let unescaped = html
            .replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"")
            .replace("&#x27;", "'").replace("&#x60;", "`").replace("&#x3D;", "=")
            .replace("&amp;", "&");
        prop_assert_eq!(unescaped, text);
    }

    #[test]
    fn any_bytes_are_an_answer_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = Content::read(&bytes[..]);
    }
}
