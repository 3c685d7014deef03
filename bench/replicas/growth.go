package main

import (
	"fmt"
	"log"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/bench/load"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

func submission() ledger.Submission {
	return ledger.Submission{
		ID: ledger.RecordID(uuid.Must(uuid.NewV7())), Target: target, Await: true,
		Fields: []byte(`{"email":"someone@company.example","first_name":"Some","last_name":"One","company":"Company, Inc."}`),
	}
}

// fill has n records wait.
func fill(store *postgres.Store, n int) {
	for n > 0 {
		batch := make([]ledger.Submission, min(n, 5000))
		for i := range batch {
			batch[i] = submission()
		}
		_, err := store.Accept(background, batch)
		must(err)
		n -= len(batch)
	}
}

// wake measures how long after one replica's commit those hear of it who wait at another.
func wake(c *pgtest.Cluster) {
	dsn := database(c)
	here, _ := open(dsn)
	defer here.Close()
	there, hub := open(dsn)
	defer there.Close()
	const times = 500
	fill(here, times)
	claims, err := here.Claim(background, ledger.Want{Lane: lane, Max: times})
	must(err)
	var took []time.Duration
	for _, work := range claims.Work {
		changed, cancel := hub.Subscribe(work.Record.ID)
		_, err := here.Apply(background, []ledger.Entry{{Record: work.Record.ID, Event: ledger.Result{Fields: []byte(`{"title":"Countess"}`)}}})
		must(err)
		began := time.Now()
		select {
		case <-changed:
			took = append(took, time.Since(began))
		case <-time.After(10 * time.Second):
			log.Fatal("nobody was woken")
		}
		cancel()
	}
	r := load.Measure(took)
	fmt.Printf("waiters at another replica are woken after %s at the median, %s at p99 of %d\n", r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond), r.N)
}

// growth compares claims where many wait with claims where few do.
func growth(c *pgtest.Cluster) {
	smallDSN, largeDSN := database(c), database(c)
	small, _ := open(smallDSN)
	defer small.Close()
	large, _ := open(largeDSN)
	defer large.Close()
	began := time.Now()
	fill(small, *few)
	fill(large, *many)
	fmt.Printf("%d records filled in within %s\n", *few+*many, time.Since(began).Round(time.Second))
	for _, dsn := range []string{smallDSN, largeDSN} { // the filling's aftermath is not the claims'
		vacuum(dsn)
	}
	var rates [2][]float64
	for range *rounds { // in turns, so that both meet the same noise
		for i, store := range []*postgres.Store{small, large} {
			rates[i] = append(rates[i], claim(store))
		}
	}
	fmt.Println("records claimed, sent and answered, ten at a time:")
	spread(fmt.Sprintf("  with %d waiting", *few), rates[0])
	spread(fmt.Sprintf("  with %d waiting", *many), rates[1])
	fmt.Printf("  %.0f %%\n", 100*median(rates[1])/median(rates[0]))
}

// claim gives out ten records at a time and has them answered. As many come in as go out, which is not counted.
func claim(store *postgres.Store) float64 {
	var took time.Duration
	n := 0
	for took < *length {
		began := time.Now()
		claims, err := store.Claim(background, ledger.Want{Lane: lane, Max: 10})
		if err != nil || len(claims.Work) != 10 {
			log.Fatal(len(claims.Work), err)
		}
		entries := make([]ledger.Entry, len(claims.Work))
		for i, work := range claims.Work {
			entries[i] = ledger.Entry{Record: work.Record.ID, Event: ledger.Answer{
				Attempt: work.Record.Attempts, Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 200,
			}}
		}
		_, err = store.Apply(background, entries)
		must(err)
		took += time.Since(began)
		if n += 10; n%1000 == 0 {
			fill(store, 1000)
		}
	}
	return float64(n) / took.Seconds()
}

// vacuum does at once what the database would do by and by.
func vacuum(dsn string) {
	conn, err := pgx.Connect(background, dsn)
	must(err)
	defer conn.Close(background)
	_, err = conn.Exec(background, `VACUUM (ANALYZE)`)
	must(err)
}
