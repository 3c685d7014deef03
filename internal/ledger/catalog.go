package ledger

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Catalog is the configuration that a store works by: the targets and the pace of their lanes. It is never changed;
// a new configuration is a new catalog.
type Catalog struct {
	targets map[string]Target
	lanes   map[LaneID]Pace
	order   []string
	budgets Budgets
}

// freed returns the pace of a lane that nobody set: that of a destination is free.
func (c *Catalog) freed(lane LaneID) Pace {
	p, set := c.lanes[lane]
	if !set && strings.HasPrefix(string(lane), string(Outgoing("").Lane())) {
		return FreePace
	}
	return p
}

// NewCatalog returns a catalog of the targets, in their order, and of their lanes. A lane without a pace gets the
// default one.
func NewCatalog(targets []Target, lanes map[LaneID]Pace) *Catalog {
	c := &Catalog{targets: map[string]Target{}, lanes: map[LaneID]Pace{}}
	for lane, pace := range lanes { // one without targets paces deliveries, or other calls
		if pace != (Pace{}) {
			c.lanes[lane] = pace.normal()
		}
	}
	for _, t := range targets {
		if _, twice := c.targets[t.Name]; !twice {
			c.order = append(c.order, t.Name)
		}
		c.targets[t.Name] = t
		c.lanes[t.Lane] = lanes[t.Lane].normal()
	}
	return c
}

// Target returns the target of that name. A target that is no longer configured has the defaults and no lane: its
// records can still end, but none is sent.
func (c *Catalog) Target(name string) (Target, bool) {
	t, ok := c.targets[name]
	if !ok {
		t.Name = name
	}
	return t, ok
}

// Pace returns the pace of a lane.
func (c *Catalog) Pace(lane LaneID) Pace { return c.freed(lane).normal() }

// Lanes returns the lanes, in the order of their targets.
func (c *Catalog) Lanes() []LaneID {
	var lanes []LaneID
	for _, name := range c.order {
		if lane := c.targets[name].Lane; !slices.Contains(lanes, lane) {
			lanes = append(lanes, lane)
		}
	}
	return lanes
}

// On returns the targets of a lane.
func (c *Catalog) On(lane LaneID) []Target {
	var on []Target
	for _, name := range c.order {
		if t := c.targets[name]; t.Lane == lane {
			on = append(on, t)
		}
	}
	return on
}

// Digest tells configurations apart: by two catalogs with the same one records come to the same ends. Of conditions it sees
// only whether there are any.
func (c *Catalog) Digest() Digest {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(c.targets)) {
		t := c.targets[name]
		var runs RunPolicy
		if t.Runs != nil {
			runs = *t.Runs
		}
		conditional := t.CompleteWhen != nil
		t.CompleteWhen, t.Runs = nil, nil
		fmt.Fprintf(h, "%+v %+v %t\n", t, runs, conditional)
	}
	for _, lane := range slices.Sorted(maps.Keys(c.lanes)) {
		fmt.Fprintf(h, "%s %+v\n", lane, c.lanes[lane])
	}
	return Digest(h.Sum(nil)[:16])
}
