package app

import (
	"context"
	"sync"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// ticketSecret is the name of the secrets that sign tickets.
const ticketSecret = "ticket"

// ticketsEvery is how often it is looked whether there are other secrets: well within [ledger.SecretSettle].
const ticketsEvery = 30 * time.Second

// rotation keeps the tickets up with the ledger's secrets, which another process may have made.
type rotation struct {
	store interface {
		Secrets(ctx context.Context, name string) ([]ledger.AgedSecret, error)
	}
	tickets ledger.Tickets
	end     context.CancelFunc // nil before start
	over    sync.WaitGroup
}

// start begins to look. Started twice it does nothing more.
func (r *rotation) start() {
	if r.end != nil {
		return
	}
	var ctx context.Context
	ctx, r.end = context.WithCancel(context.Background())
	r.over.Go(func() {
		for rest(ctx, ticketsEvery) {
			_ = r.refresh(ctx) // a ledger that fails says so elsewhere; the secrets from before go on
		}
	})
}

// stop ends it. It may be called twice, and without start.
func (r *rotation) stop() {
	if r.end != nil {
		r.end()
		r.over.Wait()
	}
}

// refresh works by the secrets that count now.
func (r *rotation) refresh(ctx context.Context) error {
	all, err := r.store.Secrets(ctx, ticketSecret)
	if err == nil && len(all) > 0 {
		r.tickets.Replace(ledger.ValidSecrets(all)...)
	}
	return err
}
