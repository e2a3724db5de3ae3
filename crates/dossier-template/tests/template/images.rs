//! Inline attachments.

use std::io::Read;

use dossier_template::{
    ImageError, InlineImage, InlineImages, NoReferenceData, RenderError, double_to_text,
};

use crate::support::{all, failure, html, render_with};

/// Every image is its URL's bytes, so many times.
struct Repeated(usize);

impl InlineImages for Repeated {
    fn open(&self, image: &InlineImage) -> Result<Box<dyn Read + '_>, ImageError> {
        let bytes = image.url.repeat(self.0).into_bytes();
        Ok(Box::new(std::io::Cursor::new(bytes)))
    }
}

const JSON: &str = r#"{"a": {"contentType": "image/png", "url": "abc", "filesize": 3}}"#;

fn shown(template: &str, json: &str) -> Result<String, RenderError> {
    render_with(template, json, &NoReferenceData, &Repeated(1))
}

#[test]
fn an_image_becomes_a_data_uri() {
    let image = "<img src=\"data:image/png;base64,YWJj\" alt=\"Inline attachment\" \
                 height=\"100\" width=\"null\"/>";
    assert_eq!(shown("{{{inlineAttachment a 100}}}", JSON).unwrap(), image);
    let none = image.replace("100", "null");
    assert_eq!(shown("{{{inlineAttachment a}}}", JSON).unwrap(), none);
    assert_eq!(shown("{{{inlineAttachment a h w}}}", JSON).unwrap(), none);
    let both = image.replace("null", "2.5");
    assert_eq!(
        shown("{{{inlineAttachment a \"100\" 2.5}}}", JSON).unwrap(),
        both
    );
    assert_eq!(double_to_text(2.5), "2.5");
    let content = shown("<img src=\"{{{inlineAttachmentContent a}}}\"/>", JSON).unwrap();
    assert_eq!(content, "<img src=\"data:image/png;base64,YWJj\"/>");
}

#[test]
fn in_two_braces_an_image_is_escaped_like_anything() {
    let html = shown("{{inlineAttachment a}}", JSON).unwrap();
    assert!(
        html.starts_with("&lt;img src&#x3D;&quot;data:image/png;base64,YWJj&quot;"),
        "{html}"
    );
}

#[test]
fn in_an_expression_an_image_is_a_text() {
    let html = shown("{{{optionalValue (inlineAttachmentContent a)}}}", JSON).unwrap();
    assert_eq!(html, "data:image/png;base64,YWJj");
}

#[test]
fn no_attachment_is_no_data_held_or_nothing() {
    for json in ["{}", r#"{"a": null}"#] {
        assert_eq!(html("{{{inlineAttachment a 1 2}}}", json), "No Data Held");
        assert_eq!(html("{{{inlineAttachmentContent a}}}", json), "");
    }
}

#[test]
fn what_is_no_attachment_is_shown_as_it_is() {
    let json = r#"{"a": {"url": 5}, "b": "x"}"#;
    assert_eq!(
        html("{{{inlineAttachment a}}}{{{inlineAttachment b}}}", json),
        "{url=5}x"
    );
}

#[test]
fn where_an_attachment_is_no_image_the_section_says_so_and_goes_on() {
    let json = r#"{"a": {"contentType": "application/pdf", "url": "secret"}, "b": 1}"#;
    let said = "[Inline attachment: it cannot be shown, because it is not of a type image/*]";
    all(&[
        (
            "<p>{{{inlineAttachment a 1 2}}}{{b}}</p>",
            json,
            &format!("<p>{said}1</p>"),
        ),
        (
            "<img src=\"{{{inlineAttachmentContent a}}}\"/>{{b}}",
            json,
            &format!("<img src=\"{said}\"/>1"),
        ),
        ("{{optionalValue (inlineAttachmentContent a)}}", json, said),
    ]);
}

#[test]
fn an_image_that_cannot_be_had_is_an_error() {
    let error = failure("{{{inlineAttachment a}}}", JSON);
    assert!(matches!(error, RenderError::Image { .. }), "{error}");
    assert!(!error.to_string().contains("abc"), "{error}");
}

#[test]
fn large_images_are_encoded_without_a_seam() {
    let images = Repeated(100_000);
    let json = r#"{"a": {"contentType": "image/gif", "url": "abcd"}}"#;
    let html = render_with(
        "{{{inlineAttachmentContent a}}}",
        json,
        &NoReferenceData,
        &images,
    )
    .unwrap();
    let data = html.strip_prefix("data:image/gif;base64,").unwrap();
    assert_eq!(data.len(), 400_000_usize.div_ceil(3) * 4);
    assert!(data.starts_with("YWJjZGFiY2RhYmNk") && data.ends_with("YWJjZA=="));
    assert!(!data[..data.len() - 2].contains('='));
}

#[test]
fn a_hostile_type_or_height_stays_in_its_attribute() {
    let json = r#"{"a": {"contentType": "image/\"><script>", "url": "abc"}, "h": "\" onload=\"x"}"#;
    let html = shown("{{{inlineAttachment a h}}}", json).unwrap();
    assert!(
        !html.contains("<script") && !html.contains("\" onload"),
        "{html}"
    );
}
