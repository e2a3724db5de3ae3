-- Requests ?1 to ?2 (numbers), the first at ?3 (milliseconds since the epoch), ?4 apart; finished
-- ones if ?5, else ones that are still to be made. Identifiers are UUIDs of version 7, as Dossier's.
INSERT INTO requests
    (id, status, date_to, case_reference, subject_kind, subject_id, subject_name, search_text,
     requested_by, requested_at, clock_started_at, due_at, attempts, claimed_at, finished_at,
     completed_by, document_id, document_bytes, document_sha256, pages)
WITH RECURSIVE numbers (n) AS (
    SELECT ?1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2
), numbered AS (
    SELECT n, ?3 + (n - ?1) * ?4 AS at, printf('SAR-%07d', n) AS reference,
           printf('A%04d%s%s', n * 7919 % 10000, char(65 + n / 10000 % 26),
                  char(65 + n / 260000 % 26)) AS subject
    FROM numbers
)
SELECT unhex(printf('%012x7%03x8%015x', at, n & 4095, n)), iif(?5, 'Completed', 'Pending'),
       '2026-01-01', reference, 'NOMIS', subject, 'BENCH, Mark',
       lower(reference) || char(10) || lower(subject), 'bench', at, at, at, iif(?5, 1, 0),
       iif(?5, at + 10, NULL), iif(?5, at + 2000, NULL), iif(?5, randomblob(16), NULL),
       iif(?5, randomblob(16), NULL), iif(?5, 20000, NULL),
       iif(?5, replace(printf('%032d', 0), '0', 'ab'), NULL), iif(?5, 4, NULL)
FROM numbered
