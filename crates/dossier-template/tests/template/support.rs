use dossier_template::{
    Content, InlineImages, NoInlineImages, NoReferenceData, ReferenceData, RenderError, Template,
};

/// What a template makes of bare JSON.
#[track_caller]
pub fn html(template: &str, json: &str) -> String {
    let template = Template::parse(template).unwrap();
    let content = Content::read_bare(json.as_bytes()).unwrap();
    template.render_to_string(&content).unwrap()
}

/// What it makes with names and images.
pub fn render_with(
    template: &str,
    json: &str,
    reference: &dyn ReferenceData,
    images: &dyn InlineImages,
) -> Result<String, RenderError> {
    let template = Template::parse(template).unwrap();
    let content = Content::read_bare(json.as_bytes()).unwrap();
    let mut html = Vec::new();
    template.render(&content, reference, images, &mut html)?;
    Ok(String::from_utf8(html).unwrap())
}

/// Why a rendering fails.
#[track_caller]
pub fn failure(template: &str, json: &str) -> RenderError {
    render_with(template, json, &NoReferenceData, &NoInlineImages).unwrap_err()
}

/// Checks `(template, json, html)` one after the other.
#[track_caller]
pub fn all(cases: &[(&str, &str, &str)]) {
    for (template, json, expected) in cases {
        assert_eq!(html(template, json), *expected, "{template} with {json}");
    }
}
