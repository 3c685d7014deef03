-- +goose Up

-- Runs that callers started themselves, through the gateway: how many of their items are kept, and their size.
ALTER TABLE runs ADD COLUMN followed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN brought  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN bytes    INTEGER NOT NULL DEFAULT 0;

-- The items of followed runs as Clay gave them, in its order.
CREATE TABLE brought (
  run  INTEGER NOT NULL,
  n    INTEGER NOT NULL,
  body BLOB    NOT NULL,
  UNIQUE (run, n)
) STRICT;

CREATE INDEX runs_followed ON runs (ended_at) WHERE followed = 1;
