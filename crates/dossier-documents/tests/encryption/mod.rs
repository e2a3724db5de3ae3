//! Encryption by the server: what it is asked for, on the wire, and what it makes of that.

use std::sync::Arc;

use dossier_core::DocumentId;
use dossier_documents::{DocumentStore, Encryption, S3Config};

use crate::conformance::{bytes, check, file, large};
use crate::servers::faulty::{Fault, Faulty};
use crate::servers::seaweed::{Seaweed, open};

const KIND: &str = "x-amz-server-side-encryption";
const KEY: &str = "x-amz-server-side-encryption-aws-kms-key-id";
/// A key that the server's key management service does not have.
const UNKNOWN_KEY: &str = "arn:aws:kms:eu-west-2:111122223333:key/0d4c";

fn encrypting(config: S3Config, encryption: Encryption, key: Option<&str>) -> S3Config {
    S3Config {
        encryption,
        kms_key_id: key.map(str::to_owned),
        ..config
    }
}

/// The settings of a store with this encryption, and what records the way to it.
async fn recorded(prefix: &str, encryption: Encryption, key: Option<&str>) -> (S3Config, Faulty) {
    let server = Seaweed::shared().await;
    let wire = Faulty::to(server.address).await;
    let config = server.config(prefix, wire.address);
    (encrypting(config, encryption, key), wire)
}

/// The headers of a head that ask for encryption, in order.
fn asked(head: &str) -> Vec<(String, String)> {
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    let mut asked: Vec<_> = headers
        .filter(|(name, _)| name.starts_with(KIND))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    asked.sort();
    asked
}

/// What a single put and the begin of an upload in parts ask for; nothing else asks for anything
/// while documents are stored and read.
async fn asked_of_uploads(prefix: &str, encryption: Encryption, key: Option<&str>) -> [String; 2] {
    let (config, wire) = recorded(prefix, encryption, key).await;
    let store = open(&config).await.unwrap();
    wire.next([]);
    let (small, in_parts) = (DocumentId::generate(), DocumentId::generate());
    store.put(small, file(b"report").path()).await.unwrap();
    let content = large(6);
    store.put(in_parts, content.path()).await.unwrap();
    assert_eq!(bytes(&store, small, None).await.unwrap(), b"report");
    let stored = bytes(&store, in_parts, None).await.unwrap();
    assert!(stored == std::fs::read(content.path()).unwrap());
    let mut asking = [String::new(), String::new()];
    for head in wire.heads() {
        let said = asked(&head);
        let said: Vec<_> = said.iter().map(|(n, v)| format!("{n}: {v}")).collect();
        let (line, _) = head.split_once("\r\n").unwrap();
        let place = match line {
            put if put.starts_with("PUT") && !put.contains("uploadId") => 0,
            begin if begin.starts_with("POST") && begin.contains("?uploads") => 1,
            _ => {
                assert_eq!(said, Vec::<String>::new(), "{line}");
                continue;
            }
        };
        assert!(asking[place].is_empty(), "one of each");
        asking[place] = said.join(", ");
    }
    asking
}

/// What the server says of how an object is encrypted.
async fn encryption_of(prefix: &str, id: DocumentId) -> Option<String> {
    let server = Seaweed::shared().await;
    let url = server
        .signed_object("HEAD", &format!("{prefix}/{id}"))
        .await;
    let client = crate::servers::client(|builder| builder);
    let answer = client.head(url).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    let kind = answer.headers().get(KIND)?;
    Some(kind.to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_for_when_the_bucket_decides() {
    let asked = asked_of_uploads("of-the-bucket", Encryption::Bucket, None).await;
    assert_eq!(asked, ["", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sse_s3_is_asked_for_with_every_upload() {
    let asked = asked_of_uploads("sse-s3-wire", Encryption::S3, None).await;
    let expected = format!("{KIND}: AES256");
    assert_eq!(asked, [expected.clone(), expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sse_kms_is_asked_for_with_every_upload_with_the_key_if_one_is_named() {
    let asked = asked_of_uploads("sse-kms-wire", Encryption::Kms, Some("a-key")).await;
    let expected = format!("{KIND}: aws:kms, {KEY}: a-key");
    assert_eq!(asked, [expected.clone(), expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_sse_kms_leaves_it_to_the_account() {
    let (config, wire) = recorded("account-key", Encryption::Kms, None).await;
    // What becomes of it does not matter here.
    let _ = open(&config).await;
    let said = asked(&wire.heads()[0]);
    assert_eq!(said, [(KIND.to_owned(), "aws:kms".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypting_bucket_passes_the_suite() {
    let server = Seaweed::shared().await;
    for (prefix, encryption, key, kind) in [
        ("sse-s3", Encryption::S3, None, "AES256"),
        ("sse-kms", Encryption::Kms, Some("another-key"), "aws:kms"),
    ] {
        let config = encrypting(server.config(prefix, server.address), encryption, key);
        let store = Arc::new(open(&config).await.unwrap());
        check(store.clone()).await;
        for content in [file(b"small"), large(7)] {
            let id = DocumentId::generate();
            store.put(id, content.path()).await.unwrap();
            let said = encryption_of(prefix, id).await;
            assert_eq!(said.as_deref(), Some(kind), "{encryption:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_server_does_not_have_is_refused_at_the_start_and_the_setting_is_named() {
    let server = Seaweed::shared().await;
    let config = server.config("unknown-key", server.address);
    let config = encrypting(config, Encryption::Kms, Some(UNKNOWN_KEY));
    let error = open(&config).await.err().unwrap().to_string();
    assert_eq!(
        error,
        "the document storage failed while trying the bucket out: the server answered 500 Internal \
         Server Error InternalError (documents.s3.encryption = \"kms\")"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn amazons_word_on_a_key_is_passed_on() {
    let (config, wire) = recorded("no-such-key", Encryption::Kms, Some(UNKNOWN_KEY)).await;
    wire.next([Fault::Answer(
        "400 Bad Request",
        "<Error><Code>KMS.NotFoundException</Code><Message>Invalid keyId 0d4c</Message></Error>",
    )]);
    let error = open(&config).await.err().unwrap().to_string();
    assert_eq!(
        error,
        "the document storage failed while trying the bucket out: the server answered 400 Bad \
         Request KMS.NotFoundException (documents.s3.encryption = \"kms\")"
    );
    assert_eq!(wire.requests().len(), 1, "it is not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_say_that_it_encrypts_is_refused() {
    let (config, wire) = recorded("in-clear", Encryption::S3, None).await;
    wire.next([Fault::WithoutHeader("x-amz-server-side-encryption")]);
    let error = open(&config).await.err().unwrap().to_string();
    assert_eq!(
        error,
        "the document storage failed while trying the bucket out: the server did not say that it \
         encrypts what it is given (documents.s3.encryption = \"s3\")"
    );
    assert!(open(&config).await.is_ok(), "it was for the header");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_no_header_is_refused_without_being_sent() {
    let (config, wire) = recorded("two-lines", Encryption::Kms, Some("a\r\nkey")).await;
    let error = open(&config).await.err().unwrap().to_string();
    assert!(error.contains("kms_key_id must be"), "{error}");
    assert!(wire.heads().is_empty());
}
