//! The bucket, how it is reached, and with whose rights: the `[documents.s3]` table.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dossier_core::Private;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum, S3ConditionalPut};
use object_store::{BackoffConfig, RetryConfig};
use reqwest::ClientBuilder;
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::InvalidSetting;
use crate::fault::unavailable;
use crate::store::DocumentError;

/// Variables that say with whose rights the bucket is used, as Amazon's own programs read them:
/// keys, roles for a web identity (EKS) or a task (ECS), else those of the machine (EC2).
const CREDENTIAL_VARIABLES: [&str; 11] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ENDPOINT_URL_STS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_METADATA_ENDPOINT",
];
/// Longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// After this no further try begins. Signatures are good for longer.
const TRIES_TIME_MAX: Duration = Duration::from_secs(120);

/// The `[documents.s3]` table. Times are seconds and may have a fraction.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Config {
    /// The bucket's name. Needed.
    pub bucket: String,
    /// What stands before the documents' identifiers in their keys, with a slash between: a
    /// document's key is `<prefix>/<identifier>`, without a prefix just `<identifier>`.
    pub prefix: String,
    /// The region. Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, else `us-east-1`.
    pub region: Option<String>,
    /// The server, if it is not Amazon's: an `http` or `https` URL without the bucket.
    pub endpoint: Option<Url>,
    /// Whether the bucket stands in the URL's path instead of in the host's name. Default: it does
    /// not; most servers that are not Amazon's want it.
    pub path_style: bool,
    /// Whether `endpoint` may be `http`. Default: it may not.
    pub allow_http: bool,
    /// A PEM file with certificates of authorities to trust, beside the system's own.
    pub ca_file: Option<PathBuf>,
    /// The access key's name. Default: what the environment or the machine gives.
    pub access_key_id: Option<String>,
    /// The access key's secret; either this or `secret_access_key_file`.
    #[serde(serialize_with = "hidden")]
    pub secret_access_key: Option<Private<String>>,
    /// A file with the access key's secret.
    pub secret_access_key_file: Option<PathBuf>,
    /// How the server is to encrypt documents. Default: as the bucket says.
    pub encryption: Encryption,
    /// The KMS key for `encryption = "kms"`; its identifier or ARN. Default: the account's own for
    /// S3.
    pub kms_key_id: Option<String>,
    /// Longest time to connect. Default 10.
    pub connect_seconds_max: f64,
    /// Longest silence: from the start of a request of up to 8 MiB to the head of its answer, and
    /// within the answer. Default 60.
    pub idle_seconds_max: f64,
    /// Tries of a request that may succeed the next time, from 1. Default 4.
    pub tries_max: u32,
    /// Pause after the first try; it doubles with every further one. Default 0.2.
    pub try_pause_seconds: f64,
}

/// How the server encrypts what it stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// As the bucket says.
    #[default]
    Bucket,
    /// With keys of the server's own (SSE-S3).
    S3,
    /// With a key of the key management service (SSE-KMS).
    Kms,
}

impl Encryption {
    /// What a server answered, with the setting that may be the reason.
    pub(super) fn named_in(self, answer: String) -> String {
        match self {
            Self::Bucket => answer,
            Self::S3 => format!("{answer} (documents.s3.encryption = \"s3\")"),
            Self::Kms => format!("{answer} (documents.s3.encryption = \"kms\")"),
        }
    }
}

impl Default for S3Config {
    fn default() -> Self {
        Self {
            bucket: String::new(),
            prefix: String::new(),
            region: None,
            endpoint: None,
            path_style: false,
            allow_http: false,
            ca_file: None,
            access_key_id: None,
            secret_access_key: None,
            secret_access_key_file: None,
            encryption: Encryption::Bucket,
            kms_key_id: None,
            connect_seconds_max: 10.0,
            idle_seconds_max: 60.0,
            tries_max: 4,
            try_pause_seconds: 0.2,
        }
    }
}

/// Writes that there is a secret, and not the secret.
fn hidden<S: Serializer>(secret: &Option<Private<String>>, to: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| "[hidden]").serialize(to)
}

/// Whether a number of seconds is a time to wait for.
pub(crate) fn is_time(seconds: f64) -> bool {
    (0.001..=86_400.0).contains(&seconds)
}

impl S3Config {
    /// Whether every setting can be used.
    ///
    /// # Errors
    /// The first that cannot.
    pub fn check(&self) -> Result<(), InvalidSetting> {
        let must = |holds: bool, key: &'static str, must: &'static str| {
            if holds {
                Ok(())
            } else {
                Err(InvalidSetting { key, must })
            }
        };
        let in_host = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        must(
            (3..=63).contains(&self.bucket.len()) && self.bucket.chars().all(in_host),
            "bucket",
            "must be the bucket's name: 3 to 63 small letters, digits, dots and hyphens",
        )?;
        must(
            self.prefix.len() <= 200 && object_store::path::Path::parse(&self.prefix).is_ok(),
            "prefix",
            "must be at most 200 characters, such as dossier or teams/dossier, without an empty part",
        )?;
        let is_address = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
        };
        must(
            self.endpoint.as_ref().is_none_or(is_address),
            "endpoint",
            "must be an http or https URL without user name, password and query",
        )?;
        let is_plain = |url: &Url| url.scheme() == "http";
        must(
            self.allow_http || !self.endpoint.as_ref().is_some_and(is_plain),
            "endpoint",
            "must be https, or allow_http must be true",
        )?;
        let secrets = [
            self.secret_access_key.is_some(),
            self.secret_access_key_file.is_some(),
        ];
        let secrets = secrets.into_iter().filter(|is_there| *is_there).count();
        must(
            secrets == usize::from(self.access_key_id.is_some()),
            "access_key_id",
            "must go with exactly one of secret_access_key and secret_access_key_file",
        )?;
        must(
            self.kms_key_id.is_none() || self.encryption == Encryption::Kms,
            "kms_key_id",
            "must go with encryption = \"kms\"",
        )?;
        let is_key = |id: &String| !id.is_empty() && id.bytes().all(|b| b.is_ascii_graphic());
        must(
            self.kms_key_id.as_ref().is_none_or(is_key),
            "kms_key_id",
            "must be the key's identifier or ARN",
        )?;
        must(
            is_time(self.connect_seconds_max),
            "connect_seconds_max",
            "must be 0.001 to 86400",
        )?;
        must(
            is_time(self.idle_seconds_max),
            "idle_seconds_max",
            "must be 0.001 to 86400",
        )?;
        must(
            is_time(self.try_pause_seconds),
            "try_pause_seconds",
            "must be 0.001 to 86400",
        )?;
        must(
            (1..=100).contains(&self.tries_max),
            "tries_max",
            "must be 1 to 100",
        )
    }

    /// What the HTTP client is to be like. It must trust [`ca_file`](Self::ca_file), too.
    pub fn client_settings(&self, builder: ClientBuilder) -> ClientBuilder {
        builder
            .connect_timeout(Duration::from_secs_f64(self.connect_seconds_max))
            .read_timeout(Duration::from_secs_f64(self.idle_seconds_max))
            .redirect(reqwest::redirect::Policy::none())
    }

    /// The bucket's client, without its connection.
    pub(super) async fn builder(&self) -> Result<AmazonS3Builder, DocumentError> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_virtual_hosted_style_request(!self.path_style)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_checksum_algorithm(Checksum::SHA256)
            .with_disable_bulk_delete(true)
            .with_allow_http(self.allow_http)
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: Duration::from_secs_f64(self.try_pause_seconds),
                    max_backoff: PAUSE_MAX.max(Duration::from_secs_f64(self.try_pause_seconds)),
                    base: 2.0,
                },
                max_retries: self.tries_max.saturating_sub(1) as usize,
                retry_timeout: TRIES_TIME_MAX,
            });
        if let Some(region) = self.region.clone().or_else(region_of_environment) {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(self.address(endpoint));
        }
        self.with_credentials(self.with_encryption(builder)?).await
    }

    /// The endpoint as the client wants it: with the bucket, where it stands in the host's name.
    fn address(&self, endpoint: &Url) -> String {
        let mut endpoint = endpoint.clone();
        if let (false, Some(host)) = (self.path_style, endpoint.host_str()) {
            let host = format!("{}.{host}", self.bucket);
            // The bucket's name was checked: with it, a host's name still is one.
            let _ = endpoint.set_host(Some(&host));
        }
        endpoint.as_str().trim_end_matches('/').to_owned()
    }

    fn with_encryption(&self, builder: AmazonS3Builder) -> Result<AmazonS3Builder, DocumentError> {
        let kind = match self.encryption {
            Encryption::Bucket => return Ok(builder),
            Encryption::S3 => "AES256",
            Encryption::Kms => "aws:kms",
        };
        let builder = builder.with_config(setting("aws_server_side_encryption")?, kind);
        match &self.kms_key_id {
            Some(id) => Ok(builder.with_config(setting("aws_sse_kms_key_id")?, id)),
            None => Ok(builder),
        }
    }

    async fn with_credentials(
        &self,
        builder: AmazonS3Builder,
    ) -> Result<AmazonS3Builder, DocumentError> {
        let Some(id) = &self.access_key_id else {
            return Ok(with_credentials_of_environment(builder));
        };
        let secret = match (&self.secret_access_key, &self.secret_access_key_file) {
            (None, Some(file)) => read_secret(file).await?,
            (secret, _) => secret.clone().unwrap_or_else(|| String::new().into()),
        };
        Ok(builder
            .with_access_key_id(id)
            .with_secret_access_key(secret.into_revealed()))
    }
}

/// A setting of the client's by its name; documents are not to be stored without it.
fn setting(name: &'static str) -> Result<AmazonS3ConfigKey, DocumentError> {
    name.parse()
        .map_err(|_| unavailable("setting the bucket up", format!("{name} is not known")))
}

fn region_of_environment() -> Option<String> {
    ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Only these: variables that would change what is stored, or where, are not this program's.
fn with_credentials_of_environment(builder: AmazonS3Builder) -> AmazonS3Builder {
    let variables = CREDENTIAL_VARIABLES.into_iter().filter_map(|name| {
        let key = name
            .to_ascii_lowercase()
            .parse::<AmazonS3ConfigKey>()
            .ok()?;
        Some((key, std::env::var(name).ok()?))
    });
    variables.fold(builder, |builder, (key, value)| {
        builder.with_config(key, value)
    })
}

async fn read_secret(file: &Path) -> Result<Private<String>, DocumentError> {
    match tokio::fs::read_to_string(file).await {
        Ok(text) => Ok(text.trim().to_owned().into()),
        Err(source) => Err(DocumentError::Unavailable {
            doing: "reading documents.s3.secret_access_key_file",
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(endpoint: &str) -> S3Config {
        S3Config {
            bucket: "reports.example".to_owned(),
            endpoint: Some(endpoint.parse().unwrap()),
            ..S3Config::default()
        }
    }

    #[test]
    fn the_bucket_stands_in_the_hosts_name_unless_it_is_to_stand_in_the_path() {
        let mut config = config("https://s3.example:9000/");
        let endpoint = config.endpoint.clone().unwrap();
        let address = "https://reports.example.s3.example:9000";
        assert_eq!(config.address(&endpoint), address);
        config.path_style = true;
        assert_eq!(config.address(&endpoint), "https://s3.example:9000");
    }

    #[test]
    fn settings_that_cannot_be_used_are_named() {
        let good = config("https://s3.example");
        assert_eq!(good.check(), Ok(()));
        let wrong = |key: &str, change: fn(&mut S3Config)| {
            let mut config = good.clone();
            change(&mut config);
            assert_eq!(config.check().unwrap_err().key, key);
        };
        wrong("bucket", |c| c.bucket = String::new());
        wrong("bucket", |c| c.bucket = "a/b/c".to_owned());
        wrong("prefix", |c| c.prefix = "a//b".to_owned());
        wrong("endpoint", |c| c.endpoint = "ftp://x".parse().ok());
        wrong("endpoint", |c| c.endpoint = "https://me:pw@x".parse().ok());
        wrong("endpoint", |c| c.endpoint = "http://x".parse().ok());
        wrong("access_key_id", |c| c.access_key_id = Some("x".to_owned()));
        wrong("access_key_id", |c| {
            c.secret_access_key_file = Some("x".into());
        });
        wrong("kms_key_id", |c| c.kms_key_id = Some("x".to_owned()));
        for id in ["", "two words", "a\r\nkey"] {
            let mut config = good.clone();
            config.encryption = Encryption::Kms;
            config.kms_key_id = Some(id.to_owned());
            assert_eq!(config.check().unwrap_err().key, "kms_key_id");
        }
        wrong("idle_seconds_max", |c| c.idle_seconds_max = f64::NAN);
        wrong("tries_max", |c| c.tries_max = 0);
    }
}
