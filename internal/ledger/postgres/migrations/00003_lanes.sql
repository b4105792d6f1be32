-- +goose Up

-- An account whose work is split has a row for each of its lanes, beside the one
-- of the whole (0 of 1), which has its hold and what it learned. Leases, attempts
-- and what is due again are a row's own, so that each lane knows what of the
-- account's limits it has used.
ALTER TABLE account ADD COLUMN lane integer NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN lanes integer NOT NULL DEFAULT 1 CHECK (0 <= lane AND lane < lanes);
ALTER TABLE account DROP CONSTRAINT account_name_key;
ALTER TABLE account ADD UNIQUE (name, lanes, lane);
