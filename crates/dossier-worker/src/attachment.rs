//! One try to get an attachment, as the upstream contract says.
//!
//! The service chose the URL and the headers, so neither is trusted: [`Target::new`] decides where a
//! call may go and what it may carry, before anything is sent.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dossier_core::Private;
use dossier_report::Attachment;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Client;
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use crate::config::Limits;
use crate::fetch::{Fault, Spooling, refused, send, spool, too_slow};

/// Headers that belong to the connection, or to this program's way of reading an answer. A service
/// that lists one changes nothing: it is left out.
const OURS: [HeaderName; 12] = [
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HOST,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    ACCEPT_ENCODING,
    CONNECTION,
    EXPECT,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
/// Further ones that have no constant.
const OURS_TOO: [&str; 3] = ["keep-alive", "proxy-connection", "http2-settings"];
/// Headers that prove who calls. They never go to another origin than the service's own.
const CREDENTIALS: [HeaderName; 2] = [AUTHORIZATION, COOKIE];

/// The hosts besides a service's own origin that attachments may come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowedHosts(BTreeSet<String>);

impl AllowedHosts {
    /// The hosts of these names; none if one of them is not the name of a host alone. A star, which
    /// a URL may have in its host, stands for nothing here.
    pub fn new(names: &[String]) -> Option<Self> {
        let hosts = names.iter().map(|name| {
            let host = Host::parse(name.trim()).ok();
            host.filter(|_| !name.contains('*'))
        });
        hosts
            .map(|host| host.map(|host| host.to_string()))
            .collect::<Option<_>>()
            .map(Self)
    }

    fn has(&self, url: &Url) -> bool {
        url.host_str().is_some_and(|host| self.0.contains(host))
    }
}

/// Where an attachment is fetched, and with what.
pub(crate) struct Target {
    url: Private<Url>,
    /// Whether it is the service's own origin: only there does the worker's token go.
    pub is_own_origin: bool,
    headers: HeaderMap,
    filesize: Option<u64>,
}

impl Target {
    /// Where and how this attachment of the service at `service` may be fetched. The error is
    /// without personal data: it names a host or a header, never a path or a value.
    pub fn new(
        attachment: &Attachment,
        service: &Url,
        hosts: &AllowedHosts,
    ) -> Result<Self, String> {
        let url =
            Url::parse(&attachment.url).map_err(|_| "its URL is not an absolute one".to_owned())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("its URL is neither http nor https".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("its URL holds a user name or a password".to_owned());
        }
        let is_own_origin = url.origin() == service.origin();
        if !is_own_origin && !hosts.has(&url) {
            let host = url.host_str().unwrap_or_default();
            return Err(format!(
                "it is at {host}, which worker.attachment_hosts does not allow"
            ));
        }
        Ok(Self {
            headers: headers(attachment, is_own_origin)?,
            url: url.into(),
            is_own_origin,
            filesize: attachment.filesize,
        })
    }
}

/// The headers to send: the content type, and of the listed ones those that may be sent.
fn headers(attachment: &Attachment, is_own_origin: bool) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &attachment.headers {
        let name = HeaderName::try_from(name.trim())
            .map_err(|_| "it lists a header whose name cannot be one".to_owned())?;
        if OURS.contains(&name) || OURS_TOO.contains(&name.as_str()) {
            continue;
        }
        if CREDENTIALS.contains(&name) && !is_own_origin {
            return Err(format!(
                "it lists the header {name}, which must not go to another origin"
            ));
        }
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| format!("it lists a header {name} whose value cannot be one"))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    if !attachment.content_type.is_empty() {
        let content_type = HeaderValue::try_from(&attachment.content_type)
            .map_err(|_| "its content type cannot be sent".to_owned())?;
        headers.insert(CONTENT_TYPE, content_type);
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(headers)
}

/// What the attachments of one section share.
#[derive(Default)]
pub(crate) struct SectionTotal {
    /// Bytes of all that are there or on their way.
    bytes: AtomicU64,
}

/// A part of a count; taken back when dropped, unless it is kept.
pub(crate) struct Share<'a> {
    of: &'a AtomicU64,
    own: u64,
}

impl<'a> Share<'a> {
    pub fn new(of: &'a AtomicU64) -> Self {
        Self { of, own: 0 }
    }

    /// Adds to the count; answers what it then is.
    pub fn add(&mut self, bytes: u64) -> u64 {
        self.own = self.own.saturating_add(bytes);
        self.of
            .fetch_add(bytes, Ordering::Relaxed)
            .saturating_add(bytes)
    }

    pub fn keep(mut self) {
        self.own = 0;
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.of.fetch_sub(self.own, Ordering::Relaxed);
    }
}

/// What an attachment's bytes are counted in.
pub(crate) struct Counts<'a> {
    pub section: &'a SectionTotal,
    /// For those who watch.
    pub received: &'a AtomicU64,
}

/// Fetches an attachment once; its bytes go to `file` as they arrive.
pub(crate) async fn fetch(
    http: &Client,
    target: &Target,
    bearer: Option<&HeaderValue>,
    file: &Path,
    counts: Counts<'_>,
    limits: &Limits,
    time_left: Duration,
) -> Result<(), Fault> {
    let time_max = limits.answer_max.min(time_left);
    let deadline = Instant::now() + time_max;
    let mut headers = target.headers.clone();
    if let Some(bearer) = bearer {
        headers.insert(AUTHORIZATION, bearer.clone());
    }
    let call = http.get(target.url.reveal().clone()).headers(headers);
    let response = send(call, deadline, time_max, limits).await?;
    if response.status() != 200 {
        return Err(refused(response.status(), response.headers()));
    }
    let expected = response
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .or(target.filesize)
        .ok_or_else(|| Fault::lasting("neither its answer nor its entry says how long it is"))?;
    if expected > limits.attachment_bytes_max {
        let max = limits.attachment_bytes_max;
        return Err(Fault::lasting(format!("it has more than {max} bytes")));
    }
    let mut reserved = Share::new(&counts.section.bytes);
    if reserved.add(expected) > limits.attachments_bytes_max {
        let max = limits.attachments_bytes_max;
        return Err(Fault::lasting(format!(
            "the section's attachments have more than {max} bytes"
        )));
    }
    let spooling = Spooling {
        path: file,
        bytes_max: expected,
        too_large: |expected| mismatch(format_args!("more than {expected}"), expected),
        idle_max: limits.idle_max,
    };
    let mut received = Share::new(counts.received);
    let spooled = timeout_at(deadline, spool(response, spooling, &mut received)).await;
    let body = spooled.unwrap_or_else(|_| Err(too_slow("no whole answer", time_max)))?;
    if body.bytes != expected {
        return Err(mismatch(format_args!("{}", body.bytes), expected));
    }
    reserved.keep();
    received.keep();
    Ok(())
}

fn mismatch(found: std::fmt::Arguments<'_>, expected: u64) -> Fault {
    Fault::passing(format!(
        "its length is not the announced one: {found} instead of {expected} bytes"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attachment(url: &str, headers: &[(&str, &str)]) -> Attachment {
        Attachment {
            number: 1,
            name: String::new(),
            content_type: "text/plain".to_owned(),
            url: url.to_owned(),
            filesize: None,
            filename: String::new(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    fn target(url: &str, headers: &[(&str, &str)]) -> Result<Target, String> {
        let service = Url::parse("https://service.example/base").unwrap();
        let hosts = AllowedHosts::new(&["files.example".to_owned()]).unwrap();
        Target::new(&attachment(url, headers), &service, &hosts)
    }

    #[test]
    fn only_the_services_own_origin_gets_its_token() {
        for (url, is_own) in [
            ("https://service.example/secret", true),
            ("HTTPS://SERVICE.example:443/secret", true),
            ("https://files.example/secret", false),
            ("https://FILES.example:8443/secret", false),
        ] {
            assert_eq!(target(url, &[]).unwrap().is_own_origin, is_own, "{url}");
        }
    }

    #[test]
    fn what_is_elsewhere_is_refused_with_its_host_and_without_its_path() {
        for url in [
            "http://service.example/secret",
            "https://service.example:8443/secret",
            "https://service.example.evil.example/secret",
            "https://files.example.evil.example/secret",
            "https://sub.files.example/secret",
            "https://files.example./secret",
            "https://files.example@evil.example/secret",
            "http://127.0.0.1/secret",
            "http://[::1]/secret",
            "file:///secret",
            "ftp://files.example/secret",
            "data:text/plain,secret",
            "/secret",
            "//files.example/secret",
            "secret",
            "https://user:secret@files.example/",
        ] {
            let refused = target(url, &[]).err().unwrap_or_else(|| panic!("{url}"));
            assert!(!refused.contains("secret"), "{refused}");
        }
        let refused = target("https://evil.example/secret", &[]).err().unwrap();
        assert_eq!(
            refused,
            "it is at evil.example, which worker.attachment_hosts does not allow"
        );
    }

    #[test]
    fn headers_of_the_connection_are_left_out_and_others_are_sent() {
        let listed = [
            ("Host", "evil.example"),
            ("content-length", "0"),
            ("Transfer-Encoding", "chunked"),
            ("Connection", "upgrade"),
            ("Keep-Alive", "1"),
            ("Proxy-Authorization", "secret"),
            ("Accept-Encoding", "gzip"),
            ("Content-Type", "evil/evil"),
            ("X-Tenant", "a"),
            ("X-Tenant", "b"),
            ("Accept", "*/*"),
        ];
        let sent = target("https://files.example/", &listed).unwrap().headers;
        assert_eq!(sent.get_all("x-tenant").iter().count(), 2);
        assert_eq!(sent["accept"], "*/*");
        assert_eq!(sent["content-type"], "text/plain");
        assert_eq!(sent["accept-encoding"], "identity");
        assert_eq!(sent.len(), 5, "{sent:?}");
    }

    #[test]
    fn credentials_go_to_the_services_own_origin_only() {
        for name in ["Authorization", "authorization", "Cookie"] {
            let listed = [(name, "secret")];
            let refused = target("https://files.example/", &listed).err().unwrap();
            assert!(!refused.contains("secret"), "{refused}");
            assert!(target("https://service.example/", &listed).is_ok());
        }
    }

    #[test]
    fn a_header_that_cannot_be_one_is_refused_without_its_value() {
        for (name, value) in [
            ("X-A", "secret\r\nX-B: 1"),
            ("X A", "secret"),
            ("", "secret"),
        ] {
            let refused = target("https://files.example/", &[(name, value)]);
            assert!(!refused.err().unwrap().contains("secret"));
        }
    }

    #[test]
    fn an_allowed_host_is_a_name_alone() {
        for wrong in [
            "https://files.example",
            "files.example:443",
            "files.example/a",
            "*.example",
            "*",
            "",
        ] {
            assert!(AllowedHosts::new(&[wrong.to_owned()]).is_none(), "{wrong}");
        }
        let hosts = AllowedHosts::new(&["Bücher.Example".to_owned(), "[::1]".to_owned()]).unwrap();
        for url in ["https://xn--bcher-kva.example/", "http://[::1]:8080/"] {
            assert!(hosts.has(&Url::parse(url).unwrap()), "{url}");
        }
    }

    #[test]
    fn a_share_is_taken_back_unless_it_is_kept() {
        let count = AtomicU64::new(1);
        let mut share = Share::new(&count);
        assert_eq!((share.add(2), share.add(3)), (3, 6));
        drop(share);
        assert_eq!(count.load(Ordering::Relaxed), 1);
        let mut share = Share::new(&count);
        share.add(5);
        share.keep();
        assert_eq!(count.load(Ordering::Relaxed), 6);
    }
}
