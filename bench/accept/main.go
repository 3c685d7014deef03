// Command accept measures durable intake in process: records accepted a second by callers that hand in one record
// each and wait until it is on disk. It runs the ledger, which commits the waiting calls as one group, beside the
// same SQLite with one commit a record, as a program without a ledger writes it.
//
//	cd bench && go run ./accept
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

var (
	callers = flag.Int("callers", 64, "how many callers at once")
	length  = flag.Duration("for", 3*time.Second, "how long each round lasts")
	rounds  = flag.Int("rounds", 5, "how many rounds; the median counts")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	dir, err := os.MkdirTemp(".", ".accept-*") // on the disk of the checkout: /tmp may be memory
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var ours, theirs []float64
	for round := range *rounds { // in turns, so that both meet the same noise
		ours = append(ours, rate(group(filepath.Join(dir, fmt.Sprint("ledger", round)))))
		theirs = append(theirs, rate(single(filepath.Join(dir, fmt.Sprint("single", round)))))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	a, b := ours[len(ours)/2], theirs[len(theirs)/2]
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "durable records/s, %d callers, median of %d\tlowest\tmedian\thighest\tratio\t\n", *callers, *rounds)
	fmt.Fprintf(out, "claygate's ledger\t%.0f\t%.0f\t%.0f\t%.1f\t\n", ours[0], a, ours[len(ours)-1], a/b)
	fmt.Fprintf(out, "SQLite, a commit for each record\t%.0f\t%.0f\t%.0f\t1.0\t\n", theirs[0], b, theirs[len(theirs)-1])
	out.Flush()
}

// contestant accepts one record durably.
type contestant struct {
	accept func(context.Context) error
	close  func() error
}

// rate runs the callers for a while and returns the records a second.
func rate(c contestant) float64 {
	ctx, cancel := context.WithTimeout(context.Background(), *length)
	defer cancel()
	var n atomic.Int64
	var callersDone sync.WaitGroup
	began := time.Now()
	for range *callers {
		callersDone.Go(func() {
			for ctx.Err() == nil {
				if err := c.accept(context.Background()); err != nil {
					log.Fatal(err)
				}
				n.Add(1)
			}
		})
	}
	callersDone.Wait()
	took := time.Since(began)
	if err := c.close(); err != nil {
		log.Fatal(err)
	}
	return float64(n.Load()) / took.Seconds()
}

var fields = json.RawMessage(`{"email":"someone@company.example","first_name":"Some","last_name":"One","company":"Company, Inc."}`)

// group is the whole intake: checks, an ID, the record with its body, its place in the queue, the counters.
func group(path string) contestant {
	target := ledger.Target{Name: "people", Lane: "main/webhook"}
	store, err := sqlite.Open(context.Background(), sqlite.Options{Path: path, Catalog: ledger.NewCatalog([]ledger.Target{target}, nil)})
	if err != nil {
		log.Fatal(err)
	}
	in := intake.New(intake.Options{Store: store, Secret: []byte("bench"), Targets: []intake.Target{{Target: target}}})
	return contestant{
		accept: func(ctx context.Context) error {
			s, err := in.Submission("people", fields)
			if err != nil {
				return err
			}
			_, err = in.Accept(ctx, []ledger.Submission{s})
			return err
		},
		close: store.Close,
	}
}

// single is the plain way: one table, one insert, one commit.
func single(path string) contestant {
	db, err := driver.Open("file:"+path, func(c *sqlite3.Conn) error {
		return c.Exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=10000`)
	})
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE TABLE records (id INTEGER PRIMARY KEY, state TEXT, fields BLOB)`); err != nil {
		log.Fatal(err)
	}
	insert, err := db.Prepare(`INSERT INTO records (state, fields) VALUES ('queued', ?)`)
	if err != nil {
		log.Fatal(err)
	}
	return contestant{
		accept: func(ctx context.Context) error {
			_, err := insert.ExecContext(ctx, []byte(fields))
			return err
		},
		close: db.Close,
	}
}
