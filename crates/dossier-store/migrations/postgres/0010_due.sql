-- While a service is down, thousands of requests may wait for their next attempt. A claim passes them
-- by their entries in the index, without reading their rows. `due_at` changes when a lease is given
-- back, never when one is taken or renewed, so those stay within the row's page.
DROP INDEX requests_to_claim;
CREATE INDEX requests_to_claim ON requests ((requested_at - priority * 14400000), id, due_at)
    WHERE status = 'Pending' AND NOT waits;
