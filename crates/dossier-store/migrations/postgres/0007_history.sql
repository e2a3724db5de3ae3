-- The history of leases is written once for all rows that a statement changes, and no longer for
-- each: a claim of a hundred requests takes one insertion and not a hundred.

CREATE FUNCTION dossier_leases_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    now_ms CONSTANT bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
    ended_tokens uuid[];
    ended_ats    bigint[];
    endings      text[];
    taken_ids    uuid[];
    taken_tokens uuid[];
    numbers      bigint[];
    workers      text[];
    claimed_ats  bigint[];
BEGIN
    -- No row changes its identifier, so that each is on both sides. A full join is never done row
    -- by row (the planner cannot know how many there are).
    SELECT array_agg(was.lease_token) FILTER (WHERE was.lease_token IS NOT NULL),
           array_agg(least(was.lease_expires_at, now_ms)) FILTER (WHERE was.lease_token IS NOT NULL),
           array_agg(CASE
               WHEN fresh.status = 'Completed' THEN 'COMPLETED'
               WHEN was.lease_expires_at <= now_ms THEN 'LOST'
               WHEN fresh.error_code = 'CANCELLED' THEN 'CANCELLED'
               WHEN fresh.attempts < was.attempts THEN 'HANDED_BACK'
               ELSE 'FAILED'
           END) FILTER (WHERE was.lease_token IS NOT NULL),
           array_agg(fresh.id) FILTER (WHERE fresh.lease_token IS NOT NULL),
           array_agg(fresh.lease_token) FILTER (WHERE fresh.lease_token IS NOT NULL),
           array_agg(fresh.attempts) FILTER (WHERE fresh.lease_token IS NOT NULL),
           array_agg(fresh.leased_by) FILTER (WHERE fresh.lease_token IS NOT NULL),
           array_agg(fresh.claimed_at) FILTER (WHERE fresh.lease_token IS NOT NULL)
    INTO ended_tokens, ended_ats, endings, taken_ids, taken_tokens, numbers, workers, claimed_ats
    FROM was FULL JOIN fresh ON fresh.id = was.id
    WHERE fresh.lease_token IS DISTINCT FROM was.lease_token;

    IF ended_tokens IS NOT NULL THEN
        UPDATE attempts SET ended_at = ended.at, ending = ended.ending
        FROM unnest(ended_tokens, ended_ats, endings) AS ended (token, at, ending)
        WHERE attempts.lease_token = ended.token;
    END IF;
    IF taken_ids IS NOT NULL THEN
        INSERT INTO attempts (lease_token, request_id, number, worker, services, claimed_at)
        SELECT taken.token, taken.id, taken.number, taken.worker,
               ARRAY(SELECT services.name FROM sections
                     JOIN services ON services.id = sections.service_id
                     WHERE sections.request_id = taken.id),
               taken.claimed_at
        FROM unnest(taken_ids, taken_tokens, numbers, workers, claimed_ats)
            AS taken (id, token, number, worker, claimed_at);
        -- Whoever takes a lease starts its uncollected sections anew. An error's text stays until
        -- the section's next outcome, for people who look in the meantime.
        UPDATE sections SET status = 'PENDING', bytes = 0, tries = 0
        WHERE request_id = ANY (taken_ids) AND status IN ('PENDING', 'ERRORED')
        AND (status <> 'PENDING' OR bytes <> 0 OR tries <> 0);
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER lease_changed ON requests;
DROP FUNCTION dossier_lease_changed();

CREATE TRIGGER leases_changed AFTER UPDATE ON requests
REFERENCING OLD TABLE AS was NEW TABLE AS fresh FOR EACH STATEMENT
EXECUTE FUNCTION dossier_leases_changed();

-- Every row of a page may be taken at about the same time and renewed soon after, sooner than its old
-- versions can go: there has to be room for three of each, or each takes an entry in every index.
ALTER TABLE requests SET (fillfactor = 33);
