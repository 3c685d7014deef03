package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/claygate/claygate/internal/crash"
	"github.com/claygate/claygate/internal/ledger"
)

// Apply implements [ledger.Events].
func (s *Store) Apply(ctx context.Context, entries []ledger.Entry) ([]ledger.Applied, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	out := make([]ledger.Applied, len(entries))
	err := s.do(ctx, "apply", func(t *tx) error {
		got := make([]ledger.Applied, len(entries)) // see Accept
		for i, e := range entries {
			var err error
			if got[i], err = t.apply(e); err != nil {
				return err
			}
		}
		copy(out, got)
		crash.Point(crash.Applying)
		return nil
	})
	if err != nil {
		return nil, err
	}
	crash.Point(crash.Applied)
	return out, nil
}

// apply lets one event happen. The error is the disk's; the event's own refusal is in what it returns.
func (t *tx) apply(e ledger.Entry) (ledger.Applied, error) {
	before, found, err := t.record(e.Record, ledger.BringsResult(e.Event))
	if err != nil {
		return ledger.Applied{}, err
	}
	if err := t.keepCallback(e, before, found); err != nil {
		return ledger.Applied{}, err
	}
	if !found {
		return ledger.Applied{Err: &ledger.Error{
			Kind: ledger.NotFound, Op: "apply", Message: "there is no record " + e.Record.String(),
		}}, nil
	}
	if e.Event, err = t.complete(e.Event, before); err != nil {
		return ledger.Applied{}, err
	}
	target, _ := t.catalog.Target(before.Target)
	c, err := ledger.Decide(target, before, e.Event)
	if err != nil {
		return ledger.Applied{Record: before.WithoutBodies(), Err: err}, nil
	}
	if err := t.write(target, before, c, way{}); err != nil {
		return ledger.Applied{}, err
	}
	return ledger.Applied{Record: c.Record.WithoutBodies(), Moved: c.Moved, Fresh: c.Fresh}, nil
}

// complete gives an event what only the ledger knows: the record that owns the key of one that may begin work again, and
// whether the target of one that failed is known to fail.
func (t *tx) complete(e ledger.Event, r ledger.Record) (_ ledger.Event, err error) {
	switch e := e.(type) {
	case ledger.Replay:
		e.Owner, err = t.owner(r.Key)
		return e, err
	case ledger.Resolve:
		e.Owner, err = t.owner(r.Key)
		return e, err
	case ledger.Follow:
		if e.Leader.State == ledger.Canceled {
			e.Owner, err = t.owner(r.Key)
		}
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

// write writes a change back: the record, its attempt, its followers, and what it means for the lane and the target.
// Way is the one that a beginning attempt takes.
func (t *tx) write(target ledger.Target, before ledger.Record, c ledger.Change, way way) error {
	if c.Moved || c.Later || c.Fresh || c.Kept || c.Record.AtClay != before.AtClay {
		if err := t.update(before, c); err != nil {
			return err
		}
		t.count(&before, &c.Record)
		t.account(target, &before, &c.Record)
		t.tell(target, c)
		if err := t.announce(ledger.NoticeOf(c.Notice(), c.Record)); err != nil {
			return err
		}
		if err := t.post(target.Deliveries(c.Notice(), c.Record)); err != nil {
			return err
		}
	}
	if c.Record.BegunAgain(before) { // its load waits for it again
		if err := t.want(c.Record.Load, c.Record); err != nil {
			return err
		}
	}
	if c.Owns {
		if err := t.takeOver(c.Record); err != nil {
			return err
		}
	}
	if err := t.writeAttempt(c, way); err != nil {
		return err
	}
	if err := t.hear(target.Lane, c.Lane); err != nil {
		return err
	}
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
	followers, err := t.ids(`SELECT id FROM records WHERE leader = ? ORDER BY id`, leader.ID[:])
	if err != nil {
		return err
	}
	for _, id := range followers {
		before, found, err := t.record(id, false)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		e, err := t.complete(ledger.Follow{Leader: leader}, before)
		if err != nil {
			return err
		}
		c, err := ledger.Decide(target, before, e)
		if err != nil {
			return err
		}
		if err := t.write(target, before, c, way{}); err != nil {
			return err
		}
	}
	return nil
}

// keepCallback keeps a delivery as it came, unless it is for a record that was erased.
func (t *tx) keepCallback(e ledger.Entry, of ledger.Record, matched bool) error {
	if e.Callback == nil || of.Erased {
		return nil
	}
	attempt := 0
	if r, ok := e.Event.(ledger.Result); ok {
		attempt = r.Attempt
	}
	_, err := t.exec(`INSERT INTO callbacks (target, record, attempt, matched, body, received_at)
		VALUES (?, ?, ?, ?, ?, ?)`, e.Callback.Target, e.Record[:], attempt, matched, e.Callback.Body, micros(t.now))
	return err
}

// way is how an attempt gets to Clay.
type way struct {
	webhook ledger.Digest // zero where there is none
	run     ledger.RunID  // 0 for none
}

// writeAttempt writes what a change says about attempts: that one begins, how one ended, that one may be doubled.
func (t *tx) writeAttempt(c ledger.Change, way way) error {
	id := c.Record.ID[:]
	if c.Begun {
		_, err := t.exec(`INSERT INTO attempts (record, n, webhook, run, outcome, verdict, status, excerpt, retry_after,
			may_duplicate, started_at) VALUES (?, ?, ?, nullif(?, 0), '', '', 0, '', 0, 0, ?)`,
			id, c.Record.Attempts, orNull(way.webhook), int64(way.run), micros(t.now))
		return err
	}
	if c.Ended != nil {
		if err := t.endAttempt(c); err != nil {
			return err
		}
	}
	if c.Doubt > 0 {
		_, err := t.exec(`UPDATE attempts SET may_duplicate = 1 WHERE record = ? AND n = ?`, id, c.Doubt)
		return err
	}
	return nil
}

// endAttempt writes an answer to its attempt and settles the webhook's count. A later answer for the same attempt
// replaces an earlier guess.
func (t *tx) endAttempt(c ledger.Change) error {
	id, e := c.Record.ID[:], c.Ended
	var webhook []byte
	var verdict ledger.Verdict
	found, err := t.row(`SELECT webhook, verdict FROM attempts WHERE record = ? AND n = ?`, []any{id, e.Attempt},
		&webhook, &verdict)
	if err != nil || !found {
		return err
	}
	_, err = t.exec(`UPDATE attempts SET outcome = ?, verdict = ?, status = ?, excerpt = ?, retry_after = ?,
		answered_at = ? WHERE record = ? AND n = ?`, string(e.Outcome), string(e.Verdict), e.Status, e.Excerpt,
		e.RetryAfter.Microseconds(), micros(t.now), id, e.Attempt)
	if err != nil || webhook == nil {
		return err
	}
	if err := t.use(ledger.Digest(webhook), e.Verdict.Submissions()-verdict.Submissions()); err != nil {
		return err
	}
	if c.Exhausted {
		return t.exhaust(ledger.Digest(webhook))
	}
	return nil
}

// Due implements [ledger.Events].
func (s *Store) Due(ctx context.Context, max int) (due []ledger.Entry, next time.Duration, err error) {
	now := s.now()
	rows, err := s.read.QueryContext(ctx, `SELECT id FROM records WHERE due_at <= ? ORDER BY due_at LIMIT ?`,
		micros(now), max)
	if err != nil {
		return nil, 0, s.wrap("due", err)
	}
	ids, err := recordIDs(rows)
	if err != nil {
		return nil, 0, s.wrap("due", err)
	}
	for _, id := range ids {
		due = append(due, ledger.Entry{Record: id, Event: ledger.Tick{}})
	}
	var nextAt sql.NullInt64
	err = s.read.QueryRowContext(ctx, `SELECT min(due_at) FROM records WHERE due_at > ?`, micros(now)).Scan(&nextAt)
	switch {
	case err != nil:
		return nil, 0, s.wrap("due", err)
	case len(due) == max:
		return due, 0, nil
	case !nextAt.Valid:
		return due, ledger.Never, nil
	}
	return due, -since(now, nextAt.Int64), nil
}
