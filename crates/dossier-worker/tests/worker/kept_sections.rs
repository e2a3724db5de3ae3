//! What an earlier attempt collected is not fetched again.

use std::io::Write;

use dossier_core::DocumentId;
use dossier_core::section::{Held, SectionStatus};
use dossier_core::wire::{DocumentView, SectionTask};
use dossier_documents::DocumentStore;

use crate::harness::{DATA, World};

/// A section that an earlier attempt collected.
async fn kept_section(world: &World, body: &str) -> SectionTask {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(body.as_bytes()).unwrap();
    let id = DocumentId::generate();
    let kept = world.documents.put(id, file.path()).await.unwrap();
    let mut section = world.section("kept");
    section.render_status = SectionStatus::Complete;
    section.held = Some(Held::Data);
    section.template_version = Some("generic".to_owned());
    section.kept = Some(DocumentView::from(&kept));
    section
}

#[tokio::test]
async fn a_kept_answer_is_read_from_the_document_store() {
    let world = World::new().await;
    let section = kept_section(&world, DATA).await;
    let mut nothing = world.section("nothing");
    nothing.render_status = SectionStatus::Complete;
    nothing.held = Some(Held::NotSupported);
    world
        .api
        .add(crate::harness::view(), vec![section, nothing]);
    world.completes().await;
    assert!(world.upstream.calls("kept").is_empty());
    assert!(world.upstream.calls("nothing").is_empty());
    assert!(world.api.inner().requests[0].reports.is_empty());
}

#[tokio::test]
async fn a_kept_answer_that_is_gone_is_fetched_again_for_this_report() {
    let world = World::new().await;
    world.upstream.answer("kept", 200, DATA);
    let section = kept_section(&world, DATA).await;
    world
        .documents
        .delete(section.kept.as_ref().unwrap().document_id.into())
        .await
        .unwrap();
    world.api.add(crate::harness::view(), vec![section]);
    world.completes().await;
    assert_eq!(world.upstream.calls("kept").len(), 1);
    assert!(
        world.api.inner().requests[0].reports.is_empty(),
        "its record must not change"
    );
}

#[tokio::test]
async fn a_kept_answer_with_another_digest_is_fetched_again() {
    let world = World::new().await;
    world.upstream.answer("kept", 200, DATA);
    let mut section = kept_section(&world, DATA).await;
    section.kept.as_mut().unwrap().sha256 = "ab".repeat(32);
    world.api.add(crate::harness::view(), vec![section]);
    world.completes().await;
    assert_eq!(world.upstream.calls("kept").len(), 1);
}

#[tokio::test]
async fn a_second_attempt_fetches_only_what_the_first_could_not() {
    let mut world = World::new().await;
    world.config.attempt_pause_seconds = 0.05;
    world.config.tries_max = 1;
    world.upstream.answer("good", 200, DATA);
    world.upstream.answers(
        "bad",
        vec![
            Box::new(|| crate::harness::reply(500, "")),
            Box::new(|| crate::harness::reply(200, DATA)),
        ],
    );
    world.request(&["good", "bad"]);
    world.completes().await;
    assert_eq!(world.upstream.calls("good").len(), 1);
    assert_eq!(world.upstream.calls("bad").len(), 2);
}
