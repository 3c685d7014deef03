-- +goose Up

-- The workspaces that a key is bound to, comma-separated: it reaches their targets, also those that come later.
ALTER TABLE api_keys ADD COLUMN workspaces TEXT NOT NULL DEFAULT '';
