//! Which requests are claimed before others.

use dossier_core::RequestId;
use dossier_core::request::{NewRequest, PRIORITY_HOURS, Priority};
use dossier_store::Store;

use super::Database;
use super::given::*;

const STEP_SECONDS: i64 = PRIORITY_HOURS as i64 * 3600;

async fn of(store: &dyn Store, priority: Priority) -> RequestId {
    a_moment().await;
    let new = NewRequest {
        priority,
        ..new_request(&["a"])
    };
    store.create_request(new).await.unwrap().id
}

/// All that can be claimed, as it is: one by one, or all at once.
async fn order(store: &dyn Store, max: u32) -> Vec<RequestId> {
    let mut order = Vec::new();
    loop {
        let claims = store.claim_oldest(max, "w", &rules()).await.unwrap();
        if claims.is_empty() {
            return order;
        }
        order.extend(claims.iter().map(|claim| claim.request.id));
    }
}

pub async fn a_high_request_goes_before_and_a_low_one_behind(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    for max in [1, 10] {
        let low = of(store, Priority::Low).await;
        let normal = of(store, Priority::Normal).await;
        let high = of(store, Priority::High).await;
        assert_eq!(order(store, max).await, [high, normal, low]);
    }
}

pub async fn a_low_request_is_never_starved(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    // Old enough by a minute to be overtaken no more.
    let low = of(store, Priority::Low).await;
    database.age(low, 2 * STEP_SECONDS + 120).await;
    let normal = of(store, Priority::Normal).await;
    database.age(normal, STEP_SECONDS + 60).await;
    let high = of(store, Priority::High).await;
    assert_eq!(order(store, 10).await, [low, normal, high]);

    // And a minute too young for that.
    let low = of(store, Priority::Low).await;
    database.age(low, 2 * STEP_SECONDS - 60).await;
    let high = of(store, Priority::High).await;
    assert_eq!(order(store, 1).await, [high, low]);
}

pub async fn those_of_one_priority_are_claimed_as_they_came_in(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    for priority in Priority::ALL {
        let mut made = Vec::new();
        for _ in 0..3 {
            made.push(of(store, priority).await);
        }
        assert_eq!(order(store, 2).await, made);
    }
}

pub async fn a_priority_is_kept(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    for priority in Priority::ALL {
        let id = of(store, priority).await;
        assert_eq!(found(store, id).await.priority, priority);
        let claim = claimed(store, id).await;
        assert_eq!(claim.request.priority, priority);
        let duplicate = store.duplicate_request(id, "sue").await.unwrap();
        assert_eq!(duplicate.priority, priority);
        finished(store, id, claim.token).await;
        store.archive_request(id).await.unwrap();
        let archived = store.archived_requests(None, FIRST_PAGE).await.unwrap();
        let archived = archived.iter().find(|archived| archived.request.id == id);
        assert_eq!(archived.unwrap().request.priority, priority);
    }
}
