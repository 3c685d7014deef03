package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

const (
	// alertEvery bounds how often notices are read: most are about records, of which there may be thousands a second.
	alertEvery = time.Second
	alertBatch = 1000
	// usedEvery is how often the webhooks' use is looked at.
	usedEvery = time.Minute
	// WebhookWarning is the share of a webhook's limit from which on its use is told: at Clay's pace the rest of 50,000 lasts
	// eight minutes.
	WebhookWarning = 0.9
)

// alerts writes into the log what needs somebody's eye: a target that sends nothing more, a stop, a webhook that is
// nearly used up. Whoever watches events or the list of targets is told as well.
type alerts struct {
	store interface {
		ledger.Notices
		ledger.Switch
		TargetStatus(ctx context.Context, target string) (ledger.TargetStatus, error)
	}
	hub     *ledger.Hub
	log     *slog.Logger
	targets func() []api.Target
	alarms  *alarms   // nil where nobody is told
	chat    *notifier // that is told

	after int64 // the last notice that was seen
	wrong bool  // notices came that are not about records
	used  map[ledger.Digest]bool
	end   context.CancelFunc // nil before start
	done  chan struct{}

	mu          sync.Mutex
	unreachable map[string]bool // the targets that no request gets to
	sent        map[string]bool // the targets whose webhooks may have been used since they were looked at
}

// attempt is told of every attempt, and says when Clay cannot be reached and when it can again: such attempts pause nothing
// and count against no record, so that the queue only grows.
func (a *alerts) attempt(r ledger.Record, answer ledger.Answer) {
	a.use(r.Target)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch away := a.unreachable[r.Target]; {
	case answer.Outcome == ledger.NotSent && !away:
		a.unreachable[r.Target] = true
		a.log.Warn("Clay cannot be reached: records wait until it can", "target", r.Target, "error", answer.Excerpt)
	case answer.Outcome == ledger.Answered && away:
		delete(a.unreachable, r.Target)
		a.log.Info("Clay is reached again", "target", r.Target)
	}
}

// start says what is held back already, and watches from then on.
func (a *alerts) start() {
	if a.end != nil {
		return
	}
	var ctx context.Context
	ctx, a.end = context.WithCancel(context.Background())
	a.done, a.used = make(chan struct{}), map[ledger.Digest]bool{}
	changed, cancel := a.hub.Subscribe(ledger.Announced)
	if a.chat != nil {
		a.chat.start()
	}
	a.begin(ctx)
	go func() {
		defer close(a.done)
		defer cancel()
		a.run(ctx, changed)
	}()
}

// stop ends it. It may be called without start.
func (a *alerts) stop() {
	if a.end != nil {
		a.end()
		<-a.done
	}
	if a.chat != nil {
		a.chat.stop()
	}
}

// alarm tells whoever is to be told what is wrong now.
func (a *alerts) alarm(ctx context.Context) {
	if a.chat == nil {
		return
	}
	if open, ok := a.alarms.look(ctx); ok {
		a.chat.set(open)
	}
}

// begin tells of what was there before. What the ledger does not say is left out: others log that it fails.
func (a *alerts) begin(ctx context.Context) {
	a.after, _ = a.store.LastNotice(ctx)
	stops, _ := a.store.Stopped(ctx)
	for workspace, reason := range stops {
		if workspace == ledger.Everything {
			a.log.Warn("all sending is stopped; claygate start --all lets it go on", "reason", reason)
		} else {
			a.log.Warn("a workspace's sending is stopped; claygate start lets it go on", "workspace", workspace, "reason", reason)
		}
	}
	for _, t := range a.targets() {
		a.use(t.Name)
		if status, err := a.store.TargetStatus(ctx, t.Name); err == nil && status.Paused.Reason != "" {
			a.log.Warn("a target is paused; claygate targets resume lets it go on", "target", t.Name, "reason", status.Paused.Reason)
		}
	}
	a.look(ctx)
	a.alarm(ctx)
}

func (a *alerts) run(ctx context.Context, changed <-chan struct{}) {
	use := time.NewTicker(usedEvery)
	defer use.Stop()
	for {
		select {
		case <-changed:
			for a.read(ctx) {
			}
			if a.wrong {
				a.wrong = false
				a.alarm(ctx)
			}
			if !rest(ctx, alertEvery) {
				return
			}
		case <-use.C:
			a.look(ctx)
			a.alarm(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// read logs the next notices; more says that there may be others.
func (a *alerts) read(ctx context.Context) (more bool) {
	notices, err := a.store.Notices(ctx, a.after, alertBatch)
	if err != nil {
		return false
	}
	for _, n := range notices {
		a.after = n.Seq
		if !n.Record.IsZero() {
			continue
		}
		level := slog.LevelInfo
		switch n.Kind {
		case ledger.TargetPaused, ledger.TargetRemoved, ledger.BreakerOpened, ledger.AllStopped, ledger.WorkspaceStopped,
			ledger.BudgetExhausted, ledger.DestinationDisabled, ledger.DeliveryFailed:
			level = slog.LevelWarn
		}
		a.wrong = true // or mended
		if n.Kind == ledger.BudgetExhausted && a.alarms != nil {
			a.alarms.overdrawn(n.Target)
		}
		a.log.Log(ctx, level, string(n.Kind), "target", n.Target, "reason", n.Reason)
	}
	return len(notices) == alertBatch
}

// use notes that a target's webhooks may be used up further.
func (a *alerts) use(target string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sent == nil {
		a.sent = map[string]bool{}
	}
	a.sent[target] = true
}

// unused takes that note away again, and tells whether it was there.
func (a *alerts) unused(target string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	used := a.sent[target]
	delete(a.sent, target)
	return used
}

// look tells once of each webhook that is nearly used up. Of a thousand targets only those are asked about that were sent to.
func (a *alerts) look(ctx context.Context) {
	for _, t := range a.targets() {
		if !a.unused(t.Name) {
			continue
		}
		status, err := a.store.TargetStatus(ctx, t.Name)
		if err != nil {
			a.use(t.Name)
			return
		}
		for i, w := range t.Webhooks {
			if used := status.Used[w.ID] + w.Start; w.Limit > 0 && !a.used[w.ID] && float64(used) >= WebhookWarning*float64(w.Limit) {
				a.used[w.ID] = true
				a.log.Warn("a webhook is nearly used up: add another one to its target, on a table of its own",
					"target", t.Name, "webhook", i+1, "used", used, "limit", w.Limit)
			}
		}
	}
}
