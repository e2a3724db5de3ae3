//! A request from POST to download, through every part, over HTTP.

use std::time::Duration;

use crate::harness::upstream::Answer;
use crate::harness::{Dossier, pdf, request_body};
use dossier_core::section::{Held, SectionStatus};
use dossier_core::{DocumentKind, RequestId};
use dossier_worker::PackageContents;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_becomes_a_report_with_all_that_the_services_hold() {
    let dossier = Dossier::start().await;
    dossier
        .service(
            "notes",
            [Answer::Content(json!([{ "noteText": "A note about αβγ" }]))],
        )
        .await;
    dossier.service("nothing", [Answer::Status(204)]).await;
    dossier.service("other-kind", [Answer::Status(209)]).await;
    dossier
        .service("null", [Answer::Content(json!(null))])
        .await;
    let id = dossier
        .request(&["notes", "nothing", "other-kind", "null"])
        .await;
    let request = dossier.finished(id).await;

    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    let held: Vec<_> = request
        .services
        .iter()
        .map(|s| (s.service_name.as_str(), s.held))
        .collect();
    assert_eq!(
        held,
        [
            ("notes", Some(Held::Data)),
            ("nothing", Some(Held::NoData)),
            ("null", Some(Held::NoData)),
            ("other-kind", Some(Held::NotSupported)),
        ]
    );
    let text = dossier.report_text(id).await;
    for expected in [
        "SUBJECT ACCESS REQUEST REPORT",
        "Name: LOVELACE, Ada",
        "NOMIS ID: A1234AA",
        "SAR Case Reference Number: CASE-77",
        "Report date range: 1 January 2022 - 1 January 2024",
        "INTERNAL ONLY",
        "OFFICIAL-SENSITIVE",
        "CONTENTS",
        "The notes",
        "Note text",
        "A note about αβγ",
        "No Data Held",
        "Official Sensitive",
        "End of Subject Access Request Report",
    ] {
        assert!(text.contains(expected), "{expected} is missing in:\n{text}");
    }
    let file = dossier.folder.path().join(format!("{id}.pdf"));
    let pages = pdf::pages(&file);
    assert_eq!(Some(pages), request.pages);
    assert!(text.contains(&format!("Total Pages: {pages}")), "{text}");
    pdf::check(&file);
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_asked_what_the_contract_says() {
    let dossier = Dossier::start().await;
    dossier.service("notes", [Answer::Status(204)]).await;
    let id = dossier.request(&["notes"]).await;
    dossier.finished(id).await;
    let calls = dossier.upstream.calls("notes");
    assert_eq!(calls.len(), 1);
    let mut query: Vec<&str> = calls[0].query.split('&').collect();
    query.sort_unstable();
    assert_eq!(
        query,
        ["fromDate=2022-01-01", "prn=A1234AA", "toDate=2024-01-01"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_that_was_collected_is_not_fetched_again() {
    let dossier = Dossier::start().await;
    dossier
        .service("good", [Answer::Content(json!({ "kept": "value" }))])
        .await;
    dossier
        .service(
            "bad",
            [
                Answer::Status(403),
                Answer::Content(json!({ "late": "answer" })),
            ],
        )
        .await;
    let id = dossier.request(&["good", "bad"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(
        (request.status.as_str(), request.claim_attempts),
        ("Completed", 2)
    );
    assert_eq!(dossier.upstream.calls("good").len(), 1);
    assert_eq!(dossier.upstream.calls("bad").len(), 2);
    let text = dossier.report_text(id).await;
    assert!(text.contains("value") && text.contains("answer"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_attempts_run_out_is_errored_with_its_reason_and_can_be_restarted() {
    let dossier = Dossier::start_with(|config| config.lease.attempts_max = 2).await;
    dossier.service("bad", [Answer::Status(403)]).await;
    let id = dossier.request(&["bad"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Errored");
    let detail = request.error_detail.unwrap();
    assert!(detail.contains("bad") && detail.contains("403"), "{detail}");
    assert_eq!(dossier.upstream.calls("bad").len(), 2);

    dossier
        .upstream
        .answer("bad", [Answer::Content(json!({ "now": "good" }))]);
    dossier.client.restart(id).await.unwrap();
    assert_eq!(dossier.finished(id).await.status, "Completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_service_keeps_the_request_pending_until_it_is_resumed() {
    let dossier = Dossier::start_with(|config| config.lease.attempts_max = 2).await;
    dossier
        .service("good", [Answer::Content(json!({ "a": "first" }))])
        .await;
    let late = dossier
        .service("late", [Answer::Content(json!({ "a": "second" }))])
        .await;
    dossier
        .client
        .suspend_service(late.id.into(), true)
        .await
        .unwrap();
    let id = dossier.request(&["good", "late"]).await;
    dossier
        .until(id, |request| {
            let status = |name| {
                request
                    .services
                    .iter()
                    .find(|s| s.service_name == name)
                    .map(|s| s.render_status)
            };
            request.lease_expires_at.is_none()
                && status("good") == Some(SectionStatus::Complete)
                && status("late") == Some(SectionStatus::Suspended)
        })
        .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let waiting = dossier.client.show(id).await.unwrap();
    assert_eq!(
        (waiting.status.as_str(), waiting.claim_attempts),
        ("Pending", 0)
    );
    assert!(dossier.upstream.calls("late").is_empty());

    dossier
        .client
        .suspend_service(late.id.into(), false)
        .await
        .unwrap();
    assert_eq!(dossier.finished(id).await.status, "Completed");
    assert_eq!(dossier.upstream.calls("good").len(), 1);
    let text = dossier.report_text(id).await;
    assert!(text.contains("first") && text.contains("second"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_stopped_gives_its_request_to_the_next_one() {
    let mut dossier = Dossier::start().await;
    dossier
        .service("quick", [Answer::Content(json!({ "a": "quick answer" }))])
        .await;
    dossier
        .service(
            "stuck",
            [Answer::Never, Answer::Content(json!({ "b": "second try" }))],
        )
        .await;
    let id = dossier.request(&["quick", "stuck"]).await;
    dossier
        .until(id, |request| {
            request
                .services
                .iter()
                .any(|s| s.render_status == SectionStatus::Complete)
        })
        .await;
    dossier.stop_workers().await;
    let given_back = dossier.client.show(id).await.unwrap();
    assert_eq!(
        (given_back.lease_expires_at, given_back.claim_attempts),
        (None, 0)
    );

    dossier.start_worker().await;
    assert_eq!(dossier.finished(id).await.status, "Completed");
    assert_eq!(dossier.upstream.calls("quick").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_request_stops_its_worker_and_leaves_no_document() {
    let dossier = Dossier::start_with(|config| {
        config.housekeeping.abandoned_after_seconds = 0.5;
    })
    .await;
    dossier
        .service("quick", [Answer::Content(json!({ "a": 1 }))])
        .await;
    dossier.service("stuck", [Answer::Never]).await;
    let id = dossier.request(&["quick", "stuck"]).await;
    dossier
        .until(id, |request| {
            request
                .services
                .iter()
                .any(|s| s.render_status == SectionStatus::Complete)
        })
        .await;
    let cancel = dossier_core::wire::CancelRequest {
        reason: Some("asked twice".to_owned()),
    };
    dossier.client.cancel(id, &cancel).await.unwrap();
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Errored");
    assert!(request.error_detail.unwrap().contains("asked twice"));
    let error = dossier
        .client
        .download(id, &dossier.folder.path().join("none.pdf"), |_, _| {})
        .await
        .unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_with_the_same_key_makes_no_second_request() {
    let dossier = Dossier::start().await;
    dossier.service("notes", [Answer::Status(204)]).await;
    let body = request_body(&["notes"]);
    let first = dossier.client.create(&body, Some("key-1")).await.unwrap();
    let again = dossier.client.create(&body, Some("key-1")).await.unwrap();
    let other = dossier.client.create(&body, Some("key-2")).await.unwrap();
    assert_eq!(first, again);
    assert_ne!(first, other);
}

/// Reads a package as another program would: every entry's checksum, and every size and digest of
/// the manifest. Prints the names.
const READ_PACKAGE: &str = r#"
import hashlib, json, sys, zipfile
package = zipfile.ZipFile(sys.argv[1])
assert package.testzip() is None
manifest = json.loads(package.read("manifest.json"))
names = package.namelist()
assert len(set(names)) == len(names)
for file in manifest["files"]:
    content = package.read(file["path"])
    assert len(content) == file["bytes"], file
    assert hashlib.sha256(content).hexdigest() == file["sha256"], file
files = [file["path"] for file in manifest["files"]]
assert sorted(names) == sorted(files + ["README.txt", "manifest.json"])
print("\n".join(names))
"#;

fn names_in_package(package: &std::path::Path) -> Vec<String> {
    let read = std::process::Command::new("python3")
        .args(["-c", READ_PACKAGE])
        .arg(package)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "{errors}");
    let names = String::from_utf8(read.stdout).unwrap();
    names.lines().map(str::to_owned).collect()
}

async fn packages(package: PackageContents) -> (Dossier, RequestId) {
    let dossier = Dossier::start_with(|config| config.report.package = package).await;
    let answer = dossier.upstream.file("recording", 3_000_000);
    dossier.service("camera", [Answer::Body(answer)]).await;
    dossier
        .service("notes", [Answer::Content(json!([{ "a": "b" }]))])
        .await;
    dossier.service("nothing", [Answer::Status(204)]).await;
    let id = dossier.request(&["camera", "nothing", "notes"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    (dossier, id)
}

async fn package_of(dossier: &Dossier, id: RequestId) -> std::path::PathBuf {
    let file = dossier.folder.path().join(format!("{id}.zip"));
    dossier
        .client
        .download_document(id, DocumentKind::Package, 1, &file, |_, _| {})
        .await
        .unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_can_be_read_by_other_programs() {
    let (dossier, id) = packages(PackageContents::Full).await;
    let package = package_of(&dossier, id).await;
    assert_eq!(
        names_in_package(&package),
        [
            "README.txt",
            "sections/01-camera.json",
            "attachments/01-camera/0001-recording.mp4",
            "sections/02-notes.json",
            "manifest.json",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_may_hold_only_what_the_report_cannot_show() {
    let (dossier, id) = packages(PackageContents::Unprinted).await;
    let package = package_of(&dossier, id).await;
    assert_eq!(
        names_in_package(&package),
        [
            "README.txt",
            "attachments/01-camera/0001-recording.mp4",
            "manifest.json",
        ]
    );
    let id = dossier.request(&["notes"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(
        request.documents.len(),
        2,
        "there is nothing to put into one: only the report and the copy are there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_may_switch_packages_off() {
    let (dossier, id) = packages(PackageContents::Off).await;
    let request = dossier.client.show(id).await.unwrap();
    let kinds: Vec<_> = request.documents.iter().map(|made| made.kind).collect();
    assert_eq!(kinds, [DocumentKind::Report, DocumentKind::Copy]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_report_comes_in_volumes_and_with_a_copy_for_the_subject() {
    let dossier = Dossier::start_with(|config| {
        config.report.volume_pages_max = Some(10);
        config.report.package = PackageContents::Off;
    })
    .await;
    for name in ["alpha", "beta", "gamma"] {
        let rows: Vec<_> = (0..100).map(|n| format!("{name} row {n}")).collect();
        dossier.service(name, [Answer::Content(json!(rows))]).await;
    }
    let id = dossier.request(&["alpha", "beta", "gamma"]).await;
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    let volumes = |kind| {
        let documents = request
            .documents
            .iter()
            .filter(move |made| made.kind == kind);
        documents.map(|made| made.volume).collect::<Vec<_>>()
    };
    assert!(volumes(DocumentKind::Report).len() > 1);
    assert_eq!(volumes(DocumentKind::Report), volumes(DocumentKind::Copy));
    for kind in [DocumentKind::Report, DocumentKind::Copy] {
        let mut text = String::new();
        for volume in volumes(kind) {
            let file = dossier.folder.path().join(format!("{volume}.pdf"));
            let got = dossier
                .client
                .download_document(id, kind, volume, &file, |_, _| {});
            got.await.unwrap();
            pdf::check(&file);
            text.push_str(&pdf::text(&file));
        }
        for name in ["alpha", "beta", "gamma"] {
            assert!((0..100).all(|n| text.contains(&format!("{name} row {n}"))));
        }
        assert_eq!(text.contains("INTERNAL ONLY"), kind == DocumentKind::Report);
        assert!(text.contains("Volume 2 of"));
    }
}
