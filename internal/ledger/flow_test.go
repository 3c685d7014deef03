package ledger

import (
	"slices"
	"testing"
	"time"
)

func TestFullIn(t *testing.T) {
	const day = 24 * time.Hour
	a, b, c := Digest{1}, Digest{2}, Digest{3}
	took := func(submissions, taken int, span time.Duration) Flow {
		return Flow{WebhookUse: WebhookUse{Submissions: submissions}, Taken: taken, Span: span}
	}
	target := Target{Webhooks: []Webhook{{ID: a, Limit: 1000, Start: 100}, {ID: b, Limit: 500}, {ID: c}}}
	tests := map[string]struct {
		flows map[Digest]Flow
		want  []time.Duration
	}{
		"nothing is known":         {nil, []time.Duration{Never, Never, Never}},
		"too little is known":      {map[Digest]Flow{a: took(10, 10, time.Hour)}, []time.Duration{Never, Never, Never}},
		"one after the other":      {map[Digest]Flow{a: took(400, 200, 4*day)}, []time.Duration{10 * day, 20 * day, Never}},
		"the first is used up":     {map[Digest]Flow{a: took(900, 200, 4*day), b: took(0, 0, 0)}, []time.Duration{0, 10 * day, Never}},
		"Clay said so":             {map[Digest]Flow{a: {WebhookUse: WebhookUse{Submissions: 400, Exhausted: true}, Taken: 200, Span: 4 * day}}, []time.Duration{0, 10 * day, Never}},
		"both took some":           {map[Digest]Flow{a: took(900, 150, 3*day), b: took(100, 50, day)}, []time.Duration{0, 4 * day, Never}},
		"more than the limit":      {map[Digest]Flow{a: took(2000, 100, day)}, []time.Duration{0, 5 * day, Never}},
		"nothing lately":           {map[Digest]Flow{a: took(400, 0, 40*day)}, []time.Duration{Never, Never, Never}},
		"more was taken back":      {map[Digest]Flow{a: took(400, -3, 4*day)}, []time.Duration{Never, Never, Never}},
		"beyond what can be known": {map[Digest]Flow{a: took(2, 1, 60*day)}, []time.Duration{Never, Never, Never}},
	}
	for name, tt := range tests {
		if got := target.FullIn(tt.flows); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
