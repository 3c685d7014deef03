package sqlite

import (
	"database/sql"
	"errors"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// recordColumns are the columns of a record in the order in which scan reads them.
const recordColumns = `r.id, r.target, r.state, r.priority, r.load, r.key, r.await, r.attempts, r.tries, r.resends,
	r.run_limit, r.at_clay, r.may_duplicate, r.leader, r.revision, r.cached, r.empty, r.emulated, r.erased, r.reason, r.result_timeout,
	r.callback_url, r.api_key, r.spent, r.actions, r.credits, r.send_by, r.sent_at, r.created_at, r.done_at`

// bodyColumns follow them where the bodies are wanted, and bodyTables the records' own.
const (
	bodyColumns = `b.fields, b.metadata, res.result`
	bodyTables  = ` LEFT JOIN bodies b ON b.record = r.id LEFT JOIN results res ON res.record = r.id`
)

// scanner is a row, of a query for one or for many.
type scanner interface{ Scan(dest ...any) error }

// scan reads a record. Durations in it are as of now.
func scan(row scanner, now time.Time, withBodies bool) (ledger.Record, error) {
	var (
		r                      ledger.Record
		id, key, leader        []byte
		timeout, created       int64
		sendBy, sentAt, doneAt sql.NullInt64
	)
	dest := []any{
		&id, &r.Target, &r.State, &r.Priority, &r.Load, &key, &r.Await, &r.Attempts, &r.Tries, &r.Resends,
		&r.RunLimit, &r.AtClay, &r.MayDuplicate, &leader, &r.Revision, &r.Cached, &r.Empty, &r.Emulated, &r.Erased, &r.Reason, &timeout,
		&r.CallbackURL, &r.APIKey, &r.Spent.Records, (*int64)(&r.Spent.Actions), (*int64)(&r.Spent.Credits), &sendBy, &sentAt, &created, &doneAt,
	}
	if withBodies {
		dest = append(dest, (*[]byte)(&r.Fields), (*[]byte)(&r.Metadata), (*[]byte)(&r.Result)) // NULL is none
	}
	if err := row.Scan(dest...); err != nil {
		return r, err
	}
	copy(r.ID[:], id)
	copy(r.Key[:], key)
	copy(r.Leader[:], leader)
	r.ResultTimeout = time.Duration(timeout) * time.Microsecond
	r.CreatedAt = time.UnixMicro(created)
	if sendBy.Valid {
		r.SendBy = -since(now, sendBy.Int64)
		if r.SendBy == 0 {
			r.SendBy = -1 // 0 would mean no limit
		}
	}
	if sentAt.Valid {
		r.SinceSend = max(since(now, sentAt.Int64), 0) // a clock that went back makes no wait longer
	}
	if doneAt.Valid {
		r.DoneAt, r.SinceDone = time.UnixMicro(doneAt.Int64), since(now, doneAt.Int64)
	}
	return r, nil
}

// record reads a record for a change; found is false when there is none.
func (t *tx) record(id ledger.RecordID, withBodies bool) (r ledger.Record, found bool, err error) {
	query := `SELECT ` + recordColumns + ` FROM records r WHERE r.id = ?`
	if withBodies {
		query = `SELECT ` + recordColumns + `, ` + bodyColumns +
			` FROM records r` + bodyTables + ` WHERE r.id = ?`
	}
	return t.one(query, withBodies, id[:])
}

// one runs a query for one record.
func (t *tx) one(query string, withBodies bool, args ...any) (r ledger.Record, found bool, err error) {
	err = t.rows(query, args, func(row statement) (_ bool, err error) {
		found = true
		r, err = scan(row, t.now, withBodies)
		return false, err
	})
	return r, found && err == nil, err
}

// insert stores a new record with its bodies; fresh is false when its ID is known.
func (t *tx) insert(a *ledger.Admission, work ledger.Digest) (fresh bool, err error) {
	r := &a.Record
	var sendBy, doneAt any
	if r.SendBy != 0 {
		sendBy = t.later(r.SendBy)
	}
	if r.State == ledger.Done {
		doneAt = micros(t.now)
	}
	added, err := t.exec(`INSERT INTO records (id, target, state, priority, load, wanted_by, work, key, owns, await, attempts, tries, resends,
		run_limit, at_clay, may_duplicate, leader, revision, cached, empty, emulated, erased, reason, result_timeout, callback_url, api_key, send_by, ready_at,
		due_at, created_at, done_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, ?, ?, ?, ?, ?, 0, '', ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO NOTHING`,
		r.ID[:], r.Target, string(r.State), r.Priority, int64(r.Load), int64(r.Load), orNull(work), orNull(r.Key), a.Owns, r.Await,
		orNull(ledger.Digest(r.Leader)), r.Revision, r.Cached, r.Empty, r.Emulated,
		r.ResultTimeout.Microseconds(), r.CallbackURL, r.APIKey, sendBy, t.readyAt(0), t.dueAt(a.Due), micros(t.now), doneAt, doneAt)
	if err != nil || added == 0 {
		return false, err
	}
	t.spans[spanOf(r)] = struct{}{}
	_, err = t.exec(`INSERT INTO bodies (record, fields, metadata) VALUES (?, ?, ?)`, r.ID[:], []byte(r.Fields), nullable(r.Metadata))
	return true, errors.Join(err, t.keepResult(r))
}

// keepResult writes what came for a record so far.
func (t *tx) keepResult(r *ledger.Record) error {
	if r.Result == nil {
		return nil
	}
	_, err := t.exec(`INSERT INTO results (record, result) VALUES (?, ?)
		ON CONFLICT (record) DO UPDATE SET result = excluded.result`, r.ID[:], []byte(r.Result))
	return err
}

// update writes back what a change made of a record, in one statement: each one pays for all the indices.
func (t *tx) update(before ledger.Record, c ledger.Change) error {
	r := c.Record
	var err error
	switch {
	case c.Moved:
		err = t.move(before, c)
	case c.Later:
		_, err = t.exec(`UPDATE records SET due_at = ? WHERE id = ?`, t.dueAt(c.Due), r.ID[:])
	default:
		_, err = t.exec(`UPDATE records SET at_clay = ?, revision = ?, empty = ?, emulated = ?, reason = ? WHERE id = ?`,
			r.AtClay, r.Revision, r.Empty, r.Emulated, r.Reason, r.ID[:])
	}
	if err == nil && (c.Fresh || c.Kept) {
		err = t.keepResult(&r)
	}
	return err
}

// move writes back a record in its new state, with the durations of the change as times.
func (t *tx) move(before ledger.Record, c ledger.Change) error {
	r := c.Record
	var sentAt, doneAt, endedAt any
	if r.State.Terminal() {
		endedAt = micros(t.now)
	}
	if c.Begun {
		sentAt = micros(t.now)
	}
	if r.State == ledger.Done {
		doneAt = micros(t.now)
	}
	_, err := t.exec(`UPDATE records SET state = ?, attempts = ?, tries = ?, resends = ?, run_limit = ?, at_clay = ?,
		may_duplicate = ?, leader = ?, revision = ?, cached = ?, empty = ?, emulated = ?, reason = ?, due_at = ?,
		ready_at = ?, sent_at = coalesce(?, sent_at), done_at = coalesce(?, done_at), send_by = iif(?, NULL, send_by),
		ended_at = ?, spent = ?, actions = ?, credits = ? WHERE id = ?`,
		string(r.State), r.Attempts, r.Tries, r.Resends, r.RunLimit, r.AtClay, r.MayDuplicate, orNull(ledger.Digest(r.Leader)),
		r.Revision, r.Cached, r.Empty, r.Emulated, r.Reason, t.dueAt(c.Due), t.readyAt(c.Ready), sentAt, doneAt,
		before.SendBy != 0 && r.SendBy == 0, endedAt, r.Spent.Records, int64(r.Spent.Actions), int64(r.Spent.Credits), r.ID[:])
	return err
}

// readyAt turns a delay into a time. What need not wait is ready from the beginning of time, so that a clock that goes
// back does not hold it up; among those the oldest ID leaves first.
func (t *tx) readyAt(delay time.Duration) int64 {
	if delay <= 0 {
		return 0
	}
	return t.later(delay)
}

// dueAt turns a due duration into a time, NULL for Never, and tells those who wait for deadlines.
func (t *tx) dueAt(due time.Duration) any {
	if due < 0 {
		return nil
	}
	t.publish(ledger.Deadlines)
	return t.later(due)
}

func orNull(d ledger.Digest) any {
	if d.IsZero() {
		return nil
	}
	return d[:]
}

func nullable(body []byte) any {
	if body == nil {
		return nil
	}
	return body
}
