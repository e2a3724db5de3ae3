-- Requests that only wait for suspended services stand apart from those to be claimed, so that a claim
-- does not go past each of them for as long as a service is suspended.

-- Whether nobody holds a lease and only suspended services are left to collect. Kept by triggers, and
-- so whichever program's version writes. It may be false though a request waits (a lease that expired
-- says nothing); it is true only if it does.
ALTER TABLE requests ADD COLUMN waits boolean NOT NULL DEFAULT false;

CREATE FUNCTION dossier_set_waits(ids uuid[]) RETURNS void LANGUAGE sql AS $$
    UPDATE requests SET waits = NOT waits
    WHERE id = ANY (ids) AND waits <> (
        status = 'Pending' AND lease_token IS NULL
        AND EXISTS (SELECT 1 FROM sections WHERE sections.request_id = requests.id
                    AND sections.status = 'SUSPENDED' OFFSET 0)
        AND NOT EXISTS (SELECT 1 FROM sections WHERE sections.request_id = requests.id
                        AND sections.status IN ('PENDING', 'ERRORED') OFFSET 0))
$$;

CREATE FUNCTION dossier_sections_came() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ids CONSTANT uuid[] := ARRAY(SELECT DISTINCT request_id FROM fresh WHERE status = 'SUSPENDED');
BEGIN
    IF cardinality(ids) > 0 THEN
        PERFORM dossier_set_waits(ids);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER sections_came AFTER INSERT ON sections
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT
EXECUTE FUNCTION dossier_sections_came();

CREATE FUNCTION dossier_section_suspended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM dossier_set_waits(ARRAY[NEW.request_id]);
    RETURN NULL;
END $$;

CREATE TRIGGER section_suspended AFTER UPDATE OF status ON sections FOR EACH ROW
WHEN ((OLD.status = 'SUSPENDED') <> (NEW.status = 'SUSPENDED'))
EXECUTE FUNCTION dossier_section_suspended();

CREATE FUNCTION dossier_request_free() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM dossier_set_waits(ARRAY[NEW.id]);
    RETURN NULL;
END $$;

-- A lease was given back, or the request restarted.
CREATE TRIGGER request_free AFTER UPDATE OF lease_token, status ON requests FOR EACH ROW
WHEN (NEW.status = 'Pending' AND NEW.lease_token IS NULL
      AND (OLD.lease_token IS NOT NULL OR OLD.status <> 'Pending'))
EXECUTE FUNCTION dossier_request_free();

SELECT dossier_set_waits(ARRAY(
    SELECT request_id FROM sections WHERE status = 'SUSPENDED' ORDER BY request_id));

CREATE INDEX requests_to_claim ON requests ((requested_at - priority * 14400000), id)
    WHERE status = 'Pending' AND NOT waits;
DROP INDEX requests_by_place;
