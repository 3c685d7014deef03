package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// idle measures what a replica of many workspaces does while nothing happens: how soon it is ready, its CPU, and the
// transactions that it asks of the database.
func idle(c *pgtest.Cluster, dir, binary string) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	address := free.Addr().String()
	must(free.Close())
	var text strings.Builder
	text.WriteString("ledger: env:LEDGER\nallow_insecure: true\nlisten: " + address + "\ncallback_listen: 127.0.0.1:0\nworkspaces:\n")
	for i := range *workspaces {
		fmt.Fprintf(&text, "  w%d: {tables: {people: {awaits_result: false, webhooks: [{url: \"env:WEBHOOK%d\"}]}}}\n", i, i)
	}
	config := filepath.Join(dir, "many.yaml")
	must(os.WriteFile(config, []byte(text.String()), 0o600))
	dsn := database(c)
	cmd := exec.Command(binary, "serve", "--config", config)
	cmd.Env = []string{"HOME=" + dir, "LEDGER=" + dsn}
	for i := range *workspaces {
		cmd.Env = append(cmd.Env, fmt.Sprintf("WEBHOOK%d=http://127.0.0.1:9/%d", i, i))
	}
	began := time.Now()
	must(cmd.Start())
	for status := 0; status != http.StatusOK; time.Sleep(10 * time.Millisecond) {
		if res, err := http.Get("http://" + address + "/readyz"); err == nil {
			status = res.StatusCode
			_ = res.Body.Close()
		}
	}
	ready := time.Since(began)
	time.Sleep(5 * time.Second)
	before := commits(dsn)
	const watched = 20 * time.Second
	time.Sleep(watched)
	after := commits(dsn)
	must(cmd.Process.Signal(os.Interrupt))
	_ = cmd.Wait()
	fmt.Printf("a replica of %d workspaces: ready after %s; idle, %.1f transactions a second; %s of CPU over %s in all\n", *workspaces,
		ready.Round(time.Millisecond), float64(after-before)/watched.Seconds(), (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Round(10*time.Millisecond),
		time.Since(began).Round(time.Second))
}

// commits is how many transactions a database has seen.
func commits(dsn string) (n int64) {
	conn, err := pgx.Connect(background, dsn)
	must(err)
	defer conn.Close(background)
	must(conn.QueryRow(background, `SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()`).Scan(&n))
	return n
}
