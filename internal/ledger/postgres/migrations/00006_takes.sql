-- +goose Up

-- Which accounts a worker takes: nobody is to wait for one that takes others.
-- NULL of those that do not say, as an earlier release did not.
ALTER TABLE worker ADD COLUMN takes text[];
