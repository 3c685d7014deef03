// Command pace measures how much of Clay's limit is used, and what is lost on the way: claygate beside the reference
// document's client, each against an emulated Clay of its own with the documented limit (10 requests a second, bursts
// of 20, what comes faster is dropped).
//
//	cd bench && go run ./pace            60 s, both sides at once
//	cd bench && go run ./pace -for 10s   a shorter look
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/ledger"
)

const limit = 10 // requests a second, Clay's documented limit

// side is one contestant against its own emulator.
type side struct {
	name    string
	latency time.Duration
	send    func(ctx context.Context, url string) (lost int, err error)
}

func main() {
	length := flag.Duration("for", 60*time.Second, "how long to measure")
	flag.Parse()
	log.SetFlags(0)
	sides := []side{
		{"claygate", 0, claygate}, {"reference client", 0, reference(1)},
		{"claygate", 150 * time.Millisecond, claygate}, {"reference client", 150 * time.Millisecond, reference(1)},
		{"reference client, 16 at once", 0, reference(16)},
	}
	rows := make([]string, len(sides))
	var group sync.WaitGroup
	for i, s := range sides {
		group.Go(func() { rows[i] = measure(s, *length) })
	}
	group.Wait()
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "sender\tlatency\trows stored\trows/s\tof the limit\t429 answers\trows lost\t\n")
	for _, row := range rows {
		fmt.Fprintln(out, row)
	}
	out.Flush()
}

// measure runs a side and counts what the emulator stored in the window that begins one second after the first
// request, when the burst is over.
func measure(s side, length time.Duration) string {
	options := claytest.Options{Keep: -1}
	if s.latency > 0 {
		options.Faults = []claytest.Fault{{Kind: claytest.Slow, Latency: s.latency}}
	}
	server, err := claytest.Start(options)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), length+2*time.Second)
	defer cancel()
	lost, err := s.send(ctx, server.WebhookURL("people"))
	if err != nil {
		log.Fatalf("%s: %v", s.name, err)
	}
	requests := server.Requests()
	if len(requests) == 0 {
		log.Fatalf("%s: no request arrived", s.name)
	}
	from := requests[0].At.Add(time.Second)
	stored, throttled := 0, 0
	for _, r := range requests {
		if r.At.Before(from) || r.At.After(from.Add(length)) {
			continue
		}
		switch r.Status {
		case http.StatusOK:
			stored++
		case http.StatusTooManyRequests:
			throttled++
		}
	}
	rate := float64(stored) / length.Seconds()
	return fmt.Sprintf("%s\t%s\t%d\t%.2f\t%.1f %%\t%d\t%d\t",
		s.name, s.latency, stored, rate, 100*rate/limit, throttled, lost)
}

// claygate sends through the whole engine: ledger, lane, driver. Lost is what is neither done nor waiting in the
// ledger at the end.
func claygate(ctx context.Context, url string) (lost int, err error) {
	dir, err := os.MkdirTemp("", "claygate-bench-*")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	a, err := app.Open(ctx, app.Config{
		Ledger:  filepath.Join(dir, "ledger.db"),
		Targets: []app.Target{{Name: "people", Webhooks: []app.Webhook{{URL: url}}}},
	})
	if err != nil {
		return 0, err
	}
	defer a.Close()
	batch := make([]ledger.Submission, 1000)
	for i := range batch {
		if batch[i], err = a.Intake.Submission("people", row(i)); err != nil {
			return 0, err
		}
	}
	if _, err := a.Intake.Accept(ctx, batch); err != nil {
		return 0, err
	}
	a.Start(0)
	<-ctx.Done()
	after := context.Background()
	stop, cancel := context.WithTimeout(after, 5*time.Second)
	defer cancel()
	if err := a.Stop(stop); err != nil {
		return 0, err
	}
	status, err := a.Ledger.TargetStatus(after, "people")
	return len(batch) - status.Counts.In(ledger.Done, ledger.Queued), err
}

func row(i int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"email":"person%d@company%d.example","row":%d}`, i, i, i))
}
