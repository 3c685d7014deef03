package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

// stretch is how many results of a file are kept in one transaction.
const stretch = 200

// maxShort is how often a file that holds fewer results than Clay says is fetched again before it is believed.
const maxShort = 3

// askBulk asks about a bulk run and, at its end, reads the file of its results. The file is read from its beginning each
// time: what is here already changes nothing, and nobody need rely on the order of a file that Clay may make anew.
func (p *Poller) askBulk(ctx context.Context, client *clay.Client, run ledger.Run) ledger.RunEvent {
	at := client.BulkRun(run.Clay)
	progress, err := at.Poll(ctx)
	switch {
	case errors.Is(err, clay.KindNotFound):
		return ledger.RunGone{}
	case err != nil:
		return trouble(err)
	case !progress.Done():
		return ledger.RunProgress{Jitter: rand.Float64()}
	}
	var items []ledger.RunItem
	read := 0
	for result, err := range at.Results(ctx) {
		if err != nil {
			return p.unread(ctx, run, err)
		}
		items = append(items, p.item(run.Target, result))
		if read++; len(items) < stretch {
			continue
		}
		if !p.keep(ctx, run, ledger.RunItems{Items: items, From: read - len(items)}) {
			return nil
		}
		items = nil
	}
	want := progress.Total
	if !run.Followed {
		want = min(want, run.Size)
	}
	if read < want && run.Misses < maxShort {
		p.keep(ctx, run, ledger.RunItems{Items: items, From: read - len(items)})
		return missing(run, read, want)
	}
	return ledger.RunItems{Items: items, From: read - len(items), Last: true}
}

// missing says that a file is shorter than it should be.
func missing(run ledger.Run, read, want int) ledger.RunEvent {
	return ledger.RunTrouble{Answer: ledger.Answer{
		Outcome: ledger.Answered, Verdict: ledger.Failed, Jitter: rand.Float64(),
		Reason: fmt.Sprintf("the results of run %s have %d items, and %d are said to be there", run.Clay, read, want),
	}}
}

// unread says why a file was not read to its end.
func (p *Poller) unread(ctx context.Context, run ledger.Run, err error) ledger.RunEvent {
	var e *clay.RunError
	if !errors.As(err, &e) {
		return unreadable(err)
	}
	if run.Followed {
		return ledger.RunFailed{Reason: ended(e), Answer: failure(e)}
	}
	if e.Status != clay.RunValidationFailed {
		return ledger.RunFailed{Reason: ended(e)}
	}
	blamed, err := p.blamed(ctx, run, e.Lines)
	if err != nil {
		p.Log.Error("the ledger did not say what a run carries", "run", run.ID, "error", err)
		return nil
	}
	return ledger.RunFailed{Reason: e.Error(), Items: blamed, Unworked: true}
}

// unreadable says that a file was not read. Wherever it lies, that is not the API: it says nothing about pace or key.
func unreadable(err error) ledger.RunEvent {
	return ledger.RunTrouble{Answer: ledger.Answer{Outcome: ledger.Unknown, Verdict: ledger.Failed, Reason: err.Error(), Jitter: rand.Float64()}}
}

// blamed finds the records of the lines that Clay finds fault with: they were written in the order of their IDs.
func (p *Poller) blamed(ctx context.Context, run ledger.Run, lines []clay.LineError) (items []ledger.RunItem, err error) {
	faults := map[int]clay.LineError{}
	for _, line := range lines {
		faults[line.Line] = line
	}
	var after ledger.RecordID
	for n := 0; len(items) < len(faults); {
		page, err := p.Store.Carried(ctx, run.ID, after, stretch)
		if err != nil || len(page) == 0 {
			return items, err
		}
		for _, r := range page {
			after = r.ID
			if len(r.Fields) == 0 {
				continue // not in the file
			}
			n++
			if fault, ok := faults[n]; ok {
				items = append(items, ledger.RunItem{Record: r.ID, Reason: fmt.Sprintf("Clay does not take its %s: %s", cmp.Or(fault.Field, "line"), fault.Message)})
			}
		}
	}
	return items, nil
}
