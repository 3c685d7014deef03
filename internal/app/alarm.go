package app

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/doctor"
	"github.com/claygate/claygate/internal/ledger"
)

const (
	// alarmHour is the window in which dead letters and strange callbacks are counted.
	alarmHour = time.Hour
	// spaceAlarm is how little space a ledger's disk may have left: a million records take a few GiB.
	spaceAlarm = 1 << 30
)

// Alerts says where alarms are told, and from when on they are ones. The zero value tells nobody.
type Alerts struct {
	URL     string // of a Slack incoming webhook, or what speaks like it; a secret
	Private bool   // it may be on a private network
	// DeadLetters and Callbacks are how many records of a target may fail for good in an hour, and how many callbacks may be
	// refused or match nothing.
	DeadLetters, Callbacks int
	Waiting                time.Duration // how long a record may wait to be sent
}

// alarms finds out what is wrong: it reads the ledger, so that what it says holds for all replicas and after a restart, and
// what was mended is seen to be. It says nothing of records' contents, nor of the reasons that people or Clay gave.
type alarms struct {
	store interface {
		ledger.Switch
		TargetStatus(ctx context.Context, target string) (ledger.TargetStatus, error)
		Destinations(ctx context.Context) ([]ledger.DestinationStatus, error)
		Oldest(ctx context.Context, target string) (time.Duration, error)
	}
	targets   func() []api.Target
	different func() int64 // replicas that work by another configuration
	folder    string       // of the ledger's file; "" where it is a database
	limits    Alerts

	dead    map[string]*window // by target
	strange window             // callbacks

	mu      sync.Mutex
	strays  int                  // callbacks so far
	budgets map[string]time.Time // targets, and when it was told that a budget of theirs is spent
}

// window counts within an hour what is only known as a sum.
type window struct {
	began time.Time
	base  int
}

// count returns by how much a sum has grown in the present hour. A sum that shrank begins anew.
func (w *window) count(now time.Time, sum int) int {
	if w.began.IsZero() || now.Sub(w.began) >= alarmHour || sum < w.base {
		w.began, w.base = now, sum
	}
	return sum - w.base
}

// stray is told of callbacks that were refused, or matched nothing.
func (a *alarms) stray() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.strays++
}

// overdrawn is told of a budget that is spent. That is told once for each of its windows.
func (a *alarms) overdrawn(target string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.budgets == nil {
		a.budgets = map[string]time.Time{}
	}
	a.budgets[target] = time.Now()
}

// look returns the alarms there are, by key. What the ledger does not say now is left as unknown: ok is false.
func (a *alarms) look(ctx context.Context) (open map[string]string, ok bool) {
	open = map[string]string{}
	stops, err := a.store.Stopped(ctx)
	if err != nil {
		return nil, false
	}
	for workspace := range stops {
		what := "all sending is stopped"
		if workspace != ledger.Everything {
			what = "sending of the workspace " + workspace + " is stopped"
		}
		open["stopped "+workspace] = what + "; claygate start lets it go on"
	}
	for _, t := range a.targets() {
		if err := a.target(ctx, &t, open); err != nil {
			return nil, false
		}
	}
	destinations, err := a.store.Destinations(ctx)
	if err != nil {
		return nil, false
	}
	for _, d := range destinations {
		if d.Disabled != "" {
			open["disabled "+d.Destination] = "nothing is delivered to the destination " + d.Destination + " any more; claygate destinations list says why"
		}
		if d.Dead > 0 {
			open["undelivered "+d.Destination] = "deliveries to the destination " + d.Destination + " were given up; claygate records redeliver --undelivered tries them again"
		}
	}
	a.rest(open)
	return open, true
}

// target adds the alarms of one target.
func (a *alarms) target(ctx context.Context, t *api.Target, open map[string]string) error {
	status, err := a.store.TargetStatus(ctx, t.Name)
	if err != nil {
		return err
	}
	if status.Paused.Reason != "" {
		why := ""
		if status.Paused.Status != 0 {
			why = fmt.Sprintf(", because Clay answered %d", status.Paused.Status)
		}
		open["paused "+t.Name] = "the target " + t.Name + " is paused" + why + "; claygate targets list says more, claygate targets resume lets it go on"
	}
	if status.Breaker.Open() {
		open["failing "+t.Name] = "most of what is sent to " + t.Name + " fails: one record at a time is tried"
	}
	for i, w := range t.Webhooks {
		if used := status.Used[w.ID] + w.Start; w.Limit > 0 && float64(used) >= WebhookWarning*float64(w.Limit) {
			open[fmt.Sprintf("webhook %s %d", t.Name, i)] = fmt.Sprintf("webhook %d of %s has taken over %d of the %d rows that it can; add another one, on a table of its own",
				i+1, t.Name, int(WebhookWarning*float64(w.Limit)), w.Limit)
		}
	}
	if a.dead[t.Name] == nil {
		a.dead[t.Name] = &window{}
	}
	if n := a.dead[t.Name].count(time.Now(), status.Counts.In(ledger.Dead)); n >= a.limits.DeadLetters {
		open["dead "+t.Name] = fmt.Sprintf("at least %d records of %s failed for good within an hour; claygate records list --state dead says why", a.limits.DeadLetters, t.Name)
	}
	if status.Counts.In(ledger.Queued) == 0 {
		return nil
	}
	oldest, err := a.store.Oldest(ctx, t.Name)
	if err == nil && oldest >= a.limits.Waiting {
		open["waiting "+t.Name] = fmt.Sprintf("records of %s have waited for over %s to be sent", t.Name, a.limits.Waiting)
	}
	return err
}

// rest adds the alarms that are no target's.
func (a *alarms) rest(open map[string]string) {
	a.mu.Lock()
	strays := a.strays
	for target, told := range a.budgets {
		if time.Since(told) > alarmHour {
			delete(a.budgets, target)
			continue
		}
		open[fleeting+"budget "+target] = "a budget of " + cmp.Or(target, "the gateway") + " is spent, so records wait; claygate usage shows it"
	}
	a.mu.Unlock()
	if a.strange.count(time.Now(), strays) >= a.limits.Callbacks {
		open["callbacks"] = fmt.Sprintf("at least %d callbacks were refused or matched no record within an hour; the log and their cells in Clay say why", a.limits.Callbacks)
	}
	if a.different() > 0 {
		open["configuration"] = "replicas of one ledger work by different configurations; give all of them the same"
	}
	if a.folder == "" {
		return
	}
	if free, err := doctor.Free(a.folder); err == nil && free < spaceAlarm {
		open["disk"] = "the ledger's disk has less than 1 GiB left; when it is full nothing is accepted"
	}
}
