package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/claygate/claygate/bench/load"
	"github.com/claygate/claygate/internal/collect"
)

// steady sends so many callbacks a second from one address, each when its time has come whether or not those before were
// answered: a server that falls behind is not spared, and the time that a callback waited for its turn counts.
func steady(dir string) {
	n := *rate * int(length.Seconds())
	*records = n
	handler, tickets, done := claygate(filepath.Join(dir, "steady"))
	defer done()
	addr, stop := load.Serve(handler)
	defer stop()
	type due struct {
		at     time.Time
		ticket string
	}
	queue := make(chan due, n)
	took := make([][]time.Duration, *clients)
	refused := make([]int, *clients)
	var all sync.WaitGroup
	for i := range *clients {
		conn := load.Dial(addr)
		all.Go(func() {
			defer conn.Close()
			for d := range queue {
				if conn.Exchange(load.Post(collect.CallbackPath+"people", addr, "", body(d.ticket))) != http.StatusOK {
					refused[i]++
				}
				took[i] = append(took[i], time.Since(d.at))
			}
		})
	}
	began := time.Now()
	for i := range n {
		at := began.Add(time.Duration(i) * time.Second / time.Duration(*rate))
		time.Sleep(time.Until(at))
		queue <- due{at, tickets[i]}
	}
	close(queue)
	all.Wait()
	var times []time.Duration
	lost := 0
	for i := range took {
		times, lost = append(times, took[i]...), lost+refused[i]
	}
	m := load.Measure(times)
	fmt.Printf("%d callbacks at %d a second for %s: %d refused, p50 %s, p99 %s, longest %s\n",
		m.N, *rate, *length, lost, m.P50.Round(10*time.Microsecond), m.P99.Round(10*time.Microsecond), times[len(times)-1].Round(10*time.Microsecond))
}
