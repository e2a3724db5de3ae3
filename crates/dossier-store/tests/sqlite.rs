//! SQLite: the conformance suite, and what is particular to a file.

#![expect(
    clippy::unwrap_used,
    reason = "the behaviours are test bodies, which clippy cannot see"
)]

#[macro_use]
mod conformance;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use dossier_core::RequestId;
use dossier_core::reference::{ReferenceCode, ReferenceKind, ReferenceName, ReferenceSource};
use dossier_store::sqlite::{OpenError, Options, migrate_file, schema_state};
use dossier_store::{SchemaAge, SqliteStore, Store, StoreError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tempfile::TempDir;

use conformance::Database;
use conformance::claim_rule::{State, agrees_in_any_state};
use conformance::given::*;

struct Scratch {
    folder: TempDir,
}

impl Scratch {
    fn file(&self) -> PathBuf {
        self.folder.path().join("data").join("dossier.sqlite")
    }

    /// A connection that may write what no store would.
    async fn raw(&self) -> SqliteConnection {
        raw(&self.file()).await
    }
}

async fn raw(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .busy_timeout(Duration::from_secs(10))
        .connect()
        .await
        .unwrap()
}

async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

#[async_trait]
impl Database for Scratch {
    async fn store(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(self.file()).await.unwrap())
    }

    async fn age(&self, id: RequestId, seconds: i64) {
        const AGE: &str = "UPDATE requests SET requested_at = requested_at - ?1 * 1000, \
             clock_started_at = clock_started_at - ?1 * 1000 WHERE id = ?2";
        sqlx::query(AGE)
            .bind(seconds)
            .bind(id.as_uuid().as_bytes().to_vec())
            .execute(&mut self.raw().await)
            .await
            .unwrap();
    }
}

async fn scratch() -> Scratch {
    Scratch {
        folder: tempfile::tempdir().unwrap(),
    }
}

conformance!(crate::scratch);

#[tokio::test]
async fn everything_is_there_after_a_crash() {
    let scratch = scratch().await;
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    let id = pending_of_a(&store).await;
    let claim = claimed(&store, id).await;
    let copy = scratch.folder.path().join("after-the-crash.sqlite");
    // What a crash leaves: the file and its log, with nothing closed or checkpointed.
    for ending in ["", "-wal"] {
        let from = format!("{}{ending}", scratch.file().display());
        std::fs::copy(from, format!("{}{ending}", copy.display())).unwrap();
    }
    let reopened = SqliteStore::open(&copy).await.unwrap();
    reopened.ping().await.unwrap();
    assert_eq!(found(&reopened, id).await, claim.request);
    finished(&reopened, id, claim.token).await;
}

#[tokio::test]
async fn an_abandoned_call_leaves_the_store_usable() {
    let scratch = scratch().await;
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    services(&store, &["a"]).await;
    for micros in 0..40 {
        let call = store.create_request(new_request(&["a"]));
        let _ = tokio::time::timeout(Duration::from_micros(micros * 50), call).await;
    }
    let before = store.count_requests(&filter(), &rules()).await.unwrap();
    pending(&store, &["a"]).await;
    let after = store.count_requests(&filter(), &rules()).await.unwrap();
    assert!(after > before);
}

#[tokio::test]
async fn two_processes_may_open_a_new_file_at_once() {
    // They meet in the one moment that matters only now and then.
    for _ in 0..25 {
        let scratch = scratch().await;
        let opening = (0..4).map(|_| SqliteStore::open(scratch.file()));
        for store in futures::future::join_all(opening).await {
            store.unwrap().ping().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_file_of_the_first_schema_comes_up_with_what_is_in_it() {
    let scratch = scratch().await;
    std::fs::create_dir(scratch.file().parent().unwrap()).unwrap();
    let mut first = scratch.raw().await;
    run(
        &mut first,
        include_str!("../migrations/sqlite/0001_truth.sql"),
    )
    .await;
    run(
        &mut first,
        "PRAGMA user_version = 1; PRAGMA application_id = 0x444F5353;
         INSERT INTO services VALUES (randomblob(16), 'a', 'A', 'http://localhost/', 1, 0, 'OTHER',
             NULL, NULL);
         INSERT INTO requests (id, status, date_to, case_reference, subject_kind, subject_id,
             search_text, requested_by, requested_at, clock_started_at, due_at, finished_at,
             completed_by, document_id, document_bytes, document_sha256, pages)
         VALUES (x'018f0000000070008000000000000001', 'Completed', '2026-01-31', 'Case-77', 'NOMIS',
             'A1234AA', 'case-77', 'casework', 1, 1, 1, 2, randomblob(16), randomblob(16), 4,
             lower(hex(zeroblob(32))), 7);",
    )
    .await;
    drop(first);
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    store.ping().await.unwrap();
    let id = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
    let request = found(&store, id).await;
    assert_eq!((request.pages, request.documents().count()), (Some(7), 1));
    let id = pending(&store, &["a"]).await;
    completed(&store, id).await;
}

#[tokio::test]
async fn names_of_an_older_schema_are_kept() {
    let scratch = scratch().await;
    std::fs::create_dir(scratch.file().parent().unwrap()).unwrap();
    let mut older = scratch.raw().await;
    for step in [
        include_str!("../migrations/sqlite/0001_truth.sql"),
        include_str!("../migrations/sqlite/0002_documents.sql"),
        include_str!("../migrations/sqlite/0003_templates.sql"),
        include_str!("../migrations/sqlite/0004_reference.sql"),
        include_str!("../migrations/sqlite/0005_schemas.sql"),
        include_str!("../migrations/sqlite/0006_priorities.sql"),
        "PRAGMA user_version = 6; PRAGMA application_id = 0x444F5353;
         INSERT INTO reference_sources (source, kind, refreshed_at)
             VALUES ('import', 'prisons', 5), ('import', 'users', 6), ('each', 'users', 7),
                 ('new', 'users', NULL);
         INSERT INTO reference_entries VALUES ('prisons', 'import', 'MDI', 'Moorland', 5),
             ('users', 'import', 'MDI', 'Lovelace', 6), ('users', 'each', 'ada', NULL, 7),
             ('users', 'each', 'bob', 'Builder', 7);",
    ] {
        run(&mut older, step).await;
    }
    drop(older);
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    let [mdi, ada, bob] = ["MDI", "ada", "bob"].map(|text| ReferenceCode::parse(text).unwrap());
    let each: ReferenceSource = "each".parse().unwrap();
    let names = async |kind, codes: &[ReferenceCode]| {
        let known = store.reference_names(kind, codes, std::slice::from_ref(&each));
        let known = known.await.unwrap().into_iter();
        let named = known.map(|k| k.name.map(|name| name.reveal().to_owned()));
        named.collect::<Vec<_>>()
    };
    let (prisons, users) = (ReferenceKind::Prisons, ReferenceKind::Users);
    let of = |text: &str| Some(text.to_owned());
    assert_eq!(
        names(prisons, std::slice::from_ref(&mdi)).await,
        [of("Moorland")]
    );
    let wanted = [mdi, ada.clone(), bob];
    let expected = [of("Lovelace"), of("Builder"), None];
    assert_eq!(names(users, &wanted).await, expected);
    let states = store.reference_sources().await.unwrap();
    let shown: Vec<_> = states.iter().map(|state| state.entries).collect();
    assert_eq!(shown, [1, 1, 1, 0], "{states:?}");
    // They go on as if they had been written by this version.
    let said = [(ada, Some(ReferenceName::parse("Lovelace").unwrap()))];
    store
        .remember_references(&each, users, &said)
        .await
        .unwrap();
    assert_eq!(store.reference_sources().await.unwrap()[0].entries, 2);
    let one = [(wanted[0].clone(), ReferenceName::parse("King").unwrap())];
    store.import_references(users, &one).await.unwrap();
    assert_eq!(names(users, &wanted[..1]).await, [of("King")]);
    assert_eq!(names(prisons, &wanted[..1]).await, [of("Moorland")]);
}

fn names_of_prisons(count: u32) -> Vec<(ReferenceCode, ReferenceName)> {
    let entry = |n| {
        let code = ReferenceCode::parse(&format!("{n:07}")).unwrap();
        (code, ReferenceName::parse("A prison").unwrap())
    };
    (0..count).map(entry).collect()
}

async fn rows(scratch: &Scratch) -> (i64, i64) {
    const ROWS: &str = "SELECT (SELECT count(*) FROM reference_entries), \
         (SELECT count(*) FROM reference_loads)";
    sqlx::query_as(ROWS)
        .fetch_one(&mut scratch.raw().await)
        .await
        .unwrap()
}

async fn rows_become(scratch: &Scratch, expected: (i64, i64)) {
    for _ in 0..500 {
        if rows(scratch).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(rows(scratch).await, expected);
}

#[tokio::test]
async fn replaced_and_removed_names_are_deleted_from_the_file() {
    let scratch = scratch().await;
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    let prisons = ReferenceKind::Prisons;
    for count in [5_000, 3_000] {
        let names = names_of_prisons(count);
        store.import_references(prisons, &names).await.unwrap();
        rows_become(&scratch, (i64::from(count), 1)).await;
    }
    let import = ReferenceSource::import();
    store.remove_references(&import, prisons).await.unwrap();
    rows_become(&scratch, (0, 0)).await;
}

#[tokio::test]
async fn what_an_import_left_that_came_to_no_end_is_deleted_once_nobody_writes_it() {
    let scratch = scratch().await;
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    let (large, prisons) = (names_of_prisons(100_000), ReferenceKind::Prisons);
    let import = store.import_references(prisons, &large);
    let stopped = tokio::time::timeout(Duration::from_millis(300), import).await;
    assert!(stopped.is_err());
    let left = rows(&scratch).await;
    assert!(left.0 > 0 && left.1 == 1, "{left:?}");
    assert_eq!(
        store.delete_replaced_references().await.unwrap(),
        0,
        "it may go on"
    );
    let later = "UPDATE reference_loads SET held_until = held_until - 60000";
    run(&mut scratch.raw().await, later).await;
    let deleted = store.delete_replaced_references().await.unwrap();
    assert_eq!(deleted, u64::try_from(left.0).unwrap());
    assert_eq!(rows(&scratch).await, (0, 0));
}

#[tokio::test]
async fn of_two_imports_at_once_the_one_that_was_begun_later_holds() {
    let scratch = scratch().await;
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    let (large, prisons) = (names_of_prisons(100_000), ReferenceKind::Prisons);
    let later = async {
        while rows(&scratch).await.0 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let imported = store.import_references(prisons, &large[..7]).await;
        let large_holds = store.reference_sources().await.unwrap()[0].entries != 7;
        (imported.unwrap(), large_holds)
    };
    let (first, second) = tokio::join!(store.import_references(prisons, &large), later);
    assert_eq!(
        (first.unwrap(), second),
        (100_000, (7, false)),
        "the second ends first"
    );
    assert_eq!(store.reference_sources().await.unwrap()[0].entries, 7);
    rows_become(&scratch, (7, 1)).await;
}

#[tokio::test]
async fn an_import_that_stood_still_for_too_long_fails_whole() {
    let scratch = scratch().await;
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    let (large, prisons) = (names_of_prisons(100_000), ReferenceKind::Prisons);
    let standing_still = async {
        while rows(&scratch).await.0 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let later = "UPDATE reference_loads SET held_until = held_until - 60000";
        run(&mut scratch.raw().await, later).await;
    };
    let (imported, ()) = tokio::join!(store.import_references(prisons, &large), standing_still);
    let refused = imported.unwrap_err().to_string();
    assert!(refused.contains("try again"), "{refused}");
    assert!(store.reference_sources().await.unwrap().is_empty());
    assert!(store.delete_replaced_references().await.unwrap() > 0);
    assert_eq!(rows(&scratch).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_writes_of_this_and_another_process_go_on_while_many_names_are_written() {
    let scratch = scratch().await;
    let (importing, other) = (
        SqliteStore::open(scratch.file()).await.unwrap(),
        SqliteStore::open(scratch.file()).await.unwrap(),
    );
    let importing = Arc::new(importing);
    services(&*importing, &["a"]).await;
    let store = Arc::clone(&importing);
    let import = tokio::spawn(async move {
        let names = names_of_prisons(600_000);
        let imported = store.import_references(ReferenceKind::Prisons, &names);
        assert_eq!(imported.await.unwrap(), 600_000);
    });
    let (import_began, mut longest, mut made) = (Instant::now(), Duration::ZERO, 0);
    while !import.is_finished() {
        for store in [&*importing, &other] {
            let began = Instant::now();
            store.create_request(new_request(&["a"])).await.unwrap();
            longest = longest.max(began.elapsed());
            made += 1;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    import.await.unwrap();
    assert!(made > 10, "{made}");
    // However fast the machine is: in one transaction it would be most of the time.
    let took = import_began.elapsed();
    assert!(longest < took / 4, "{longest:?} of {took:?}");
}

#[tokio::test]
async fn opening_again_changes_nothing() {
    let scratch = scratch().await;
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    let id = pending_of_a(&store).await;
    store.close().await;
    for _ in 0..2 {
        let store = SqliteStore::open(scratch.file()).await.unwrap();
        found(&store, id).await;
        store.close().await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_file_and_its_folder() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = scratch().await;
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    pending_of_a(&store).await;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(scratch.file().parent().unwrap()), 0o700);
    assert_eq!(mode(&scratch.file()), 0o600);
    let log = PathBuf::from(format!("{}-wal", scratch.file().display()));
    assert_eq!(mode(&log), 0o600);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let scratch = scratch().await;
    let file = scratch.folder.path().join("notes.txt");
    let text = "These are my notes, and no database at all. ".repeat(50);
    std::fs::write(&file, &text).unwrap();
    let refused = SqliteStore::open(&file).await.unwrap_err();
    assert!(matches!(refused, OpenError::NotADatabase(_)), "{refused}");
    assert!(refused.to_string().contains("is not a Dossier database"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test]
async fn another_programs_database_is_refused() {
    let scratch = scratch().await;
    let file = scratch.folder.path().join("other.sqlite");
    run(&mut raw(&file).await, "CREATE TABLE theirs (a)").await;
    let refused = SqliteStore::open(&file).await.unwrap_err();
    assert!(matches!(refused, OpenError::NotADatabase(_)), "{refused}");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let scratch = scratch().await;
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    run(&mut scratch.raw().await, "PRAGMA user_version = 999").await;
    let refused = SqliteStore::open(scratch.file()).await.unwrap_err();
    assert!(
        matches!(refused, OpenError::Newer { found: 999, .. }),
        "{refused}"
    );
    assert!(matches!(store.ping().await, Err(StoreError::Corrupt(_))));
}

#[tokio::test]
async fn a_file_without_a_folder_for_it_is_refused() {
    let scratch = scratch().await;
    let file = scratch.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = SqliteStore::open(file.join("dossier.sqlite")).await;
    assert!(matches!(refused, Err(OpenError::Folder { .. })));
}

#[tokio::test]
async fn an_error_text_holds_no_data() {
    let scratch = scratch().await;
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    services(&store, &["a"]).await;
    // SQLite passes on whatever a trigger says.
    let trigger = "CREATE TRIGGER full BEFORE INSERT ON requests \
                   BEGIN SELECT RAISE(ABORT, 'A1234AA Case-77'); END";
    run(&mut scratch.raw().await, trigger).await;
    let refused = store.create_request(new_request(&["a"])).await.unwrap_err();
    let shown = format!("{refused} {refused:?}");
    assert!(matches!(refused, StoreError::Unavailable(_)), "{shown}");
    assert!(
        !shown.contains("A1234AA") && !shown.contains("Case-77"),
        "{shown}"
    );
    run(&mut scratch.raw().await, "DROP TRIGGER full").await;
    pending(&store, &["a"]).await;
}

#[tokio::test]
async fn a_write_that_another_process_blocks_fails_in_time() {
    let scratch = scratch().await;
    let options = Options {
        patience: Duration::from_millis(100),
        ..Options::default()
    };
    let store = SqliteStore::open_with(scratch.file(), options)
        .await
        .unwrap();
    let id = pending_of_a(&store).await;
    let mut other = scratch.raw().await;
    run(&mut other, "BEGIN IMMEDIATE").await;
    let blocked = store.claim(id, "w", &rules()).await.unwrap_err();
    assert!(
        blocked.to_string().contains("locked by another process"),
        "{blocked}"
    );
    found(&store, id).await;
    run(&mut other, "ROLLBACK").await;
    claimed(&store, id).await;
}

#[tokio::test]
async fn what_no_version_writes_is_corrupt_and_not_shown() {
    let scratch = scratch().await;
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    let id = pending_of_a(&store).await;
    let damage = "UPDATE requests SET subject_id = 'secret'";
    run(&mut scratch.raw().await, damage).await;
    let refused = store.request(id).await.unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt("subject_id")));
    assert!(!format!("{refused} {refused:?}").contains("secret"));
}

#[tokio::test]
async fn a_published_template_stays_whoever_writes() {
    let scratch = scratch().await;
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    let id = pending_of_a(&store).await;
    let token = claimed(&store, id).await.token;
    let a = store.services().await.unwrap()[0].id;
    let sha256 = dossier_core::Sha256Hex::from_digest(&[1; 32]);
    store.register_template(a, &sha256, b"x").await.unwrap();
    store
        .resolve_template(id, token, &name("a"), &sha256)
        .await
        .unwrap();
    let mut raw = scratch.raw().await;
    for statement in [
        "UPDATE template_versions SET content = x'00'",
        "DELETE FROM template_versions",
    ] {
        let refused = sqlx::raw_sql(statement).execute(&mut raw).await;
        assert!(refused.is_err(), "{statement}");
    }
    assert_eq!(store.template_content(a, 1).await.unwrap().1, b"x");
}

async fn write(connection: &mut SqliteConnection, state: &State) {
    const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
    let request = format!(
        "UPDATE requests SET lease_token = NULL, lease_expires_at = NULL, leased_by = NULL;
         DELETE FROM attempts;
         UPDATE requests SET status = ?1, attempts = {attempts}, \
         due_at = {NOW} + {due} * 1000, clock_started_at = {NOW} + {clock} * 1000, claimed_at = {NOW}, \
         finished_at = CASE WHEN ?1 <> 'Pending' THEN 1 END, \
         completed_by = CASE WHEN ?1 = 'Completed' THEN zeroblob(16) END, \
         document_id = CASE WHEN ?1 = 'Completed' THEN zeroblob(16) END, \
         document_bytes = CASE WHEN ?1 = 'Completed' THEN 1 END, \
         document_sha256 = CASE WHEN ?1 = 'Completed' THEN hex(zeroblob(32)) END, \
         error_code = CASE WHEN ?1 = 'Errored' THEN 'TOO_OLD' END, \
         lease_token = CASE WHEN ?2 IS NOT NULL THEN randomblob(16) END, \
         lease_expires_at = {NOW} + ?2 * 1000, \
         leased_by = CASE WHEN ?2 IS NOT NULL THEN 'w' END;",
        attempts = state.attempts,
        due = state.due,
        clock = state.clock,
    );
    let quoted = |text: &str| format!("'{text}'");
    let lease = state.lease.map_or("NULL".to_owned(), |s| s.to_string());
    let mut sql = request
        .replace("?1", &quoted(state.status))
        .replace("?2", &lease);
    for (service, status) in ["a", "b", "c"].iter().zip(state.sections) {
        sql += &format!(
            "UPDATE sections SET status = '{status}', \
             held = CASE WHEN '{status}' = 'COMPLETE' THEN 'NO_DATA' END \
             WHERE service_id = (SELECT id FROM services WHERE name = '{service}');"
        );
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(connection)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_claim_statements_agree_with_the_rule_in_any_state() {
    let scratch = scratch().await;
    let store = SqliteStore::open(scratch.file()).await.unwrap();
    let connection = tokio::sync::Mutex::new(scratch.raw().await);
    agrees_in_any_state(&store, async |state: &State| {
        write(&mut *connection.lock().await, state).await;
    })
    .await;
}

#[tokio::test]
async fn a_file_is_migrated_by_one_who_says_so() {
    let scratch = scratch().await;
    let refusing = Options {
        migrate: false,
        ..Options::default()
    };
    let refused = SqliteStore::open_with(scratch.file(), refusing).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, OpenError::Older { found: 0, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("run `dossier migrate`"));
    assert!(!scratch.file().exists(), "nothing was made");
    let before = schema_state(scratch.file()).await.unwrap();
    assert_eq!((before.found, before.age()), (0, SchemaAge::Older));
    let done = migrate_file(scratch.file()).await.unwrap();
    assert_eq!((done.from, done.to), (0, before.known));
    let after = schema_state(scratch.file()).await.unwrap();
    assert_eq!(after.age(), SchemaAge::Current);
    let store = SqliteStore::open_with(scratch.file(), refusing).await;
    store.unwrap().ping().await.unwrap();
    run(&mut scratch.raw().await, "PRAGMA user_version = 999").await;
    let newer = schema_state(scratch.file()).await.unwrap();
    assert_eq!(newer.age(), SchemaAge::Newer);
}
