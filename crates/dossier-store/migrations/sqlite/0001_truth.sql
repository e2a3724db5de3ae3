-- Requests, their sections, the catalogue, leases and the archive.
--
-- Times are integer milliseconds since the epoch, by this database's clock. Identifiers are the 16
-- bytes of a UUID: less than half of its text in every row and index, in the same order; `hex(id)`
-- shows one. Status words are those of the API.

CREATE TABLE services (
    id                BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name              TEXT NOT NULL UNIQUE,
    label             TEXT NOT NULL,
    url               TEXT NOT NULL,
    enabled           INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    template_migrated INTEGER NOT NULL CHECK (template_migrated IN (0, 1)),
    category          TEXT NOT NULL CHECK (category IN ('PRISON', 'PROBATION', 'OTHER')),
    rank              INTEGER CHECK (rank >= 0),
    suspended_at      INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    id                 BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    status             TEXT NOT NULL CHECK (status IN ('Pending', 'Completed', 'Errored')),
    date_from          TEXT,
    date_to            TEXT NOT NULL,
    case_reference     TEXT NOT NULL,
    subject_kind       TEXT NOT NULL CHECK (subject_kind IN ('NOMIS', 'NDELIUS')),
    subject_id         TEXT NOT NULL,
    subject_name       TEXT,
    -- Case reference and identifier in lower case, a line each.
    search_text        TEXT NOT NULL,
    requested_by       TEXT NOT NULL,
    requested_at       INTEGER NOT NULL,
    clock_started_at   INTEGER NOT NULL,
    due_at             INTEGER NOT NULL,
    attempts           INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    claimed_at         INTEGER,
    -- The lease. It holds while lease_expires_at is in the future; one that expired stays here
    -- until somebody takes the request over, and counts for nothing.
    lease_token        BLOB CHECK (length(lease_token) = 16),
    lease_expires_at   INTEGER,
    leased_by          TEXT,
    -- Completion, or becoming Errored.
    finished_at        INTEGER,
    completed_by       BLOB CHECK (length(completed_by) = 16),
    error_code         TEXT CHECK (error_code IN ('ATTEMPTS_EXHAUSTED', 'TOO_OLD', 'CANCELLED')),
    error_detail       TEXT,
    document_id        BLOB CHECK (length(document_id) = 16),
    document_bytes     INTEGER CHECK (document_bytes >= 0),
    document_sha256    TEXT CHECK (length(document_sha256) = 64),
    pages              INTEGER CHECK (pages >= 0),
    last_downloaded_at INTEGER,
    CHECK ((lease_token IS NULL) = (lease_expires_at IS NULL)),
    CHECK ((lease_token IS NULL) = (leased_by IS NULL)),
    CHECK (status = 'Pending' OR lease_token IS NULL),
    CHECK ((status = 'Pending') = (finished_at IS NULL)),
    CHECK ((status = 'Completed') = (completed_by IS NOT NULL)),
    CHECK ((status = 'Completed') = (document_id IS NOT NULL)),
    CHECK ((status = 'Errored') = (error_code IS NOT NULL)),
    CHECK ((document_id IS NULL) = (document_bytes IS NULL)),
    CHECK ((document_id IS NULL) = (document_sha256 IS NULL))
) STRICT, WITHOUT ROWID;

-- What there is to do, oldest first: stays small however many requests are finished.
CREATE INDEX requests_to_do ON requests (requested_at, id) WHERE status = 'Pending';
-- No two leases have one token.
CREATE UNIQUE INDEX requests_leased ON requests (lease_token) WHERE lease_token IS NOT NULL;
-- Which finished requests are old enough for the archive.
CREATE INDEX requests_finished ON requests (finished_at) WHERE finished_at IS NOT NULL;
-- Lists, newest first.
CREATE INDEX requests_by_age ON requests (requested_at, id);
-- Counts, and what is overdue.
CREATE INDEX requests_by_status ON requests (status, clock_started_at);

CREATE TABLE sections (
    request_id       BLOB NOT NULL REFERENCES requests ON DELETE CASCADE,
    service_id       BLOB NOT NULL REFERENCES services,
    status           TEXT NOT NULL
                     CHECK (status IN ('PENDING', 'COMPLETE', 'ERRORED', 'SUSPENDED')),
    held             TEXT CHECK (held IN ('DATA', 'NO_DATA', 'NOT_SUPPORTED')),
    kept_id          BLOB CHECK (length(kept_id) = 16),
    kept_bytes       INTEGER CHECK (kept_bytes >= 0),
    kept_sha256      TEXT CHECK (length(kept_sha256) = 64),
    template_version TEXT,
    rendered_at      INTEGER,
    bytes            INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    tries            INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
    error            TEXT,
    PRIMARY KEY (request_id, service_id),
    CHECK ((status = 'COMPLETE') = (held IS NOT NULL)),
    CHECK ((kept_id IS NULL) = (kept_bytes IS NULL)),
    CHECK ((kept_id IS NULL) = (kept_sha256 IS NULL))
) STRICT, WITHOUT ROWID;

-- Which sections follow when a service is suspended or resumed.
CREATE INDEX sections_uncollected ON sections (service_id, request_id) WHERE status <> 'COMPLETE';
-- Whether a request waits for a suspended service: nearly always empty.
CREATE INDEX sections_suspended ON sections (request_id) WHERE status = 'SUSPENDED';
-- Whose kept answers are still stored.
CREATE INDEX sections_kept ON sections (request_id) WHERE kept_id IS NOT NULL;

-- Every lease that was ever taken, until its documents are cleaned up and its request is archived.
-- Not bound to its request, so that what an attempt stored can still be found after archiving.
CREATE TABLE attempts (
    lease_token BLOB NOT NULL PRIMARY KEY CHECK (length(lease_token) = 16),
    request_id  BLOB NOT NULL,
    -- Which attempt of its request it was, from 1; a handed back one's number is used again.
    number      INTEGER NOT NULL,
    worker      TEXT NOT NULL,
    -- The services' names at the time, a JSON array: documents' identifiers follow from them.
    services    TEXT NOT NULL,
    claimed_at  INTEGER NOT NULL,
    -- Both null while the lease is in its request's row.
    ended_at    INTEGER,
    ending      TEXT CHECK (ending IN ('COMPLETED', 'FAILED', 'HANDED_BACK', 'LOST', 'CANCELLED')),
    cleaned     INTEGER NOT NULL DEFAULT 0 CHECK (cleaned IN (0, 1)),
    CHECK ((ended_at IS NULL) = (ending IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_of_request ON attempts (request_id);
CREATE INDEX attempts_to_clean ON attempts (claimed_at)
    WHERE cleaned = 0 AND ending IS NOT 'COMPLETED';

-- The history is written by the same statement that takes or ends a lease, whichever it is: an
-- attempt cannot be forgotten, and neither can what it stored.
CREATE TRIGGER lease_ended AFTER UPDATE OF lease_token ON requests
WHEN OLD.lease_token IS NOT NULL AND NEW.lease_token IS NOT OLD.lease_token
BEGIN
    UPDATE attempts SET
        ended_at = min(OLD.lease_expires_at, CAST(unixepoch('subsec') * 1000 AS INTEGER)),
        ending = CASE
            WHEN NEW.status = 'Completed' THEN 'COMPLETED'
            WHEN OLD.lease_expires_at <= CAST(unixepoch('subsec') * 1000 AS INTEGER) THEN 'LOST'
            WHEN NEW.error_code = 'CANCELLED' THEN 'CANCELLED'
            WHEN NEW.attempts < OLD.attempts THEN 'HANDED_BACK'
            ELSE 'FAILED'
        END
    WHERE lease_token = OLD.lease_token;
END;

-- Whoever takes a lease starts its uncollected sections anew. An error's text stays until the
-- section's next outcome, for people who look in the meantime.
CREATE TRIGGER lease_taken AFTER UPDATE OF lease_token ON requests
WHEN NEW.lease_token IS NOT NULL AND NEW.lease_token IS NOT OLD.lease_token
BEGIN
    INSERT INTO attempts (lease_token, request_id, number, worker, services, claimed_at)
    VALUES (
        NEW.lease_token, NEW.id, NEW.attempts, NEW.leased_by,
        (SELECT json_group_array(services.name)
         FROM sections JOIN services ON services.id = sections.service_id
         WHERE sections.request_id = NEW.id),
        NEW.claimed_at
    );
    UPDATE sections SET status = 'PENDING', bytes = 0, tries = 0
    WHERE request_id = NEW.id AND status IN ('PENDING', 'ERRORED');
END;

-- A requester's keys. They outlive their request's move to the archive and go with it from there.
CREATE TABLE idempotency_keys (
    requested_by TEXT NOT NULL,
    key          TEXT NOT NULL,
    request_id   BLOB NOT NULL CHECK (length(request_id) = 16),
    -- SHA-256 of what was asked for.
    fingerprint  BLOB NOT NULL CHECK (length(fingerprint) = 32),
    PRIMARY KEY (requested_by, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_of_request ON idempotency_keys (request_id);

-- Finished requests that are only remembered: no documents, no name of the subject, and their
-- services as they were called then.
CREATE TABLE archived_requests (
    id                 BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    status             TEXT NOT NULL CHECK (status IN ('Completed', 'Errored')),
    date_from          TEXT,
    date_to            TEXT NOT NULL,
    case_reference     TEXT NOT NULL,
    subject_kind       TEXT NOT NULL,
    subject_id         TEXT NOT NULL,
    search_text        TEXT NOT NULL,
    requested_by       TEXT NOT NULL,
    requested_at       INTEGER NOT NULL,
    clock_started_at   INTEGER NOT NULL,
    due_at             INTEGER NOT NULL,
    attempts           INTEGER NOT NULL,
    claimed_at         INTEGER,
    finished_at        INTEGER NOT NULL,
    error_code         TEXT,
    error_detail       TEXT,
    pages              INTEGER,
    last_downloaded_at INTEGER,
    archived_at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX archived_requests_by_age ON archived_requests (requested_at, id);
CREATE INDEX archived_requests_to_purge ON archived_requests (archived_at);

CREATE TABLE archived_sections (
    request_id       BLOB NOT NULL REFERENCES archived_requests ON DELETE CASCADE,
    service_id       BLOB NOT NULL,
    service_name     TEXT NOT NULL,
    service_label    TEXT NOT NULL,
    service_url      TEXT NOT NULL,
    category         TEXT NOT NULL,
    rank             INTEGER,
    status           TEXT NOT NULL,
    held             TEXT,
    template_version TEXT,
    rendered_at      INTEGER,
    bytes            INTEGER NOT NULL,
    tries            INTEGER NOT NULL,
    error            TEXT,
    PRIMARY KEY (request_id, service_id)
) STRICT, WITHOUT ROWID;
