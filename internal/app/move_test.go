package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

var moving = ledger.NewCatalog([]ledger.Target{{
	Name: "people", Lane: "main/webhook", ResultTimeout: time.Hour, Forward: []ledger.Outlet{{Destination: "crm"}},
}}, nil)

// filled makes a ledger with records in several states, and returns its path and their IDs.
func filled(t *testing.T, n int) (path string, ids []ledger.RecordID) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "ledger.db")
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Catalog: moving})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	load, err := s.Load(t.Context(), ledger.Load{Target: "people", Name: "leads.csv"})
	must(t, err)
	var subs []ledger.Submission
	var results []ledger.Entry
	for i := range n {
		sub := ledger.Submission{
			ID: ledger.RecordID(uuid.Must(uuid.NewV7())), Target: "people", Await: true, Load: load, Work: ledger.Digest{byte(i), byte(i >> 8), 1},
			Key: ledger.Digest{byte(i), byte(i >> 8), 2}, Fields: fmt.Appendf(nil, `{"email":"%d@example.com","odd":"\u0000é"}`, i), Metadata: []byte(`{"n":1}`),
		}
		subs, ids = append(subs, sub), append(ids, sub.ID)
		if i%3 == 0 {
			results = append(results, ledger.Entry{
				Record: sub.ID, Event: ledger.Result{Fields: []byte(`{"title":"Countess"}`)}, Callback: &ledger.Callback{Target: "people", Body: []byte("{\x00}")},
			})
		}
	}
	_, err = s.Accept(t.Context(), subs)
	must(t, err)
	_, err = s.Claim(t.Context(), ledger.Want{Lane: "main/webhook", Max: 5})
	must(t, err)
	_, err = s.Apply(t.Context(), results)
	must(t, err)
	_, err = s.Secret(t.Context(), "ticket")
	must(t, err)
	must(t, s.Bind(t.Context(), "https://api.clay.com")) // which comes before what marks a ledger that is being copied
	must(t, s.AddKey(t.Context(), ledger.APIKey{ID: "key_1", Name: "crm", Scopes: []ledger.Scope{ledger.ScopeSend}, Hash: [32]byte{7}}))
	must(t, s.Disable(t.Context(), "crm", "410"))
	return path, ids
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// facts are what a ledger says of its records.
func facts(t *testing.T, s ledger.Store, ids []ledger.RecordID) any {
	t.Helper()
	records, err := s.Records(t.Context(), ids)
	must(t, err)
	for i := range records {
		records[i].SinceDone, records[i].SinceSend = 0, 0
	}
	status, err := s.TargetStatus(t.Context(), "people")
	must(t, err)
	counts := map[ledger.Count]int{}
	for name, n := range status.Counts {
		if n != 0 {
			counts[name] = n
		}
	}
	secret, err := s.Secret(t.Context(), "ticket")
	must(t, err)
	keys, err := s.Keys(t.Context())
	must(t, err)
	destinations, err := s.Destinations(t.Context())
	must(t, err)
	attempts, err := s.Attempts(t.Context(), ids[0])
	must(t, err)
	return []any{records, counts, secret, keys, destinations, attempts}
}

// All that a ledger knows is in the database, which then works, and the file sends nothing more.
func TestCopyLedger(t *testing.T) {
	cluster := pgtest.Shared(t)
	dsn := cluster.Database(t)
	path, ids := filled(t, 3*page/2)
	move := Move{From: path, To: dsn, Name: "postgres://here/db"}

	interrupted, cancel := context.WithCancel(t.Context())
	broken := move
	broken.Tell = func(table string, rows int) {
		if table == "records" {
			cancel()
		}
	}
	if _, err := CopyLedger(interrupted, broken); !errors.Is(err, context.Canceled) {
		t.Fatalf("broken off: %v", err)
	}
	if _, err := postgres.Open(t.Context(), postgres.Options{DSN: dsn}); ledger.KindOf(err) != ledger.Busy {
		t.Errorf("half a ledger was opened: %v", err)
	}
	done, err := CopyLedger(t.Context(), move)
	must(t, err)
	rows := map[string]int{}
	for _, m := range done {
		rows[m.Table] = m.Rows
	}
	if rows["records"] != len(ids) || rows["callbacks"] != len(ids)/3 || rows["settings"] == 0 {
		t.Errorf("it says that it copied %v", rows)
	}

	before, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Catalog: moving})
	must(t, err)
	defer before.Close()
	after, err := postgres.Open(t.Context(), postgres.Options{DSN: dsn, Catalog: moving})
	must(t, err)
	defer after.Close()
	if diff := cmp.Diff(facts(t, before, ids), facts(t, after, ids)); diff != "" {
		t.Errorf("-file +database\n%.3000s", diff)
	}
	stopped, err := before.Stopped(t.Context())
	if err != nil || !strings.Contains(stopped.Of("main"), "postgres://here/db") {
		t.Errorf("the file's ledger is stopped: %v, %v", stopped, err)
	}
	if stopped, err = after.Stopped(t.Context()); err != nil || stopped.Of("main") != "" {
		t.Errorf("the database's is stopped: %v, %v", stopped, err)
	}
	claims, err := after.Claim(t.Context(), ledger.Want{Lane: "main/webhook", Max: 3})
	if err != nil || len(claims.Work) != 3 {
		t.Errorf("it claims %d, %v", len(claims.Work), err)
	}
	if _, err := after.Load(t.Context(), ledger.Load{Target: "people", Name: "other.csv"}); err != nil {
		t.Error(err)
	}
}

// What is not the same, or belongs to something else, is refused.
func TestCopyLedgerRefuses(t *testing.T) {
	cluster := pgtest.Shared(t)
	path, _ := filled(t, 10)
	other, _ := filled(t, 10)
	used, begun := cluster.Database(t), cluster.Database(t)
	store, err := postgres.Open(t.Context(), postgres.Options{DSN: used})
	must(t, err)
	_, err = store.Secret(t.Context(), "ticket")
	must(t, errors.Join(err, store.Close()))
	ctx, cancel := context.WithCancel(t.Context())
	_, err = CopyLedger(ctx, Move{From: path, To: begun, Tell: func(string, int) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	cluster.SQL(t, begun, "DELETE FROM attempts; INSERT INTO usual VALUES ('canary', 'x', 1)")
	for name, m := range map[string]Move{
		"a database that is used":    {From: path, To: used},
		"another ledger's beginning": {From: other, To: begun},
		"somebody wrote to it":       {From: path, To: begun},
	} {
		if _, err := CopyLedger(t.Context(), m); ledger.KindOf(err) != ledger.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	open, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	must(t, err)
	defer open.Close()
	if _, err := CopyLedger(t.Context(), Move{From: path, To: begun}); ledger.KindOf(err) != ledger.Busy {
		t.Errorf("a ledger in use: %v", err)
	}
}
