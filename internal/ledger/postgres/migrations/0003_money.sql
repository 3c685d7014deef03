-- +goose Up

-- Which API key handed a record in, whose budget pays for it; '' for none. And what its attempts have cost: records, and
-- actions and data credits in thousandths.
ALTER TABLE records ADD COLUMN api_key text   NOT NULL DEFAULT '';
ALTER TABLE records ADD COLUMN spent   bigint NOT NULL DEFAULT 0;
ALTER TABLE records ADD COLUMN actions bigint NOT NULL DEFAULT 0;
ALTER TABLE records ADD COLUMN credits bigint NOT NULL DEFAULT 0;

-- What was spent and saved, kept in the transaction of each change. Budgets are sums of it.
CREATE TABLE usage (
  workspace     text COLLATE "C" NOT NULL,
  day           text COLLATE "C" NOT NULL,  -- 2026-12-01, in the configured time zone
  target        text COLLATE "C" NOT NULL,  -- '' for calls that were passed through and are no target's
  api_key       text COLLATE "C" NOT NULL,  -- '' for none
  records       bigint NOT NULL,
  actions       bigint NOT NULL,
  credits       bigint NOT NULL,
  saved         bigint NOT NULL,            -- records that were answered from the cache, or with another one
  saved_actions bigint NOT NULL,
  saved_credits bigint NOT NULL,
  doubled       bigint NOT NULL,            -- attempts that may have made a second row
  PRIMARY KEY (workspace, day, target, api_key)
);
CREATE INDEX usage_key ON usage (api_key, day) WHERE api_key <> '';

-- Of which window it was last told that a budget is spent.
CREATE TABLE overdrawn (
  purse text NOT NULL,                      -- whose kind of budget
  name  text NOT NULL,
  span  text NOT NULL,                      -- 2026-12-01, or 2026-12
  PRIMARY KEY (purse, name)
);
