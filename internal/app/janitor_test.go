package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

// pruner notes when it was asked to prune, and has more to prune for a while.
type pruner struct {
	began time.Time
	at    []time.Duration
	left  []ledger.Pruned
	fails int // at the call of that number
}

func (p *pruner) Prune(_ context.Context, r ledger.Retention) (ledger.Pruned, error) {
	p.at = append(p.at, time.Since(p.began))
	if r.Bodies != time.Hour {
		return ledger.Pruned{}, errors.New("another retention than the configured one")
	}
	if len(p.at) == p.fails {
		return ledger.Pruned{}, errors.New("the disk is full")
	}
	if len(p.left) == 0 {
		return ledger.Pruned{}, nil
	}
	next := p.left[0]
	p.left = p.left[1:]
	return next, nil
}

func TestJanitor(t *testing.T) {
	more, last := ledger.Pruned{Bodies: 5, More: true}, ledger.Pruned{Records: 1}
	for name, c := range map[string]struct {
		pruner pruner
		want   []time.Duration
	}{
		"nothing to do": {pruner{}, []time.Duration{0, time.Hour, 2 * time.Hour}},
		"in steps":      {pruner{left: []ledger.Pruned{more, more, last}}, []time.Duration{0, pruneRest, 2 * pruneRest, time.Hour + 2*pruneRest, 2*time.Hour + 2*pruneRest}},
		"after a fault": {pruner{left: []ledger.Pruned{more, more, last}, fails: 2}, []time.Duration{0, pruneRest, time.Hour + pruneRest, time.Hour + 2*pruneRest, 2*time.Hour + 2*pruneRest}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := c.pruner
				p.began = time.Now()
				j := &janitor{store: &p, log: slog.New(slog.DiscardHandler)}
				j.configure(ledger.Retention{Bodies: time.Minute})
				j.configure(ledger.Retention{Bodies: time.Hour})
				j.stop() // not started
				j.start()
				j.start()
				time.Sleep(150 * time.Minute)
				j.stop()
				j.stop()
				if diff := cmp.Diff(c.want, p.at); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			})
		})
	}
}
