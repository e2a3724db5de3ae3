//! Any order of steps by two workers, against a model of the lock that fits on a page.

use std::time::Duration;

use dossier_core::lease::{LeaseRules, ReleaseReason};
use dossier_core::request::RequestStatus;
use dossier_core::{LeaseToken, RequestId};
use dossier_store::Store;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::Database;
use super::given::*;

const ATTEMPTS_MAX: u32 = 3;
const CASES: u32 = 32;

/// A step; `live` says whether the lease that it takes or renews holds on or expires at once.
#[derive(Clone, Copy, Debug)]
enum Step {
    Claim { worker: usize, live: bool },
    ClaimOldest { worker: usize },
    Renew { worker: usize, live: bool },
    Fail { worker: usize },
    HandBack { worker: usize },
    Complete { worker: usize },
    Expire,
    Cancel,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let worker = || 0..2usize;
    let step = prop_oneof![
        4 => (worker(), any::<bool>()).prop_map(|(worker, live)| Step::Claim { worker, live }),
        2 => worker().prop_map(|worker| Step::ClaimOldest { worker }),
        3 => (worker(), any::<bool>()).prop_map(|(worker, live)| Step::Renew { worker, live }),
        3 => worker().prop_map(|worker| Step::Fail { worker }),
        2 => worker().prop_map(|worker| Step::HandBack { worker }),
        2 => worker().prop_map(|worker| Step::Complete { worker }),
        1 => Just(Step::Expire),
        1 => Just(Step::Cancel),
        2 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..20)
}

/// What the lock should be.
struct Model {
    status: RequestStatus,
    /// Who holds a live lease.
    holder: Option<usize>,
    attempts: u32,
    completed_by: Option<usize>,
}

impl Model {
    /// Whether the step should go through, and what is then.
    fn step(&mut self, step: Step) -> bool {
        use RequestStatus::{Completed, Errored, Pending};
        let free = self.status == Pending && self.holder.is_none();
        let holds = |worker| self.status == Pending && self.holder == Some(worker);
        let allowed = match step {
            Step::Claim { .. } | Step::ClaimOldest { .. } => free && self.attempts < ATTEMPTS_MAX,
            Step::Renew { worker, .. } | Step::Fail { worker } | Step::HandBack { worker } => {
                holds(worker)
            }
            Step::Complete { worker } => holds(worker) || self.completed_by == Some(worker),
            Step::Expire => free && self.attempts >= ATTEMPTS_MAX,
            Step::Cancel => self.status == Pending,
            Step::Restart => self.status == Errored,
        };
        if !allowed {
            return false;
        }
        match step {
            Step::Claim { worker, live } => {
                self.attempts += 1;
                self.holder = live.then_some(worker);
            }
            Step::ClaimOldest { worker } => {
                self.attempts += 1;
                self.holder = Some(worker);
            }
            Step::Renew { worker, live } => self.holder = live.then_some(worker),
            Step::Fail { .. } => {
                self.holder = None;
                if self.attempts >= ATTEMPTS_MAX {
                    self.status = Errored;
                }
            }
            Step::HandBack { .. } => {
                self.holder = None;
                self.attempts -= 1;
            }
            Step::Complete { worker } => {
                (self.status, self.holder) = (Completed, None);
                self.completed_by = Some(worker);
            }
            Step::Expire | Step::Cancel => (self.status, self.holder) = (Errored, None),
            Step::Restart => (self.status, self.attempts) = (Pending, 0),
        }
        true
    }
}

/// Takes the step in the store; answers whether it went through.
async fn take(store: &dyn Store, id: RequestId, tokens: &mut [LeaseToken; 2], step: Step) -> bool {
    let by = |live| LeaseRules {
        attempts_max: ATTEMPTS_MAX,
        ..if live { rules() } else { lost_at_once() }
    };
    let now = Duration::ZERO;
    match step {
        Step::Claim { worker, live } => {
            let claim = store.claim(id, "w", &by(live)).await;
            if let Ok(claim) = &claim {
                tokens[worker] = claim.token;
            }
            claim.is_ok()
        }
        Step::ClaimOldest { worker } => {
            let claims = store.claim_oldest(5, "w", &by(true)).await.unwrap();
            if let Some(claim) = claims.first() {
                tokens[worker] = claim.token;
            }
            !claims.is_empty()
        }
        Step::Renew { worker, live } => store.renew(id, tokens[worker], &by(live)).await.is_ok(),
        Step::Fail { worker } => {
            let reason = ReleaseReason::Failed("x".to_owned());
            let token = tokens[worker];
            store
                .release(id, token, &reason, now, &by(true))
                .await
                .is_ok()
        }
        Step::HandBack { worker } => {
            let reason = ReleaseReason::ShuttingDown;
            let token = tokens[worker];
            store
                .release(id, token, &reason, now, &by(true))
                .await
                .is_ok()
        }
        Step::Complete { worker } => {
            let token = tokens[worker];
            let collected = store
                .record_section(id, token, &name("a"), &nothing_held())
                .await;
            let completed = store.complete(id, token, &report(token), 1, &[]).await;
            assert!(collected.is_err() || completed.is_ok());
            completed.is_ok()
        }
        Step::Expire => !store.expire_requests(&by(true)).await.unwrap().is_empty(),
        Step::Cancel => store.cancel_request(id, "x").await.is_ok(),
        Step::Restart => store.restart_request(id).await.is_ok(),
    }
}

async fn agree(store: &dyn Store, steps: &[Step]) -> Result<(), TestCaseError> {
    let id = pending(store, &["a"]).await;
    let mut tokens = [LeaseToken::generate(), LeaseToken::generate()];
    let mut model = Model {
        status: RequestStatus::Pending,
        holder: None,
        attempts: 0,
        completed_by: None,
    };
    for (place, step) in steps.iter().enumerate() {
        let expected = model.step(*step);
        let happened = take(store, id, &mut tokens, *step).await;
        prop_assert_eq!(happened, expected, "step {} {:?}", place, step);
        let request = found(store, id).await;
        prop_assert_eq!(request.status, model.status);
        prop_assert_eq!(request.attempts, model.attempts);
        prop_assert_eq!(request.lease_expires_at.is_some(), model.holder.is_some());
    }
    // Out of the next case's way.
    if model.status == RequestStatus::Pending {
        store.cancel_request(id, "over").await.unwrap();
    }
    Ok(())
}

pub async fn any_order_of_steps_by_two_workers_agrees_with_the_model(database: &impl Database) {
    let store = database.store().await;
    services(&*store, &["a"]).await;
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        let outcome =
            TestRunner::new(config).run(&steps(), |steps| runtime.block_on(agree(&*store, &steps)));
        if let Err(failure) = outcome {
            panic!("{failure}");
        }
    });
}
