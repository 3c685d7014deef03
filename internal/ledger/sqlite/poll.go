package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Take implements [ledger.Lanes].
func (s *Store) Take(ctx context.Context, lane ledger.LaneID, n int) (granted int, wait time.Duration, err error) {
	type taken struct {
		granted int
		wait    time.Duration
	}
	got := make(chan taken, 1) // see Claim
	err = s.do(ctx, "take", func(t *tx) error {
		l, err := t.lane(lane)
		if err != nil {
			return err
		}
		next, granted, wait := l.Take(l.elapsed, n)
		if granted > 0 {
			l.Lane, l.elapsed, l.dirty = next, 0, true
		}
		select {
		case <-got:
		default:
		}
		got <- taken{granted, wait}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	it := <-got
	return it.granted, it.wait, nil
}

// Report implements [ledger.Lanes].
func (s *Store) Report(ctx context.Context, lane ledger.LaneID, signal ledger.Signal) error {
	return s.do(ctx, "report", func(t *tx) error { return t.hear(lane, signal) })
}

// Poll implements [ledger.Runs].
func (s *Store) Poll(ctx context.Context, lane ledger.LaneID) (*ledger.Run, time.Duration, error) {
	type polled struct {
		run  *ledger.Run
		wait time.Duration
	}
	got := make(chan polled, 1) // see Claim
	err := s.do(ctx, "poll", func(t *tx) error {
		run, wait, err := t.poll(lane)
		if err != nil {
			return err
		}
		select {
		case <-got:
		default:
		}
		got <- polled{run, wait}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	it := <-got
	return it.run, it.wait, nil
}

// poll finds the run that has waited longest to be looked at.
func (t *tx) poll(lane ledger.LaneID) (*ledger.Run, time.Duration, error) {
	for {
		var id ledger.RunID
		var dueAt sql.NullInt64
		found, err := t.row(`SELECT id, due_at FROM runs WHERE lane = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT 1`,
			[]any{string(lane)}, &id, &dueAt)
		if err != nil || !found {
			return nil, ledger.Never, err
		}
		if left := -since(t.now, dueAt.Int64); left > 0 {
			return nil, left, nil
		}
		r, _, err := t.run(id)
		if err != nil {
			return nil, 0, err
		}
		after, err := t.applyRun(r, ledger.RunTick{})
		if err != nil {
			return nil, 0, err
		}
		switch after.State {
		case ledger.RunRunning, ledger.RunFetching, ledger.RunFound:
			return t.askAbout(after)
		case r.State: // it is not yet its time after all: the clock went back
			return nil, time.Second, nil
		}
	}
}

// askAbout takes a token for a question about a run and keeps the run from others.
func (t *tx) askAbout(r ledger.Run) (*ledger.Run, time.Duration, error) {
	l, err := t.lane(r.Lane)
	if err != nil {
		return nil, 0, err
	}
	next, granted, wait := l.Take(l.elapsed, 1)
	if granted == 0 {
		return nil, wait, nil
	}
	l.Lane, l.elapsed, l.dirty = next, 0, true
	_, err = t.exec(`UPDATE runs SET due_at = ? WHERE id = ?`, t.later(ledger.PollLease), int64(r.ID))
	return &r, 0, err
}
