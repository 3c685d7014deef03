package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

const (
	pruneEvery = time.Hour
	// pruneRest is between two steps, so that those who wait for the ledger's writer have most of its time.
	pruneRest = 50 * time.Millisecond
)

// janitor removes from the ledger what was kept long enough: at once, and then every hour.
type janitor struct {
	store interface {
		Prune(ctx context.Context, r ledger.Retention) (ledger.Pruned, error)
	}
	keep atomic.Pointer[ledger.Retention]
	log  *slog.Logger

	mu   sync.Mutex
	end  context.CancelFunc // nil before start
	done chan struct{}
}

// configure sets what is kept from the next step on.
func (j *janitor) configure(keep ledger.Retention) { j.keep.Store(&keep) }

// start begins to prune. Started twice it does nothing more.
func (j *janitor) start() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.end != nil {
		return
	}
	var ctx context.Context
	ctx, j.end = context.WithCancel(context.Background())
	j.done = make(chan struct{})
	go j.run(ctx)
}

// stop ends it, after the step under way. It may be called twice, and without start.
func (j *janitor) stop() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.end != nil {
		j.end()
		<-j.done
	}
}

func (j *janitor) run(ctx context.Context) {
	defer close(j.done)
	for {
		j.sweep(ctx)
		if !rest(ctx, pruneEvery) {
			return
		}
	}
}

// sweep prunes step by step until there is no more. When the ledger fails it is left for the next hour.
func (j *janitor) sweep(ctx context.Context) {
	var sum ledger.Pruned
	for more := true; more; {
		p, err := j.store.Prune(context.WithoutCancel(ctx), *j.keep.Load())
		if err != nil {
			j.log.Warn("the ledger was not pruned", "error", err)
			break
		}
		sum.Bodies, sum.Records, sum.Others = sum.Bodies+p.Bodies, sum.Records+p.Records, sum.Others+p.Others
		more = p.More && rest(ctx, pruneRest)
	}
	if sum != (ledger.Pruned{}) {
		j.log.Info("removed what was kept long enough", "erased", sum.Bodies, "removed", sum.Records, "others", sum.Others)
	}
}

// rest waits; it returns false when the context ended first.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
