-- Several documents a request: the report's further volumes, the subject's copy, the package.
--
-- The report's first volume stays in its request's row, which says that it is completed: both are
-- written in one transaction.

CREATE TABLE documents (
    request_id      uuid NOT NULL REFERENCES requests ON DELETE CASCADE,
    kind            text NOT NULL CHECK (kind IN ('REPORT', 'COPY', 'PACKAGE')),
    volume          bigint NOT NULL CHECK (volume >= 1),
    document_id     uuid NOT NULL UNIQUE,
    document_bytes  bigint NOT NULL CHECK (document_bytes >= 0),
    document_sha256 text NOT NULL CHECK (length(document_sha256) = 64),
    pages           bigint CHECK (pages >= 1),
    PRIMARY KEY (request_id, kind, volume),
    CHECK (kind <> 'REPORT' OR volume > 1),
    CHECK ((kind = 'PACKAGE') = (pages IS NULL))
);
