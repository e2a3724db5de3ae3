//! The real program with its documents in a bucket.

use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;
use serde_json::json;

use crate::harness::pdf;
use crate::harness::process::{self, Running};
use crate::harness::s3::seaweed::{BUCKET, KEY_ID, SECRET, Seaweed};
use crate::harness::upstream::{Answer, Upstream};

async fn objects(server: &Seaweed, prefix: &str) -> Vec<u64> {
    let prefix = Path::from(prefix);
    let objects: Vec<_> = server
        .bucket()
        .list(Some(&prefix))
        .try_filter(|object| std::future::ready(object.location.filename() != Some("probe")))
        .try_collect()
        .await
        .unwrap();
    objects.into_iter().map(|object| object.size).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_made_kept_and_downloaded_with_documents_on_s3() {
    let server = Seaweed::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start().await;
    upstream.answer(
        "svc",
        [Answer::Content(json!([{ "noteText": "from a bucket" }]))],
    );
    let secret = folder.path().join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    let configuration = format!(
        "[api]\nlisten = \"127.0.0.1:0\"\n\
         [documents]\nkind = \"s3\"\n\
         [documents.s3]\nbucket = \"{BUCKET}\"\nprefix = \"whole\"\npath_style = true\n\
         endpoint = \"http://{}\"\nallow_http = true\n\
         access_key_id = \"{KEY_ID}\"\nsecret_access_key_file = \"{}\"\n",
        server.address,
        secret.display()
    );
    std::fs::write(folder.path().join("dossier.toml"), configuration).unwrap();
    let checked = process::succeed(folder.path(), "config check");
    assert!(checked.contains("s3://documents/whole"), "{checked}");

    let up = Running::start(folder.path(), "up", "up");
    let url = up.ready["url"].as_str().unwrap().to_owned();
    let dossier = |line: &str| {
        let output = process::dossier(folder.path())
            .env("DOSSIER_API__URL", &url)
            .args(process::words(line))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{line}: {said}");
        String::from_utf8(output.stdout).unwrap()
    };
    let service = upstream.url("svc");
    dossier(&format!("service add notes --label Notes --url {service}"));
    let created = dossier("request create --case CASE-1 --nomis-id A1234AA --name Ada --watch");
    let id = created.lines().next().unwrap().to_owned();
    dossier(&format!("request download {id} --output report.pdf"));
    let report = folder.path().join("report.pdf");
    assert!(pdf::text(&report).contains("from a bucket"));
    let bytes = std::fs::metadata(&report).unwrap().len();
    assert!(
        objects(server, "whole").await.contains(&bytes),
        "the report is in the bucket"
    );
    assert!(!folder.path().join("dossier-data/documents").exists());
    assert!(!up.log().contains(SECRET) && !up.log().contains("A1234AA"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_be_used_is_told_by_the_check_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("DOSSIER_DOCUMENTS__KIND", "s3"),
        ("DOSSIER_DOCUMENTS__S3__BUCKET", "nowhere"),
        ("DOSSIER_DOCUMENTS__S3__ENDPOINT", "http://127.0.0.1:1"),
        ("DOSSIER_DOCUMENTS__S3__PATH_STYLE", "true"),
        ("DOSSIER_DOCUMENTS__S3__ALLOW_HTTP", "true"),
        ("DOSSIER_DOCUMENTS__S3__ACCESS_KEY_ID", "key"),
        ("DOSSIER_DOCUMENTS__S3__SECRET_ACCESS_KEY", "secret of mine"),
        ("DOSSIER_DOCUMENTS__S3__TRIES_MAX", "1"),
    ];
    let output = process::dossier(folder.path())
        .envs(variables)
        .args(["config", "check"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("documents.s3: s3://nowhere/"), "{said}");
    assert!(said.contains("connection refused"), "{said}");
    assert!(!said.contains("secret of mine"), "{said}");
}
