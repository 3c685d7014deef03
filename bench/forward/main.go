// Command forward measures how many ends of records a second are forwarded as signed webhooks to one healthy endpoint, on
// disk before and after each, alone and beside an endpoint that hangs.
//
//	cd bench && go run ./forward
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/forward"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

var (
	events = flag.Int("events", 20_000, "how many ends of records each round forwards")
	rounds = flag.Int("rounds", 5, "how many rounds; the median counts")

	profile = flag.String("profile", "", "write a CPU profile to this file")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	dir, err := os.MkdirTemp(".", ".forward-*") // on the disk of the checkout: /tmp may be memory
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if *profile != "" {
		f, err := os.Create(*profile)
		check(err)
		check(pprof.StartCPUProfile(f))
		defer pprof.StopCPUProfile()
	}
	var alone, beside []float64
	for n := range *rounds { // in turns, so that both meet the same noise
		alone = append(alone, round(filepath.Join(dir, fmt.Sprint("alone", n)), false))
		beside = append(beside, round(filepath.Join(dir, fmt.Sprint("beside", n)), true))
	}
	slices.Sort(alone)
	slices.Sort(beside)
	a, b := alone[len(alone)/2], beside[len(beside)/2]
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "signed webhooks/s to a healthy endpoint, median of %d\tlowest\tmedian\thighest\tratio\t\n", *rounds)
	fmt.Fprintf(out, "alone\t%.0f\t%.0f\t%.0f\t1.00\t\n", alone[0], a, alone[len(alone)-1])
	fmt.Fprintf(out, "beside one that hangs\t%.0f\t%.0f\t%.0f\t%.2f\t\n", beside[0], b, beside[len(beside)-1], b/a)
	out.Flush()
}

const signing = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5"

// round forwards what has ended and returns the events a second. Both ledgers hold the deliveries to two destinations;
// without the one that hangs the other is disabled, so that only what it does differs.
func round(path string, hanging bool) float64 {
	ctx := context.Background()
	target := ledger.Target{Name: "people", Lane: "main/webhook", Forward: []ledger.Outlet{{Destination: "app"}, {Destination: "hangs"}}}
	hub := &ledger.Hub{}
	store, err := sqlite.Open(ctx, sqlite.Options{Path: path, Hub: hub, Catalog: ledger.NewCatalog([]ledger.Target{target}, nil)})
	check(err)
	defer store.Close()
	fill(ctx, store)

	var taken atomic.Int64
	all, release := make(chan struct{}), make(chan struct{})
	healthy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil && taken.Add(1) == int64(*events) {
			close(all)
		}
	}))
	defer healthy.Close()
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer hangs.Close()
	defer close(release)

	f := forward.New(forward.Options{Store: store, Hub: hub, Via: "bench", View: func(r *ledger.Record) json.RawMessage { return api.View(r) }})
	to := []*forward.Destination{webhook("app", healthy.URL)}
	if hanging {
		to = append(to, webhook("hangs", hangs.URL))
	}
	f.Configure(forward.Configuration{Destinations: to})
	began := time.Now()
	f.Start()
	<-all
	took := time.Since(began)
	stop, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = f.Stop(stop) // what hangs is broken off
	return float64(*events) / took.Seconds()
}

// fill takes records in and brings them to a result.
func fill(ctx context.Context, store *sqlite.Store) {
	for done := 0; done < *events; done += 500 {
		var subs []ledger.Submission
		var results []ledger.Entry
		for range min(500, *events-done) {
			id := ledger.RecordID(uuid.Must(uuid.NewV7()))
			subs = append(subs, ledger.Submission{ID: id, Target: "people", Await: true, Fields: json.RawMessage(`{"email":"someone@company.example"}`)})
			results = append(results, ledger.Entry{Record: id, Event: ledger.Result{
				Fields: json.RawMessage(`{"email":"someone@company.example","title":"Director of Something","company":"Company, Inc.","phone":"+1 555 0100"}`),
			}})
		}
		_, err := store.Accept(ctx, subs)
		check(err)
		_, err = store.Apply(ctx, results)
		check(err)
	}
}

func webhook(name, url string) *forward.Destination {
	d, err := forward.NewWebhook(forward.Webhook{
		Settings: forward.Settings{Name: name}, URL: url, Secrets: []string{signing}, Reach: forward.Private, Timeout: 15 * time.Second,
	})
	check(err)
	return d
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
