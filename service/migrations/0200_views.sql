-- What people see, computed from the log. The tables of the views themselves are made by the running service
-- (service/viewtables.py), which also rebuilds and switches them: so it may create here, and owns what it creates.

CREATE SCHEMA views;

-- Up to which event all live views have been folded: one row. Who folds moves it first, and only from where it was.
CREATE TABLE views.position (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL CHECK (position >= 0)
) WITH (fillfactor = 10);
INSERT INTO views.position (position) VALUES (0);

-- Which version of each view its table holds, complete up to the position; 0 while it must be rebuilt.
CREATE TABLE views.registry (
    name text PRIMARY KEY,
    version int NOT NULL,
    -- Where it was left behind when it had to be rebuilt; means nothing once it is complete again.
    position bigint NOT NULL DEFAULT 0
);

-- Streams that a view could not fold: what it shows of them is as it was before this event.
CREATE TABLE views.frozen (
    view text NOT NULL,
    stream text NOT NULL,
    position bigint NOT NULL,
    error text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (view, stream)
);

GRANT USAGE, CREATE ON SCHEMA views TO {app_role};
GRANT SELECT, UPDATE ON views.position TO {app_role};
GRANT SELECT, INSERT, UPDATE, DELETE ON views.registry, views.frozen TO {app_role};
