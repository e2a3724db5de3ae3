//! The claim statement and the rule in words, in any state that a request can be in.

use std::time::Duration;

use dossier_core::lease::{LeaseRules, check_claim};
use dossier_store::{RequestFilter, Store, StoreError};
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::given::*;

/// A state of a request with sections of the services `a`, `b` and `c`. Times are seconds from now.
#[derive(Clone, Debug)]
pub struct State {
    pub status: &'static str,
    pub lease: Option<i64>,
    pub due: i64,
    pub clock: i64,
    pub attempts: i64,
    pub sections: [&'static str; 3],
}

fn states() -> impl Strategy<Value = State> {
    let offset = || prop::sample::select(vec![-3600_i64, -10, 10, 3600]);
    let section = || prop::sample::select(vec!["PENDING", "COMPLETE", "ERRORED", "SUSPENDED"]);
    let statuses = vec!["Pending", "Pending", "Pending", "Completed", "Errored"];
    (
        prop::sample::select(statuses),
        prop::option::of(offset()),
        prop::sample::select(vec![-10_i64, -10, -1, 10]),
        prop::sample::select(vec![-20_i64, -20, -3000, -5000]),
        0..5_i64,
        [section(), section(), section()],
    )
        .prop_map(|(status, lease, due, clock, attempts, sections)| State {
            status,
            lease: lease.filter(|_| status == "Pending"),
            due,
            clock,
            attempts,
            sections,
        })
}

/// Lets `write` put the only request into states, and claims it in each.
pub async fn agrees_in_any_state(store: &dyn Store, write: impl AsyncFn(&State)) {
    services(store, &["a", "b", "c"]).await;
    let id = pending(store, &["a", "b", "c"]).await;
    let limits = LeaseRules {
        attempts_max: 3,
        age_max: Duration::from_secs(4000),
        ..rules()
    };
    let agrees = async |state: State| {
        write(&state).await;
        let request = found(store, id).await;
        let rule = check_claim(&request, &limits, Timestamp::now());
        let claimable = RequestFilter {
            claimable: true,
            ..filter()
        };
        let listed = store.count_requests(&claimable, &limits).await.unwrap();
        prop_assert_eq!(listed == 1, rule.is_ok(), "listed: {:?}", rule);
        // Either claim must agree.
        let claim = match state.attempts % 2 {
            0 => store.claim(id, "w", &limits).await,
            _ => match store.claim_oldest(1, "w", &limits).await.unwrap().pop() {
                Some(claim) => Ok(claim),
                None => store.claim(id, "w", &limits).await,
            },
        };
        match (claim, rule) {
            (Ok(claim), Ok(())) => prop_assert_eq!(claim.attempt, request.attempts + 1),
            (Err(StoreError::Claim(refusal)), Err(expected)) => {
                prop_assert_eq!(refusal, expected);
            }
            (claim, rule) => prop_assert!(false, "{:?} but {:?}", claim.is_ok(), rule),
        }
        Ok(())
    };
    let config = Config {
        cases: 200,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        let outcome =
            TestRunner::new(config).run(&states(), |state| runtime.block_on(agrees(state)));
        if let Err(failure) = outcome {
            panic!("{failure}");
        }
    });
}
