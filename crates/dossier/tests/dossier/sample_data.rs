//! Answers of real services, where a folder of them is at hand: nothing in them may be missing
//! from the report.

use std::path::PathBuf;

use crate::harness::upstream::Answer;
use crate::harness::{Dossier, pdf};
use serde_json::Value;

/// Where answers of real services are, one JSON file each.
fn responses() -> PathBuf {
    let beside = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/data/responses"
    );
    std::env::var_os("DOSSIER_SAMPLE_RESPONSES").map_or(beside.into(), PathBuf::from)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_value_of_every_sample_answer_is_in_the_report() {
    let Ok(entries) = std::fs::read_dir(responses()) else {
        eprintln!("there is no folder of sample answers; set DOSSIER_SAMPLE_RESPONSES to try one");
        return;
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "json")
    });
    files.sort();
    assert!(
        !files.is_empty(),
        "{} holds no JSON files",
        responses().display()
    );

    let dossier = Dossier::start().await;
    let mut names = Vec::new();
    for file in &files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        dossier
            .service(name, [Answer::Body(std::fs::read(file).unwrap())])
            .await;
        names.push(name);
    }
    let id = dossier.request(&names).await;
    let request = dossier.finished(id).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    let report = dossier.folder.path().join("report.pdf");
    dossier
        .client
        .download(id, &report, |_, _| {})
        .await
        .unwrap();
    pdf::check(&report);
    let text = pdf::dense_body_text(&report);

    let mut missing = Vec::new();
    let mut values = 0;
    for file in &files {
        let answer: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        each_scalar(&answer["content"], &mut |value| {
            values += 1;
            let shown = pdf::dense(&as_shown(value));
            if !text.contains(&shown) {
                missing.push(format!("{}: {value}", file.display()));
            }
        });
        for attachment in answer["attachments"].as_array().into_iter().flatten() {
            for member in ["name", "filename"] {
                let shown = pdf::dense(attachment[member].as_str().unwrap());
                assert!(text.contains(&shown), "attachment {shown} is not named");
            }
        }
    }
    assert!(
        missing.is_empty(),
        "{} of {values} missing: {missing:#?}",
        missing.len()
    );
    println!(
        "{values} values of {} services in {} pages",
        files.len(),
        request.pages.unwrap()
    );
}

fn each_scalar(value: &Value, visit: &mut impl FnMut(&Value)) {
    match value {
        Value::Object(members) => members
            .values()
            .for_each(|member| each_scalar(member, visit)),
        Value::Array(items) => items.iter().for_each(|item| each_scalar(item, visit)),
        scalar => visit(scalar),
    }
}

/// What the report prints for a value.
fn as_shown(value: &Value) -> String {
    match value {
        Value::Bool(true) => "Yes".to_owned(),
        Value::Bool(false) => "No".to_owned(),
        Value::String(text) if !text.is_empty() => {
            dossier_report::format_date(text).unwrap_or_else(|| text.clone())
        }
        Value::Null | Value::String(_) => "No Data Held".to_owned(),
        other => other.to_string(),
    }
}
