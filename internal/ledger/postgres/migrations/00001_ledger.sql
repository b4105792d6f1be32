-- +goose Up

-- Times are milliseconds since 1970 UTC, 0 when there was none; those of leases
-- are the database's own. States are numbered as in store.go. Entry ids are
-- issue.id << 32 | 1, 2, 3 …, so that the rows of an issue lie side by side and
-- no hot table needs an index. Words are compared as bytes, as Go does.

CREATE TABLE install (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    key bytea   NOT NULL                       -- 32 random bytes, made once
);

CREATE TABLE issue (
    id       bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    campaign text    COLLATE "C" NOT NULL,
    issue    text    COLLATE "C" NOT NULL,
    digests  text    NOT NULL,                 -- JSON: input → sha256
    planned  bigint  NOT NULL,                 -- when they were frozen
    complete boolean NOT NULL DEFAULT false,   -- an Enqueue came to the end of the list
    size     bigint  NOT NULL DEFAULT 0,       -- the last number given to an entry; none is given twice
    cursor   bigint  NOT NULL DEFAULT 0,       -- entries up to this number were offered once
    touched  bigint  NOT NULL DEFAULT 0,       -- no attempt began later than this
    UNIQUE (campaign, issue)
) WITH (fillfactor = 50);

CREATE TABLE account (
    id      bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name    text   COLLATE "C" NOT NULL UNIQUE,
    learned bytea
);

CREATE TABLE hold (
    account bigint  PRIMARY KEY,
    until   bigint  NOT NULL,
    since   bigint  NOT NULL,
    reason  text    NOT NULL,
    rule    text    NOT NULL,
    reply   text    NOT NULL,
    human   boolean NOT NULL
);

-- The processes that work here.
CREATE TABLE worker (
    id    text        PRIMARY KEY,             -- random, new at every start
    name  text        NOT NULL,                -- for people
    works boolean     NOT NULL,                -- it takes whatever is due; else it came for one errand
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    until timestamptz NOT NULL                 -- taken for dead after this
);

-- Who may use an account. Every grant has an epoch of its own, over all
-- accounts; what is claimed or sending bears the epoch under which it was.
CREATE SEQUENCE epoch;

CREATE TABLE lease (
    account bigint      PRIMARY KEY,
    epoch   bigint      NOT NULL,
    owner   text        NOT NULL,              -- worker.id; '' when it was handed back
    until   timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Where the entries of an epoch lie: what a successor has to look through.
CREATE TABLE span (
    epoch bigint NOT NULL,
    issue bigint NOT NULL,
    low   bigint NOT NULL,
    high  bigint NOT NULL,
    PRIMARY KEY (epoch, issue)
) WITH (fillfactor = 50);

-- What does not change while an issue is sent.
CREATE TABLE recipient (
    id      bigint  PRIMARY KEY,
    line    integer NOT NULL,
    address text    COLLATE "C" NOT NULL,      -- or 'line:N' for a row without one
    name    text    NOT NULL,
    fields  text    NOT NULL                   -- JSON, '' when there are none
);

-- Nobody is enqueued twice.
CREATE UNIQUE INDEX recipient_address ON recipient ((id >> 32), address);

-- What changes with every step: narrow, without a secondary index, and with
-- room in every page for the next step.
CREATE TABLE delivery (
    id         bigint   PRIMARY KEY,
    begun      bigint   NOT NULL DEFAULT 0,
    ended      bigint   NOT NULL DEFAULT 0,
    due        bigint   NOT NULL DEFAULT 0,
    account    bigint   NOT NULL DEFAULT 0,
    claim      bigint   NOT NULL DEFAULT 0,    -- epoch that it is claimed by, sending under, or was left in doubt by
    attempts   integer  NOT NULL DEFAULT 0,
    state      smallint NOT NULL,
    message_id text     NOT NULL DEFAULT ''
) WITH (fillfactor = 50);

-- Queued entries that were offered once and given back. Few.
CREATE TABLE loose (
    issue bigint NOT NULL,
    id    bigint NOT NULL,
    PRIMARY KEY (issue, id)
);

-- How the last attempt ended, in words. Written once per outcome.
CREATE TABLE answer (
    id         bigint  PRIMARY KEY,
    stage      text    NOT NULL DEFAULT '',
    code       integer NOT NULL DEFAULT 0,
    enhanced   text    NOT NULL DEFAULT '',
    reply      text    NOT NULL DEFAULT '',
    class      text    NOT NULL DEFAULT '',
    rule       text    NOT NULL DEFAULT '',
    bytes      bigint  NOT NULL DEFAULT 0,
    settled_by text    NOT NULL DEFAULT '',
    settled_at bigint  NOT NULL DEFAULT 0
);

-- Earlier attempts, kept when a later one takes their place. Few.
CREATE TABLE attempt (
    id         bigint  NOT NULL,
    n          integer NOT NULL,
    account    bigint  NOT NULL,
    begun      bigint  NOT NULL,
    ended      bigint  NOT NULL,
    message_id text    NOT NULL,
    stage      text    NOT NULL,
    code       integer NOT NULL,
    enhanced   text    NOT NULL,
    reply      text    NOT NULL,
    class      text    NOT NULL,
    rule       text    NOT NULL,
    bytes      bigint  NOT NULL,
    settled_by text    NOT NULL,
    settled_at bigint  NOT NULL,
    PRIMARY KEY (id, n)
);

-- Exactly the deferred entries, in the order in which they come due. Few.
CREATE TABLE due (
    issue   bigint NOT NULL,
    account bigint NOT NULL,
    due     bigint NOT NULL,
    id      bigint NOT NULL,
    PRIMARY KEY (issue, account, due, id)
);
