-- +goose Up

-- What the people and the rooms around the line write.

-- Who gets no mail. An address is looked up for every mail.
CREATE TABLE suppression (
    address text   COLLATE "C" NOT NULL,       -- folded
    list    text   COLLATE "C" NOT NULL,       -- '' = all lists
    source  text   NOT NULL,
    reason  text   NOT NULL,
    by      text   NOT NULL,
    at      bigint NOT NULL,
    PRIMARY KEY (address, list)
);

-- What people did. Only ever appended to.
CREATE TABLE act (
    id       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at       bigint NOT NULL,
    by       text   NOT NULL,
    what     text   NOT NULL,
    campaign text   NOT NULL,
    issue    text   NOT NULL,
    about    text   NOT NULL,
    note     text   NOT NULL
);

-- Papers of other rooms.
CREATE TABLE paper (
    shelf text   COLLATE "C" NOT NULL,
    name  text   COLLATE "C" NOT NULL,
    body  bytea  NOT NULL,
    at    bigint NOT NULL,
    PRIMARY KEY (shelf, name)
);
