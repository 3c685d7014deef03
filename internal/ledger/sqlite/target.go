package sqlite

import (
	"context"

	"github.com/claygate/claygate/internal/ledger"
)

func (t *tx) paused(target string) (bool, error) {
	var reason string
	_, err := t.row(`SELECT paused FROM targets WHERE name = ?`, []any{target}, &reason)
	return reason != "", err
}

// pause stops a target's sends; the zero Pause lets them go on. Resuming what was not paused is no news.
func (t *tx) pause(target string, p ledger.Pause) error {
	if paused, err := t.paused(target); err != nil || !paused && p.Reason == "" {
		return err
	}
	_, err := t.exec(`INSERT INTO targets (name, paused, status, paused_at) VALUES (?, ?, ?, ?) ON CONFLICT (name)
		DO UPDATE SET paused = excluded.paused, status = excluded.status, paused_at = excluded.paused_at`,
		target, p.Reason, p.Status, micros(t.now))
	if known, ok := t.catalog.Target(target); ok {
		t.publish(known.Lane)
	}
	if err != nil {
		return err
	}
	t.publish(ledger.Pauses)
	kind := ledger.TargetPaused
	if p.Reason == "" {
		kind = ledger.TargetResumed
	}
	return t.announce(ledger.Notice{Kind: kind, Target: target, Reason: p.Reason})
}

// Pause implements [ledger.Keeper].
func (s *Store) Pause(ctx context.Context, target string, p ledger.Pause) error {
	return s.do(ctx, "pause", func(t *tx) error { return t.pause(target, p) })
}

// Resume implements [ledger.Keeper].
func (s *Store) Resume(ctx context.Context, target string) error {
	return s.do(ctx, "resume", func(t *tx) error { return t.pause(target, ledger.Pause{}) })
}
