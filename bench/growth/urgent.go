package main

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/claygate/claygate/bench/load"
	"github.com/claygate/claygate/internal/app"
)

// arrived tells when each urgent record came to Clay.
var arrived = make(chan time.Time, 100)

// clay stands in for Clay: it takes every row.
var clay = sync.OnceValue(func() string {
	address, _ := load.Serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if text, _ := io.ReadAll(r.Body); strings.Contains(string(text), "urgent") {
			arrived <- time.Now()
		}
	}))
	return address
})

// urgent hands in records that somebody waits for while very many wait at Clay's own pace, and measures the time until each
// arrives at Clay.
func urgent(path string) {
	a, err := app.Open(background, app.Config{
		Ledger: path, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
		Targets: []app.Target{{Name: target, NoResults: true, Webhooks: []app.Webhook{{URL: "http://" + clay() + "/hook", Limit: -1}}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	a.Start(0)
	time.Sleep(2 * time.Second) // the burst is over, and the pace holds
	var took []time.Duration
	for i := range 10 {
		began := time.Now()
		conn := load.Dial(a.APIAddr())
		body := fmt.Sprintf(`{"fields":{"email":"urgent%d@company.example"},"priority":5}`, i)
		if status := conn.Exchange(load.Post("/v1/targets/"+target+"/records", a.APIAddr(), "", body)); status != http.StatusAccepted {
			log.Fatalf("answered %d", status)
		}
		conn.Close()
		took = append(took, (<-arrived).Sub(began))
	}
	slices.Sort(took)
	fmt.Printf("with %d waiting at 10 a second, an urgent record leaves after %s at the median, %s at most\n", *many,
		took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
	if err := a.Stop(background); err != nil {
		log.Fatal(err)
	}
	if err := a.Close(); err != nil {
		log.Fatal(err)
	}
}
