//! TLS to the database.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dossier_store::postgres::Options;
use dossier_store::{PostgresStore, Store};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::server::{PASSWORD, Server};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap()
}

/// Gives a server a certificate for `localhost`.
fn certify(authority: &Authority, data: &Path) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, authority)
        .unwrap();
    fs::write(data.join("server.crt"), certificate.pem()).unwrap();
    fs::write(data.join("server.key"), key.serialize_pem()).unwrap();
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(data.join("server.key"), private).unwrap();
    crate::server::give_away(data);
}

async fn opened(url: String, ca_file: Option<PathBuf>) -> Result<PostgresStore, String> {
    let options = Options {
        ca_file,
        connect_max: Duration::from_secs(5),
        ..Options::new(url.parse().unwrap())
    };
    let opened = PostgresStore::open(options).await;
    opened.map_err(|refused| refused.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_full_accepts_the_right_authority_and_name_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = (authority(), authority());
    let file = |name: &str, authority: &Authority| {
        let file = folder.path().join(name);
        fs::write(&file, authority.pem()).unwrap();
        Some(file)
    };
    let right_file = file("right.pem", &right);
    let wrong_file = file("wrong.pem", &wrong);
    let server = Server::start_with("-c fsync=off -c ssl=on", |data| certify(&right, data));
    let name = server.database();
    let url = |host: &str, mode: &str| {
        let port = server.port();
        format!("postgres://dossier:{PASSWORD}@{host}:{port}/{name}?sslmode={mode}")
    };

    let store = opened(url("localhost", "verify-full"), right_file.clone()).await;
    let store = store.unwrap();
    store.ping().await.unwrap();
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE usename = 'dossier'";
    assert_eq!(server.sql("postgres", encrypted), "t");

    for (host, ca_file) in [
        ("localhost", wrong_file),
        ("localhost", None),
        // Its address is not in the certificate.
        ("127.0.0.1", right_file.clone()),
    ] {
        let refused = opened(url(host, "verify-full"), ca_file).await.unwrap_err();
        assert!(refused.contains("certificate is not trusted"), "{refused}");
    }
    opened(url("127.0.0.1", "verify-ca"), right_file)
        .await
        .unwrap();
    opened(url("127.0.0.1", "require"), None).await.unwrap();
}
