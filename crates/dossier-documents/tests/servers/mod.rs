//! What stands at the other end: an S3 server, a document API, and bad connections to them.
#![expect(dead_code, reason = "each test file uses some of it")]

pub mod document_api;
pub mod faulty;
pub mod seaweed;

/// A client as the program makes it, with a connection of its own for every request, so that a
/// [`faulty::Faulty`] has a fault for each.
pub fn client(
    settings: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> reqwest::Client {
    install_tls();
    settings(reqwest::Client::builder())
        .no_proxy()
        .pool_max_idle_per_host(0)
        .http1_only()
        .build()
        .unwrap()
}

/// Makes ring the provider of cryptography, unless another test has done so already.
pub fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
