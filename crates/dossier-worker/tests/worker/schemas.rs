//! Titles are a help to readers, and no section fails for want of them.

use crate::harness::{DATA, World, view};

#[tokio::test]
async fn a_section_whose_schema_cannot_be_had_is_printed_without_it() {
    let world = World::new().await;
    let mut sections = Vec::new();
    for (name, sha256) in [("gone", "ab".repeat(32)), ("odd", "no digest".to_owned())] {
        world.upstream.answer(name, 200, DATA);
        let mut section = world.section(name);
        section.schema_sha256 = Some(sha256);
        sections.push(section);
    }
    world.api.add(view(), sections);
    world.completes().await;
    let api = world.api.inner();
    let request = &api.requests[0];
    for name in ["gone", "odd"] {
        assert_eq!(request.errors_of(name), [""; 0]);
        let version = request.section(name).template_version.as_deref();
        assert_eq!(version, Some("generic"));
    }
    assert_eq!(request.view.claim_attempts, 1);
}
