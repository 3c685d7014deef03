// Command routine measures what records of a routine cost: runs and calls, counted at an emulated Clay in a process of its
// own, and this process's memory. Inline and in bulk, each in a process of its own.
//
//	cd bench && go run ./routine
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/ledger"
)

var (
	records   = flag.Int("records", 100_000, "how many records go in bulk; a tenth of them goes inline")
	perSecond = flag.Float64("pace", 20, "calls a second that the lane allows itself")
	role      = flag.String("role", "", "what this process is: clay, inline or bulk; empty starts them all")
	clayURL   = flag.String("clay", "", "where the emulated Clay is")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	switch *role {
	case "clay":
		emulate()
	case "inline":
		measure(*records/10, ledger.RunPolicy{BulkFrom: -1})
	case "bulk":
		measure(*records, ledger.RunPolicy{})
	default:
		for _, role := range []string{"inline", "bulk"} {
			compare(role)
		}
	}
}

// compare runs one role against a Clay of its own.
func compare(role string) {
	server := child("-role", "clay")
	out, err := server.StdoutPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		log.Fatal(err)
	}
	run := child("-role", role, "-clay", strings.TrimSpace(url), "-records", fmt.Sprint(*records), "-pace", fmt.Sprint(*perSecond))
	run.Stdout = os.Stdout
	if err := run.Run(); err != nil {
		log.Fatal(err)
	}
}

func child(args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Stderr = os.Stderr
	return c
}

// emulate is a Clay whose runs take one to five seconds.
func emulate() {
	s, err := claytest.Start(claytest.Options{Misses: -1, PublicAPI: claytest.PublicAPI{PerSecond: -1, Credits: -1}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.URL())
	select {}
}

// measure takes records in, waits for their results and tells what that took.
func measure(n int, runs ledger.RunPolicy) {
	dir, err := os.MkdirTemp(".", ".routine-*") // on the disk of the checkout: /tmp may be memory
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	a, err := app.Open(context.Background(), app.Config{
		Ledger:    filepath.Join(dir, "ledger.db"),
		PublicAPI: map[string]app.PublicAPI{"main": {Key: "key", BaseURL: *clayURL, Pace: ledger.Pace{PerSecond: *perSecond, Burst: 5}}},
		Targets:   []app.Target{{Name: "people", Routine: &app.Routine{ID: "function:t_1", Runs: runs}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	load := take(a, n)
	before := peak()
	began := time.Now()
	a.Start(load)
	wait(a, load, n)
	st := stats()
	fmt.Printf("%-6s %7d records: %4d runs, %4d calls, %5.1f s; %d MB at most (%d MB after taking them in)\n",
		*role, n, st.Runs, st.Requests, time.Since(began).Seconds(), peak(), before)
	if err := a.Stop(context.Background()); err != nil {
		log.Fatal(err)
	}
	if err := a.Close(); err != nil {
		log.Fatal(err)
	}
}

func take(a *app.App, n int) ledger.LoadID {
	load, err := a.Ledger.Load(context.Background(), ledger.Load{Target: "people", Name: "bench"})
	if err != nil {
		log.Fatal(err)
	}
	maker := a.Intake.Load("people", load)
	for from := 0; from < n; from += 500 {
		var subs []ledger.Submission
		for i := range min(500, n-from) {
			s, err := maker.Submission(fmt.Appendf(nil, `{"email":"jo.doe%d@leads.example","name":"Jo Doe","note":"a record of an ordinary length"}`, from+i))
			if err != nil {
				log.Fatal(err)
			}
			s.Await = true
			subs = append(subs, s)
		}
		if _, err := a.Intake.Accept(context.Background(), subs); err != nil {
			log.Fatal(err)
		}
	}
	return load
}

func wait(a *app.App, load ledger.LoadID, n int) {
	moved, cancel := a.Hub.Subscribe(load)
	defer cancel()
	for {
		counts, err := a.Ledger.LoadCounts(context.Background(), load)
		if err != nil {
			log.Fatal(err)
		}
		if counts.In(ledger.Done) == n {
			return
		}
		<-moved
	}
}

func stats() (st claytest.Stats) {
	resp, err := http.Get(*clayURL + claytest.ControlPath + "state")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&st); err != nil {
		log.Fatal(err)
	}
	return st
}

// peak returns the largest resident set so far, in MB; 0 where the system does not tell.
func peak() (mb int) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kb int
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		return 0
	}
	return kb / 1024
}
