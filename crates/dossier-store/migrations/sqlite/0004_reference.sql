-- Reference data: the names behind codes, and where they come from.

CREATE TABLE reference_entries (
    kind      TEXT NOT NULL CHECK (kind IN ('prisons', 'users', 'locationsByDpsId', 'locationsByNomisId')),
    -- A configured source's name, or 'import'.
    source    TEXT NOT NULL,
    code      TEXT NOT NULL,
    -- None: the source was asked, and does not know the code.
    name      TEXT,
    loaded_at INTEGER NOT NULL,
    PRIMARY KEY (kind, source, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE reference_sources (
    source        TEXT NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('prisons', 'users', 'locationsByDpsId', 'locationsByNomisId')),
    refreshed_at  INTEGER,
    tried_at      INTEGER,
    -- None: it is not asked on a schedule.
    due_at        INTEGER,
    failures      INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    error         TEXT,
    -- Who refreshes it. The claim holds while claimed_until is in the future.
    claimed_by    BLOB CHECK (length(claimed_by) = 16),
    claimed_until INTEGER,
    PRIMARY KEY (source, kind),
    CHECK ((claimed_by IS NULL) = (claimed_until IS NULL))
) STRICT, WITHOUT ROWID;
