-- Requests $1 to $2 (numbers), the first at $3 (milliseconds since the epoch), $4 apart; finished
-- ones if $5, else ones that are still to be made. Identifiers are UUIDs of version 7, as Dossier's.
INSERT INTO requests
    (id, status, date_to, case_reference, subject_kind, subject_id, subject_name, search_text,
     requested_by, requested_at, clock_started_at, due_at, attempts, claimed_at, finished_at,
     completed_by, document_id, document_bytes, document_sha256, pages)
SELECT (lpad(to_hex(at), 12, '0') || '7' || lpad(to_hex(n & 4095), 3, '0')
        || '8' || lpad(to_hex(n), 15, '0'))::uuid,
       CASE WHEN $5 THEN 'Completed' ELSE 'Pending' END, '2026-01-01', reference, 'NOMIS', subject,
       'BENCH, Mark', lower(reference) || E'\n' || lower(subject), 'bench', at, at, at,
       CASE WHEN $5 THEN 1 ELSE 0 END,
       CASE WHEN $5 THEN at + 10 END, CASE WHEN $5 THEN at + 2000 END,
       CASE WHEN $5 THEN gen_random_uuid() END, CASE WHEN $5 THEN gen_random_uuid() END,
       CASE WHEN $5 THEN 20000 END, CASE WHEN $5 THEN repeat('ab', 32) END,
       CASE WHEN $5 THEN 4 END
FROM (
    SELECT n, $3 + (n - $1) * $4 AS at, 'SAR-' || lpad(n::text, 7, '0') AS reference,
           'A' || lpad((n * 7919 % 10000)::text, 4, '0') || chr((65 + n / 10000 % 26)::int)
               || chr((65 + n / 260000 % 26)::int) AS subject
    FROM generate_series($1::bigint, $2::bigint) AS n
) AS numbered
