//! Services over https, with an authority of the organisation's own.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::serve::Listener;
use dossier_worker::WorkerConfig;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

use crate::harness::{DATA, World, view};

/// Speaks TLS on every connection; drops those that cannot.
struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A service at an https URL, and the file of the authority that vouches for it.
async fn https_service(world: &World) -> (String, PathBuf) {
    dossier_worker::install_tls_provider();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = Tls {
        listener,
        acceptor: TlsAcceptor::from(Arc::new(config)),
    };
    let router = Router::new().fallback(|| async { DATA });
    tokio::spawn(async move { axum::serve(tls, router).await.unwrap() });
    let file = world.folder.path().join("authority.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    (format!("https://localhost:{port}"), file)
}

async fn world_with_https_service() -> (World, PathBuf) {
    let world = World::new().await;
    let (url, authority) = https_service(&world).await;
    let mut section = world.section("s");
    section.service_url = url;
    world.api.add(view(), vec![section]);
    (world, authority)
}

#[tokio::test]
async fn a_service_of_a_configured_authority_is_trusted() {
    let (mut world, authority) = world_with_https_service().await;
    world.config.ca_file = Some(authority);
    world.completes().await;
}

#[tokio::test]
async fn any_client_for_services_trusts_a_configured_authority() {
    let world = World::new().await;
    let (url, authority) = https_service(&world).await;
    let call = async |config: &WorkerConfig| {
        let client = dossier_worker::upstream_client(config, |builder| builder).unwrap();
        client.get(&url).send().await
    };
    let trusting = WorkerConfig {
        ca_file: Some(authority),
        ..world.config.clone()
    };
    assert!(call(&world.config).await.is_err());
    assert!(call(&trusting).await.unwrap().status().is_success());
}

#[tokio::test]
async fn a_service_of_an_unknown_authority_is_not_asked() {
    let (world, _) = world_with_https_service().await;
    let reason = world.fails().await;
    assert!(
        reason.starts_with("s: invalid peer certificate"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_file_without_authorities_is_refused_by_name() {
    let mut world = World::new().await;
    let file = world.folder.path().join("empty.pem");
    std::fs::write(&file, "no certificate").unwrap();
    world.config.ca_file = Some(file.clone());
    let error = world.worker().await.err().unwrap().to_string();
    assert!(error.contains(&file.display().to_string()), "{error}");
}
