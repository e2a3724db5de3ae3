//! The document API store against an API that keeps the real one's rules.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod conformance;
mod servers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use conformance::{bytes, check, file};
use dossier_core::DocumentId;
use dossier_documents::{
    Bearer, DocumentApiConfig, DocumentApiStore, DocumentError, DocumentStore,
};
use futures::FutureExt;
use http::HeaderValue;
use serde_json::json;
use servers::document_api::{DocumentApi, Hash, Manners, TOKEN};
use servers::faulty::{Fault, Faulty};

const BUSY: Fault = Fault::Answer("503 Service Unavailable", "");

/// A token source with a token that is refused, and a good one after it.
fn stale_then_good() -> Bearer {
    Arc::new(|refused| {
        let token = if refused.is_some() {
            TOKEN
        } else {
            "Bearer stale"
        };
        std::future::ready(Ok(Some(HeaderValue::from_static(token)))).boxed()
    })
}

fn good() -> Bearer {
    Arc::new(|_| std::future::ready(Ok(Some(HeaderValue::from_static(TOKEN)))).boxed())
}

fn config(address: SocketAddr) -> DocumentApiConfig {
    DocumentApiConfig {
        url: Some(format!("http://{address}/").parse().unwrap()),
        answer_seconds_max: 1.0,
        idle_seconds_max: 1.0,
        try_pause_seconds: 0.01,
        ..DocumentApiConfig::default()
    }
}

fn store(config: &DocumentApiConfig, bearer: Option<Bearer>) -> DocumentApiStore {
    let client = servers::client(|builder| config.client_settings(builder));
    DocumentApiStore::new(config, client, bearer).unwrap()
}

/// An API, a store of it, and the faults of the connection between them.
async fn world() -> (DocumentApi, DocumentApiStore, Faulty) {
    let (api, address) = DocumentApi::start().await;
    let faulty = Faulty::to(address).await;
    let store = store(&config(faulty.address), Some(good()));
    (api, store, faulty)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_api_store_passes_the_suite() {
    let (_, store, _) = world().await;
    check(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_passes_the_suite_whatever_the_api_tells_of_its_files() {
    for (hash, tells_metadata) in [
        (Hash::Sha256, true),
        (Hash::Sha256, false),
        (Hash::Md5, false),
        (Hash::None, true),
        (Hash::None, false),
    ] {
        let (api, store, _) = world().await;
        api.behave(Manners {
            hash,
            tells_metadata,
            ..Manners::default()
        });
        check(Arc::new(store)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_sent_as_the_api_wants_it_and_says_nothing_of_a_person() {
    let (api, store, _) = world().await;
    let id = DocumentId::generate();
    let put = store.put(id, file(b"%PDF-1.7").path()).await.unwrap();
    let stored = api.stored(id.as_uuid()).unwrap();
    assert_eq!(stored.document_type, "SUBJECT_ACCESS_REQUEST_REPORT");
    assert_eq!(stored.service, "dossier");
    assert_eq!(stored.file_name, format!("{id}.pdf"));
    assert_eq!(stored.media_type, "application/pdf");
    assert_eq!(stored.metadata, json!({ "sha256": put.sha256 }));
    let calls = api.calls();
    assert_eq!(
        calls,
        [format!(
            "POST /documents/SUBJECT_ACCESS_REQUEST_REPORT/{id}"
        )]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_type_and_name_can_be_configured() {
    let (api, address) = DocumentApi::start().await;
    let config = DocumentApiConfig {
        document_type: "OTHER".to_owned(),
        service_name: "Requests of Ours".to_owned(),
        ..config(address)
    };
    let id = DocumentId::generate();
    let store = store(&config, Some(good()));
    store.put(id, file(b"PK\x03\x04").path()).await.unwrap();
    let stored = api.stored(id.as_uuid()).unwrap();
    assert_eq!(stored.document_type, "OTHER");
    assert_eq!(stored.service, "Requests of Ours");
    assert_eq!(stored.file_name, format!("{id}.zip"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_stays_taken_after_a_delete() {
    let (_, store, _) = world().await;
    let id = DocumentId::generate();
    store.put(id, file(b"report").path()).await.unwrap();
    assert!(store.delete(id).await.unwrap());
    let again = store.put(id, file(b"report").path()).await;
    assert!(
        matches!(again, Err(DocumentError::AlreadyExists(_))),
        "{again:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_identifier_is_our_own_if_an_earlier_try_got_through() {
    let (_, store, faulty) = world().await;
    let id = DocumentId::generate();
    faulty.next([Fault::CutAnswer(0)]);
    store.put(id, file(b"report").path()).await.unwrap();
    assert_eq!(faulty.requests().len(), 3, "post, post again, compare");
    assert_eq!(bytes(&store, id, None).await.unwrap(), b"report");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_identifier_with_other_content_is_not_our_own() {
    let (_, store, faulty) = world().await;
    for other in [&b"rep0rt"[..], b"a longer report"] {
        let id = DocumentId::generate();
        store.put(id, file(other).path()).await.unwrap();
        faulty.next([BUSY]);
        let put = store.put(id, file(b"report").path()).await;
        assert!(
            matches!(put, Err(DocumentError::AlreadyExists(_))),
            "{put:?}"
        );
        assert_eq!(bytes(&store, id, None).await.unwrap(), other);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_on_its_way_is_refused_and_deleted() {
    for (cuts, alters, hash) in [
        (true, false, Hash::None),
        (false, true, Hash::Md5),
        (false, true, Hash::Sha256),
        (false, true, Hash::None),
    ] {
        let (api, store, _) = world().await;
        api.behave(Manners {
            cuts,
            alters,
            hash,
            ..Manners::default()
        });
        let id = DocumentId::generate();
        let put = store.put(id, file(b"report").path()).await;
        assert!(
            matches!(put, Err(DocumentError::Unavailable { .. })),
            "{put:?}"
        );
        assert!(matches!(
            store.stat(id).await,
            Err(DocumentError::NotFound(_))
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_api_does_not_take_is_too_large() {
    let (api, address) = DocumentApi::start().await;
    let config = DocumentApiConfig {
        file_megabytes_max: 1,
        ..config(address)
    };
    let store = store(&config, Some(good()));
    let content = file(&vec![0; 1_000_001]);
    let put = store.put(DocumentId::generate(), content.path()).await;
    assert!(
        matches!(
            put,
            Err(DocumentError::TooLarge {
                bytes: 1_000_001,
                bytes_max: 1_000_000
            })
        ),
        "{put:?}"
    );
    assert_eq!(api.calls().len(), 0, "it is not even sent");
    api.behave(Manners {
        bytes_max: 100,
        ..Manners::default()
    });
    let put = store
        .put(DocumentId::generate(), file(&[0; 101]).path())
        .await;
    assert!(
        matches!(put, Err(DocumentError::TooLarge { bytes: 101, .. })),
        "{put:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_replaced_once() {
    let (api, address) = DocumentApi::start().await;
    let store_ = store(&config(address), Some(stale_then_good()));
    let id = DocumentId::generate();
    store_.put(id, file(b"report").path()).await.unwrap();
    assert_eq!(api.calls().len(), 2);
    assert_eq!(bytes(&store_, id, None).await.unwrap(), b"report");

    for bearer in [None, Some(fixed("Bearer wrong"))] {
        let refused = store(&config(address), bearer).ping().await.unwrap_err();
        let text = refused.to_string();
        assert!(text.contains("401") && !text.contains("wrong"), "{text}");
    }
}

fn fixed(token: &'static str) -> Bearer {
    Arc::new(move |refused: Option<HeaderValue>| {
        let token = HeaderValue::from_static(token);
        let other = (refused.as_ref() != Some(&token)).then_some(token);
        std::future::ready(Ok(other)).boxed()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_nothing_is_asked() {
    let (api, address) = DocumentApi::start().await;
    let none: Bearer = Arc::new(|_| std::future::ready(Err("no token".to_owned())).boxed());
    let error = store(&config(address), Some(none))
        .ping()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no token"), "{error}");
    assert_eq!(api.calls().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_in_trouble_is_asked_again() {
    let (_, store, faulty) = world().await;
    let id = DocumentId::generate();
    faulty.next([BUSY, Fault::CutUpload(0), Fault::Silence]);
    store.put(id, file(b"report").path()).await.unwrap();
    faulty.next([BUSY, BUSY, Fault::None, BUSY]);
    assert_eq!(bytes(&store, id, None).await.unwrap(), b"report");
    faulty.next([BUSY]);
    assert!(store.delete(id).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_stays_in_trouble_is_unavailable_and_says_why() {
    let (_, store, faulty) = world().await;
    let full = Fault::Answer("507 Insufficient Storage", "the disk of A1234AA is full");
    let began = Instant::now();
    for (fault, said, tries) in [
        (BUSY, "503", 4),
        (full, "507", 4),
        (Fault::Silence, "timed out", 4),
        (Fault::Answer("403 Forbidden", ""), "403", 1),
        (
            Fault::Answer("200 OK", "nonsense"),
            "not one about a document",
            4,
        ),
    ] {
        faulty.next(vec![fault; 4]);
        let put = store.put(DocumentId::generate(), file(b"x").path()).await;
        let error = put.unwrap_err().to_string();
        assert!(
            error.contains(said) && !error.contains("A1234AA"),
            "{error}"
        );
        assert_eq!(faulty.requests().len(), tries, "{error}");
    }
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_cut_or_silent_is_an_error() {
    let (_, store, faulty) = world().await;
    let id = DocumentId::generate();
    store
        .put(id, file(&vec![7; 2_000_000]).path())
        .await
        .unwrap();
    faulty.next([Fault::None, Fault::CutAnswer(1_000_000)]);
    bytes(&store, id, None).await.unwrap_err();
    assert_eq!(bytes(&store, id, None).await.unwrap().len(), 2_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_never_read_as_whole() {
    let (api, store, _) = world().await;
    let id = DocumentId::generate();
    store.put(id, file(b"report").path()).await.unwrap();
    api.replace(id.as_uuid(), b"rep0rt");
    let error = bytes(&store, id, None).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
}

/// Another server's address: it has a page for whatever it is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_everything_is_no_document_api() {
    let (_, address) = DocumentApi::start().await;
    let other = Faulty::to(address).await;
    other.next([Fault::Answer("200 OK", "<html>Welcome</html>")]);
    let error = store(&config(other.address), None).ping().await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "the document storage failed while asking the document API: it has a document that cannot be \
         there: is its URL the document API's?"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_down_is_unavailable() {
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let error = store(&config(address), None).ping().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the document storage failed while asking the document API: the document API: connection refused"
    );
}
