//! The S3 server that the document storage is tested with.

#[expect(dead_code, reason = "the document storage's own tests use the rest")]
#[path = "../../../../dossier-documents/tests/servers/seaweed.rs"]
pub mod seaweed;

/// A client as the program makes it.
fn client(settings: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> reqwest::Client {
    dossier_worker::http_client(settings, None).unwrap()
}

fn install_tls() {
    dossier_worker::install_tls_provider();
}
