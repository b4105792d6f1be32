-- +goose Up

-- A span a claim. One over all that an account claims of an issue lies over what
-- all accounts claim of it, and each successor would look through all of that.
ALTER TABLE span DROP CONSTRAINT span_pkey;
ALTER TABLE span ADD PRIMARY KEY (epoch, issue, low);
ALTER TABLE span RESET (fillfactor);
