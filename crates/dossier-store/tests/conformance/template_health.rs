//! Whether services serve the templates that are registered.

use std::sync::Arc;
use std::time::Duration;

use dossier_core::service::{Service, ServiceDetails};
use dossier_core::template::{RegisteredTemplate, TemplateStatus};
use dossier_core::template_health::{
    AlertChange, ServedTemplate, TemplateChecked, TemplateHealth, TemplateQuestion, TemplateState,
};
use dossier_core::{LeaseToken, RequestId, Sha256Hex};
use dossier_store::Store;
use futures::future::join_all;

use super::Database;
use super::given::*;

const AT_ONCE: Duration = Duration::ZERO;
const LATER: Duration = Duration::from_secs(3600);

fn migrated(text: &str) -> ServiceDetails {
    ServiceDetails {
        template_migrated: true,
        ..details(text)
    }
}

async fn with_template(store: &dyn Store, text: &str) -> Service {
    store.add_service(migrated(text)).await.unwrap()
}

fn digest(byte: u8) -> Sha256Hex {
    Sha256Hex::from_digest(&[byte; 32])
}

fn text(byte: u8) -> ServedTemplate {
    ServedTemplate::Text(digest(byte))
}

async fn register(store: &dyn Store, service: &Service, byte: u8) {
    let sha256 = digest(byte);
    let registered = store.register_template(service.id, &sha256, &[byte]).await;
    registered.unwrap();
}

/// What the service `a` serves, as a worker with a lease of a new request is told.
async fn resolved(store: &dyn Store, byte: u8) -> RegisteredTemplate {
    let id = pending(store, &["a"]).await;
    let token = claimed(store, id).await.token;
    resolved_with(store, id, token, byte).await
}

async fn resolved_with(
    store: &dyn Store,
    id: RequestId,
    token: LeaseToken,
    byte: u8,
) -> RegisteredTemplate {
    let sha256 = digest(byte);
    let resolved = store.resolve_template(id, token, &name("a"), &sha256).await;
    resolved.unwrap()
}

/// The only question there is.
async fn question(store: &dyn Store) -> TemplateQuestion {
    let round = store.take_template_questions(AT_ONCE).await.unwrap();
    let [question] = &round.questions[..] else {
        panic!("{round:?}");
    };
    question.clone()
}

/// Asks, and records that.
async fn answered(store: &dyn Store, served: ServedTemplate, after: Duration) -> TemplateChecked {
    let question = question(store).await;
    recorded(store, &question, served, after).await
}

async fn recorded(
    store: &dyn Store,
    question: &TemplateQuestion,
    served: ServedTemplate,
    after: Duration,
) -> TemplateChecked {
    let recorded = store.record_served_template(question, &served, after).await;
    recorded.unwrap().unwrap()
}

async fn shown(store: &dyn Store) -> TemplateHealth {
    let all = store.template_health().await.unwrap();
    let [health] = &all[..] else {
        panic!("{all:?}");
    };
    health.clone()
}

pub async fn enabled_services_with_a_template_are_asked_now_and_then(database: &impl Database) {
    let store = &*database.store().await;
    with_template(store, "b").await;
    with_template(store, "a").await;
    service(store, "without").await;
    let disabled = ServiceDetails {
        enabled: false,
        ..migrated("disabled")
    };
    store.add_service(disabled).await.unwrap();
    let asked = async |every| {
        let round = store.take_template_questions(every).await.unwrap();
        let mut names: Vec<_> = round
            .questions
            .iter()
            .map(|question| question.service.details.name.to_string())
            .collect();
        names.sort();
        names
    };
    assert_eq!(asked(LATER).await, ["a", "b"]);
    assert!(asked(LATER).await.is_empty(), "they have just been asked");
    assert_eq!(asked(AT_ONCE).await, ["a", "b"]);
    assert!(store.template_health().await.unwrap().is_empty());
}

pub async fn a_question_is_one_processs_to_ask(database: &impl Database) {
    let stores = [database.store().await, database.store().await];
    for text in ["a", "b", "c"] {
        with_template(&*stores[0], text).await;
    }
    let racers = (0..8).map(|process| {
        let store = Arc::clone(&stores[process % stores.len()]);
        tokio::spawn(async move {
            let round = store.take_template_questions(LATER).await.unwrap();
            round.questions.len()
        })
    });
    let taken = join_all(racers).await;
    assert_eq!(
        taken.into_iter().map(|taken| taken.unwrap()).sum::<usize>(),
        3
    );
}

pub async fn what_is_served_is_compared_with_what_is_registered(database: &impl Database) {
    use TemplateState::{None as Nothing, NotRegistered, Unreachable, UpToDate};
    let store = &*database.store().await;
    let a = with_template(store, "a").await;
    register(store, &a, 1).await;
    assert_eq!(resolved(store, 1).await.version, 1);
    register(store, &a, 2).await;
    for (served, state, version) in [
        (text(1), UpToDate, Some(1)),
        (text(3), NotRegistered, None),
        (ServedTemplate::TooLarge, NotRegistered, None),
        (ServedTemplate::None, Nothing, None),
        (ServedTemplate::Unreachable, Unreachable, None),
    ] {
        let checked = answered(store, served.clone(), LATER).await;
        let health = checked.health;
        assert_eq!(
            (health.state, health.version),
            (state, version),
            "{served:?}"
        );
        assert_eq!(
            (health.service_id, &health.service_name),
            (a.id, &name("a"))
        );
        assert_eq!(checked.alert, None);
        match served {
            ServedTemplate::Text(sha256) => assert_eq!(health.served_sha256, Some(sha256)),
            _ => assert_eq!(health.served_sha256, None),
        }
        assert_eq!(shown(store).await, health);
        let current = checked.current;
        let numbers = [current.published, current.pending].map(|known| known.unwrap().version);
        assert_eq!(numbers, [1, 2]);
    }
    assert_eq!(resolved(store, 2).await.version, 2);
    let old = answered(store, text(1), LATER).await.health;
    assert_eq!(old.state, NotRegistered, "version 1 is an old one now");
}

pub async fn a_pending_version_that_is_seen_served_is_published(database: &impl Database) {
    let store = &*database.store().await;
    let a = with_template(store, "a").await;
    register(store, &a, 1).await;
    for other in [text(9), ServedTemplate::None, ServedTemplate::Unreachable] {
        answered(store, other, LATER).await;
        let pending = &store.template_versions(a.id).await.unwrap()[0];
        assert_eq!(pending.status, TemplateStatus::Pending);
    }
    let checked = answered(store, text(1), LATER).await;
    let health = checked.health;
    assert_eq!(
        (health.state, health.version),
        (TemplateState::UpToDate, Some(1))
    );
    let published = checked.current.published.unwrap();
    assert_eq!(checked.current.pending, None);
    assert_eq!(
        (published.version, published.status),
        (1, TemplateStatus::Published)
    );
    assert!(published.published_at >= Some(published.created_at));
    a_moment().await;
    answered(store, text(1), LATER).await;
    assert_eq!(resolved(store, 1).await, published, "it is published once");
    // What is registered next takes a number of its own, and what is served stays what may be.
    register(store, &a, 2).await;
    let health = answered(store, text(1), LATER).await.health;
    assert_eq!(
        (health.state, health.version),
        (TemplateState::UpToDate, Some(1))
    );
    let versions = store.template_versions(a.id).await.unwrap();
    let numbers: Vec<_> = versions.iter().map(|known| known.version).collect();
    assert_eq!((numbers, &versions[1]), (vec![2, 1], &published));
    assert_eq!(resolved(store, 1).await, published);
}

pub async fn an_answer_that_is_dropped_publishes_nothing(database: &impl Database) {
    let store = &*database.store().await;
    let a = with_template(store, "a").await;
    register(store, &a, 1).await;
    let slow = question(store).await;
    a_moment().await;
    question(store).await;
    let late = store.record_served_template(&slow, &text(1), AT_ONCE).await;
    assert_eq!(late.unwrap(), None);
    let version = &store.template_versions(a.id).await.unwrap()[0];
    assert_eq!(version.status, TemplateStatus::Pending);
}

pub async fn many_that_see_and_resolve_one_version_at_once_publish_it_once(
    database: &impl Database,
) {
    let stores = [database.store().await, database.store().await];
    let a = with_template(&*stores[0], "a").await;
    register(&*stores[0], &a, 1).await;
    let question = question(&*stores[0]).await;
    let mut holders = Vec::new();
    for _ in 0..4 {
        let id = pending(&*stores[0], &["a"]).await;
        holders.push((id, claimed(&*stores[0], id).await.token));
    }
    let racers = holders
        .into_iter()
        .enumerate()
        .flat_map(|(n, (id, token))| {
            let resolves = Arc::clone(&stores[n % 2]);
            let sees = Arc::clone(&stores[(n + 1) % 2]);
            let question = question.clone();
            [
                tokio::spawn(async move { resolved_with(&*resolves, id, token, 1).await }),
                tokio::spawn(async move {
                    let checked = recorded(&*sees, &question, text(1), LATER).await;
                    checked.current.published.unwrap()
                }),
            ]
        });
    let all: Vec<_> = join_all(racers).await;
    let versions = stores[1].template_versions(a.id).await.unwrap();
    assert_eq!(versions.len(), 1);
    // The same time of publication: the first one's.
    assert!(all.iter().all(|one| one.as_ref().unwrap() == &versions[0]));
}

pub async fn a_version_that_is_seen_while_it_is_replaced_is_published_or_not_served(
    database: &impl Database,
) {
    let stores = [database.store().await, database.store().await];
    let a = with_template(&*stores[0], "a").await;
    let mut published = 0;
    for round in (0..40).step_by(2) {
        register(&*stores[0], &a, round).await;
        let question = question(&*stores[0]).await;
        let (sees, registers) = (Arc::clone(&stores[0]), Arc::clone(&stores[1]));
        let service = a.clone();
        let seen = tokio::spawn(async move {
            let checked = recorded(&*sees, &question, text(round), LATER).await;
            checked.health
        });
        let registered =
            tokio::spawn(async move { register(&*registers, &service, round + 1).await });
        let health = seen.await.unwrap();
        registered.await.unwrap();
        let versions = stores[0].template_versions(a.id).await.unwrap();
        assert_eq!(
            (versions[0].status, &versions[0].sha256),
            (TemplateStatus::Pending, &digest(round + 1))
        );
        let is_kept = versions.iter().any(|known| known.sha256 == digest(round));
        assert_eq!(health.state == TemplateState::UpToDate, is_kept);
        published += u32::from(is_kept);
        assert_eq!(versions[0].version, published + 1);
    }
}

pub async fn a_state_is_shown_since_it_began(database: &impl Database) {
    let store = &*database.store().await;
    with_template(store, "a").await;
    let first = answered(store, text(1), LATER).await.health;
    assert_eq!(first.since, first.checked_at);
    a_moment().await;
    let second = answered(store, text(2), LATER).await.health;
    assert_eq!(second.since, first.since);
    assert!(second.checked_at > first.checked_at);
    a_moment().await;
    let third = answered(store, ServedTemplate::None, LATER).await.health;
    assert!(third.since > second.checked_at);
}

pub async fn an_alert_begins_when_an_unregistered_one_was_served_for_long(
    database: &impl Database,
) {
    let store = &*database.store().await;
    let a = with_template(store, "a").await;
    assert_eq!(answered(store, text(9), LATER).await.alert, None);
    // Registered or not, another process that is told so is told once; a restart changes nothing.
    let again = &*database.store().await;
    let began = answered(again, text(9), AT_ONCE).await;
    assert_eq!(began.alert, Some(AlertChange::Began));
    assert!(began.health.alert_since.is_some());
    let goes_on = answered(store, text(8), AT_ONCE).await;
    assert_eq!(goes_on.alert, None);
    assert_eq!(goes_on.health.alert_since, began.health.alert_since);
    let away = answered(store, ServedTemplate::Unreachable, AT_ONCE).await;
    assert_eq!(away.alert, None, "nobody knows what it would serve");
    assert_eq!(away.health.alert_since, began.health.alert_since);
    register(store, &a, 8).await;
    let ended = answered(store, text(8), AT_ONCE).await;
    assert_eq!(ended.alert, Some(AlertChange::Ended));
    assert_eq!(ended.health.alert_since, None);
    assert_eq!(answered(store, text(8), AT_ONCE).await.alert, None);
    let anew = answered(store, text(9), AT_ONCE).await;
    assert_eq!(anew.alert, Some(AlertChange::Began));
    let none = answered(store, ServedTemplate::None, AT_ONCE).await;
    assert_eq!(none.alert, Some(AlertChange::Ended));
}

pub async fn an_alert_does_not_begin_while_a_service_is_away(database: &impl Database) {
    let store = &*database.store().await;
    with_template(store, "a").await;
    answered(store, text(9), LATER).await;
    let away = answered(store, ServedTemplate::Unreachable, AT_ONCE).await;
    assert_eq!(away.alert, None);
    // The time before it went away counts.
    a_moment().await;
    let waited = Duration::from_millis(2);
    let back = answered(store, text(9), waited).await;
    assert_eq!(back.alert, Some(AlertChange::Began));
}

pub async fn a_registered_answer_starts_the_time_anew(database: &impl Database) {
    let store = &*database.store().await;
    let a = with_template(store, "a").await;
    register(store, &a, 1).await;
    answered(store, text(9), LATER).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    answered(store, text(1), LATER).await;
    let anew = answered(store, text(9), Duration::from_millis(50)).await;
    assert_eq!(anew.alert, None);
}

pub async fn an_answer_to_a_question_that_another_has_taken_is_dropped(database: &impl Database) {
    let stores = [database.store().await, database.store().await];
    with_template(&*stores[0], "a").await;
    let slow = question(&*stores[0]).await;
    a_moment().await;
    let health = answered(&*stores[1], text(1), LATER).await.health;
    let late = stores[0]
        .record_served_template(&slow, &text(2), AT_ONCE)
        .await;
    assert_eq!(late.unwrap(), None);
    assert_eq!(shown(&*stores[0]).await, health);
}

pub async fn many_that_record_one_answer_are_told_of_one_alert(database: &impl Database) {
    let stores = [database.store().await, database.store().await];
    with_template(&*stores[0], "a").await;
    let question = question(&*stores[0]).await;
    for (served, change) in [
        (text(9), AlertChange::Began),
        (ServedTemplate::None, AlertChange::Ended),
    ] {
        let racers = (0..8).map(|process| {
            let store = Arc::clone(&stores[process % stores.len()]);
            let (question, served) = (question.clone(), served.clone());
            tokio::spawn(async move {
                let recorded = store
                    .record_served_template(&question, &served, AT_ONCE)
                    .await;
                recorded.unwrap().unwrap().alert
            })
        });
        let told = join_all(racers).await;
        let told: Vec<_> = told.into_iter().filter_map(|told| told.unwrap()).collect();
        assert_eq!(told, [change]);
    }
}

pub async fn a_service_that_is_asked_no_more_is_forgotten(database: &impl Database) {
    let store = &*database.store().await;
    let a = with_template(store, "a").await;
    let question = question(store).await;
    let served = text(9);
    store
        .record_served_template(&question, &served, AT_ONCE)
        .await
        .unwrap();
    store.update_service(a.id, details("a")).await.unwrap();
    assert!(store.template_health().await.unwrap().is_empty());
    let round = store.take_template_questions(AT_ONCE).await.unwrap();
    assert!(round.questions.is_empty());
    assert_eq!(round.alerts_ended, [name("a")]);
    let round = store.take_template_questions(AT_ONCE).await.unwrap();
    assert!(round.alerts_ended.is_empty(), "that is said once");
    let late = store
        .record_served_template(&question, &served, AT_ONCE)
        .await;
    assert_eq!(late.unwrap(), None);
}
