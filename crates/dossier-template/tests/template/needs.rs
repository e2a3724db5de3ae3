//! What a rendering would look up.

use dossier_template::{Content, Needs, Template};

fn needs(template: &str, json: &str) -> Needs {
    let content = Content::read_bare(json.as_bytes()).unwrap();
    Template::parse(template).unwrap().needs(&content).unwrap()
}

#[test]
fn every_code_and_image_is_listed_once() {
    let template = "{{#each l}}{{getPrisonName p}}{{getUserLastName u}}{{getLocationNameByDpsId d}}\
                    {{getLocationNameByNomisId n}}{{#if a}}{{{inlineAttachment a}}}{{/if}}{{/each}}";
    let json = r#"{"l": [
        {"p": "MDI", "u": "JS", "d": "d1", "n": 42, "a": {"contentType": "image/png", "url": "u"}},
        {"p": "MDI", "u": "", "d": null, "n": 43,
         "a": {"contentType": "image/png", "url": "u2", "filesize": 9}}
    ]}"#;
    let needs = needs(template, json);
    let texts = |set: &std::collections::BTreeSet<String>| {
        set.iter().cloned().collect::<Vec<_>>().join(",")
    };
    assert_eq!(texts(&needs.prisons), "MDI");
    assert_eq!(texts(&needs.users), "JS");
    assert_eq!(texts(&needs.locations_by_dps_id), "d1");
    assert_eq!(texts(&needs.locations_by_nomis_id), "42,43");
    let images: Vec<_> = needs
        .images
        .iter()
        .map(|i| (i.url.as_str(), i.filesize))
        .collect();
    assert_eq!(images, [("u", None), ("u2", Some(9))]);
    assert!(!format!("{needs:?}").contains("JS"));
}

#[test]
fn what_is_not_shown_is_not_needed() {
    assert!(needs("{{#if x}}{{getPrisonName \"MDI\"}}{{/if}}", "{}").is_empty());
}
