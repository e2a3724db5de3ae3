-- JSON Schemas of what services answer: the titles that their sections are printed with.

CREATE TABLE schemas (
    service_id uuid PRIMARY KEY REFERENCES services,
    -- Of the content as it was received.
    sha256     text COLLATE "C" NOT NULL CHECK (length(sha256) = 64),
    content    bytea NOT NULL
);
