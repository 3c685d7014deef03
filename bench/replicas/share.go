package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/claygate/claygate/bench/load"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// share measures how much of Clay's limit three processes use together, and whether any request comes too fast.
func share(c *pgtest.Cluster, dir, binary string) {
	clay, err := claytest.Start(claytest.Options{Keep: -1})
	must(err)
	defer clay.Close()
	config := filepath.Join(dir, "claygate.yaml")
	must(os.WriteFile(config, []byte("ledger: env:LEDGER\nallow_insecure: true\nlisten: 127.0.0.1:0\ncallback_listen: 127.0.0.1:0\n"+
		"workspaces: {main: {tables: {people: {awaits_result: false, webhooks: [{url: env:WEBHOOK}]}}}}\n"), 0o600))
	dsn := database(c)
	store, _ := open(dsn)
	defer store.Close()
	fill(store, int(limit.Seconds()+30)*10)
	for range 3 {
		cmd := exec.Command(binary, "serve", "--config", config)
		cmd.Env = []string{"HOME=" + dir, "LEDGER=" + dsn, "WEBHOOK=" + clay.WebhookURL("people")}
		must(cmd.Start())
		defer func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}()
	}
	for len(clay.Requests()) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	from := clay.Requests()[0].At.Add(5 * time.Second) // when all of them are there, and the burst is over
	time.Sleep(time.Until(from.Add(*limit)))
	stored, throttled := 0, 0
	for _, r := range clay.Requests() {
		switch {
		case r.At.Before(from) || r.At.After(from.Add(*limit)):
		case r.Status == http.StatusOK:
			stored++
		case r.Status == http.StatusTooManyRequests:
			throttled++
		}
	}
	rate := float64(stored) / limit.Seconds()
	fmt.Printf("three processes: %.2f rows/s, %.1f %% of Clay's limit, %d answers 429; CPU of this program %s\n",
		rate, 100*rate/claytest.DefaultPerSecond, throttled, load.CPU().Round(time.Second))
}
