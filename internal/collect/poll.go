package collect

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

// Runs is what the poller needs of the ledger.
type Runs interface {
	Poll(ctx context.Context, lane ledger.LaneID) (run *ledger.Run, wait time.Duration, err error)
	ApplyRun(ctx context.Context, id ledger.RunID, e ledger.RunEvent) (ledger.Run, error)
	Adopt(ctx context.Context, found ledger.RunID, items []ledger.RecordID) (by ledger.RunID, ok bool, err error)
	Carried(ctx context.Context, id ledger.RunID, after ledger.RecordID, max int) ([]ledger.Record, error)
}

// PollerOptions says what a Poller works with.
type PollerOptions struct {
	Store Runs
	Hub   *ledger.Hub
	// Clients ask Clay about the runs of each lane. They must neither pace nor repeat: each call takes a token of the
	// lane's.
	Clients map[ledger.LaneID]*clay.Client
	// Failed, by target, says why a complete item is a failure all the same; "" when it is none.
	Failed map[string]func(result []byte) string
	// Concurrency bounds the questions under way on a lane. Default 16.
	Concurrency int
	Log         *slog.Logger // default: none
}

// Poller asks Clay about the runs that are under way and brings their results in. One loop for each lane takes what is
// due from the ledger, so that nothing is forgotten over a restart.
type Poller struct {
	PollerOptions
	mu      sync.Mutex
	started bool
	end     context.CancelFunc
	loops   sync.WaitGroup
}

// defaultQuestions is the default of PollerOptions.Concurrency: Clay's results may take a while to come.
const defaultQuestions = 16

// NewPoller returns a Poller that is not started.
func NewPoller(o PollerOptions) *Poller {
	if o.Concurrency <= 0 {
		o.Concurrency = defaultQuestions
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Poller{PollerOptions: o, end: func() {}}
}

// Start begins to ask. Started twice it does nothing more.
func (p *Poller) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.started {
		return
	}
	p.started = true
	ctx, cancel := context.WithCancel(context.Background())
	p.end = cancel
	for lane, client := range p.Clients {
		p.loops.Go(func() { p.runLane(ctx, lane, client) })
	}
}

// Stop ends all asking and returns when nothing is under way any more. What was cut off is asked again after the next
// start. It may be called twice, and without Start.
func (p *Poller) Stop() {
	p.mu.Lock()
	p.end()
	p.mu.Unlock()
	p.loops.Wait()
}

// faultDelay is how long the poller waits after the ledger failed before it asks it again.
const faultDelay = time.Second

// runLane asks about the runs of one lane until the context ends.
func (p *Poller) runLane(ctx context.Context, lane ledger.LaneID, client *clay.Client) {
	changed, cancel := p.Hub.Subscribe(ledger.Asking(lane), lane) // of the lane a hold may have ended
	defer cancel()
	var asking sync.WaitGroup
	defer asking.Wait()
	slots := make(chan struct{}, p.Concurrency)
	for ctx.Err() == nil {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		run, wait, err := p.Store.Poll(ctx, lane)
		if err != nil && ctx.Err() == nil {
			p.Log.Error("the ledger did not say which runs are due", "lane", lane, "error", err)
			wait = faultDelay
		}
		if run == nil {
			<-slots
			ledger.Rest(ctx, wait, changed)
			continue
		}
		asking.Go(func() {
			defer func() { <-slots }()
			p.ask(ctx, client, *run)
		})
	}
}

// ask asks Clay once about a run and has the ledger keep what it says.
func (p *Poller) ask(ctx context.Context, client *clay.Client, run ledger.Run) {
	var event ledger.RunEvent
	switch {
	case run.State == ledger.RunFound:
		event = p.identify(ctx, client, run)
	case run.Kind == ledger.Bulk:
		event = p.askBulk(ctx, client, run)
	default:
		event = p.askInline(ctx, client, run)
	}
	switch {
	case ctx.Err() != nil: // the next one who asks need not wait for the lease to end
		_, _ = p.Store.ApplyRun(context.WithoutCancel(ctx), run.ID, ledger.RunEnded{})
		return
	case event == nil:
		return
	}
	p.keep(ctx, run, event)
}

// keep has the ledger take an event. What it does not take is asked for again when the lease is over.
func (p *Poller) keep(ctx context.Context, run ledger.Run, e ledger.RunEvent) bool {
	after, err := p.Store.ApplyRun(ctx, run.ID, e)
	if err != nil {
		if ctx.Err() == nil {
			p.Log.Error("the ledger did not take what a run brought", "run", run.ID, "error", err)
		}
		return false
	}
	if after.Reason != "" && after.Reason != run.Reason {
		p.Log.Warn("a run did not answer as it should", "run", run.ID, "target", run.Target, "clay", run.Clay, "state", after.State, "reason", after.Reason)
	}
	return true
}

// askInline asks about an inline run: how far it is or, at its end, for the next page of its results.
func (p *Poller) askInline(ctx context.Context, client *clay.Client, run ledger.Run) ledger.RunEvent {
	page, err := client.Run(run.Clay).Page(ctx, run.Cursor)
	switch {
	case errors.Is(err, clay.KindNotFound):
		return ledger.RunGone{}
	case err != nil:
		t := trouble(err)
		t.Restart = run.Cursor != "" && errors.Is(err, clay.KindInvalid) // nothing else is in the question
		return t
	case !page.Done():
		return ledger.RunProgress{Jitter: rand.Float64()}
	case page.Status != clay.RunComplete:
		return ledger.RunFailed{Reason: ended(&clay.RunError{RunID: run.Clay, Status: page.Status})}
	case page.Cursor != "" && page.Cursor == run.Cursor:
		page.Cursor = ""
	}
	items := ledger.RunItems{Items: p.items(run.Target, page.Results), Cursor: page.Cursor, Last: page.Cursor == ""}
	if run.Cursor != "" {
		items.From = run.Brought
	}
	return items
}

// ended says how a run ended without results.
func ended(e *clay.RunError) string {
	return e.Error() + ": look at it in Clay; replaying its records may cost again"
}

// trouble says that a question failed, and why.
func trouble(err error) ledger.RunTrouble {
	a := ledger.Answer{Outcome: ledger.Unknown, Verdict: ledger.Failed, Reason: err.Error(), Jitter: rand.Float64()}
	var e *clay.Error
	if !errors.As(err, &e) {
		return ledger.RunTrouble{Answer: a}
	}
	a.Status, a.RetryAfter = e.Status, e.RetryAfter
	if e.Outcome == clay.Answered {
		a.Outcome = ledger.Answered
	}
	switch e.Kind {
	case clay.KindThrottled:
		a.Verdict = ledger.Throttled
	case clay.KindNotSent:
		a.Outcome, a.Verdict = ledger.NotSent, ledger.Unsent
	case clay.KindUnauthorized, clay.KindPaymentRequired, clay.KindForbidden, clay.KindRedirect, clay.KindConfig:
		a.Verdict = ledger.Refused
	}
	return ledger.RunTrouble{Answer: a}
}
