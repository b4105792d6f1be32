-- +goose Up

-- Times are milliseconds since 1970 UTC, 0 when there was none. States are
-- numbered as in store.go. Entry ids are issue.id << 32 | 1, 2, 3 …, so that the
-- rows of an issue lie side by side and no hot table needs an index.

CREATE TABLE install (
    key BLOB NOT NULL              -- 32 random bytes, made once
);

CREATE TABLE issue (
    id       INTEGER PRIMARY KEY,
    campaign TEXT    NOT NULL,
    issue    TEXT    NOT NULL,
    digests  TEXT    NOT NULL,           -- JSON: input → sha256
    planned  INTEGER NOT NULL,           -- when they were frozen
    complete INTEGER NOT NULL DEFAULT 0, -- an Enqueue came to the end of the list
    size     INTEGER NOT NULL DEFAULT 0, -- the last number given to an entry; none is given twice
    indexed  INTEGER NOT NULL DEFAULT 0, -- the addresses of entries up to this number are in address
    live     INTEGER NOT NULL DEFAULT 0, -- intents were recorded since the ledger was opened
    touched  INTEGER NOT NULL DEFAULT 0, -- no attempt began later than this
    UNIQUE (campaign, issue)
);

CREATE TABLE account (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    learned BLOB
);

CREATE TABLE hold (
    account INTEGER PRIMARY KEY,
    until   INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    reason  TEXT    NOT NULL,
    rule    TEXT    NOT NULL,
    reply   TEXT    NOT NULL,
    human   INTEGER NOT NULL
);

-- What does not change while an issue is sent.
CREATE TABLE recipient (
    id      INTEGER PRIMARY KEY,
    line    INTEGER NOT NULL,
    address TEXT    NOT NULL,            -- or 'line:N' for a row without one
    name    TEXT    NOT NULL,
    fields  TEXT    NOT NULL             -- JSON, '' when there are none
);

-- Nobody is enqueued twice. Entered in sorted batches, see issue.indexed.
CREATE TABLE address (
    issue   INTEGER NOT NULL,
    address TEXT    NOT NULL,
    id      INTEGER NOT NULL,
    PRIMARY KEY (issue, address)
) WITHOUT ROWID;

-- What changes with every step: narrow, without a secondary index.
CREATE TABLE delivery (
    id         INTEGER PRIMARY KEY,
    state      INTEGER NOT NULL,
    account    INTEGER NOT NULL DEFAULT 0,
    attempts   INTEGER NOT NULL DEFAULT 0,
    begun      INTEGER NOT NULL DEFAULT 0,
    ended      INTEGER NOT NULL DEFAULT 0,
    due        INTEGER NOT NULL DEFAULT 0,
    message_id TEXT    NOT NULL DEFAULT ''
);

-- How the last attempt ended, in words. Written once per outcome.
CREATE TABLE answer (
    id         INTEGER PRIMARY KEY,
    stage      TEXT    NOT NULL DEFAULT '',
    code       INTEGER NOT NULL DEFAULT 0,
    enhanced   TEXT    NOT NULL DEFAULT '',
    reply      TEXT    NOT NULL DEFAULT '',
    class      TEXT    NOT NULL DEFAULT '',
    rule       TEXT    NOT NULL DEFAULT '',
    bytes      INTEGER NOT NULL DEFAULT 0,
    settled_by TEXT    NOT NULL DEFAULT '',
    settled_at INTEGER NOT NULL DEFAULT 0
);

-- Earlier attempts, kept when a later one takes their place. Few.
CREATE TABLE attempt (
    id         INTEGER NOT NULL,
    n          INTEGER NOT NULL,
    account    INTEGER NOT NULL,
    begun      INTEGER NOT NULL,
    ended      INTEGER NOT NULL,
    message_id TEXT    NOT NULL,
    stage      TEXT    NOT NULL,
    code       INTEGER NOT NULL,
    enhanced   TEXT    NOT NULL,
    reply      TEXT    NOT NULL,
    class      TEXT    NOT NULL,
    rule       TEXT    NOT NULL,
    bytes      INTEGER NOT NULL,
    settled_by TEXT    NOT NULL,
    settled_at INTEGER NOT NULL,
    PRIMARY KEY (id, n)
) WITHOUT ROWID;

-- Exactly the deferred entries, in the order in which they come due. Few.
CREATE TABLE due (
    issue   INTEGER NOT NULL,
    account INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    id      INTEGER NOT NULL,
    PRIMARY KEY (issue, account, due, id)
) WITHOUT ROWID;
