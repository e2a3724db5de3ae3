//! What is read: no more of a large database than of a small one. Counted by the server, of the
//! statements as they run.

use std::time::Duration;

use dossier_core::RequestId;
use dossier_store::postgres::Options;
use dossier_store::{Page, PageKey, PostgresStore, RequestFilter, Store};

use crate::conformance::given::*;
use crate::{Scratch, scratch};

const MANY: u32 = 60_000;

/// Fills a database with finished requests, of which each has a reference of its own.
async fn filled(scratch: &Scratch) -> PostgresStore {
    let options = Options {
        // One connection, so that its own account of what it read is the whole account.
        connections_max: 1,
        look_every: Duration::from_secs(3600),
        ..scratch.options()
    };
    let store = PostgresStore::open(options).await.unwrap();
    services(&store, &["a"]).await;
    scratch.sql(&format!(
        "INSERT INTO requests (id, status, date_to, case_reference, subject_kind, subject_id,
             search_text, requested_by, requested_at, clock_started_at, due_at, finished_at,
             completed_by, document_id, document_bytes, document_sha256, pages)
         SELECT gen_random_uuid(), 'Completed', '2026-01-31', 'Case-' || md5(n::text), 'NOMIS',
             'A1234AA', 'case-' || md5(n::text) || E'\\na1234aa', 'casework', n, n, n, n,
             gen_random_uuid(), gen_random_uuid(), 4, repeat('0', 64), 7
         FROM generate_series(1, {MANY}) AS n;
         INSERT INTO sections (request_id, service_id, status, held)
         SELECT requests.id, services.id, 'COMPLETE', 'NO_DATA' FROM requests, services;
         VACUUM ANALYZE"
    ));
    store
}

/// Rows and index entries of all tables.
const ALL: &str = "(SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables)
    + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)";

/// Rows of requests, without index entries.
const REQUESTS: &str = "(SELECT seq_tup_read + coalesce(idx_tup_fetch, 0)
    FROM pg_stat_user_tables WHERE relname = 'requests')";

/// How much of `what` was read so far.
async fn read_so_far(scratch: &Scratch, store: &PostgresStore, what: &str) -> u64 {
    // A connection hands in what it read when it ends and, once a second, when a transaction does.
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'psql' AND pid <> pg_backend_pid()";
    while scratch.sql(others) != "0" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(1200)).await;
    store.ping().await.unwrap();
    scratch.sql(&format!("SELECT {what}")).parse().unwrap()
}

/// What `call` answers, and how much of `what` it read.
async fn reads_of<T>(
    what: &str,
    scratch: &Scratch,
    store: &PostgresStore,
    call: impl Future<Output = T>,
) -> (T, u64) {
    let before = read_so_far(scratch, store, what).await;
    let done = call.await;
    (done, read_so_far(scratch, store, what).await - before)
}

async fn reads<T>(
    scratch: &Scratch,
    store: &PostgresStore,
    call: impl Future<Output = T>,
) -> (T, u64) {
    reads_of(ALL, scratch, store, call).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_and_searches_read_no_more_than_they_find() {
    let scratch = scratch().await;
    let store = filled(&scratch).await;
    let made: Vec<RequestId> = {
        let mut made = Vec::new();
        for _ in 0..20 {
            made.push(pending(&store, &["a"]).await);
        }
        made
    };

    let (claims, read) = reads(&scratch, &store, store.claim_oldest(5, "w", &rules())).await;
    assert_eq!(claims.unwrap().len(), 5);
    assert!(read < 1000, "a claim read {read}");

    let nothing_due = async {
        let claims = store.claim_oldest(20, "w", &rules()).await.unwrap();
        assert_eq!(claims.len(), 15);
        assert!(
            store
                .claim_oldest(20, "w", &rules())
                .await
                .unwrap()
                .is_empty()
        );
    };
    let ((), read) = reads(&scratch, &store, nothing_due).await;
    assert!(read < 2000, "claims read {read}");

    let ((), read) = reads(&scratch, &store, completed_all(&store, &made)).await;
    assert!(read < 20_000, "completing 20 requests read {read}");

    let searched = RequestFilter {
        search: Some("9ee21aacb26fd21f1e7c5ee1ba9d6b1".to_owned().into()),
        ..filter()
    };
    let (found, read) = reads(
        &scratch,
        &store,
        store.requests(&searched, &rules(), FIRST_PAGE),
    )
    .await;
    assert!(found.unwrap().len() <= 1);
    assert!(read < 5000, "a search read {read}");

    let errored = RequestFilter {
        errored: true,
        ..filter()
    };
    let (found, read) = reads(
        &scratch,
        &store,
        store.requests(&errored, &rules(), FIRST_PAGE),
    )
    .await;
    assert!(found.unwrap().is_empty());
    assert!(read < 1000, "a list of a rare status read {read}");

    let (spent, read) = reads(&scratch, &store, store.spent_sections(100)).await;
    assert!(spent.unwrap().is_empty());
    assert!(read < 1000, "looking for spent sections read {read}");

    let (expired, read) = reads(&scratch, &store, store.expire_requests(&rules())).await;
    assert!(expired.unwrap().is_empty());
    assert!(read < 1000, "expiring read {read}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_searches_read_no_more_than_they_find() {
    let scratch = scratch().await;
    let store = filled(&scratch).await;
    scratch.sql(
        "INSERT INTO archived_requests (id, status, date_to, case_reference, subject_kind, subject_id,
             search_text, requested_by, requested_at, clock_started_at, due_at, attempts, finished_at,
             archived_at)
         SELECT id, status, date_to, case_reference, subject_kind, subject_id, search_text,
             requested_by, requested_at, clock_started_at, due_at, attempts, finished_at, finished_at
         FROM requests;
         VACUUM ANALYZE",
    );
    let rules = rules();
    // The last begins all references, the one before it all identifiers.
    for text in [
        "z", "zz", "zzz", "%", "%%", "-", "--", "\u{e9}", "\u{e9}t", "a", "c",
    ] {
        let common = matches!(text, "a" | "c");
        let searched = RequestFilter {
            search: Some(text.to_owned().into()),
            ..filter()
        };
        let all = async {
            let listed = store.requests(&searched, &rules, FIRST_PAGE).await;
            let archived = store.archived_requests(Some(text), FIRST_PAGE).await;
            // How many there are of what all begin with cannot be known without reading all.
            if !common {
                assert_eq!(store.count_requests(&searched, &rules).await.unwrap(), 0);
                assert_eq!(store.request_counts(&searched).await.unwrap().total(), 0);
            }
            assert_eq!(listed.unwrap().is_empty(), !common, "{text}");
            assert_eq!(archived.unwrap().is_empty(), !common, "{text}");
        };
        let ((), read) = reads(&scratch, &store, all).await;
        assert!(read < 2000, "searches of {text} read {read}");
    }
}

async fn completed_all(store: &PostgresStore, ids: &[RequestId]) {
    for id in ids {
        // Each is claimed already, by whom is no matter here.
        store.cancel_request(*id, "x").await.unwrap();
        store.restart_request(*id).await.unwrap();
        completed(store, *id).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_far_back_is_found_in_an_index() {
    let scratch = scratch().await;
    let store = filled(&scratch).await;
    let (filter, rules) = (filter(), rules());
    let page = Page::number(MANY / 20 - 1, 20);
    let listed = store.requests(&filter, &rules, page);
    let (requests, read) = reads_of(REQUESTS, &scratch, &store, listed).await;
    let requests = requests.unwrap();
    assert_eq!(requests.len(), 20);
    assert_eq!(requests[19].requested_at.as_millisecond(), 1);
    assert!(read < 200, "{read} rows were read");

    // Nor are the index's entries for the pages before, if the list's length or the row before is
    // known.
    let before = Page::number(MANY / 20 - 2, 20).of(u64::from(MANY));
    let before = store.requests(&filter, &rules, before).await.unwrap();
    let last = PageKey::of(before.last().unwrap());
    for page in [page.of(u64::from(MANY)), Page::after(last, 20)] {
        let listed = store.requests(&filter, &rules, page);
        let (found, read) = reads(&scratch, &store, listed).await;
        let (found, requests): (Vec<_>, Vec<_>) = (
            found.unwrap().iter().map(|request| request.id).collect(),
            requests.iter().map(|request| request.id).collect(),
        );
        assert_eq!(found, requests, "{page:?}");
        assert!(read < 300, "{page:?}: {read} rows and entries were read");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_does_not_go_past_those_that_wait_for_a_suspended_service() {
    const WAITING: u32 = 5000;
    let scratch = scratch().await;
    let options = Options {
        connections_max: 1,
        look_every: Duration::from_secs(3600),
        ..scratch.options()
    };
    let store = PostgresStore::open(options).await.unwrap();
    let b = service(&store, "b").await;
    services(&store, &["a"]).await;
    // Older than any other; half of them found the service suspended when they came.
    let come = |from: u32, to: u32, status: &str| {
        scratch.sql(&format!(
            "INSERT INTO requests (id, status, date_to, case_reference, subject_kind, subject_id,
                 search_text, requested_by, requested_at, clock_started_at, due_at)
             SELECT gen_random_uuid(), 'Pending', '2026-01-31', 'Case', 'NOMIS', 'A1234AA', 'case',
                 'casework', floor(extract(epoch FROM now()) * 1000) - 100000 + n,
                 floor(extract(epoch FROM now()) * 1000), 1
             FROM generate_series({from}, {to}) AS n;
             INSERT INTO sections (request_id, service_id, status)
             SELECT requests.id, services.id, '{status}' FROM requests, services
             WHERE services.name = 'b' ON CONFLICT DO NOTHING"
        ))
    };
    come(1, WAITING / 2, "PENDING");
    store.suspend_service(b.id, true).await.unwrap();
    come(WAITING / 2 + 1, WAITING, "SUSPENDED");
    scratch.sql("VACUUM ANALYZE");
    let due = pending(&store, &["a"]).await;

    let (claims, read) = reads(&scratch, &store, store.claim_oldest(5, "w", &rules())).await;
    let claims = claims.unwrap();
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].request.id, due);
    assert!(read < 500, "a claim read {read}");

    store.suspend_service(b.id, false).await.unwrap();
    let claims = store.claim_oldest(WAITING, "w", &rules()).await.unwrap();
    assert_eq!(claims.len(), WAITING as usize);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_does_not_read_those_that_are_not_due() {
    const LATER: u32 = 5000;
    let scratch = scratch().await;
    let options = Options {
        connections_max: 1,
        look_every: Duration::from_secs(3600),
        ..scratch.options()
    };
    let store = PostgresStore::open(options).await.unwrap();
    services(&store, &["a"]).await;
    // Older than any other, and to be tried again in an hour.
    scratch.sql(&format!(
        "INSERT INTO requests (id, status, date_to, case_reference, subject_kind, subject_id,
             search_text, requested_by, requested_at, clock_started_at, due_at, attempts)
         SELECT gen_random_uuid(), 'Pending', '2026-01-31', 'Case', 'NOMIS', 'A1234AA', 'case',
             'casework', floor(extract(epoch FROM now()) * 1000) - 100000 + n,
             floor(extract(epoch FROM now()) * 1000),
             floor(extract(epoch FROM now()) * 1000) + 3600000, 1
         FROM generate_series(1, {LATER}) AS n;
         INSERT INTO sections (request_id, service_id, status)
         SELECT requests.id, services.id, 'PENDING' FROM requests, services;
         VACUUM ANALYZE"
    ));
    let due = pending(&store, &["a"]).await;
    let rules = rules();
    let claim = store.claim_oldest(5, "w", &rules);
    let (claims, read) = reads_of(REQUESTS, &scratch, &store, claim).await;
    let claims = claims.unwrap();
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].request.id, due);
    assert!(read < 100, "a claim read {read} rows");
}
