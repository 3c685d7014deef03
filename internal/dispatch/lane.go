package dispatch

import (
	"context"
	"time"

	"github.com/claygate/claygate/internal/crash"
	"github.com/claygate/claygate/internal/ledger"
)

// runLane claims and sends until the context ends.
func (d *Dispatcher) runLane(ctx context.Context, want ledger.Want) {
	changed, cancel := d.Hub.Subscribe(want.Lane)
	defer cancel()
	var gather gathering
	for ctx.Err() == nil {
		free := d.reserve(ctx)
		if free == 0 {
			return
		}
		want.Max, want.Full = free, gather.going()
		// A claim that is given up half-way may have been made all the same: its records would look as if they had been
		// sent. So it is not, and what it got is released below.
		asked := time.Now()
		claims, by, err := d.claimFor(context.WithoutCancel(ctx), want)
		fresh := freshUntil(asked)
		d.trouble(err)
		if err != nil {
			d.giveBack(free)
			d.Log.Error("the ledger did not give out work", "lane", want.Lane, "error", err)
			ledger.Rest(ctx, faultDelay, nil)
			continue
		}
		requests := len(claims.Work)
		if claims.Run != nil {
			requests = 1
		}
		d.giveBack(free - requests)
		wait := gather.after(claims)
		d.idle(want.Lane, requests, wait)
		if claims.Run != nil {
			d.sendRun(ctx, claims, runStarter{by.runner(claims.Run.Target), fresh})
		} else {
			d.sendAll(ctx, claims.Work, by, fresh)
		}
		ledger.Rest(ctx, wait, changed)
	}
}

// What was claimed is sent at once, or not at all: a process that stood still in between (SIGSTOP, a starved machine) would
// send beyond the pace that others have kept meanwhile, and what they may have sent again. A slow commit is no standstill.
const (
	slowestClaim = 10 * time.Second
	standstill   = time.Second / 2
)

// freshUntil returns until when what was asked for and has just been claimed may be sent.
func freshUntil(asked time.Time) time.Time {
	return asked.Add(min(time.Since(asked), slowestClaim) + standstill)
}

func (d *Dispatcher) idle(lane ledger.LaneID, requests int, wait time.Duration) {
	switch {
	case d.Idle == nil:
	case requests > 0:
		d.Idle(lane, 0)
	default:
		d.Idle(lane, wait)
	}
}

// reserve waits for a free slot and takes all that are free; 0 when the context has ended.
func (d *Dispatcher) reserve(ctx context.Context) int {
	select {
	case d.slots <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	n := 1
	for {
		select {
		case d.slots <- struct{}{}:
			n++
		default:
			return n
		}
	}
}

func (d *Dispatcher) giveBack(n int) {
	for range n {
		<-d.slots
	}
}

// sendAll sends what was claimed, each on its own. Claims that were made while the dispatcher was told to stop are
// released unsent.
func (d *Dispatcher) sendAll(ctx context.Context, work []ledger.Claimed, by senders, fresh time.Time) {
	if ctx.Err() != nil {
		var entries []ledger.Entry
		for _, c := range work {
			entries = append(entries, ledger.Entry{Record: c.Record.ID, Event: ledger.Release{Attempt: c.Record.Attempts}})
		}
		d.giveBack(len(work))
		d.persist(entries)
		return
	}
	for _, c := range work {
		d.flights.Go(func() { d.send(c, by.driver(c.Record.Target), fresh) })
	}
}

// send makes one attempt and reports how it ended. It is not cancelled when claiming ends: a request that is cut off
// is one whose fate nobody knows. What is not fresh any more is released.
func (d *Dispatcher) send(c ledger.Claimed, driver Driver, fresh time.Time) {
	start, answer := time.Now(), released
	if !start.After(fresh) {
		answer = driver.Send(crash.Trace(context.Background()), c)
		crash.Point(crash.Answered)
	}
	answer.Attempt, answer.Jitter = c.Record.Attempts, jitter()
	<-d.slots
	d.persist([]ledger.Entry{{Record: c.Record.ID, Event: answer}})
	if d.Observe != nil {
		d.Observe(c.Record, answer)
	}
	d.Log.Debug("attempt", "record", c.Record.ID, "target", c.Record.Target, "attempt", answer.Attempt,
		"outcome", answer.Outcome, "verdict", answer.Verdict, "status", answer.Status,
		"retry_after", answer.RetryAfter, "took", time.Since(start))
}

// missing stands in for the driver of a target that has none: nothing is sent, and the target pauses.
type missing struct{}

func (missing) Send(context.Context, ledger.Claimed) ledger.Answer {
	return ledger.Answer{
		Outcome: ledger.Released, Verdict: ledger.Refused, Reason: "nothing is configured to send its records with",
	}
}
