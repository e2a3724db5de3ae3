//! A whole Dossier with its documents in an existing document API.

use dossier::config::DocumentsKind;
use dossier_core::DocumentKind;
use dossier_worker::config::UpstreamAuth;
use serde_json::json;

use crate::harness::Dossier;
use crate::harness::document_api::{DocumentApi, Stored, TOKEN};
use crate::harness::upstream::Answer;

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_made_and_downloaded_with_documents_in_a_document_api() {
    let (documents, address) = DocumentApi::start().await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, TOKEN.strip_prefix("Bearer ").unwrap()).unwrap();
    let dossier = Dossier::start_with(|config| {
        config.documents.kind = DocumentsKind::DocumentApi;
        config.documents.document_api.url = Some(format!("http://{address}").parse().unwrap());
        config.worker.upstream_auth = UpstreamAuth::File { path: token };
    })
    .await;
    dossier
        .service(
            "notes",
            [Answer::Content(json!([{ "noteText": "from an API" }]))],
        )
        .await;
    let id = dossier.request(&["notes"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    assert!(dossier.report_text(id).await.contains("from an API"));
    for made in &request.documents {
        let of_it = |stored: &Stored| stored.metadata["sha256"] == made.sha256;
        let stored = documents.all().into_iter().find(of_it).unwrap();
        assert_eq!(stored.document_type, "SUBJECT_ACCESS_REQUEST_REPORT");
        let media_type = match made.kind {
            DocumentKind::Package => "application/zip",
            _ => "application/pdf",
        };
        assert_eq!(stored.media_type, media_type);
    }
    assert!(!dossier.config.documents_folder().exists());
}
