-- +goose Up

-- What the people and the rooms around the line write. Other processes write
-- these too while one has the line, in transactions of a few milliseconds.

-- Who gets no mail. An address is looked up for every mail.
CREATE TABLE suppression (
    address TEXT    NOT NULL,            -- folded
    list    TEXT    NOT NULL,            -- '' = all lists
    source  TEXT    NOT NULL,
    reason  TEXT    NOT NULL,
    by      TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (address, list)
) WITHOUT ROWID;

-- What people did. Only ever appended to.
CREATE TABLE act (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    by       TEXT    NOT NULL,
    what     TEXT    NOT NULL,
    campaign TEXT    NOT NULL,
    issue    TEXT    NOT NULL,
    about    TEXT    NOT NULL,
    note     TEXT    NOT NULL
);

-- Papers of other rooms.
CREATE TABLE paper (
    shelf TEXT    NOT NULL,
    name  TEXT    NOT NULL,
    body  BLOB    NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (shelf, name)
) WITHOUT ROWID;
