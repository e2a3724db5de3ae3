//! A whole API on a port of its own, and a client a role.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dossier_api::{
    Api, ApiConfig, Authenticator, Housekeeper, HousekeepingRules, ReferenceConfig, ReferenceRules,
    Role, StaticToken, TemplateWatch, TemplateWatchRules,
};
use dossier_core::document::{report_document_id, section_document_id};
use dossier_core::lease::LeaseRules;
use dossier_core::{DocumentId, LeaseToken};
use dossier_documents::{DocumentStore, FolderStore};
use dossier_store::{SqliteStore, Store};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What services that want the token see.
pub const SERVICE_BEARER: &str = "Bearer token-for-services";

/// A running API.
pub struct Dossier {
    pub url: String,
    pub api: Api,
    pub store: Arc<dyn Store>,
    pub documents: Arc<dyn DocumentStore>,
    pub lease_rules: LeaseRules,
    pub shutdown: CancellationToken,
    pub serving: JoinHandle<Result<(), std::io::Error>>,
    http: reqwest::Client,
    folder: TempDir,
}

impl Dossier {
    pub async fn start() -> Self {
        Self::start_with(ApiConfig::default()).await
    }

    pub async fn start_with(config: ApiConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("dossier.db"))
            .await
            .unwrap();
        Self::start_on(Arc::new(store), folder, config).await
    }

    pub async fn start_on(store: Arc<dyn Store>, folder: TempDir, config: ApiConfig) -> Self {
        Self::start_as(store, folder, config, |api| api).await
    }

    /// An API with these sources of reference data, and a token for services. Nobody loads lists:
    /// `api.reference_keeper()` does.
    pub async fn start_with_sources(sources: Value, rules: ReferenceRules) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("dossier.db"));
        let store = Arc::new(store.await.unwrap());
        let config: ReferenceConfig =
            serde_json::from_value(json!({ "sources": sources })).unwrap();
        let sources = config.sources().unwrap();
        Self::start_as(store, folder, ApiConfig::default(), |api| {
            let bearer = reqwest::header::HeaderValue::from_static(SERVICE_BEARER);
            api.with_reference(sources, rules)
                .with_bearer(Arc::new(move || {
                    let bearer = bearer.clone();
                    Box::pin(async move { Ok(Some(bearer)) })
                }))
        })
        .await
    }

    async fn start_as(
        store: Arc<dyn Store>,
        folder: TempDir,
        config: ApiConfig,
        with: impl FnOnce(Api) -> Api,
    ) -> Self {
        let documents: Arc<dyn DocumentStore> = Arc::new(
            FolderStore::open(folder.path().join("documents"))
                .await
                .unwrap(),
        );
        let authenticator = Authenticator::of_static_tokens([
            StaticToken::new("ursula", "user-token", [Role::UserAccess]),
            StaticToken::new("walter", "worker-token", [Role::DataAccess]),
            StaticToken::new("sophie", "support-token", [Role::Support]),
            StaticToken::new("adam", "admin-token", [Role::AdminAccess]),
            StaticToken::new("tess", "template-token", [Role::RegisterTemplate]),
        ]);
        let shutdown = CancellationToken::new();
        let lease_rules = config.lease_rules;
        let http = http_client();
        let api = Api::new(
            Arc::clone(&store),
            Arc::clone(&documents),
            authenticator,
            http.clone(),
            config,
        );
        let api = with(api);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(dossier_api::serve(listener, api.clone(), shutdown.clone()));
        Self {
            url,
            api,
            store,
            documents,
            lease_rules,
            shutdown,
            serving,
            http,
            folder,
        }
    }

    /// An API with two services: `alpha` and `beta`.
    pub async fn start_with_services() -> Self {
        let dossier = Self::start().await;
        dossier.add_services().await;
        dossier
    }

    pub async fn add_services(&self) {
        for name in ["alpha", "beta"] {
            self.add_service(name, "http://127.0.0.1:9").await;
        }
    }

    pub async fn add_service(&self, name: &str, url: &str) -> String {
        self.add_service_with(name, url, false).await
    }

    pub async fn add_service_with(&self, name: &str, url: &str, template: bool) -> String {
        let body = json!({
            "name": name, "label": format!("Label of {name}"), "url": url, "category": "PRISON",
            "templateMigrated": template,
        });
        let answer = self.admin().post("/api/services", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.json["id"].as_str().unwrap().to_owned()
    }

    fn client(&self, token: Option<&'static str>) -> Client {
        Client {
            http: self.http.clone(),
            url: self.url.clone(),
            token,
        }
    }

    pub fn anonymous(&self) -> Client {
        self.client(None)
    }

    pub fn user(&self) -> Client {
        self.client(Some("user-token"))
    }

    pub fn worker(&self) -> Client {
        self.client(Some("worker-token"))
    }

    pub fn support(&self) -> Client {
        self.client(Some("support-token"))
    }

    pub fn admin(&self) -> Client {
        self.client(Some("admin-token"))
    }

    pub fn registrar(&self) -> Client {
        self.client(Some("template-token"))
    }

    pub fn bearer(&self, token: &'static str) -> Client {
        self.client(Some(token))
    }

    /// Makes a request to `alpha`; answers its identifier.
    pub async fn request(&self) -> String {
        self.request_of(&request_body()).await
    }

    pub async fn request_of(&self, body: &Value) -> String {
        let answer = self.user().post("/api/subjectAccessRequest", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.text
    }

    pub async fn shown(&self, id: &str) -> Value {
        let path = format!("/api/subjectAccessRequest/{id}");
        self.user().get(&path).await.json
    }

    /// Claims the request; answers the token.
    pub async fn claim(&self, id: &str) -> LeaseToken {
        let path = format!("/api/subjectAccessRequests/{id}/claim");
        let answer = self.worker().patch(&path, &json!({})).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json["leaseToken"].as_str().unwrap().parse().unwrap()
    }

    /// Stores a document, as a worker would; answers what describes it.
    pub async fn put(&self, id: DocumentId, content: &[u8]) -> Value {
        let file = self.scratch(content);
        let kept = self.documents.put(id, &file).await.unwrap();
        json!({"documentId": id, "bytes": kept.bytes, "sha256": kept.sha256})
    }

    fn scratch(&self, content: &[u8]) -> PathBuf {
        let file = self.folder.path().join("scratch");
        std::fs::write(&file, content).unwrap();
        file
    }

    /// Collects `alpha`'s section with an answer that is kept; answers the kept document.
    pub async fn collect(&self, id: &str, token: LeaseToken) -> DocumentId {
        let document = section_document_id(token, &"alpha".parse().unwrap());
        let kept = self.put(document, b"{\"content\": 1}").await;
        let body = json!({
            "leaseToken": token, "renderStatus": "COMPLETE", "held": "DATA", "kept": kept,
            "templateVersion": "generic", "tries": 1,
        });
        let path = format!("/api/subjectAccessRequests/{id}/services/alpha");
        let answer = self.worker().patch(&path, &body).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        document
    }

    pub async fn complete(&self, id: &str, token: LeaseToken, content: &[u8]) -> Answer {
        let mut body = self.put(report_document_id(token), content).await;
        body["leaseToken"] = json!(token);
        body["pages"] = json!(3);
        let path = format!("/api/subjectAccessRequests/{id}/complete");
        self.worker().patch(&path, &body).await
    }

    /// A completed request with this report.
    pub async fn completed(&self, content: &[u8]) -> String {
        self.completed_of(&request_body(), content).await
    }

    pub async fn completed_of(&self, body: &Value, content: &[u8]) -> String {
        let id = self.request_of(body).await;
        let token = self.claim(&id).await;
        self.collect(&id, token).await;
        let answer = self.complete(&id, token, content).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        id
    }

    /// Watches the services' templates, without a token.
    pub fn template_watch(&self, rules: TemplateWatchRules) -> TemplateWatch {
        TemplateWatch::new(Arc::clone(&self.store), self.http.clone(), rules)
    }

    pub fn housekeeper(&self, rules: HousekeepingRules) -> Housekeeper {
        let (store, documents) = (Arc::clone(&self.store), Arc::clone(&self.documents));
        Housekeeper::new(store, documents, self.lease_rules, rules)
    }

    /// The database's file.
    pub fn database_file(&self) -> PathBuf {
        self.folder.path().join("dossier.db")
    }

    /// Puts a file where the documents' folder is.
    pub fn lose_documents(&self) {
        let root = self.folder.path().join("documents");
        std::fs::remove_dir_all(&root).unwrap();
        std::fs::write(root, b"").unwrap();
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

/// A client that trusts nobody: reading the system's certificates would take longer than most tests.
fn http_client() -> reqwest::Client {
    // The second of two tests finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap()
}

/// What asks for a request that can be made.
pub fn request_body() -> Value {
    json!({
        "dateFrom": "2020-01-01", "dateTo": "2024-12-31", "sarCaseReferenceNumber": "SAR-42",
        "services": ["alpha"], "nomisId": "A1234AA",
    })
}

/// Calls the API with one token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<&'static str>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self {
            status,
            headers,
            text,
            json,
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is a problem of that kind.
    #[track_caller]
    pub fn is_problem(&self, status: u16, word: &str) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        assert_eq!(
            self.json["type"],
            format!("urn:dossier:problem:{word}"),
            "{self:?}"
        );
        assert_eq!(self.json["status"], status, "{self:?}");
        assert!(self.json["title"].is_string(), "{self:?}");
        assert_eq!(
            self.json["requestId"],
            self.header("x-request-id"),
            "{self:?}"
        );
        self
    }

    /// The fields that a problem names.
    pub fn fields(&self) -> Vec<&str> {
        let errors = self.json["errors"].as_array();
        let fields = errors
            .into_iter()
            .flatten()
            .map(|error| error["field"].as_str().unwrap());
        fields.collect()
    }
}

impl Client {
    pub fn call(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let call = self.http.request(method, format!("{}{path}", self.url));
        match self.token {
            Some(token) => call.bearer_auth(token),
            None => call,
        }
    }

    pub async fn send(&self, call: reqwest::RequestBuilder) -> Answer {
        Answer::of(call.timeout(Duration::from_secs(30)).send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.call(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.call(Method::POST, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.call(Method::PUT, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.call(Method::PATCH, path).json(body)).await
    }

    /// POSTs a form with the part `file`.
    pub async fn post_file(&self, path: &str, content: &[u8]) -> Answer {
        let file = Part::bytes(content.to_owned()).file_name("template.hbs");
        let form = Form::new().text("note", "ignored").part("file", file);
        self.send(self.call(Method::POST, path).multipart(form))
            .await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.call(Method::DELETE, path)).await
    }

    /// POST without a body.
    pub async fn post_bare(&self, path: &str) -> Answer {
        self.send(self.call(Method::POST, path)).await
    }

    /// PUT of a file.
    pub async fn put_file(&self, path: &str, media_type: &str, body: impl Into<String>) -> Answer {
        let call = self
            .call(Method::PUT, path)
            .header("content-type", media_type);
        self.send(call.body(body.into())).await
    }

    /// PATCH without a body.
    pub async fn patch_bare(&self, path: &str) -> Answer {
        self.send(self.call(Method::PATCH, path)).await
    }
}
