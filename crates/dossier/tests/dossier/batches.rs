//! Many leases renewed, many requests completed in one call, by the client that workers use.

use std::collections::HashMap;

use dossier_core::document::report_document_id;
use dossier_core::section::{Held, SectionStatus};
use dossier_core::wire::{
    ClaimView, ClaimsQuery, CompleteRequest, DocumentView, LEASE_BATCH_MAX, ReleaseKind,
    ReleaseLease, RequestView, SectionReport,
};
use dossier_core::{LeaseToken, RequestId};
use dossier_documents::{DocumentStore, FolderStore};
use dossier_worker::ApiError;
use serde_json::{Value, json};

use crate::harness::Dossier;
use crate::harness::upstream::Answer;

const SERVICE: &str = "notes";

/// A Dossier whose requests only the test takes.
async fn without_workers() -> Dossier {
    let mut dossier = Dossier::start_with(|config| config.lease.lock_period_seconds = 60.0).await;
    dossier.stop_workers().await;
    let answer = Answer::Content(json!([{ "note": "text" }]));
    dossier.service(SERVICE, [answer]).await;
    dossier
}

/// A lease as a worker holds it.
type Lease = (RequestId, LeaseToken);

/// Makes so many requests and claims them in one call; answers them in the order of their making.
async fn claimed(dossier: &Dossier, count: u32) -> Vec<Lease> {
    let mut made = Vec::new();
    for _ in 0..count {
        made.push(dossier.request(&[SERVICE]).await);
    }
    let claims = claim(dossier, count).await;
    let tokens: HashMap<RequestId, LeaseToken> = claims
        .iter()
        .map(|claim| (claim.request.id.into(), claim.lease_token))
        .collect();
    made.into_iter().map(|id| (id, tokens[&id])).collect()
}

async fn claim(dossier: &Dossier, max: u32) -> Vec<ClaimView> {
    let query = ClaimsQuery {
        max,
        wait: 0,
        worker: None,
    };
    dossier.client.claims(&query).await.unwrap()
}

/// Gives a lease back and takes the request again; answers the new lease.
async fn claimed_again(dossier: &Dossier, (id, token): Lease) -> Lease {
    let release = ReleaseLease {
        lease_token: token,
        reason: ReleaseKind::Shutdown,
        detail: None,
        retry_after_seconds: 0.0,
    };
    dossier.client.release(id, &release).await.unwrap();
    let claim = dossier.client.claim(id, None).await.unwrap();
    (id, claim.lease_token)
}

/// Reports the section as complete and stores a document as the report; answers what completes the
/// request.
async fn ready(dossier: &Dossier, (id, token): Lease) -> (RequestId, CompleteRequest) {
    let report = SectionReport {
        lease_token: token,
        render_status: SectionStatus::Complete,
        held: Some(Held::NoData),
        kept: None,
        template_version: None,
        error: None,
        bytes: 0,
        tries: 1,
    };
    let service = SERVICE.parse().unwrap();
    let reported = dossier.client.report_section(id, &service, &report).await;
    reported.unwrap();
    let file = dossier.folder.path().join("document");
    std::fs::write(&file, content(id)).unwrap();
    let documents = FolderStore::open(dossier.config.documents_folder())
        .await
        .unwrap();
    let kept = documents.put(report_document_id(token), &file).await;
    let completion = CompleteRequest {
        lease_token: token,
        document: DocumentView::from(&kept.unwrap()),
        pages: 2,
        others: Vec::new(),
    };
    (id, completion)
}

/// What the storage has for a lease.
async fn stored(dossier: &Dossier, (_, token): Lease) -> dossier_core::KeptDocument {
    let documents = FolderStore::open(dossier.config.documents_folder())
        .await
        .unwrap();
    documents.stat(report_document_id(token)).await.unwrap()
}

/// What the document of a request holds: no two the same.
fn content(id: RequestId) -> String {
    format!("%PDF-1.7 of {id}")
}

fn unknown() -> Lease {
    let id: uuid::Uuid = "018f0000-0000-7000-8000-000000000000".parse().unwrap();
    (id.into(), LeaseToken::generate())
}

/// All that the API says of a request, the end of its lease apart.
async fn shown(dossier: &Dossier, id: RequestId) -> Value {
    let mut request: RequestView = dossier.client.show(id).await.unwrap();
    request.lease_expires_at = None;
    serde_json::to_value(request).unwrap()
}

/// The status and the last word of the problem of each that was refused.
fn refusals<T>(outcomes: &[Result<T, ApiError>]) -> Vec<Option<(u16, &str)>> {
    let refusal = |outcome| match outcome {
        &Ok(_) => None,
        Err(ApiError::Refused {
            status,
            problem: Some(problem),
        }) => Some((status.as_u16(), problem.kind.rsplit(':').next().unwrap())),
        Err(error) => panic!("no outcome of its own: {error}"),
    };
    outcomes.iter().map(refusal).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn good_completions_beside_bad_ones_take_effect_and_each_has_its_own_outcome() {
    let dossier = without_workers().await;
    let held = claimed(&dossier, 4).await;
    let first = ready(&dossier, held[0]).await;
    let stale = ready(&dossier, held[1]).await;
    claimed_again(&dossier, held[1]).await;
    let mut unheard_of = ready(&dossier, held[2]).await;
    let mut damaged = unheard_of.clone();
    damaged.1.document.sha256 = "ab".repeat(32);
    let (unknown_id, unknown_token) = unknown();
    unheard_of.0 = unknown_id;
    unheard_of.1.lease_token = unknown_token;
    unheard_of.1.document.document_id = report_document_id(unknown_token).as_uuid();
    let last = ready(&dossier, held[3]).await;
    let before = [
        shown(&dossier, stale.0).await,
        shown(&dossier, damaged.0).await,
    ];

    let asked = [first, stale, unheard_of, damaged, last];
    let outcomes = dossier.client.complete_all(&asked).await.unwrap();
    let expected = [
        None,
        Some((409, "lease-lost")),
        Some((404, "not-found")),
        Some((422, "document-mismatch")),
        None,
    ];
    assert_eq!(refusals(&outcomes), expected);
    assert!(outcomes[1].as_ref().unwrap_err().is_lease_lost());

    let [first, stale, _, damaged, last] = &asked;
    for (id, completion) in [first, last] {
        let request = dossier.client.show(*id).await.unwrap();
        assert_eq!(request.status, "Completed");
        assert_eq!(request.pages, Some(2));
        let file = dossier.folder.path().join(id.to_string());
        let downloaded = dossier.client.download(*id, &file, |_, _| {}).await;
        downloaded.unwrap();
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(bytes, content(*id).as_bytes());
        assert_eq!(completion.document.bytes, bytes.len() as u64);
    }
    let after = [
        shown(&dossier, stale.0).await,
        shown(&dossier, damaged.0).await,
    ];
    assert_eq!(after, before, "who was refused changed nothing");
    assert!(after.iter().all(|request| request["status"] == "Pending"));

    let again = dossier.client.complete_all(&asked).await.unwrap();
    assert_eq!(refusals(&again), expected, "a lost answer can be had again");
    // What was said of the document was wrong, not the lease: it completes the request yet.
    let mut mended = damaged.clone();
    mended.1.document = DocumentView::from(&stored(&dossier, held[2]).await);
    let outcomes = dossier.client.complete_all(&[mended]).await.unwrap();
    assert_eq!(refusals(&outcomes), [None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn good_renewals_beside_bad_ones_take_effect_and_each_has_its_own_outcome() {
    let dossier = without_workers().await;
    let held = claimed(&dossier, 4).await;
    let (first, stale, completed, last) = (held[0], held[1], held[2], held[3]);
    claimed_again(&dossier, stale).await;
    let completion = ready(&dossier, completed).await;
    let outcomes = dossier.client.complete_all(&[completion]).await.unwrap();
    assert_eq!(refusals(&outcomes), [None]);
    let mut before = HashMap::new();
    for (id, _) in &held {
        before.insert(*id, dossier.client.show(*id).await.unwrap());
    }
    // A later time in milliseconds, which is what is told of it.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;

    let leases = [first, stale, unknown(), completed, last];
    for round in 1..=2 {
        let outcomes = dossier.client.renew_all(&leases).await.unwrap();
        let expected = [
            None,
            Some((409, "lease-lost")),
            Some((404, "not-found")),
            Some((409, "request-finished")),
            None,
        ];
        assert_eq!(refusals(&outcomes), expected, "round {round}");
        for ((id, _), outcome) in leases.iter().zip(&outcomes) {
            let Ok(lease) = outcome else { continue };
            assert_eq!(lease.lock_period_seconds, 60.0);
            let now = dossier.client.show(*id).await.unwrap();
            assert_eq!(now.lease_expires_at, Some(lease.lease_expires_at));
            assert!(now.lease_expires_at > before[id].lease_expires_at);
        }
    }
    for (id, _) in [stale, completed] {
        let now = dossier.client.show(id).await.unwrap();
        let (now, before) = (json!(now), json!(before[&id]));
        assert_eq!(now, before, "who was refused changed nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_names_too_many_is_refused_as_a_whole_and_says_how_many_may_be_named() {
    let dossier = without_workers().await;
    let held = claimed(&dossier, 1).await[0];
    let completion = ready(&dossier, held).await;
    let before = dossier.client.show(held.0).await.unwrap();

    let leases = vec![held; LEASE_BATCH_MAX + 1];
    let completions = vec![completion; LEASE_BATCH_MAX + 1];
    let renewals = dossier.client.renew_all(&leases).await;
    let completed = dossier.client.complete_all(&completions).await;
    for (field, error) in [
        ("leases", renewals.unwrap_err()),
        ("completions", completed.unwrap_err()),
    ] {
        assert_eq!(error.status().map(|status| status.as_u16()), Some(400));
        let said = error.to_string();
        let limit = format!("{field} must name from 1 to {LEASE_BATCH_MAX}");
        assert!(said.contains(&limit), "{said}");
    }
    let after = dossier.client.show(held.0).await.unwrap();
    assert_eq!(json!(after), json!(before), "nothing was changed");

    let most = &leases[..LEASE_BATCH_MAX];
    let outcomes = dossier.client.renew_all(most).await.unwrap();
    assert_eq!(refusals(&outcomes), vec![None; LEASE_BATCH_MAX]);
    let most = &completions[..LEASE_BATCH_MAX];
    let outcomes = dossier.client.complete_all(most).await.unwrap();
    assert_eq!(refusals(&outcomes), vec![None; LEASE_BATCH_MAX]);
}
