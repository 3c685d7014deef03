// Command ingest measures durable intake over HTTP: records accepted a second by clients that hand in one record a
// request over keep-alive connections. It runs claygate's surface over a ledger on disk, beside a bare handler that
// parses the same body and answers, and keeps nothing.
//
//	cd bench && go run ./ingest
package main

import (
	"context"
	"crypto/sha256"
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
	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

var (
	clients = flag.Int("clients", 64, "how many connections")
	length  = flag.Duration("for", 4*time.Second, "how long each round lasts")
	rounds  = flag.Int("rounds", 5, "how many rounds; the median counts")
	bulk    = flag.Bool("bulk", false, "measure lines in place of single records")
	profile = flag.String("profile", "", "write a CPU profile of claygate's rounds to this file")
)

const body = `{"fields":{"email":"someone@company.example","first_name":"Some","last_name":"One","company":"Company, Inc."},"metadata":{"lead":4711}}`

func main() {
	flag.Parse()
	log.SetFlags(0)
	dir, err := os.MkdirTemp(".", ".ingest-*") // on the disk of the checkout: /tmp may be memory
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if *bulk {
		lines(dir)
		return
	}
	var ours, theirs []load.Result
	for round := range *rounds { // in turns, so that both meet the same noise
		theirs = append(theirs, measure(http.HandlerFunc(bare)))
		gateway, done := claygate(filepath.Join(dir, fmt.Sprint(round)))
		stop := profiled(round)
		ours = append(ours, measure(gateway))
		stop()
		done()
	}
	report(ours, theirs)
}

// bare parses a record and answers. It keeps nothing.
func bare(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	var record struct{ Fields, Metadata map[string]any }
	if err == nil {
		err = json.Unmarshal(text, &record)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write([]byte(`{"id":"rec_00000000000000000000000000","target":"people","state":"queued"}` + "\n"))
}

// claygate is the whole surface, with an API key, over a ledger on disk.
func claygate(path string) (http.Handler, func()) {
	target := ledger.Target{Name: "people", Lane: "main/webhook"}
	hub := &ledger.Hub{}
	store, err := sqlite.Open(context.Background(), sqlite.Options{Path: path, Hub: hub, Catalog: ledger.NewCatalog([]ledger.Target{target}, nil)})
	if err != nil {
		log.Fatal(err)
	}
	err = store.AddKey(context.Background(), ledger.APIKey{ID: "key_bench", Hash: keyHash, Scopes: []ledger.Scope{ledger.ScopeSend}})
	if err != nil {
		log.Fatal(err)
	}
	in := intake.New(intake.Options{Store: store, Secret: []byte("bench"), Targets: []intake.Target{{Target: target, Await: true}}})
	handler := api.New(api.Options{Intake: in, Ledger: store, Hub: hub, Targets: func() []api.Target { return []api.Target{{Target: target, Kind: "table", Await: true}} }})
	return handler, func() {
		if err := store.Close(); err != nil {
			log.Fatal(err)
		}
	}
}

// key is the API key of the load.
const key = "cg_bench"

var keyHash = sha256.Sum256([]byte(key))

// measure serves a handler and loads it.
func measure(h http.Handler) load.Result {
	addr, stop := load.Serve(h)
	defer stop()
	request := load.Post("/v1/targets/people/records", addr, "Authorization: Bearer "+key+"\r\n", body)
	return load.Run{
		Addr: addr, Clients: *clients, Length: *length, Status: http.StatusAccepted,
		Request: func(int, int) []byte { return request },
	}.Do()
}

// profiled profiles a round, all but the first, which warms up.
func profiled(round int) (stop func()) {
	if *profile == "" || round != *rounds-1 {
		return func() {}
	}
	f, err := os.Create(*profile)
	if err != nil {
		log.Fatal(err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		log.Fatal(err)
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}
}

func report(ours, theirs []load.Result) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "one record a request, %d connections, median of %d\tlowest/s\tmedian/s\thighest/s\tp50\tp99\tCPU each\tratio\t\n", *clients, *rounds)
	opponent := load.Middle(theirs).Rate
	row := func(name string, all []load.Result) {
		m := load.Middle(all)
		fmt.Fprintf(out, "%s\t%.0f\t%.0f\t%.0f\t%s\t%s\t%s\t%.0f %%\t\n", name, all[0].Rate, m.Rate, all[len(all)-1].Rate,
			m.P50.Round(10*time.Microsecond), m.P99.Round(10*time.Microsecond), m.CPU.Round(time.Microsecond/10), 100*m.Rate/opponent)
	}
	row("a bare handler that keeps nothing", theirs)
	row("claygate, each record on disk before 202", ours)
	out.Flush()
}
