use std::io::{self, Write};

use crate::check::{self, Finding, Findings};
use crate::needs::{self, Needs};
use crate::parse::{self, Oddity, Parsed, Reading};
use crate::render::{Rendered, Renderer};
use crate::syntax::Body;
use crate::{
    Content, InlineImages, NoInlineImages, NoReferenceData, Place, ReferenceData, RenderError,
    TemplateError,
};

/// A service's template, compiled; it may be used from several threads at once.
pub struct Template {
    pub(crate) source: Box<str>,
    pub(crate) body: Body,
    pub(crate) oddities: Vec<Oddity>,
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template")
            .field("bytes", &self.source.len())
            .finish()
    }
}

impl Template {
    /// Compiles a template. It must be well-formed and name only known helpers: this is what a
    /// template is validated with.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let Reading {
            parsed,
            unknown_helpers,
        } = parse::parse(source);
        let problem = match (unknown_helpers.into_iter().next(), parsed) {
            (None, Ok(parsed)) => return Ok(Self::of(source, parsed)),
            (Some(problem), _) | (None, Err(problem)) => problem,
        };
        Err(problem.in_template(source))
    }

    pub(crate) fn of(source: &str, parsed: Parsed) -> Self {
        Self {
            source: source.into(),
            body: parsed.body,
            oddities: parsed.oddities,
        }
    }

    /// Writes what the template makes of a content, as it goes. A content that holds no data
    /// renders with nothing as its context.
    ///
    /// # Errors
    /// [`RenderError`]; what was written by then is no section.
    pub fn render(
        &self,
        content: &Content,
        reference: &dyn ReferenceData,
        images: &dyn InlineImages,
        out: &mut dyn Write,
    ) -> Result<Rendered, RenderError> {
        Renderer::new(self, content, reference, images, out).run()
    }

    /// What the template makes of a content, without names and images.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_to_string(&self, content: &Content) -> Result<String, RenderError> {
        let mut html = Vec::new();
        self.render(content, &NoReferenceData, &NoInlineImages, &mut html)?;
        Ok(String::from_utf8_lossy(&html).into_owned())
    }

    /// What a rendering would look up, so that all of it can be fetched beforehand.
    ///
    /// Names are not known yet: where a template decides by a name, what it would look up only
    /// then is not among them.
    ///
    /// # Errors
    /// As [`Self::render`], other than for images that cannot be had.
    pub fn needs(&self, content: &Content) -> Result<Needs, RenderError> {
        needs::of(self, content)
    }

    /// What an engineer should know of the template, and with a sample answer of the two together.
    /// The findings come in the order of their places.
    pub fn check(&self, sample: Option<&Content>) -> Vec<Finding> {
        let mut findings = Findings::of(&self.source);
        check::check(self, sample, &mut findings);
        findings.in_order()
    }

    pub(crate) fn place(&self, offset: usize) -> Place {
        Place::of(self.source.as_bytes(), offset)
    }

    /// Renders without names and images into nothing, and tells `usage` of every value.
    pub(crate) fn observe<'a>(
        &'a self,
        content: &'a Content,
        images: &'a dyn InlineImages,
        usage: &mut check::Usage,
    ) -> Result<Rendered, RenderError> {
        let mut nowhere = io::sink();
        let mut renderer = Renderer::new(self, content, &NoReferenceData, images, &mut nowhere);
        renderer.usage = Some(usage);
        renderer.run()
    }
}
