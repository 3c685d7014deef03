package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// Apply implements [ledger.Events].
func (s *Store) Apply(ctx context.Context, entries []ledger.Entry) ([]ledger.Applied, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	c := &call{phase: applying, need: func(n *needs) { n.entries(entries) }}
	return ask(ctx, s, "apply", c, func(t *tx) ([]ledger.Applied, error) {
		got := make([]ledger.Applied, len(entries))
		for i, e := range entries {
			var err error
			if got[i], err = t.apply(e); err != nil {
				return nil, err
			}
		}
		return got, nil
	})
}

// entries adds what some entries need. Those that may begin work again take their key before their record, as submissions
// do.
func (n *needs) entries(entries []ledger.Entry) {
	for _, e := range entries {
		n.records, n.led = append(n.records, e.Record), append(n.led, e.Record)
		switch e.Event.(type) {
		case ledger.Replay, ledger.Resolve, ledger.Cancel:
			n.keysOf = append(n.keysOf, e.Record)
		}
		if ledger.BringsResult(e.Event) {
			n.bodies = append(n.bodies, e.Record)
		}
	}
}

// apply lets one event happen. The error is the database's; the event's own refusal is in what it returns.
func (t *tx) apply(e ledger.Entry) (ledger.Applied, error) {
	r, err := t.record(e.Record, ledger.BringsResult(e.Event))
	if err != nil {
		return ledger.Applied{}, err
	}
	t.keepCallback(e, r)
	if !r.found {
		return ledger.Applied{Err: &ledger.Error{
			Kind: ledger.NotFound, Op: "apply", Message: "there is no record " + e.Record.String(),
		}}, nil
	}
	if e.Event, err = t.complete(e.Event, r.Record); err != nil {
		return ledger.Applied{}, err
	}
	target, _ := t.catalog.Target(r.Target)
	c, err := ledger.Decide(target, r.Record, e.Event)
	if err != nil {
		return ledger.Applied{Record: r.Record.WithoutBodies(), Err: err}, nil
	}
	if err := t.change(target, r, c, way{}); err != nil {
		return ledger.Applied{}, err
	}
	return ledger.Applied{Record: c.Record.WithoutBodies(), Moved: c.Moved, Fresh: c.Fresh}, nil
}

// complete gives an event what only the ledger knows: the record that owns the key of one that may begin work again, and
// whether the target of one that failed is known to fail.
func (t *tx) complete(e ledger.Event, r ledger.Record) (ledger.Event, error) {
	switch e := e.(type) {
	case ledger.Replay:
		owner, err := t.ownerOf(r)
		e.Owner = owner
		return e, err
	case ledger.Resolve:
		owner, err := t.ownerOf(r)
		e.Owner = owner
		return e, err
	case ledger.Follow:
		if e.Leader.State != ledger.Canceled {
			return e, nil
		}
		owner, err := t.ownerOf(r)
		e.Owner = owner
		return e, err
	case ledger.Answer:
		b, err := t.breaker(r.Target)
		if err != nil {
			return nil, err
		}
		e.Open = b.Open()
		return e, nil
	}
	return e, nil
}

func (t *tx) ownerOf(r ledger.Record) (*ledger.Record, error) {
	owner, err := t.owner(r.Key)
	if err != nil || owner == nil {
		return nil, err
	}
	now := owner.Record // as it is at this moment: it may change before it is looked at
	return &now, nil
}

// change makes a change: the record, its attempt, its followers, and what it means for the lane and the target. Way is the
// one that a beginning attempt takes.
func (t *tx) change(target ledger.Target, r *row, c ledger.Change, way way) error {
	before := r.Record
	if c.Moved || c.Later || c.Fresh || c.Kept || c.Record.AtClay != before.AtClay {
		t.update(r, c)
		t.count(&before, &c.Record)
		t.account(target, &before, &c.Record)
		t.tell(target, c)
		t.announce(ledger.NoticeOf(c.Notice(), c.Record))
		t.post(target.Deliveries(c.Notice(), c.Record))
	}
	if c.Record.BegunAgain(before) { // its load waits for it again
		if err := t.want(c.Record.Load, c.Record); err != nil {
			return err
		}
	}
	if c.Owns {
		if err := t.own(r); err != nil {
			return err
		}
	}
	if err := t.keepAttempt(c, way); err != nil {
		return err
	}
	t.hear(target.Lane, c.Lane)
	if err := t.judge(target, c.Target); err != nil {
		return err
	}
	if c.Pause.Reason != "" {
		if err := t.pause(target.Name, c.Pause); err != nil {
			return err
		}
	}
	if c.Moved && c.Record.State.Terminal() && !c.Record.Key.IsZero() { // nobody joins what has no key
		return t.lead(target, c.Record)
	}
	return nil
}

// tell notes whom the change concerns.
func (t *tx) tell(target ledger.Target, c ledger.Change) {
	t.publish(c.Record.ID)
	if c.Record.Load != 0 {
		t.publish(c.Record.Load)
	}
	if c.Moved && c.Record.State == ledger.Queued {
		t.publish(target.Lane)
	}
}

// lead ends the records that joined this one, or lets them go on without it.
func (t *tx) lead(target ledger.Target, leader ledger.Record) error {
	followers, err := t.followers(leader.ID)
	if err != nil {
		return err
	}
	for _, id := range followers {
		r, err := t.record(id, false)
		if err != nil {
			return err
		}
		if !r.found || r.Leader != leader.ID {
			continue
		}
		e, err := t.complete(ledger.Follow{Leader: leader}, r.Record)
		if err != nil {
			return err
		}
		c, err := ledger.Decide(target, r.Record, e)
		if err != nil {
			return err
		}
		if err := t.change(target, r, c, way{}); err != nil {
			return err
		}
	}
	return nil
}

// callbackRow is a delivery that is to be kept as it came.
type callbackRow struct {
	target  string
	record  ledger.RecordID // zero for none
	attempt int
	matched bool
	body    []byte
}

var callbackColumns = []column[callbackRow]{
	col("target", "text", func(c callbackRow) string { return text(c.target) }),
	col("record", "uuid", func(c callbackRow) pgtype.UUID { return uuid(ledger.Digest(c.record)) }),
	col("attempt", "bigint", func(c callbackRow) int64 { return int64(c.attempt) }),
	col("matched", "boolean", func(c callbackRow) bool { return c.matched }),
	col("body", "bytea", func(c callbackRow) []byte { return append([]byte{}, c.body...) }), // an empty one is not NULL
}

var insertCallbacks = `INSERT INTO callbacks (` + names(callbackColumns) + `, received_at) SELECT *, $6::bigint FROM ` + unnested(callbackColumns)

// keepCallback keeps a delivery as it came, unless it is for a record that was erased.
func (t *tx) keepCallback(e ledger.Entry, of *row) {
	if e.Callback == nil || of.Erased {
		return
	}
	attempt := 0
	if r, ok := e.Event.(ledger.Result); ok {
		attempt = r.Attempt
	}
	t.kept = append(t.kept, callbackRow{e.Callback.Target, e.Record, attempt, of.found, e.Callback.Body})
}

func (t *tx) writeCallbacks(b *pgx.Batch) {
	if len(t.kept) > 0 {
		b.Queue(insertCallbacks, append(arrays(callbackColumns, t.kept), micros(t.now))...)
	}
	t.kept = nil
}

// Due implements [ledger.Events]. Replicas may be told of the same entries: the second tick of a record changes nothing.
func (s *Store) Due(ctx context.Context, max int) (due []ledger.Entry, next time.Duration, err error) {
	now := s.now()
	ids, err := read(ctx, s, `SELECT id FROM records WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2`, []any{micros(now), max}, scanID)
	if err != nil {
		return nil, 0, s.wrap("due", err)
	}
	for _, id := range ids {
		due = append(due, ledger.Entry{Record: id, Event: ledger.Tick{}})
	}
	if len(due) == max {
		return due, 0, nil
	}
	var nextAt pgtype.Int8
	if _, err = readOne(ctx, s, `SELECT min(due_at) FROM records WHERE due_at > $1`, []any{micros(now)}, &nextAt); err != nil {
		return nil, 0, s.wrap("due", err)
	}
	if !nextAt.Valid {
		return due, ledger.Never, nil
	}
	return due, -since(now, nextAt.Int64), nil
}

func scanID(row pgx.Rows) (id ledger.RecordID, err error) {
	err = row.Scan((*[16]byte)(&id))
	return id, err
}
