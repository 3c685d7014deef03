package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

// Every callback is kept as it came: matched or not, also one whose result is refused or brings nothing new.
func TestCallbacksAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s := mustOpen(t, path)
	sub, unknown := newSub(), newSub()
	accept(t, s, sub)
	callback := func(id ledger.RecordID, fields string) ledger.Entry {
		return ledger.Entry{
			Record: id, Event: ledger.Result{Attempt: 2, Fields: []byte(fields)},
			Callback: &ledger.Callback{Target: "people", Body: []byte("body " + fields)},
		}
	}
	got, err := s.Apply(t.Context(), []ledger.Entry{
		callback(sub.ID, `[]`), callback(sub.ID, `{"a":1}`), callback(sub.ID, `{"a":1}`), callback(unknown.ID, `{"a":1}`),
		{Record: sub.ID, Event: ledger.Tick{}}, // not brought by a callback
	})
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, ledger.Invalid, got[0].Err)
	wantKind(t, ledger.NotFound, got[3].Err)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	type kept struct {
		Target, Body string
		Attempt      int
		Matched      bool
		Record       ledger.RecordID
	}
	rows, err := raw(t, path).Query(`SELECT target, body, attempt, matched, record FROM callbacks ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []kept
	for rows.Next() {
		var k kept
		var record []byte
		if err := rows.Scan(&k.Target, &k.Body, &k.Attempt, &k.Matched, &record); err != nil {
			t.Fatal(err)
		}
		k.Record = ledger.RecordID(record)
		all = append(all, k)
	}
	want := []kept{
		{"people", `body []`, 2, true, sub.ID}, {"people", `body {"a":1}`, 2, true, sub.ID},
		{"people", `body {"a":1}`, 2, true, sub.ID}, {"people", `body {"a":1}`, 2, false, unknown.ID},
	}
	if diff := cmp.Diff(want, all); diff != "" || rows.Err() != nil {
		t.Errorf("-want +got\n%s, error %v", diff, rows.Err())
	}
}
