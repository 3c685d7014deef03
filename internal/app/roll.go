package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// attendEvery is how often a replica says by which configuration it works.
const attendEvery = 30 * time.Second

// roll tells a replica of others that work by another configuration. What one of them completes may be forwarded or dated
// otherwise than people expect, and nothing else would say so.
type roll struct {
	store interface {
		Attend(ctx context.Context, configuration ledger.Digest) (different int, err error)
	}
	catalog   atomic.Pointer[ledger.Catalog]
	log       *slog.Logger
	different atomic.Int64 // how many others lately said that they work by another one

	mu   sync.Mutex
	end  context.CancelFunc // nil before start
	done chan struct{}
}

// start begins to attend. Started twice, or without a store that others share, it does nothing.
func (r *roll) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end != nil || r.store == nil {
		return
	}
	var ctx context.Context
	ctx, r.end = context.WithCancel(context.Background())
	r.done = make(chan struct{})
	go r.run(ctx)
}

// stop ends it. It may be called twice, and without start.
func (r *roll) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end != nil {
		r.end()
		<-r.done
	}
}

func (r *roll) run(ctx context.Context) {
	defer close(r.done)
	for {
		if n, err := r.store.Attend(ctx, r.catalog.Load().Digest()); err == nil { // else whoever needs the ledger says so
			switch before := r.different.Swap(int64(n)); {
			case n > 0:
				r.log.Warn("other replicas work by another configuration: give all of them the same", "replicas", n)
			case before > 0:
				r.log.Info("all replicas work by one configuration again")
			}
		}
		if !rest(ctx, attendEvery) {
			return
		}
	}
}
