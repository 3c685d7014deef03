package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// Two replicas share a database: what one takes in either may send, and whoever waits at one is told when the other hears of
// the result.
func TestReplicas(t *testing.T) {
	log := &bytes.Buffer{}
	dsn := pgtest.Shared(t).Database(t)
	people := Target{Name: "people"}
	s := serveWith(t, func(s *service) Config {
		c := s.config("", people)
		c.Database = dsn
		c.Socket, c.Log = true, slog.New(slog.NewTextHandler(log, nil)) // there is no socket beside a database
		return c
	})
	second := s.config("", people)
	second.Database = dsn
	other := &service{T: t, App: open(t, second), rows: s.rows, client: s.client}
	other.Start(0)
	for range 10 {
		waited := make(chan map[string]any, 1)
		go func() { waited <- s.submit("people/records?wait=60s", map[string]any{"email": "ada@example.com"}) }()
		row := s.row()
		other.callback(row, map[string]any{"title": "Countess"})
		if record := <-waited; record["state"] != "done" || record["result"].(map[string]any)["title"] != "Countess" {
			t.Fatalf("the caller who waited got %v", record)
		}
	}
	if status, err := other.Ledger.TargetStatus(t.Context(), "people"); err != nil || status.Counts["done"] != 10 || status.Counts.Total() != 10 {
		t.Errorf("the other counts %v, %v", status.Counts, err)
	}
	if strings.Contains(log.String(), pgtest.Password) {
		t.Error("the log shows the database's password")
	}
}
