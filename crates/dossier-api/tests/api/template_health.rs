//! Whether services serve the templates that are registered.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode as Status};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use dossier_api::{TemplateLook, TemplateWatch, TemplateWatchRules};
use dossier_core::ServiceName;
use dossier_core::template_health::AlertChange;
use futures::FutureExt;
use futures::future::join_all;
use http::HeaderValue;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::harness::Dossier;
use crate::health::upstream;

const PATH: &str = "/sar/subject-access-request/template";

/// Asks at once, and waits long before it alerts.
fn eager() -> TemplateWatchRules {
    TemplateWatchRules {
        every: Duration::ZERO,
        ..TemplateWatchRules::default()
    }
}

/// Alerts at once.
fn strict() -> TemplateWatchRules {
    TemplateWatchRules {
        alert_after: Duration::ZERO,
        ..eager()
    }
}

/// A service whose template can be replaced, and the calls for it.
#[derive(Clone, Default)]
struct Served {
    answer: Arc<Mutex<(u16, Vec<u8>)>>,
    calls: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Served {
    async fn start(&self) -> String {
        async fn template(State(served): State<Served>, headers: HeaderMap) -> Response {
            served.calls.lock().unwrap().push(headers);
            let (status, body) = served.answer.lock().unwrap().clone();
            (Status::from_u16(status).unwrap(), body).into_response()
        }
        let routes = Router::new()
            .route(PATH, get(template))
            .with_state(self.clone());
        format!("{}/sar/", upstream(routes).await)
    }

    fn serves(&self, content: &[u8]) {
        *self.answer.lock().unwrap() = (200, content.to_owned());
    }

    fn answers(&self, status: u16) {
        *self.answer.lock().unwrap() = (status, b"x".to_vec());
    }

    fn calls(&self) -> Vec<HeaderMap> {
        self.calls.lock().unwrap().clone()
    }
}

/// A Dossier with the service `alpha`, which serves its own template.
struct Site {
    dossier: Dossier,
    served: Served,
    path: String,
}

impl Site {
    async fn start() -> Self {
        let (dossier, served) = (Dossier::start().await, Served::default());
        let url = served.start().await;
        let id = dossier.add_service_with("alpha", &url, true).await;
        let path = format!("/api/templates/service/{id}");
        Self {
            dossier,
            served,
            path,
        }
    }

    async fn register(&self, content: &[u8]) -> Value {
        let registrar = self.dossier.registrar();
        registrar.post_file(&self.path, content).await.json
    }

    /// Looks, and answers how the template of `alpha` is then.
    async fn seen(&self) -> Value {
        let look = self.dossier.template_watch(eager()).look().await;
        assert_eq!((look.asked, look.failed), (1, 0));
        self.shown().await
    }

    async fn shown(&self) -> Value {
        let all = self.dossier.registrar().get("/api/templates/health").await;
        assert_eq!(all.json[0]["serviceName"], "alpha", "{all:?}");
        all.json[0].clone()
    }

    async fn alerts(&self) -> Vec<AlertChange> {
        let look = self.dossier.template_watch(strict()).look().await;
        look.alerts.into_iter().map(|(_, change)| change).collect()
    }
}

#[tokio::test]
async fn what_a_service_serves_is_compared_with_what_is_registered() {
    let site = Site::start().await;
    let all = site.dossier.registrar().get("/api/templates/health").await;
    assert_eq!(all.json, json!([]), "nobody has asked so far");
    site.served.serves(b"x");
    assert_eq!(site.seen().await["status"], "NOT_REGISTERED");
    let registered = site.register(b"x").await;
    let shown = site.seen().await;
    let expected = json!({
        "serviceId": registered["serviceId"], "serviceName": "alpha", "status": "UP_TO_DATE",
        "servedSha256": registered["fileHash"], "version": 1,
        "since": shown["since"], "checkedAt": shown["checkedAt"],
    });
    assert_eq!(shown, expected);
    for (status, word) in [
        (404, "NONE"),
        (500, "UNREACHABLE"),
        (401, "UNREACHABLE"),
        (204, "UNREACHABLE"),
    ] {
        site.served.answers(status);
        let shown = site.seen().await;
        assert_eq!(shown["status"], word, "{status}");
        assert_eq!(shown["servedSha256"], Value::Null);
        assert_eq!(shown["version"], Value::Null);
    }
}

#[tokio::test]
async fn a_pending_version_that_is_seen_served_stays_good_when_the_next_one_is_registered() {
    let site = Site::start().await;
    site.register(b"x").await;
    site.served.serves(b"x");
    assert_eq!(site.seen().await["version"], 1);
    let versions = async || site.dossier.registrar().get(&site.path).await.json;
    let shown = versions().await;
    assert_eq!(shown[0]["status"], "PUBLISHED", "{shown}");
    // Registered before it is deployed, as it should be.
    assert_eq!(site.register(b"y").await["version"], 2);
    let seen = site.seen().await;
    assert_eq!(
        (&seen["status"], &seen["version"]),
        (&json!("UP_TO_DATE"), &json!(1))
    );
    site.served.serves(b"y");
    let seen = site.seen().await;
    assert_eq!(
        (&seen["status"], &seen["version"]),
        (&json!("UP_TO_DATE"), &json!(2))
    );
    let statuses: Vec<Value> = versions()
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["status"].clone())
        .collect();
    assert_eq!(statuses, ["PUBLISHED", "PUBLISHED"]);
}

#[tokio::test]
async fn health_shows_the_template_of_each_service_that_has_one() {
    let site = Site::start().await;
    site.dossier.add_service("beta", "http://127.0.0.1:9").await;
    site.served.serves(b"x");
    let mut shown = site.seen().await;
    let health = site.dossier.anonymous().get("/health").await;
    assert_eq!(health.status, reqwest::StatusCode::OK);
    let services = &health.json["services"];
    let fields = shown.as_object_mut().unwrap();
    fields.remove("serviceId");
    fields.remove("serviceName");
    assert_eq!(services["alpha"]["template"], shown);
    assert_eq!(services["beta"]["template"], Value::Null);
    // Not as it was when services were last asked for their health.
    site.served.answers(404);
    site.seen().await;
    let health = site.dossier.anonymous().get("/health").await;
    assert_eq!(
        health.json["services"]["alpha"]["template"]["status"],
        "NONE"
    );
}

#[tokio::test]
async fn a_template_that_is_too_large_is_not_registered() {
    let site = Site::start().await;
    let rules = TemplateWatchRules {
        bytes_max: 8,
        ..eager()
    };
    site.register(b"12345678").await;
    for (content, word) in [
        (&b"12345678"[..], "UP_TO_DATE"),
        (&b"123456789"[..], "NOT_REGISTERED"),
    ] {
        site.served.serves(content);
        site.dossier.template_watch(rules).look().await;
        assert_eq!(site.shown().await["status"], word);
    }
    assert_eq!(site.shown().await["servedSha256"], Value::Null);
}

#[tokio::test]
async fn a_service_that_is_away_slow_or_elsewhere_is_unreachable() {
    let dossier = Dossier::start().await;
    let mute = async || std::future::pending::<()>().await;
    let mute = upstream(Router::new().route(PATH, get(mute))).await;
    let elsewhere = upstream(Router::new().route("/elsewhere", get(async || "x"))).await;
    let target = format!("{elsewhere}/elsewhere");
    let redirect = async move || Redirect::temporary(&target);
    let redirects = upstream(Router::new().route(PATH, get(redirect))).await;
    for (name, url) in [
        ("away", "http://127.0.0.1:9"),
        ("mute", &format!("{mute}/sar")),
        ("redirects", &format!("{redirects}/sar")),
    ] {
        dossier.add_service_with(name, url, true).await;
    }
    let rules = TemplateWatchRules {
        answer_max: Duration::from_millis(100),
        ..eager()
    };
    let look = dossier.template_watch(rules).look().await;
    assert_eq!(look.asked, 3);
    let all = dossier.support().get("/api/templates/health").await.json;
    let all = all.as_array().unwrap();
    let names: Vec<_> = all.iter().map(|one| &one["serviceName"]).collect();
    assert_eq!(names, ["away", "mute", "redirects"]);
    assert!(
        all.iter().all(|one| one["status"] == "UNREACHABLE"),
        "{all:?}"
    );
}

#[tokio::test]
async fn an_alert_is_raised_and_ended_once() {
    let site = Site::start().await;
    site.served.serves(b"x");
    assert_eq!(site.seen().await["status"], "NOT_REGISTERED");
    let since =
        |shown: &Value| -> jiff::Timestamp { shown["since"].as_str().unwrap().parse().unwrap() };
    let before = since(&site.shown().await);
    assert_eq!(site.alerts().await, [AlertChange::Began]);
    assert_eq!(site.alerts().await, []);
    let shown = site.shown().await;
    assert_eq!(shown["status"], "ALERT");
    assert!(since(&shown) >= before);
    site.served.answers(503);
    assert_eq!(site.alerts().await, []);
    assert_eq!(site.shown().await["status"], "ALERT");
    site.served.serves(b"x");
    site.register(b"x").await;
    assert_eq!(site.alerts().await, [AlertChange::Ended]);
    assert_eq!(site.alerts().await, []);
    assert_eq!(site.shown().await["status"], "UP_TO_DATE");
}

#[tokio::test]
async fn a_service_that_is_no_longer_asked_ends_its_alert() {
    let site = Site::start().await;
    site.served.serves(b"x");
    assert_eq!(site.alerts().await, [AlertChange::Began]);
    let body = json!({
        "name": "alpha", "label": "A", "url": "http://127.0.0.1:9", "category": "PRISON",
        "templateMigrated": false,
    });
    let path = site.path.replace("templates/service", "services");
    site.dossier.admin().put(&path, &body).await;
    let look = site.dossier.template_watch(strict()).look().await;
    let alpha: ServiceName = "alpha".parse().unwrap();
    let expected = TemplateLook {
        alerts: vec![(alpha, AlertChange::Ended)],
        ..TemplateLook::default()
    };
    assert_eq!(look, expected);
}

#[tokio::test]
async fn many_processes_ask_once_and_alert_once() {
    let site = Site::start().await;
    site.served.serves(b"x");
    let rules = TemplateWatchRules {
        every: Duration::from_secs(60),
        ..strict()
    };
    let looks = (0..8).map(|_| site.dossier.template_watch(rules));
    let looks: Vec<_> = looks.collect();
    let looked = join_all(looks.iter().map(TemplateWatch::look)).await;
    assert_eq!(looked.iter().map(|look| look.asked).sum::<u64>(), 1);
    let alerts: usize = looked.iter().map(|look| look.alerts.len()).sum();
    assert_eq!(alerts, 1);
    assert_eq!(site.served.calls().len(), 1);
}

#[tokio::test]
async fn the_token_for_services_is_sent_if_there_is_one() {
    let site = Site::start().await;
    site.served.serves(b"x");
    site.seen().await;
    for token in [Some(HeaderValue::from_static("Bearer sesame")), None] {
        let token = Arc::new(move || {
            let token = token.clone();
            async move { Ok(token) }.boxed()
        });
        let watch = site.dossier.template_watch(eager()).with_bearer(token);
        watch.look().await;
    }
    let calls = site.served.calls();
    let sent: Vec<_> = calls
        .iter()
        .map(|headers| headers.get("authorization"))
        .collect();
    let sesame = HeaderValue::from_static("Bearer sesame");
    assert_eq!(sent, [None, Some(&sesame), None]);
}

#[tokio::test]
async fn a_watch_looks_until_it_is_told_to_stop() {
    let site = Site::start().await;
    site.served.serves(b"x");
    let rules = TemplateWatchRules {
        every: Duration::from_millis(20),
        ..eager()
    };
    let stop = CancellationToken::new();
    let watch = site.dossier.template_watch(rules);
    let running = tokio::spawn(watch.run(stop.clone()));
    let mut tries = 0;
    while site.served.calls().len() < 3 {
        tries += 1;
        assert!(tries < 500, "it did not look again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), running)
        .await
        .unwrap()
        .unwrap();
}
