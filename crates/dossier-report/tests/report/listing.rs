//! What an answer says of its attachments.

use std::fs;

use dossier_report::{Attachment, ReportError, limits, list_attachments};

fn listed(body: &str) -> Result<Vec<Attachment>, ReportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body.json");
    fs::write(&path, body).unwrap();
    list_attachments(&path)
}

#[test]
fn every_member_of_the_contract_is_read() {
    let body = r#"{"content":{"attachments":[1]},"attachments":[
        {"attachmentNumber":7,"name":"Tom &amp;\u2003Jerry ","contentType":"image/png",
         "url":"http://x/y?a=1&amp;b","filesize":447,"filename":"a&#x2e;png",
         "headers":[{"name":"X-One","value":"1"},{"name":"X-Two","value":""}]}]}"#;
    assert_eq!(
        listed(body).unwrap(),
        [Attachment {
            number: 7,
            name: "Tom & Jerry".to_owned(),
            content_type: "image/png".to_owned(),
            url: "http://x/y?a=1&amp;b".to_owned(),
            filesize: Some(447),
            filename: "a.png".to_owned(),
            headers: vec![
                ("X-One".to_owned(), "1".to_owned()),
                ("X-Two".to_owned(), String::new())
            ],
        }]
    );
}

#[test]
fn what_is_absent_or_of_another_kind_leaves_the_rest() {
    let body = r#"{"attachments":[
        {"url":"http://x/1"},
        {"url":"http://x/2","attachmentNumber":"22","name":null,"contentType":[{}],"filesize":-1,
         "filename":{"a":1},"headers":{"name":"x"}},
        {"url":"http://x/3","attachmentNumber":1.5,"filesize":"9","more":[1,[2]],
         "headers":[null,{"value":"lost"},{"name":"kept","value":"v"}]}]}"#;
    let found: Vec<_> = listed(body)
        .unwrap()
        .into_iter()
        .map(|a| (a.number, a.url, a.filesize, a.headers.len()))
        .collect();
    assert_eq!(
        found,
        [
            (1, "http://x/1".to_owned(), None, 0),
            (22, "http://x/2".to_owned(), None, 0),
            (3, "http://x/3".to_owned(), Some(9), 1),
        ]
    );
}

#[test]
fn no_attachments_are_an_empty_list() {
    for body in ["{}", r#"{"attachments":null}"#, r#"{"attachments":[]}"#] {
        assert_eq!(listed(body).unwrap(), []);
    }
}

#[test]
fn lists_of_one_name_are_one_list() {
    let body = r#"{"attachments":[{"url":"a"}],"content":1,"attachments":[{"url":"b"}]}"#;
    let numbers: Vec<i64> = listed(body).unwrap().iter().map(|a| a.number).collect();
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn what_cannot_be_fetched_is_refused() {
    for attachments in [
        r#"{"url":"http://x"}"#,
        r#""http://x""#,
        r#"["http://x"]"#,
        r#"[null]"#,
        r#"[{"url":"a"},{"name":"Ada Lovelace"}]"#,
        r#"[{"url":""}]"#,
        r#"[{"url":7}]"#,
    ] {
        let body = format!("{{\"attachments\":{attachments}}}");
        let error = listed(&body).unwrap_err();
        assert!(
            matches!(error, ReportError::AttachmentRefused { .. }),
            "{attachments}"
        );
        assert!(!format!("{error} {error:?}").contains("Ada"));
    }
}

#[test]
fn more_than_the_limits_is_refused() {
    let many = |max: u64, element: &str| vec![element; max as usize + 1].join(",");
    let url = "u".repeat(limits::ATTACHMENT_URL_BYTES_MAX as usize + 1);
    for attachments in [
        many(limits::ATTACHMENTS_MAX, r#"{"url":"u"}"#),
        format!("{{\"url\":\"{url}\"}}"),
        format!(
            r#"{{"url":"u","headers":[{}]}}"#,
            many(
                limits::ATTACHMENT_HEADERS_MAX,
                r#"{"name":"n","value":"v"}"#
            )
        ),
    ] {
        let error = listed(&format!("{{\"attachments\":[{attachments}]}}")).unwrap_err();
        assert!(matches!(error, ReportError::LimitPassed { .. }), "{error}");
    }
}

#[test]
fn an_attachment_is_not_shown_by_debug() {
    let body = r#"{"attachments":[{"url":"http://secret","name":"Ada"}]}"#;
    assert_eq!(
        format!("{:?}", listed(body).unwrap()),
        "[Attachment { .. }]"
    );
}
