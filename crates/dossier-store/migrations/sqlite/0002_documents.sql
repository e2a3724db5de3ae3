-- Several documents a request: the report's further volumes, the subject's copy, the package.
--
-- The report's first volume stays in its request's row, which says that it is completed: both are
-- written by one statement.

CREATE TABLE documents (
    request_id      BLOB NOT NULL REFERENCES requests ON DELETE CASCADE,
    kind            TEXT NOT NULL CHECK (kind IN ('REPORT', 'COPY', 'PACKAGE')),
    volume          INTEGER NOT NULL CHECK (volume >= 1),
    document_id     BLOB NOT NULL UNIQUE CHECK (length(document_id) = 16),
    document_bytes  INTEGER NOT NULL CHECK (document_bytes >= 0),
    document_sha256 TEXT NOT NULL CHECK (length(document_sha256) = 64),
    pages           INTEGER CHECK (pages >= 1),
    PRIMARY KEY (request_id, kind, volume),
    CHECK (kind <> 'REPORT' OR volume > 1),
    CHECK ((kind = 'PACKAGE') = (pages IS NULL))
) STRICT, WITHOUT ROWID;
