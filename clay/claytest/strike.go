package claytest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// faults are the faults in force.
type faults struct {
	seed  uint64
	mu    sync.Mutex
	list  []*armed
	armed atomic.Bool // whether the list holds any: the common case asks no lock
}

// armed is a fault and how often it has hit.
type armed struct {
	Fault
	index int
	hits  int
}

// hit is a fault that strikes, for the n-th time from 0.
type hit struct {
	Fault
	n int
}

// set replaces the faults.
func (f *faults) set(list []Fault) error {
	next := make([]*armed, len(list))
	for i, fault := range list {
		if err := fault.check(); err != nil {
			return err
		}
		next[i] = &armed{Fault: fault, index: i}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = next
	f.armed.Store(len(next) > 0)
	return nil
}

// strike returns the first fault, among those of which is true, that hits.
func (f *faults) strike(e Event, among func(*Fault) bool) *hit {
	if !f.armed.Load() {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.list {
		if among(&a.Fault) && a.matches(f.seed, e) {
			a.hits++
			return &hit{Fault: a.Fault, n: a.hits - 1}
		}
	}
	return nil
}

// matches decides whether the fault hits.
func (a *armed) matches(seed uint64, e Event) bool {
	switch {
	case a.From > 0 && e.Number < a.From, a.To > 0 && e.Number > a.To:
		return false
	case a.Count > 0 && a.hits >= a.Count:
		return false
	case a.Webhook != "" && a.Webhook != e.Webhook:
		return false
	case a.Path != "" && (e.Request == nil || !strings.Contains(e.Request.URL.Path, a.Path)):
		return false
	case a.Rate > 0 && share(hash(seed, fmt.Sprint("fault", a.index), e.Number)) >= a.Rate:
		return false
	}
	return a.When == nil || a.When(e)
}

// callback returns the fault that hits a row's callback, nil for none.
func (f *faults) callback(row *Row) *hit {
	return f.strike(Event{Number: row.Number, Webhook: row.Webhook, Body: row.Body}, (*Fault).hitsCallback)
}
