//! A section in its service's own words: its template, the names and images that the template asks
//! for, and what it makes of the answer.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dossier_core::section::TemplateVersion;
use dossier_template::{Content, ContentError, InlineImage, RenderError, Template};

use super::Attempt;
use super::sections::Order;
use crate::collect::NotCollected;
use crate::config::RENDERING_MEMORY_FACTOR;
use crate::connection::file_fault;
use crate::fetch::Progress;
use crate::kept;
use crate::lease::WriteError;
use crate::looked_up::{FetchedImages, Missing, Names, missing};
use crate::template::Served;

/// Bytes of the output's buffer.
const BUFFER_BYTES: usize = 64 * 1024;
/// Longer output is surely more than white space.
const BLANK_BYTES_MAX: u64 = 1 << 20;
/// Most rounds of looking names up: a name that is found may lead a template to ask for another.
const LOOKUP_ROUNDS_MAX: usize = 3;
/// One permit of [`Workshop::rendering_mib`](super::Workshop::rendering_mib).
const MIB: u64 = 1 << 20;

/// What a section is made with.
pub(super) enum Wording {
    /// Whatever the answer holds, as it stands.
    Generic,
    /// A template.
    Template(Arc<Template>, TemplateVersion),
}

impl Attempt {
    /// What the section is to be made with: the template that its service serves, if that is a
    /// registered version; a legacy one; or none.
    pub(super) async fn wording(&self, order: &Order) -> Result<Wording, NotCollected> {
        if !order.template_migrated {
            let legacy = self.workshop.legacy_templates.of(&order.service);
            return Ok(legacy.map_or(Wording::Generic, |template| {
                Wording::Template(template, TemplateVersion::Legacy)
            }));
        }
        let collector = &self.workshop.collector;
        let served = collector
            .template(&order.service, &order.service_url)
            .await?;
        let Some(served) = served else {
            return Ok(Wording::Generic);
        };
        let registered = self.registered(order, served).await;
        registered.map_err(|detail| NotCollected { detail, tries: 1 })
    }

    async fn registered(&self, order: &Order, served: Served) -> Result<Wording, String> {
        let resolve = || {
            self.workshop.api.resolve_template(
                self.id,
                &order.service,
                self.lease.token(),
                &served.sha256,
            )
        };
        let resolved = match self.lease.write(resolve).await {
            Ok(resolved) => resolved,
            Err(WriteError::Lost) => return Err("the lease is lost".to_owned()),
            Err(WriteError::Refused(error)) => return Err(error.to_string()),
        };
        let template = self.workshop.parsed_templates.parse(&served)?;
        let version = TemplateVersion::Version(resolved.version);
        Ok(Wording::Template(template, version))
    }

    /// Has a section's answer worded by its template; answers the version that made it, and the file
    /// that holds what it made.
    pub(super) async fn word(
        &self,
        order: &Order,
        wording: &Wording,
        progress: &Progress,
    ) -> Result<(TemplateVersion, Option<PathBuf>), String> {
        let Wording::Template(template, version) = wording else {
            return Ok((TemplateVersion::Generic, None));
        };
        let bytes = tokio::fs::metadata(&order.files.answer)
            .await
            .map_err(|error| file_fault(&error))?
            .len();
        let bytes_max = self.workshop.limits.template_answer_bytes_max;
        if bytes > bytes_max {
            tracing::warn!(
                bytes,
                bytes_max,
                "an answer is too large for its template; it is shown as it stands"
            );
            return Ok((TemplateVersion::Generic, None));
        }
        let mib =
            u32::try_from((bytes * RENDERING_MEMORY_FACTOR).div_ceil(MIB)).unwrap_or(u32::MAX);
        let mib = mib.clamp(1, self.workshop.limits.rendering_mib());
        // The semaphore is never closed.
        let _memory = self.workshop.rendering_mib.acquire_many(mib).await.ok();
        let answer = order.files.answer.clone();
        let content = blocking(move || Content::open(&answer).map_err(|e| in_words(&e))).await?;
        if !content.holds_data() {
            // Only its attachments are shown.
            return Ok((TemplateVersion::Generic, None));
        }
        let content = Arc::new(content);
        let (names, images) = self.names_for(template, &content).await?;
        let images = self.images_for(order, images, progress).await?;
        let (template, file) = (Arc::clone(template), order.files.worded.clone());
        let to = file.clone();
        let says_something =
            blocking(move || write(&template, &content, &names, &images, &to)).await?;
        if !says_something {
            // The section must not say that nothing is held.
            tracing::warn!("a template made nothing of an answer, which is shown as it stands");
            return Ok((TemplateVersion::Generic, None));
        }
        Ok((*version, Some(file)))
    }

    /// The names of the codes that the template asks for, looked up in batches, and the images that
    /// it then asks for. Without a name its code is shown: a section does not fail for it.
    async fn names_for(
        &self,
        template: &Arc<Template>,
        content: &Arc<Content>,
    ) -> Result<(Names, Vec<InlineImage>), String> {
        let mut names = Names::default();
        for _ in 0..LOOKUP_ROUNDS_MAX {
            let missing = still_missing(template, content, &names).await?;
            let batches = names.unasked(missing.codes);
            if batches.is_empty() {
                return Ok((names, missing.images.into_iter().collect()));
            }
            for batch in batches {
                match self.workshop.api.look_up_reference(&batch).await {
                    Ok(found) => names.add(found),
                    Err(error) => {
                        tracing::warn!(%error, "names could not be looked up; codes are shown");
                    }
                }
            }
        }
        let missing = still_missing(template, content, &names).await?;
        Ok((names, missing.images.into_iter().collect()))
    }

    async fn images_for(
        &self,
        order: &Order,
        images: Vec<InlineImage>,
        progress: &Progress,
    ) -> Result<FetchedImages, String> {
        let (service, url) = (&order.service, &order.service_url);
        let collector = &self.workshop.collector;
        let fetched = collector
            .inline_images(service, url, &images, &order.files.images, progress)
            .await?;
        Ok(FetchedImages(images.into_iter().zip(fetched).collect()))
    }
}

/// Runs what takes a while on a thread where that is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err("the section could not be rendered".to_owned()))
}

async fn still_missing(
    template: &Arc<Template>,
    content: &Arc<Content>,
    names: &Names,
) -> Result<Missing, String> {
    let (template, content, names) = (Arc::clone(template), Arc::clone(content), names.clone());
    blocking(move || missing(&template, &content, &names).map_err(|e| of_template(&e))).await
}

fn write(
    template: &Template,
    content: &Content,
    names: &Names,
    images: &FetchedImages,
    to: &Path,
) -> Result<bool, String> {
    let disk = |error: &std::io::Error| file_fault(error);
    let file = kept::create(to).map_err(|error| disk(&error))?;
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
    match template.render(content, names, images, &mut out) {
        Ok(rendered) => {
            out.flush().map_err(|error| disk(&error))?;
            Ok(rendered.bytes > BLANK_BYTES_MAX || !is_blank(to).map_err(|error| disk(&error))?)
        }
        Err(RenderError::Write(error)) => Err(disk(&error)),
        Err(error) => Err(of_template(&error)),
    }
}

/// Whether a short file holds nothing but white space.
fn is_blank(file: &Path) -> std::io::Result<bool> {
    Ok(std::fs::read(file)?.trim_ascii().is_empty())
}

fn of_template(error: &RenderError) -> String {
    format!("its template: {error}")
}

fn in_words(error: &ContentError) -> String {
    match error {
        ContentError::Read(error) => file_fault(error),
        error => error.to_string(),
    }
}
