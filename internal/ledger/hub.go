package ledger

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// Hub wakes those who wait for a change in the ledger. A store publishes after each commit; a waiter subscribes, then
// reads, then waits, so that no change falls between. A topic is a LaneID (work came), a LoadID (a row of it moved),
// a RecordID (it moved), an [Outgoing] (a delivery came), [Deadlines] or [Pauses].
type Hub struct {
	mu   sync.Mutex
	subs map[any]map[chan struct{}]struct{}
}

type topic string

// Topics of a hub that are not one thing's.
const (
	Deadlines topic = "deadlines" // a record was given a due time
	Pauses    topic = "pauses"    // a target paused or resumed, or everything stopped or started
	Announced topic = "announced" // there is another notice
	Outbound  topic = "outbound"  // there is another delivery to a callback URL, whose host may be new
)

// Subscribe returns a channel that holds a token whenever something was published on one of the topics since it was last
// received from, and a function that ends the subscription.
func (h *Hub) Subscribe(topics ...any) (changed <-chan struct{}, cancel func()) {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = map[any]map[chan struct{}]struct{}{}
	}
	for _, topic := range topics {
		if h.subs[topic] == nil {
			h.subs[topic] = map[chan struct{}]struct{}{}
		}
		h.subs[topic][ch] = struct{}{}
	}
	return ch, func() { h.cancel(topics, ch) }
}

func (h *Hub) cancel(topics []any, ch chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, topic := range topics {
		delete(h.subs[topic], ch)
		if len(h.subs[topic]) == 0 {
			delete(h.subs, topic)
		}
	}
}

// Rest waits for the duration ([Never] for ever), for a change, or for the context: it is how those wait whom the ledger
// told how long it is until there is anything to do.
func Rest(ctx context.Context, d time.Duration, changed <-chan struct{}) {
	var timer <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
	case <-changed:
	case <-ctx.Done():
	}
}

// Topics returns the topics that somebody is subscribed to, in no order.
func (h *Hub) Topics() []any {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.subs))
}

// Publish wakes the subscribers of the topics. It never blocks.
func (h *Hub) Publish(topics map[any]struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.subs) == 0 {
		return
	}
	for topic := range topics {
		for ch := range h.subs[topic] {
			select {
			case ch <- struct{}{}:
			default:
			}
		}
	}
}

// Asking is the topic of those who ask Clay about the runs of a lane: a run's due time was set.
type Asking LaneID
