//! A transaction, and whether statements stay prepared on its connection.

use sqlx::postgres::{PgArguments, PgQueryResult, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

/// A transaction. Dropped without a commit, it changes nothing.
pub(super) struct Session {
    tx: Transaction<'static, Postgres>,
    keeps_statements: bool,
}

impl Session {
    /// Begins a transaction that writes.
    pub(super) async fn write(pool: &PgPool, keeps_statements: bool) -> Result<Self, sqlx::Error> {
        Ok(Self {
            tx: pool.begin().await?,
            keeps_statements,
        })
    }

    /// Begins a transaction that only reads: one view of the data for all its statements.
    pub(super) async fn read(pool: &PgPool, keeps_statements: bool) -> Result<Self, sqlx::Error> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Ok(Self {
            tx: pool.begin_with(BEGIN).await?,
            keeps_statements,
        })
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        self.tx.commit().await
    }
}

/// A statement with its values.
pub(super) type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// Executes statements in a session.
pub(super) trait In {
    /// What it did.
    async fn run(self, session: &mut Session) -> Result<PgQueryResult, sqlx::Error>;
    /// All rows.
    async fn all(self, session: &mut Session) -> Result<Vec<PgRow>, sqlx::Error>;
    /// The one row that there must be.
    async fn one(self, session: &mut Session) -> Result<PgRow, sqlx::Error>;
    /// The row, if there is any.
    async fn optional(self, session: &mut Session) -> Result<Option<PgRow>, sqlx::Error>;
    /// All rows, by a plan for just these values.
    async fn all_by_own_plan(self, session: &mut Session) -> Result<Vec<PgRow>, sqlx::Error>;
}

impl In for Statement<'_> {
    async fn run(self, session: &mut Session) -> Result<PgQueryResult, sqlx::Error> {
        let statement = self.persistent(session.keeps_statements);
        statement.execute(&mut *session.tx).await
    }

    async fn all(self, session: &mut Session) -> Result<Vec<PgRow>, sqlx::Error> {
        let statement = self.persistent(session.keeps_statements);
        statement.fetch_all(&mut *session.tx).await
    }

    async fn one(self, session: &mut Session) -> Result<PgRow, sqlx::Error> {
        let statement = self.persistent(session.keeps_statements);
        statement.fetch_one(&mut *session.tx).await
    }

    async fn optional(self, session: &mut Session) -> Result<Option<PgRow>, sqlx::Error> {
        let statement = self.persistent(session.keeps_statements);
        statement.fetch_optional(&mut *session.tx).await
    }

    async fn all_by_own_plan(self, session: &mut Session) -> Result<Vec<PgRow>, sqlx::Error> {
        self.persistent(false).fetch_all(&mut *session.tx).await
    }
}
