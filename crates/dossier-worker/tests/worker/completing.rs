//! A request is completed exactly once, with a document that is there.

use std::sync::atomic::Ordering;
use std::time::Duration;

use dossier_core::document::report_document_id;
use dossier_core::wire::ReleaseKind;

use crate::harness::api::CompleteFault;
use crate::harness::{DATA, World};

async fn completes_despite(faults: &[CompleteFault]) {
    let world = World::new().await;
    world.upstream.answer("s", 200, DATA);
    world.api.inner().complete_faults.extend(faults);
    world.request(&["s"]);
    world.completes().await;
    let document = {
        let inner = world.api.inner();
        let request = &inner.requests[0];
        assert_eq!(request.completed.len(), 1, "completed once");
        assert_eq!(inner.complete_calls as usize, faults.len() + 1);
        assert_eq!(
            request.completed[0].document.document_id,
            report_document_id(request.tokens[0]).as_uuid()
        );
        assert!(request.completed[0].pages >= 1);
        request.completed[0].document.document_id
    };
    assert!(
        world.documents.has(document.into()).await,
        "the report is there"
    );
}

#[tokio::test]
async fn a_completed_request_has_its_report_stored() {
    completes_despite(&[]).await;
}

#[tokio::test]
async fn a_complete_that_failed_is_asked_again() {
    completes_despite(&[CompleteFault::Before, CompleteFault::Before]).await;
}

#[tokio::test]
async fn a_complete_whose_answer_was_lost_is_asked_again() {
    completes_despite(&[CompleteFault::After]).await;
    completes_despite(&[CompleteFault::Broken, CompleteFault::Before]).await;
}

#[tokio::test]
async fn a_lost_answer_never_costs_the_report_even_when_renewals_are_refused_meanwhile() {
    // With this short a period the lease of the completed request is renewed, and refused, while
    // the worker asks again.
    let world = World::with_lock_period(Duration::from_millis(3000)).await;
    world.upstream.answer("s", 200, DATA);
    world
        .api
        .inner()
        .complete_faults
        .extend([CompleteFault::After; 30]);
    world.request(&["s"]);
    let worker = world.start_worker();
    world
        .api
        .until("a renewal is refused", |api| {
            api.stale_writes.contains(&"renew")
        })
        .await;
    worker.stop().await;
    let document = world.api.inner().requests[0].completed[0]
        .document
        .document_id;
    assert!(world.documents.has(document.into()).await);
}

#[tokio::test]
async fn a_conflict_deletes_the_attempts_own_report() {
    let world = World::new().await;
    world.upstream.answer("s", 204, "");
    world.documents.holds.store(true, Ordering::SeqCst);
    world.request(&["s"]);
    let worker = world.start_worker();
    world
        .api
        .until("the section is collected", |api| {
            !api.requests[0].reports.is_empty()
        })
        .await;
    world.api.steal_lease();
    while world.documents.put.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.documents.go_on.notify_one();
    world
        .api
        .until("it is refused", |api| {
            api.stale_writes.contains(&"complete")
        })
        .await;
    worker.stop().await;
    let report = report_document_id(world.api.inner().requests[0].tokens[0]);
    assert!(!world.documents.has(report).await);
    assert!(world.api.inner().requests[0].releases.is_empty());
}

#[tokio::test]
async fn a_complete_that_never_takes_effect_gives_the_request_back_and_deletes_the_report() {
    let mut world = World::new().await;
    world.config.complete_seconds_max = 0.3;
    world.upstream.answer("s", 204, "");
    world
        .api
        .inner()
        .complete_faults
        .extend([CompleteFault::Before; 100]);
    world.request(&["s"]);
    world.fails().await;
    assert_eq!(world.documents.count().await, 0);
}

#[tokio::test]
async fn a_complete_that_never_answers_leaves_the_report_where_it_is() {
    let mut world = World::new().await;
    world.config.complete_seconds_max = 0.3;
    world.upstream.answer("s", 204, "");
    world
        .api
        .inner()
        .complete_faults
        .extend([CompleteFault::After; 100]);
    world.request(&["s"]);
    let worker = world.start_worker();
    world
        .api
        .until("giving back is refused", |api| {
            api.stale_writes.contains(&"release")
        })
        .await;
    worker.stop().await;
    assert_eq!(world.documents.count().await, 2, "and so does the package");
}

#[tokio::test]
async fn a_finished_request_costs_the_report_only_if_no_earlier_call_can_have_finished_it() {
    for (faults, left) in [
        (&[CompleteFault::Finished][..], 0),
        // The report and the package.
        (&[CompleteFault::After, CompleteFault::Finished], 2),
    ] {
        let world = World::new().await;
        world.upstream.answer("s", 204, "");
        world.api.inner().complete_faults.extend(faults);
        world.request(&["s"]);
        let worker = world.start_worker();
        world
            .api
            .until("it is asked", |api| {
                api.complete_calls as usize == faults.len()
            })
            .await;
        worker.stop().await;
        assert_eq!(world.documents.count().await, left, "{faults:?}");
    }
}

#[tokio::test]
async fn a_document_that_is_not_what_was_sent_is_not_completed_with() {
    let world = World::new().await;
    world.upstream.answer("s", 204, "");
    world.documents.alters.store(true, Ordering::SeqCst);
    world.request(&["s"]);
    assert_eq!(
        world.fails().await,
        "the stored document is not the one that was sent"
    );
    assert_eq!(world.documents.count().await, 0);
}

#[tokio::test]
async fn every_request_is_completed_once_by_workers_that_compete() {
    let mut world = World::new().await;
    world.upstream.answer("a", 200, DATA);
    world.upstream.answer("b", 204, "");
    for _ in 0..30 {
        world.request(&["a", "b"]);
    }
    world.config.name = Some("one".to_owned());
    let one = world.start_worker();
    world.config.name = Some("two".to_owned());
    let two = world.start_worker();
    world
        .api
        .until("all are completed", |api| {
            api.requests.iter().all(|r| r.view.is_finished())
        })
        .await;
    one.stop().await;
    two.stop().await;
    let documents = {
        let inner = world.api.inner();
        assert!(
            inner
                .requests
                .iter()
                .all(|r| r.completed.len() == 1 && r.tokens.len() == 1)
        );
        assert!(inner.requests.iter().all(|r| r.releases.is_empty()));
        inner.requests.len()
    };
    // A report, a package and a kept answer each.
    assert_eq!(world.documents.count().await, 3 * documents);
    assert!(world.spool_is_empty());
}

#[tokio::test]
async fn a_panic_ends_one_attempt_only() {
    let world = World::new().await;
    world.upstream.answer("s", 204, "");
    world.documents.panics.store(true, Ordering::SeqCst);
    world.request(&["s"]);
    let worker = world.start_worker();
    world
        .api
        .until("it is given back", |api| {
            !api.requests[0].releases.is_empty()
        })
        .await;
    world.documents.panics.store(false, Ordering::SeqCst);
    world.request(&["s"]);
    world
        .api
        .until("the next is completed", |api| {
            !api.requests[1].completed.is_empty()
        })
        .await;
    worker.stop().await;
    let inner = world.api.inner();
    let (kind, detail, _) = &inner.requests[0].releases[0];
    assert_eq!(*kind, ReleaseKind::Failed);
    assert_eq!(detail.as_deref(), Some("the report could not be stored"));
}
