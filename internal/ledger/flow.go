package ledger

import (
	"context"
	"time"
)

// FlowSpan is the least time over which stores remember how much a webhook took lately; they remember up to twice that.
const FlowSpan = 3 * 24 * time.Hour

// leastFlow is the time over which a flow says something: what came in an hour says nothing about a month.
const leastFlow = 24 * time.Hour

// Flow is how much a webhook took, and how much of that lately.
type Flow struct {
	WebhookUse
	Span  time.Duration // the time that lately is; 0 for a webhook that took nothing yet
	Taken int           // submissions in it
}

// Flows tells how much webhooks take.
type Flows interface {
	// Flows returns the flow of each of these webhooks. One that took nothing yet has a zero flow.
	Flows(ctx context.Context, webhooks []Digest) (map[Digest]Flow, error)
}

// PerDay returns the submissions a day; ok is false while too little is known.
func (f Flow) PerDay() (n float64, ok bool) {
	if f.Span < leastFlow {
		return 0, false
	}
	return float64(max(f.Taken, 0)) * float64(24*time.Hour) / float64(f.Span), true
}

// FullIn returns in what time each of the target's webhooks will be used up, when things go on as they did lately: they
// are used one after the other. It is 0 for one that is used up, and [Never] where that is not known or does not happen.
func (t Target) FullIn(flows map[Digest]Flow) []time.Duration {
	var daily float64
	for _, w := range t.Webhooks {
		n, _ := flows[w.ID].PerDay()
		daily += n
	}
	in := make([]time.Duration, len(t.Webhooks))
	room, endless := 0, false
	for i, w := range t.Webhooks {
		left := w.Limit - w.Start - flows[w.ID].Submissions
		switch {
		case flows[w.ID].Exhausted || w.Limit > 0 && left <= 0:
			continue
		case w.Limit == 0:
			endless = true
		}
		room += left
		days := float64(room) / daily
		in[i] = Never
		if !endless && daily > 0 && days < maxFull.Hours()/24 {
			in[i] = time.Duration(days * float64(24*time.Hour))
		}
	}
	return in
}

// maxFull is the longest time for which a forecast is made.
const maxFull = 10 * 365 * 24 * time.Hour
