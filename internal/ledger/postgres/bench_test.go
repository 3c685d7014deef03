package postgres

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	minting "github.com/google/uuid"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// The benchmarks write to a cluster on the disk that holds TMPDIR. Its server shares the processors with them.

const (
	benchFields = `{"email":"ada.lovelace@example.com","first_name":"Ada","last_name":"Lovelace",` +
		`"company":"Analytical Engines Ltd","domain":"example.com","linkedin_url":"https://www.linkedin.com/in/ada"}`
	benchResult = `{"email":"ada.lovelace@example.com","title":"Countess","company":"Analytical Engines Ltd",` +
		`"location":"London","phone":"+44 20 7946 0000","linkedin_url":"https://www.linkedin.com/in/ada"}`
)

func openBench(b *testing.B, n int) []*Store {
	b.Helper()
	dsn := pgtest.Start(b, pgtest.Options{Settings: []string{"shared_buffers = 1GB", "max_wal_size = 8GB"}}).Database(b)
	all := make([]*Store, n)
	for i := range all {
		s, err := Open(b.Context(), Options{DSN: dsn, Catalog: catalog(), Hub: &ledger.Hub{}})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.Close() })
		all[i] = s
	}
	return all
}

func newSubmission() ledger.Submission {
	return ledger.Submission{ID: ledger.RecordID(minting.Must(minting.NewV7())), Target: people, Await: true, Fields: []byte(benchFields)}
}

// atOnce runs b.N calls from 64 callers and reports how many a second there were.
func atOnce(b *testing.B, call func() error) {
	b.SetParallelism((64 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := call(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkAccept measures durable intake: 64 callers, each with one submission at a time.
func BenchmarkAccept(b *testing.B) {
	for name, sub := range map[string]func() ledger.Submission{
		"plain": newSubmission,
		"keyed": func() ledger.Submission {
			s := newSubmission()
			s.Key = ledger.Digest(minting.New())
			return s
		},
	} {
		b.Run(name, func(b *testing.B) {
			s := openBench(b, 1)[0]
			atOnce(b, func() error {
				_, err := s.Accept(b.Context(), []ledger.Submission{sub()})
				return err
			})
		})
	}
}

// BenchmarkAcceptBulk measures intake by the thousand.
func BenchmarkAcceptBulk(b *testing.B) {
	s := openBench(b, 1)[0]
	b.ResetTimer()
	for range b.N {
		fillBench(b, s, 1000)
	}
	b.ReportMetric(float64(1000*b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkLife measures a record's whole way: taken in, claimed by tens, answered, completed.
func BenchmarkLife(b *testing.B) {
	s := openBench(b, 1)[0]
	fillBench(b, s, b.N)
	b.ResetTimer()
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for {
				got, err := s.Claim(b.Context(), ledger.Want{Lane: mainLane, Max: 10})
				if err != nil || len(got.Work) == 0 {
					return
				}
				var calls sync.WaitGroup
				for _, c := range got.Work {
					calls.Go(func() {
						for _, e := range []ledger.Event{
							ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 200},
							ledger.Result{Attempt: 1, Fields: []byte(benchResult)},
						} {
							if _, err := s.Apply(b.Context(), []ledger.Entry{{Record: c.Record.ID, Event: e}}); err != nil {
								b.Error(err)
							}
						}
					})
				}
				calls.Wait()
			}
		})
	}
	work.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkClaim measures claims of ten records with many and with very many waiting.
func BenchmarkClaim(b *testing.B) {
	for _, waiting := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(waiting, " waiting"), func(b *testing.B) {
			s := openBench(b, 1)[0]
			fillBench(b, s, waiting)
			if _, err := s.pool.Exec(b.Context(), "VACUUM ANALYZE"); err != nil { // as the server does by itself, sooner or later
				b.Fatal(err)
			}
			b.ResetTimer()
			for range b.N {
				claims, err := s.Claim(b.Context(), ledger.Want{Lane: mainLane, Max: 10})
				if err != nil || len(claims.Work) == 0 {
					b.Fatal(len(claims.Work), err)
				}
				b.StopTimer()
				releaseBench(b, s, claims.Work)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkWake measures the time from a result at one replica to the waiter at another.
func BenchmarkWake(b *testing.B) {
	all := openBench(b, 2)
	spans := make([]time.Duration, b.N)
	b.ResetTimer()
	for i := range b.N {
		in := newSubmission()
		if _, err := all[0].Accept(b.Context(), []ledger.Submission{in}); err != nil {
			b.Fatal(err)
		}
		changed, cancel := all[1].hub.Subscribe(in.ID)
		if _, err := all[0].Apply(b.Context(), []ledger.Entry{{Record: in.ID, Event: ledger.Result{Fields: []byte(benchResult)}}}); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		<-changed
		spans[i] = time.Since(began)
		cancel()
	}
	slices.Sort(spans)
	b.ReportMetric(float64(spans[len(spans)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(spans[len(spans)*99/100].Microseconds()), "p99-µs")
}

func fillBench(b *testing.B, s *Store, n int) {
	b.Helper()
	for n > 0 {
		batch := make([]ledger.Submission, min(n, 1000))
		for i := range batch {
			batch[i] = newSubmission()
		}
		if _, err := s.Accept(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		n -= len(batch)
	}
}

func releaseBench(b *testing.B, s *Store, work []ledger.Claimed) {
	b.Helper()
	entries := make([]ledger.Entry, len(work))
	for i, c := range work {
		entries[i] = ledger.Entry{Record: c.Record.ID, Event: ledger.Release{Attempt: c.Record.Attempts}}
	}
	if _, err := s.Apply(b.Context(), entries); err != nil {
		b.Fatal(err)
	}
}
