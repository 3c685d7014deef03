// Command deliver measures the whole way of a record through serve with the limit off: from the caller's request, over
// the ledger, to the request that arrives at Clay, for which a handler stands in that answers at once.
//
//	cd bench && go run ./deliver
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/claygate/claygate/bench/load"
	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/ledger"
)

var (
	clients = flag.Int("clients", 64, "how many connections")
	length  = flag.Duration("for", 10*time.Second, "how long each part lasts")
	rate    = flag.Int("rate", 1000, "records a second of the second part")
	profile = flag.String("profile", "", "write a CPU profile of the first part to this file")
)

// arrivals is what stands in for Clay: it notes when each record arrived.
type arrivals struct {
	count atomic.Int64
	mu    sync.Mutex
	at    map[int]time.Time
}

// ServeHTTP implements http.Handler.
func (a *arrivals) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	now := time.Now()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	_, number, _ := strings.Cut(string(text), `"n":`)
	digits, _, _ := strings.Cut(number, ",")
	n, err := strconv.Atoi(digits)
	if err != nil {
		log.Fatalf("%s: %v", text, err)
	}
	a.mu.Lock()
	a.at[n] = now
	a.mu.Unlock()
	a.count.Add(1)
}

func main() {
	flag.Parse()
	log.SetFlags(0)
	dir, err := os.MkdirTemp(".", ".deliver-*") // on the disk of the checkout: /tmp may be memory
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	clay := &arrivals{at: map[int]time.Time{}}
	url, stop := load.Serve(clay)
	defer stop()
	a, err := app.Open(context.Background(), app.Config{
		Ledger: filepath.Join(dir, "ledger.db"), Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
		Targets: []app.Target{{Name: "people", NoResults: true, Webhooks: []app.Webhook{{URL: "http://" + url + "/hook", Limit: -1}}}},
		Pace:    map[string]ledger.Pace{"main": {PerSecond: 1e6, Burst: 1e5}},
	})
	if err != nil {
		log.Fatal(err)
	}
	a.Start(0)
	stopProfile := profiled()
	most(a, clay)
	stopProfile()
	steady(a, clay)
	if err := a.Stop(context.Background()); err != nil {
		log.Fatal(err)
	}
	if err := a.Close(); err != nil {
		log.Fatal(err)
	}
}

// profiled profiles the first part, where that is asked for.
func profiled() (stop func()) {
	if *profile == "" {
		return func() {}
	}
	f, err := os.Create(*profile)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		log.Fatal(err)
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }
}

// request hands in the n-th record.
func request(addr string, n int) []byte {
	return load.Post("/v1/targets/people/records", addr, "", fmt.Sprintf(`{"fields":{"n":%d,"email":"someone@company.example","first_name":"Some"}}`, n))
}

// most hands in records that were made beforehand, as many as are taken, and measures how many are delivered meanwhile.
func most(a *app.App, clay *arrivals) {
	var next atomic.Int64
	addr, before := a.APIAddr(), clay.count.Load()
	began := time.Now()
	r := load.Run{
		Addr: addr, Clients: *clients, Length: *length, Status: http.StatusAccepted,
		Request: func(int, int) []byte { return request(addr, int(next.Add(1))) },
	}.Do()
	during := clay.count.Load() - before
	drain(clay, before+int64(r.N))
	fmt.Printf("as fast as it goes, %d connections: %.0f accepted a second, %.0f delivered a second meanwhile, %.0f until the last was delivered\n",
		*clients, r.Rate, float64(during)/length.Seconds(), float64(r.N)/time.Since(began).Seconds())
}

// drain waits until so many records have arrived.
func drain(clay *arrivals, n int64) {
	for began := time.Now(); clay.count.Load() < n; time.Sleep(time.Millisecond) {
		if time.Since(began) > 5*time.Minute {
			log.Fatalf("%d of %d arrived", clay.count.Load(), n)
		}
	}
}

// steady hands in so many a second, and measures how long it is from each one's time to its arrival.
func steady(a *app.App, clay *arrivals) {
	const first = 1 << 30 // of the numbers of these records
	n, before := *rate*int(length.Seconds()), clay.count.Load()
	due := make([]time.Time, n)
	queue := make(chan int, n)
	var all sync.WaitGroup
	for range *clients {
		conn := load.Dial(a.APIAddr())
		all.Go(func() {
			defer conn.Close()
			for i := range queue {
				if status := conn.Exchange(request(a.APIAddr(), first+i)); status != http.StatusAccepted {
					log.Fatalf("answered %d", status)
				}
			}
		})
	}
	began := time.Now()
	for i := range n {
		due[i] = began.Add(time.Duration(i) * time.Second / time.Duration(*rate))
		time.Sleep(time.Until(due[i]))
		queue <- i
	}
	close(queue)
	all.Wait()
	drain(clay, before+int64(n))
	took := make([]time.Duration, n)
	for i := range took {
		took[i] = clay.at[first+i].Sub(due[i])
	}
	m := load.Measure(took)
	fmt.Printf("at %d a second: accept → delivered p50 %s, p99 %s, longest %s\n", *rate,
		m.P50.Round(10*time.Microsecond), m.P99.Round(10*time.Microsecond), took[n-1].Round(10*time.Microsecond))
}
