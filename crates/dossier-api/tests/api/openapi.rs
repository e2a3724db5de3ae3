//! The description and its pages.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::Dossier;
use crate::roles::ROUTES;

const PUBLIC: [&str; 4] = ["/health", "/health/liveness", "/health/readiness", "/info"];

async fn description(dossier: &Dossier) -> Value {
    let answer = dossier.anonymous().get("/api-docs/openapi.json").await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json
}

fn operations(description: &Value) -> Vec<(String, String, &Value)> {
    let paths = description["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap().iter();
        item.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    });
    operations.collect()
}

#[tokio::test]
async fn it_is_openapi_3_1_and_holds_every_route_and_no_other() {
    let dossier = Dossier::start().await;
    let description = description(&dossier).await;
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    let described: BTreeSet<_> = operations(&description)
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    let routes = ROUTES.iter().map(|(method, path, _)| (*method, *path));
    let expected: BTreeSet<_> = routes
        .chain(PUBLIC.map(|path| ("GET", path)))
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .collect();
    assert_eq!(described, expected);
}

#[tokio::test]
async fn every_operation_says_what_it_does_who_may_call_it_and_how_it_fails() {
    let dossier = Dossier::start().await;
    let description = description(&dossier).await;
    let scheme = &description["components"]["securitySchemes"]["bearer"];
    assert_eq!(
        (&scheme["type"], &scheme["scheme"]),
        (&"http".into(), &"bearer".into())
    );
    for (method, path, operation) in operations(&description) {
        assert!(
            operation["summary"].as_str().is_some_and(|s| !s.is_empty()),
            "{method} {path}"
        );
        let responses = operation["responses"].as_object().unwrap();
        for (status, response) in responses {
            assert!(
                response["description"].is_string(),
                "{method} {path} {status}"
            );
        }
        if PUBLIC.contains(&path.as_str()) {
            assert_eq!(operation["security"], Value::Null, "{path}");
            continue;
        }
        assert!(
            operation["security"][0]["bearer"].is_array(),
            "{method} {path}"
        );
        let mut expected = vec!["401", "403", "500", "503"];
        if path.contains("{id}") {
            expected.push("404");
        }
        if operation["requestBody"].is_object() {
            expected.extend(["400", "408", "413", "415"]);
        }
        for status in expected {
            let content = &responses[status]["content"]["application/problem+json"];
            let schema = &content["schema"]["$ref"];
            assert_eq!(
                schema, "#/components/schemas/Problem",
                "{method} {path} {status}"
            );
        }
    }
}

#[tokio::test]
async fn every_schema_that_is_named_is_there() {
    let dossier = Dossier::start().await;
    let description = description(&dossier).await;
    let text = description.to_string();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let named = text.split("#/components/schemas/").skip(1);
    let mut count = 0;
    for name in named.map(|rest| rest.split('"').next().unwrap()) {
        assert!(schemas.contains_key(name), "{name}");
        count += 1;
    }
    assert!(count > 40);
}

#[tokio::test]
async fn every_kind_of_problem_is_listed() {
    let dossier = Dossier::start().await;
    let description = description(&dossier).await;
    let text = description["info"]["description"].as_str().unwrap();
    for kind in dossier_api::problem::Kind::ALL {
        assert!(text.contains(kind.uri()), "{kind:?}");
    }
}

#[tokio::test]
async fn the_pages_are_part_of_the_program() {
    let dossier = Dossier::start().await;
    let anonymous = dossier.anonymous();
    let redirect = anonymous.get("/swagger-ui").await;
    assert_eq!(redirect.header("location"), "/swagger-ui/");
    let page = anonymous.get("/swagger-ui/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        !page.text.contains("https://"),
        "nothing is loaded from elsewhere"
    );
    let script = anonymous.get("/swagger-ui/swagger-ui-bundle.js").await;
    assert_eq!(script.status, StatusCode::OK);
    let start = anonymous.get("/swagger-ui/swagger-initializer.js").await;
    assert!(start.text.contains("/api-docs/openapi.json"));
    let missing = anonymous.get("/swagger-ui/missing.js").await;
    missing.is_problem(404, "not-found");
}
