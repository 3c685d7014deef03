-- +goose Up

-- How much a webhook takes lately: what it had taken at two moments, the second at least three days after the first.
ALTER TABLE webhooks ADD COLUMN first_at  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE webhooks ADD COLUMN first     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE webhooks ADD COLUMN second_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE webhooks ADD COLUMN second    INTEGER NOT NULL DEFAULT 0;
UPDATE webhooks SET first = submissions, second = submissions,
  first_at = unixepoch() * 1000000, second_at = unixepoch() * 1000000;
