//! Looking at requests.

use std::time::Duration;

use dossier_api::api::ApiConfig;
use serde_json::{Value, json};

use crate::harness::{Answer, Dossier, request_body};

fn ids(list: &Value) -> Vec<&str> {
    let rows = list.as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_unknown_request_is_not_found_and_an_ill_formed_id_is_named() {
    let dossier = Dossier::start().await;
    let user = dossier.user();
    let unknown = user
        .get("/api/subjectAccessRequest/018f0000-0000-7000-8000-000000000000")
        .await;
    unknown.is_problem(404, "not-found");
    let ill_formed = user.get("/api/subjectAccessRequest/A1234AA").await;
    ill_formed.is_problem(400, "invalid-parameter");
    assert_eq!(ill_formed.fields(), ["id"]);
    assert!(!ill_formed.text.contains("A1234AA"));
}

#[tokio::test]
async fn lists_are_newest_first_and_paged_from_zero() {
    let dossier = Dossier::start_with_services().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.insert(0, dossier.request().await);
    }
    let user = dossier.user();
    let all = user.get("/api/subjectAccessRequests").await.json;
    assert_eq!(ids(&all), made);
    let second = user
        .get("/api/subjectAccessRequests?pageNumber=1&pageSize=2")
        .await
        .json;
    assert_eq!(ids(&second), made[2..]);
    let beyond = user
        .get("/api/subjectAccessRequests?pageNumber=9&pageSize=2")
        .await
        .json;
    assert_eq!(beyond, json!([]));
    assert_eq!(all[0], dossier.shown(&made[0]).await);
}

/// The path of the next page, as `Link` has it.
fn next(path: &str, answer: &Answer) -> Option<String> {
    let link = answer.headers.get("link")?.to_str().unwrap();
    let reference = link.strip_prefix("<?").unwrap();
    let reference = reference.strip_suffix(">; rel=\"next\"").unwrap();
    let (path, _) = path.split_once('?').unwrap();
    Some(format!("{path}?{reference}"))
}

#[tokio::test]
async fn every_list_links_to_its_next_page() {
    let dossier = Dossier::start_with(ApiConfig {
        overdue_after: Duration::from_millis(1),
        ..ApiConfig::default()
    })
    .await;
    dossier.add_services().await;
    for (caller, path, list) in [
        (
            dossier.user(),
            "/api/subjectAccessRequests?search=SAR%2d4&page%4eumber=0&pageSize=2&unclaimed=true",
            "",
        ),
        (
            dossier.admin(),
            "/api/admin/subjectAccessRequests?overdue=true&pageSize=2",
            "/requests",
        ),
    ] {
        let mut made = Vec::new();
        for _ in 0..6 {
            made.insert(0, dossier.request().await);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut path = path.to_owned();
        let mut paged = Vec::new();
        for _ in 0..3 {
            let answer = caller.get(&path).await;
            let page = answer.json.pointer(list).unwrap();
            paged.extend(ids(page).into_iter().map(str::to_owned));
            // What comes in meanwhile is on no later page.
            dossier.request().await;
            path = next(&path, &answer).unwrap();
        }
        assert_eq!(paged, made);
        assert!(path.contains("pageSize=2&") && !path.contains("pageNumber"));
    }
    let caller = dossier.user();
    let all = caller.get("/api/subjectAccessRequests").await;
    assert_eq!(all.headers.get("link"), None);
    let exactly_full = "/api/subjectAccessRequests?pageSize=18";
    let path = next(exactly_full, &caller.get(exactly_full).await).unwrap();
    let none = caller.get(&path).await;
    assert_eq!(none.json, json!([]));
    assert_eq!(none.headers.get("link"), None);
}

#[tokio::test]
async fn a_search_matches_any_part_in_any_case_and_is_counted() {
    let dossier = Dossier::start_with_services().await;
    let mut other = request_body();
    other["sarCaseReferenceNumber"] = json!("Other-7");
    other["nomisId"] = json!("B9999BB");
    let (first, second) = (dossier.request().await, dossier.request_of(&other).await);
    let user = dossier.user();
    for (search, expected) in [
        ("ar-4", vec![first.as_str()]),
        ("other", vec![second.as_str()]),
        ("b999", vec![second.as_str()]),
        ("%25", vec![]),
        ("", vec![second.as_str(), first.as_str()]),
        ("%20", vec![second.as_str(), first.as_str()]),
    ] {
        let list = user
            .get(&format!("/api/subjectAccessRequests?search={search}"))
            .await
            .json;
        assert_eq!(ids(&list), expected, "{search}");
        let total = user
            .get(&format!("/api/totalSubjectAccessRequests?search={search}"))
            .await
            .json;
        assert_eq!(total, expected.len(), "{search}");
    }
}

#[tokio::test]
async fn unclaimed_means_that_a_worker_may_claim_it() {
    let dossier = Dossier::start_with_services().await;
    let (claimed, free) = (dossier.request().await, dossier.request().await);
    dossier.claim(&claimed).await;
    let user = dossier.user();
    let unclaimed = user
        .get("/api/subjectAccessRequests?unclaimed=true")
        .await
        .json;
    assert_eq!(ids(&unclaimed), [free.as_str()]);
    for all in ["unclaimed=false", "unclaimed="] {
        let list = user
            .get(&format!("/api/subjectAccessRequests?{all}"))
            .await
            .json;
        assert_eq!(ids(&list).len(), 2, "{all}");
    }
}

#[tokio::test]
async fn a_parameter_of_the_wrong_form_is_named_and_not_repeated() {
    let dossier = Dossier::start().await;
    for (query, field) in [
        ("pageNumber=secret", "pageNumber"),
        ("pageNumber=-1", "pageNumber"),
        ("pageSize=0", "pageSize"),
        ("pageSize=501", "pageSize"),
        ("after=secret", "after"),
        ("after=1.secret", "after"),
        (
            "after=1.00000000-0000-0000-0000-000000000000&pageNumber=0",
            "after",
        ),
        ("unclaimed=secret", "unclaimed"),
    ] {
        let path = format!("/api/subjectAccessRequests?{query}");
        let answer = dossier.user().get(&path).await;
        answer.is_problem(400, "invalid-parameter");
        assert_eq!(answer.fields(), [field]);
        assert!(!answer.text.contains("secret"));
    }
    let twice = dossier
        .user()
        .get("/api/subjectAccessRequests?search=a&search=b")
        .await;
    twice.is_problem(400, "invalid-parameter");
}
