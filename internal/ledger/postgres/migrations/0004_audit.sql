-- +goose Up

-- Who did what to the gateway. Nothing here is about people but by the ids of their keys.
CREATE TABLE audit (
  seq  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at   bigint NOT NULL,
  who  text   NOT NULL,
  what text   NOT NULL,
  ref  text   NOT NULL,                 -- the id or name of what it was done to; '' for the gateway
  n    bigint NOT NULL                  -- of how many; 0 for the one
);
