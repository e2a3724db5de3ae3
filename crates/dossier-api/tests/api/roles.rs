//! Who may do what.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Client, Dossier};

const ID: &str = "018f0000-0000-7000-8000-000000000000";

/// Every route under `/api`, and who may call it: `u`ser, `w`orker, `s`upport, `a`dmin,
/// `t`emplates (the table of api.md).
pub const ROUTES: [(&str, &str, &str); 39] = [
    ("POST", "/api/subjectAccessRequest", "uw"),
    ("GET", "/api/subjectAccessRequest/{id}", "uw"),
    ("GET", "/api/subjectAccessRequests", "uw"),
    ("GET", "/api/totalSubjectAccessRequests", "uw"),
    ("GET", "/api/report", "uw"),
    ("POST", "/api/claims", "w"),
    ("POST", "/api/renewals", "w"),
    ("POST", "/api/completions", "w"),
    ("PATCH", "/api/subjectAccessRequests/{id}/claim", "w"),
    ("PATCH", "/api/subjectAccessRequests/{id}/lease", "w"),
    ("PATCH", "/api/subjectAccessRequests/{id}/release", "w"),
    (
        "PATCH",
        "/api/subjectAccessRequests/{id}/services/{name}",
        "w",
    ),
    ("PATCH", "/api/subjectAccessRequests/{id}/complete", "w"),
    ("GET", "/api/subjectAccessRequests/overdue", "s"),
    ("GET", "/api/subjectAccessRequests/summary", "s"),
    ("POST", "/api/subjectAccessRequests/{id}/duplicate", "s"),
    ("GET", "/api/admin/subjectAccessRequests", "a"),
    (
        "PATCH",
        "/api/admin/subjectAccessRequests/{id}/restart",
        "a",
    ),
    ("PATCH", "/api/admin/subjectAccessRequests/{id}/cancel", "a"),
    ("GET", "/api/admin/archivedSubjectAccessRequests", "a"),
    ("GET", "/api/services", "uwsat"),
    ("GET", "/api/services/{id}", "uwsat"),
    ("POST", "/api/services", "sa"),
    ("PUT", "/api/services/{id}", "sa"),
    ("PATCH", "/api/services/{id}/suspend", "sa"),
    ("GET", "/api/services/{id}/schema", "uwsat"),
    ("PUT", "/api/services/{id}/schema", "st"),
    ("DELETE", "/api/services/{id}/schema", "st"),
    ("GET", "/api/templates/service/{id}", "st"),
    ("POST", "/api/templates/service/{id}", "st"),
    ("GET", "/api/templates/service/{id}/{version}", "st"),
    ("POST", "/api/templates/validate", "st"),
    ("GET", "/api/templates/health", "st"),
    (
        "POST",
        "/api/subjectAccessRequests/{id}/services/{name}/template",
        "w",
    ),
    ("GET", "/api/reference", "uwsat"),
    ("PUT", "/api/reference/{kind}", "sa"),
    ("DELETE", "/api/reference/{kind}", "sa"),
    ("POST", "/api/reference/{source}/refresh", "sa"),
    ("POST", "/api/reference/lookup", "w"),
];

fn concrete(path: &str) -> String {
    path.replace("{id}", ID)
        .replace("{name}", "alpha")
        .replace("{version}", "1")
        .replace("{kind}", "prisons")
        .replace("{source}", "register")
}

#[tokio::test]
async fn every_route_is_for_the_roles_of_its_row() {
    let dossier = Dossier::start().await;
    let clients: [(char, Client); 5] = [
        ('u', dossier.user()),
        ('w', dossier.worker()),
        ('s', dossier.support()),
        ('a', dossier.admin()),
        ('t', dossier.bearer("template-token")),
    ];
    for (method, path, allowed) in ROUTES {
        for (letter, client) in &clients {
            let method: Method = method.parse().unwrap();
            let call = client
                .call(method.clone(), &concrete(path))
                .json(&json!("x"));
            let answer = client.send(call).await;
            if allowed.contains(*letter) {
                let passed =
                    ![StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED].contains(&answer.status);
                assert!(passed, "{method} {path} {letter} {answer:?}");
            } else {
                answer.is_problem(403, "forbidden");
                let challenge = answer.header("www-authenticate");
                assert!(challenge.contains("insufficient_scope"), "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_answered_or_read() {
    let dossier = Dossier::start().await;
    let (anonymous, wrong) = (dossier.anonymous(), dossier.bearer("wrong"));
    for (method, path, _) in ROUTES {
        let method: Method = method.parse().unwrap();
        for (client, challenge) in [
            (&anonymous, "Bearer realm=\"dossier\""),
            (&wrong, "Bearer realm=\"dossier\", error=\"invalid_token\""),
        ] {
            let call = client
                .call(method.clone(), &concrete(path))
                .body("not JSON");
            let answer = client.send(call).await;
            answer.is_problem(401, "unauthenticated");
            assert_eq!(answer.header("www-authenticate"), challenge);
        }
    }
}

#[tokio::test]
async fn the_scheme_is_read_in_any_case_and_must_be_bearer() {
    let dossier = Dossier::start().await;
    let anonymous = dossier.anonymous();
    for (value, expected) in [
        ("bearer user-token", StatusCode::OK),
        ("BEARER  user-token", StatusCode::OK),
        ("Basic user-token", StatusCode::UNAUTHORIZED),
        ("Bearer", StatusCode::UNAUTHORIZED),
        ("Bearer user-token-and-more", StatusCode::UNAUTHORIZED),
    ] {
        let call = anonymous
            .call(Method::GET, "/api/services")
            .header("authorization", value);
        assert_eq!(anonymous.send(call).await.status, expected, "{value}");
    }
}
