package postgres

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

type attemptID struct {
	record ledger.RecordID
	n      int
}

// attemptRow is an attempt within a transaction: what is needed of it, and what is to be written.
type attemptRow struct {
	attemptID
	webhook ledger.Digest
	run     ledger.RunID
	verdict ledger.Verdict
	ended   *ledger.Answer // what is now known of it
	doubled bool           // a send after it could make a second row
	at      int64          // when it began, or was answered

	found, fresh, dirty bool
}

var attemptKey = []column[*attemptRow]{
	col("record", "uuid", func(a *attemptRow) pgtype.UUID { return idOf(a.record) }),
	col("n", "bigint", func(a *attemptRow) int64 { return int64(a.n) }),
}

var begunColumns = append(slices.Clip(attemptKey),
	col("webhook", "uuid", func(a *attemptRow) pgtype.UUID { return uuid(a.webhook) }),
	col("run", "bigint", func(a *attemptRow) pgtype.Int8 { return pgtype.Int8{Int64: int64(a.run), Valid: a.run != 0} }),
	col("outcome", "text", func(*attemptRow) string { return "" }),
	col("verdict", "text", func(*attemptRow) string { return "" }),
	col("status", "bigint", func(*attemptRow) int64 { return 0 }),
	col("excerpt", "text", func(*attemptRow) string { return "" }),
	col("retry_after", "bigint", func(*attemptRow) int64 { return 0 }),
	col("may_duplicate", "boolean", func(*attemptRow) bool { return false }),
	col("started_at", "bigint", func(a *attemptRow) int64 { return a.at }),
)

var endedColumns = append(slices.Clip(attemptKey),
	col("outcome", "text", func(a *attemptRow) string { return string(a.ended.Outcome) }),
	col("verdict", "text", func(a *attemptRow) string { return string(a.ended.Verdict) }),
	col("status", "bigint", func(a *attemptRow) int64 { return int64(a.ended.Status) }),
	col("excerpt", "text", func(a *attemptRow) string { return text(a.ended.Excerpt) }),
	col("retry_after", "bigint", func(a *attemptRow) int64 { return a.ended.RetryAfter.Microseconds() }),
	col("answered_at", "bigint", func(a *attemptRow) int64 { return a.at }),
)

var (
	insertAttempts = insertInto("attempts", begunColumns)
	endAttempts    = updateOf("attempts", endedColumns, 2)
	doubleAttempts = `UPDATE attempts t SET may_duplicate = true FROM ` + unnested(attemptKey) + ` AS v (record, n)
		WHERE t.record = v.record AND t.n = v.n`
)

// readAttempt keeps an attempt that was read, unless it is here.
func (t *tx) readAttempt(from pgx.Rows) error {
	a := &attemptRow{found: true}
	var webhook pgtype.UUID
	if err := from.Scan((*[16]byte)(&a.record), &a.n, &webhook, &a.verdict); err != nil {
		return err
	}
	a.webhook = webhook.Bytes
	if t.attempts[a.attemptID] == nil {
		t.attempts[a.attemptID] = a
	}
	return nil
}

// attempt returns an attempt; its found is false when there is none.
func (t *tx) attempt(record ledger.RecordID, n int) (*attemptRow, error) {
	id := attemptID{record, n}
	if t.attempts[id] == nil {
		err := t.look(`SELECT record, n, webhook, verdict FROM attempts WHERE record = $1 AND n = $2`, []any{idOf(record), n}, t.readAttempt)
		if err != nil {
			return nil, err
		}
		if t.attempts[id] == nil {
			t.attempts[id] = &attemptRow{attemptID: id}
		}
	}
	return t.attempts[id], nil
}

// way is how an attempt gets to Clay.
type way struct {
	webhook ledger.Digest // zero where there is none
	run     ledger.RunID  // 0 for none
}

// keepAttempt notes what a change says about attempts: that one begins, how one ended, that one may be doubled.
func (t *tx) keepAttempt(c ledger.Change, way way) error {
	if c.Begun {
		id := attemptID{c.Record.ID, c.Record.Attempts}
		t.attempts[id] = &attemptRow{attemptID: id, webhook: way.webhook, run: way.run, at: micros(t.now), found: true, fresh: true}
		return nil
	}
	if c.Ended != nil {
		if err := t.endAttempt(c); err != nil {
			return err
		}
	}
	if c.Doubt > 0 {
		a, err := t.attempt(c.Record.ID, c.Doubt)
		if err != nil {
			return err
		}
		a.doubled = a.found
	}
	return nil
}

// endAttempt notes an answer to its attempt and settles the webhook's count. A later answer for the same attempt
// replaces an earlier guess.
func (t *tx) endAttempt(c ledger.Change) error {
	e := c.Ended
	a, err := t.attempt(c.Record.ID, e.Attempt)
	if err != nil || !a.found {
		return err
	}
	if !a.webhook.IsZero() {
		t.use(a.webhook, e.Verdict.Submissions()-a.verdict.Submissions())
	}
	a.ended, a.verdict, a.at, a.dirty = e, e.Verdict, micros(t.now), true
	if c.Exhausted && !a.webhook.IsZero() {
		return t.exhaust(a.webhook)
	}
	return nil
}

// writeAttempts writes the attempts that changed.
func (t *tx) writeAttempts(b *pgx.Batch) {
	var fresh, ended, doubled []*attemptRow
	for _, a := range t.attempts {
		if a.fresh {
			fresh = append(fresh, a)
		}
		if a.dirty {
			ended = append(ended, a)
		}
		if a.doubled {
			doubled = append(doubled, a)
		}
		a.fresh, a.dirty, a.doubled = false, false, false
	}
	slices.SortFunc(fresh, func(a, b *attemptRow) int {
		return cmp.Or(bytes.Compare(a.record[:], b.record[:]), cmp.Compare(a.n, b.n))
	})
	put(b, insertAttempts, begunColumns, fresh)
	put(b, endAttempts, endedColumns, ended)
	put(b, doubleAttempts, attemptKey, doubled)
}
