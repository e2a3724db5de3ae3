//! Versions of services' templates.

use std::sync::Arc;
use std::time::Duration;

use dossier_core::lease::LeaseRefusal;
use dossier_core::service::ServiceDetails;
use dossier_core::template::{RegisteredTemplate, TemplateStatus};
use dossier_core::template_health::ServedTemplate;
use dossier_core::{LeaseToken, RequestId, ServiceId, Sha256Hex};
use dossier_store::{Store, StoreError};
use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::Database;
use super::given::*;

use TemplateStatus::{Pending, Published};

fn digest(text: &str) -> Sha256Hex {
    let mut bytes = [0; 32];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    Sha256Hex::from_digest(&bytes)
}

async fn register(store: &dyn Store, service: ServiceId, text: &str) -> RegisteredTemplate {
    let sha256 = digest(text);
    let registration = store.register_template(service, &sha256, text.as_bytes());
    registration.await.unwrap().template
}

/// The holder of a live lease of a request for the service `a`.
struct Holder {
    id: RequestId,
    token: LeaseToken,
}

impl Holder {
    async fn of_a(store: &dyn Store) -> Self {
        let id = pending(store, &["a"]).await;
        let token = claimed(store, id).await.token;
        Self { id, token }
    }

    async fn resolve(
        &self,
        store: &dyn Store,
        text: &str,
    ) -> Result<RegisteredTemplate, StoreError> {
        store
            .resolve_template(self.id, self.token, &name("a"), &digest(text))
            .await
    }
}

/// Numbers, states and digests, newest first.
async fn history(store: &dyn Store, service: ServiceId) -> Vec<(u32, TemplateStatus, Sha256Hex)> {
    let versions = store.template_versions(service).await.unwrap();
    versions
        .into_iter()
        .map(|template| (template.version, template.status, template.sha256))
        .collect()
}

pub async fn a_new_version_is_pending_and_has_its_bytes(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await.id;
    let content = [0xff, 0x00, b'\r', b'\n'];
    let sha256 = digest("any");
    let registration = store.register_template(a, &sha256, &content).await.unwrap();
    assert!(!registration.repeated);
    let template = registration.template;
    assert_eq!((template.service_id, template.version), (a, 1));
    assert_eq!((template.status, template.published_at), (Pending, None));
    assert_eq!((&template.sha256, template.bytes), (&sha256, 4));
    let (found, bytes) = store.template_content(a, 1).await.unwrap();
    assert_eq!((found, bytes.as_slice()), (template.clone(), &content[..]));
    assert_eq!(store.template_versions(a).await.unwrap(), [template]);
}

pub async fn every_service_counts_its_own_versions(database: &impl Database) {
    let store = &*database.store().await;
    let (a, b) = (service(store, "a").await.id, service(store, "b").await.id);
    register(store, a, "x").await;
    let holder = Holder::of_a(store).await;
    holder.resolve(store, "x").await.unwrap();
    assert_eq!(register(store, a, "y").await.version, 2);
    assert_eq!(register(store, b, "x").await.version, 1);
    assert_eq!(history(store, b).await, [(1, Pending, digest("x"))]);
}

pub async fn a_pending_version_is_replaced_and_its_number_used_again(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await.id;
    let first = register(store, a, "x").await;
    let second = register(store, a, "y").await;
    assert_eq!((first.version, second.version), (1, 1));
    assert_ne!(first.id, second.id);
    assert_eq!(history(store, a).await, [(1, Pending, digest("y"))]);
    let (_, bytes) = store.template_content(a, 1).await.unwrap();
    assert_eq!(bytes, b"y");
}

pub async fn bytes_that_may_be_served_already_are_not_registered_again(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await.id;
    let pending = register(store, a, "x").await;
    let again = store
        .register_template(a, &digest("x"), b"x")
        .await
        .unwrap();
    assert_eq!((again.template, again.repeated), (pending, true));
    let holder = Holder::of_a(store).await;
    let published = holder.resolve(store, "x").await.unwrap();
    register(store, a, "y").await;
    let again = store
        .register_template(a, &digest("x"), b"x")
        .await
        .unwrap();
    assert_eq!((again.template, again.repeated), (published, true));
    // What is pending stays: to be served, or not.
    let expected = [(2, Pending, digest("y")), (1, Published, digest("x"))];
    assert_eq!(history(store, a).await, expected);
}

pub async fn a_pending_version_is_published_when_it_is_served(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await.id;
    let registered = register(store, a, "x").await;
    let holder = Holder::of_a(store).await;
    let resolved = holder.resolve(store, "x").await.unwrap();
    assert_eq!(resolved.status, Published);
    assert!(resolved.published_at >= Some(registered.created_at));
    let pending = RegisteredTemplate {
        status: Pending,
        published_at: None,
        ..resolved.clone()
    };
    assert_eq!(pending, registered, "nothing else has changed");
    a_moment().await;
    let again = Holder::of_a(store).await.resolve(store, "x").await.unwrap();
    assert_eq!(again, resolved, "it is published once");
    assert_eq!(store.template_versions(a).await.unwrap(), [resolved]);
}

pub async fn while_a_version_is_pending_the_one_before_is_served_too(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await.id;
    register(store, a, "x").await;
    let holder = Holder::of_a(store).await;
    holder.resolve(store, "x").await.unwrap();
    register(store, a, "y").await;
    assert_eq!(holder.resolve(store, "x").await.unwrap().version, 1);
    assert_eq!(history(store, a).await[0], (2, Pending, digest("y")));
    assert_eq!(holder.resolve(store, "y").await.unwrap().version, 2);
}

pub async fn an_older_version_is_refused_until_it_is_registered_again(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await.id;
    let holder = {
        register(store, a, "x").await;
        Holder::of_a(store).await
    };
    holder.resolve(store, "x").await.unwrap();
    register(store, a, "y").await;
    holder.resolve(store, "y").await.unwrap();
    let refused = holder.resolve(store, "x").await;
    let Err(StoreError::UnregisteredTemplate(refusal)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal.served, digest("x"));
    assert_eq!(refusal.published, Some((2, digest("y"))));
    assert_eq!(refusal.pending, None);
    assert_eq!(register(store, a, "x").await.version, 3);
    assert_eq!(holder.resolve(store, "x").await.unwrap().version, 3);
}

pub async fn an_unknown_digest_is_refused_with_those_that_are_expected(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await.id;
    let b = service(store, "b").await.id;
    register(store, b, "z").await;
    let holder = Holder::of_a(store).await;
    let expected = async |published: Option<(u32, &str)>, pending: Option<(u32, &str)>| {
        let refused = holder.resolve(store, "z").await;
        let Err(StoreError::UnregisteredTemplate(refusal)) = refused else {
            panic!("{refused:?}");
        };
        let known = |known: Option<(u32, &str)>| known.map(|(n, text)| (n, digest(text)));
        assert_eq!(refusal.published, known(published));
        assert_eq!(refusal.pending, known(pending));
    };
    expected(None, None).await;
    register(store, a, "x").await;
    expected(None, Some((1, "x"))).await;
    holder.resolve(store, "x").await.unwrap();
    expected(Some((1, "x")), None).await;
    register(store, a, "y").await;
    expected(Some((1, "x")), Some((2, "y"))).await;
}

pub async fn without_the_current_lease_nothing_is_published(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await.id;
    service(store, "b").await;
    register(store, a, "x").await;
    let expired = pending(store, &["a"]).await;
    let lost = claimed_and_lost(store, expired).await.token;
    let completed_request = pending(store, &["a"]).await;
    let finished = completed(store, completed_request).await;
    let taken_over = pending(store, &["a"]).await;
    let stale = claimed_and_lost(store, taken_over).await.token;
    let current = claimed(store, taken_over).await.token;
    let of_b = pending(store, &["b"]).await;
    let elsewhere = claimed(store, of_b).await.token;
    for (id, token, refusal) in [
        (expired, lost, LeaseRefusal::Lost),
        (taken_over, stale, LeaseRefusal::Lost),
        (taken_over, elsewhere, LeaseRefusal::Lost),
        (completed_request, finished, LeaseRefusal::Finished),
        (RequestId::generate(), current, LeaseRefusal::Unknown),
        (of_b, elsewhere, LeaseRefusal::UnknownSection),
    ] {
        // Whatever else is wrong, that is what is said.
        for text in ["x", "unknown"] {
            let refused = store
                .resolve_template(id, token, &name("a"), &digest(text))
                .await;
            assert!(
                matches!(&refused, Err(StoreError::Lease(said)) if *said == refusal),
                "{refused:?} instead of {refusal:?}"
            );
        }
        assert_eq!(history(store, a).await, [(1, Pending, digest("x"))]);
    }
    let holder = Holder {
        id: taken_over,
        token: current,
    };
    assert_eq!(holder.resolve(store, "x").await.unwrap().version, 1);
}

pub async fn many_that_resolve_one_version_at_once_publish_it_once(database: &impl Database) {
    let stores = [database.store().await, database.store().await];
    let a = service(&*stores[0], "a").await.id;
    register(&*stores[0], a, "x").await;
    let mut holders = Vec::new();
    for _ in 0..8 {
        holders.push(Holder::of_a(&*stores[0]).await);
    }
    let racers = holders.into_iter().enumerate().map(|(worker, holder)| {
        let store = Arc::clone(&stores[worker % stores.len()]);
        tokio::spawn(async move { holder.resolve(&*store, "x").await.unwrap() })
    });
    let resolved: Vec<_> = join_all(racers).await;
    let first = resolved[0].as_ref().unwrap();
    assert_eq!(first.version, 1);
    // The same time of publication: the first one's.
    assert!(
        resolved
            .iter()
            .all(|other| other.as_ref().unwrap() == first)
    );
    let versions = stores[1].template_versions(a).await.unwrap();
    assert_eq!(&versions[..], std::slice::from_ref(first));
}

pub async fn many_that_register_the_same_at_once_make_one_version(database: &impl Database) {
    let stores = [database.store().await, database.store().await];
    let a = service(&*stores[0], "a").await.id;
    let racers = (0..8).map(|worker| {
        let store = Arc::clone(&stores[worker % stores.len()]);
        tokio::spawn(async move {
            store
                .register_template(a, &digest("x"), b"x")
                .await
                .unwrap()
        })
    });
    let all = join_all(racers).await;
    let new = all.iter().filter(|one| !one.as_ref().unwrap().repeated);
    assert_eq!(new.count(), 1);
    assert_eq!(history(&*stores[0], a).await, [(1, Pending, digest("x"))]);
}

pub async fn a_service_shows_its_current_versions(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    assert_eq!(
        (a.template_version, a.pending_template_version),
        (None, None)
    );
    register(store, a.id, "x").await;
    let holder = Holder::of_a(store).await;
    holder.resolve(store, "x").await.unwrap();
    register(store, a.id, "y").await;
    let shown = &store.services().await.unwrap()[0];
    let current = (shown.template_version, shown.pending_template_version);
    assert_eq!(current, (Some(1), Some(2)));
    let updated = store.update_service(a.id, details("a")).await.unwrap();
    assert_eq!(updated, *shown);
}

pub async fn versions_of_an_unknown_service_are_not_found(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await.id;
    let unknown = ServiceId::generate();
    assert!(store.template_versions(a).await.unwrap().is_empty());
    let versions = store.template_versions(unknown).await.map(drop);
    let content = store.template_content(a, 1).await.map(drop);
    let sha256 = digest("x");
    let registered = store.register_template(unknown, &sha256, b"x").await;
    for refused in [versions, content, registered.map(drop)] {
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    }
}

const TEXTS: [&str; 3] = ["x", "y", "z"];

/// A step; `live` says whether the worker holds the lease.
#[derive(Clone, Copy, Debug)]
enum Step {
    Register {
        text: usize,
    },
    Resolve {
        text: usize,
        live: bool,
    },
    /// The scheduled check is served it.
    See {
        text: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let text = || 0..TEXTS.len();
    let step = prop_oneof![
        text().prop_map(|text| Step::Register { text }),
        (text(), any::<bool>()).prop_map(|(text, live)| Step::Resolve { text, live }),
        text().prop_map(|text| Step::See { text }),
    ];
    prop::collection::vec(step, 1..20)
}

/// What the registry should be: texts in the order of their numbers.
#[derive(Default)]
struct Model {
    published: Vec<usize>,
    pending: Option<usize>,
}

impl Model {
    /// The number that the step is answered with, if it goes through.
    fn step(&mut self, step: Step) -> Option<usize> {
        let latest = self.published.len();
        match step {
            Step::Register { text } if self.published.last() == Some(&text) => Some(latest),
            Step::Register { text } => {
                self.pending = Some(text);
                Some(latest + 1)
            }
            Step::Resolve { live: false, .. } => None,
            Step::Resolve { text, .. } | Step::See { text } => {
                if self.published.last() == Some(&text) {
                    return Some(latest);
                }
                if self.pending != Some(text) {
                    return None;
                }
                self.published.extend(self.pending.take());
                Some(latest + 1)
            }
        }
    }

    /// Newest first.
    fn history(&self) -> Vec<(u32, TemplateStatus, Sha256Hex)> {
        let pending = self.pending.map(|text| (Pending, text));
        let published = self.published.iter().map(|text| (Published, *text));
        let all = published.chain(pending).zip(1..);
        let mut all: Vec<_> = all
            .map(|((status, text), number)| (number, status, digest(TEXTS[text])))
            .collect();
        all.reverse();
        all
    }
}

/// The number that the scheduled check has for what a service serves.
async fn seen(store: &dyn Store, service: ServiceId, text: &str) -> Option<u32> {
    let round = store.take_template_questions(Duration::ZERO).await.unwrap();
    let mut questions = round.questions.iter();
    let question = questions.find(|question| question.service.id == service);
    let served = ServedTemplate::Text(digest(text));
    let recorded = store
        .record_served_template(question.unwrap(), &served, Duration::MAX)
        .await;
    recorded.unwrap().unwrap().health.version
}

async fn agree(store: &dyn Store, service: &str, steps: &[Step]) -> Result<(), TestCaseError> {
    let migrated = ServiceDetails {
        template_migrated: true,
        ..details(service)
    };
    let known = store.add_service(migrated).await.unwrap().id;
    let id = pending(store, &[service]).await;
    let live = claimed(store, id).await.token;
    let mut model = Model::default();
    for (place, step) in steps.iter().enumerate() {
        let expected = model.step(*step);
        let happened = match *step {
            Step::Register { text } => Some(register(store, known, TEXTS[text]).await.version),
            Step::Resolve { text, live: holds } => {
                let token = if holds { live } else { LeaseToken::generate() };
                let sha256 = digest(TEXTS[text]);
                let name = name(service);
                let resolved = store.resolve_template(id, token, &name, &sha256).await;
                resolved.ok().map(|template| template.version)
            }
            Step::See { text } => seen(store, known, TEXTS[text]).await,
        };
        let expected = expected.map(|number| u32::try_from(number).unwrap());
        prop_assert_eq!(happened, expected, "step {} {:?}", place, step);
        prop_assert_eq!(history(store, known).await, model.history());
    }
    Ok(())
}

pub async fn any_order_of_steps_agrees_with_the_model(database: &impl Database) {
    let store = database.store().await;
    let config = Config {
        cases: 32,
        failure_persistence: None,
        max_shrink_iters: 100,
        ..Config::default()
    };
    let case = std::sync::atomic::AtomicU32::new(0);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        let outcome = TestRunner::new(config).run(&steps(), |steps| {
            let number = case.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            runtime.block_on(agree(&*store, &format!("service-{number}"), &steps))
        });
        if let Err(failure) = outcome {
            panic!("{failure}");
        }
    });
}
