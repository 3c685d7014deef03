package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/claygate/claygate/clay/claytest"
)

// webhook names the webhook; its name is the secret part of the URL.
const webhook = "pull-in-data-from-a-webhook-5ec7e7"

// scenario is one situation that every contender is put into.
type scenario struct {
	name    string
	about   string
	senders int // each with a client of its own, unless the contender shares one
	rows    int // per sender
	timeout time.Duration
	clay    claytest.Options
}

func scenarios() []scenario {
	var list []scenario
	for _, latency := range []time.Duration{0, 50 * time.Millisecond, 150 * time.Millisecond} {
		s := scenario{
			name:  fmt.Sprintf("one sender, %d ms latency", latency.Milliseconds()),
			about: "100 rows at Clay's limit of 10 a second, bursts of 20. Rows a second are those after the first 20, so that no burst counts.",
			rows:  100,
		}
		if latency > 0 {
			s.clay.Faults = []claytest.Fault{{Kind: claytest.Slow, Latency: latency}}
		}
		list = append(list, s)
	}
	free := claytest.Options{PerSecond: -1}
	with := func(f claytest.Fault) claytest.Options { free.Faults = []claytest.Fault{f}; return free }
	date := time.Now().Add(4 * time.Second).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	return append(
		list,
		scenario{
			name: "16 senders", senders: 16, rows: 25,
			about: "400 rows in one process, at Clay's limit.",
		},
		scenario{
			name: "429 storm", rows: 40, clay: with(claytest.Fault{Kind: claytest.Answer, Status: []int{429}, Rate: .5}),
			about: "Half of all requests are answered 429 with Retry-After: 1; no other limit.",
		},
		scenario{
			name: "503 burst", rows: 40, clay: with(claytest.Fault{Kind: claytest.Answer, Status: []int{503}, To: 30}),
			about: "The first 30 requests are answered 503 without a hint.",
		},
		scenario{
			name: "date-form Retry-After", rows: 40, clay: with(claytest.Fault{Kind: claytest.Answer, Status: []int{429}, RetryAfter: []string{date}, When: before(date)}),
			about: "Clay asks by date to be left alone for the first 4 s.",
		},
		scenario{
			name: "timeout after storing", rows: 40, timeout: time.Second,
			clay:  with(claytest.Fault{Kind: claytest.SlowAnswer, Latency: 3 * time.Second, Rate: .25}),
			about: "A quarter of all requests are stored and answered after 3 s; the timeout is 1 s.",
		},
	)
}

// before is true until the given date.
func before(date string) func(claytest.Event) bool {
	t, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", date)
	return func(claytest.Event) bool { return err == nil && time.Now().Before(t) }
}

// result is what one contender made of one scenario.
type result struct {
	who                              string
	took                             time.Duration
	perSecond                        float64 // once the first burst is over
	requests, throttled, connections int
	stored, lost, doubled            int
	ok, failed, uncertain            int // what the contender said
	wronglyFailed                    int // said to have failed, and in Clay
	showsSecret                      bool
}

// run puts one contender into the scenario.
func (s scenario) run(ctx context.Context, c contender) result {
	if c.many && s.senders < 2 {
		return result{} // the same as with one client
	}
	opt := s.clay
	opt.Seed, opt.Keep = 7, -1
	emulator, err := claytest.Start(opt)
	if err != nil {
		panic(err) // a mistake in this program
	}
	front := newFront(emulator.URL())
	setup := setup{url: front.url + claytest.WebhookPath + webhook, timeout: s.timeout}
	if setup.timeout == 0 {
		setup.timeout = 30 * time.Second
	}

	next := c.start(setup)
	var mu sync.Mutex
	told := map[int]verdict{}
	seen := ""
	start := time.Now()
	var wg sync.WaitGroup
	for sender := range max(1, s.senders) {
		send := next()
		wg.Go(func() {
			verdicts, text := send(ctx, rows(sender*s.rows, s.rows))
			mu.Lock()
			defer mu.Unlock()
			for i, v := range verdicts {
				told[i] = v
			}
			seen += text
		})
	}
	wg.Wait()
	took := time.Since(start)
	front.close()
	emulator.Close() // also ends, and so counts, what it has not answered yet
	r := result{who: c.name, took: took, connections: front.connections(), showsSecret: strings.Contains(seen, webhook)}
	r.count(emulator, told)
	return r
}

func rows(first, n int) []row {
	list := make([]row, n)
	for i := range list {
		list[i] = row{I: first + i, Email: fmt.Sprintf("person%d@example.com", first+i)}
	}
	return list
}

// count compares what the contender said with what Clay has.
func (r *result) count(s *claytest.Server, told map[int]verdict) {
	at := map[int]int{}
	all := s.Rows()
	for _, stored := range all {
		var v row
		if json.Unmarshal(stored.Body, &v) == nil {
			at[v.I]++
		}
	}
	st := s.Stats()
	r.requests, r.throttled, r.stored = st.Requests, st.Status[429], st.Rows
	for i, v := range told {
		n := at[i]
		r.doubled += max(0, n-1)
		switch {
		case n == 0:
			r.lost++
		case v == failed:
			r.wronglyFailed++
		}
		switch v {
		case ok:
			r.ok++
		case failed:
			r.failed++
		default:
			r.uncertain++
		}
	}
	if n := len(all); n > 21 {
		r.perSecond = float64(n-21) / all[n-1].At.Sub(all[20].At).Seconds()
	}
}
