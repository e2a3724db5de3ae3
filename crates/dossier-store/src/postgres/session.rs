//! Statements on one connection: a transaction, or each on its own; and whether they stay prepared.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgQueryResult, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, SqlSafeStr, Transaction};

use super::pool::{Connected, Pool, Turn};
use crate::Unavailable;

/// Statements on one connection. What was begun as a transaction changes nothing if it is dropped
/// without a commit.
pub(super) struct Session {
    /// Dropped before the turn ends.
    scope: Scope,
    _turn: Turn,
    keeps_statements: bool,
}

enum Scope {
    Transaction(Transaction<'static, Postgres>),
    Statements(PoolConnection<Postgres>),
}

impl Session {
    /// Begins a transaction that writes.
    pub(super) async fn write(pool: &Pool, keeps_statements: bool) -> Result<Self, Unavailable> {
        Self::begin(pool, "BEGIN", keeps_statements).await
    }

    /// Begins a transaction that only reads: one view of the data for all its statements.
    pub(super) async fn read(pool: &Pool, keeps_statements: bool) -> Result<Self, Unavailable> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Self::begin(pool, BEGIN, keeps_statements).await
    }

    async fn begin(
        pool: &Pool,
        begin: &'static str,
        keeps_statements: bool,
    ) -> Result<Self, Unavailable> {
        let Connected { connection, turn } = pool.acquire().await?;
        let begun = Transaction::begin(connection, Some(begin.into_sql_str())).await?;
        Ok(Self {
            scope: Scope::Transaction(begun),
            _turn: turn,
            keeps_statements,
        })
    }

    /// Statements of which each is a transaction of its own, and so one round trip instead of
    /// three. Behind a pooler, where a statement may need its connection for longer than for one
    /// round trip, they share a transaction.
    pub(super) async fn statements(
        pool: &Pool,
        keeps_statements: bool,
    ) -> Result<Self, Unavailable> {
        if !keeps_statements {
            return Self::write(pool, keeps_statements).await;
        }
        let Connected { connection, turn } = pool.acquire().await?;
        Ok(Self {
            scope: Scope::Statements(connection),
            _turn: turn,
            keeps_statements,
        })
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        match &mut self.scope {
            Scope::Transaction(tx) => tx,
            Scope::Statements(connection) => connection,
        }
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self.scope {
            Scope::Transaction(tx) => tx.commit().await,
            Scope::Statements(_) => Ok(()),
        }
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
        statement.execute(session.connection()).await
    }

    async fn all(self, session: &mut Session) -> Result<Vec<PgRow>, sqlx::Error> {
        let statement = self.persistent(session.keeps_statements);
        statement.fetch_all(session.connection()).await
    }

    async fn one(self, session: &mut Session) -> Result<PgRow, sqlx::Error> {
        let statement = self.persistent(session.keeps_statements);
        statement.fetch_one(session.connection()).await
    }

    async fn optional(self, session: &mut Session) -> Result<Option<PgRow>, sqlx::Error> {
        let statement = self.persistent(session.keeps_statements);
        statement.fetch_optional(session.connection()).await
    }

    async fn all_by_own_plan(self, session: &mut Session) -> Result<Vec<PgRow>, sqlx::Error> {
        self.persistent(false).fetch_all(session.connection()).await
    }
}
