-- Registered versions of services' templates, and whether services serve them.

-- An ordinary table: its rows are long, and reading one without its content reads none of that.
CREATE TABLE template_versions (
    id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    service_id   BLOB NOT NULL REFERENCES services,
    -- From 1 within its service. That of a pending one is used again by what replaces it.
    version      INTEGER NOT NULL CHECK (version >= 1),
    status       TEXT NOT NULL CHECK (status IN ('PENDING', 'PUBLISHED')),
    -- Of the content as it was received.
    sha256       TEXT NOT NULL CHECK (length(sha256) = 64),
    created_at   INTEGER NOT NULL,
    published_at INTEGER,
    content      BLOB NOT NULL,
    UNIQUE (service_id, version),
    CHECK ((status = 'PUBLISHED') = (published_at IS NOT NULL))
) STRICT;

-- A service has at most one pending version.
CREATE UNIQUE INDEX template_versions_pending ON template_versions (service_id)
    WHERE status = 'PENDING';

-- A report names the version that it was made with: what is published stays as it is.
CREATE TRIGGER template_version_stays BEFORE UPDATE ON template_versions
WHEN OLD.status = 'PUBLISHED'
BEGIN
    SELECT RAISE(ABORT, 'a published template version never changes');
END;
CREATE TRIGGER template_version_is_kept BEFORE DELETE ON template_versions
WHEN OLD.status = 'PUBLISHED'
BEGIN
    SELECT RAISE(ABORT, 'a published template version is kept');
END;

-- How the templates of the services are that have one, as they were last asked.
CREATE TABLE template_health (
    service_id         BLOB NOT NULL PRIMARY KEY REFERENCES services,
    -- When a process last took it upon itself to ask. Only the answer to that question counts.
    taken_at           INTEGER NOT NULL,
    -- Null until the first answer, as are since and checked_at.
    state              TEXT CHECK (state IN ('UP_TO_DATE', 'NOT_REGISTERED', 'NONE', 'UNREACHABLE')),
    served_sha256      TEXT CHECK (length(served_sha256) = 64),
    version            INTEGER CHECK (version >= 1),
    since              INTEGER,
    checked_at         INTEGER,
    -- Since when nothing that is registered, nor nothing at all, was served: it stays while the
    -- service does not answer.
    unregistered_since INTEGER,
    alert_since        INTEGER,
    CHECK ((state IS NULL) = (since IS NULL)),
    CHECK ((state IS NULL) = (checked_at IS NULL)),
    CHECK (alert_since IS NULL OR unregistered_since IS NOT NULL),
    CHECK ((state IS 'UP_TO_DATE') = (version IS NOT NULL))
) STRICT, WITHOUT ROWID;
