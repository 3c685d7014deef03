-- +goose Up

-- Who did what to the gateway. Nothing here is about people but by the ids of their keys.
CREATE TABLE audit (
  seq  INTEGER PRIMARY KEY AUTOINCREMENT,
  at   INTEGER NOT NULL,
  who  TEXT    NOT NULL,
  what TEXT    NOT NULL,
  ref  TEXT    NOT NULL,                -- the id or name of what it was done to; '' for the gateway
  n    INTEGER NOT NULL                 -- of how many; 0 for the one
) STRICT;
