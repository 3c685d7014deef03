-- +goose Up

-- Which API key handed a record in, whose budget pays for it; '' for none. And what its attempts have cost: records, and
-- actions and data credits in thousandths.
ALTER TABLE records ADD COLUMN api_key TEXT    NOT NULL DEFAULT '';
ALTER TABLE records ADD COLUMN spent   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE records ADD COLUMN actions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE records ADD COLUMN credits INTEGER NOT NULL DEFAULT 0;

-- What was spent and saved, kept in the transaction of each change. Budgets are sums of it.
CREATE TABLE usage (
  workspace     TEXT    NOT NULL,
  day           TEXT    NOT NULL,         -- 2026-12-01, in the configured time zone
  target        TEXT    NOT NULL,         -- '' for calls that were passed through and are no target's
  api_key       TEXT    NOT NULL,         -- '' for none
  records       INTEGER NOT NULL,
  actions       INTEGER NOT NULL,
  credits       INTEGER NOT NULL,
  saved         INTEGER NOT NULL,         -- records that were answered from the cache, or with another one
  saved_actions INTEGER NOT NULL,
  saved_credits INTEGER NOT NULL,
  doubled       INTEGER NOT NULL,         -- attempts that may have made a second row
  PRIMARY KEY (workspace, day, target, api_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_key ON usage (api_key, day) WHERE api_key <> '';

-- Of which window it was last told that a budget is spent.
CREATE TABLE overdrawn (
  purse TEXT NOT NULL,                    -- whose kind of budget
  name  TEXT NOT NULL,
  span  TEXT NOT NULL,                    -- 2026-12-01, or 2026-12
  PRIMARY KEY (purse, name)
) STRICT, WITHOUT ROWID;
