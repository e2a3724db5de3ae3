//! What is said when the database is away, refuses or is in the way.

use std::time::{Duration, Instant};

use dossier_core::reference::{ReferenceCode, ReferenceKind, ReferenceName, ReferenceSource};
use dossier_store::postgres::{DatabaseUrl, OpenError, Options, UrlError};
use dossier_store::{PostgresStore, ReferenceSchedule, Store, StoreError};
use futures::future::join_all;
use sqlx::Executor;

use crate::conformance::given::*;
use crate::server::{PASSWORD, Server};
use crate::{raw, scratch, server};

async fn refusal(url: &str) -> String {
    let options = Options {
        connect_max: Duration::from_secs(3),
        ..Options::new(url.parse().unwrap())
    };
    let refused = PostgresStore::open(options).await.unwrap_err();
    assert!(matches!(refused, OpenError::Unavailable { .. }));
    format!("{refused} {refused:?}")
}

#[tokio::test]
async fn a_database_that_cannot_be_used_says_why_and_never_the_password() {
    let port = server().port();
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = unused.local_addr().unwrap().port();
    drop(unused);
    for (url, said) in [
        (
            format!("postgres://dossier:hunter2@127.0.0.1:{nobody}/x"),
            "nobody listens there",
        ),
        (
            format!("postgres://dossier:hunter2@127.0.0.1:{port}/postgres"),
            "does not accept the user",
        ),
        (server().network_url("nowhere"), "it has no such database"),
        (
            "postgres://dossier:hunter2@nowhere.invalid/x".to_owned(),
            "the host's name cannot be resolved",
        ),
        (
            "postgres://dossier:hunter2@x/y?host=/nowhere".to_owned(),
            "no such socket",
        ),
        (
            format!("postgres://dossier:hunter2@127.0.0.1:{port}/postgres?sslmode=require"),
            "TLS failed",
        ),
    ] {
        let refused = refusal(&url).await;
        assert!(refused.contains(said), "{refused}");
        for secret in ["hunter2", PASSWORD] {
            assert!(!refused.contains(secret), "{refused}");
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_in_time() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let begin = Instant::now();
    let refused = refusal(&format!("postgres://dossier@{address}/x")).await;
    assert!(refused.contains("did not answer in time"), "{refused}");
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_url_must_say_what_is_needed_and_nothing_unknown() {
    let refused = |url: &str| url.parse::<DatabaseUrl>().unwrap_err();
    assert_eq!(refused("mysql://u@h/d"), UrlError::Scheme);
    assert_eq!(refused("dossier"), UrlError::Scheme);
    assert_eq!(refused("postgres://h/d"), UrlError::User);
    assert_eq!(refused("postgres://u@h"), UrlError::Database);
    assert_eq!(refused("postgres:///d"), UrlError::User);
    for password in [
        "hun/ter2", "hun#ter2", "hun?ter2", "12/ter2", "12#ter2", "12?ter2",
    ] {
        let refused = refused(&format!("postgres://u:{password}@h/d"));
        assert_eq!(refused, UrlError::Unreadable, "{password}");
        assert!(refused.to_string().contains("/ is %2F"), "{refused}");
        assert!(!refused.to_string().contains("ter2"), "{refused}");
    }
    assert_eq!(refused("postgres://u:p@h:99999/d"), UrlError::Unreadable);
    assert_eq!(refused("postgres://:hunter2@h/d"), UrlError::User);
    let escaped = "postgres://u:a%2Fb%23c@h/d".parse::<DatabaseUrl>();
    assert_eq!(escaped.unwrap().to_string(), "h:5432/d");
    let unknown = refused("postgres://u:hunter2@h/d?options=-c%20x");
    assert!(unknown.to_string().contains("options"), "{unknown}");
    let unknown = refused("postgres://u:hunter2@h/d?Secret%20Text=1").to_string();
    assert!(!unknown.contains("Secret"), "{unknown}");
    for mode in ["prefer", "allow", "verify", ""] {
        let refused = refused(&format!("postgres://u@h/d?sslmode={mode}"));
        assert!(refused.to_string().contains("verify-full"), "{refused}");
    }
    let url: DatabaseUrl = "postgres://u:hunter2@db.example:6000/d".parse().unwrap();
    assert_eq!(url.to_string(), "db.example:6000/d");
    assert_eq!(format!("{url:?}"), "DatabaseUrl(db.example:6000/d)");
}

#[tokio::test]
async fn an_error_text_holds_no_data() {
    let scratch = scratch().await;
    let store = PostgresStore::open(scratch.options()).await.unwrap();
    services(&store, &["a"]).await;
    // PostgreSQL passes on whatever a trigger says, and quotes the row that breaks a rule.
    scratch.sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'A1234AA Case-77'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON requests FOR EACH ROW EXECUTE FUNCTION refuse()",
    );
    let by_trigger = store.create_request(new_request(&["a"])).await;
    scratch.sql(
        "DROP TRIGGER refuse ON requests;
         ALTER TABLE requests ADD CHECK (case_reference <> 'Case-77')",
    );
    let by_rule = store.create_request(new_request(&["a"])).await;
    for refused in [by_trigger, by_rule] {
        let refused = refused.unwrap_err();
        let shown = format!("{refused} {refused:?}");
        assert!(matches!(refused, StoreError::Unavailable(_)), "{shown}");
        assert!(!shown.contains("A1234AA"), "{shown}");
        assert!(!shown.contains("Case-77"), "{shown}");
    }
}

#[tokio::test]
async fn what_no_version_writes_is_corrupt_and_not_shown() {
    let scratch = scratch().await;
    let store = PostgresStore::open(scratch.options()).await.unwrap();
    let id = pending_of_a(&store).await;
    scratch.sql("UPDATE requests SET subject_id = 'secret'");
    let refused = store.request(id).await.unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt("subject_id")));
    assert!(!format!("{refused} {refused:?}").contains("secret"));
}

#[tokio::test]
async fn a_write_that_another_transaction_blocks_fails_in_time() {
    let scratch = scratch().await;
    let options = Options {
        lock_max: Duration::from_millis(200),
        ..scratch.options()
    };
    let store = PostgresStore::open(options).await.unwrap();
    let id = pending_of_a(&store).await;
    let mut other = scratch.raw().await;
    other
        .execute("BEGIN; SELECT 1 FROM requests FOR UPDATE")
        .await
        .unwrap();
    let blocked = store.claim(id, "w", &rules()).await.unwrap_err();
    assert!(
        blocked.to_string().contains("a lock was not free in time"),
        "{blocked}"
    );
    found(&store, id).await;
    let oldest = store.claim_oldest(1, "w", &rules()).await.unwrap();
    assert!(oldest.is_empty(), "it is passed over, not waited for");
    other.execute("ROLLBACK").await.unwrap();
    claimed(&store, id).await;
}

#[tokio::test]
async fn an_abandoned_call_leaves_the_store_usable() {
    let scratch = scratch().await;
    let options = Options {
        connections_max: 2,
        ..scratch.options()
    };
    let store = PostgresStore::open(options).await.unwrap();
    services(&store, &["a"]).await;
    for micros in 0..40 {
        let call = store.create_request(new_request(&["a"]));
        let _ = tokio::time::timeout(Duration::from_micros(micros * 100), call).await;
    }
    let before = store.count_requests(&filter(), &rules()).await.unwrap();
    pending(&store, &["a"]).await;
    let after = store.count_requests(&filter(), &rules()).await.unwrap();
    assert!(after > before);
}

/// A store in a server of its own, over the network.
async fn store_on(server: &Server, connections_max: u32, connect_max: Duration) -> PostgresStore {
    let options = Options {
        connections_max,
        connect_max,
        lock_max: Duration::from_secs(60),
        ..Options::new(server.network_url(&server.database()).parse().unwrap())
    };
    let store = PostgresStore::open(options).await.unwrap();
    let begin = Instant::now();
    while !store.is_listening() {
        assert!(begin.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    store
}

async fn cause(store: &PostgresStore) -> String {
    store.ping().await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_is_soon_told_that_nobody_listens_any_more() {
    let server = Server::start();
    let store = store_on(&server, 4, Duration::from_secs(60)).await;
    store.ping().await.unwrap();
    server.stop("fast");
    // What is left of a connection may be the first to be noticed.
    let _ = store.ping().await;
    let begin = Instant::now();
    for cause in join_all((0..30).map(|_| cause(&store))).await {
        assert!(cause.contains("nobody listens there"), "{cause}");
    }
    assert!(begin.elapsed() < Duration::from_secs(20));
    server.start_again();
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_server_is_waited_for() {
    let server = Server::start();
    let store = store_on(&server, 4, Duration::from_secs(60)).await;
    // A connection that has rested is asked whether it lives.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    server.stop("fast");
    let (called, ()) = tokio::join!(store.ping(), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.start_again();
    });
    called.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_on_connections_is_told_from_a_pool_that_is_in_use() {
    let server = Server::start();
    let store = store_on(&server, 2, Duration::from_secs(3)).await;
    // The listener has the only one that the user may have.
    let limit = |most: u32| {
        let limit = format!("ALTER ROLE dossier CONNECTION LIMIT {most}");
        server.sql("postgres", &limit);
    };
    limit(1);
    for cause in join_all((0..5).map(|_| cause(&store))).await {
        assert!(cause.contains("too many connections"), "{cause}");
        assert!(cause.contains("53300"), "{cause}");
    }
    // All that the store may have are in use, and the user may have no more than those.
    limit(3);
    let id = pending_of_a(&store).await;
    let mut other = raw(&server, "test_0").await;
    other
        .execute("BEGIN; SELECT 1 FROM requests FOR UPDATE")
        .await
        .unwrap();
    let rules = rules();
    let blocked =
        async { tokio::join!(store.claim(id, "w", &rules), store.claim(id, "w", &rules)) };
    let refused = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for cause in join_all((0..5).map(|_| cause(&store))).await {
            assert!(cause.contains("no connection became free"), "{cause}");
        }
        other.execute("ROLLBACK").await.unwrap();
    };
    let _ = tokio::join!(blocked, refused);
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_store_says_that_the_server_does_not_answer() {
    let server = Server::start();
    let store = store_on(&server, 4, Duration::from_secs(3)).await;
    let id = pending_of_a(&store).await;
    let mut other = raw(&server, "test_0").await;
    other
        .execute("BEGIN; SELECT 1 FROM requests FOR UPDATE")
        .await
        .unwrap();
    let rules = rules();
    while store.connections().busy > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // All connections that there are are in use, and there may be more.
    let open = store.connections().idle;
    assert!(open < 4);
    let blocked = join_all((0..open).map(|_| store.claim(id, "w", &rules)));
    let refused = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let frozen = server.freeze();
        let cause = cause(&store).await;
        assert!(cause.contains("did not answer in time"), "{cause}");
        drop(frozen);
        other.execute("ROLLBACK").await.unwrap();
    };
    let _ = tokio::join!(blocked, refused);
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_database_that_cannot_be_written_to_is_not_well() {
    let scratch = scratch().await;
    let options = Options {
        migrate: false,
        ..scratch.options()
    };
    PostgresStore::open(options.clone())
        .await
        .unwrap()
        .ping()
        .await
        .unwrap();
    let name = &scratch.name;
    scratch.sql(&format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = on"
    ));
    let store = PostgresStore::open(options).await.unwrap();
    let refused = store.ping().await.unwrap_err().to_string();
    assert!(refused.contains("it is read-only"), "{refused}");
    assert!(refused.contains("25006"), "{refused}");
}

/// Statements of calls that were given up have all connections until they end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_of_abandoned_calls_are_in_use_too() {
    let server = Server::start();
    let store = store_on(&server, 2, Duration::from_secs(3)).await;
    let id = pending_of_a(&store).await;
    let mut other = raw(&server, "test_0").await;
    other
        .execute("BEGIN; SELECT 1 FROM requests FOR UPDATE")
        .await
        .unwrap();
    for _ in 0..2 {
        let rules = rules();
        let claim = store.claim(id, "w", &rules);
        let abandoned = tokio::time::timeout(Duration::from_millis(300), claim).await;
        assert!(abandoned.is_err());
    }
    let cause = cause(&store).await;
    assert!(cause.contains("no connection became free"), "{cause}");
    other.execute("ROLLBACK").await.unwrap();
}

/// Both take locks that the other wants.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_may_be_removed_while_it_is_loaded() {
    let scratch = scratch().await;
    let store = PostgresStore::open(scratch.options()).await.unwrap();
    let hour = Duration::from_secs(3600);
    let list: ReferenceSource = "list".parse().unwrap();
    let prisons = ReferenceKind::Prisons;
    let schedule = ReferenceSchedule {
        source: list.clone(),
        kind: prisons,
        every: Some(hour),
    };
    store.schedule_references(&[schedule]).await.unwrap();
    let names = [(
        ReferenceCode::parse("MDI").unwrap(),
        ReferenceName::parse("Moorland").unwrap(),
    )];
    for is_removed in [false, true] {
        store.make_reference_due(&list).await.unwrap();
        let claim = store.claim_refresh(&list, prisons, hour).await.unwrap();
        let token = claim.unwrap().token;
        let load = store.record_refresh(&list, prisons, token, &names, hour);
        if !is_removed {
            assert!(load.await.unwrap());
            scratch.sql(
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN PERFORM pg_sleep(0.6); RETURN NEW; END $$;
                 CREATE TRIGGER slow BEFORE INSERT ON reference_entries
                 FOR EACH ROW EXECUTE FUNCTION slow()",
            );
            continue;
        }
        let remove = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            store.remove_references(&list, prisons).await
        };
        let (loaded, removed) = tokio::join!(load, remove);
        assert!(loaded.unwrap());
        removed.unwrap();
    }
}
