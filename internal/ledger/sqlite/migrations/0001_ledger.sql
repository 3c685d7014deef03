-- +goose Up

-- What the ledger remembers of itself: the Clay it belongs to, its secrets.
CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per workspace and surface: its token bucket, as it stood at written_at. Durations and times everywhere in
-- this schema are whole microseconds; times count from the Unix epoch.
CREATE TABLE lanes (
  id         TEXT PRIMARY KEY,
  tokens     REAL    NOT NULL,
  hold       INTEGER NOT NULL,
  misses     INTEGER NOT NULL,
  probe      INTEGER NOT NULL,
  turns      INTEGER NOT NULL,
  slow       REAL    NOT NULL,          -- the part of the pace that throttling has taken away
  written_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What befell a target; its configuration is not kept here.
CREATE TABLE targets (
  name      TEXT PRIMARY KEY,
  paused    TEXT    NOT NULL,           -- why; '' when it is not paused
  status    INTEGER NOT NULL,           -- the HTTP status behind it, or 0
  paused_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Submissions per webhook, known by the digest of its URL.
CREATE TABLE webhooks (
  id           BLOB PRIMARY KEY,
  submissions  INTEGER NOT NULL,
  exhausted_at INTEGER                  -- when Clay said that it takes no more
) STRICT, WITHOUT ROWID;

CREATE TABLE loads (
  id         INTEGER PRIMARY KEY,
  target     TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX loads_name ON loads (target, name, id);

CREATE TABLE records (
  id             BLOB PRIMARY KEY,
  target         TEXT    NOT NULL,
  state          TEXT    NOT NULL,
  priority       INTEGER NOT NULL,
  load           INTEGER NOT NULL,      -- 0 for none
  wanted_by      INTEGER NOT NULL,      -- the load that asked for it last, by its own row or one that joined it
  work           BLOB,                  -- the row's identity within its load
  key            BLOB,                  -- dedupe key
  owns           INTEGER NOT NULL,      -- the table keys names it as the owner of its key
  await          INTEGER NOT NULL,
  attempts       INTEGER NOT NULL,
  tries          INTEGER NOT NULL,
  resends        INTEGER NOT NULL,
  run_limit      INTEGER NOT NULL,      -- how many records a run that carries it may have; 0 for the target's limit
  at_clay        INTEGER NOT NULL,
  may_duplicate  INTEGER NOT NULL,
  leader         BLOB,
  revision       INTEGER NOT NULL,
  cached         INTEGER NOT NULL,
  empty          INTEGER NOT NULL,
  emulated       INTEGER NOT NULL,
  reason         TEXT    NOT NULL,
  result_timeout INTEGER NOT NULL,      -- 0 for the target's
  callback_url   TEXT    NOT NULL,      -- where its end is to be told; '' for nowhere
  send_by        INTEGER,
  ready_at       INTEGER NOT NULL,      -- when queued: may be claimed from then on; 0 for at once
  due_at         INTEGER,               -- something happens to it by itself then
  sent_at        INTEGER,               -- when its current attempt was claimed
  erased         INTEGER NOT NULL,      -- its bodies were kept long enough
  created_at     INTEGER NOT NULL,
  done_at        INTEGER,
  ended_at       INTEGER                -- since when it is in its terminal state
) STRICT, WITHOUT ROWID;
CREATE INDEX        records_queue  ON records (target, priority, ready_at) WHERE state = 'queued';
CREATE INDEX        records_wanted ON records (wanted_by, priority, ready_at)
  WHERE state = 'queued' AND wanted_by <> 0;
CREATE INDEX        records_due    ON records (due_at)                     WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX records_work   ON records (load, work)                 WHERE work IS NOT NULL;
CREATE INDEX        records_leader ON records (leader)                     WHERE leader IS NOT NULL;
-- What has been kept long enough: bodies first, then records.
CREATE INDEX        records_ended  ON records (erased, ended_at)           WHERE ended_at IS NOT NULL;
-- A key's records are its owner and these. Most keys have one record, so that most records are not in it: keys are random,
-- and an index of them all would cost a third of what storing a record does.
CREATE INDEX        records_shared ON records (key, id)                    WHERE key IS NOT NULL AND owns = 0;

-- Where each target's records are: the spans of IDs, a quarter of a second each, that hold some. In place of an index,
-- which would cost every record a tenth: where many come, many share a span.
CREATE TABLE spans (
  target TEXT NOT NULL,
  first  BLOB NOT NULL,                 -- the least ID of the span
  last   BLOB NOT NULL,                 -- the greatest
  PRIMARY KEY (target, first)
) STRICT, WITHOUT ROWID;

-- The record that owns each dedupe key: the one that others join, or are answered from.
CREATE TABLE keys (
  key    BLOB PRIMARY KEY,
  record BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bodies (
  record   BLOB PRIMARY KEY,
  fields   BLOB,                        -- NULL once erased
  metadata BLOB
) STRICT, WITHOUT ROWID;

-- What came back. Apart from what was sent: a row that grows where many lie side by side makes their page split, and
-- results that arrive one after the other are written one after the other.
CREATE TABLE results (
  record BLOB PRIMARY KEY,
  result BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
  record        BLOB    NOT NULL,
  n             INTEGER NOT NULL,
  webhook       BLOB,
  run           INTEGER,                -- the run that carried the record
  outcome       TEXT    NOT NULL,       -- '' while the answer is awaited
  verdict       TEXT    NOT NULL,
  status        INTEGER NOT NULL,
  excerpt       TEXT    NOT NULL,
  retry_after   INTEGER NOT NULL,
  may_duplicate INTEGER NOT NULL,
  started_at    INTEGER NOT NULL,
  answered_at   INTEGER,
  PRIMARY KEY (record, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_run ON attempts (run) WHERE run IS NOT NULL;

-- Runs of routines. The records that a run carries are those whose attempts name it.
CREATE TABLE runs (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  lane       TEXT    NOT NULL,
  target     TEXT    NOT NULL,          -- '' for one that was found
  kind       TEXT    NOT NULL,
  state      TEXT    NOT NULL,
  clay       TEXT    NOT NULL,          -- Clay's name for it; '' while it is not known
  cursor     TEXT    NOT NULL,
  size       INTEGER NOT NULL,
  polls      INTEGER NOT NULL,
  pages      INTEGER NOT NULL,
  misses     INTEGER NOT NULL,
  reason     TEXT    NOT NULL,
  due_at     INTEGER,                   -- it is to be looked at then
  started_at INTEGER NOT NULL,
  ended_at   INTEGER
) STRICT;
CREATE INDEX runs_due  ON runs (lane, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX runs_ended ON runs (ended_at)     WHERE ended_at IS NOT NULL;
CREATE INDEX runs_clay ON runs (lane, clay)   WHERE clay <> '';

-- What runs of a target usually take, for those who wait for them.
CREATE TABLE usual (
  target TEXT    NOT NULL,
  kind   TEXT    NOT NULL,
  span   INTEGER NOT NULL,
  PRIMARY KEY (target, kind)
) STRICT, WITHOUT ROWID;

-- Every authentic callback as it came, matched or not.
CREATE TABLE callbacks (
  id          INTEGER PRIMARY KEY,
  target      TEXT    NOT NULL,
  record      BLOB,
  attempt     INTEGER NOT NULL,
  matched     INTEGER NOT NULL,
  body        BLOB    NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX callbacks_record ON callbacks (record);
CREATE INDEX callbacks_unmatched ON callbacks (received_at) WHERE matched = 0;

-- Counters per scope, kept in the transaction of each change.
CREATE TABLE counts (
  scope TEXT    NOT NULL,               -- 'target:' and its name, or 'load:' and its id
  name  TEXT    NOT NULL,
  n     INTEGER NOT NULL,
  PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;
