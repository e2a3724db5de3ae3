use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::Value;

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_value_of_random_json_is_lost(content in json("[ -~]{0,40}".boxed())) {
        let report = written_content(&content.to_string());
        let shown = folded(&report.body());
        let mut expected = Vec::new();
        scalars(&content, &mut expected);
        for value in expected {
            prop_assert!(shown.contains(&folded(&value)), "{value:?} is not in {shown}");
        }
        report.assert_well_formed();
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
