-- +goose Up

-- How much a webhook takes lately: what it had taken at two moments, the second at least three days after the first.
ALTER TABLE webhooks
  ADD COLUMN first_at  bigint NOT NULL DEFAULT 0, ADD COLUMN first  bigint NOT NULL DEFAULT 0,
  ADD COLUMN second_at bigint NOT NULL DEFAULT 0, ADD COLUMN second bigint NOT NULL DEFAULT 0;
UPDATE webhooks SET first = submissions, second = submissions,
  first_at = extract(epoch FROM now())::bigint * 1000000, second_at = extract(epoch FROM now())::bigint * 1000000;
