package sqlite

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/claygate/claygate/internal/ledger"
)

// What was erased was still in the file, or in the log, for whoever read their bytes.
func TestErasedBytesAreGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s := openPruned(t, path)
	const canary = "countess-of-lovelace"
	large := strings.Repeat(canary+" ", 1000) // fills pages of its own
	for range 50 {
		id := acceptAndEnd(t, s, fmt.Appendf(nil, `{"email":%q,"bio":%q}`, canary, large))
		deliver(t, s, id, fmt.Appendf(nil, `{"title":%q}`, canary))
		deliver(t, s, id, fmt.Appendf(nil, `{"title":%q,"bio":%q}`, canary, large))
	}
	if found(t, path, canary) == "" {
		t.Fatal("it is not there before")
	}
	pruneNow(t, s)
	if where := found(t, path, canary); where != "" {
		t.Errorf("it is still in the %s", where)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if where := found(t, path, canary); where != "" {
		t.Errorf("closed, it is still in the %s", where)
	}
}

// Those who write beside it wait for one short step, not for all.
func TestPruningIsDoneInShortSteps(t *testing.T) {
	s := openPruned(t, filepath.Join(t.TempDir(), "ledger.db"))
	for range 40 {
		acceptAndEnd(t, s, slices.Repeat([][]byte{[]byte(`{"email":"ada@example.com","about":"` + strings.Repeat("x", 500) + `"}`)}, 100)...)
	}
	var took []time.Duration
	for more := true; more; {
		start := time.Now()
		p, err := s.Prune(t.Context(), ledger.Retention{Bodies: 1, Metadata: 1})
		if err != nil {
			t.Fatal(err)
		}
		more = p.More
		if more { // the last one empties the log too
			took = append(took, time.Since(start))
		}
	}
	slices.Sort(took)
	t.Logf("%d steps, median %s, longest %s", len(took), took[len(took)/2], took[len(took)-1])
	if median := took[len(took)/2]; median > 100*time.Millisecond { // five times what they are meant to take: the machine is shared
		t.Errorf("half of the steps take longer than %s", median)
	}
}

func openPruned(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Path: path, Catalog: ledger.NewCatalog([]ledger.Target{{Name: "people", Lane: "main/webhook"}}, nil)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// acceptAndEnd takes records in and cancels them; it returns the last.
func acceptAndEnd(t *testing.T, s *Store, fields ...[]byte) (id ledger.RecordID) {
	t.Helper()
	var subs []ledger.Submission
	var cancels []ledger.Entry
	for _, f := range fields {
		id = ledger.RecordID(uuid.Must(uuid.NewV7()))
		subs = append(subs, ledger.Submission{ID: id, Target: "people", Await: true, Fields: f})
		cancels = append(cancels, ledger.Entry{Record: id, Event: ledger.Cancel{}})
	}
	if _, err := s.Accept(t.Context(), subs); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(t.Context(), cancels); err != nil {
		t.Fatal(err)
	}
	return id
}

func deliver(t *testing.T, s *Store, id ledger.RecordID, body []byte) {
	t.Helper()
	got, err := s.Apply(t.Context(), []ledger.Entry{{
		Record: id, Event: ledger.Result{Fields: body}, Callback: &ledger.Callback{Target: "people", Body: body},
	}})
	if err != nil || got[0].Err != nil {
		t.Fatal(err, got)
	}
}

// pruneNow erases everything that has ended.
func pruneNow(t *testing.T, s *Store) {
	t.Helper()
	for more := true; more; {
		p, err := s.Prune(t.Context(), ledger.Retention{Bodies: 1})
		if err != nil {
			t.Fatal(err)
		}
		more = p.More
	}
}

// found says in which of a ledger's files a text is, "" for none.
func found(t *testing.T, path, text string) string {
	t.Helper()
	for _, name := range []string{path, path + "-wal"} {
		content, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(text)) {
			return filepath.Base(name)
		}
	}
	return ""
}

// Each step looked at every record.
func TestPruningIsAnsweredFromAnIndex(t *testing.T) {
	s := openPruned(t, filepath.Join(t.TempDir(), "ledger.db"))
	for _, query := range []string{toErase, toRemove} {
		plan := planOf(t, s, query, []any{1, 1})
		if len(plan) != 1 || plan[0] != "SEARCH records USING COVERING INDEX records_ended (erased=? AND ended_at<?)" {
			t.Errorf("%s: %q", query, plan)
		}
	}
}
