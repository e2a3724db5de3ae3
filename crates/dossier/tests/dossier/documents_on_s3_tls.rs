//! Documents in a bucket over TLS, with an authority of the organisation's own.

use std::path::Path;

use dossier_core::Private;
use dossier_worker::ApiClient;

use crate::harness::process::{Running, run, succeed};
use crate::harness::s3::seaweed::{BUCKET, KEY_ID, SECRET, Seaweed};
use crate::harness::upstream::{Answer, Upstream};
use crate::harness::{self, request_body, service_body, until};

/// Configures a folder for the bucket at a URL.
fn configure(folder: &Path, endpoint: &str, ca_file: Option<&Path>) {
    let ca_file = ca_file.map(|file| format!("ca_file = \"{}\"\n", file.display()));
    let configuration = format!(
        "[api]\nlisten = \"127.0.0.1:0\"\ntoken = \"the-test-token\"\n\
         [documents]\nkind = \"s3\"\n\
         [documents.s3]\nbucket = \"{BUCKET}\"\nprefix = \"over-tls\"\npath_style = true\n\
         endpoint = \"{endpoint}\"\ntry_pause_seconds = 0.01\n\
         access_key_id = \"{KEY_ID}\"\nsecret_access_key = \"{SECRET}\"\n{}",
        ca_file.unwrap_or_default()
    );
    std::fs::write(folder.join("dossier.toml"), configuration).unwrap();
}

/// What the check of the configuration says of a bucket that it refuses.
fn refused(endpoint: &str, ca_file: Option<&Path>) -> String {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), endpoint, ca_file);
    let output = run(folder.path(), "config check");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert!(!said.contains(SECRET), "{said}");
    said
}

fn https(server: &Seaweed, host: &str) -> String {
    format!("https://{host}:{}", server.https_port)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_made_and_downloaded_over_tls_that_the_configured_authority_vouches_for() {
    dossier_worker::install_tls_provider();
    let server = Seaweed::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let endpoint = https(server, "localhost");
    configure(folder.path(), &endpoint, Some(&server.authority_file));
    let checked = succeed(folder.path(), "config check");
    assert!(checked.contains("s3://documents/over-tls"), "{checked}");

    let upstream = Upstream::start().await;
    // The package has more than 8 MiB, and goes up in parts.
    let large = upstream.file("large", 20_000_000);
    upstream.answer("files", [Answer::Body(large)]);
    let up = Running::start(folder.path(), "up", "up");
    let url = up.ready["url"].as_str().unwrap().parse().unwrap();
    let token = Private::new("the-test-token".to_owned());
    let client = ApiClient::new(url, &token, None).unwrap();
    let service = service_body("files", upstream.url("files"));
    client.add_service(&service).await.unwrap();
    let request = request_body(&["files"]);
    let id = client.create(&request, None).await.unwrap();
    let request = until(&client, id, |request| request.is_finished()).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    let report = folder.path().join("report.pdf");
    client.download(id, &report, |_, _| {}).await.unwrap();
    harness::pdf::check(&report);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_whose_authority_is_not_known_is_refused() {
    let server = Seaweed::shared().await;
    let endpoint = https(server, "localhost");
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let other_file = folder.path().join("other.pem");
    std::fs::write(&other_file, other.cert.pem()).unwrap();
    for ca_file in [None, Some(other_file.as_path())] {
        let said = refused(&endpoint, ca_file);
        assert!(
            said.contains("documents.s3: s3://documents/over-tls"),
            "{said}"
        );
        assert!(said.contains("invalid peer certificate"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_whose_certificate_is_for_another_name_is_refused() {
    let server = Seaweed::shared().await;
    let said = refused(&https(server, "127.0.0.1"), Some(&server.authority_file));
    assert!(said.contains("certificate not valid for name"), "{said}");
}

#[test]
fn a_file_without_authorities_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authorities.pem");
    let name = file.display().to_string();
    let said = refused("https://localhost:1", Some(&file));
    assert!(said.contains(&format!("{name} cannot be read")), "{said}");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for content in ["", "no certificate", broken] {
        std::fs::write(&file, content).unwrap();
        let said = refused("https://localhost:1", Some(&file));
        assert!(said.contains(&name), "{content}: {said}");
        assert!(said.contains("holds no certificates"), "{content}: {said}");
    }
}
