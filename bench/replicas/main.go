// Command replicas measures the ledger in PostgreSQL: ingest over HTTP beside SQLite's, several replicas beside one, how
// soon one replica wakes those who wait at another, what a million waiting records change, and how much of Clay's limit
// three processes use together. It starts a PostgreSQL of its own (Debian's), in the folder for temporary files.
//
//	cd bench && go run ./replicas                     about 6 minutes
//	cd bench && go run ./replicas -many 100000 -limit 20s
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

var (
	few        = flag.Int("few", 10_000, "records that wait in the small ledger")
	many       = flag.Int("many", 1_000_000, "records that wait in the large one")
	length     = flag.Duration("for", 3*time.Second, "how long each round lasts")
	rounds     = flag.Int("rounds", 5, "how many rounds; the median counts")
	workspaces = flag.Int("workspaces", 1000, "of a replica that is idle; 0: it is not measured")
	limit      = flag.Duration("limit", 60*time.Second, "how long the use of Clay's limit is measured; 0 not at all")
)

const (
	lane   ledger.LaneID = "main/webhook"
	target string        = "people"
)

var background = context.Background()

func main() {
	flag.Parse()
	log.SetFlags(0)
	cluster, err := pgtest.Launch(pgtest.Options{Settings: []string{"shared_buffers = 256MB", "max_wal_size = 4GB"}})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Remove()
	dir, err := os.MkdirTemp("", "claygate-replicas-*") // on the cluster's disk
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ingest(cluster, dir)
	wake(cluster)
	growth(cluster)
	binary := filepath.Join(dir, "claygate")
	build := exec.Command("go", "build", "-o", binary, "./cmd/claygate")
	build.Dir, build.Stderr = "..", os.Stderr
	must(build.Run())
	if *workspaces > 0 {
		idle(cluster, dir, binary)
	}
	if *limit > 0 {
		share(cluster, dir, binary)
	}
}

// database makes an empty one.
func database(c *pgtest.Cluster) string {
	dsn, err := c.Create()
	if err != nil {
		log.Fatal(err)
	}
	return dsn
}

// open opens a replica of a ledger. Its lane holds nothing up.
func open(dsn string) (*postgres.Store, *ledger.Hub) {
	hub := &ledger.Hub{}
	store, err := postgres.Open(background, postgres.Options{DSN: dsn, Hub: hub, Catalog: catalog})
	if err != nil {
		log.Fatal(err)
	}
	return store, hub
}

var catalog = ledger.NewCatalog([]ledger.Target{{Name: target, Lane: lane}}, map[ledger.LaneID]ledger.Pace{lane: {PerSecond: 1e9, Burst: 1e6}})

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func spread(what string, all []float64) {
	m := median(all)
	fmt.Printf("%s: %.0f/s at the median, %.0f to %.0f\n", what, m, all[0], all[len(all)-1])
}
