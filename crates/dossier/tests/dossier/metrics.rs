//! What is measured, and that the page on it lists all of it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;

use crate::harness::process::{self, Running};
use crate::harness::upstream::{Answer, Upstream};

fn free_address() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Names of the page's tables, with the suffix of counters taken off.
fn documented() -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next())
        .map(|name| name.trim_end_matches("_total").to_owned())
        .collect()
}

/// Names of what is served.
fn served(page: &str) -> BTreeSet<String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

async fn read(url: &str) -> String {
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    answer.text().await.unwrap()
}

/// The value of the sample that begins with this.
fn value(page: &str, sample: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(sample));
    let line = line.unwrap_or_else(|| panic!("no {sample} in {page}"));
    line.trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_the_page_lists_is_served_and_nothing_else() {
    dossier_worker::install_tls_provider();
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start().await;
    upstream.answer("svc", [Answer::Content(json!([{ "a": "b" }]))]);
    let (listen, metrics) = (free_address(), free_address());
    let configuration =
        format!("[api]\nlisten = \"{listen}\"\n[metrics]\nlisten = \"{metrics}\"\n");
    std::fs::write(folder.path().join("dossier.toml"), configuration).unwrap();
    let _up = Running::start(folder.path(), "up", "up");
    let url = upstream.url("svc");
    process::succeed(
        folder.path(),
        &format!("service add svc --label Svc --url {url}"),
    );
    let request = "request create --nomis-id A1234AA --case SECRET-CASE --service svc --watch";
    process::succeed(folder.path(), request);
    process::succeed(folder.path(), "request list --status completed");

    let url = format!("http://{metrics}/metrics");
    let page = read(&url).await;
    assert_eq!(served(&page), documented(), "{page}");
    assert!(page.ends_with("# EOF\n"));
    assert_eq!(value(&page, "dossier_claims_total "), 1.0);
    assert_eq!(value(&page, "dossier_completions_total "), 1.0);
    assert_eq!(value(&page, "dossier_requests{status=\"Completed\"} "), 1.0);
    assert_eq!(value(&page, "dossier_requests_due "), 0.0);
    let answered = "dossier_worker_upstream_call_duration_seconds_count\
        {service=\"svc\",kind=\"answer\",outcome=\"answered\"} ";
    assert_eq!(value(&page, answered), 1.0);
    let completed = "dossier_worker_attempts_total{ending=\"completed\"} ";
    assert_eq!(value(&page, completed), 1.0);
    let counts = "dossier_store_call_duration_seconds_count{call=\"request_counts\"} ";
    assert!(value(&page, counts) >= 1.0);
    assert!(
        !page.contains("count_requests"),
        "a list's counts are not taken twice"
    );
    for private in ["A1234AA", "SECRET-CASE", "a1234aa"] {
        assert!(!page.contains(private), "{private} is shown");
    }
    let api = reqwest::get(format!("http://{listen}/metrics")).await;
    assert_eq!(api.unwrap().status(), 404, "the API does not serve it");
    let other = reqwest::get(format!("http://{metrics}/health")).await;
    assert_eq!(other.unwrap().status(), 404);

    // Whatever callers make up is one label.
    let client = reqwest::Client::new();
    for made_up in ["FOO", "BAR"] {
        let method = reqwest::Method::from_bytes(made_up.as_bytes()).unwrap();
        let path = format!("http://{listen}/secret-{made_up}");
        client.request(method, path).send().await.unwrap();
    }
    let page = read(&url).await;
    let sample = "dossier_http_requests_total{route=\"none\",method=\"other\",status=\"404\"} ";
    assert_eq!(value(&page, sample), 2.0);
    assert!(!page.contains("secret-"));
}
