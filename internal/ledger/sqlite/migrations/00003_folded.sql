-- +goose Up

-- An address is known by its folded form: who is on the list as Li@example.com
-- is not mailed as li@example.com too. Whom an earlier release has entered in two
-- spellings keeps both of them.
DELETE FROM address;
INSERT INTO address (issue, address, id) SELECT id >> 32,
    iif(row_number() OVER (PARTITION BY id >> 32, lower(address) ORDER BY address = lower(address) DESC, id) = 1, lower(address), address), id
    FROM recipient ORDER BY 1, 2;
UPDATE issue SET indexed = size;
