-- +goose Up

-- An address is known by its folded form: who is on the list as Li@example.com
-- is not mailed as li@example.com too. Where an earlier release has entered
-- somebody in two spellings both stay, and the index cannot be unique.
DROP INDEX recipient_address;
-- +goose StatementBegin
DO $$
BEGIN
    CREATE UNIQUE INDEX recipient_address ON recipient ((id >> 32), lower(address));
EXCEPTION WHEN unique_violation THEN
    CREATE INDEX recipient_address ON recipient ((id >> 32), lower(address));
END
$$;
-- +goose StatementEnd
