//! The bucket's rules that `docs/documents.md` shows: what they take away, and what they leave.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use dossier_core::DocumentId;
use dossier_documents::{DocumentStore, S3Config};
use object_store::aws::AmazonS3;
use object_store::multipart::MultipartStore;
use object_store::path::Path as Key;
use serde_json::Value;

use crate::conformance::{bytes, file};
use crate::servers;
use crate::servers::seaweed::{Seaweed, open, signed, unfinished_uploads};

const BUCKET: &str = "with-rules";
const DAY: u64 = 86_400;

/// The rules on the page.
fn documented() -> Value {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/documents.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page.split("```json\n").skip(1);
    let mut blocks = blocks.filter_map(|rest| rest.split("```").next());
    let rules = blocks.find(|block| block.contains("\"Rules\"")).unwrap();
    serde_json::from_str(rules).unwrap()
}

/// The XML that the service's command line makes of its JSON.
fn xml(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| match value {
                Value::Array(items) => items
                    .iter()
                    .map(|item| format!("<{0}>{1}</{0}>", name.trim_end_matches('s'), xml(item)))
                    .collect(),
                value => format!("<{name}>{}</{name}>", xml(value)),
            });
            fields.collect()
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Begins an upload in parts, as a worker does that is killed then.
async fn begin(bucket: &AmazonS3, key: &str) {
    let key = Key::from(key);
    let upload = bucket.create_multipart(&key).await.unwrap();
    let part = vec![7; 100_000];
    bucket
        .put_part(&key, &upload, 0, part.into())
        .await
        .unwrap();
}

/// Has the server believe that what is being uploaded was begun days ago: its times are numbers in
/// a file that its shell saves and loads.
fn age(server: &Seaweed, folder: &Path, days: u64) {
    let uploads = format!("/buckets/{BUCKET}/.uploads");
    let said = server.shell(folder, &format!("fs.meta.save -o uploads.meta {uploads}"));
    let file = folder.join("uploads.meta");
    let mut saved = std::fs::read(&file).unwrap_or_else(|_| panic!("{said}"));
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let mut changed = 0;
    for second in now - 600..=now {
        let (from, to) = (varint(second), varint(second - days * DAY));
        for at in 0..saved.len().saturating_sub(from.len()) {
            if saved[at..].starts_with(&from) {
                saved[at..at + to.len()].copy_from_slice(&to);
                changed += 1;
            }
        }
    }
    assert!(changed > 0, "no times in {} bytes", saved.len());
    std::fs::write(&file, saved).unwrap();
    let said = server.shell(folder, "fs.meta.load uploads.meta");
    assert!(said.contains("is loaded"), "{said}");
}

/// A number as Protocol Buffers write it.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 127 {
        bytes.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_rules_abort_old_uploads_of_dossier_and_nothing_else() {
    let server = Seaweed::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let bucket = server.another_bucket(BUCKET).await;
    let rules = xml(&documented());
    let rules = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
    let http = servers::client(|builder| builder);
    let set = http.put(signed(&bucket, "PUT", "", "lifecycle").await);
    let set = set.body(rules).send().await.unwrap();
    assert!(set.status().is_success(), "{}", set.text().await.unwrap());

    let config = S3Config {
        bucket: BUCKET.to_owned(),
        ..server.config("reports", server.address)
    };
    let store = open(&config).await.unwrap();
    let id = DocumentId::generate();
    store.put(id, file(b"report").path()).await.unwrap();
    begin(&bucket, "reports/old").await;
    begin(&bucket, "elsewhere/old").await;
    age(server, folder.path(), 3);
    begin(&bucket, "reports/young").await;

    let command = format!("s3.lifecycle.run-shard -shards 0-15 -s3 {}", server.s3_grpc);
    let said = server.shell(folder.path(), &command);
    assert!(said.contains("loaded lifecycle for 1 bucket"), "{said}");
    let mut left = unfinished_uploads(&bucket).await;
    left.sort();
    assert_eq!(left, ["elsewhere/old", "reports/young"], "{said}");
    assert_eq!(bytes(&store, id, None).await.unwrap(), b"report");
}
