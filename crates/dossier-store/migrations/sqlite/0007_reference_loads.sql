-- Names are written in small steps beside those that count, and then take their place at once.

-- A set of names: all that a source gave at once, or code by code.
CREATE TABLE reference_loads (
    -- Never used again: rows of a load that is gone are never another's.
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    begun_at   INTEGER NOT NULL,
    -- Names in it. None: it grows code by code, and they are to be counted.
    names      INTEGER CHECK (names >= 0),
    -- Until when it is left alone although no source has it: somebody is writing it.
    held_until INTEGER
) STRICT;

-- The load that counts. None: the source has given nothing.
ALTER TABLE reference_sources ADD COLUMN load INTEGER;

UPDATE reference_sources SET load =
    (SELECT count(*) FROM reference_sources AS others
     WHERE (others.kind, others.source) <= (reference_sources.kind, reference_sources.source));

INSERT INTO reference_loads (id, begun_at, names)
    SELECT sources.load, coalesce(sources.refreshed_at, 0),
        (SELECT count(name) FROM reference_entries AS entries
         WHERE entries.kind = sources.kind AND entries.source = sources.source)
    FROM reference_sources AS sources ORDER BY sources.load;

ALTER TABLE reference_entries RENAME TO reference_entries_before;

CREATE TABLE reference_entries (
    load      INTEGER NOT NULL,
    code      TEXT NOT NULL,
    -- None: the source was asked, and does not know the code.
    name      TEXT,
    loaded_at INTEGER NOT NULL,
    PRIMARY KEY (load, code)
) STRICT, WITHOUT ROWID;

INSERT INTO reference_entries (load, code, name, loaded_at)
    SELECT sources.load, entries.code, entries.name, entries.loaded_at
    FROM reference_sources AS sources
    JOIN reference_entries_before AS entries
        ON entries.kind = sources.kind AND entries.source = sources.source
    ORDER BY sources.load, entries.code;

DROP TABLE reference_entries_before;
