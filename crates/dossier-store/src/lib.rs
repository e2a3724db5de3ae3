//! The source of truth: requests, services, sections, leases, and the names behind codes.
//!
//! [`Store`] says what can be done; [`sqlite`] does it in one file, [`postgres`] in a
//! server for many processes. Whether a claim, a renewal, a
//! release, a completion or a section's outcome goes through is decided by the database, in one
//! statement, on the database's own clock: no two workers can hold one request, and a token that is
//! not the current lease's changes nothing. The suite in `tests/conformance` is what makes a store
//! a store.

mod completion;
mod page;
pub mod postgres;
mod reference;
mod rows;
mod section_values;
pub mod sqlite;
mod store;

pub use completion::Completion;
pub use page::{NoPageKey, Page, PageKey, PageStart};
pub use postgres::PostgresStore;
pub use reference::{
    KnownReference, ReferenceSchedule, ReferenceState, RefreshClaim, RefreshToken,
};
pub use sqlite::SqliteStore;
pub use store::{
    AbandonedAttempt, ArchivedRequest, Connections, Created, Migrated, QueueDepth, RequestCounts,
    RequestFilter, SchemaAge, SchemaState, SearchKind, Store, StoreError, Unavailable,
};
