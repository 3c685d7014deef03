package dispatch

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Runner starts runs at Clay.
type Runner interface {
	// Start makes one try to start a claimed run and tells how it ended. When the context ends, what has not been started
	// is not started any more.
	Start(ctx context.Context, s RunStart) ledger.RunAnswer
}

// RunStart is a claimed run and what its start may need.
type RunStart struct {
	Run     ledger.Run
	Work    []ledger.Claimed                // of an inline run
	Records iter.Seq2[ledger.Record, error] // of any run, read from the ledger a page at a time
	// Token tells the lane that a call came through, and waits until its pace allows another one. The claim's own token is
	// for the first one.
	Token func(context.Context) error
}

// gathering lets records wait a little for others to share their run.
type gathering struct{ until time.Time }

// going reports whether only full runs are wanted.
func (g *gathering) going() bool { return g.until.IsZero() || time.Now().Before(g.until) }

// after notes what a claim got and returns how long to wait for the next one.
func (g *gathering) after(claims ledger.Claims) time.Duration {
	switch {
	case claims.Linger > 0 && g.until.IsZero():
		g.until = time.Now().Add(claims.Linger)
	case claims.Run != nil, claims.Linger == 0 && claims.Wait < 0:
		g.until = time.Time{}
	}
	if claims.Linger == 0 {
		return claims.Wait
	}
	left := max(time.Until(g.until), 0)
	if claims.Wait >= 0 {
		left = min(left, claims.Wait)
	}
	return left
}

// runStarter starts a run while its claim is fresh.
type runStarter struct {
	Runner
	fresh time.Time
}

// sendRun starts a claimed run beside what else is under way.
func (d *Dispatcher) sendRun(ctx context.Context, claims ledger.Claims, by runStarter) {
	d.flights.Go(func() { d.startRun(ctx, claims, by) })
}

// startRun makes one try to start a run and reports how it ended. One that was claimed while the dispatcher was told to
// stop, or that is not fresh any more, is released unsent.
func (d *Dispatcher) startRun(ctx context.Context, claims ledger.Claims, by runStarter) {
	start, run, work := time.Now(), *claims.Run, claims.Work
	got := ledger.RunAnswer{Answer: released}
	if ctx.Err() == nil && !start.After(by.fresh) {
		got = by.Start(ctx, RunStart{
			Run: run, Work: work, Records: d.carried(ctx, run.ID), Token: func(ctx context.Context) error { return d.token(ctx, run.Lane) },
		})
	}
	got.Answer.Jitter = jitter()
	<-d.slots
	d.persistWith(func(ctx context.Context) error {
		_, err := d.Store.ApplyRun(ctx, run.ID, got)
		return err
	})
	for _, c := range work {
		if d.Observe != nil {
			answer := got.Answer
			answer.Attempt = c.Record.Attempts
			d.Observe(c.Record, answer)
		}
	}
	d.Log.Debug("run", "run", run.ID, "target", run.Target, "kind", run.Kind, "records", run.Size, "outcome", got.Answer.Outcome,
		"verdict", got.Answer.Verdict, "status", got.Answer.Status, "retry_after", got.Answer.RetryAfter, "took", time.Since(start))
}

// released is the answer of what was never tried.
var released = ledger.Answer{Outcome: ledger.Released, Verdict: ledger.Unsent}

// Start stands in for the runner of a target that has none.
func (m missing) Start(ctx context.Context, _ RunStart) ledger.RunAnswer {
	return ledger.RunAnswer{Answer: m.Send(ctx, ledger.Claimed{})}
}

// token waits for another of the lane's tokens. That the last call came through is told first: it may have been the probe, and
// no other call goes out while that is awaited.
func (d *Dispatcher) token(ctx context.Context, lane ledger.LaneID) error {
	if err := d.Store.Report(ctx, lane, ledger.Signal{Kind: ledger.Flowing}); err != nil {
		return err
	}
	changed, cancel := d.Hub.Subscribe(lane)
	defer cancel()
	for {
		granted, wait, err := d.Store.Take(ctx, lane, 1)
		if err != nil || granted > 0 {
			return err
		}
		if ledger.Rest(ctx, wait, changed); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// carriedPage is how many records of a run are in memory at a time.
const carriedPage = 200

// carried reads the records of a run from the ledger. It ends with the first error.
func (d *Dispatcher) carried(ctx context.Context, run ledger.RunID) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		var after ledger.RecordID
		for {
			page, err := d.Store.Carried(ctx, run, after, carriedPage)
			if err != nil {
				yield(ledger.Record{}, fmt.Errorf("the ledger did not give out the run's records: %w", err))
				return
			}
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
				after = r.ID
			}
			if len(page) < carriedPage {
				return
			}
		}
	}
}
