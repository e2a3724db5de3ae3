//! Attached office documents: what LibreOffice makes of them, and what becomes of it.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dossier_report::{Fonts, OfficeConverter, SectionBody, Shown, write_report};
use tempfile::TempDir;

use crate::attached::{assert_shown, attached, attached_with, fixture};
use crate::support::{Written, report, section};

const RTF: &[u8] = b"{\\rtf1\\ansi Words of a document}";

fn converted(name: &str, content_type: &str, bytes: Vec<u8>, office: OfficeConverter) -> Written {
    attached_with(&[(name, content_type, bytes)], Some(office))
}

/// A converter that is this shell script, in a folder where it can leave traces.
fn scripted(folder: &TempDir, script: &str) -> OfficeConverter {
    let program = folder.path().join("soffice");
    let traces = folder.path().display();
    fs::write(&program, format!("#!/bin/sh\ntraces={traces}\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    OfficeConverter {
        program,
        time_max: Duration::from_secs(2),
        memory_bytes_max: 512 * 1024 * 1024,
    }
}

fn assert_not_shown(report: &Written, why: &str) {
    assert_shown(report, Shown::NameOnly);
    report.assert_shows(&format!(
        "This attachment could not be shown because {why}. The file itself is kept beside this \
         report."
    ));
}

#[test]
fn documents_sheets_and_slides_are_converted() {
    let office = OfficeConverter::default();
    for (name, words) in [
        ("document.docx", "Words of a document"),
        ("document.odt", "Its second page"),
        ("document.doc", "Words of a document"),
        ("sheet.xlsx", "Values of a sheet"),
        ("sheet.ods", "Values of a sheet"),
        ("sheet.xls", "Values of a sheet"),
        ("slides.pptx", "Words of a slide"),
        ("slides.odp", "Words of a slide"),
    ] {
        let report = converted(
            name,
            "application/octet-stream",
            fixture(name),
            office.clone(),
        );
        assert_shown(&report, Shown::Whole);
        report.assert_shows("Attachment PDF content follows on subsequent");
        report.assert_shows(words);
    }
    let report = converted("a.rtf", "text/plain", RTF.to_vec(), office);
    assert_shown(&report, Shown::Whole);
    report.assert_shows("Words of a document");
}

#[test]
fn without_a_converter_the_page_says_so() {
    let report = attached(&[(
        "document.docx",
        "application/msword",
        fixture("document.docx"),
    )]);
    assert_not_shown(
        &report,
        "it is an office document, and converting those is not set up",
    );
}

#[test]
fn a_converter_that_is_not_there_is_said_not_to_be() {
    let office = OfficeConverter {
        program: "/nowhere/soffice".into(),
        ..OfficeConverter::default()
    };
    let report = converted("a.rtf", "text/rtf", RTF.to_vec(), office);
    assert_not_shown(
        &report,
        "the program that converts documents could not be started",
    );
}

#[test]
fn a_document_that_cannot_be_converted_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for script in ["exit 1", "exit 0", "kill -SEGV $$"] {
        let office = scripted(&folder, script);
        let report = converted("a.rtf", "text/rtf", RTF.to_vec(), office);
        assert_not_shown(
            &report,
            "the document could not be converted: it is damaged, protected or too large",
        );
    }
    let broken = [&fixture("document.docx")[..600], &[0; 600]].concat();
    let office = OfficeConverter::default();
    let report = converted("document.docx", "application/msword", broken, office);
    assert_shown(&report, Shown::NameOnly);
}

/// Whether a process is there and not only waiting for its end to be noticed.
fn runs(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_converter_that_hangs_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let script = "sh -c 'sleep 60 & echo $! > '$traces'/grandchild; wait' & echo $! > $traces/child; \
                  echo $$ > $traces/self; wait";
    let office = scripted(&folder, script);
    let start = Instant::now();
    let report = converted("a.rtf", "text/rtf", RTF.to_vec(), office);
    assert!(start.elapsed() < Duration::from_secs(15));
    assert_not_shown(
        &report,
        "converting the document took longer than 2 seconds",
    );
    std::thread::sleep(Duration::from_millis(100));
    for process in ["self", "child", "grandchild"] {
        let pid = fs::read_to_string(folder.path().join(process)).unwrap();
        assert!(!runs(&pid), "{process} is still there");
    }
}

#[test]
fn children_of_a_converter_that_has_ended_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let office = scripted(&folder, "sleep 60 & echo $! > $traces/child");
    converted("a.rtf", "text/rtf", RTF.to_vec(), office);
    std::thread::sleep(Duration::from_millis(100));
    let pid = fs::read_to_string(folder.path().join("child")).unwrap();
    assert!(!runs(&pid));
}

#[test]
fn a_converter_has_the_memory_and_the_disk_that_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let script = "ulimit -v > $traces/memory; ulimit -f > $traces/disk
                  head -c 2000000000 /dev/zero | tail -n 1 > /dev/null && echo > $traces/ate";
    let office = scripted(&folder, script);
    let report = converted("a.rtf", "text/rtf", RTF.to_vec(), office);
    assert_shown(&report, Shown::NameOnly);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("memory").trim(), "524288");
    assert_ne!(read("disk").trim(), "unlimited");
    assert!(!folder.path().join("ate").exists(), "2 GB were had");
}

#[test]
fn every_run_has_a_profile_and_an_environment_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let one = attached(&[("rgb.png", "image/png", fixture("rgb.png"))]);
    let script = format!(
        "env > $traces/environment; echo \"$@\" > $traces/arguments
         for argument; do case $argument in -env:UserInstallation=file://*)
         cp ${{argument#-env:UserInstallation=file://}}/user/registrymodifications.xcu $traces;;
         esac; done
         while [ $# -gt 1 ]; do
         [ \"$1\" = --outdir ] && cp '{}' \"$2/document.pdf\"; shift; done",
        one.path().display()
    );
    let office = scripted(&folder, &script);
    let report = converted("a.rtf", "text/rtf", RTF.to_vec(), office);
    assert_shown(&report, Shown::Whole);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let environment = read("environment");
    assert!(!environment.contains("CARGO"), "{environment}");
    let arguments = read("arguments");
    assert!(arguments.contains("--headless") && arguments.contains("--convert-to pdf"));
    assert!(read("registrymodifications.xcu").contains("DisableMacrosExecution"));
    let home = environment
        .lines()
        .find_map(|line| line.strip_prefix("HOME="))
        .unwrap();
    assert!(!Path::new(home).exists(), "the run's folder is gone");
}

#[test]
fn documents_in_a_folder_that_nobody_can_write_to_are_converted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document.rtf");
    fs::write(&file, RTF).unwrap();
    let file = fs::File::open(file).unwrap();
    // Not even root can make a folder there.
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let body = folder.path().join("body.json");
    let entry = r#"{"url": "http://x", "filename": "a.rtf"}"#;
    let answer = format!(r#"{{"content": 1, "attachments": [{entry}]}}"#);
    fs::write(&body, answer).unwrap();
    let body = SectionBody::Response {
        body,
        html: None,
        labels: None,
        attachments: vec![path],
    };
    let mut report = report(vec![section("Section", body)]);
    report.office = Some(scripted(&folder, "exit 0"));
    report.keeps_originals = false;
    let out = folder.path().join("report.pdf");
    let summary = write_report(&report, &Fonts::embedded().unwrap(), &out).unwrap();
    let report = Written::new(folder, summary);
    assert_shown(&report, Shown::NameOnly);
    report.assert_shows(
        "This attachment could not be shown because the document could not be converted: it is \
         damaged, protected or too large.",
    );
    assert!(!report.body().contains("kept beside"), "nothing is kept");
}
