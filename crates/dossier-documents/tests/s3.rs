//! The S3 store against a real S3 server: the common suite, and all that can go wrong on the way.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod conformance;
mod encryption;
mod lifecycle;
mod servers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use conformance::{bytes, check, file, large};
use dossier_core::DocumentId;
use dossier_documents::{DocumentError, DocumentStore, S3Config, S3Store};
use futures::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{Attribute, Attributes, ObjectStore, ObjectStoreExt, PutOptions};
use servers::faulty::{Fault, Faulty};
use servers::seaweed::{KEY_ID, SECRET, Seaweed, open};

const SLOW_DOWN: Fault = Fault::Answer(
    "503 Slow Down",
    "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Reduce</Message></Error>",
);

/// A store that is reached over a connection with faults to come.
async fn behind_faults(prefix: &str) -> (S3Store, Faulty) {
    let server = Seaweed::shared().await;
    let faulty = Faulty::to(server.address).await;
    let store = open(&server.config(prefix, faulty.address)).await.unwrap();
    (store, faulty)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_s3_store_passes_the_suite() {
    let store = Seaweed::shared().await.store("suite").await;
    check(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_the_object_that_the_documentation_says() {
    let server = Seaweed::shared().await;
    let store = server.store("teams/dossier").await;
    let id = DocumentId::generate();
    let put = store.put(id, file(b"%PDF-1.7").path()).await.unwrap();
    let key = Key::from(format!("teams/dossier/{id}"));
    let object = server
        .bucket()
        .get_opts(&key, Default::default())
        .await
        .unwrap();
    let metadata = |name: &'static str| {
        let value = object.attributes.get(&Attribute::Metadata(name.into()));
        value.map(|value| value.to_string())
    };
    assert_eq!(metadata("sha256"), Some(put.sha256.to_string()));
    assert!(metadata("put").is_some());
    let media_type = object.attributes.get(&Attribute::ContentType);
    assert_eq!(media_type.map(AsRef::as_ref), Some("application/pdf"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_prefix_the_key_is_the_identifier() {
    let server = Seaweed::shared().await;
    let store = server.store("").await;
    let id = DocumentId::generate();
    store.put(id, file(b"x").path()).await.unwrap();
    let key = Key::from(id.to_string());
    assert_eq!(server.bucket().head(&key).await.unwrap().size, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_and_asking_leave_one_small_probe() {
    let server = Seaweed::shared().await;
    let store = server.store("probes").await;
    store.ping().await.unwrap();
    let prefix = Key::from("probes");
    let left: Vec<_> = server
        .bucket()
        .list(Some(&prefix))
        .try_collect()
        .await
        .unwrap();
    let left: Vec<_> = left.iter().map(|object| object.location.as_ref()).collect();
    assert_eq!(left, ["probes/probe"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_worker_cannot_replace_a_large_document() {
    let server = Seaweed::shared().await;
    let store = server.store("late").await;
    let id = DocumentId::generate();
    let content = large(1);
    store.put(id, content.path()).await.unwrap();
    let late = server.store("late").await.put(id, large(2).path()).await;
    assert!(
        matches!(late, Err(DocumentError::AlreadyExists(_))),
        "{late:?}"
    );
    let stored = bytes(&store, id, None).await.unwrap();
    assert!(stored == std::fs::read(content.path()).unwrap());
    assert_eq!(
        uploads_left("late").await,
        0,
        "what was refused is cleaned up"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_unavailable() {
    let server = Seaweed::shared().await;
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let error = open(&server.config("down", address)).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the document storage failed while trying the bucket out: connection refused"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_trouble_is_asked_again() {
    let (store, faulty) = behind_faults("trouble").await;
    let id = DocumentId::generate();
    faulty.next([SLOW_DOWN, Fault::Answer("500 Internal Server Error", "")]);
    store.put(id, file(b"report").path()).await.unwrap();
    faulty.next([SLOW_DOWN, SLOW_DOWN]);
    assert_eq!(bytes(&store, id, None).await.unwrap(), b"report");
    faulty.next([SLOW_DOWN]);
    assert!(store.delete(id).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_in_trouble_is_unavailable_and_says_why() {
    let (store, faulty) = behind_faults("stays").await;
    let full = Fault::Answer("507 Insufficient Storage", "disk of tenant 7 is full");
    for (fault, said) in [(SLOW_DOWN, "503"), (full, "507 Insufficient Storage")] {
        faulty.next(vec![fault; 4]);
        let put = store.put(DocumentId::generate(), file(b"x").path()).await;
        let error = put.unwrap_err().to_string();
        assert_eq!(faulty.requests().len(), 4, "tries_max");
        assert!(error.contains(said), "{error}");
        assert!(
            !error.contains("tenant") && !error.contains("http"),
            "{error}"
        );
    }
    faulty.next(vec![SLOW_DOWN; 4]);
    let error = store.ping().await.unwrap_err().to_string();
    assert!(error.contains("SlowDown"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_not_waited_for_for_ever() {
    let (store, faulty) = behind_faults("silent").await;
    faulty.next(vec![Fault::Silence; 4]);
    let began = Instant::now();
    let put = store.put(DocumentId::generate(), file(b"x").path()).await;
    assert!(put.unwrap_err().to_string().contains("timed out"));
    assert!(began.elapsed() < Duration::from_secs(15));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_leaves_nothing_and_can_be_repeated() {
    let (store, faulty) = behind_faults("cut").await;
    let id = DocumentId::generate();
    let content = large(3);
    // The first connection begins the upload, the second sends a part, as do its repetitions.
    faulty.next([vec![Fault::None], vec![Fault::CutUpload(100_000); 4]].concat());
    let put = store.put(id, content.path()).await;
    assert!(
        matches!(put, Err(DocumentError::Unavailable { .. })),
        "{put:?}"
    );
    assert!(matches!(
        store.stat(id).await,
        Err(DocumentError::NotFound(_))
    ));
    assert_eq!(uploads_left("cut").await, 0);
    store.put(id, content.path()).await.unwrap();
    let stored = bytes(&store, id, None).await.unwrap();
    assert!(stored == std::fs::read(content.path()).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_whose_answer_was_lost_has_succeeded() {
    let (store, faulty) = behind_faults("lost").await;
    let id = DocumentId::generate();
    faulty.next([Fault::CutAnswer(0)]);
    store.put(id, file(b"report").path()).await.unwrap();
    assert_eq!(bytes(&store, id, None).await.unwrap(), b"report");

    let id = DocumentId::generate();
    let begin_and_three_parts = vec![Fault::None; 4];
    faulty.next([begin_and_three_parts, vec![Fault::CutAnswer(0)]].concat());
    store.put(id, large(4).path()).await.unwrap();
    let requests = faulty.requests();
    let ends = requests
        .iter()
        .filter(|r| r.starts_with("POST") && r.contains("uploadId"));
    assert_eq!(ends.count(), 2, "{requests:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_cut_goes_on_where_it_was() {
    let (store, faulty) = behind_faults("download").await;
    let id = DocumentId::generate();
    let content = large(5);
    store.put(id, content.path()).await.unwrap();
    faulty.next([
        Fault::None,
        Fault::CutAnswer(5_000_000),
        Fault::CutAnswer(9_000_000),
    ]);
    let stored = bytes(&store, id, None).await.unwrap();
    assert!(stored == std::fs::read(content.path()).unwrap());
    assert_eq!(faulty.requests().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_confirms_no_digest_is_read_back() {
    let (store, faulty) = behind_faults("unconfirmed").await;
    faulty.next([Fault::WithoutHeader("x-amz-checksum-")]);
    let id = DocumentId::generate();
    store.put(id, file(b"report").path()).await.unwrap();
    let asked: Vec<_> = faulty.requests();
    let asked: Vec<_> = asked.iter().map(|r| r.split(' ').next().unwrap()).collect();
    assert_eq!(asked, ["PUT", "HEAD", "HEAD", "GET"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_an_s3_server_s_is_said_to_be_none() {
    let (store, faulty) = behind_faults("no_s3").await;
    faulty.next([Fault::Answer("200 OK", "<html>Welcome</html>")]);
    let put = store.put(DocumentId::generate(), file(b"x").path()).await;
    let error = put.unwrap_err().to_string();
    assert!(error.contains("not an S3 server's"), "{error}");
    assert!(error.contains("`path_style`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_named_without_being_shown() {
    let server = Seaweed::shared().await;
    let config = S3Config {
        secret_access_key: Some("wrong".to_owned().into()),
        ..server.config("credentials", server.address)
    };
    let error = open(&config).await.err().unwrap().to_string();
    assert!(
        error.contains("403") && error.contains("SignatureDoesNotMatch"),
        "{error}"
    );
    for secret in [KEY_ID, SECRET, "wrong"] {
        assert!(!error.contains(secret), "{error}");
    }
    let shown = format!("{config:?}{}", serde_json::to_string(&config).unwrap());
    assert!(!shown.contains("wrong\""), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_replaces_objects_is_refused() {
    // It takes whatever it is given, whether there is an object of that key or not.
    let careless = || async { ([("etag", "\"1\"")], "probe") };
    let app = axum::Router::new().fallback(careless);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let server = Seaweed::shared().await;
    let error = open(&server.config("careless", address))
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("If-None-Match"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_is_unavailable() {
    let server = Seaweed::shared().await;
    let config = S3Config {
        bucket: "no-such-bucket".to_owned(),
        ..server.config("x", server.address)
    };
    let error = open(&config).await.err().unwrap().to_string();
    assert!(
        error.contains("NoSuchBucket") || error.contains("AccessDenied"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_with_other_bytes_is_an_error_at_the_end_of_reading() {
    let server = Seaweed::shared().await;
    let store = server.store("replaced").await;
    let id = DocumentId::generate();
    let put = store.put(id, file(b"report").path()).await.unwrap();
    let key = Key::from(format!("replaced/{id}"));
    let options = PutOptions {
        attributes: Attributes::from_iter([(
            Attribute::Metadata("sha256".into()),
            put.sha256.to_string(),
        )]),
        ..PutOptions::default()
    };
    server
        .bucket()
        .put_opts(&key, "rep0rt".into(), options)
        .await
        .unwrap();
    let error = bytes(&store, id, None).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_without_a_digest_is_a_damaged_document() {
    let server = Seaweed::shared().await;
    let store = server.store("bare").await;
    let id = DocumentId::generate();
    let key = Key::from(format!("bare/{id}"));
    server.bucket().put(&key, "report".into()).await.unwrap();
    assert!(matches!(
        store.stat(id).await,
        Err(DocumentError::Damaged(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_changed_on_the_servers_disk_are_never_read_as_whole() {
    let server = Seaweed::shared().await;
    let store = server.store("disk").await;
    let id = DocumentId::generate();
    let content = format!("a report that is on the disk once: {id}");
    store
        .put(id, file(content.as_bytes()).path())
        .await
        .unwrap();
    let mut changed = 0;
    for entry in std::fs::read_dir(&server.data).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "dat") {
            changed += change(&path, &content);
        }
    }
    assert_eq!(changed, 1, "the server has it in a file");
    assert!(bytes(&store, id, None).await.is_err());
}

/// Changes a byte where `content` begins in a file, in place; answers how often it was there.
fn change(path: &std::path::Path, content: &str) -> usize {
    use std::os::unix::fs::FileExt;
    let found = std::process::Command::new("grep")
        .args([
            "--byte-offset",
            "--only-matching",
            "--text",
            "--fixed-strings",
            content,
        ])
        .arg(path)
        .output()
        .unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    for line in found.lines() {
        let (place, _) = line.split_once(':').unwrap();
        file.write_at(b"X", place.parse().unwrap()).unwrap();
    }
    found.lines().count()
}

/// How many uploads in parts under a prefix were neither ended nor given up.
async fn uploads_left(prefix: &str) -> usize {
    let server = Seaweed::shared().await;
    server.unfinished_uploads(prefix).await.len()
}
