package sqlite

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/claygate/claygate/internal/ledger"
)

// Whatever was known of a person is in none of the ledger's files once the erasure has ended, while others' is.
func TestErasedOnRequestIsInNoFile(t *testing.T) {
	folder := t.TempDir()
	s := openPruned(t, filepath.Join(folder, "ledger.db"))
	key := ledger.Digest{1}
	for i := range 20 {
		plant(t, s, key, i)
	}
	kept := ledger.Submission{ID: ledger.RecordID(uuid.Must(uuid.NewV7())), Target: "people", Fields: []byte(`{"email":"bystander@example.com"}`)}
	if _, err := s.Accept(t.Context(), []ledger.Submission{kept}); err != nil {
		t.Fatal(err)
	}
	for _, canary := range canaries {
		if len(filesWith(t, folder, canary)) == 0 {
			t.Fatalf("%s is not there before", canary)
		}
	}
	loose, err := s.Loose(t.Context(), ledger.LooseID{}, 100)
	if err != nil || len(loose) != 20 {
		t.Fatal(len(loose), err)
	}
	what := ledger.Erasure{Keys: []ledger.Digest{key}}
	for _, l := range loose {
		what.Loose = append(what.Loose, l.ID)
	}
	for more := true; more; {
		step, err := s.Erase(t.Context(), what)
		if err != nil {
			t.Fatal(err)
		}
		more = step.More
	}
	for _, canary := range canaries {
		if files := filesWith(t, folder, canary); len(files) > 0 {
			t.Errorf("%s is still in %v", canary, files)
		}
	}
	if len(filesWith(t, folder, "bystander")) == 0 {
		t.Error("what was not to be erased is gone")
	}
}

// canaries stand for what each part of a record holds of a person.
var canaries = []string{"in-the-fields", "in-the-metadata", "in-the-result", "in-the-callback", "in-the-excerpt", "in-the-hook", "in-the-stray", "in-the-reason"}

// plant brings a record of a key to its result, with a canary wherever something of a person may be kept.
func plant(t *testing.T, s *Store, key ledger.Digest, i int) {
	t.Helper()
	large := strings.Repeat("x", i*500) // so that some bodies fill pages of their own
	id := ledger.RecordID(uuid.Must(uuid.NewV7()))
	_, err := s.Accept(t.Context(), []ledger.Submission{{
		ID: id, Target: "people", Await: true, Key: key, Fields: fmt.Appendf(nil, `{"email":"in-the-fields","about":%q}`, large),
		Metadata: []byte(`{"crm":"in-the-metadata"}`), CallbackURL: "https://example.com/in-the-hook", MaxAge: new(time.Duration(0)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim(t.Context(), ledger.Want{Lane: "main/webhook", Max: 1}); err != nil {
		t.Fatal(err)
	}
	answer := ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Rejected, Excerpt: "in-the-excerpt", Reason: "in-the-reason"}
	entries := []ledger.Entry{{Record: id, Event: answer}}
	if i%2 == 0 {
		entries = append(entries, ledger.Entry{Record: id, Event: ledger.Result{Attempt: 1, Fields: []byte(`{"title":"in-the-result"}`)},
			Callback: &ledger.Callback{Target: "people", Body: []byte(`{"title":"in-the-callback"}`)}})
	}
	entries = append(entries, ledger.Entry{Record: ledger.RecordID{1}, Event: ledger.Result{},
		Callback: &ledger.Callback{Target: "people", Body: []byte(`{"email":"in-the-stray"}`)}})
	if _, err := s.Apply(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
}

// filesWith returns the names of the files in a folder that hold a text.
func filesWith(t *testing.T, folder, text string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		content, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(text)) {
			names = append(names, f.Name())
		}
	}
	return names
}

// While somebody reads the log it cannot be emptied: whoever erases is told so, and the same request mends it.
func TestErasingSaysThatTheLogIsBeingRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s := openPruned(t, path)
	if _, err := s.checkpoint.Exec(`PRAGMA busy_timeout=1`); err != nil {
		t.Fatal(err)
	}
	id := acceptAndEnd(t, s, []byte(`{"email":"in-the-fields"}`))
	reader, err := s.read.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRowContext(t.Context(), `SELECT count(*) FROM records`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	what := ledger.Erasure{Records: []ledger.RecordID{id}}
	if _, err := s.Erase(t.Context(), what); ledger.KindOf(err) != ledger.Busy {
		t.Errorf("error %v, want one of kind %s", err, ledger.Busy)
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Erase(t.Context(), what); err != nil {
		t.Fatal(err)
	}
	if where := found(t, path, "in-the-fields"); where != "" {
		t.Errorf("it is still in the %s", where)
	}
}

// Each step looked at every record of the ledger, or sorted them.
func TestErasingIsAnsweredFromIndices(t *testing.T) {
	s := openPruned(t, filepath.Join(t.TempDir(), "ledger.db"))
	for query, args := range map[string][]any{ofKey: {[]byte("k"), 1}, ofTarget: {"people", []byte("i"), 1}} {
		for _, step := range planOf(t, s, query, args) {
			if strings.HasPrefix(step, "SCAN") || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s: %s", query, step)
			}
		}
	}
}

// A step whose time ended between two looks at the clock passed records over, and said that they were done.
func TestErasingPassesNothingOver(t *testing.T) {
	s := openPruned(t, filepath.Join(t.TempDir(), "ledger.db"))
	var ids []ledger.RecordID
	for range 10 {
		ids = append(ids, acceptAndEnd(t, s, []byte(`{}`)))
	}
	var done ledger.Erased
	looks := 0
	err := s.do(t.Context(), "erase", func(t *tx) error {
		step := eraser{tx: t, late: func() bool { looks++; return looks%4 == 0 }}
		err := step.all(ledger.Erasure{Target: "people"})
		done = step.done
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	records, err := s.Records(t.Context(), ids)
	if err != nil || !done.More {
		t.Fatal(done, err)
	}
	for _, r := range records {
		if passed := bytes.Compare(r.ID[:], done.Next[:]) <= 0; passed != r.Erased {
			t.Errorf("record %s: passed %t, erased %t", r.ID, passed, r.Erased)
		}
	}
}
