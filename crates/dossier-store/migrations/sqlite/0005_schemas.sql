-- JSON Schemas of what services answer: the titles that their sections are printed with.

-- An ordinary table: its rows are long, and reading one without its content reads none of that.
CREATE TABLE schemas (
    service_id BLOB NOT NULL PRIMARY KEY REFERENCES services,
    -- Of the content as it was received.
    sha256     TEXT NOT NULL CHECK (length(sha256) = 64),
    content    BLOB NOT NULL
) STRICT;
