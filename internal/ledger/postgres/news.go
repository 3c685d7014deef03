package postgres

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

const (
	// channel carries what changed from replica to replica.
	channel = "claygate"
	// lookEvery is how often a replica looks by itself for what it may not have been told: because a notification got lost
	// with its connection, because a pooler lets none through, or because whoever wrote it died before telling.
	lookEvery = 250 * time.Millisecond
	// tellEvery is the shortest time between two notifications of a replica. The first goes at once; under load those of many
	// commits go together, because each makes a server process work for each of the replicas.
	tellEvery = 5 * time.Millisecond
)

// news brings what other replicas change to the hub, and tells them what this one does.
type news struct {
	store  *Store
	name   string // of this replica's notifications
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	pending map[any]struct{} // to be told
	wake    chan struct{}    // holds a token while there may be some

	seq    int64 // the last notice that was looked at
	broken bool  // as far as is known the database cannot be reached
}

func (s *Store) follow(o Options) *news {
	ctx, cancel := context.WithCancel(context.Background())
	n := &news{
		store: s, name: strconv.FormatUint(rand.Uint64(), 36), cancel: cancel, pending: map[any]struct{}{}, wake: make(chan struct{}, 1), seq: -1,
	}
	n.work.Go(func() { n.tell(ctx) })
	if !o.blind {
		n.work.Go(func() { n.look(ctx) })
	}
	if !o.deaf {
		n.work.Go(func() { n.hear(ctx) })
	}
	return n
}

func (n *news) close() {
	n.cancel()
	n.work.Wait()
}

// publish tells this replica's waiters what was committed, and then the others'.
func (s *Store) publish(topics map[any]struct{}) {
	if len(topics) == 0 {
		return
	}
	s.hub.Publish(topics)
	n := s.news
	n.mu.Lock()
	for topic := range topics {
		n.pending[topic] = struct{}{}
	}
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// tell sends what is pending. It has a statement of its own: a transaction that notifies keeps all others that do from
// committing. What cannot be sent is dropped, because those that it is for look by themselves.
func (n *news) tell(ctx context.Context) {
	for {
		select {
		case <-n.wake:
		case <-ctx.Done():
			return
		}
		n.mu.Lock()
		topics := n.pending
		n.pending = map[any]struct{}{}
		n.mu.Unlock()
		sending, cancel := context.WithTimeout(ctx, connectTime)
		_, err := n.store.pool.Exec(sending, `SELECT pg_notify($1, p) FROM unnest($2::text[]) p`, channel, encodeTopics(n.name, topics))
		cancel()
		if err != nil && ctx.Err() == nil {
			n.store.log.Debug("other replicas were not told of a change, and look by themselves", "error", err)
		}
		ledger.Rest(ctx, tellEvery, nil)
	}
}

// hear passes on what others tell, with a connection of its own that it makes again when it is lost.
func (n *news) hear(ctx context.Context) {
	delay := firstRetry
	for ctx.Err() == nil {
		if heard := n.listen(ctx); heard {
			delay = firstRetry
		}
		ledger.Rest(ctx, delay/2+rand.N(delay/2), nil)
		delay = min(2*delay, lastRetry)
	}
}

// listen hears until the connection is lost; heard is false when there was none.
func (n *news) listen(ctx context.Context) (heard bool) {
	conn, err := pgx.ConnectConfig(ctx, n.store.writer.config)
	if err != nil {
		return false
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return false
	}
	n.publishAll() // something may have changed meanwhile
	for {
		got, err := conn.WaitForNotification(ctx)
		if err != nil {
			return true
		}
		if topics, own := decodeTopics(n.name, got.Payload); !own {
			n.store.hub.Publish(topics)
		}
	}
}

// publishAll wakes everybody.
func (n *news) publishAll() {
	topics := map[any]struct{}{}
	for _, topic := range n.store.hub.Topics() {
		topics[topic] = struct{}{}
	}
	n.store.hub.Publish(topics)
}

// noteFate tells when the database is lost, and when it is back.
func (s *Store) noteFate(err error) {
	switch n := s.news; {
	case n == nil:
	case err != nil && lost(err) && !n.broken:
		n.broken = true
		s.log.Error("the database cannot be reached", "error", err)
	case err == nil && n.broken:
		n.broken = false
		s.log.Info("the database is back")
	}
}
