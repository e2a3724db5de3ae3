-- Registered versions of services' templates, and whether services serve them.

CREATE TABLE template_versions (
    id           uuid NOT NULL PRIMARY KEY,
    service_id   uuid NOT NULL REFERENCES services,
    -- From 1 within its service. That of a pending one is used again by what replaces it.
    version      bigint NOT NULL CHECK (version >= 1),
    status       text NOT NULL CHECK (status IN ('PENDING', 'PUBLISHED')),
    -- Of the content as it was received.
    sha256       text NOT NULL CHECK (length(sha256) = 64),
    created_at   bigint NOT NULL,
    published_at bigint,
    content      bytea NOT NULL,
    UNIQUE (service_id, version),
    CHECK ((status = 'PUBLISHED') = (published_at IS NOT NULL))
);

-- A service has at most one pending version.
CREATE UNIQUE INDEX template_versions_pending ON template_versions (service_id)
    WHERE status = 'PENDING';

-- A report names the version that it was made with: what is published stays as it is.
CREATE FUNCTION dossier_template_version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a published template version is kept and never changes';
END $$;

CREATE TRIGGER template_version_stays BEFORE UPDATE OR DELETE ON template_versions FOR EACH ROW
WHEN (OLD.status = 'PUBLISHED')
EXECUTE FUNCTION dossier_template_version_stays();

-- How the templates of the services are that have one, as they were last asked.
CREATE TABLE template_health (
    service_id         uuid NOT NULL PRIMARY KEY REFERENCES services,
    -- When a process last took it upon itself to ask. Only the answer to that question counts.
    taken_at           bigint NOT NULL,
    -- Null until the first answer, as are since and checked_at.
    state              text CHECK (state IN ('UP_TO_DATE', 'NOT_REGISTERED', 'NONE', 'UNREACHABLE')),
    served_sha256      text CHECK (length(served_sha256) = 64),
    version            bigint CHECK (version >= 1),
    since              bigint,
    checked_at         bigint,
    -- Since when nothing that is registered, nor nothing at all, was served: it stays while the
    -- service does not answer.
    unregistered_since bigint,
    alert_since        bigint,
    CHECK ((state IS NULL) = (since IS NULL)),
    CHECK ((state IS NULL) = (checked_at IS NULL)),
    CHECK (alert_since IS NULL OR unregistered_since IS NOT NULL),
    CHECK ((state IS NOT DISTINCT FROM 'UP_TO_DATE') = (version IS NOT NULL))
);
