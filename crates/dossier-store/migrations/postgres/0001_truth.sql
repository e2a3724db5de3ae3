-- Requests, their sections, the catalogue, leases and the archive.
--
-- Times are milliseconds since the epoch, by this server's clock, as in SQLite:
-- `to_timestamp(requested_at / 1000.0)` shows one. Status words are those of the API. Texts that are
-- compared or ordered do so by their bytes, whatever the database's locale.
--
-- Whatever locks several rows locks services first, then requests (in the order of their
-- identifiers, or only those that nobody holds), then sections: nobody waits in a circle.

-- One row: which schema this is. `compatible_from` is the oldest schema whose programs can still
-- work with this one.
CREATE TABLE dossier_schema (
    single          boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (single),
    version         integer NOT NULL,
    compatible_from integer NOT NULL
);

CREATE TABLE services (
    id                uuid NOT NULL PRIMARY KEY,
    name              text COLLATE "C" NOT NULL UNIQUE,
    label             text NOT NULL,
    url               text NOT NULL,
    enabled           boolean NOT NULL,
    template_migrated boolean NOT NULL,
    category          text NOT NULL CHECK (category IN ('PRISON', 'PROBATION', 'OTHER')),
    rank              bigint CHECK (rank >= 0),
    suspended_at      bigint
);

-- Room on each page, so that taking, renewing and giving back a lease writes no index: no index has
-- a column that they change.
CREATE TABLE requests (
    id                 uuid NOT NULL PRIMARY KEY,
    status             text NOT NULL CHECK (status IN ('Pending', 'Completed', 'Errored')),
    date_from          text,
    date_to            text NOT NULL,
    case_reference     text NOT NULL,
    subject_kind       text NOT NULL CHECK (subject_kind IN ('NOMIS', 'NDELIUS')),
    subject_id         text NOT NULL,
    subject_name       text,
    -- Case reference and identifier in lower case, a line each.
    search_text        text COLLATE "C" NOT NULL,
    requested_by       text NOT NULL,
    requested_at       bigint NOT NULL,
    clock_started_at   bigint NOT NULL,
    due_at             bigint NOT NULL,
    attempts           bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    claimed_at         bigint,
    -- The lease. It holds while lease_expires_at is in the future; one that expired stays here
    -- until somebody takes the request over, and counts for nothing. That no two leases have one
    -- token is the attempts' primary key's business.
    lease_token        uuid,
    lease_expires_at   bigint,
    leased_by          text,
    -- Completion, or becoming Errored.
    finished_at        bigint,
    completed_by       uuid,
    error_code         text CHECK (error_code IN ('ATTEMPTS_EXHAUSTED', 'TOO_OLD', 'CANCELLED')),
    error_detail       text,
    document_id        uuid,
    document_bytes     bigint CHECK (document_bytes >= 0),
    document_sha256    text CHECK (length(document_sha256) = 64),
    pages              bigint CHECK (pages >= 0),
    last_downloaded_at bigint,
    CHECK ((lease_token IS NULL) = (lease_expires_at IS NULL)),
    CHECK ((lease_token IS NULL) = (leased_by IS NULL)),
    CHECK (status = 'Pending' OR lease_token IS NULL),
    CHECK ((status = 'Pending') = (finished_at IS NULL)),
    CHECK ((status = 'Completed') = (completed_by IS NOT NULL)),
    CHECK ((status = 'Completed') = (document_id IS NOT NULL)),
    CHECK ((status = 'Errored') = (error_code IS NOT NULL)),
    CHECK ((document_id IS NULL) = (document_bytes IS NULL)),
    CHECK ((document_id IS NULL) = (document_sha256 IS NULL))
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02
);

-- What there is to do, oldest first: stays small however many requests are finished.
CREATE INDEX requests_to_do ON requests (requested_at, id) WHERE status = 'Pending';
-- Which finished requests are old enough for the archive.
CREATE INDEX requests_finished ON requests (finished_at, id) WHERE finished_at IS NOT NULL;
-- Lists, newest first, whatever they filter by: a page far back is found without reading rows.
CREATE INDEX requests_by_age ON requests (requested_at, id) INCLUDE (status, clock_started_at);
-- Lists of one status, and counts.
CREATE INDEX requests_by_status ON requests (status, requested_at, id) INCLUDE (clock_started_at);

CREATE TABLE sections (
    request_id       uuid NOT NULL REFERENCES requests ON DELETE CASCADE,
    service_id       uuid NOT NULL REFERENCES services,
    status           text NOT NULL
                     CHECK (status IN ('PENDING', 'COMPLETE', 'ERRORED', 'SUSPENDED')),
    held             text CHECK (held IN ('DATA', 'NO_DATA', 'NOT_SUPPORTED')),
    kept_id          uuid,
    kept_bytes       bigint CHECK (kept_bytes >= 0),
    kept_sha256      text CHECK (length(kept_sha256) = 64),
    template_version text,
    rendered_at      bigint,
    bytes            bigint NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    tries            bigint NOT NULL DEFAULT 0 CHECK (tries >= 0),
    error            text,
    PRIMARY KEY (request_id, service_id),
    CHECK ((status = 'COMPLETE') = (held IS NOT NULL)),
    CHECK ((kept_id IS NULL) = (kept_bytes IS NULL)),
    CHECK ((kept_id IS NULL) = (kept_sha256 IS NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

-- Which sections follow when a service is suspended or resumed.
CREATE INDEX sections_uncollected ON sections (service_id, request_id) WHERE status <> 'COMPLETE';
-- Whether a request waits for a suspended service: nearly always empty.
CREATE INDEX sections_suspended ON sections (request_id) WHERE status = 'SUSPENDED';
-- Whose kept answers are still stored.
CREATE INDEX sections_kept ON sections (request_id) WHERE kept_id IS NOT NULL;

-- Every lease that was ever taken, until its documents are cleaned up and its request is archived.
-- Not bound to its request, so that what an attempt stored can still be found after archiving.
CREATE TABLE attempts (
    lease_token uuid NOT NULL PRIMARY KEY,
    request_id  uuid NOT NULL,
    -- Which attempt of its request it was, from 1; a handed back one's number is used again.
    number      bigint NOT NULL,
    worker      text NOT NULL,
    -- The services' names at the time: documents' identifiers follow from them.
    services    text[] NOT NULL,
    claimed_at  bigint NOT NULL,
    -- Both null while the lease is in its request's row.
    ended_at    bigint,
    ending      text CHECK (ending IN ('COMPLETED', 'FAILED', 'HANDED_BACK', 'LOST', 'CANCELLED')),
    cleaned     boolean NOT NULL DEFAULT false,
    CHECK ((ended_at IS NULL) = (ending IS NULL))
);

CREATE INDEX attempts_of_request ON attempts (request_id);
CREATE INDEX attempts_to_clean ON attempts (claimed_at)
    WHERE NOT cleaned AND ending IS DISTINCT FROM 'COMPLETED';

-- The history is written by the same statement that takes or ends a lease, whichever it is: an
-- attempt cannot be forgotten, and neither can what it stored.
CREATE FUNCTION dossier_lease_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    now_ms CONSTANT bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
BEGIN
    IF OLD.lease_token IS NOT NULL THEN
        UPDATE attempts SET
            ended_at = least(OLD.lease_expires_at, now_ms),
            ending = CASE
                WHEN NEW.status = 'Completed' THEN 'COMPLETED'
                WHEN OLD.lease_expires_at <= now_ms THEN 'LOST'
                WHEN NEW.error_code = 'CANCELLED' THEN 'CANCELLED'
                WHEN NEW.attempts < OLD.attempts THEN 'HANDED_BACK'
                ELSE 'FAILED'
            END
        WHERE lease_token = OLD.lease_token;
    END IF;
    IF NEW.lease_token IS NOT NULL THEN
        INSERT INTO attempts (lease_token, request_id, number, worker, services, claimed_at)
        SELECT NEW.lease_token, NEW.id, NEW.attempts, NEW.leased_by,
               coalesce(array_agg(services.name), '{}'), NEW.claimed_at
        FROM sections JOIN services ON services.id = sections.service_id
        WHERE sections.request_id = NEW.id;
        -- Whoever takes a lease starts its uncollected sections anew. An error's text stays until
        -- the section's next outcome, for people who look in the meantime.
        UPDATE sections SET status = 'PENDING', bytes = 0, tries = 0
        WHERE request_id = NEW.id AND status IN ('PENDING', 'ERRORED')
        AND (status <> 'PENDING' OR bytes <> 0 OR tries <> 0);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER lease_changed AFTER UPDATE OF lease_token ON requests FOR EACH ROW
WHEN (NEW.lease_token IS DISTINCT FROM OLD.lease_token)
EXECUTE FUNCTION dossier_lease_changed();

-- A requester's keys. They outlive their request's move to the archive and go with it from there.
CREATE TABLE idempotency_keys (
    requested_by text COLLATE "C" NOT NULL,
    key          text COLLATE "C" NOT NULL,
    request_id   uuid NOT NULL,
    -- SHA-256 of what was asked for.
    fingerprint  bytea NOT NULL CHECK (length(fingerprint) = 32),
    PRIMARY KEY (requested_by, key)
);

CREATE INDEX idempotency_keys_of_request ON idempotency_keys (request_id);

-- Finished requests that are only remembered: no documents, no name of the subject, and their
-- services as they were called then.
CREATE TABLE archived_requests (
    id                 uuid NOT NULL PRIMARY KEY,
    status             text NOT NULL CHECK (status IN ('Completed', 'Errored')),
    date_from          text,
    date_to            text NOT NULL,
    case_reference     text NOT NULL,
    subject_kind       text NOT NULL,
    subject_id         text NOT NULL,
    search_text        text COLLATE "C" NOT NULL,
    requested_by       text NOT NULL,
    requested_at       bigint NOT NULL,
    clock_started_at   bigint NOT NULL,
    due_at             bigint NOT NULL,
    attempts           bigint NOT NULL,
    claimed_at         bigint,
    finished_at        bigint NOT NULL,
    error_code         text,
    error_detail       text,
    pages              bigint,
    last_downloaded_at bigint,
    archived_at        bigint NOT NULL
);

CREATE INDEX archived_requests_by_age ON archived_requests (requested_at, id);
CREATE INDEX archived_requests_to_purge ON archived_requests (archived_at);

CREATE TABLE archived_sections (
    request_id       uuid NOT NULL REFERENCES archived_requests ON DELETE CASCADE,
    service_id       uuid NOT NULL,
    service_name     text NOT NULL,
    service_label    text NOT NULL,
    service_url      text NOT NULL,
    category         text NOT NULL,
    rank             bigint,
    status           text NOT NULL,
    held             text,
    template_version text,
    rendered_at      bigint,
    bytes            bigint NOT NULL,
    tries            bigint NOT NULL,
    error            text,
    PRIMARY KEY (request_id, service_id)
);
