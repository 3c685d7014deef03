package ledger

import (
	"sync"
	"testing"
)

func topics(of ...any) map[any]struct{} {
	set := map[any]struct{}{}
	for _, topic := range of {
		set[topic] = struct{}{}
	}
	return set
}

func holds(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func TestHub(t *testing.T) {
	var h Hub
	h.Publish(topics(LoadID(1))) // to nobody
	load, cancelLoad := h.Subscribe(LoadID(1))
	again, cancelAgain := h.Subscribe(LoadID(1))
	lane, cancelLane := h.Subscribe(LaneID("1"))
	if holds(load) {
		t.Error("woken by what was published before")
	}
	for range 3 {
		h.Publish(topics(LoadID(1), RecordID{1}))
	}
	if !holds(load) || holds(load) {
		t.Error("a subscriber holds other than one token for what it has not looked at")
	}
	if !holds(again) || holds(lane) {
		t.Error("woken: the second subscriber not, or one of another topic")
	}
	cancelLoad()
	cancelLoad() // twice does no harm
	h.Publish(topics(LoadID(1), LaneID("1")))
	if holds(load) || !holds(again) || !holds(lane) {
		t.Error("ending one subscription changed another, or did not end it")
	}
	cancelAgain()
	cancelLane()
	if len(h.subs) != 0 {
		t.Errorf("%d topics are left", len(h.subs))
	}
}

func TestHubOfSeveralTopics(t *testing.T) {
	var h Hub
	either, cancel := h.Subscribe(LoadID(1), Pauses)
	for _, topic := range []any{LoadID(1), Pauses} {
		if h.Publish(topics(topic)); !holds(either) {
			t.Errorf("not woken by %v", topic)
		}
	}
	if h.Publish(topics(LoadID(2))); holds(either) {
		t.Error("woken by another topic")
	}
	if cancel(); len(h.subs) != 0 {
		t.Errorf("%d topics are left", len(h.subs))
	}
}

// Who subscribes, then reads, then waits misses no change.
func TestHubLosesNoChange(t *testing.T) {
	var h Hub
	var mu sync.Mutex
	value, last := 0, 1000
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			changed, cancel := h.Subscribe(Deadlines)
			defer cancel()
			for {
				mu.Lock()
				seen := value
				mu.Unlock()
				if seen == last {
					return
				}
				<-changed
			}
		})
	}
	for range last {
		mu.Lock()
		value++
		mu.Unlock()
		h.Publish(topics(Deadlines))
	}
	wg.Wait()
}
