-- Who is told what? Notices are folded from the log, a delivery is one notice to one recipient over one channel. Nothing
-- here holds a name, an address or words: messages are made from the log and the vault when they go out.

ALTER TABLE vault.people ADD COLUMN chairs text[] NOT NULL DEFAULT '{{}}';
ALTER TABLE vault.people ADD COLUMN municipalities text[] NOT NULL DEFAULT '{{}}';

-- How somebody wants to hear things. Times are those of the region.
CREATE TABLE vault.hearing (
    person text PRIMARY KEY REFERENCES vault.people (id) ON DELETE CASCADE,
    language text NOT NULL DEFAULT 'nl',
    quiet_from time,
    quiet_until time,
    absent_from date,
    absent_until date,
    stand_in text REFERENCES vault.people (id) ON DELETE SET NULL
);
CREATE TABLE vault.preferences (
    person text NOT NULL REFERENCES vault.people (id) ON DELETE CASCADE,
    kind text NOT NULL,
    channel text NOT NULL,
    mode text NOT NULL,
    PRIMARY KEY (person, kind, channel)
);
CREATE TABLE vault.watching (
    person text NOT NULL REFERENCES vault.people (id) ON DELETE CASCADE,
    stream text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, person)
);
CREATE INDEX ON vault.watching (person);
-- An address that refuses mail for good; a new address of the same person is tried again.
CREATE TABLE vault.undeliverable (
    email text PRIMARY KEY,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE SCHEMA ledger;

-- Up to which event notices have been made. Who begins to use them is not told of the past.
CREATE TABLE ledger.position (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO ledger.position SELECT true, coalesce(max(notification_id), 0) FROM log.events;

-- Moves whenever an inbox does: open pages follow it.
CREATE SEQUENCE ledger.changes;

CREATE TABLE ledger.notices (
    id text PRIMARY KEY,
    -- 'event:<position>', 'term:<key of the queue>:<due on>', 'digest:<mode>:<day>', 'test:<id>'
    cause text NOT NULL,
    kind text NOT NULL,
    position bigint NOT NULL,
    stream text NOT NULL,
    urgency text NOT NULL,
    facts jsonb NOT NULL,
    letter text,
    at timestamptz NOT NULL,
    UNIQUE (cause, kind)
);
CREATE INDEX ON ledger.notices (stream, position);

CREATE TABLE ledger.deliveries (
    id text PRIMARY KEY,
    notice text NOT NULL REFERENCES ledger.notices (id),
    -- a person, a subscription, or an address of a council
    recipient text NOT NULL,
    channel text NOT NULL,
    -- why this recipient hears it: submitter, partner, body ...
    relation text NOT NULL,
    required boolean NOT NULL,
    -- for whom a stand-in hears it
    instead_of text,
    state text NOT NULL,
    -- not before this; of what is collected: when the digest goes
    due_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    -- when the id was given to the broker, and until when the one that sends it has it
    queued_at timestamptz,
    claimed_until timestamptz,
    settled_at timestamptz,
    error text,
    -- the digest it went out in
    bundle text REFERENCES ledger.deliveries (id),
    read_at timestamptz,
    archived_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (notice, recipient, channel)
);
CREATE INDEX deliveries_due ON ledger.deliveries (due_at) WHERE state = 'waiting';
CREATE INDEX deliveries_under_way ON ledger.deliveries (channel, recipient) WHERE state IN ('queued', 'sending');
CREATE INDEX deliveries_collected ON ledger.deliveries (recipient, due_at) WHERE state = 'collected';
CREATE INDEX deliveries_given_up ON ledger.deliveries (channel, id) WHERE state IN ('dead', 'bounced');
CREATE INDEX deliveries_inbox ON ledger.deliveries (recipient, id) WHERE channel = 'inbox' AND archived_at IS NULL;
CREATE INDEX deliveries_unread ON ledger.deliveries (recipient) WHERE channel = 'inbox' AND read_at IS NULL AND archived_at IS NULL;
CREATE INDEX deliveries_recipient ON ledger.deliveries (recipient, channel, id);
CREATE INDEX deliveries_bundle ON ledger.deliveries (bundle) WHERE bundle IS NOT NULL;

-- Every try, for who looks why something did not arrive.
CREATE TABLE ledger.tries (
    delivery text NOT NULL REFERENCES ledger.deliveries (id) ON DELETE CASCADE,
    number integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    outcome text NOT NULL,
    detail text NOT NULL,
    PRIMARY KEY (delivery, number)
);

-- Events for the programs of others.
CREATE TABLE ledger.subscriptions (
    id text PRIMARY KEY,
    person text NOT NULL REFERENCES vault.people (id) ON DELETE CASCADE,
    name text NOT NULL,
    channel text NOT NULL,
    url text NOT NULL DEFAULT '',
    -- empty: all of them
    types text[] NOT NULL DEFAULT '{{}}',
    programmes text[] NOT NULL DEFAULT '{{}}',
    -- on, off (by its owner), gone (the other side answered 410)
    state text NOT NULL DEFAULT 'on',
    -- which secret signs, and since when: the one before signs along for a day
    secret_version integer NOT NULL DEFAULT 1,
    secret_since timestamptz NOT NULL DEFAULT now(),
    -- tries that failed since the last that went well
    failures integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON ledger.subscriptions (person);

GRANT SELECT, INSERT, UPDATE, DELETE ON vault.hearing, vault.preferences, vault.watching, vault.undeliverable TO {app_role};
GRANT USAGE ON SCHEMA ledger TO {app_role};
GRANT USAGE ON SEQUENCE ledger.changes TO {app_role};
GRANT SELECT, UPDATE ON ledger.position TO {app_role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.notices, ledger.deliveries, ledger.tries, ledger.subscriptions TO {app_role};
