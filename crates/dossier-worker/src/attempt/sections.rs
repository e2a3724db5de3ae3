//! The sections of a request, side by side: fetched, kept and reported, or read from what an earlier
//! attempt kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use dossier_core::document::section_document_id;
use dossier_core::schema::ContentSchema;
use dossier_core::section::{Held, SectionStatus, TemplateVersion};
use dossier_core::service::ServiceDetails;
use dossier_core::wire::{DocumentView, SectionReport, SectionTask};
use dossier_core::{KeptDocument, Private, ServiceName, Sha256Hex};
use dossier_documents::DocumentError;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use url::Url;

use super::{Attempt, Ending, Workshop};
use crate::collect::{Collected, Files, NotCollected};
use crate::connection::file_fault;
use crate::fetch::{Progress, Question, create_private, create_private_folder};
use crate::kept::{self, Parts};
use crate::lease::WriteError;
use crate::rendering::{self, ReportSection, SectionAnswer};
use crate::spool::{AttemptSpool, SectionSpool};

/// The tasks that collect sections; they end before the attempt does.
#[derive(Default)]
pub(super) struct SectionTasks(JoinSet<(usize, Result<ReportSection, String>)>);

impl SectionTasks {
    /// Aborts what still runs, and returns when nothing does.
    pub async fn stop(&mut self) {
        self.0.shutdown().await;
    }
}

/// What is to be done for one section.
pub(super) struct Order {
    pub service: ServiceName,
    label: String,
    /// The service's base URL.
    pub service_url: Url,
    /// Whether it serves its own template.
    pub template_migrated: bool,
    /// Where it is asked for its data.
    url: Private<Url>,
    pub files: SectionSpool,
    /// What made the section, if an earlier attempt collected it.
    version: TemplateVersion,
}

/// A section's answer and what is made of it.
struct Worded {
    collected: Collected,
    version: TemplateVersion,
    /// What the template made of the answer.
    file: Option<PathBuf>,
}

impl Worded {
    /// As the report takes it.
    fn answer(self, order: &Order) -> (TemplateVersion, Option<SectionAnswer>) {
        let answer = self.collected.body.map(|_| SectionAnswer {
            body: order.files.answer.clone(),
            worded: self.file,
            attachments: self.collected.attachments,
        });
        (self.version, answer)
    }
}

impl Attempt {
    /// All sections in report order, or why the attempt cannot go on. One section's failure does not
    /// stop the others: what they collect is kept for the next attempt.
    pub(super) async fn collect_sections(
        self: &Arc<Self>,
        question: &Question,
        spool: &AttemptSpool,
        tasks: &mut SectionTasks,
    ) -> Result<Vec<ReportSection>, Ending> {
        let places = Arc::new(Semaphore::new(self.workshop.limits.sections_at_once));
        let mut sections: Vec<Option<ReportSection>> = vec![None; self.claim.sections.len()];
        let mut suspended = false;
        for (place, task) in self.claim.sections.iter().enumerate() {
            if task.render_status == SectionStatus::Suspended {
                suspended = true;
                continue;
            }
            let order = order(task, question, spool.section(place)).map_err(Ending::Failed)?;
            let span = tracing::info_span!("section", service = %order.service);
            let (attempt, places) = (Arc::clone(self), Arc::clone(&places));
            let section = async move {
                // The semaphore is never closed.
                let _place = places.acquire_owned().await.ok();
                (place, attempt.section(place, order).await)
            };
            tasks.0.spawn(section.instrument(span));
        }
        let mut failures = Vec::new();
        while let Some(ended) = tasks.0.join_next().await {
            match ended {
                Ok((place, Ok(section))) => sections[place] = Some(section),
                Ok((place, Err(text))) => failures.push((place, text)),
                // The task's message may hold data.
                Err(_) => failures.push((usize::MAX, "a section failed unexpectedly".to_owned())),
            }
        }
        failures.sort();
        if !failures.is_empty() {
            let texts: Vec<String> = failures.into_iter().map(|(_, text)| text).collect();
            return Err(Ending::Failed(texts.join("; ")));
        }
        if suspended {
            return Err(Ending::Suspended);
        }
        Ok(sections.into_iter().flatten().collect())
    }

    /// One section, ready for the report. The error names the service.
    async fn section(&self, place: usize, order: Order) -> Result<ReportSection, String> {
        let task = &self.claim.sections[place];
        let service = order.service.clone();
        let with_service = |text: String| format!("{service}: {text}");
        let made = match (task.render_status, task.held, &task.kept) {
            (SectionStatus::Complete, Some(Held::NoData | Held::NotSupported), _) => {
                Ok((order.version, None))
            }
            (SectionStatus::Complete, _, kept) => self.kept_answer(kept.as_ref(), &order).await,
            _ => self.fetched_answer(&order).await,
        };
        let (version, answer) = made.map_err(with_service)?;
        let labels = match &answer {
            Some(answer) if answer.worded.is_none() => self.labels(task).await,
            _ => None,
        };
        Ok(ReportSection {
            service: order.service,
            label: order.label,
            version,
            labels,
            answer,
        })
    }

    /// The titles for an answer that no template words, if its service has a schema. That none can
    /// be had is no reason to fail: it is shown without.
    async fn labels(&self, task: &SectionTask) -> Option<ContentSchema> {
        let sha256 = task.schema_sha256.as_deref()?;
        let Workshop { api, schemas, .. } = &*self.workshop;
        let schema = schemas.of(api, task.service_id.into(), sha256).await;
        schema
            .inspect_err(|error| {
                tracing::warn!(
                    error,
                    "a service's schema cannot be had; its section is printed without titles"
                );
            })
            .ok()
    }

    /// The answer that an earlier attempt kept. If it is gone or damaged, the service is asked again,
    /// for this report only: a complete section's record never changes.
    async fn kept_answer(
        &self,
        kept: Option<&DocumentView>,
        order: &Order,
    ) -> Result<(TemplateVersion, Option<SectionAnswer>), String> {
        let kept = kept.and_then(|view| KeptDocument::try_from(view).ok());
        let restored = match &kept {
            Some(kept) => self.restore(kept, &order.files).await?,
            None => None,
        };
        if restored.is_some() {
            tracing::info!("the section was collected by an earlier attempt");
            return Ok((order.version, restored));
        }
        tracing::warn!("a kept answer is gone or damaged; fetching it again");
        let worded = self.collect(order, &Progress::default()).await;
        let worded = worded.map_err(|failure| failure.detail)?;
        Ok(worded.answer(order))
    }

    /// The answer, and what is made of it. The template is asked for while the answer is on its way;
    /// what became of that counts only if there is something to be made.
    async fn collect(&self, order: &Order, progress: &Progress) -> Result<Worded, NotCollected> {
        let files = Files {
            answer: &order.files.answer,
            attachments: &order.files.attachments,
        };
        let collector = &self.workshop.collector;
        let collecting = collector.collect(&order.service, &order.url, &files, progress);
        let (collected, wording) = tokio::join!(collecting, self.wording(order));
        let collected = collected?;
        if collected.body.is_none() {
            return Ok(Worded {
                collected,
                version: TemplateVersion::Generic,
                file: None,
            });
        }
        let worded = self.word(order, &wording?, progress).await;
        let tries = collected.tries;
        let (version, file) = worded.map_err(|detail| NotCollected { detail, tries })?;
        Ok(Worded {
            collected,
            version,
            file,
        })
    }

    /// Gets an answer, with its attachments, out of a kept document; none unless it is whole.
    async fn restore(
        &self,
        kept: &KeptDocument,
        files: &SectionSpool,
    ) -> Result<Option<SectionAnswer>, String> {
        if !self.fetch_kept(kept, &files.kept).await? {
            return Ok(None);
        }
        let (files, attachments_max) = (files.clone(), self.workshop.limits.attachments_max);
        create_private_folder(&files.attachments)
            .await
            .map_err(|error| file_fault(&error))?;
        let unpacking = move || unpack(&files, attachments_max);
        tokio::task::spawn_blocking(unpacking)
            .await
            .unwrap_or_else(|_| Err("a kept answer could not be unpacked".to_owned()))
    }

    /// Copies a kept document to a file; answers whether it is whole.
    async fn fetch_kept(&self, kept: &KeptDocument, file: &Path) -> Result<bool, String> {
        let unavailable = |error: DocumentError| error.to_string();
        let mut read = match self.workshop.documents.read(kept.id, None).await {
            Ok(read) => read,
            Err(DocumentError::NotFound(_) | DocumentError::Damaged(_)) => return Ok(false),
            Err(error) => return Err(unavailable(error)),
        };
        let mut out = create_private(file).await.map_err(|e| file_fault(&e))?;
        let mut digest = Sha256::new();
        let mut bytes = 0;
        while let Some(piece) = read.body.next().await {
            let Ok(piece) = piece else {
                return Ok(false);
            };
            bytes += piece.len() as u64;
            digest.update(&piece);
            out.write_all(&piece).await.map_err(|e| file_fault(&e))?;
        }
        out.flush().await.map_err(|e| file_fault(&e))?;
        let sha256 = Sha256Hex::from_digest(&digest.finalize().into());
        Ok(bytes == kept.bytes && sha256 == kept.sha256)
    }

    /// The service's answer, kept and reported.
    async fn fetched_answer(
        &self,
        order: &Order,
    ) -> Result<(TemplateVersion, Option<SectionAnswer>), String> {
        let began = Instant::now();
        let outcome = match self.collect_with_progress(order).await {
            Ok(worded) => self.keep(order, worded).await,
            Err(failure) => Err(failure),
        };
        let duration_ms = began.elapsed().as_millis() as u64;
        let report = match &outcome {
            Ok((worded, kept)) => {
                let bytes = kept.as_ref().map_or(0, |kept| kept.bytes);
                let (held, tries) = (worded.collected.held.as_str(), worded.collected.tries);
                let template = worded.version.to_string();
                tracing::info!(
                    held,
                    bytes,
                    tries,
                    template,
                    duration_ms,
                    "collected a section"
                );
                self.complete_report(worded, kept.as_ref())
            }
            Err(failure) => {
                let (error, tries) = (&failure.detail, failure.tries);
                tracing::warn!(
                    error,
                    tries,
                    duration_ms,
                    "a section could not be collected"
                );
                self.errored_report(failure)
            }
        };
        let kept = outcome
            .as_ref()
            .ok()
            .and_then(|(_, kept)| kept.as_ref().map(|k| k.id));
        if let Some(kept) = kept {
            // From here on the API may know of it.
            self.own_documents().remove(&kept);
        }
        let write = || {
            self.workshop
                .api
                .report_section(self.id, &order.service, &report)
        };
        if let Err(error) = self.lease.write(write).await {
            // It surely does not.
            self.own_documents().extend(kept);
            return Err(match error {
                WriteError::Lost => "the lease is lost".to_owned(),
                WriteError::Refused(error) => format!("its outcome was refused: {error}"),
            });
        }
        match outcome {
            Ok((worded, _)) => Ok(worded.answer(order)),
            Err(failure) => Err(failure.detail),
        }
    }

    /// Collects while the API is told how far it has come.
    async fn collect_with_progress(&self, order: &Order) -> Result<Worded, NotCollected> {
        let progress = Progress::default();
        let ended = CancellationToken::new();
        let collect = async {
            let _end = ended.clone().drop_guard();
            self.collect(order, &progress).await
        };
        let (collected, ()) = tokio::join!(collect, self.tell(order, &progress, &ended));
        collected
    }

    async fn tell(&self, order: &Order, progress: &Progress, ended: &CancellationToken) {
        let mut told = (0, 0);
        loop {
            let pause = tokio::time::sleep(self.workshop.limits.progress);
            if ended.run_until_cancelled(pause).await.is_none() {
                return;
            }
            let bytes = progress.bytes.load(Ordering::Relaxed);
            let tries = progress.tries.load(Ordering::Relaxed);
            if (bytes, tries) == told {
                continue;
            }
            told = (bytes, tries);
            let report = SectionReport {
                bytes,
                tries,
                ..self.blank_report(SectionStatus::Pending)
            };
            let tell = self
                .workshop
                .api
                .report_section(self.id, &order.service, &report);
            match tell.await {
                Err(error) if error.is_conflict() => return self.lease.lose(),
                // Progress that does not arrive is no loss.
                Err(error) => tracing::debug!(%error, "progress was not accepted"),
                Ok(()) => {}
            }
        }
    }

    /// Puts a collected answer, with its attachments, in the document store.
    async fn keep(
        &self,
        order: &Order,
        worded: Worded,
    ) -> Result<(Worded, Option<KeptDocument>), NotCollected> {
        let id = section_document_id(self.lease.token(), &order.service);
        let collected = &worded.collected;
        let tries = collected.tries;
        let packed = match &collected.body {
            None => return Ok((worded, None)),
            Some(body) if collected.attachments.is_empty() && worded.file.is_none() => {
                Ok((order.files.answer.clone(), body.bytes, body.sha256.clone()))
            }
            Some(_) => pack(&order.files, worded.file.as_deref(), &collected.attachments).await,
        };
        let failed = |detail| NotCollected { detail, tries };
        let (file, bytes, sha256) = packed.map_err(failed)?;
        self.own_documents().insert(id);
        let expected = KeptDocument { id, bytes, sha256 };
        let stored = super::report::store(&*self.workshop.documents, &expected, &file).await;
        if file == order.files.kept {
            // Its parts are all there; what cannot be removed goes with the spool.
            let _ = tokio::fs::remove_file(&file).await;
        }
        stored.map_err(failed)?;
        Ok((worded, Some(expected)))
    }

    fn complete_report(&self, worded: &Worded, kept: Option<&KeptDocument>) -> SectionReport {
        SectionReport {
            held: Some(worded.collected.held),
            kept: kept.map(DocumentView::from),
            template_version: Some(worded.version.to_string()),
            bytes: kept.map_or(0, |kept| kept.bytes),
            tries: worded.collected.tries,
            ..self.blank_report(SectionStatus::Complete)
        }
    }

    fn errored_report(&self, failure: &NotCollected) -> SectionReport {
        SectionReport {
            error: Some(failure.detail.clone()),
            tries: failure.tries,
            ..self.blank_report(SectionStatus::Errored)
        }
    }

    fn blank_report(&self, render_status: SectionStatus) -> SectionReport {
        SectionReport {
            lease_token: self.lease.token(),
            render_status,
            held: None,
            kept: None,
            template_version: None,
            error: None,
            bytes: 0,
            tries: 0,
        }
    }
}

/// An answer and its attachments as one file, with its size and digest.
async fn pack(
    files: &SectionSpool,
    worded: Option<&Path>,
    attachments: &[PathBuf],
) -> Result<(PathBuf, u64, Sha256Hex), String> {
    let (files, attachments) = (files.clone(), attachments.to_vec());
    let worded = worded.map(Path::to_owned);
    let packing = move || {
        kept::pack(&files.answer, worded.as_deref(), &attachments, &files.kept)?;
        let (bytes, sha256) = rendering::digest(&files.kept)?;
        Ok((files.kept, bytes, sha256))
    };
    match tokio::task::spawn_blocking(packing).await {
        Ok(packed) => packed.map_err(|error: std::io::Error| file_fault(&error)),
        Err(_) => Err("the section could not be packed".to_owned()),
    }
}

/// The answer in a kept document with every attachment that it lists; none if one is not there, as
/// in a document of before attachments were fetched.
fn unpack(files: &SectionSpool, attachments_max: usize) -> Result<Option<SectionAnswer>, String> {
    let parts = Parts {
        answer: &files.answer,
        worded: &files.worded,
        attachments: &files.attachments,
    };
    let unpacked = kept::unpack(&files.kept, &parts, attachments_max);
    let Some(unpacked) = unpacked.map_err(|error| file_fault(&error))? else {
        return Ok(None);
    };
    // An archive is not needed beside its parts.
    let _ = std::fs::remove_file(&files.kept);
    let listed = rendering::list_attachments(&files.answer);
    if !listed.is_ok_and(|listed| listed.len() == unpacked.attachments.len()) {
        return Ok(None);
    }
    Ok(Some(SectionAnswer {
        body: files.answer.clone(),
        worded: unpacked.worded.then(|| files.worded.clone()),
        attachments: unpacked.attachments,
    }))
}

fn order(task: &SectionTask, question: &Question, files: SectionSpool) -> Result<Order, String> {
    let service: ServiceName = task
        .service_name
        .parse()
        .map_err(|_| "the request names a service that cannot be".to_owned())?;
    let url = ServiceDetails::parse_url(&task.service_url)
        .map_err(|error| format!("{service}: its {error}"))?;
    let version = task
        .template_version
        .as_deref()
        .and_then(|text| text.parse().ok());
    Ok(Order {
        label: task.service_label.clone(),
        url: question.url(&url),
        service_url: url,
        template_migrated: task.template_migrated,
        files,
        version: version.unwrap_or(TemplateVersion::Generic),
        service,
    })
}
