-- Which requests go before others that came in at about the same time.

-- 1 is high, 0 normal, -1 low.
ALTER TABLE requests ADD COLUMN priority bigint NOT NULL DEFAULT 0
    CHECK (priority BETWEEN -1 AND 1);
ALTER TABLE archived_requests ADD COLUMN priority bigint NOT NULL DEFAULT 0;

-- What there is to do, in the order of claims: a priority is worth four hours of waiting. Programs of
-- schema 5 claim by requests_to_do, which stays for them.
CREATE INDEX IF NOT EXISTS requests_by_place
    ON requests ((requested_at - priority * 14400000), id) WHERE status = 'Pending';
