//! What PostgreSQL says when it fails, without any data.
//!
//! The server's own messages quote values and statements; only the kind of failure and its code
//! leave this crate.

use std::io::ErrorKind;

use crate::{StoreError, Unavailable};

/// PgBouncer's code for nearly all that it refuses.
const PROTOCOL_VIOLATION: &str = "08P01";

const NOT_KEPT: &str =
    "a pooler lies between that does not keep prepared statements; set store.pooler";

/// The failure's code (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    let code = error.as_database_error()?.code()?;
    // Five capitals and digits, whatever a server that is none may say.
    let is_code = code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_code.then(|| code.into_owned())
}

/// Whether the values break a rule of the schema, and the database is well.
pub(super) fn breaks_a_rule(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code.starts_with("23"))
}

/// The failure in words and by its code.
pub(super) fn describe(error: &sqlx::Error) -> String {
    match code(error) {
        Some(code) if code == PROTOCOL_VIOLATION => {
            let message = error.as_database_error().map(|error| error.message());
            let words = words_of_a_pooler(message.unwrap_or_default());
            format!("{words} (PostgreSQL code {code})")
        }
        Some(code) => format!("{} (PostgreSQL code {code})", words_of_code(&code)),
        None => words(error).to_owned(),
    }
}

/// What a write would fail with.
pub(super) fn read_only() -> Unavailable {
    const CODE: &str = "25006";
    Unavailable(format!("{} (PostgreSQL code {CODE})", words_of_code(CODE)))
}

fn words_of_code(code: &str) -> &'static str {
    match code {
        "28000" | "28P01" => "it does not accept the user, the password or the connection",
        "3D000" => "it has no such database",
        "3F000" => "there is no schema to make tables in",
        "42501" => "the user may not do this; it must own the tables",
        "25006" => "it is read-only, such as a standby",
        "53100" => "its disk is full",
        "53300" => {
            "it has too many connections: its limit, the database's or the user's is reached"
        }
        "55P03" => "a lock was not free in time",
        "57014" => "a statement took too long",
        "57P01" | "57P02" | "57P03" => "it is starting or stopping",
        "26000" | "42P05" => NOT_KEPT,
        "42P01" | "42703" | "42883" => "its schema is another one",
        _ => match &code[..2] {
            "40" => "another transaction was in the way; try again",
            "53" => "it lacks a resource",
            "08" => "the connection failed",
            "XX" | "58" => "it is damaged or its system failed",
            _ => "it refused a statement",
        },
    }
}

/// What PgBouncer says by its own texts, each of which has the same code. Only what they begin with
/// is compared: a database's or user's name may follow.
///
/// Source: the texts of PgBouncer 1.18. Others are only said to be the pooler's.
const POOLER_TEXTS: [(&[&str], &str); 7] = [
    (
        &[
            "SASL authentication failed",
            "password authentication failed",
            "\"trust\" authentication failed",
            "certificate authentication failed",
            "PAM authentication failed",
            "no such user",
            "unix socket login rejected",
        ],
        "the pooler refused the user, the password or the connection",
    ),
    (
        &["no such database", "database removed", "database \""],
        "the pooler refused the database: it knows none of that name, or it is disabled",
    ),
    (
        &["no more connections allowed"],
        "the pooler refused the connection: it has too many clients (its max_client_conn)",
    ),
    (
        &["query_wait_timeout"],
        "the pooler had no connection to its server in time: its pool is full, or the server \
         behind it does not answer",
    ),
    (
        &[
            "server login has been failing",
            "server login failed",
            "client_login_timeout (server down)",
            "connect timeout",
            "connect failed",
            "cannot connect",
            "server DNS lookup failed",
            "server conn crashed?",
        ],
        "the server behind the pooler does not answer, or does not accept the pooler",
    ),
    (
        &["transaction blocks not allowed in statement pooling mode"],
        "the pooler gives a connection away after each statement; set its pool_mode to transaction",
    ),
    // What only a store asks that does not know of the pooler.
    (&["unsupported startup parameter"], NOT_KEPT),
];

/// The pooler's refusal in words, none of them its own.
fn words_of_a_pooler(message: &str) -> &'static str {
    POOLER_TEXTS
        .iter()
        .find(|(texts, _)| texts.iter().any(|text| message.starts_with(text)))
        .map_or(
            "the pooler refused: the user, the database, a full pool, or the server behind it does \
             not answer; its log says which",
            |(_, words)| words,
        )
}

fn words(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::Database(_) => "it refused a statement",
        sqlx::Error::PoolTimedOut => "no connection became free in time",
        sqlx::Error::PoolClosed => "the store is closed",
        sqlx::Error::Tls(_) => "TLS failed: it offers none, or a file cannot be used",
        sqlx::Error::Configuration(_) => "the connection's settings cannot be used",
        sqlx::Error::Io(cause) => match cause.kind() {
            ErrorKind::ConnectionRefused => "nobody listens there",
            ErrorKind::NotFound => "there is no such socket or file",
            ErrorKind::PermissionDenied => "the socket or file may not be opened",
            // What a TLS handshake ends with.
            ErrorKind::InvalidData => {
                "TLS failed: its certificate is not trusted, or is another host's"
            }
            ErrorKind::TimedOut => "it did not answer in time",
            _ if is_of_a_name(cause) => "the host's name cannot be resolved",
            _ => "the connection broke",
        },
        _ => "the connection failed",
    }
}

/// Whether a host's name was not resolved: no kind of error tells it, only the standard library's
/// text.
fn is_of_a_name(error: &std::io::Error) -> bool {
    error
        .to_string()
        .starts_with("failed to lookup address information")
}

impl From<sqlx::Error> for Unavailable {
    fn from(error: sqlx::Error) -> Self {
        Self(describe(&error))
    }
}

/// The failure of a statement.
pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StoreError::Corrupt("row"),
        error => StoreError::Unavailable(Unavailable(describe(&error))),
    }
}
