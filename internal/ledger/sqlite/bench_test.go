package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

// The benchmarks write to b.TempDir, so set TMPDIR to a folder on the disk that is to be measured.

const (
	benchLane   ledger.LaneID = "main/webhook"
	benchTarget               = "people"
	benchFields               = `{"email":"ada.lovelace@example.com","first_name":"Ada","last_name":"Lovelace",` +
		`"company":"Analytical Engines Ltd","domain":"example.com","linkedin_url":"https://www.linkedin.com/in/ada"}`
	benchResult = `{"email":"ada.lovelace@example.com","title":"Countess","company":"Analytical Engines Ltd",` +
		`"location":"London","phone":"+44 20 7946 0000","linkedin_url":"https://www.linkedin.com/in/ada"}`
)

// BenchmarkFloor is what the others are compared with on a shared machine: the least that a durable record can cost, one
// row inserted through the same driver, 64 callers sharing each commit.
func BenchmarkFloor(b *testing.B) {
	db := raw(b, filepath.Join(b.TempDir(), "floor.db"))
	db.SetMaxOpenConns(1)
	execAll(b, db, `PRAGMA journal_mode=WAL`, `PRAGMA synchronous=FULL`, `CREATE TABLE t (id BLOB PRIMARY KEY, body BLOB) WITHOUT ROWID`)
	stmt, err := db.Prepare(`INSERT INTO t VALUES (?, ?)`)
	if err != nil {
		b.Fatal(err)
	}
	defer stmt.Close()
	group := ledger.NewGroup(512, func(run func(*sql.Stmt) error) error {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		return errors.Join(run(tx.Stmt(stmt)), tx.Commit())
	})
	defer group.Close(errors.New("closed"))
	atOnce(b, func() error {
		id := uuid.Must(uuid.NewV7())
		return group.Do(b.Context(), func(stmt *sql.Stmt) error {
			_, err := stmt.Exec(id[:], []byte(benchFields))
			return err
		})
	})
}

// atOnce runs b.N calls from 64 callers and reports how many a second there were, and the processor's time for each,
// which says more where others use the machine.
func atOnce(b *testing.B, call func() error) {
	b.SetParallelism((64 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	before := processorTime(b)
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
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/record")
}

func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkAccept measures durable intake: 64 callers, each with one submission at a time.
func BenchmarkAccept(b *testing.B) {
	for name, sub := range map[string]func() ledger.Submission{
		"plain": newSubmission,
		"keyed": func() ledger.Submission {
			s := newSubmission()
			s.Key, s.Await = ledger.Digest(uuid.New()), true
			return s
		},
	} {
		b.Run(name, func(b *testing.B) {
			s := openBench(b)
			atOnce(b, func() error {
				_, err := s.Accept(b.Context(), []ledger.Submission{sub()})
				return err
			})
		})
	}
}

// BenchmarkClaim measures claims of ten records with many and with very many waiting.
func BenchmarkClaim(b *testing.B) {
	for _, waiting := range []int{10_000, 200_000} {
		b.Run(fmt.Sprint(waiting, " waiting"), func(b *testing.B) {
			s := openBench(b)
			fill(b, s, waiting)
			b.ResetTimer()
			for range b.N {
				claims, err := s.Claim(b.Context(), ledger.Want{Lane: benchLane, Max: 10})
				if err != nil || len(claims.Work) == 0 {
					b.Fatal(len(claims.Work), err)
				}
				b.StopTimer()
				release(b, s, claims.Work)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkCallback measures durable results: 64 callers, each with one callback at a time.
func BenchmarkCallback(b *testing.B) {
	s := openBench(b)
	ids := fill(b, s, b.N)
	var next atomic.Int64
	atOnce(b, func() error {
		_, err := s.Apply(b.Context(), []ledger.Entry{{
			Record:   ids[next.Add(1)-1],
			Event:    ledger.Result{Attempt: 1, Fields: []byte(benchResult)},
			Callback: &ledger.Callback{Target: benchTarget, Body: []byte(benchResult)},
		}})
		return err
	})
}

func openBench(b *testing.B) *sqlite.Store {
	s, err := sqlite.Open(context.Background(), sqlite.Options{
		Path: filepath.Join(b.TempDir(), "ledger.db"),
		Catalog: ledger.NewCatalog([]ledger.Target{{Name: benchTarget, Lane: benchLane}},
			map[ledger.LaneID]ledger.Pace{benchLane: {PerSecond: 1e9, Burst: 1e6}}),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

func newSubmission() ledger.Submission {
	return ledger.Submission{ID: ledger.RecordID(uuid.Must(uuid.NewV7())), Target: benchTarget, Fields: []byte(benchFields)}
}

// fill accepts n records in large batches.
func fill(b *testing.B, s *sqlite.Store, n int) []ledger.RecordID {
	b.Helper()
	ids := make([]ledger.RecordID, 0, n)
	for len(ids) < n {
		batch := make([]ledger.Submission, min(5000, n-len(ids)))
		for i := range batch {
			batch[i] = newSubmission()
			ids = append(ids, batch[i].ID)
		}
		if _, err := s.Accept(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	return ids
}

// release gives claimed records back, so that as many wait as before.
func release(b *testing.B, s *sqlite.Store, work []ledger.Claimed) {
	b.Helper()
	entries := make([]ledger.Entry, len(work))
	for i, c := range work {
		entries[i] = ledger.Entry{Record: c.Record.ID, Event: ledger.Release{Attempt: c.Record.Attempts}}
	}
	if _, err := s.Apply(b.Context(), entries); err != nil {
		b.Fatal(err)
	}
}
