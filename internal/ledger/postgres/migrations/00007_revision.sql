-- +goose Up

-- How often the suppressions were changed: who has asked for many addresses at
-- once need not ask again for each of them, as long as this is the same. Whoever
-- changes them counts, whatever release he is of.
CREATE TABLE revision (n bigint NOT NULL);
INSERT INTO revision VALUES (0);

-- +goose StatementBegin
CREATE FUNCTION revise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE %I.revision SET n = n + 1', TG_TABLE_SCHEMA); -- whoever writes may have another path
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER revised AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON suppression
    FOR EACH STATEMENT EXECUTE FUNCTION revise();
