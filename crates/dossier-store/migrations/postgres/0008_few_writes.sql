-- A request's way from claim to completion is written in as few places as can be: one row each time,
-- the request's own, and at its completion three entries in indexes.
--
-- Until these steps are part of a release no database of many requests has to take them, so what is
-- in the tables is copied while writers wait.

-- What is still to be cleaned up after an attempt is written down when the attempt ends, and only if
-- it did not complete its request. A current lease is in its request, and so is the one that completed
-- it.

-- What services were called before: the documents of attempts were named after them.
CREATE TABLE former_service_names (
    service_id uuid NOT NULL REFERENCES services ON DELETE CASCADE,
    name       text COLLATE "C" NOT NULL,
    PRIMARY KEY (service_id, name)
);

CREATE FUNCTION dossier_service_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO former_service_names (service_id, name) VALUES (OLD.id, OLD.name)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER service_renamed AFTER UPDATE OF name ON services FOR EACH ROW
WHEN (NEW.name <> OLD.name)
EXECUTE FUNCTION dossier_service_renamed();

-- What an attempt at a request may have called its services.
CREATE FUNCTION dossier_service_names(request uuid) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(
        SELECT services.name FROM sections
        JOIN services ON services.id = sections.service_id
        WHERE sections.request_id = request
        UNION
        SELECT former_service_names.name FROM sections
        JOIN former_service_names ON former_service_names.service_id = sections.service_id
        WHERE sections.request_id = request)
$$;

CREATE FUNCTION dossier_lease_over() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    now_ms CONSTANT bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
BEGIN
    IF OLD.lease_token IS NOT NULL THEN
        -- It is there already if it was cleaned up before anybody took the request over.
        INSERT INTO attempts
            (lease_token, request_id, number, worker, services, claimed_at, ended_at, ending)
        VALUES (OLD.lease_token, OLD.id, OLD.attempts, OLD.leased_by, dossier_service_names(OLD.id),
            OLD.claimed_at, least(OLD.lease_expires_at, now_ms),
            CASE
                WHEN OLD.lease_expires_at <= now_ms THEN 'LOST'
                WHEN NEW.error_code = 'CANCELLED' THEN 'CANCELLED'
                WHEN NEW.attempts < OLD.attempts THEN 'HANDED_BACK'
                ELSE 'FAILED'
            END)
        ON CONFLICT (lease_token) DO NOTHING;
    END IF;
    IF NEW.lease_token IS NOT NULL THEN
        -- Whoever takes a lease starts its uncollected sections anew. An error's text stays until
        -- the section's next outcome, for people who look in the meantime.
        UPDATE sections SET status = 'PENDING', bytes = 0, tries = 0
        WHERE request_id = NEW.id AND status IN ('PENDING', 'ERRORED')
        AND (status <> 'PENDING' OR bytes <> 0 OR tries <> 0);
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER leases_changed ON requests;
DROP FUNCTION dossier_leases_changed();

-- Not for a request's first lease, which has no sections to start anew, and not for its completion.
CREATE TRIGGER lease_over AFTER UPDATE OF lease_token ON requests FOR EACH ROW
WHEN (OLD.claimed_at IS NOT NULL AND NEW.lease_token IS DISTINCT FROM OLD.lease_token
      AND NEW.status <> 'Completed')
EXECUTE FUNCTION dossier_lease_over();

-- Of current leases, which are written down when they end.
DELETE FROM attempts WHERE ending IS NULL AND NOT cleaned;

-- What a request is found by when somebody searches, apart from what changes of it. Written by the
-- same statement as the request.
CREATE TABLE request_texts (
    request_id  uuid NOT NULL PRIMARY KEY REFERENCES requests ON DELETE CASCADE,
    -- Case reference and identifier in lower case, a line each.
    search_text text COLLATE "C" NOT NULL,
    -- The identifier in lower case.
    subject_id  text COLLATE "C" NOT NULL
);

CREATE FUNCTION dossier_requests_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO request_texts (request_id, search_text, subject_id)
    SELECT id, search_text, split_part(search_text, E'\n', -1) FROM fresh;
    RETURN NULL;
END $$;

CREATE TRIGGER requests_came AFTER INSERT ON requests
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT
EXECUTE FUNCTION dossier_requests_came();

INSERT INTO request_texts (request_id, search_text, subject_id)
SELECT id, search_text, split_part(search_text, E'\n', -1) FROM requests;

-- They are made on request_texts. Beginnings are always found by these; the index for any part of a text
-- is made apart from the steps, where its extension can be had.
DROP INDEX IF EXISTS requests_by_trigrams, requests_by_reference, requests_by_subject;
CREATE INDEX requests_by_reference ON request_texts (search_text);
CREATE INDEX requests_by_subject ON request_texts (subject_id);
CREATE INDEX IF NOT EXISTS archived_requests_by_reference ON archived_requests (search_text);
CREATE INDEX IF NOT EXISTS archived_requests_by_subject
    ON archived_requests ((lower(subject_id) COLLATE "C"));

-- Nearly all requests are completed, and those are found by age. Lists and counts of the others, and
-- for programs of schema 5 what there is to do in the order of their claims.
CREATE INDEX requests_unfinished ON requests (status, requested_at, id)
    INCLUDE (clock_started_at) WHERE status <> 'Completed';
DROP INDEX requests_by_status, requests_to_do;
