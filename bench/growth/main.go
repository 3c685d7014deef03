// Command growth measures what a million waiting records change: claims, ingest, the time until an urgent record leaves,
// the time until serve is ready, and the memory of serve and of a load of a million rows. It runs on Linux.
//
//	cd bench && go run ./growth            about 4 minutes
//	cd bench && go run ./growth -many 100000
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

var (
	few     = flag.Int("few", 10_000, "records that wait in the small ledger")
	many    = flag.Int("many", 1_000_000, "records that wait in the large one, and rows of the file")
	length  = flag.Duration("for", 3*time.Second, "how long each round lasts")
	rounds  = flag.Int("rounds", 3, "how many rounds; the median counts")
	profile = flag.String("profile", "", "write CPU profiles of the claims to files of this name, .0 for few and .1 for many")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	dir, err := os.MkdirTemp(".", ".growth-*") // on the disk of the checkout: /tmp may be memory
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.Abs(dir); err != nil {
		log.Fatal(err)
	}
	large := rates(dir)
	urgent(large)

	binary := filepath.Join(dir, "claygate")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd/claygate")
	build.Dir = ".." // the module that this one measures
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		log.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("the binary, static and stripped: %.1f MB\n", float64(info.Size())/1e6)
	serve(binary, filepath.Join(dir, "empty.db"), "an empty ledger")
	serve(binary, large, fmt.Sprintf("a ledger in which %d wait", *many))
	file(binary, dir)
}
