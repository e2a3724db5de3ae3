//! `dossier bench report`, at sizes that a test can afford.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::process;
use serde_json::Value;

fn measurements(folder: &Path, line: &str) -> Value {
    process::json(folder, &format!("bench report --runs 1 {line}"))
}

/// A folder of peers whose one script does this with `$1` the peer, `$2` the answer, `$3` the PDF.
fn peers(folder: &Path, script: &str) {
    std::fs::create_dir(folder.join("peers")).unwrap();
    let run = folder.join("peers/run");
    std::fs::write(&run, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&run, PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn reports_come_to_about_the_pages_that_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let measured = measurements(folder.path(), "--pages 20,200");
    let reports = measured["reports"].as_array().unwrap();
    for (report, asked) in reports.iter().zip([20.0, 200.0]) {
        let pages = report["pages"].as_f64().unwrap();
        assert!((pages / asked - 1.0).abs() < 0.2, "{asked}: {report}");
        assert_eq!(report["maker"], "Dossier");
        assert!(report["pagesASecond"].as_f64().unwrap() > 0.0, "{report}");
        assert!(
            report["peakBytes"].as_u64().unwrap() > 1_000_000,
            "{report}"
        );
    }
    assert_eq!(reports.len(), 2);
    assert!(measured["againstTypst"].is_null());
    // The same content and the same report, every time.
    let again = measurements(folder.path(), "--pages 20");
    for same in ["pages", "inputBytes", "bytesAPage"] {
        assert_eq!(again["reports"][0][same], reports[0][same], "{same}");
    }
}

#[test]
fn the_picture_shows_every_measurement() {
    let folder = tempfile::tempdir().unwrap();
    let line = "bench report --runs 1 --pages 10,50 --svg report.svg";
    let text = process::succeed(folder.path(), line);
    assert_eq!(text.matches("Dossier").count(), 2, "{text}");
    let svg = std::fs::read_to_string(folder.path().join("report.svg")).unwrap();
    // One in the legend, two in each of three panels.
    assert_eq!(svg.matches("<circle").count(), 7, "{svg}");
    assert!(svg.contains("linear") && svg.contains("flat"), "{svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

#[test]
fn a_peer_is_measured_with_all_that_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    // Two processes that each hold some 100 MB until both are there to be seen.
    peers(
        folder.path(),
        "if [ $1 = count ]; then echo 5; exit; fi\n\
         hold='x=$(head -c 100000000 /dev/zero | tr \"\\0\" x); sleep 0.4; echo ${#x} >/dev/null'\n\
         sh -c \"$hold\" & sh -c \"$hold\"; wait\n\
         head -c 1000 /dev/zero >$3; echo '{\"version\": \"0\", \"peakBytes\": 7}'",
    );
    let measured = measurements(folder.path(), "--pages 10 --peers peers");
    let typst = &measured["reports"][1];
    assert_eq!(typst["maker"], "Typst", "{measured}");
    assert_eq!(typst["pages"], 5);
    assert_eq!(typst["bytesAPage"], 200);
    assert!(
        typst["peakBytes"].as_u64().unwrap() > 180_000_000,
        "{typst}"
    );
    let compared = &measured["againstTypst"];
    assert_eq!(compared["pagesAsked"], 10);
    let own = &measured["reports"][0]["pagesASecond"];
    let ratio = own.as_f64().unwrap() / typst["pagesASecond"].as_f64().unwrap();
    assert!((compared["pagesASecondRatio"].as_f64().unwrap() / ratio - 1.0).abs() < 1e-9);
}

#[test]
fn a_limit_that_is_passed_ends_with_what_was_measured_and_wanted() {
    let folder = tempfile::tempdir().unwrap();
    peers(
        folder.path(),
        "if [ $1 = count ]; then echo 10; exit; fi\n\
         sleep 1; echo x >$3; echo '{\"version\": \"0\", \"peakBytes\": 7}'",
    );
    let fails = |line: &str, why: &str| {
        let line = format!("bench report --runs 1 {line}");
        let output = process::run(folder.path(), &line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {stderr}");
        assert!(stderr.contains(why), "{line}: {stderr}");
    };
    fails("--pages 10 --memory-max-mb 1", "memory in MB for");
    fails("--pages 10 --bytes-per-page-max 1", "bytes a page of");
    // The smaller report has the fonts, and more of its bytes are theirs.
    fails("--pages 20,200 --growth-max 0.9", "pages to those of");
    fails("--pages 10 --typst-ratio-min 1", "nothing was measured");
    let with_peers = "--pages 10 --peers peers --typst-ratio-min";
    fails(&format!("{with_peers} 1e9"), "times Typst's pages/s");
    process::succeed(
        folder.path(),
        &format!("bench report --runs 1 {with_peers} 0.1"),
    );
}

#[test]
fn a_peer_that_takes_too_long_is_stopped_with_all_that_it_started_and_the_reason_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    peers(
        folder.path(),
        "[ $1 = typst ] || { echo 'no such peer' >&2; exit 3; }\n\
         sleep 600 & echo $! >child; sleep 600",
    );
    let line = "--pages 10,20 --peers peers --time-limit 1";
    let measured = measurements(folder.path(), line);
    assert_eq!(measured["reports"].as_array().unwrap().len(), 2);
    let skipped = measured["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 8, "four peers at two sizes: {measured}");
    let why: Vec<&str> = skipped.iter().map(|s| s["why"].as_str().unwrap()).collect();
    assert_eq!(why[0], "took longer than 1 s");
    assert!(why[1].ends_with("no such peer"), "{why:?}");
    assert_eq!(why[4], "10 pages: took longer than 1 s");
    let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
    assert!(
        stat.as_ref().map_or(true, |stat| stat.contains(") Z ")),
        "what the peer started still runs: {stat:?}"
    );
}

#[test]
fn a_folder_without_peers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = process::run(folder.path(), "bench report --peers nowhere");
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("nowhere is no folder of peers"), "{stderr}");
}
