//! Older, newer and other schemas, and who may bring them up to date.

use std::time::{Duration, Instant};

use dossier_core::lease::ReleaseReason;
use dossier_store::postgres::{OpenError, Options, migrate, schema_state};
use dossier_store::{PostgresStore, RequestFilter, SchemaAge, SearchKind, Store};
use futures::future::join_all;
use sqlx::PgConnection;
use tokio::time::timeout;

use crate::conformance::Database;
use crate::conformance::given::*;
use crate::{Scratch, scratch, server};

fn empty() -> Scratch {
    Scratch {
        name: server().database(),
    }
}

fn without_migrating(scratch: &Scratch) -> Options {
    Options {
        migrate: false,
        ..scratch.options()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_may_open_a_new_database_at_once() {
    let scratch = empty();
    let opening = (0..6).map(|_| PostgresStore::open(scratch.options()));
    for store in join_all(opening).await {
        store.unwrap().ping().await.unwrap();
    }
}

#[tokio::test]
async fn a_database_is_migrated_by_one_who_says_so() {
    let scratch = empty();
    let refused = PostgresStore::open(without_migrating(&scratch)).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, OpenError::Older { found: 0, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("run `dossier migrate`"));
    let before = schema_state(&scratch.options()).await.unwrap();
    assert_eq!((before.found, before.age()), (0, SchemaAge::Older));

    let done = migrate(&scratch.options()).await.unwrap();
    assert_eq!((done.from, done.to), (0, before.known));
    let again = migrate(&scratch.options()).await.unwrap();
    assert_eq!((again.from, again.to), (done.to, done.to));
    let after = schema_state(&scratch.options()).await.unwrap();
    assert_eq!(after.age(), SchemaAge::Current);
    let store = PostgresStore::open(without_migrating(&scratch))
        .await
        .unwrap();
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_database_of_the_first_schema_comes_up_with_what_is_in_it() {
    let scratch = empty();
    let first = include_str!("../../migrations/postgres/0001_truth.sql");
    scratch.sql(&format!(
        "SET ROLE dossier; {first}
         INSERT INTO dossier_schema (version, compatible_from) VALUES (1, 1);
         INSERT INTO services VALUES (gen_random_uuid(), 'a', 'A', 'http://localhost/', true, false,
             'OTHER', NULL, NULL);
         INSERT INTO requests (id, status, date_to, case_reference, subject_kind, subject_id,
             search_text, requested_by, requested_at, clock_started_at, due_at, finished_at,
             completed_by, document_id, document_bytes, document_sha256, pages)
         VALUES ('018f0000-0000-7000-8000-000000000001', 'Completed', '2026-01-31', 'Case-77',
             'NOMIS', 'A1234AA', 'case-77', 'casework', 1, 1, 1, 2, gen_random_uuid(),
             gen_random_uuid(), 4, repeat('0', 64), 7);"
    ));
    let store = PostgresStore::open(scratch.options()).await.unwrap();
    let id = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
    let request = found(&store, id).await;
    assert_eq!((request.pages, request.documents().count()), (Some(7), 1));
    let id = pending(&store, &["a"]).await;
    completed(&store, id).await;
}

#[tokio::test]
async fn a_newer_schema_is_accepted_if_it_says_that_this_version_can_work_with_it() {
    let scratch = scratch().await;
    scratch.sql("UPDATE dossier_schema SET version = 999; ALTER TABLE requests ADD later text");
    for options in [scratch.options(), without_migrating(&scratch)] {
        let store = PostgresStore::open(options).await.unwrap();
        store.ping().await.unwrap();
    }
    let state = schema_state(&scratch.options()).await.unwrap();
    assert_eq!(state.age(), SchemaAge::NewerCompatible);
    let kept = migrate(&scratch.options()).await.unwrap();
    assert_eq!((kept.from, kept.to), (999, 999), "it is not taken back");
}

#[tokio::test]
async fn a_newer_schema_is_refused_if_it_does_not() {
    let scratch = scratch().await;
    let store = PostgresStore::open(scratch.options()).await.unwrap();
    scratch.sql("UPDATE dossier_schema SET version = 999, compatible_from = 998");
    for options in [scratch.options(), without_migrating(&scratch)] {
        let refused = PostgresStore::open(options).await.unwrap_err();
        assert!(
            matches!(refused, OpenError::Newer { found: 999, .. }),
            "{refused}"
        );
    }
    assert!(store.ping().await.is_err(), "who runs already is down");
    let state = schema_state(&scratch.options()).await.unwrap();
    assert_eq!(state.age(), SchemaAge::Newer);
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_alone() {
    let scratch = empty();
    scratch.sql("SET ROLE dossier; CREATE TABLE requests (theirs text)");
    let refused = PostgresStore::open(scratch.options()).await.unwrap_err();
    assert!(matches!(refused, OpenError::NotADatabase(_)), "{refused}");
    let tables =
        scratch.sql("SELECT string_agg(tablename, ',') FROM pg_tables WHERE schemaname = 'public'");
    assert_eq!(tables, "requests");
}

#[tokio::test]
async fn without_the_trigram_extension_a_search_finds_beginnings_and_says_so() {
    let name = format!("plain_{}", server().database());
    server().sql(
        "postgres",
        &format!("CREATE DATABASE {name} OWNER postgres"),
    );
    let scratch = Scratch { name };
    scratch.sql("GRANT CREATE ON SCHEMA public TO dossier");
    let store = PostgresStore::open(scratch.options()).await.unwrap();
    assert_eq!(store.search_kind(), SearchKind::Beginning);
    let id = pending_of_a(&store).await;
    let search = |text: &str| RequestFilter {
        search: Some(text.to_owned().into()),
        ..filter()
    };
    for (text, found) in [
        ("case", vec![id]),
        ("CASE-77", vec![id]),
        ("a12", vec![id]),
        ("A1234aa", vec![id]),
        ("ase", vec![]),
        ("case_77", vec![]),
        ("%", vec![]),
    ] {
        assert_eq!(listed(&store, &search(text)).await, found, "{text}");
    }
    completed(&store, id).await;
    store.archive_request(id).await.unwrap();
    let archived = store.archived_requests(Some("A123"), FIRST_PAGE).await;
    assert_eq!(archived.unwrap().len(), 1);

    // Once somebody who may has created it, a migration makes use of it.
    scratch.sql("CREATE EXTENSION pg_trgm");
    migrate(&scratch.options()).await.unwrap();
    let store = PostgresStore::open(scratch.options()).await.unwrap();
    assert_eq!(store.search_kind(), SearchKind::Anywhere);
    let id = pending(&store, &["a"]).await;
    assert_eq!(listed(&store, &search("ase-7")).await, [id]);
    let archived = store.archived_requests(Some("234"), FIRST_PAGE).await;
    assert_eq!(archived.unwrap().len(), 1);
}

/// A database whose extension can be had by now, with an open transaction that wrote.
async fn without_trigrams() -> (Scratch, PgConnection) {
    let scratch = scratch().await;
    let store = scratch.store().await;
    services(&*store, &["a"]).await;
    let id = pending(&*store, &["a"]).await;
    completed(&*store, id).await;
    store.archive_request(id).await.unwrap();
    pending(&*store, &["a"]).await;
    scratch.sql(&format!("DROP INDEX {}", INDEXES.join(", ")));
    let mut writer = scratch.raw().await;
    let write = "BEGIN; UPDATE requests SET attempts = attempts; \
         UPDATE request_texts SET search_text = search_text; \
         UPDATE archived_requests SET search_text = search_text";
    sqlx::raw_sql(write).execute(&mut writer).await.unwrap();
    (scratch, writer)
}

const INDEXES: [&str; 2] = ["requests_by_trigrams", "archived_requests_by_trigrams"];

/// The indexes by trigrams that there are, and whether they are of use.
fn trigrams(scratch: &Scratch) -> String {
    scratch.sql(
        "SELECT string_agg(indexrelid::regclass || ' ' || indisvalid, ', ' ORDER BY indexrelid::regclass::text)
         FROM pg_index WHERE indexrelid::regclass::text LIKE '%trigrams%'",
    )
}

const USABLE: &str = "archived_requests_by_trigrams true, requests_by_trigrams true";

/// Makes an index as a person would.
fn by_hand(scratch: &Scratch) -> std::thread::JoinHandle<()> {
    let name = scratch.name.clone();
    std::thread::spawn(move || {
        server().sql(
            &name,
            "SET ROLE dossier; CREATE INDEX CONCURRENTLY requests_by_trigrams ON request_texts
             USING gin (search_text gin_trgm_ops)",
        );
    })
}

async fn commit(mut writer: PgConnection) {
    sqlx::raw_sql("COMMIT").execute(&mut writer).await.unwrap();
}

async fn becomes_anywhere(store: &PostgresStore) {
    let becomes = async {
        while store.search_kind() != SearchKind::Anywhere {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let within = Duration::from_secs(30);
    timeout(within, becomes).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_for_any_part_is_made_while_others_write() {
    let (scratch, writer) = without_trigrams().await;
    let limited = Options {
        statement_max: Duration::from_millis(700),
        lock_max: Duration::from_millis(700),
        ..scratch.options()
    };
    let store = PostgresStore::open(without_migrating(&scratch))
        .await
        .unwrap();
    assert_eq!(store.search_kind(), SearchKind::Beginning);
    let second = limited.clone();
    let migrating = tokio::spawn(async move { migrate(&limited).await });
    let migrating_too = tokio::spawn(async move { migrate(&second).await });
    let (begin, rules) = (Instant::now(), rules());
    while begin.elapsed() < Duration::from_secs(3) {
        let made = timeout(Duration::from_secs(1), pending(&store, &["a"]));
        let made = made.await.expect("others make requests");
        let claims = store.claim_oldest(100, "w", &rules);
        let claims = timeout(Duration::from_secs(1), claims);
        let claims = claims.await.expect("others claim").unwrap();
        assert!(claims.iter().any(|claim| claim.request.id == made));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!migrating.is_finished(), "it waits for those who write");
    assert!(!migrating_too.is_finished(), "and the other for it");
    assert_eq!(trigrams(&scratch), "requests_by_trigrams false");
    let which = "SELECT 'requests_by_trigrams'::regclass::oid";
    let begun = scratch.sql(which);

    let opening = PostgresStore::open(scratch.options());
    let opened = timeout(Duration::from_secs(5), opening).await;
    let opened = opened.expect("an API starts meanwhile").unwrap();
    assert_eq!(opened.search_kind(), SearchKind::Beginning);
    let part = RequestFilter {
        search: Some("ase-7".to_owned().into()),
        ..filter()
    };
    assert!(listed(&opened, &part).await.is_empty());

    commit(writer).await;
    migrating.await.unwrap().unwrap();
    migrating_too.await.unwrap().unwrap();
    assert_eq!(trigrams(&scratch), USABLE);
    assert_eq!(scratch.sql(which), begun, "no limit on time ended it");
    for store in [&store, &opened] {
        becomes_anywhere(store).await;
        assert!(!listed(store, &part).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_may_make_an_index_at_once() {
    let (scratch, writer) = without_trigrams().await;
    let mut maker = scratch.raw().await;
    let lock = "BEGIN; SELECT pg_advisory_xact_lock(3677438)";
    sqlx::raw_sql(lock).execute(&mut maker).await.unwrap();
    let opening = (0..3).map(|_| PostgresStore::open(scratch.options()));
    let opened = join_all(opening).await;
    let migrating: Vec<_> = (0..3)
        .map(|_| {
            let options = scratch.options();
            tokio::spawn(async move { migrate(&options).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(trigrams(&scratch), "", "they wait for who has the lock");
    commit(maker).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    commit(writer).await;
    for migrated in migrating {
        migrated.await.unwrap().unwrap();
    }
    for store in opened {
        becomes_anywhere(&store.unwrap()).await;
    }
    assert_eq!(trigrams(&scratch), USABLE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_broke_off_does_not_count_and_is_made_anew() {
    let (scratch, writer) = without_trigrams().await;
    let broken = by_hand(&scratch);
    let making = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%CONCURRENTLY requests_by%'
         AND datname = current_database() AND pid <> pg_backend_pid() AND wait_event = 'virtualxid'";
    while scratch.sql(making).is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Nobody takes it away from who is just making it.
    let options = scratch.options();
    let migrating = tokio::spawn(async move { migrate(&options).await });
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(trigrams(&scratch), "requests_by_trigrams false");
    assert!(!broken.is_finished());
    assert!(!migrating.is_finished());
    migrating.abort();
    scratch.sql(&format!("SELECT pg_cancel_backend(({making}))"));
    assert!(broken.join().is_err(), "it broke off");
    assert_eq!(trigrams(&scratch), "requests_by_trigrams false");
    let store = PostgresStore::open(without_migrating(&scratch))
        .await
        .unwrap();
    assert_eq!(store.search_kind(), SearchKind::Beginning);

    commit(writer).await;
    migrate(&scratch.options()).await.unwrap();
    assert_eq!(trigrams(&scratch), USABLE);
    becomes_anywhere(&store).await;
}

#[tokio::test]
async fn texts_with_characters_that_postgresql_cannot_keep_are_kept_without() {
    let scratch = scratch().await;
    let store = PostgresStore::open(scratch.options()).await.unwrap();
    let id = pending_of_a(&store).await;
    let token = claimed(&store, id).await.token;
    record(&store, id, token, "a", errored("it said \0")).await;
    let reason = ReleaseReason::Failed("it said \0".to_owned());
    let now = Duration::ZERO;
    store
        .release(id, token, &reason, now, &rules())
        .await
        .unwrap();
    let request = found(&store, id).await;
    assert_eq!(request.error_detail.as_deref(), Some("it said \u{fffd}"));
}
