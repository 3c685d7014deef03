package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/claygate/claygate/bench/load"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

const (
	lane   ledger.LaneID = "main/webhook"
	target string        = "default"
)

var background = context.Background()

// rates compares a ledger in which many wait with one in which few do. It returns the path of the large one.
func rates(dir string) string {
	small, large := filepath.Join(dir, "small.db"), filepath.Join(dir, "large.db")
	began := time.Now()
	s, l := open(small), open(large)
	fill(s, *few)
	fill(l, *many)
	fmt.Printf("filled in %s\n", time.Since(began).Round(time.Second))
	var claims, ingests [2][]round
	for range *rounds { // in turns, so that both meet the same noise
		for i, store := range []*sqlite.Store{s, l} {
			stop := profiled(i)
			claims[i] = append(claims[i], claim(store))
			stop()
			ingests[i] = append(ingests[i], ingest(store))
		}
	}
	report("claimed, sent and answered", claims)
	report("accepted", ingests)
	for _, store := range []*sqlite.Store{s, l} {
		if err := store.Close(); err != nil {
			log.Fatal(err)
		}
	}
	return large
}

// profiled profiles the claims of the small (0) or the large (1) ledger, where that is asked for.
func profiled(i int) (stop func()) {
	if *profile == "" {
		return func() {}
	}
	f, err := os.Create(fmt.Sprintf("%s.%d", *profile, i))
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		log.Fatal(err)
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }
}

// round is what a round came to.
type round struct {
	rate float64       // records a second
	cpu  time.Duration // for each record: what other programs on the machine change least
}

func median(all []round) round {
	slices.SortFunc(all, func(a, b round) int { return int(a.rate - b.rate) })
	return all[len(all)/2]
}

func report(what string, all [2][]round) {
	a, b := median(all[0]), median(all[1])
	fmt.Printf("records %s a second: %.0f with %d waiting, %.0f with %d (%.0f %%); CPU for each %s and %s (%.0f %%)\n", what,
		a.rate, *few, b.rate, *many, 100*b.rate/a.rate, a.cpu.Round(time.Microsecond/10), b.cpu.Round(time.Microsecond/10), 100*float64(a.cpu)/float64(b.cpu))
}

func open(path string) *sqlite.Store {
	store, err := sqlite.Open(background, sqlite.Options{Path: path, Catalog: ledger.NewCatalog(
		[]ledger.Target{{Name: target, Lane: lane}}, map[ledger.LaneID]ledger.Pace{lane: {PerSecond: 1e9, Burst: 1e6}})})
	if err != nil {
		log.Fatal(err)
	}
	return store
}

func submission() ledger.Submission {
	return ledger.Submission{
		ID: ledger.RecordID(uuid.Must(uuid.NewV7())), Target: target,
		Fields: []byte(`{"email":"someone@company.example","first_name":"Some","last_name":"One","company":"Company, Inc."}`),
	}
}

// fill has n records wait.
func fill(store *sqlite.Store, n int) {
	for n > 0 {
		batch := make([]ledger.Submission, min(n, 5000))
		for i := range batch {
			batch[i] = submission()
		}
		if _, err := store.Accept(background, batch); err != nil {
			log.Fatal(err)
		}
		n -= len(batch)
	}
}

// claim gives out ten records at a time and has them answered. As many come in as go out, which is not counted.
func claim(store *sqlite.Store) round {
	var took, cpu time.Duration
	n := 0
	for took < *length {
		began, used := time.Now(), load.CPU()
		claims, err := store.Claim(background, ledger.Want{Lane: lane, Max: 10})
		if err != nil || len(claims.Work) != 10 {
			log.Fatal(len(claims.Work), err)
		}
		entries := make([]ledger.Entry, len(claims.Work))
		for i, c := range claims.Work {
			entries[i] = ledger.Entry{Record: c.Record.ID, Event: ledger.Answer{
				Attempt: c.Record.Attempts, Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 200,
			}}
		}
		if _, err := store.Apply(background, entries); err != nil {
			log.Fatal(err)
		}
		took += time.Since(began)
		cpu += load.CPU() - used
		if n += 10; n%1000 == 0 {
			fill(store, 1000)
		}
	}
	return round{float64(n) / took.Seconds(), cpu / time.Duration(n)}
}

// ingest accepts records from 64 callers, one at a time each.
func ingest(store *sqlite.Store) round {
	used := load.CPU()
	var n atomic.Int64
	var callers sync.WaitGroup
	until := time.Now().Add(*length)
	for range 64 {
		callers.Go(func() {
			for time.Now().Before(until) {
				if _, err := store.Accept(background, []ledger.Submission{submission()}); err != nil {
					log.Fatal(err)
				}
				n.Add(1)
			}
		})
	}
	callers.Wait()
	return round{float64(n.Load()) / length.Seconds(), (load.CPU() - used) / time.Duration(n.Load())}
}
