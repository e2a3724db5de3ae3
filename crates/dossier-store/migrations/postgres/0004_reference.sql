-- Reference data: the names behind codes, and where they come from.

CREATE TABLE reference_entries (
    kind      text NOT NULL CHECK (kind IN ('prisons', 'users', 'locationsByDpsId', 'locationsByNomisId')),
    -- A configured source's name, or 'import'.
    source    text COLLATE "C" NOT NULL,
    code      text COLLATE "C" NOT NULL,
    -- None: the source was asked, and does not know the code.
    name      text,
    loaded_at bigint NOT NULL,
    PRIMARY KEY (kind, source, code)
);

CREATE TABLE reference_sources (
    source        text COLLATE "C" NOT NULL,
    kind          text COLLATE "C" NOT NULL CHECK (kind IN ('prisons', 'users', 'locationsByDpsId', 'locationsByNomisId')),
    refreshed_at  bigint,
    tried_at      bigint,
    -- None: it is not asked on a schedule.
    due_at        bigint,
    failures      bigint NOT NULL DEFAULT 0 CHECK (failures >= 0),
    error         text,
    -- Who refreshes it. The claim holds while claimed_until is in the future.
    claimed_by    uuid,
    claimed_until bigint,
    PRIMARY KEY (source, kind),
    CHECK ((claimed_by IS NULL) = (claimed_until IS NULL))
);
