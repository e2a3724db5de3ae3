//! What a survey of an answer finds odd, and that it shows nothing of the answer's data.

use std::fs;

use dossier_report::{
    JsonKind, OddityKind, ReportError, ResponseSurvey, contradicting_type, limits, survey_response,
};

fn surveyed(body: &str) -> Result<ResponseSurvey, ReportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body.json");
    fs::write(&path, body).unwrap();
    survey_response(&path)
}

fn oddities(body: &str) -> Vec<(String, OddityKind)> {
    let survey = surveyed(body).unwrap();
    let found = survey.oddities.into_iter();
    found.map(|oddity| (oddity.pointer, oddity.kind)).collect()
}

fn odd(pointer: &str, kind: OddityKind) -> (String, OddityKind) {
    (pointer.to_owned(), kind)
}

#[test]
fn an_answer_of_the_contract_has_nothing_odd() {
    let body = r#"{"content":[{"a":1,"b":[{"a":2},{"a":3}]},{"a":{"a":{}},
         "photo":{"contentType":"image/png","url":"http://x/1","filesize":null}}],
        "attachments":[{"attachmentNumber":1,"name":"A photo","contentType":"image/png",
         "url":"http://x/1","filesize":1,"filename":"a.png","headers":[{"name":"X","value":""}]},
         {"attachmentNumber":2,"name":"Text","contentType":"text/plain; charset=utf-8",
         "url":"http://x/2","filesize":null,"filename":"b.txt","headers":null,"more":[1]}],
        "unknown":[[],{}]}"#;
    let survey = surveyed(body).unwrap();
    assert_eq!(survey.oddities, []);
    assert_eq!(survey.content, Some(JsonKind::List));
    assert!(!survey.content_is_empty);
    assert_eq!((survey.attachments, survey.inline_attachments), (2, 1));
}

#[test]
fn content_is_told_apart_from_none_and_from_empty() {
    for (body, kind, is_empty) in [
        ("{}", None, false),
        (r#"{"content":null}"#, None, false),
        (r#"{"content":[ ]}"#, Some(JsonKind::List), true),
        (r#"{"content":{}}"#, Some(JsonKind::Object), true),
        (r#"{"content":""}"#, Some(JsonKind::Text), true),
        (r#"{"content":"x"}"#, Some(JsonKind::Text), false),
        (r#"{"content":[null]}"#, Some(JsonKind::List), false),
        (r#"{"content":0}"#, Some(JsonKind::Number), false),
        (r#"{"content":false}"#, Some(JsonKind::Boolean), false),
    ] {
        let survey = surveyed(body).unwrap();
        assert_eq!(
            (survey.content, survey.content_is_empty),
            (kind, is_empty),
            "{body}"
        );
    }
    assert!(!surveyed(r#"{"a":{"content":1}}"#).unwrap().has_content);
    assert!(surveyed(r#"{"content":null}"#).unwrap().has_content);
}

#[test]
fn names_that_an_object_has_twice_are_found_at_any_depth() {
    let body = r#"{"content":{"list":[{"a":1},{"a":1,"b":2,"a":[]}],"x":1,"x":{"x":2}},
        "content":null}"#;
    assert_eq!(
        oddities(body),
        [
            odd("/content/list/1/a", OddityKind::RepeatedName),
            odd("/content/x", OddityKind::RepeatedName),
            odd("/content", OddityKind::RepeatedName),
        ]
    );
}

#[test]
fn names_that_may_be_data_are_not_shown() {
    let body = r#"{"content":{"A1234AA":{"k":1,"k":2},"Ada Lovelace":{"k":1,"k":2},
        "é":{"k":1,"k":2},"line_2":{"k":1,"k":2}}}"#;
    let pointers: Vec<String> = oddities(body).into_iter().map(|(at, _)| at).collect();
    assert_eq!(
        pointers,
        [
            "/content/*/k",
            "/content/*/k",
            "/content/*/k",
            "/content/line_2/k"
        ]
    );
}

#[test]
fn an_inline_attachment_must_be_an_image() {
    let body = r#"{"content":{"doc":{"url":"u","contentType":"application/pdf","filesize":3},
        "photo":{"contentType":" Image/JPEG","url":"u","filesize":3},
        "link":{"contentType":"text/html","url":"u"}},
        "other":{"url":"u","contentType":"application/pdf","filesize":3}}"#;
    assert_eq!(
        oddities(body),
        [odd("/content/doc", OddityKind::InlineNotImage)]
    );
    assert_eq!(surveyed(body).unwrap().inline_attachments, 2);
}

#[test]
fn each_member_of_an_attachment_is_held_to_its_type() {
    let wrong = |expected, found| OddityKind::WrongType { expected, found };
    let body = r#"{"attachments":[7,{"attachmentNumber":1.5,"name":7,"contentType":"pdf","url":[],
        "filesize":-1,"filename":"a&amp;b.pdf","headers":[{"name":"X"},"Y",{"name":1,"value":"v"}]},
        {"attachmentNumber":"1","name":" x","contentType":"a/b","filesize":"3","headers":{}}]}"#;
    assert_eq!(
        oddities(body),
        [
            odd("/attachments/0", wrong("an object", JsonKind::Number)),
            odd(
                "/attachments/1/attachmentNumber",
                wrong("a whole number", JsonKind::Number)
            ),
            odd("/attachments/1/name", wrong("a text", JsonKind::Number)),
            odd("/attachments/1/contentType", OddityKind::NoMediaType),
            odd("/attachments/1/url", wrong("a text", JsonKind::List)),
            odd(
                "/attachments/1/filesize",
                wrong("a whole number from 0", JsonKind::Number)
            ),
            odd("/attachments/1/filename", OddityKind::UncleanName),
            odd("/attachments/1/headers/0/value", OddityKind::Missing),
            odd(
                "/attachments/1/headers/1",
                wrong("an object", JsonKind::Text)
            ),
            odd(
                "/attachments/1/headers/2/name",
                wrong("a text", JsonKind::Number)
            ),
            odd(
                "/attachments/2/attachmentNumber",
                wrong("a whole number", JsonKind::Text)
            ),
            odd("/attachments/2/name", OddityKind::UncleanName),
            odd(
                "/attachments/2/filesize",
                wrong("a whole number or null", JsonKind::Text)
            ),
            odd(
                "/attachments/2/headers",
                wrong("a list or null", JsonKind::Object)
            ),
            odd("/attachments/2/url", OddityKind::Missing),
            odd("/attachments/2/filename", OddityKind::Missing),
        ]
    );
    assert_eq!(
        oddities(r#"{"attachments":{"a":1}}"#),
        [odd("/attachments", wrong("a list", JsonKind::Object))]
    );
}

#[test]
fn oddities_beyond_the_limit_are_counted() {
    let twice = r#"{"a":1,"a":2}"#;
    let body = format!(r#"{{"content":[{}]}}"#, [twice; 1_500].join(","));
    let survey = surveyed(&body).unwrap();
    assert_eq!(survey.oddities.len(), limits::SURVEY_ODDITIES_MAX);
    assert_eq!(survey.oddities_beyond, 500);
}

#[test]
fn deep_nesting_is_walked_and_its_pointer_cut() {
    let depth = 90_000;
    let body = format!(
        r#"{{"content":{}{{"a":1,"a":2}}{}}}"#,
        "[".repeat(depth),
        "]".repeat(depth)
    );
    let found = oddities(&body);
    assert_eq!(found.len(), 1);
    assert!(found[0].0.ends_with("/…/a"), "{found:?}");
    assert!(found[0].0.len() < 100, "{found:?}");
}

#[test]
fn a_files_bytes_contradict_its_declared_type_or_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for (bytes, declared, found) in [
        (&b"%PDF-1.7\n"[..], "application/pdf", None),
        (b"%PDF-1.7\n", "image/png", Some("PDF")),
        (b"<html>not found</html>", "application/pdf", Some("HTML")),
        (b"<html>", "text/plain", None),
        (b"<svg/>", "image/svg+xml", None),
        (b"\x89PNG\r\n\x1a\n", "image/jpeg", Some("PNG")),
        (b"\xff\xd8\xff", "IMAGE/JPEG; a=b", None),
        (b"\xff\xd8\xff", "text/plain", Some("JPEG")),
        (b"anything", "application/octet-stream", None),
        (b"anything", "application/pdf", Some("text")),
        (b"", "application/pdf", Some("empty")),
        (b"", "text/plain", None),
        (b"a,b\n", "text/csv", None),
        (b"\0\x01\x02", "video/mp4", None),
        (b"words", "video/mp4", Some("text")),
    ] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(
            contradicting_type(&path, declared).unwrap(),
            found,
            "{declared}"
        );
    }
}
