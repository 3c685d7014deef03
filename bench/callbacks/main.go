// Command callbacks measures how many callbacks a second are taken: each one completes a record that was sent, and is on
// disk with its result when it is answered. It runs beside a bare handler that parses the same body and keeps nothing.
//
//	cd bench && go run ./callbacks
//	cd bench && go run ./callbacks -rate 500 -for 20s    a steady stream from one address, through the whole of serve
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"text/tabwriter"
	"time"

	"github.com/claygate/claygate/bench/load"
	"github.com/claygate/claygate/internal/collect"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

var (
	clients = flag.Int("clients", 64, "how many connections")
	length  = flag.Duration("for", 3*time.Second, "how long each round lasts at most")
	rounds  = flag.Int("rounds", 5, "how many rounds; the median counts")
	records = flag.Int("records", 40_000, "how many records are at Clay before each round")
	rate    = flag.Int("rate", 0, "send so many a second in place of as many as possible")
	profile = flag.String("profile", "", "write a CPU profile of claygate's last round to this file")
)

const lane ledger.LaneID = "main/webhook"

func main() {
	flag.Parse()
	log.SetFlags(0)
	dir, err := os.MkdirTemp(".", ".callbacks-*") // on the disk of the checkout: /tmp may be memory
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if *rate > 0 {
		steady(dir)
		return
	}
	var ours, theirs []load.Result
	for round := range *rounds { // in turns, so that both meet the same noise
		handler, tickets, done := claygate(filepath.Join(dir, fmt.Sprint(round)))
		theirs = append(theirs, measure(http.HandlerFunc(bare), tickets))
		stop := profiled(round)
		ours = append(ours, measure(handler, tickets))
		stop()
		done()
	}
	report(ours, theirs)
}

// bare parses a callback and answers. It keeps nothing.
func bare(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	var fields map[string]any
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"ok":true}` + "\n"))
}

// claygate takes callbacks over a ledger on disk, with records that were sent. It returns their tickets.
func claygate(path string) (http.Handler, []string, func()) {
	ctx := context.Background()
	target := ledger.Target{Name: "people", Lane: lane}
	store, err := sqlite.Open(ctx, sqlite.Options{
		Path: path, Catalog: ledger.NewCatalog([]ledger.Target{target}, map[ledger.LaneID]ledger.Pace{lane: {PerSecond: 1e9, Burst: 1e6}}),
	})
	if err != nil {
		log.Fatal(err)
	}
	signer := ledger.NewTickets([]byte("bench"))
	tickets := make([]string, 0, *records)
	for _, id := range send(ctx, store) {
		tickets = append(tickets, signer.Sign(ledger.Ticket{Record: id, Attempt: 1}))
	}
	handler := collect.New(collect.Options{Store: store, Tickets: signer, Targets: []collect.Target{{Name: "people"}}})
	return handler, tickets, func() {
		if err := store.Close(); err != nil {
			log.Fatal(err)
		}
	}
}

// measure serves a handler and calls back, each ticket once.
func measure(h http.Handler, tickets []string) load.Result {
	addr, stop := load.Serve(h)
	defer stop()
	return load.Run{
		Addr: addr, Clients: *clients, Length: *length, Status: http.StatusOK,
		Request: func(client, n int) []byte {
			if at := n**clients + client; at < len(tickets) {
				return load.Post(collect.CallbackPath+"people", addr, "", body(tickets[at]))
			}
			return nil
		},
	}.Do()
}

func body(ticket string) string {
	return `{"claygate_id":"` + ticket + `","email":"someone@company.example","title":"Countess","company":"Company, Inc.",` +
		`"location":"London","phone":"+44 20 7946 0000","linkedin_url":"https://www.linkedin.com/in/someone"}`
}

// profiled profiles the last round.
func profiled(round int) (stop func()) {
	if *profile == "" || round != *rounds-1 {
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

func report(ours, theirs []load.Result) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "callbacks, %d connections, median of %d\tlowest/s\tmedian/s\thighest/s\tp50\tp99\tCPU each\tratio\t\n", *clients, *rounds)
	opponent := load.Middle(theirs).Rate
	row := func(name string, all []load.Result) {
		m := load.Middle(all)
		fmt.Fprintf(out, "%s\t%.0f\t%.0f\t%.0f\t%s\t%s\t%s\t%.0f %%\t\n", name, all[0].Rate, m.Rate, all[len(all)-1].Rate,
			m.P50.Round(10*time.Microsecond), m.P99.Round(10*time.Microsecond), m.CPU.Round(time.Microsecond/10), 100*m.Rate/opponent)
	}
	row("a bare handler that keeps nothing", theirs)
	row("claygate, on disk with its result before 200", ours)
	out.Flush()
}
