//! What happens without anybody asking for it.

use std::time::Duration;

use dossier_api::{ApiConfig, HousekeepingRules, Sweep};
use dossier_core::DocumentId;
use dossier_core::document::{report_document_id, section_document_id};
use dossier_core::lease::LeaseRules;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::harness::{Dossier, request_body};

/// Everything is old enough at once.
fn impatient() -> HousekeepingRules {
    HousekeepingRules {
        abandoned_after: Duration::ZERO,
        archive_after: Duration::ZERO,
        purge_after: Duration::ZERO,
        ..HousekeepingRules::default()
    }
}

async fn is_stored(dossier: &Dossier, id: DocumentId) -> bool {
    dossier.documents.stat(id).await.is_ok()
}

#[tokio::test]
async fn a_sweep_with_nothing_to_do_does_nothing() {
    let dossier = Dossier::start_with_services().await;
    dossier.request().await;
    assert_eq!(
        dossier.housekeeper(impatient()).sweep().await,
        Sweep::default()
    );
}

#[tokio::test]
async fn a_request_whose_time_has_run_out_is_given_up() {
    let dossier = Dossier::start_with(ApiConfig {
        lease_rules: LeaseRules {
            age_max: Duration::from_millis(1),
            ..LeaseRules::default()
        },
        ..ApiConfig::default()
    })
    .await;
    dossier.add_services().await;
    let id = dossier.request().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let sweep = dossier
        .housekeeper(HousekeepingRules::default())
        .sweep()
        .await;
    assert_eq!(
        sweep,
        Sweep {
            expired: 1,
            ..Sweep::default()
        }
    );
    let shown = dossier.shown(&id).await;
    assert_eq!(
        (&shown["status"], &shown["errorCode"]),
        (&json!("Errored"), &json!("TOO_OLD"))
    );
}

#[tokio::test]
async fn what_a_lost_attempt_uploaded_is_deleted() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    // Uploaded, and cancelled before it was recorded.
    let report = report_document_id(token);
    let section = section_document_id(token, &"alpha".parse().unwrap());
    dossier.put(report, b"%PDF").await;
    dossier.put(section, b"{}").await;
    let path = format!("/api/admin/subjectAccessRequests/{id}/cancel");
    dossier.admin().patch_bare(&path).await;

    let patient = dossier
        .housekeeper(HousekeepingRules::default())
        .sweep()
        .await;
    assert_eq!(
        patient,
        Sweep::default(),
        "the worker may still be uploading"
    );
    let rules = HousekeepingRules {
        abandoned_after: Duration::ZERO,
        ..HousekeepingRules::default()
    };
    let sweep = dossier.housekeeper(rules).sweep().await;
    assert_eq!(
        sweep,
        Sweep {
            attempts_cleaned: 1,
            ..Sweep::default()
        }
    );
    assert!(!is_stored(&dossier, report).await);
    assert!(!is_stored(&dossier, section).await);
    assert_eq!(dossier.housekeeper(rules).sweep().await, Sweep::default());
}

#[tokio::test]
async fn what_a_later_attempt_builds_on_stays() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    let section = dossier.collect(&id, token).await;
    let report = report_document_id(token);
    dossier.put(report, b"%PDF").await;
    let body = json!({"leaseToken": token, "reason": "SHUTDOWN"});
    let path = format!("/api/subjectAccessRequests/{id}/release");
    dossier.worker().patch(&path, &body).await;
    let sweep = dossier.housekeeper(impatient()).sweep().await;
    assert_eq!(
        sweep,
        Sweep {
            attempts_cleaned: 1,
            ..Sweep::default()
        }
    );
    assert!(is_stored(&dossier, section).await);
    assert!(!is_stored(&dossier, report).await);
}

#[tokio::test]
async fn kept_answers_of_completed_requests_are_deleted_and_the_report_stays() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    let section = dossier.collect(&id, token).await;
    dossier.complete(&id, token, b"%PDF").await;
    let sweep = dossier
        .housekeeper(HousekeepingRules::default())
        .sweep()
        .await;
    assert_eq!(
        sweep,
        Sweep {
            sections_cleaned: 1,
            ..Sweep::default()
        }
    );
    assert!(!is_stored(&dossier, section).await);
    assert!(is_stored(&dossier, report_document_id(token)).await);
}

#[tokio::test]
async fn an_old_request_loses_its_report_and_moves_to_the_archive_and_is_forgotten() {
    let dossier = Dossier::start_with_services().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(dossier.completed(b"%PDF").await);
    }
    let pending = dossier.request_of(&request_body()).await;
    let stored = dossier
        .store
        .request(ids[0].parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let rules = HousekeepingRules {
        archive_after: Duration::ZERO,
        batch_max: 2,
        ..HousekeepingRules::default()
    };
    let sweep = dossier.housekeeper(rules).sweep().await;
    assert_eq!((sweep.archived, sweep.purged, sweep.failed), (5, 0, 0));
    assert!(!is_stored(&dossier, stored.document.unwrap().id).await);
    for id in &ids {
        let report = dossier.user().get(&format!("/api/report?id={id}")).await;
        report.is_problem(404, "not-found");
    }
    assert_eq!(dossier.shown(&pending).await["status"], "Pending");
    let sweep = dossier.housekeeper(impatient()).sweep().await;
    assert_eq!(
        sweep,
        Sweep {
            purged: 5,
            ..Sweep::default()
        }
    );
    let path = "/api/admin/archivedSubjectAccessRequests";
    assert_eq!(dossier.admin().get(path).await.json, json!([]));
}

#[tokio::test]
async fn a_housekeeper_sweeps_until_it_is_told_to_stop() {
    let dossier = Dossier::start_with_services().await;
    let rules = HousekeepingRules {
        interval: Duration::from_millis(20),
        archive_after: Duration::ZERO,
        ..HousekeepingRules::default()
    };
    let stop = CancellationToken::new();
    let running = tokio::spawn(dossier.housekeeper(rules).run(stop.clone()));
    let id = dossier.completed(b"%PDF").await;
    let path = format!("/api/subjectAccessRequest/{id}");
    let mut tries = 0;
    while dossier.user().get(&path).await.status != reqwest::StatusCode::NOT_FOUND {
        tries += 1;
        assert!(tries < 200, "it was not archived");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), running)
        .await
        .unwrap()
        .unwrap();
}
