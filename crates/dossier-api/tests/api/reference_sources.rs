//! Names that other services give: lists on a schedule, and single codes on demand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dossier_api::{ReferenceConfig, ReferenceRules};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio_util::sync::CancellationToken;

use crate::harness::{Dossier, SERVICE_BEARER};
use crate::upstream::{BRIEF, Reply, Upstream};

fn rules() -> ReferenceRules {
    ReferenceRules {
        start_pause_max: Duration::ZERO,
        ..ReferenceRules::default()
    }
}

async fn with_source(name: &str, source: Value) -> Dossier {
    Dossier::start_with_sources(json!({ name: source }), rules()).await
}

async fn names(dossier: &Dossier, kind: &str, codes: &[&str]) -> Value {
    let wanted = json!({ kind: codes });
    let answer = dossier
        .worker()
        .post("/api/reference/lookup", &wanted)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json[kind].clone()
}

async fn view(dossier: &Dossier, source: &str) -> Value {
    let views = dossier.admin().get("/api/reference").await.json;
    let mut views = views.as_array().unwrap().iter();
    views.find(|view| view["source"] == source).unwrap().clone()
}

async fn due(dossier: &Dossier, source: &str) {
    let path = format!("/api/reference/{source}/refresh");
    let answer = dossier.admin().post_bare(&path).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
}

/// Changes what no call changes, such as the time.
async fn database(dossier: &Dossier) -> SqliteConnection {
    let file = dossier.database_file();
    SqliteConnectOptions::new()
        .filename(file)
        .connect()
        .await
        .unwrap()
}

async fn a_day_passes(dossier: &Dossier) {
    let sql = "UPDATE reference_entries SET loaded_at = loaded_at - 86400000";
    let mut database = database(dossier).await;
    sqlx::raw_sql(sql).execute(&mut database).await.unwrap();
}

fn register(upstream: &Upstream) -> Value {
    json!({"kind": "prison-register", "url": format!("{}/base/", upstream.url)})
}

const REGISTER: &str = "/base/prisons/names";

fn users(upstream: &Upstream) -> Value {
    let url = format!("{}/users/{{code}}?full=no", upstream.url);
    json!({"kind": "each", "of": "users", "url": url, "name": "/person/lastName"})
}

#[tokio::test]
async fn the_prison_register_is_loaded_with_the_token_when_it_is_due() {
    let upstream = Upstream::start().await;
    let prisons = json!([
        {"prisonId": "MDI", "prisonName": "Moorland (HMP & YOI)"},
        {"prisonId": "LEI", "prisonName": "Leeds"}, {"prisonId": "XXX"},
    ]);
    upstream.json(REGISTER, prisons);
    let dossier = with_source("register", register(&upstream)).await;
    let before = view(&dossier, "register").await;
    assert_eq!(
        (&before["entries"], &before["inUse"]),
        (&json!(0), &json!(true))
    );
    let keeper = dossier.api.reference_keeper();
    assert_eq!(keeper.refresh_due().await, 1);
    assert_eq!(keeper.refresh_due().await, 0, "it is not due");
    let found = names(&dossier, "prisons", &["MDI", "XXX"]).await;
    assert_eq!(found, json!({"MDI": "Moorland (HMP & YOI)"}));
    let calls = upstream.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].authorization.as_deref(), Some(SERVICE_BEARER));
    let view = view(&dossier, "register").await;
    assert_eq!(
        (&view["entries"], &view["error"]),
        (&json!(2), &Value::Null)
    );
    assert!(view["next"].as_str() > view["refreshedAt"].as_str());
}

#[tokio::test]
async fn locations_are_loaded_page_by_page_and_named_by_their_place_where_they_have_no_name() {
    let upstream = Upstream::start().await;
    let page = |number: u64, items: Value| {
        let path = format!("/locations?page={number}&size=2000");
        let last = number == 2;
        upstream.json(
            &path,
            json!({"content": items, "last": last, "totalPages": 3, "number": number}),
        );
    };
    page(
        0,
        json!([{"id": "l-1", "localName": "Gym", "pathHierarchy": "A-1"}]),
    );
    page(1, json!([{"id": "l-2", "pathHierarchy": "A-2"}]));
    page(
        2,
        json!([{"id": "l-3", "localName": null, "pathHierarchy": "A-3"}]),
    );
    let source = json!({"kind": "locations", "url": upstream.url});
    let dossier = with_source("locations", source).await;
    assert_eq!(dossier.api.reference_keeper().refresh_due().await, 1);
    let found = names(&dossier, "locationsByDpsId", &["l-1", "l-2", "l-3"]).await;
    assert_eq!(found, json!({"l-1": "Gym", "l-2": "A-2", "l-3": "A-3"}));

    // A service without pages ignores that it was asked for one.
    upstream.json(
        "/locations?page=0&size=2000",
        json!([{"id": "l-9", "localName": "Nine"}, {"id": "l-1", "localName": "Gym"}]),
    );
    due(&dossier, "locations").await;
    assert_eq!(dossier.api.reference_keeper().refresh_due().await, 1);
    let found = names(&dossier, "locationsByDpsId", &["l-2", "l-9"]).await;
    assert_eq!(found, json!({"l-9": "Nine"}));

    // One that answers the same page for ever is not believed.
    upstream.json(
        "/locations?page=0&size=2000",
        json!({"content": [{"id": "l-9", "localName": "x"}], "last": false, "number": 7}),
    );
    due(&dossier, "locations").await;
    assert_eq!(dossier.api.reference_keeper().refresh_due().await, 0);
    let error = view(&dossier, "locations").await["error"].clone();
    assert!(error.as_str().unwrap().contains("another page"), "{error}");
}

#[tokio::test]
async fn any_list_is_read_by_json_pointers_and_does_not_see_the_token() {
    let upstream = Upstream::start().await;
    upstream.json(
        "/staff?active=true",
        json!({"data": {"staff": [{"login": "ADA_GEN", "name": {"last": "Lovelace"}}]}}),
    );
    let source = json!({
        "kind": "list", "of": "users", "url": format!("{}/staff?active=true", upstream.url),
        "list": "/data/staff", "code": "/login", "name": "/name/last",
    });
    let dossier = with_source("staff", source).await;
    assert_eq!(dossier.api.reference_keeper().refresh_due().await, 1);
    let found = names(&dossier, "users", &["ADA_GEN"]).await;
    assert_eq!(found, json!({"ADA_GEN": "Lovelace"}));
    assert_eq!(upstream.calls()[0].authorization, None);
}

#[tokio::test]
async fn a_list_that_is_broken_in_whatever_way_costs_no_name() {
    let (upstream, elsewhere) = (Upstream::start().await, Upstream::start().await);
    let whole: Vec<Value> = (0..10)
        .map(|n| json!({"prisonId": format!("P{n}"), "prisonName": format!("Prison {n}")}))
        .collect();
    upstream.json(REGISTER, json!(whole));
    elsewhere.json("/", json!(whole));
    let mut source = register(&upstream);
    source["seconds_max"] = json!(0.3);
    source["bytes_max"] = json!(100_000);
    let rules = ReferenceRules {
        retry_pause: Duration::from_secs(300),
        ..rules()
    };
    let dossier = Dossier::start_with_sources(json!({"register": source}), rules).await;
    let keeper = dossier.api.reference_keeper();
    assert_eq!(keeper.refresh_due().await, 1);
    for (reply, says) in [
        (Reply::Text(503, "Secret"), "status 503"),
        (Reply::Text(404, "Secret"), "status 404"),
        (Reply::Text(200, "Secret"), "not JSON"),
        (Reply::Json(json!({"Secret": "x"})), "no list"),
        (Reply::Json(json!("Secret")), "no list"),
        (Reply::Json(json!([])), "no name"),
        (Reply::Json(json!([{"id": "Secret"}])), "no name"),
        (Reply::Json(json!(whole[..4])), "4 names where it had 10"),
        (Reply::Redirect(format!("{}/", elsewhere.url)), "status 302"),
        (Reply::Endless, "100000 bytes"),
        (Reply::Never, "in time"),
    ] {
        upstream.reply(REGISTER, reply);
        due(&dossier, "register").await;
        assert_eq!(keeper.refresh_due().await, 0, "{says}");
        assert_eq!(keeper.refresh_due().await, 0, "it waits");
        let view = view(&dossier, "register").await;
        let error = view["error"].as_str().unwrap();
        assert!(error.contains(says), "{says}: {error}");
        assert!(!error.contains("Secret"), "{error}");
        assert_eq!(view["entries"], 10, "{says}");
        let found = names(&dossier, "prisons", &["P9"]).await;
        assert_eq!(found, json!({"P9": "Prison 9"}), "{says}");
    }
    assert!(elsewhere.calls().is_empty(), "no redirect is followed");
    upstream.json(REGISTER, json!(whole[..5]));
    due(&dossier, "register").await;
    assert_eq!(keeper.refresh_due().await, 1, "half is enough");
    let view = view(&dossier, "register").await;
    assert_eq!(
        (&view["entries"], &view["error"]),
        (&json!(5), &Value::Null)
    );
}

#[tokio::test]
async fn a_list_that_has_shrunken_for_good_is_taken_after_it_was_removed() {
    let upstream = Upstream::start().await;
    let prison = |id: &str| json!({"prisonId": id, "prisonName": "A prison"});
    upstream.json(REGISTER, json!([prison("A"), prison("B"), prison("C")]));
    let dossier = with_source("register", register(&upstream)).await;
    let keeper = dossier.api.reference_keeper();
    keeper.refresh_due().await;
    upstream.json(REGISTER, json!([prison("A")]));
    due(&dossier, "register").await;
    assert_eq!(keeper.refresh_due().await, 0);
    let path = "/api/reference/prisons?source=register";
    let removed = dossier.admin().delete(path).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(keeper.refresh_due().await, 1);
    assert_eq!(view(&dossier, "register").await["entries"], 1);
}

#[tokio::test]
async fn of_many_keepers_one_loads_a_list_and_one_that_runs_is_woken() {
    let upstream = Upstream::start().await;
    upstream.json(
        REGISTER,
        json!([{"prisonId": "MDI", "prisonName": "Moorland"}]),
    );
    let dossier = with_source("register", register(&upstream)).await;
    let keepers: Vec<_> = (0..4).map(|_| dossier.api.reference_keeper()).collect();
    let refreshed = futures::future::join_all(keepers.iter().map(|k| k.refresh_due())).await;
    assert_eq!(refreshed.iter().sum::<u64>(), 1);
    assert_eq!(upstream.calls().len(), 1);

    let stop = CancellationToken::new();
    let running = tokio::spawn(dossier.api.reference_keeper().run(stop.clone()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(upstream.calls().len(), 1, "it is not due");
    due(&dossier, "register").await;
    let began = Instant::now();
    while upstream.calls().len() < 2 {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "nobody was woken"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), running).await;
    ended.unwrap().unwrap();
}

/// Waits until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_list_that_hangs_keeps_no_other_waiting() {
    let (dead, good) = (Upstream::start().await, Upstream::start().await);
    dead.reply(REGISTER, Reply::Never);
    good.json(
        REGISTER,
        json!([{"prisonId": "MDI", "prisonName": "Moorland"}]),
    );
    let mut sources = serde_json::Map::new();
    for n in 0..7 {
        sources.insert(format!("dead-{n}"), register(&dead));
    }
    sources.insert("good".to_owned(), register(&good));
    let dossier = Dossier::start_with_sources(sources.into(), rules()).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(dossier.api.reference_keeper().run(stop.clone()));
    until("all are asked", async || dead.calls().len() == 7).await;
    until("the good one is loaded", async || {
        view(&dossier, "good").await["entries"] == 1
    })
    .await;
    for calls in 2..4 {
        due(&dossier, "good").await;
        until("it is loaded again", async || good.calls().len() == calls).await;
    }
    assert_eq!(dead.calls().len(), 7, "each is asked once");
    assert_eq!(view(&dossier, "dead-3").await["loading"], true);
    stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), running).await;
    ended.unwrap().unwrap();
}

#[tokio::test]
async fn a_list_that_was_being_loaded_when_its_keeper_was_told_to_stop_is_loaded_by_the_next() {
    let upstream = Upstream::start().await;
    upstream.reply(REGISTER, Reply::Never);
    let dossier = with_source("register", register(&upstream)).await;
    assert_eq!(view(&dossier, "register").await["loading"], false);
    let stop = CancellationToken::new();
    let running = tokio::spawn(dossier.api.reference_keeper().run(stop.clone()));
    until("it is asked", async || upstream.calls().len() == 1).await;
    assert_eq!(view(&dossier, "register").await["loading"], true);
    stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), running).await;
    ended.unwrap().unwrap();
    assert_eq!(view(&dossier, "register").await["loading"], false);
    upstream.json(
        REGISTER,
        json!([{"prisonId": "MDI", "prisonName": "Moorland"}]),
    );
    assert_eq!(dossier.api.reference_keeper().refresh_due().await, 1);
}

#[tokio::test]
async fn a_list_is_held_while_it_is_loaded_and_not_for_long_after_its_keeper_was_killed() {
    let upstream = Upstream::start().await;
    upstream.reply(REGISTER, Reply::Never);
    let rules = ReferenceRules {
        claim_period: 2 * BRIEF,
        ..rules()
    };
    let sources = json!({"register": register(&upstream)});
    let dossier = Dossier::start_with_sources(sources, rules).await;
    let running = tokio::spawn(dossier.api.reference_keeper().run(CancellationToken::new()));
    until("it is asked", async || upstream.calls().len() == 1).await;
    let other = dossier.api.reference_keeper();
    for _ in 0..4 {
        tokio::time::sleep(BRIEF).await;
        assert_eq!(other.refresh_due().await, 0);
    }
    assert_eq!(upstream.calls().len(), 1, "nobody else loads it");
    running.abort();
    assert!(running.await.is_err());
    upstream.json(
        REGISTER,
        json!([{"prisonId": "MDI", "prisonName": "Moorland"}]),
    );
    until("it is loaded", async || other.refresh_due().await == 1).await;
}

#[tokio::test]
async fn a_list_that_is_removed_while_it_hangs_is_loaded_anew() {
    let upstream = Upstream::start().await;
    upstream.reply(REGISTER, Reply::Never);
    let rules = ReferenceRules {
        claim_period: BRIEF,
        look_every: BRIEF,
        ..rules()
    };
    let sources = json!({"register": register(&upstream)});
    let dossier = Dossier::start_with_sources(sources, rules).await;
    let running = tokio::spawn(dossier.api.reference_keeper().run(CancellationToken::new()));
    until("it is asked", async || upstream.calls().len() == 1).await;
    upstream.json(
        REGISTER,
        json!([{"prisonId": "MDI", "prisonName": "Moorland"}]),
    );
    let path = "/api/reference/prisons?source=register";
    let removed = dossier.admin().delete(path).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    until("it is loaded", async || {
        view(&dossier, "register").await["entries"] == 1
    })
    .await;
    running.abort();
}

#[tokio::test]
async fn only_a_configured_list_can_be_refreshed() {
    let upstream = Upstream::start().await;
    let dossier = with_source("users", users(&upstream)).await;
    let admin = dossier.admin();
    let answer = admin.post_bare("/api/reference/users/refresh").await;
    answer.is_problem(409, "source-not-scheduled");
    for unknown in ["nobody", "import", "No%20Body"] {
        let path = format!("/api/reference/{unknown}/refresh");
        admin.post_bare(&path).await.is_problem(404, "not-found");
    }
}

#[tokio::test]
async fn what_a_source_gave_is_not_used_once_it_is_no_longer_configured() {
    let upstream = Upstream::start().await;
    upstream.json(
        REGISTER,
        json!([{"prisonId": "MDI", "prisonName": "Moorland"}]),
    );
    let dossier = with_source("register", register(&upstream)).await;
    dossier.api.reference_keeper().refresh_due().await;
    let folder = tempfile::tempdir().unwrap();
    let other = Dossier::start_on(Arc::clone(&dossier.store), folder, Default::default()).await;
    assert_eq!(names(&other, "prisons", &["MDI"]).await, json!({}));
    let view = view(&other, "register").await;
    assert_eq!(
        (&view["inUse"], &view["entries"]),
        (&json!(false), &json!(1))
    );
    let path = "/api/reference/prisons?source=register";
    assert_eq!(
        other.admin().delete(path).await.status,
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn a_code_that_nobody_knows_is_asked_for_once_and_remembered() {
    let upstream = Upstream::start().await;
    upstream.json(
        "/users/ADA%2FGEN?full=no",
        json!({"person": {"lastName": "Lovelace"}}),
    );
    upstream.reply("/users/odd?full=no", Reply::Text(400, "no such form"));
    let dossier = with_source("users", users(&upstream)).await;
    let expected = json!({"ADA/GEN": "Lovelace"});
    for _ in 0..2 {
        let found = names(&dossier, "users", &["ADA/GEN", "NOBODY", "odd", ".."]).await;
        assert_eq!(found, expected);
    }
    let mut paths = upstream.paths();
    paths.sort();
    let asked = [
        "/users/ADA%2FGEN?full=no",
        "/users/NOBODY?full=no",
        "/users/odd?full=no",
    ];
    assert_eq!(paths, asked);
    let view = view(&dossier, "users").await;
    assert_eq!(
        (&view["entries"], &view["onDemand"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(
        (&view["next"], &view["error"]),
        (&Value::Null, &Value::Null)
    );

    // Imported names count first, and nobody is asked for them.
    let imported = json!({"NOBODY": "Nemo", "ADA/GEN": "King"});
    dossier.admin().put("/api/reference/users", &imported).await;
    assert_eq!(
        names(&dossier, "users", &["ADA/GEN", "NOBODY"]).await,
        imported
    );
    assert_eq!(upstream.paths().len(), 3);
}

#[tokio::test]
async fn old_names_and_old_ignorance_are_asked_for_again_and_an_old_name_outlives_a_dead_source() {
    let upstream = Upstream::start().await;
    upstream.json(
        "/users/ada?full=no",
        json!({"person": {"lastName": "Byron"}}),
    );
    let dossier = with_source("users", users(&upstream)).await;
    let found = names(&dossier, "users", &["ada", "bob"]).await;
    assert_eq!(found, json!({"ada": "Byron"}));
    a_day_passes(&dossier).await;
    upstream.json(
        "/users/ada?full=no",
        json!({"person": {"lastName": "Lovelace"}}),
    );
    upstream.json(
        "/users/bob?full=no",
        json!({"person": {"lastName": "Builder"}}),
    );
    let both = json!({"ada": "Lovelace", "bob": "Builder"});
    assert_eq!(names(&dossier, "users", &["ada", "bob"]).await, both);
    a_day_passes(&dossier).await;
    for path in ["/users/ada?full=no", "/users/bob?full=no"] {
        upstream.reply(path, Reply::Text(500, "down"));
    }
    assert_eq!(names(&dossier, "users", &["ada", "bob"]).await, both);
    let error = view(&dossier, "users").await["error"].clone();
    assert!(error.as_str().unwrap().contains("500"), "{error}");
}

#[tokio::test]
async fn a_location_by_its_number_has_the_name_of_the_location() {
    let upstream = Upstream::start().await;
    let nomis = "/api/locations/nomis";
    for (number, dps) in [("11", "l-1"), ("12", "l-2")] {
        let mapping = json!({"dpsLocationId": dps, "nomisLocationId": 11});
        upstream.json(&format!("{nomis}/{number}"), mapping);
    }
    let dossier = with_source(
        "mapping",
        json!({"kind": "nomis-locations", "url": upstream.url}),
    )
    .await;
    let path = "/api/reference/locationsByDpsId";
    dossier.admin().put(path, &json!({"l-1": "Gym"})).await;
    let codes = ["11", "12", "13"];
    let found = names(&dossier, "locationsByNomisId", &codes).await;
    assert_eq!(found, json!({"11": "Gym"}));
    assert_eq!(
        upstream.calls()[0].authorization.as_deref(),
        Some(SERVICE_BEARER)
    );
    // The name of the second has come meanwhile; that the third is not known is remembered.
    dossier
        .admin()
        .put(path, &json!({"l-1": "Gym", "l-2": "Chapel"}))
        .await;
    let found = names(&dossier, "locationsByNomisId", &codes).await;
    assert_eq!(found, json!({"11": "Gym", "12": "Chapel"}));
    let asked = |number| {
        upstream
            .paths()
            .iter()
            .filter(|p| p.ends_with(number))
            .count()
    };
    assert_eq!((asked("/11"), asked("/12"), asked("/13")), (1, 2, 1));
}

#[tokio::test]
async fn a_slow_source_costs_one_look_up_its_time_limit_and_the_next_nothing() {
    let (slow, quick) = (Upstream::start().await, Upstream::start().await);
    slow.reply("/slow/ada", Reply::Never);
    quick.json("/quick/MDI", json!({"name": "Moorland"}));
    let each = |of: &str, base: &str, path: &str| json!({"kind": "each", "of": of, "url": format!("{base}/{path}/{{code}}"), "name": "/name"});
    let sources = json!({
        "slow": each("users", &slow.url, "slow"), "quick": each("prisons", &quick.url, "quick"),
    });
    let rules = ReferenceRules {
        lookup_max: BRIEF,
        ..rules()
    };
    let dossier = Dossier::start_with_sources(sources, rules).await;
    let wanted = json!({"users": ["ada"], "prisons": ["MDI"]});
    let took = async || {
        let began = Instant::now();
        let answer = dossier
            .worker()
            .post("/api/reference/lookup", &wanted)
            .await;
        assert_eq!(
            answer.json["prisons"],
            json!({"MDI": "Moorland"}),
            "{answer:?}"
        );
        assert_eq!(answer.json["users"], json!({}));
        began.elapsed()
    };
    let first = took().await;
    assert!((BRIEF..10 * BRIEF).contains(&first), "{first:?}");
    took().await;
    assert_eq!(slow.calls().len(), 1, "it is left alone");
    let error = view(&dossier, "slow").await["error"].clone();
    assert_eq!(error, "no answer in time");
}

#[tokio::test]
async fn a_slow_source_with_many_codes_holds_up_no_other_of_its_kind() {
    let (slow, quick) = (Upstream::start().await, Upstream::start().await);
    let codes: Vec<String> = (0..40).map(|n| format!("user-{n}")).collect();
    for code in &codes {
        slow.reply(&format!("/{code}"), Reply::Never);
        quick.json(
            &format!("/{code}"),
            json!({"name": format!("Name of {code}")}),
        );
    }
    let each = |base: &str| json!({"kind": "each", "of": "users", "url": format!("{base}/{{code}}"), "name": "/name"});
    let rules = ReferenceRules {
        lookup_max: 3 * BRIEF,
        ..rules()
    };
    let sources = json!({"a-slow": each(&slow.url), "b-quick": each(&quick.url)});
    let dossier = Dossier::start_with_sources(sources, rules).await;
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    let found = names(&dossier, "users", &codes).await;
    assert_eq!(found.as_object().unwrap().len(), 40);
    assert_eq!(slow.calls().len(), 8, "no more at a time");
    assert_eq!(view(&dossier, "b-quick").await["error"], Value::Null);
}

#[tokio::test]
async fn a_dead_source_is_left_alone_for_a_while_and_then_asked_again() {
    let upstream = Upstream::start().await;
    upstream.reply("/users/ada?full=no", Reply::Text(500, "down"));
    let rules = ReferenceRules {
        rest: BRIEF,
        ..rules()
    };
    let dossier = Dossier::start_with_sources(json!({"users": users(&upstream)}), rules).await;
    for _ in 0..3 {
        assert_eq!(names(&dossier, "users", &["ada"]).await, json!({}));
    }
    assert_eq!(upstream.calls().len(), 1);
    upstream.json(
        "/users/ada?full=no",
        json!({"person": {"lastName": "Lovelace"}}),
    );
    tokio::time::sleep(BRIEF).await;
    let found = names(&dossier, "users", &["ada"]).await;
    assert_eq!(found, json!({"ada": "Lovelace"}));
    assert_eq!(view(&dossier, "users").await["error"], Value::Null);
}

#[tokio::test]
async fn a_source_that_is_not_there_costs_nothing_but_its_names() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let each = json!({
        "kind": "each", "of": "users", "name": "/name", "url": format!("http://{address}/{{code}}"),
    });
    let register = json!({"kind": "prison-register", "url": format!("http://{address}")});
    let sources = json!({"each": each, "register": register});
    let dossier = Dossier::start_with_sources(sources, rules()).await;
    assert_eq!(names(&dossier, "users", &["ada"]).await, json!({}));
    assert_eq!(dossier.api.reference_keeper().refresh_due().await, 0);
    for source in ["each", "register"] {
        let error = view(&dossier, source).await["error"].clone();
        assert!(
            error.as_str().unwrap().contains("connection refused"),
            "{error}"
        );
    }
}

#[test]
fn whatever_is_wrong_in_the_configuration_is_said_by_key_and_all_at_once() {
    let source = |source: Value| {
        let config = json!({"lookup_seconds_max": 99, "sources": {"import": source}});
        let config: ReferenceConfig = serde_json::from_value(config).unwrap();
        config.sources().unwrap_err().join("\n")
    };
    for (table, keys) in [
        (
            json!({"kind": "list", "url": "ftp://x", "every_hours": 0, "bytes_max": 0}),
            &["url", "of", "code", "name", "every_hours", "bytes_max"][..],
        ),
        (
            json!({"kind": "each", "url": "http://x/users", "of": "users", "name": "lastName", "code": "/x"}),
            &["url", "name", "code"],
        ),
        (
            json!({"kind": "locations", "url": "http://x/?a=1", "list": "/a", "seconds_max": 0}),
            &["url", "list", "seconds_max"],
        ),
    ] {
        let said = source(table);
        for key in keys {
            let key = format!("reference.sources.import.{key} ");
            assert!(said.contains(&key), "{key}: {said}");
        }
        assert!(said.contains("`import`"), "{said}");
        assert!(said.contains("lookup_seconds_max"), "{said}");
    }
    let misspelt = json!({"sources": {"a": {"kind": "list", "url": "http://x", "codes": "/x"}}});
    let refused = serde_json::from_value::<ReferenceConfig>(misspelt).unwrap_err();
    assert!(refused.to_string().contains("codes"), "{refused}");
}
