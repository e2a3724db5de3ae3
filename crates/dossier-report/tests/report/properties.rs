use std::collections::HashMap;

use dossier_report::member_label;
use proptest::prelude::*;
use serde_json::Value;
use unicode_normalization::char::is_combining_mark;

use crate::support::{folded, scalars, written_content};

fn json(text: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_text() -> impl Strategy<Value = String> + Clone {
    prop::collection::vec(any::<char>(), 0..24).prop_map(|chars| chars.into_iter().collect())
}

/// Characters of scripts that readers of a file do not turn around.
fn left_to_right_text() -> impl Strategy<Value = String> + Clone {
    let chars = prop_oneof![
        proptest::char::range(' ', '~'),
        proptest::char::range('\u{a1}', '\u{52f}'),
        proptest::char::range('\u{1e00}', '\u{1fff}'),
        proptest::char::range('\u{4e00}', '\u{9fff}'),
    ];
    prop::collection::vec(chars, 0..24).prop_map(|chars| chars.into_iter().collect())
}

/// Gives every text a beginning and an end of its own, so that each must be found, however short it
/// is and however often it occurs.
fn told_apart(value: &mut Value, texts: &mut usize) {
    match value {
        Value::String(text) => {
            *texts += 1;
            *text = format!("q{texts}z{text}z{texts}q");
        }
        Value::Array(elements) => elements.iter_mut().for_each(|e| told_apart(e, texts)),
        Value::Object(members) => {
            // A mark at a name's beginning would belong to the letter before the name.
            *members = std::mem::take(members)
                .into_iter()
                .map(|(name, member)| match folded(&name).chars().next() {
                    Some(first) if is_combining_mark(first) => (format!("n{name}"), member),
                    _ => (name, member),
                })
                .collect();
            members.values_mut().for_each(|m| told_apart(m, texts));
        }
        _ => {}
    }
}

fn labels(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| labels(element, out)),
        Value::Object(members) => {
            for (name, member) in members {
                out.push(member_label(name));
                labels(member, out);
            }
        }
        _ => {}
    }
}

/// Fails unless every value is shown as a whole and as often as it occurs, and every member's name.
fn assert_whole(mut content: Value) -> Result<(), TestCaseError> {
    told_apart(&mut content, &mut 0);
    let report = written_content(&content.to_string());
    let shown = folded(&report.body());
    let mut values = Vec::new();
    scalars(&content, &mut values);
    let mut expected: HashMap<String, usize> = HashMap::new();
    for value in &values {
        *expected.entry(folded(value)).or_default() += 1;
    }
    for (value, times) in expected {
        let found = shown.matches(&value).count();
        prop_assert!(
            found >= times,
            "{value:?} is {found} times, not {times}, in {shown}"
        );
    }
    let mut names = Vec::new();
    labels(&content, &mut names);
    for name in names {
        prop_assert!(
            shown.contains(&folded(&name)),
            "the name {name:?} is not in {shown}"
        );
    }
    report.assert_well_formed();
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_value_and_no_name_of_random_json_is_lost(content in json("[ -~]{0,40}".boxed())) {
        assert_whole(content)?;
    }

    #[test]
    fn values_of_random_unicode_are_whole(content in json(left_to_right_text().boxed())) {
        assert_whole(content)?;
    }

    #[test]
    fn no_character_of_random_unicode_is_lost(content in json(any_text().boxed())) {
        let report = written_content(&content.to_string());
        let mut counts: HashMap<char, i64> = HashMap::new();
        for c in folded(&report.body()).chars() {
            *counts.entry(c).or_default() += 1;
        }
        let mut expected = Vec::new();
        scalars(&content, &mut expected);
        for c in expected.iter().flat_map(|value| folded(value).chars().collect::<Vec<_>>()) {
            let left = counts.entry(c).or_default();
            *left -= 1;
            prop_assert!(*left >= 0, "{c:?} ({:x}) is lost", u32::from(c));
        }
        report.assert_well_formed();
    }
}
