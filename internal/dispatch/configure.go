package dispatch

import (
	"context"
	"slices"

	"github.com/claygate/claygate/internal/ledger"
)

// Configuration is what can change while a Dispatcher runs.
type Configuration struct {
	Lanes   []ledger.LaneID
	Drivers map[string]Driver // by target
	Runners map[string]Runner // by target
	// Store makes the ledger work by the same configuration. It is called while nothing is being claimed, so that no
	// record is claimed by one configuration and sent by another.
	Store func() error
}

// Configure makes the Dispatcher work by another configuration. Requests under way end as they began. When Store fails
// nothing has changed.
func (d *Dispatcher) Configure(c Configuration) error {
	d.plan.Lock()
	defer d.plan.Unlock()
	if err := c.Store(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Lanes, d.Drivers, d.Runners = c.Lanes, c.Drivers, c.Runners
	if d.started {
		d.runLanes()
	}
	return nil
}

// runLanes begins the lanes that are new and ends those that have gone. The caller holds mu.
func (d *Dispatcher) runLanes() {
	if d.stopped {
		return
	}
	for lane, end := range d.running {
		if !slices.Contains(d.Lanes, lane) {
			end()
			delete(d.running, lane)
		}
	}
	for _, lane := range d.Lanes {
		if d.running[lane] != nil {
			continue
		}
		ctx, end := context.WithCancel(d.claims)
		d.running[lane] = end
		want := ledger.Want{Lane: lane, Load: d.only}
		d.lanes.Go(func() { d.runLane(ctx, want) })
	}
}

// senders are what sends records, of one configuration.
type senders struct {
	drivers map[string]Driver
	runners map[string]Runner
}

func (s senders) driver(target string) Driver {
	if driver, ok := s.drivers[target]; ok {
		return driver
	}
	return missing{}
}

func (s senders) runner(target string) Runner {
	if runner, ok := s.runners[target]; ok {
		return runner
	}
	return missing{}
}

// claimFor claims work, and returns what sends it by the configuration by which it was claimed.
func (d *Dispatcher) claimFor(ctx context.Context, want ledger.Want) (ledger.Claims, senders, error) {
	d.plan.RLock()
	defer d.plan.RUnlock()
	claims, err := d.Store.Claim(ctx, want)
	return claims, senders{d.Drivers, d.Runners}, err
}
