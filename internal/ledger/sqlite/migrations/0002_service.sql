-- +goose Up

-- What those who watch are told, in the order of the commits.
CREATE TABLE notices (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT,
  kind   TEXT    NOT NULL,
  cached INTEGER NOT NULL,              -- of a record that was done without being sent
  target TEXT    NOT NULL,
  record BLOB,
  reason TEXT    NOT NULL,
  at     INTEGER NOT NULL
) STRICT;

-- What each target's breaker counts, or holds, as it stood at written_at. A target that never failed has no row.
CREATE TABLE breakers (
  target     TEXT PRIMARY KEY,
  hold       INTEGER NOT NULL,
  misses     INTEGER NOT NULL,          -- more than 0 while it is open
  probe      INTEGER NOT NULL,
  remains    INTEGER NOT NULL,          -- of the window in which calls are counted
  calls      INTEGER NOT NULL,
  failures   INTEGER NOT NULL,
  written_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- API keys, known by their hash.
CREATE TABLE api_keys (
  id         TEXT PRIMARY KEY,
  name       TEXT    NOT NULL,
  hash       BLOB    NOT NULL UNIQUE,
  scopes     TEXT    NOT NULL,          -- comma-separated
  targets    TEXT    NOT NULL,          -- comma-separated; '' for all
  ingest     TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;

-- Requests that were handed in under an idempotency key.
CREATE TABLE idempotency (
  key        BLOB PRIMARY KEY,          -- of the API key, the target and the idempotency key
  body       BLOB    NOT NULL,          -- digest of the request's body
  record     BLOB    NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

-- Records that need a person's eye are few among many: listing them must not walk over the rest. The condition is spelled
-- out, because an IN would build a table of its values for every record that is written.
CREATE INDEX records_trouble ON records (id, state)
  WHERE state = 'uncertain' OR state = 'dead' OR state = 'expired' OR state = 'canceled';

-- What is still to be forwarded, and what was given up. Of one destination and record there is one row that has not left.
CREATE TABLE outbox (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  destination TEXT    NOT NULL,
  record      BLOB    NOT NULL,
  ordered     BLOB    NOT NULL,         -- of those with the same one, one at a time
  event       TEXT    NOT NULL,
  revision    INTEGER NOT NULL,
  tries       INTEGER NOT NULL,
  reason      TEXT    NOT NULL,
  status      INTEGER NOT NULL,
  dead        INTEGER NOT NULL,         -- given up
  claimed_at  INTEGER,                  -- under way since then
  due_at      INTEGER,                  -- may be claimed from then on; 0 for at once; NULL behind another of its order, or dead
  created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_due    ON outbox (destination, due_at, seq) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_order  ON outbox (destination, ordered, record, seq) WHERE dead = 0;
CREATE INDEX outbox_record ON outbox (record);

-- Destinations that are disabled.
CREATE TABLE destinations (
  name        TEXT PRIMARY KEY,
  disabled    TEXT    NOT NULL,         -- why
  disabled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
