//! Lists, searches and counts.

use std::time::Duration;

use dossier_core::RequestId;
use dossier_core::lease::ReleaseReason;
use dossier_core::request::NewRequest;
use dossier_core::subject::{CaseReference, SubjectIdentifier};
use dossier_store::{Page, PageKey, QueueDepth, RequestCounts, RequestFilter, Store};

use super::Database;
use super::given::*;

async fn of_case(store: &dyn Store, case_reference: &str, subject: &str) -> RequestId {
    let new = NewRequest {
        case_reference: CaseReference::parse(case_reference).unwrap(),
        subject: SubjectIdentifier::ndelius(subject).unwrap(),
        ..new_request(&["a"])
    };
    store.create_request(new).await.unwrap().id
}

fn search(text: &str) -> RequestFilter {
    RequestFilter {
        search: Some(text.to_owned().into()),
        ..filter()
    }
}

pub async fn the_newest_come_first_page_by_page(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a", "b"]).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(pending(store, &["a", "b"]).await);
        a_moment().await;
    }
    made.reverse();
    let mut paged = Vec::new();
    for (number, length) in [(0, 2), (1, 2), (2, 1), (3, 0)] {
        let page = Page::number(number, 2);
        let requests = store.requests(&filter(), &rules(), page).await.unwrap();
        assert_eq!(requests.len(), length);
        assert!(requests.iter().all(|request| request.sections.len() == 2));
        paged.extend(requests.into_iter().map(|request| request.id));
    }
    assert_eq!(paged, made);
}

pub async fn pages_of_a_list_of_known_length_are_the_same(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    for _ in 0..7 {
        pending(store, &["a"]).await;
        a_moment().await;
    }
    for size in 1..=8 {
        for number in 0..=8 {
            let page = Page::number(number, size);
            let filter = &search("CASE");
            let counted_off = store.requests(filter, &rules(), page).await.unwrap();
            let known = page.of(7);
            let found = store.requests(filter, &rules(), known).await.unwrap();
            assert_eq!(found, counted_off, "page {number} of {size} rows");
        }
    }
}

/// Also where several came in at one moment, where newer ones came since, and where the row that is
/// named is gone.
pub async fn a_page_behind_a_row_is_the_next_one(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(pending(store, &["a"]).await);
        if number % 3 == 0 {
            a_moment().await;
        }
    }
    let all = listed(store, &filter()).await;
    assert_eq!(all.len(), made.len());
    let first = Page::number(0, 2);
    let mut page = store.requests(&filter(), &rules(), first).await.unwrap();
    let mut paged = Vec::new();
    while let Some(last) = page.last() {
        let next = Page::after(PageKey::of(last), 2);
        paged.extend(page.iter().map(|request| request.id));
        pending(store, &["a"]).await;
        let gone = *paged.last().unwrap();
        completed(store, gone).await;
        store.archive_request(gone).await.unwrap();
        page = store.requests(&filter(), &rules(), next).await.unwrap();
    }
    assert_eq!(paged, all);

    let newest = store.requests(&filter(), &rules(), first).await.unwrap();
    let key = PageKey::of(&newest[0]);
    let pending_only = RequestFilter {
        pending: true,
        search: Some("case".to_owned().into()),
        ..filter()
    };
    let behind = Page::after(key, 1);
    let behind = store.requests(&pending_only, &rules(), behind).await;
    assert_eq!(behind.unwrap()[0].id, newest[1].id);
}

pub async fn the_search_matches_any_part_in_any_case(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let one = of_case(store, "Été-2026/One", "X111111").await;
    let two = of_case(store, "other-TWO", "Y222222").await;
    for (text, expected) in [
        ("one", vec![one]),
        ("été-2026", vec![one]),
        ("ÉTÉ", vec![one]),
        ("THER-t", vec![two]),
        ("x1111", vec![one]),
        ("2222", vec![two]),
        ("-TW", vec![two]),
        ("three", vec![]),
    ] {
        assert_eq!(listed(store, &search(text)).await, expected, "{text}");
    }
    let counts = store.request_counts(&search("one")).await.unwrap();
    assert_eq!(counts.total(), 1);
}

/// Where the database has no index for parts so short, those that begin with it are found.
pub async fn a_short_search_finds_what_begins_with_it(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let other = of_case(store, "other-TWO", "Y222222").await;
    let odd = of_case(store, "%-é", "E111111").await;
    for (text, expected) in [
        ("O", other),
        ("ot", other),
        ("oth", other),
        ("y", other),
        ("y2", other),
        ("%", odd),
        ("%-", odd),
        ("E1", odd),
    ] {
        assert_eq!(listed(store, &search(text)).await, [expected], "{text}");
    }
    for text in ["x", "z9", "%%", "\\", "é-"] {
        assert!(listed(store, &search(text)).await.is_empty(), "{text}");
    }
}

pub async fn wildcards_in_a_search_are_plain_text(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let plain = of_case(store, "100 a", "X111111").await;
    let odd = of_case(store, r"100% _\*?'a", "Y222222").await;
    for text in ["00%", "100%", r"100% _\*", "'a", r"% _\*?'a"] {
        assert_eq!(listed(store, &search(text)).await, [odd], "{text}");
    }
    assert_eq!(listed(store, &search("100")).await, [odd, plain]);
}

pub async fn the_filter_tells_the_states_apart(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let done = pending(store, &["a"]).await;
    completed(store, done).await;
    let errored = pending(store, &["a"]).await;
    store.cancel_request(errored, "x").await.unwrap();
    let waiting = pending(store, &["a"]).await;
    a_moment().await;

    let pick = |completed, errored, pending, overdue| RequestFilter {
        completed,
        errored,
        pending,
        overdue,
        ..filter()
    };
    let all_overdue = |filter: RequestFilter| RequestFilter {
        overdue_after: Duration::ZERO,
        ..filter
    };
    assert_eq!(
        listed(store, &pick(true, false, false, false)).await,
        [done]
    );
    assert_eq!(
        listed(store, &pick(false, true, false, false)).await,
        [errored]
    );
    assert_eq!(
        listed(store, &pick(false, false, true, false)).await,
        [waiting]
    );
    assert!(
        listed(store, &pick(false, false, false, true))
            .await
            .is_empty()
    );
    let overdue = all_overdue(pick(false, false, false, true));
    assert_eq!(listed(store, &overdue).await, [waiting]);
    let not_overdue = all_overdue(pick(false, false, true, false));
    assert!(listed(store, &not_overdue).await.is_empty());
    assert_eq!(
        listed(store, &pick(true, true, false, false)).await,
        [errored, done]
    );
    assert_eq!(
        listed(store, &filter()).await,
        [waiting, errored, done],
        "no flag means all"
    );

    let counts = store.request_counts(&filter()).await.unwrap();
    let expected = RequestCounts {
        completed: 1,
        errored: 1,
        pending: 1,
        overdue: 0,
    };
    assert_eq!(counts, expected);
    let counts = store.request_counts(&overdue).await.unwrap();
    let expected = RequestCounts {
        pending: 0,
        overdue: 1,
        ..expected
    };
    assert_eq!(counts, expected, "status flags do not matter");
}

pub async fn the_claimable_are_those_that_a_worker_may_claim(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let free = pending(store, &["a"]).await;
    let locked = pending(store, &["a"]).await;
    claimed(store, locked).await;
    let lost = pending(store, &["a"]).await;
    claimed_and_lost(store, lost).await;
    let later = pending(store, &["a"]).await;
    let token = claimed(store, later).await.token;
    let hour = Duration::from_secs(3600);
    store
        .release(later, token, &ReleaseReason::ShuttingDown, hour, &rules())
        .await
        .unwrap();
    let done = pending(store, &["a"]).await;
    completed(store, done).await;
    let claimable = RequestFilter {
        claimable: true,
        ..filter()
    };
    assert_eq!(listed(store, &claimable).await, [lost, free]);
}

pub async fn the_depth_of_the_queue_is_what_may_be_claimed_and_what_is_held(
    database: &impl Database,
) {
    let store = &*database.store().await;
    let depth = async || store.queue_depth(&rules()).await.unwrap();
    assert_eq!(depth().await, QueueDepth::default());
    services(store, &["a"]).await;
    pending(store, &["a"]).await;
    let done = pending(store, &["a"]).await;
    completed(store, done).await;
    let held = pending(store, &["a"]).await;
    claimed(store, held).await;
    let put_off = pending(store, &["a"]).await;
    let token = claimed(store, put_off).await.token;
    let hour = Duration::from_secs(3600);
    let reason = ReleaseReason::ShuttingDown;
    store
        .release(put_off, token, &reason, hour, &rules())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let lost = pending(store, &["a"]).await;
    claimed_and_lost(store, lost).await;
    let found = depth().await;
    assert_eq!((found.due, found.leased), (2, 1));
    let oldest = found.oldest_due.unwrap();
    assert!(oldest >= Duration::from_millis(200), "{oldest:?}");
    assert!(oldest < Duration::from_secs(60), "{oldest:?}");
    let none_left = store.queue_depth(&attempts_max(0)).await.unwrap();
    assert_eq!((none_left.due, none_left.oldest_due), (0, None));
    let connections = store.connections();
    assert!(connections.busy + connections.idle <= connections.max);
    assert!(connections.max > 0);
}
