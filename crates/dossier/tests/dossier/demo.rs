//! The README's first command.

use crate::harness::{pdf, process};

#[test]
fn the_demo_ends_with_a_report_that_shows_every_case() {
    let folder = tempfile::tempdir().unwrap();
    let printed = process::json(folder.path(), "demo --output report.pdf");
    let report = folder.path().join("report.pdf");
    assert_eq!(
        printed["report"].as_str().unwrap(),
        report.canonicalize().unwrap().to_str().unwrap()
    );
    assert_eq!(
        printed["pages"].as_u64().unwrap(),
        u64::from(pdf::pages(&report))
    );
    pdf::check(&report);
    let text = pdf::text(&report);
    for expected in [
        "Name: SAMPLE, Rhiannon",
        "Case notes",
        "No Data Held",
        "Θεσσαλονίκη",
        "statement-1.txt - Statement of D. Halloran",
    ] {
        assert!(text.contains(expected), "{expected} is missing");
    }
    let sections = printed["request"]["services"].as_array().unwrap();
    assert!(sections.len() >= 8);
    let held = |held: &str| sections.iter().filter(|s| s["held"] == held).count();
    assert_eq!((held("NO_DATA"), held("NOT_SUPPORTED")), (1, 1));
    assert!(
        sections.iter().any(|s| s["tries"] == 3),
        "one service answers at the third try"
    );
}

#[test]
fn a_proxy_that_the_environment_names_sees_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = "http://127.0.0.1:9";
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"];
    let demo = process::dossier(folder.path())
        .args(["demo", "--output", "report.pdf"])
        .envs(names.map(|name| (name, nobody)))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    assert!(demo.status.success(), "{demo:?}");
    assert!(folder.path().join("report.pdf").is_file());
}

#[test]
fn a_machine_without_certificates_can_run_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let demo = process::dossier(folder.path())
        .args(["demo", "--output", "report.pdf"])
        .env("SSL_CERT_FILE", &nowhere)
        .env("SSL_CERT_DIR", &nowhere)
        .output()
        .unwrap();
    assert!(demo.status.success(), "{demo:?}");
    assert!(folder.path().join("report.pdf").is_file());
}

#[test]
fn the_demo_says_where_the_report_is() {
    let folder = tempfile::tempdir().unwrap();
    let printed = process::succeed(folder.path(), "demo");
    let last = printed.lines().last().unwrap();
    assert!(last.ends_with("dossier-demo.pdf"), "{printed}");
    assert!(std::path::Path::new(last).is_file(), "{printed}");
}
