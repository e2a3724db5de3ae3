//! Names behind codes: importing them and looking them up.

use std::time::{Duration, Instant};

use dossier_api::{HousekeepingRules, ReferenceRules};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::harness::{Client, Dossier};

async fn looked_up(client: &Client, wanted: Value) -> Value {
    let answer = client.post("/api/reference/lookup", &wanted).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json
}

fn names(kind: &str, names: Value) -> Value {
    let mut all = json!({
        "prisons": {}, "users": {}, "locationsByDpsId": {}, "locationsByNomisId": {},
    });
    all[kind] = names;
    all
}

#[tokio::test]
async fn imported_names_are_looked_up_kind_by_kind_and_unknown_codes_are_absent() {
    let dossier = Dossier::start().await;
    let support = dossier.support();
    let answer = support
        .put(
            "/api/reference/prisons",
            &json!({"MDI": "Moorland", "LEI": "Leeds"}),
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json, json!({"kind": "prisons", "entries": 2}));
    let users = "code,name\nADA_GEN,Lovelace\n";
    let answer = support
        .put_file("/api/reference/users", "text/csv; charset=utf-8", users)
        .await;
    assert_eq!(answer.json["entries"], 1, "{answer:?}");
    let list = json!([{"code": 4711, "name": "A wing"}]);
    let answer = support
        .put("/api/reference/locationsByNomisId", &list)
        .await;
    assert_eq!(answer.json["entries"], 1, "{answer:?}");

    let wanted = json!({
        "prisons": ["MDI", "MDI", "XXX", "", " MDI", "mdi"], "users": ["ADA_GEN", "MDI"],
        "locationsByNomisId": ["4711"],
    });
    let expected = json!({
        "prisons": {"MDI": "Moorland"}, "users": {"ADA_GEN": "Lovelace"},
        "locationsByDpsId": {}, "locationsByNomisId": {"4711": "A wing"},
    });
    assert_eq!(looked_up(&dossier.worker(), wanted).await, expected);
    assert_eq!(
        looked_up(&dossier.worker(), json!({})).await,
        names("users", json!({}))
    );
}

#[tokio::test]
async fn an_import_replaces_the_one_before_and_can_be_removed() {
    let dossier = Dossier::start().await;
    let (admin, worker) = (dossier.admin(), dossier.worker());
    let path = "/api/reference/prisons";
    admin
        .put(path, &json!({"MDI": "Moorland", "LEI": "Leeds"}))
        .await;
    admin.put(path, &json!({"LEI": "Leeds 2"})).await;
    let wanted = json!({"prisons": ["MDI", "LEI"]});
    let expected = names("prisons", json!({"LEI": "Leeds 2"}));
    assert_eq!(looked_up(&worker, wanted.clone()).await, expected);
    // What is refused changes nothing.
    admin
        .put(path, &json!({"MDI": ""}))
        .await
        .is_problem(400, "invalid-body");
    assert_eq!(looked_up(&worker, wanted.clone()).await, expected);

    let listed = dossier.user().get("/api/reference").await.json;
    let view = &listed[0];
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &view["source"],
            &view["kind"],
            &view["entries"],
            &view["inUse"],
            &view["onDemand"]
        ),
        (
            &json!("import"),
            &json!("prisons"),
            &json!(1),
            &json!(true),
            &json!(false)
        )
    );
    assert!(view["refreshedAt"].is_string() && view["next"].is_null());

    assert_eq!(admin.delete(path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        looked_up(&worker, wanted).await,
        names("prisons", json!({}))
    );
    admin.delete(path).await.is_problem(404, "not-found");
    assert_eq!(dossier.user().get("/api/reference").await.json, json!([]));
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_by_its_place() {
    let dossier = Dossier::start().await;
    let admin = dossier.admin();
    for (media_type, body, place) in [
        ("text/csv", "code,name\nSecret\n", "line 2"),
        ("text/csv", "MDI,Secret\n", "line 1"),
        (
            "application/json",
            "{\"MDI\":\n {\"Secret\": 1}}",
            "line 2, column 2",
        ),
        ("application/json", "{\"Secret\"", "line 1, column 9"),
    ] {
        let answer = admin
            .put_file("/api/reference/prisons", media_type, body)
            .await;
        answer.is_problem(400, "invalid-body");
        let detail = answer.json["detail"].as_str().unwrap();
        assert!(detail.contains(place), "{detail}");
        assert!(!answer.text.contains("Secret"), "{answer:?}");
    }
    let answer = admin
        .put_file("/api/reference/prisons", "text/plain", "code,name\n")
        .await;
    answer.is_problem(415, "unsupported-media-type");
    let answer = admin
        .put("/api/reference/castles", &json!({"a": "b"}))
        .await;
    answer.is_problem(404, "not-found");
    assert!(
        answer.json["detail"]
            .as_str()
            .unwrap()
            .contains("locationsByDpsId")
    );
}

#[tokio::test]
async fn an_import_has_a_limit_of_its_own() {
    let rules = ReferenceRules {
        import_bytes_max: 2 * 1024 * 1024,
        ..ReferenceRules::default()
    };
    let dossier = Dossier::start_with_sources(json!({}), rules).await;
    let rows = |count: usize| {
        let rows = (0..count).map(|n| format!("{n},{}\n", "x".repeat(90)));
        format!("code,name\n{}", rows.collect::<String>())
    };
    let admin = dossier.admin();
    let path = "/api/reference/users";
    let answer = admin.put_file(path, "text/csv", rows(15_000)).await;
    assert_eq!(answer.json["entries"], 15_000, "{answer:?}");
    let answer = admin.put_file(path, "text/csv", rows(30_000)).await;
    answer.is_problem(413, "body-too-large");
    // The same without a length that is said before.
    let chunks = rows(30_000).into_bytes();
    let chunks: Vec<_> = chunks.chunks(60_000).map(<[u8]>::to_vec).collect();
    let chunks = futures::stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>));
    let call = admin
        .call(reqwest::Method::PUT, path)
        .header("content-type", "text/csv")
        .body(reqwest::Body::wrap_stream(chunks));
    admin.send(call).await.is_problem(413, "body-too-large");
}

#[tokio::test]
async fn ten_thousand_codes_can_be_looked_up_at_once_and_no_more() {
    let dossier = Dossier::start().await;
    let code = |n: usize| format!("{n:0>255}");
    let some: serde_json::Map<String, Value> =
        (0..100).map(|n| (code(n), json!(n.to_string()))).collect();
    dossier
        .admin()
        .put("/api/reference/users", &json!(some))
        .await;
    let codes: Vec<String> = (0..10_000).map(code).collect();
    let found = looked_up(&dossier.worker(), json!({ "users": codes })).await;
    assert_eq!(found["users"].as_object().unwrap().len(), 100);
    let wanted = json!({"users": codes, "prisons": ["MDI"]});
    let refused = dossier
        .worker()
        .post("/api/reference/lookup", &wanted)
        .await;
    refused.is_problem(400, "validation-failed");
    let misspelt = json!({"prison": ["MDI"]});
    let refused = dossier
        .worker()
        .post("/api/reference/lookup", &misspelt)
        .await;
    refused.is_problem(400, "invalid-body");
    assert_eq!(refused.fields(), ["prison"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_made_while_a_large_file_is_imported() {
    let dossier = Dossier::start_with_services().await;
    // Codes in no order: that is how the files of others come.
    let codes = (0..500_000_u64).map(|n| n * 104_729 % 500_000);
    let rows = codes.map(|n| format!("user-{n},Name of {n}\n"));
    let csv = format!("code,name\n{}", rows.collect::<String>());
    let support = dossier.support();
    let import = tokio::spawn(async move {
        let answer = support.put_file("/api/reference/users", "text/csv", &csv);
        answer.await
    });
    let (mut longest, mut made) = (Duration::ZERO, 0);
    while !import.is_finished() {
        let began = Instant::now();
        dossier.request().await;
        longest = longest.max(began.elapsed());
        made += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let imported = import.await.unwrap();
    assert_eq!(imported.json["entries"], 500_000, "{imported:?}");
    assert!(made > 10, "{made}");
    // The limit is a second, and as much again for a machine that is busy with other things.
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    let found = looked_up(&dossier.worker(), json!({"users": ["user-499999"]})).await;
    assert_eq!(found["users"], json!({"user-499999": "Name of 499999"}));
}

#[tokio::test]
async fn housekeeping_deletes_what_an_import_left_that_came_to_no_end() {
    let dossier = Dossier::start().await;
    let sql = "INSERT INTO reference_loads (id, begun_at, names, held_until) VALUES (7, 1, 3, 1);
         INSERT INTO reference_entries VALUES (7, 'A', 'a', 1), (7, 'B', 'b', 1);";
    let file = SqliteConnectOptions::new().filename(dossier.database_file());
    let mut file = file.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut file).await.unwrap();
    let housekeeper = dossier.housekeeper(HousekeepingRules::default());
    assert_eq!(housekeeper.sweep().await.names_deleted, 2);
    assert_eq!(housekeeper.sweep().await.names_deleted, 0);
}
