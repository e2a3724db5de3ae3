//! The names behind codes, and where they come from.

use std::time::Duration;

use dossier_core::reference::{ReferenceCode, ReferenceKind, ReferenceName, ReferenceSource};
use dossier_store::{
    KnownReference, ReferenceSchedule, ReferenceState, RefreshClaim, Store, StoreError,
};

use super::Database;
use super::given::a_moment;

const PRISONS: ReferenceKind = ReferenceKind::Prisons;
const USERS: ReferenceKind = ReferenceKind::Users;
const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

fn code(text: &str) -> ReferenceCode {
    ReferenceCode::parse(text).unwrap()
}

fn name(text: &str) -> ReferenceName {
    ReferenceName::parse(text).unwrap()
}

fn source(text: &str) -> ReferenceSource {
    text.parse().unwrap()
}

fn entries(pairs: &[(&str, &str)]) -> Vec<(ReferenceCode, ReferenceName)> {
    let pairs = pairs.iter();
    pairs.map(|(c, n)| (code(c), name(n))).collect()
}

/// What counts for a code: its name, or none.
async fn name_of(
    store: &dyn Store,
    kind: ReferenceKind,
    text: &str,
    sources: &[&str],
) -> Option<String> {
    let sources: Vec<_> = sources.iter().map(|text| source(text)).collect();
    let known = store.reference_names(kind, &[code(text)], &sources).await;
    let first = known.unwrap().into_iter().next()?;
    first.name.map(|name| name.reveal().to_owned())
}

async fn schedule(store: &dyn Store, text: &str, kind: ReferenceKind, every: Option<Duration>) {
    let schedule = ReferenceSchedule {
        source: source(text),
        kind,
        every,
    };
    store.schedule_references(&[schedule]).await.unwrap();
}

async fn claim(store: &dyn Store, text: &str) -> Option<RefreshClaim> {
    store
        .claim_refresh(&source(text), PRISONS, MINUTE)
        .await
        .unwrap()
}

async fn loaded(store: &dyn Store, text: &str, pairs: &[(&str, &str)]) {
    schedule(store, text, PRISONS, Some(HOUR)).await;
    store.make_reference_due(&source(text)).await.unwrap();
    let token = claim(store, text).await.unwrap().token;
    let recorded = store
        .record_refresh(&source(text), PRISONS, token, &entries(pairs), HOUR)
        .await;
    assert!(recorded.unwrap());
    a_moment().await;
}

async fn state(store: &dyn Store, text: &str) -> ReferenceState {
    let states = store.reference_sources().await.unwrap();
    states
        .into_iter()
        .find(|state| state.source == source(text))
        .unwrap()
}

pub async fn an_import_replaces_what_was_imported_of_that_kind_and_nothing_else(
    database: &impl Database,
) {
    let store = &*database.store().await;
    let first = entries(&[("MDI", "Moorland"), ("LEI", "Leeds"), ("MDI", "Moorland 2")]);
    assert_eq!(store.import_references(PRISONS, &first).await.unwrap(), 2);
    let users = entries(&[("MDI", "Lovelace")]);
    store.import_references(USERS, &users).await.unwrap();
    assert_eq!(
        name_of(store, PRISONS, "MDI", &[]).await.as_deref(),
        Some("Moorland 2")
    );
    let second = entries(&[("LEI", "Leeds 2")]);
    assert_eq!(store.import_references(PRISONS, &second).await.unwrap(), 1);
    assert_eq!(name_of(store, PRISONS, "MDI", &[]).await, None);
    assert_eq!(
        name_of(store, PRISONS, "LEI", &[]).await.as_deref(),
        Some("Leeds 2")
    );
    assert_eq!(
        name_of(store, USERS, "MDI", &[]).await.as_deref(),
        Some("Lovelace")
    );
    assert_eq!(name_of(store, PRISONS, "lei", &[]).await, None);
    let states = store.reference_sources().await.unwrap();
    let shown: Vec<_> = states.iter().map(|s| (s.kind, s.entries)).collect();
    assert_eq!(shown, [(PRISONS, 1), (USERS, 1)]);
    assert!(states.iter().all(|s| s.source.is_import()
        && s.refreshed_at.is_some()
        && s.due_at.is_none()
        && s.error.is_none()));
}

/// So many codes, each with the same name.
fn many(numbers: std::ops::Range<u32>, text: &str) -> Vec<(ReferenceCode, ReferenceName)> {
    numbers
        .map(|n| (code(&format!("{n:05}")), name(text)))
        .collect()
}

pub async fn readers_of_names_that_are_replaced_find_the_old_or_the_new_ones(
    database: &impl Database,
) {
    let (writer, reader) = (&*database.store().await, &*database.store().await);
    let before = many(0..6_000, "old");
    writer.import_references(PRISONS, &before).await.unwrap();
    let wanted: Vec<_> = ["00000", "02999", "05999"].map(code).into();
    let reading = async {
        loop {
            let known = reader.reference_names(PRISONS, &wanted, &[]).await.unwrap();
            let mut names: Vec<_> = known.iter().map(|known| known.name.clone()).collect();
            assert_eq!(names.len(), 3, "none is missing");
            names.dedup();
            assert_eq!(names.len(), 1, "a mixture");
            let entries = reader.reference_sources().await.unwrap()[0].entries;
            assert_eq!(entries, 6_000);
            if names == [Some(name("new"))] {
                return;
            }
        }
    };
    let after = many(0..6_000, "new");
    let replacing = async { writer.import_references(PRISONS, &after).await };
    let (replaced, ()) = tokio::join!(replacing, reading);
    assert_eq!(replaced.unwrap(), 6_000);

    // A list is replaced in the same way.
    schedule(writer, "list", PRISONS, Some(HOUR)).await;
    let list = [source("list")];
    let token = claim(writer, "list").await.unwrap().token;
    let known = async |texts: &[&str]| {
        let codes: Vec<_> = texts.iter().map(|text| code(text)).collect();
        let known = reader.reference_names(PRISONS, &codes, &list).await;
        let of_list = |known: &KnownReference| known.source == list[0];
        known.unwrap().iter().filter(|k| of_list(k)).count()
    };
    let listed = many(0..6_000, "listed");
    let replacing = writer.record_refresh(&list[0], PRISONS, token, &listed, HOUR);
    let reading = async {
        loop {
            match known(&["00000", "02999", "05999"]).await {
                0 => tokio::task::yield_now().await,
                found => return found,
            }
        }
    };
    let (replaced, found) = tokio::join!(replacing, reading);
    assert!(replaced.unwrap());
    assert_eq!(found, 3);
}

pub async fn of_two_imports_at_once_one_holds_whole(database: &impl Database) {
    let (one, other) = (&*database.store().await, &*database.store().await);
    for _ in 0..3 {
        let (low, high) = (many(0..5_000, "low"), many(2_500..7_500, "high"));
        let imported = tokio::join!(
            one.import_references(PRISONS, &low),
            other.import_references(PRISONS, &high)
        );
        assert_eq!((imported.0.unwrap(), imported.1.unwrap()), (5_000, 5_000));
        let of = async |text| name_of(one, PRISONS, text, &[]).await;
        let (first, middle, last) = (of("00000").await, of("03000").await, of("07499").await);
        match middle.unwrap().as_str() {
            "low" => assert_eq!((first.as_deref(), last), (Some("low"), None)),
            _ => assert_eq!((first, last.as_deref()), (None, Some("high"))),
        }
        assert_eq!(state(one, "import").await.entries, 5_000);
    }
}

pub async fn an_import_that_came_to_no_end_changes_nothing(database: &impl Database) {
    let store = &*database.store().await;
    let before = many(0..10, "old");
    store.import_references(PRISONS, &before).await.unwrap();
    let large = many(0..50_000, "new");
    for millis in [1, 5, 20] {
        let import = store.import_references(PRISONS, &large);
        let ended = tokio::time::timeout(Duration::from_millis(millis), import).await;
        assert!(ended.is_err(), "it was stopped half done");
        let of = async |text| name_of(store, PRISONS, text, &[]).await;
        assert_eq!(of("00009").await.as_deref(), Some("old"));
        assert_eq!(of("00010").await, None);
        assert_eq!(state(store, "import").await.entries, 10);
    }
    let after = many(0..20, "newer");
    assert_eq!(store.import_references(PRISONS, &after).await.unwrap(), 20);
    let found = name_of(store, PRISONS, "00019", &[]).await;
    assert_eq!(found.as_deref(), Some("newer"));
}

pub async fn what_was_imported_wins_then_what_was_loaded_last(database: &impl Database) {
    let store = &*database.store().await;
    loaded(store, "b", &[("MDI", "of b"), ("LEI", "of b")]).await;
    loaded(store, "a", &[("MDI", "of a"), ("LEI", "of a")]).await;
    let both = ["a", "b"];
    let of = async |text| name_of(store, PRISONS, text, &both).await.unwrap();
    assert_eq!(of("MDI").await, "of a");
    loaded(store, "b", &[("MDI", "of b again"), ("LEI", "of b again")]).await;
    assert_eq!(of("MDI").await, "of b again");
    let imported = entries(&[("MDI", "imported")]);
    store.import_references(PRISONS, &imported).await.unwrap();
    a_moment().await;
    loaded(store, "a", &[("MDI", "of a again"), ("LEI", "of a again")]).await;
    assert_eq!(of("MDI").await, "imported");
    assert_eq!(of("LEI").await, "of a again");
}

pub async fn a_code_that_a_source_does_not_know_hides_no_name(database: &impl Database) {
    let store = &*database.store().await;
    loaded(store, "list", &[("MDI", "Moorland")]).await;
    let said = [(code("MDI"), None), (code("LEI"), None)];
    let each = source("each");
    store
        .remember_references(&each, PRISONS, &said)
        .await
        .unwrap();
    let known = store
        .reference_names(
            PRISONS,
            &[code("MDI"), code("LEI")],
            &[source("list"), each],
        )
        .await
        .unwrap();
    let of = |text: &str| {
        let known = known.iter().filter(|known| known.code == code(text));
        known.map(|k| k.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("MDI"), [Some(name("Moorland")), None]);
    assert_eq!(of("LEI"), [None]);
    assert_eq!(state(store, "each").await.entries, 0);
}

pub async fn only_the_sources_that_are_named_are_heard(database: &impl Database) {
    let store = &*database.store().await;
    loaded(store, "gone", &[("MDI", "Moorland")]).await;
    assert_eq!(name_of(store, PRISONS, "MDI", &["other"]).await, None);
    assert!(name_of(store, PRISONS, "MDI", &["gone"]).await.is_some());
}

pub async fn ten_thousand_codes_are_looked_up_at_once(database: &impl Database) {
    let store = &*database.store().await;
    let many: Vec<_> = (0..12_000)
        .map(|n| (code(&n.to_string()), name(&format!("\"Name\" {n}"))))
        .collect();
    assert_eq!(
        store.import_references(PRISONS, &many).await.unwrap(),
        12_000
    );
    let wanted: Vec<_> = (5_000..15_000).map(|n| code(&n.to_string())).collect();
    let known = store.reference_names(PRISONS, &wanted, &[]).await.unwrap();
    assert_eq!(known.len(), 7_000);
    assert!(
        known
            .iter()
            .all(|k| k.name == Some(name(&format!("\"Name\" {}", k.code.reveal()))))
    );
}

pub async fn what_is_remembered_is_replaced_code_by_code_and_forgotten_by_age(
    database: &impl Database,
) {
    let store = &*database.store().await;
    let each = source("each");
    let remember = async |pairs: &[(&str, Option<&str>)]| {
        let said: Vec<_> = pairs.iter().map(|(c, n)| (code(c), n.map(name))).collect();
        store
            .remember_references(&each, USERS, &said)
            .await
            .unwrap();
    };
    remember(&[("ada", None), ("bob", Some("Builder"))]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    remember(&[("ada", Some("Lovelace"))]).await;
    let of = async |text| name_of(store, USERS, text, &["each"]).await;
    assert_eq!(of("ada").await.as_deref(), Some("Lovelace"));
    assert_eq!(of("bob").await.as_deref(), Some("Builder"));
    let known = store
        .reference_names(USERS, &[code("bob")], std::slice::from_ref(&each))
        .await
        .unwrap();
    assert!(known[0].age >= Duration::from_millis(300) && known[0].age < MINUTE);
    let age = Duration::from_millis(250);
    let forgotten = store.forget_references(&each, USERS, age).await.unwrap();
    assert_eq!(forgotten, 1);
    assert_eq!(of("bob").await, None);
    assert_eq!(of("ada").await.as_deref(), Some("Lovelace"));
    store
        .note_reference_failure(&each, USERS, "it is down")
        .await
        .unwrap();
    let failed = state(store, "each").await;
    assert_eq!(failed.error.as_deref(), Some("it is down"));
    assert!(failed.tried_at >= failed.refreshed_at);
    assert_eq!((failed.entries, failed.due_at), (1, None));
    remember(&[("eve", None)]).await;
    assert_eq!(state(store, "each").await.error, None);
}

pub async fn a_new_source_is_due_and_one_refreshes_it(database: &impl Database) {
    let (one, other) = (&*database.store().await, &*database.store().await);
    assert!(claim(one, "list").await.is_none(), "nobody knows it");
    schedule(one, "list", PRISONS, Some(HOUR)).await;
    schedule(other, "list", PRISONS, Some(HOUR)).await;
    let claims = futures::future::join_all((0..8).map(|n| claim([one, other][n % 2], "list")));
    let won: Vec<_> = claims.await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert_eq!((won[0].entries, won[0].failures), (0, 0));
    let pairs = entries(&[("MDI", "Moorland")]);
    let list = source("list");
    let recorded = other
        .record_refresh(&list, PRISONS, won[0].token, &pairs, HOUR)
        .await;
    assert!(recorded.unwrap());
    assert!(claim(one, "list").await.is_none(), "it is not due");
    let state = state(one, "list").await;
    assert_eq!((state.entries, state.error), (1, None));
    let ahead = state
        .due_at
        .unwrap()
        .duration_since(state.refreshed_at.unwrap());
    assert_eq!(ahead.unsigned_abs(), HOUR);
    assert!(state.tried_at <= state.refreshed_at);
}

pub async fn a_claim_that_ran_out_is_taken_over_and_its_late_answer_changes_nothing(
    database: &impl Database,
) {
    let store = &*database.store().await;
    schedule(store, "list", PRISONS, Some(HOUR)).await;
    let list = source("list");
    let dead = store
        .claim_refresh(&list, PRISONS, Duration::ZERO)
        .await
        .unwrap()
        .unwrap();
    let live = claim(store, "list").await.unwrap();
    let late = entries(&[("MDI", "late")]);
    let late = store
        .record_refresh(&list, PRISONS, dead.token, &late, HOUR)
        .await;
    assert!(!late.unwrap());
    let failed = store
        .record_refresh_failure(&list, PRISONS, dead.token, "late", HOUR)
        .await;
    assert!(!failed.unwrap());
    assert_eq!(name_of(store, PRISONS, "MDI", &["list"]).await, None);
    assert_eq!(state(store, "list").await.error, None);
    let pairs = entries(&[("MDI", "Moorland")]);
    let recorded = store
        .record_refresh(&list, PRISONS, live.token, &pairs, HOUR)
        .await;
    assert!(recorded.unwrap());
    assert!(name_of(store, PRISONS, "MDI", &["list"]).await.is_some());
}

pub async fn a_claim_is_renewed_and_given_back_by_whoever_has_it(database: &impl Database) {
    let store = &*database.store().await;
    schedule(store, "list", PRISONS, Some(HOUR)).await;
    let list = source("list");
    assert!(!state(store, "list").await.loading);
    let brief = Duration::from_millis(200);
    let first = store.claim_refresh(&list, PRISONS, brief).await.unwrap();
    let first = first.unwrap().token;
    assert!(state(store, "list").await.loading);
    let renewed = store.renew_refresh(&list, PRISONS, first, MINUTE).await;
    assert!(renewed.unwrap());
    tokio::time::sleep(brief).await;
    assert!(claim(store, "list").await.is_none(), "it was renewed");
    let released = store.release_refresh(&list, PRISONS, first).await;
    assert!(released.unwrap());
    assert!(!state(store, "list").await.loading);
    let second = claim(store, "list")
        .await
        .expect("it is due as before")
        .token;
    let renewed = store
        .renew_refresh(&list, PRISONS, first, Duration::ZERO)
        .await;
    assert!(!renewed.unwrap(), "it is another's");
    let released = store.release_refresh(&list, PRISONS, first).await;
    assert!(!released.unwrap(), "it is another's");
    assert!(state(store, "list").await.loading);
    let pairs = entries(&[("MDI", "Moorland")]);
    let recorded = store
        .record_refresh(&list, PRISONS, second, &pairs, HOUR)
        .await;
    assert!(recorded.unwrap());
    assert!(!state(store, "list").await.loading);
    // One that ran out is not being loaded.
    store.make_reference_due(&list).await.unwrap();
    let dead = store.claim_refresh(&list, PRISONS, Duration::ZERO).await;
    assert!(dead.unwrap().is_some());
    assert!(!state(store, "list").await.loading);
}

pub async fn a_failure_keeps_the_names_and_waits(database: &impl Database) {
    let store = &*database.store().await;
    loaded(store, "list", &[("MDI", "Moorland"), ("LEI", "Leeds")]).await;
    let list = source("list");
    store.make_reference_due(&list).await.unwrap();
    let first = claim(store, "list").await.unwrap();
    assert_eq!((first.entries, first.failures), (2, 0));
    let failed = store
        .record_refresh_failure(&list, PRISONS, first.token, "status 500", Duration::ZERO)
        .await;
    assert!(failed.unwrap());
    let second = claim(store, "list").await.unwrap();
    assert_eq!((second.entries, second.failures), (2, 1));
    let failed = store
        .record_refresh_failure(&list, PRISONS, second.token, "status 502", MINUTE)
        .await;
    assert!(failed.unwrap());
    // Being scheduled again does not bring it forward.
    schedule(store, "list", PRISONS, Some(Duration::ZERO)).await;
    assert!(claim(store, "list").await.is_none());
    let shown = state(store, "list").await;
    assert_eq!(shown.error.as_deref(), Some("status 502"));
    assert_eq!(shown.entries, 2);
    assert!(shown.tried_at > shown.refreshed_at);
    assert!(name_of(store, PRISONS, "LEI", &["list"]).await.is_some());
}

pub async fn a_shorter_schedule_counts_from_the_last_refresh(database: &impl Database) {
    let store = &*database.store().await;
    loaded(store, "list", &[("MDI", "Moorland")]).await;
    schedule(store, "list", PRISONS, Some(2 * HOUR)).await;
    let until = |state: &ReferenceState| {
        let due = state.due_at.unwrap();
        due.duration_since(state.refreshed_at.unwrap())
            .unsigned_abs()
    };
    assert_eq!(
        until(&state(store, "list").await),
        HOUR,
        "that was promised"
    );
    schedule(store, "list", PRISONS, Some(MINUTE)).await;
    assert_eq!(until(&state(store, "list").await), MINUTE);
    schedule(store, "list", PRISONS, None).await;
    assert_eq!(state(store, "list").await.due_at, None);
}

pub async fn a_source_can_be_made_due(database: &impl Database) {
    let store = &*database.store().await;
    loaded(store, "list", &[("MDI", "Moorland")]).await;
    assert!(claim(store, "list").await.is_none());
    store.make_reference_due(&source("list")).await.unwrap();
    assert!(claim(store, "list").await.is_some());
    schedule(store, "each", USERS, None).await;
    for unknown in ["each", "nobody"] {
        let refused = store.make_reference_due(&source(unknown)).await;
        assert!(matches!(refused, Err(StoreError::NotFound)), "{unknown}");
    }
}

pub async fn a_removed_source_is_gone_with_its_names(database: &impl Database) {
    let store = &*database.store().await;
    loaded(store, "list", &[("MDI", "Moorland")]).await;
    loaded(store, "other", &[("MDI", "Other")]).await;
    let list = source("list");
    store.remove_references(&list, PRISONS).await.unwrap();
    let both = ["list", "other"];
    assert_eq!(
        name_of(store, PRISONS, "MDI", &both).await.as_deref(),
        Some("Other")
    );
    assert_eq!(store.reference_sources().await.unwrap().len(), 1);
    let again = store.remove_references(&list, PRISONS).await;
    assert!(matches!(again, Err(StoreError::NotFound)));
    schedule(store, "list", PRISONS, Some(HOUR)).await;
    assert!(claim(store, "list").await.is_some(), "it begins anew");
}
