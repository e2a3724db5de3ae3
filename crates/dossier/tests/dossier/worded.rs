//! Sections in their services' own words: from the template that a service serves to the report.

use dossier_core::ServiceId;
use dossier_core::reference::ReferenceKind;
use dossier_core::section::SectionStatus;
use dossier_core::template::TemplateStatus;
use dossier_core::wire::{RequestView, ServiceBody};
use dossier_worker::api::ReferenceFormat;
use serde_json::json;

use crate::harness::upstream::Answer;
use crate::harness::{Dossier, pdf, service_body};

const TEMPLATE: &str = "<h1 class=\"title\">Where you were</h1>{{#each this}}<p>\
    {{getPrisonName prison}} until <b>{{optionalValue (formatDate until)}}</b></p>{{/each}}";

/// A service that serves this template and gives these answers.
async fn worded(
    dossier: &Dossier,
    template: &str,
    answers: impl IntoIterator<Item = Answer>,
) -> ServiceId {
    dossier.upstream.answer("moves", answers);
    dossier.upstream.template("moves", template);
    let body = ServiceBody {
        template_migrated: true,
        ..service_body("moves", dossier.upstream.url("moves"))
    };
    dossier.client.add_service(&body).await.unwrap().id.into()
}

async fn register(dossier: &Dossier, service: ServiceId, template: &str) {
    let template = template.as_bytes().to_vec();
    let registered = dossier.client.register_template(service, template).await;
    assert_eq!(registered.unwrap().status, TemplateStatus::Pending);
}

fn moves() -> Answer {
    Answer::Content(json!([
        { "prison": "MDI", "until": "2023-05-01" },
        { "prison": "LEI", "until": null },
    ]))
}

fn version(request: &RequestView) -> Option<&str> {
    request.services[0].template_version.as_deref()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_is_in_the_words_of_the_template_that_its_service_serves() {
    let dossier = Dossier::start().await;
    let service = worded(&dossier, TEMPLATE, [moves()]).await;
    register(&dossier, service, TEMPLATE).await;
    let names = json!({ "MDI": "Moorland" }).to_string().into();
    let imported = dossier
        .client
        .import_reference(ReferenceKind::Prisons, ReferenceFormat::Json, names)
        .await;
    imported.unwrap();

    let id = dossier.request(&["moves"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    assert_eq!(version(&request), Some("v1"));
    let text = dossier.report_text(id).await;
    for shown in [
        "Where you were",
        "Moorland until 01 May 2023",
        "LEI until No Data Held",
        "v1",
    ] {
        assert!(text.contains(shown), "{shown} is missing in:\n{text}");
    }
    assert!(!text.contains("Prison"), "{text}");
    pdf::check(&dossier.folder.path().join(format!("{id}.pdf")));
    let versions = dossier.client.template_versions(service).await.unwrap();
    assert_eq!(versions[0].status, TemplateStatus::Published);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_is_not_registered_fails_the_section_with_both_digests() {
    let dossier = Dossier::start_with(|config| config.lease.attempts_max = 2).await;
    let service = worded(&dossier, TEMPLATE, [moves()]).await;
    register(&dossier, service, "<p>another</p>").await;
    let id = dossier.request(&["moves"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Errored");
    let section = &request.services[0];
    assert_eq!(section.render_status, SectionStatus::Errored);
    let error = section.error.as_deref().unwrap();
    let digests = error
        .split(|c: char| !c.is_ascii_hexdigit())
        .filter(|word| word.len() == 64);
    assert_eq!(digests.count(), 2, "{error}");

    register(&dossier, service, TEMPLATE).await;
    dossier.client.restart(id).await.unwrap();
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    assert!(dossier.report_text(id).await.contains("LEI until"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_template_or_data_the_section_is_generic() {
    let dossier = Dossier::start().await;
    worded(&dossier, TEMPLATE, [moves(), Answer::Status(204)]).await;
    dossier.upstream.no_template("moves");
    let id = dossier.request(&["moves"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(version(&request), Some("generic"));
    let text = dossier.report_text(id).await;
    assert!(
        text.contains("01 May 2023") && text.contains("generic"),
        "{text}"
    );

    // What is served is not registered, and is not needed.
    dossier.upstream.template("moves", TEMPLATE);
    let id = dossier.request(&["moves"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    assert!(dossier.report_text(id).await.contains("No Data Held"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_its_own_template_has_a_legacy_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template_moves.mustache");
    std::fs::write(file, TEMPLATE).unwrap();
    std::fs::write(folder.path().join("README.md"), "{{#if").unwrap();
    let templates = folder.path().to_owned();
    let dossier = Dossier::start_with(|config| {
        config.worker.legacy_templates_folder = Some(templates);
    })
    .await;
    dossier.service("moves", [moves()]).await;
    let id = dossier.request(&["moves"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(version(&request), Some("legacy"));
    let text = dossier.report_text(id).await;
    assert!(text.contains("MDI until 01 May 2023"), "{text}");
    assert_eq!(dossier.upstream.calls("moves/template").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_a_template_shows_are_fetched_and_of_others_the_section_says_so() {
    let template = "{{#each this}}{{{inlineAttachment photo 40 40}}}{{/each}}<p>Photos</p>";
    let dossier = Dossier::start_with(|config| config.lease.attempts_max = 1).await;
    let url = format!("{}/images/dot.png", dossier.upstream.url("moves"));
    let photo = |kind: &str| {
        let photo = json!({ "contentType": kind, "url": url, "filesize": null });
        Answer::Content(json!([{ "photo": photo }, { "photo": null }]))
    };
    let answers = [photo("image/png"), photo("application/pdf")];
    let service = worded(&dossier, template, answers).await;
    register(&dossier, service, template).await;
    let id = dossier.request(&["moves"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    assert_eq!(dossier.upstream.calls("moves/images").len(), 1);
    dossier.report_text(id).await;
    let images = pdf::images(&dossier.folder.path().join(format!("{id}.pdf")));
    assert_eq!(images, 1);

    let id = dossier.request(&["moves"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    assert_eq!(dossier.upstream.calls("moves/images").len(), 1);
    let text = dossier.report_text(id).await;
    assert!(
        text.contains("image/*") && text.contains("Photos"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_template_made_is_kept_for_the_next_attempt() {
    let dossier = Dossier::start().await;
    let service = worded(&dossier, TEMPLATE, [moves()]).await;
    register(&dossier, service, TEMPLATE).await;
    let failing = [Answer::Status(400), Answer::Content(json!({ "a": 1 }))];
    dossier.service("failing", failing).await;
    let id = dossier.request(&["moves", "failing"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    assert_eq!(request.claim_attempts, 2);
    assert_eq!(dossier.upstream.calls("moves").len(), 1);
    let text = dossier.report_text(id).await;
    assert!(text.contains("MDI until 01 May 2023"), "{text}");
    assert!(text.contains("v1"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_makes_nothing_of_an_answer_does_not_say_that_nothing_is_held() {
    let dossier = Dossier::start().await;
    let template = "{{#each this}}\n  {{nothing}}\n{{/each}}";
    let service = worded(&dossier, template, [moves()]).await;
    let empty = dossier.client.register_template(service, Vec::new()).await;
    assert!(empty.unwrap_err().to_string().contains("is empty"));
    register(&dossier, service, template).await;
    let id = dossier.request(&["moves"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(version(&request), Some("generic"));
    let text = dossier.report_text(id).await;
    assert!(text.contains("01 May 2023"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_answer_without_content_that_lists_attachments_no_template_speaks() {
    let dossier = Dossier::start().await;
    let url = format!("{}/images/dot.png", dossier.upstream.url("moves"));
    let answer = json!({ "content": null, "attachments": [{
        "attachmentNumber": 1, "name": "A dot", "contentType": "image/png", "url": url,
        "filesize": null, "filename": "dot.png", "headers": [],
    }] });
    let body = Answer::Body(answer.to_string().into_bytes());
    let template =
        "<h1 class=\"title\">Where you were</h1><p>{{optionalValue name}} lived here</p>";
    let service = worded(&dossier, template, [body]).await;
    register(&dossier, service, template).await;
    let id = dossier.request(&["moves"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(version(&request), Some("generic"));
    let text = dossier.report_text(id).await;
    assert!(
        text.contains("No Data Held") && text.contains("Attachment: 1"),
        "{text}"
    );
    assert!(!text.contains("lived here"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_large_for_its_template_is_shown_as_it_stands() {
    let dossier = Dossier::start_with(|config| {
        config.worker.template_answer_bytes_max = 1_000;
    })
    .await;
    let long = Answer::Content(json!([{ "prison": "x".repeat(2_000), "until": "2023-05-01" }]));
    let service = worded(&dossier, TEMPLATE, [long]).await;
    register(&dossier, service, TEMPLATE).await;
    let id = dossier.request(&["moves"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(version(&request), Some("generic"));
    let text = dossier.report_text(id).await;
    assert!(
        text.contains("Prison") && text.contains("01 May 2023"),
        "{text}"
    );
}
