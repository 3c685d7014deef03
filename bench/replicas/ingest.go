package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/claygate/claygate/bench/load"
	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

const (
	key   = "cg_bench"
	body  = `{"fields":{"email":"someone@company.example","first_name":"Some","last_name":"One","company":"Company, Inc."},"metadata":{"lead":4711}}`
	conns = 64
)

// ingest takes records in, one a request, over 64 connections: into SQLite, through one replica and through three, in turns.
func ingest(c *pgtest.Cluster, dir string) {
	file, err := sqlite.Open(background, sqlite.Options{Path: filepath.Join(dir, "ledger.db"), Catalog: catalog})
	must(err)
	defer file.Close()
	single, _ := open(database(c))
	defer single.Close()
	var three []ledger.Store
	for dsn, n := database(c), 0; n < 3; n++ {
		store, _ := open(dsn)
		defer store.Close()
		three = append(three, store)
	}
	sides := []struct {
		name   string
		stores []ledger.Store
		rates  []float64
	}{{name: "SQLite", stores: []ledger.Store{file}}, {name: "PostgreSQL, one replica", stores: []ledger.Store{single}}, {name: "PostgreSQL, three replicas", stores: three}}
	for i := range sides {
		must(sides[i].stores[0].AddKey(background, ledger.APIKey{ID: "key_bench", Hash: sha256.Sum256([]byte(key)), Scopes: []ledger.Scope{ledger.ScopeSend}}))
	}
	for range *rounds {
		for i := range sides {
			sides[i].rates = append(sides[i].rates, together(sides[i].stores))
		}
	}
	fmt.Printf("records taken in over HTTP, one a request, %d connections:\n", conns)
	for _, s := range sides {
		spread("  "+s.name, s.rates)
	}
	one := median(sides[1].rates)
	fmt.Printf("  one replica is %.0f %% of SQLite, three are %.0f %% of one\n", 100*one/median(sides[0].rates), 100*median(sides[2].rates)/one)
}

// together loads several replicas at once, each with its part of the connections, and returns the records a second.
func together(stores []ledger.Store) float64 {
	var all sync.WaitGroup
	rates := make([]float64, len(stores))
	for i, store := range stores {
		all.Go(func() {
			addr, stop := load.Serve(surface(store))
			defer stop()
			request := load.Post("/v1/targets/people/records", addr, "Authorization: Bearer "+key+"\r\n", body)
			rates[i] = load.Run{
				Addr: addr, Clients: conns / len(stores), Length: *length, Status: http.StatusAccepted,
				Request: func(int, int) []byte { return request },
			}.Do().Rate
		})
	}
	all.Wait()
	sum := 0.0
	for _, rate := range rates {
		sum += rate
	}
	return sum
}

// surface is the whole API over a store.
func surface(store ledger.Store) http.Handler {
	t, _ := catalog.Target(target)
	in := intake.New(intake.Options{Store: store, Secret: []byte("bench"), Targets: []intake.Target{{Target: t, Await: true}}})
	return api.New(api.Options{
		Intake: in, Ledger: store, Hub: &ledger.Hub{}, Targets: func() []api.Target { return []api.Target{{Target: t, Kind: "table", Await: true}} },
	})
}
