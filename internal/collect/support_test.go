package collect

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3/driver"
	"go.uber.org/goleak"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	target = "people"
	secret = "s3cret-canary"
)

// desk is a callback handler on a real ledger.
type desk struct {
	*Callbacks
	store   ledger.Store
	tickets ledger.Tickets
	path    string
	log     *strings.Builder
}

// newDesk opens a ledger and a handler on it. Change may put something else in place first.
func newDesk(t testing.TB, change ...func(*Options)) *desk {
	t.Helper()
	d := &desk{path: filepath.Join(t.TempDir(), "ledger.db"), log: &strings.Builder{}}
	catalog := ledger.NewCatalog([]ledger.Target{{Name: target, Lane: "main/webhook"}}, nil)
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: d.path, Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	d.store, d.tickets = store, ledger.NewTickets([]byte("of this ledger"))
	o := Options{
		Store: store, Tickets: d.tickets, Targets: []Target{{Name: target}},
		Log: slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&o)
	}
	d.Callbacks = New(o)
	return d
}

// sent takes a record in and claims it, as if it were on its way to Clay, and returns its ticket.
func (d *desk) sent(t testing.TB, fields string) (ledger.RecordID, string) {
	t.Helper()
	id := ledger.RecordID{1, 2, 3}
	_, err := d.store.Accept(t.Context(), []ledger.Submission{{ID: id, Target: target, Fields: json.RawMessage(fields), Await: true}})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := d.store.Claim(t.Context(), ledger.Want{Lane: "main/webhook", Max: 1})
	if err != nil || len(claims.Work) != 1 {
		t.Fatalf("claimed %d records: %v", len(claims.Work), err)
	}
	return id, d.tickets.Sign(ledger.Ticket{Record: id, Attempt: 1})
}

// post sends a callback in and returns the answer.
func (d *desk) post(body string, header ...string) *httptest.ResponseRecorder {
	return d.do(httptest.NewRequest(http.MethodPost, CallbackPath+target, strings.NewReader(body)), header...)
}

func (d *desk) do(r *http.Request, header ...string) *httptest.ResponseRecorder {
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

// record reads a record back.
func (d *desk) record(t testing.TB, id ledger.RecordID) ledger.Record {
	t.Helper()
	records, err := d.store.Records(t.Context(), []ledger.RecordID{id})
	if err != nil || len(records) != 1 {
		t.Fatalf("found %d records: %v", len(records), err)
	}
	return records[0]
}

// kept returns the callbacks in the ledger's file, and whether each matched. It closes the ledger.
func (d *desk) kept(t testing.TB) (bodies []string, matched []bool) {
	t.Helper()
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := driver.Open("file:" + d.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT body, matched FROM callbacks ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer func(rows *sql.Rows) { _ = rows.Close() }(rows)
	for rows.Next() {
		var body []byte
		var match bool
		if err := rows.Scan(&body, &match); err != nil {
			t.Fatal(err)
		}
		bodies, matched = append(bodies, string(body)), append(matched, match)
	}
	return bodies, matched
}

// eventsFunc lets a test play the ledger.
type eventsFunc func(ctx context.Context, entries []ledger.Entry) ([]ledger.Applied, error)

func (f eventsFunc) Apply(ctx context.Context, entries []ledger.Entry) ([]ledger.Applied, error) {
	return f(ctx, entries)
}

// Records knows of none.
func (f eventsFunc) Records(context.Context, []ledger.RecordID) ([]ledger.Record, error) {
	return nil, nil
}
