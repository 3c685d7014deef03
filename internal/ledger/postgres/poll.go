package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// Take implements [ledger.Lanes].
func (s *Store) Take(ctx context.Context, lane ledger.LaneID, n int) (granted int, wait time.Duration, err error) {
	type taken struct {
		granted int
		wait    time.Duration
	}
	it, err := ask(ctx, s, "take", &call{phase: claiming, lane: lane}, func(t *tx) (taken, error) {
		l, err := t.lane(lane)
		if err != nil {
			return taken{}, err
		}
		next, granted, wait := l.Take(l.elapsed, n)
		if granted > 0 {
			l.move(next)
		}
		return taken{granted, wait}, nil
	})
	return it.granted, it.wait, err
}

// Report implements [ledger.Lanes].
func (s *Store) Report(ctx context.Context, lane ledger.LaneID, signal ledger.Signal) error {
	return s.do(ctx, "report", func(t *tx) error {
		t.hear(lane, signal)
		return nil
	})
}

// Poll implements [ledger.Runs].
func (s *Store) Poll(ctx context.Context, lane ledger.LaneID) (*ledger.Run, time.Duration, error) {
	type polled struct {
		run  *ledger.Run
		wait time.Duration
	}
	it, err := ask(ctx, s, "poll", &call{phase: claiming, lane: lane}, func(t *tx) (polled, error) {
		run, wait, err := t.poll(lane)
		return polled{run, wait}, err
	})
	return it.run, it.wait, err
}

// poll finds the run that has waited longest to be looked at. One that another transaction has is being looked at.
func (t *tx) poll(lane ledger.LaneID) (*ledger.Run, time.Duration, error) {
	for {
		var id ledger.RunID
		var dueAt pgtype.Int8
		found, err := t.row(`SELECT id, due_at FROM runs WHERE lane = $1 AND due_at IS NOT NULL ORDER BY due_at, id LIMIT 1
			FOR NO KEY UPDATE SKIP LOCKED`, []any{string(lane)}, &id, &dueAt)
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
	l.move(next)
	_, err = t.exec(`UPDATE runs SET due_at = $1 WHERE id = $2`, t.later(ledger.PollLease), int64(r.ID))
	return &r, 0, err
}
